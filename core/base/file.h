/* file.h - small files, read whole and replaced whole; directories made whole. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_FILE_H
#define BP_BASE_FILE_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

/* A signal, also one that only stopped the program for a while, may end a call
 * that takes its time; then it is made again.  -1 and errno otherwise. */
#define retry(call)							\
	({								\
		__typeof__(call) r_;					\
									\
		do							\
			r_ = (call);					\
		while (r_ < 0 && errno == EINTR);			\
		r_;							\
	})

/* Read all of dirfd/name into a NUL-terminated buffer the caller frees.  More
 * than max bytes is an error, found before they are read; a file that is not
 * regular is read to its end under the same limit.  Links are followed. */
int file_read(int dirfd, const char *name, size_t max,
	      char **ret_text, size_t *ret_len, struct bp_error *err);

/* Make dirfd/name hold exactly these bytes.  Whoever looks, and whenever the
 * machine stops, sees either the old file or the new one.  The bytes pass
 * through "NAME.new", so two callers for one name must exclude each other. */
int file_replace(int dirfd, const char *name, const void *data, size_t len,
		 mode_t mode, struct bp_error *err);

/* Remove dirfd/name durably; a missing file is success. */
int file_remove(int dirfd, const char *name, struct bp_error *err);

/* mkdir -p: what is missing gets mode, less the umask. */
int dir_make(const char *path, mode_t mode, struct bp_error *err);

/* What could not be brought to the disk is done all the same: the failure to sync
 * becomes BP_MAY_NOT_LAST. */
int may_not_last(struct bp_error *err);

/* What has come into a directory or gone from it is so after a power cut when the
 * directory was synced.  That comes after the change: BP_MAY_NOT_LAST.  One that
 * cannot be opened is let be, as is a file system that does not know the call. */
int dir_sync(int fd, const char *path, struct bp_error *err);
int dir_sync_parent(const char *path, struct bp_error *err);

/* The path of what is open, for messages; NULL: it cannot be told.  The caller frees. */
char *file_path_of(int fd);

/* All of it or an error; -1 and errno. */
int write_all(int fd, const void *data, size_t len);

#endif

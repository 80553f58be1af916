/* mounts.h - what is mounted where, for types that mount something.
 *
 * The kernel is asked directly where that does all mount(8) would do: a block
 * device, options that are the kernel's own, no helper program for the type.
 * For everything else libmount is opened, which takes longer than the mount.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_MOUNTS_H
#define BP_BACKENDS_MOUNTS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/error.h"

struct mounted {
	char *source, *target, *type;
	char *root;			/* the part of the file system that is seen */
	char *options;			/* of the file system */
	dev_t dev;			/* as its files have it in st_dev */
	bool read_only;
};

void mounted_done(struct mounted *m);

/* What is mounted on this directory, the last if several are.  1; 0: nothing. */
int mounts_find(const char *target, struct mounted *ret, struct bp_error *err);

/* Where else this block device, or file, is mounted.  1; 0: nowhere. */
int mounts_find_source(const struct stat *st, struct mounted *ret, struct bp_error *err);

/* Is it this block device, or a loop device on this file, that is mounted there? */
bool mounted_is(const struct mounted *m, const struct stat *st);

/* Do these options, "a,b=c", ask for a mount nobody can write to? */
bool mounts_read_only(const char *options);

/* The value of the last option of this name, or NULL.  The caller frees. */
char *mounts_option(const char *options, const char *name);

/* The options that are no flags of the kernel for every file system, joined again; the
 * flags are *ret_flags.  The caller frees. */
char *mounts_more_options(const char *options, unsigned long *ret_flags);

/* err->sys: why the kernel refused, where it did. */
int mounts_mount(const char *source, const char *target, const char *type, const char *options,
		 struct bp_error *err);

/* What the kernel says of an option, "a" or "b=c", that file systems of this type do
 * not take; NULL: nothing.  Nothing is mounted for it.  The caller frees. */
char *mounts_bad_option(const char *type, const char *option);

/* BP_BUSY names those that use it. */
int mounts_unmount(const struct mounted *m, struct bp_error *err);

/* Of a file server's: whoever uses it sees errors from now on. */
int mounts_abandon(const struct mounted *m, struct bp_error *err);

/* ---- for pools that are mounted on their target (mounts_pool.c) --------------------- */

struct bp_pool;

/* nodev,nosuid,noexec, then usual if there is one, then those of the pool, but for those
 * with these names (NULL: all).  The caller frees. */
char *mounts_pool_options(const struct bp_pool *p, const char *usual,
			  const char *const *without);

/* The target is somebody else's: BP_WRONG_STATE. */
int mounts_pool_taken(const struct bp_pool *p, const struct mounted *m, bool is_part,
		      struct bp_error *err);

/* Let how() mount on the target, which is made when it is missing, and goes again if
 * that fails. */
int mounts_pool_mount(struct bp_pool *p,
		      int (*how)(const void *arg, const char *target, struct bp_error *err),
		      const void *arg, struct bp_error *err);

/* ---- between the files of this family ------------------------------------------ */

int library_mount(const char *source, const char *target, const char *type, const char *options,
		  struct bp_error *err);

/* mounts_words.c: is it an option of all file systems, "ro"?  And are all of these?
 * *ret: what they say as far as it is known. */
bool mounts_is_flag(const char *option);
bool mounts_flags(const char *options, unsigned long *ret);

/* 1: it is in use. */
int library_unmount(const char *target, struct bp_error *err);

#endif

/* qemu_img.h - QEMU's own program, run where somebody asks for it.
 *
 * It is told what everything is, and guesses nothing.  What it writes into is a
 * file of ours that nobody sees yet (image_new.h): killed, or found wrong, it
 * leaves nothing.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_QEMU_IMG_H
#define BP_QEMU_IMG_H

#include "core/base/error.h"
#include "core/base/io.h"
#include "core/base/text.h"

#define QEMU_IMG "qemu-img"

/* A path that is nothing else to it, as "nbd:x" would be.  The caller frees. */
char *qemu_img_path(const char *path);

/* What stands behind an open file has this name to it.  The caller frees. */
char *qemu_img_path_of(const struct bp_io *io);

/* Options as "a=b,c=d", for a format: those that name other files, or would make some, are
 * refused. */
int qemu_img_check_options(const char *format, const char *const *options, size_t n,
			   struct bp_error *err);

/* BP_UNSUPPORTED: it is not there; a link to ourselves of that name is not it.  why: what it is
 * needed for ("format 'qed' would be written"). */
int qemu_img_find(const char *why, struct bp_error *err);
int qemu_img_find_writer(const char *format, struct bp_error *err);

/* It is only let write into a file. */
int qemu_img_check_place(const struct bp_io *io, struct bp_error *err);

/* argv[0] is QEMU_IMG, and the last is NULL.  What it prints is added to out (NULL: it is not
 * wanted).  A status that is not 0 is a failure, with its complaint. */
int qemu_img_run(const char *const *argv, struct text *out, struct bp_error *err);

/* The same, where several mean something: its status. */
int qemu_img_ask(const char *const *argv, struct text *out, struct text *said,
		 struct bp_error *err);

/* Is what it made, of a format, whole (as far as the format can be checked)?  path: as of
 * qemu_img_path_of().  backed: it names a backing file, which is not looked at. */
int qemu_img_judge(const char *format, const char *path, bool backed, struct bp_error *err);

#endif

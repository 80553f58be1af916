/* fs.h - between the files of the pool type fs: kinds of file systems. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_FS_H
#define BP_BACKENDS_FS_H

#include <stddef.h>
#include <stdint.h>

#include "core/backend.h"

/* A pool's format in libblkid's word; for "auto" what was found. */
const char *fs_blkid_word(const char *format, const char *found);

/* And back: what a pool calls a file system that was found; "auto" for one that it has
 * no word for.  NULL: it is no file system. */
const char *fs_source_format(const struct bp_content *content, bool disk);

/* How a file system is to be made: a program and its words. */
struct fs_plan {
	const char *device, *format, *package;
	const char **argv;		/* ended with NULL; the words are others' */
	size_t n;
};

void fs_plan_done(struct fs_plan *plan);

/* Find out whether it can be, before anything is written: is the program there,
 * and will it take the label and the options of the pool.  format: not "auto".
 * What is given must live as long as the plan. */
int fs_plan(struct fs_plan *ret, const char *device, const char *format,
	    const struct bp_pool_def *def, struct bp_error *err);

/* Do it, over whatever is on the device. */
int fs_make(const struct fs_plan *plan, struct bp_error *err);

/* Let the file system that dir is on, of a type as the kernel has it, fill its
 * device of so many bytes.  path: for messages. */
int fs_grow(int dir, const char *type, uint64_t size, const char *path, struct bp_error *err);

#endif

/* fs.h - between the files of the pool type fs: kinds of file systems. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_FS_H
#define BP_BACKENDS_FS_H

#include <stdint.h>

#include "core/base/error.h"

/* A pool's format in libblkid's word; for "auto" what was found. */
const char *fs_blkid_word(const char *format, const char *found);

/* Make a file system, over whatever is on the device.  format: a pool's, not "auto". */
int fs_make(const char *device, const char *format, struct bp_error *err);

/* Let the file system that dir is on, of a type as the kernel has it, fill its
 * device of so many bytes.  path: for messages. */
int fs_grow(int dir, const char *type, uint64_t size, const char *path, struct bp_error *err);

#endif

/* mounts.h - what is mounted where: libmount, for types that mount something. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_MOUNTS_H
#define BP_BACKENDS_MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/error.h"

struct mounted {
	char *source, *target, *type;
	dev_t dev;			/* as its files have it in st_dev */
	bool read_only;
};

void mounted_done(struct mounted *m);

/* What is mounted on this directory, the last if several are.  1; 0: nothing. */
int mounts_find(const char *target, struct mounted *ret, struct bp_error *err);

/* Where else this block device is mounted.  1; 0: nowhere. */
int mounts_find_device(dev_t rdev, struct mounted *ret, struct bp_error *err);

/* Is it this block device that is mounted there? */
bool mounted_is(const struct mounted *m, dev_t rdev);

/* options: "a,b=c". */
int mounts_mount(const char *source, const char *target, const char *type, const char *options,
		 struct bp_error *err);

/* BP_BUSY names those that use it. */
int mounts_unmount(const struct mounted *m, struct bp_error *err);

/* "UUID=...", "LABEL=..." and the like become the path of a device; a path is
 * itself.  The caller frees. */
int mounts_resolve(const char *source, char **ret, struct bp_error *err);

#endif

/* mountinfo.h - what is mounted where, as this process sees it: /proc/self/mountinfo. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_MOUNTINFO_H
#define BP_BASE_MOUNTINFO_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/device.h"
#include "core/base/error.h"

/* A walk through the table, in the order things were mounted. */
struct mountinfo {
	char *text, *rest;
};

struct mount {
	dev_t dev;			/* as its files have it in st_dev */
	const char *root;		/* the part of the file system that is seen, often "/" */
	const char *point;
	const char *type, *source;
	const char *options;		/* of the file system: "rw,errors=continue" */
};

/* Fails where there is no /proc. */
int mountinfo_open(struct mountinfo *ret, struct bp_error *err);

/* The strings live as long as the walk. */
bool mountinfo_next(struct mountinfo *m, struct mount *ret);
void mountinfo_done(struct mountinfo *m);

/* Is the file system on this device, or on a part of it? */
bool mount_is_of(const struct mount *m, const struct device_parts *d);

/* The device its source names; else the number its files have, which for some file
 * systems (btrfs) is no device's. */
dev_t mount_device(const struct mount *m);

/* Undo what the kernel does to blanks in names ("\040"), in place. */
char *mountinfo_unescape(char *s);

#endif

/* device_list.h - every disk and partition of this host that could hold something. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_DEVICE_LIST_H
#define BP_BASE_DEVICE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct device {
	dev_t dev, disk;	/* disk: the one it is a partition of; else itself */
	char *path;		/* "/dev/sda1" */
	char *link;		/* a name that stays when disks are found in another order */
	const char *kind;	/* "disk", "partition", "loop", "dm", "md" */
	uint64_t size;
	bool read_only, empty;	/* empty: without partitions */
	const char *problem;	/* why it must not be opened, or NULL */
};

struct device_list {
	struct device *devices;	/* a disk, then its partitions by number */
	size_t n;
};

/* From /sys, without opening one.  Left out are memory (ram, zram), optical and
 * floppy drives, paths to a disk that has a name of its own, and what has no size:
 * drives without a medium, loop devices without a file. */
struct device_list device_list(void);
void device_list_done(struct device_list *list);

/* NULL: none. */
const struct device *device_list_find(const struct device_list *list, dev_t dev);

#endif

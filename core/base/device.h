/* device.h - block devices as the kernel tells of them in /sys.  Where that is
 * missing, nothing is known. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_DEVICE_H
#define BP_BASE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* All of dir/name, or its first line; NULL: it is not there.  The caller frees. */
char *sysfs_read(int dir, const char *name);
char *sysfs_line(int dir, const char *name);

/* What dir/name/dev says; 0: nothing. */
dev_t sysfs_device(int dir, const char *name);

/* "/sys/dev/block/8:0" and more behind it.  The caller frees. */
char *device_sysfs(dev_t dev, const char *more);

/* A device and its partitions; itself comes first. */
struct device_parts {
	dev_t *devs;
	size_t n;
};

struct device_parts device_parts(dev_t dev);
bool device_parts_have(const struct device_parts *d, dev_t dev);
void device_parts_done(struct device_parts *d);

/* The disk a partition is part of; itself if it is none. */
dev_t device_disk(dev_t dev);

/* What a device is made of (device-mapper, RAID); and all devices of the btrfs file
 * system that a device is in, or only itself. */
struct device_parts device_slaves(dev_t dev);
struct device_parts device_siblings(dev_t dev);

/* As the kernel calls it: "/dev/sda1".  The caller frees. */
char *device_node(dev_t dev);

/* What is made of a device: "dm-3 (vg-root)"; NULL: nothing.  The caller frees. */
char *device_holder(dev_t dev);

/* One file or block device, whatever its names. */
bool device_same_file(const struct stat *a, const struct stat *b);

/* What a loop device says it is on: the numbers of that file or block device.  false: it
 * cannot be asked. */
bool device_ask_loop(const char *dev, struct stat *ret);

/* Is this loop device on that file or device?  name: what it was attached by,
 * which may lead elsewhere by now, for where the device cannot be asked. */
bool device_is_loop_of(const char *dev, const char *name, const struct stat *file);

#endif

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

/* What is made of a device: "dm-3 (vg-root)"; NULL: nothing.  The caller frees. */
char *device_holder(dev_t dev);

/* One file or block device, whatever its names. */
bool device_same_file(const struct stat *a, const struct stat *b);

/* Is this loop device on that file or device?  name: what it was attached by,
 * which may lead elsewhere by now, for where the device cannot be asked. */
bool device_is_loop_of(const char *dev, const char *name, const struct stat *file);

#endif

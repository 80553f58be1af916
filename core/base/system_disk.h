/* system_disk.h - which disks does this system itself run from? */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_SYSTEM_DISK_H
#define BP_BASE_SYSTEM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct system_disk {
	dev_t disk;
	char *holds;		/* "'/boot'", "swap" */
};

struct system_disks {
	struct system_disk *disks;
	size_t n;
};

/* The disks below /, /boot, /usr and the like, and below swap, as this process
 * and the first one see them: through partitions, device-mapper, RAID, loop
 * devices, overlays and file systems on several devices. */
struct system_disks system_disks(void);
void system_disks_done(struct system_disks *s);

/* Is this one of those directories? */
bool system_dir(const char *path);

/* What of the system a disk holds; NULL: nothing. */
const char *system_disk_holds(const struct system_disks *s, dev_t disk);

#endif

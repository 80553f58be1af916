/* in_use.h - does somebody use a volume or a device whom a change would harm?
 *
 * Asked by the engine before it deletes, wipes, resizes or writes into a
 * volume, with the volume's lock held; and by pool types before they change a
 * whole device.  What is looked for: locks on the file (QEMU and others), loop
 * devices, swap, mounts, devices that hold a device; of a device, its
 * partitions too.  Where /proc or /sys is missing, what they would tell is not
 * known.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_IN_USE_H
#define BP_BASE_IN_USE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/device.h"
#include "core/base/io.h"

/* It as those who may use it know it. */
struct in_use {
	const char *what, *name;	/* "volume", "a": for messages */
	const char *path;
	int fd;
	struct stat st;
	bool ours;			/* claimed by ourselves, so by nobody else */
	bool itself;			/* of a disk, its partitions may be used */
	struct device_parts parts;	/* of a block device: those whose use counts */
};

/* BP_BUSY: somebody uses the volume, and err says who.  Else, and until io is
 * closed, no QEMU can be started on it.  force: claim it without asking. */
int in_use_claim(const char *vol, struct bp_io *io, bool force, struct bp_error *err);

/* Who reads an image, as QEMU does: until io is closed, nobody who asks writes to it; BP_BUSY:
 * somebody does now.  Of a raw disk, whom that does not matter to, only that it is read. */
int in_use_read(const char *path, struct bp_io *io, bool raw, struct bp_error *err);

/* The same question for a volume that is a directory: mounts in it. */
int in_use_directory(const char *vol, const char *path, struct bp_error *err);

/* The same question for a whole block device, open as fd. */
int in_use_device(const char *path, int fd, struct bp_error *err);

/* The same, but its partitions may be in use. */
int in_use_disk(const char *path, int fd, struct bp_error *err);

/* On a share of SMB a lock is no word between programs: what is locked can be written by
 * nobody, us included. */
bool in_use_locks_forbid(int fd);

/* ---- between the files of this family: 0, or BP_BUSY -------------------------- */

int in_use_by_loop(const struct in_use *u, struct bp_error *err);
int in_use_by_swap(const struct in_use *u, struct bp_error *err);
int in_use_by_mount(const struct in_use *u, struct bp_error *err);
int in_use_by_device(const struct in_use *u, struct bp_error *err);

#endif

/* blocks.h - volumes that are block devices; shared by disk, and by types whose
 * volumes are made by others: logical, iscsi.
 *
 * A device is known by its number.  Which of its names a volume goes by is the
 * pool's target's affair: /dev stands for the kernel's own name, a directory
 * below it (/dev/disk/by-path) for the link in it that leads to the device.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_BLOCKS_H
#define BP_BACKENDS_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/backend.h"

/* What the kernel tells of a device. */
struct blocks_shape {
	uint64_t size;			/* bytes */
	unsigned sector, physical;	/* bytes: the smallest to address, to write at once */
	unsigned shift;			/* bytes from the start to the first aligned one */
	uint64_t align;			/* bytes: 1 MiB, or what the device likes better */
};

int blocks_shape(int fd, const char *path, struct blocks_shape *ret, struct bp_error *err);

/* What the kernel says is aligned, at or after at. */
uint64_t blocks_align(const struct blocks_shape *shape, uint64_t at);

/* The device's number; BP_INVALID for what is none, with a hint for a file. */
int blocks_find(const char *path, dev_t *ret, struct bp_error *err);

/* Lock a whole device as udev and fdisk do (flock): udev looks at none that is
 * locked, and two who change partitions exclude each other.  Waits a little; then
 * BP_BUSY.  It ends with the descriptor. */
int blocks_lock(int fd, const char *path, struct bp_error *err);

/* A directory of links to devices, read once. */
struct blocks_names {
	const char *target;
	struct blocks_name { dev_t dev; char *path; } *all;
	size_t n;
};

/* target NULL: no names but the kernel's. */
void blocks_names_read(struct blocks_names *names, const char *target);
void blocks_names_done(struct blocks_names *names);

/* Are volumes named by links in this target, and not by the kernel's names? */
bool blocks_has_names(const char *target);

/* The link that leads to a device, the first in order if several do; NULL: none.  Borrowed. */
const char *blocks_name_of(const struct blocks_names *names, dev_t dev);

/* The bytes of a device; for writing, exclusively where nobody has it.  Who has is
 * found out by whoever asks who uses it (core/base/in_use.h). */
int blocks_open(const char *path, enum bp_vol_access access, struct bp_io **ret,
		struct bp_error *err);

/* A part of the device fd, as bytes from 0 on; fd stays the caller's. */
struct bp_io *blocks_window(int fd, const char *name, uint64_t start, uint64_t size);

#define BLOCKS_WAITS 200	/* of 10 ms: for udev, or for somebody who has a lock */

/* Is udev here, which makes names of devices? */
bool blocks_have_udev(void);

/* Wait until a node is there, or has gone: as long as udev may take, or not at all
 * where nobody will make it. */
bool blocks_wait_for(const char *path, bool there);
void blocks_pause(void);		/* for 10 ms, until somebody else is done */

#endif

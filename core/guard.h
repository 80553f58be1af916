/* guard.h - whose is this device?  Asked before anything is written to one.
 *
 * A device that is mounted, swap, or part of another is refused, whatever is
 * asked for; so is one below or above it: a partition, the disk it is part of.
 * One that another pool has for its source, or that is on a disk this system
 * runs from, is refused unless somebody has named it (bp_store_allow_device).
 * What is written on it is the pool types' to recognise.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_GUARD_H
#define BP_GUARD_H

#include "core/session.h"

/* Before a pool is built, or erased. */
int guard_build(struct session *ses, unsigned flags, struct bp_error *err);
int guard_erase(struct session *ses, struct bp_error *err);

/* Before a volume is made out of the source itself: its other volumes may be in use. */
int guard_create(struct session *ses, struct bp_error *err);

/* Before a volume that is a block device, open as io, is changed or goes. */
int guard_volume(struct session *ses, const char *vol, const struct bp_io *io, unsigned flags,
		 struct bp_error *err);

/* The i-th device of a definition as a path: "UUID=..." may be one, too.  NULL: there
 * is none at present.  The caller frees. */
char *guard_device(const struct bp_pool_def *def, size_t i);

/* Each device that is a pool's source, with the pool's name and whether it is active. */
struct pool_device {
	dev_t dev;
	char *pool;
	bool active;
};

struct pool_devices {
	struct pool_device *devices;
	size_t n;
};

int pool_devices(struct bp_store *s, struct pool_devices *ret, struct bp_error *err);
void pool_devices_done(struct pool_devices *d);

#endif

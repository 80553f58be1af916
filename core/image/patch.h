/* patch.h - bytes of the guest written into an image that is there.
 *
 * Nothing but what is written changes.  Clusters that are the image's alone are written
 * where they are; all others get new ones, and what leads to these is published by
 * finish() in one step.  So whoever is interrupted has a whole image, of which some of
 * what was written may be there already: the rest must still be known from elsewhere.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_PATCH_H
#define BP_IMAGE_PATCH_H

#include <stddef.h>

#include "core/base/io.h"

struct bp_patch;

enum {
	BP_PATCH_BACKED = 1 << 0,	/* what the image has not will not read as zeros, though
					 * it names no backing file now */
	BP_PATCH_SAME	= 1 << 1,	/* what the guest sees does not change */
	BP_PATCH_NOTED	= 1 << 2,	/* its dirty bitmaps have been told (bitmaps_note) */
	BP_PATCH_ZEROS	= 1 << 3,	/* zeros are told as such, where there is a word for them:
					 * they stay zeros when it gets a backing file */
};

struct bp_patch_ops {
	/* len bytes at at (buf NULL: zeros), in whole units or up to the capacity.  In the
	 * order of the guest, and each unit once. */
	int (*write)(struct bp_patch *p, const void *buf, uint64_t len, uint64_t at,
		     struct bp_error *err);
	/* All of it is there from now on, and on the disk. */
	int (*finish)(struct bp_patch *p, struct bp_error *err);
	/* Without finish: what was taken for it is given back.  The io stays open. */
	void (*close)(struct bp_patch *p);
};

struct bp_patch {
	const struct bp_patch_ops *ops;
	uint64_t capacity;
	uint64_t unit;			/* a power of two */
};

static inline void patch_closep(struct bp_patch **p)
{
	if (*p)
		(*p)->ops->close(*p);
}

#endif

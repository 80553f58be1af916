/* parallels.h - private: a Parallels image as numbers.  All of them are little-endian. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_PARALLELS_H
#define BP_IMAGE_PARALLELS_H

#include "core/image/formats.h"

enum {
	PARALLELS_USE_AT = 44,
	PARALLELS_MORE_AT = 56,		/* where there is more than blocks, as bitmaps */
	PARALLELS_MAP_AT = 64,		/* right behind the header */
};
#define PARALLELS_IN_USE 0x746f6e59u	/* somebody has it open, or has not closed it */

struct parallels {
	uint64_t block_sectors, unit, sectors;	/* unit: sectors that an entry counts */
	uint64_t entries;
	bool in_use, extended;
};

/* parallels.c: */
int parallels_header_read(const struct bp_image_head *head, struct parallels *ret,
			  struct bp_error *err);

/* parallels_check.c: the slot. */
int parallels_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
		    const struct bp_progress *progress, struct bp_vol_check *ret,
		    struct bp_error *err);

#endif

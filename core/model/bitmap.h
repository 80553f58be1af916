/* bitmap.h - a change of a dirty bitmap that an image keeps. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_MODEL_BITMAP_H
#define BP_MODEL_BITMAP_H

#include <stdint.h>

enum bp_bitmap_deed {
	BP_BITMAP_ADD, BP_BITMAP_REMOVE, BP_BITMAP_CLEAR, BP_BITMAP_ENABLE, BP_BITMAP_DISABLE,
};

/* What is done to a bitmap that an image keeps of what was written to it. */
struct bp_image_bitmap {
	enum bp_bitmap_deed deed;
	const char *name;
	uint64_t granularity;		/* of a new one: a bit for so many bytes; 0: the usual */
};

#endif

/* image_read.h - between the files that read images: what the handle holds. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_READ_H
#define BP_IMAGE_READ_H

#include "core/image_file.h"

struct bp_image_view {
	struct image_file file;		/* its io is the first layer's; of a copy there is none */
	struct bp_chain chain;
	struct image_holes *holes;	/* of the file of each layer */
};

struct image_holes {
	enum { UNKNOWN, FULL, SPARSE } are;	/* can data of the guest stand in one? */
	uint64_t at, from, to;		/* found last: a hole up to from, and data up to to */
	uint64_t step;			/* with which that was looked for */
};

/* Another handle on the same files, for another thread; the first is closed last. */
int image_again(const struct bp_image_view *image, struct bp_image_view **ret,
		struct bp_error *err);

/* Of a chain, which is the handle's from now on; the first layer's io stays the caller's. */
struct bp_image_view *image_view_of(struct bp_chain *chain);

#endif

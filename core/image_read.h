/* image_read.h - between the files that read images: what the handle holds. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_READ_H
#define BP_IMAGE_READ_H

#include "core/image_file.h"

struct bp_image_view {
	struct image_file file;		/* its io is the first layer's; of a copy there is none */
	struct bp_chain chain;
	enum { UNKNOWN, FULL, SPARSE } *holes;	/* can data of each layer stand in one? */
};

/* Another handle on the same files, for another thread; the first is closed last. */
int image_again(const struct bp_image_view *image, struct bp_image_view **ret,
		struct bp_error *err);

#endif

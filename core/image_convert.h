/* image_convert.h - between the files that convert images. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CONVERT_FILES_H
#define BP_IMAGE_CONVERT_FILES_H

#include "core/image/chain.h"
#include "core/image_file.h"
#include "core/image_new.h"
#include "core/image_plan.h"

struct conversion {
	const struct bp_image_conversion *c;
	struct image_file *files;
	struct bp_chain *chains;
	size_t n;			/* opened */
	uint64_t capacity;		/* of the new image */
	struct bp_image_plan *plan;
	struct image_new new;
	struct image_file there;	/* IN_PLACE: instead of new */
	const struct bp_progress *progress;
};

/* core/image_convert_bitmaps.c: can those of the source be copied?  And copied. */
int image_convert_check_bitmaps(const struct conversion *v, const struct bp_image_spec *spec,
				struct bp_error *err);
int image_convert_bitmaps(const struct conversion *v, struct bp_io *to, struct bp_error *err);

/* Into the image that is there, of a format that can be written to.  backed: what only a
 * backing file of the source has it has, too. */
int image_convert_into(const struct conversion *v, bool backed, struct bp_error *err);

#endif

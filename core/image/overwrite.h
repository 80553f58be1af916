/* overwrite.h - any bytes of the guest written into an image, through a patch.
 *
 * A patch takes whole units.  What of a unit is not written is filled with what the
 * guest sees there, its backing files included.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_OVERWRITE_H
#define BP_IMAGE_OVERWRITE_H

#include "core/image/chain.h"
#include "core/image/patch.h"

struct overwrite {
	struct bp_patch *patch;		/* both are the caller's */
	struct bp_chain *chain;		/* of the image that is written: what its guest sees */
	unsigned char *unit;
	uint64_t at, len;		/* of the unit that is put together; len 0: none is */
	bool zeros;			/* some of it: it is nothing else if all of it is zero */
};

/* In the order of the guest.  buf NULL: zeros. */
int overwrite_put(struct overwrite *o, const void *buf, uint64_t len, uint64_t at,
		  struct bp_error *err);
int overwrite_finish(struct overwrite *o, struct bp_error *err);
void overwrite_done(struct overwrite *o);

#endif

/* parts.h - parts of what a guest sees, one after the other: those that somebody is about to
 * write, or that a bitmap says were written. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_PARTS_H
#define BP_IMAGE_PARTS_H

#include <stdint.h>

#include "core/base/error.h"

struct bp_parts {
	/* The next that does not end before at: 1; 0: there is none.  What of it lies before at,
	 * or behind the disk, does not matter; two in a row may touch. */
	int (*next)(struct bp_parts *p, uint64_t at, uint64_t *ret_at, uint64_t *ret_len,
		    struct bp_error *err);
};

#endif

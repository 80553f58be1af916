/* clone_convert.h - private: a copy of a volume in another format. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLONE_CONVERT_H
#define BP_CLONE_CONVERT_H

#include "core/image/image.h"
#include "core/session.h"

struct clone_conversion {
	struct bp_io *from;		/* the volume's bytes */
	const struct bp_vol_info *source;
	const struct session *from_ses, *to_ses;
	const struct bp_vol_spec *spec;	/* of the copy */
	bool preallocate, verify;
	const struct bp_progress *progress;
};

/* Can what is of one format become one of another?  NULL: bytes. */
bool clone_can_convert(const char *from, const char *to);

/* How much the guest of the source sees.  What keeps it from being read is known then, too. */
int clone_convert_size(const struct clone_conversion *c, uint64_t *ret, struct bp_error *err);

/* Fill io with what the guest of the source sees, its backing files' parts, too.  Those
 * must be in the directory of one of the two pools: a guest may have written that its
 * disk is an image of something else. */
int clone_convert(const struct clone_conversion *c, struct bp_io *io, struct bp_error *err);

#endif

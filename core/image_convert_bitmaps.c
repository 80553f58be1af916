/* image_convert_bitmaps.c - the dirty bitmaps of an image, for the one that is made of it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/image_convert.h"

static bool keeps_bitmaps(const struct bp_image_format *format, const struct bp_image_spec *spec)
{
	return format->bitmaps_copy && !(spec->compat && strcmp(spec->compat, "0.10") == 0);
}

int image_convert_check_bitmaps(const struct conversion *v, const struct bp_image_spec *spec,
				struct bp_error *err)
{
	const struct bp_image_format *to = v->plan->options.format, *from = v->files[0].format;
	unsigned flags = v->c->flags;

	if (!(flags & BP_CONVERT_BITMAPS))
		return !(flags & BP_CONVERT_SKIP_BROKEN) ? 0 :
		       bp_fail(err, BP_INVALID, "Use of --skip-broken-bitmaps requires --bitmaps");
	if (v->n > 1)
		return bp_fail(err, BP_INVALID, "Copying bitmaps only possible with single source");
	if (!from->bitmaps_copy)
		return bp_fail(err, BP_UNSUPPORTED, "Source lacks bitmap support");
	if (!keeps_bitmaps(to, spec))
		return bp_fail(err, BP_UNSUPPORTED, "Format driver '%s' does not support bitmaps",
			       to->name);
	return from->bitmaps_copy(NULL, v->files[0].io, flags & BP_CONVERT_SKIP_BROKEN,
				  v->c->teller, err);
}

int image_convert_bitmaps(const struct conversion *v, struct bp_io *to, struct bp_error *err)
{
	if (!(v->c->flags & BP_CONVERT_BITMAPS))
		return 0;
	return v->plan->options.format->bitmaps_copy(to, v->files[0].io, true, NULL, err);
}

/* image_check.c - what is wrong with an image at a path. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/image_file.h"

int bp_image_check(const struct bp_image_ref *ref, enum bp_repair repair,
		   const struct bp_teller *teller, const struct bp_progress *progress,
		   struct bp_vol_check *ret, const char **ret_format, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	cleanup(image_file_done) struct image_file f = { 0 };

	*ret_format = NULL;
	if (image_file_open(ref, repair != BP_REPAIR_NOTHING, &f, err) < 0 ||
	    bp_image_describe(f.io, f.format, &info, err) < 0)
		return -1;
	*ret_format = f.format->name;
	if (!f.format->check)
		return bp_fail(err, BP_UNSUPPORTED, "images of format %s cannot be checked",
			       f.format->name);
	return f.format->check(f.io, repair, teller, progress, ret, err);
}

/* image_rebase.c - another backing file for an image in a file. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/image_file.h"

int bp_image_set_backing(const struct bp_image_ref *image, const char *backing,
			 const char *backing_format, struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };

	if (image_file_open(image, true, &f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (backing && !backing_format)
		bp_fail(err, BP_INVALID, "backing format must be specified");
	else if (backing_format && !bp_image_format_find(backing_format))
		return bp_fail(err, BP_INVALID, "Invalid format name: '%s'", backing_format);
	else if (!f.format->set_backing)
		bp_fail(err, BP_UNSUPPORTED, "images of format %s have no backing file that could "
			"be changed", f.format->name);
	else if (f.format->set_backing(f.io, backing, backing_format, err) == 0)
		return 0;
	return bp_within(err, "Could not change the backing file to '%s'",
			 backing ? backing : "");
}

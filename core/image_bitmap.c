/* image_bitmap.c - the dirty bitmaps that an image keeps. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/image_file.h"

int bp_image_bitmap(const struct bp_image_ref *image, const struct bp_image_bitmap *what,
		    struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };

	if (image_file_open(image, true, &f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (!f.format->bitmap)
		return bp_fail(err, BP_UNSUPPORTED, "images of format %s keep no bitmaps",
			       f.format->name);
	return f.format->bitmap(f.io, what, err) < 0 ? -1 : io_sync(f.io, err);
}

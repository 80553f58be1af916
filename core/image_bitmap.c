/* image_bitmap.c - the dirty bitmaps that an image keeps. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/image_file.h"

static int open_one(const struct bp_image_ref *image, bool write, struct image_file *ret,
		    struct bp_error *err)
{
	if (image_file_open(image, write, ret, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	return 0;
}

int bp_image_bitmap(const struct bp_image_ref *image, const struct bp_image_bitmap *what,
		    struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };

	if (open_one(image, true, &f, err) < 0)
		return -1;
	if (!f.format->bitmap)
		return bp_fail(err, BP_UNSUPPORTED, "images of format %s keep no bitmaps",
			       f.format->name);
	return f.format->bitmap(f.io, what, err) < 0 ? -1 : io_sync(f.io, err);
}

static int no_bitmap(const char *name, struct bp_error *err)
{
	return bp_fail(err, BP_INVALID, "Dirty bitmap '%s' not found", name);
}

int bp_image_bitmap_merge(const struct bp_image_ref *image, const char *name,
			  const struct bp_image_ref *from, const char *source,
			  struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 }, other = { 0 };

	if (open_one(image, true, &f, err) < 0 || (from && open_one(from, false, &other, err) < 0))
		return -1;
	if (!f.format->bitmap_merge)
		return no_bitmap(name, err);
	if (from && other.format != f.format)
		return no_bitmap(source, err);
	return f.format->bitmap_merge(f.io, name, other.io, source, err) < 0 ? -1 :
	       io_sync(f.io, err);
}

/* image_resize.c - another capacity for an image in a file. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_file.h"

int image_check_size(const struct bp_image_format *format, uint64_t size, struct bp_error *err)
{
	return size % 512 == 0 || strcmp(format->name, "raw") == 0 ? 0 :
	       bp_fail(err, BP_INVALID, "The new size must be a multiple of 512");
}

/* The size meant: to, by, or down by so much. */
static int new_size(uint64_t now, uint64_t size, unsigned flags, uint64_t *ret,
		    struct bp_error *err)
{
	*ret = size;
	if (flags & BP_IMAGE_BY_LESS ? size >= now : !size && !(flags & BP_IMAGE_BY))
		return bp_fail(err, BP_INVALID, "New image size must be positive");
	if (flags & BP_IMAGE_BY_LESS)
		*ret = now - size;
	else if (flags & BP_IMAGE_BY && (size > INT64_MAX || now > INT64_MAX - size))
		return bp_fail(err, BP_OVERFLOW, "New image size must be positive");
	else if (flags & BP_IMAGE_BY)
		*ret = now + size;
	if (*ret > INT64_MAX)
		return bp_fail(err, BP_OVERFLOW, "New image size must be positive");
	return 0;
}

static int grow_by(struct bp_io *io, const struct bp_image_format *format,
		   const struct bp_image_growth *g, struct bp_error *err)
{
	if (!format->resize)
		return bp_fail(err, BP_UNSUPPORTED, "Image format driver does not support resize");
	if (g->preallocate && !format->grow)
		return bp_fail(err, BP_OP_UNSUPPORTED,
			       "images of format %s get no space in advance", format->name);
	return format->grow ? format->grow(io, g, err) : format->resize(io, g->capacity, err);
}

/* How much of its backing file could show, and, if more than has shown, what the guest
 * sees of the cluster that the disk ends in. */
int image_grow(struct bp_chain *chain, uint64_t size, enum bp_preallocation preallocate,
	       struct bp_error *err)
{
	const struct bp_layer *l = chain->layers;
	const struct bp_image_info *info = &l->info;
	uint64_t in_last = info->cluster_size ? info->capacity % info->cluster_size : 0;
	struct bp_image_growth g = { .capacity = size, .preallocate = preallocate };
	auto_free unsigned char *last = NULL;

	g.below = chain->n > 1 ? chain->layers[1].guest->capacity : 0;
	if (g.below > info->capacity) {
		g.last = last = mem_alloc((size_t)info->cluster_size);
		if (bp_chain_read(chain, last, (size_t)in_last, info->capacity - in_last,
				  err) < 0)
			return -1;
	}
	return grow_by(l->io, bp_image_known_find(info->format), &g, err);
}

static int grow(const struct image_file *f, const struct bp_image_info *info, uint64_t size,
		enum bp_preallocation preallocate, struct bp_error *err)
{
	const struct bp_image_growth alone = { .capacity = size, .preallocate = preallocate };
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };

	if (!info->backing)
		return image_file_data(f, info, err) < 0 ? -1 :
		       grow_by(f->io, f->format, &alone, err);
	return image_file_chain(f, 0, &chain, err) < 0 ? -1 :
	       image_grow(&chain, size, preallocate, err);
}

static int resize(const struct image_file *f, uint64_t size, unsigned flags,
		  enum bp_preallocation preallocate, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	uint64_t now;

	if (bp_image_describe(f->io, f->format, &info, err) < 0)
		return bp_within(err, "Could not open '%s'", f->path);
	now = (info.capacity + 511) & ~UINT64_C(511);	/* the guest of a raw one sees */
	if (new_size(now, size, flags, &size, err) < 0)
		return -1;
	if (!f->format->resize)
		return bp_fail(err, BP_UNSUPPORTED, "Image format driver does not support resize");
	if (size < now && !(flags & BP_IMAGE_SHRINK))
		return bp_fail(err, BP_WRONG_STATE, "Use the --shrink option to perform a shrink "
			       "operation.");
	if (size <= now && preallocate)
		return bp_fail(err, BP_INVALID,
			       "Preallocation can only be used for growing images");
	if (image_check_size(f->format, size, err) < 0)
		return -1;
	if (size > info.capacity)
		return grow(f, &info, size, preallocate, err);
	return image_file_data(f, &info, err) < 0 || f->format->resize(f->io, size, err) < 0 ? -1 :
	       io_sync(f->io, err);
}

int bp_image_resize(const struct bp_image_ref *image, uint64_t size, unsigned flags,
		    enum bp_preallocation preallocate, bool *ret_guessed, struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };

	if (flags & ~(unsigned)(BP_IMAGE_SHRINK | BP_IMAGE_BY | BP_IMAGE_BY_LESS))
		return bp_fail(err, BP_BAD_FLAGS, "unsupported flags (0x%x) in function %s", flags,
			       __func__);
	if (image_file_open(image, true, &f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (resize(&f, size, flags, preallocate, err) < 0)
		return -1;
	if (ret_guessed)
		*ret_guessed = f.probed && strcmp(f.format->name, "raw") == 0;
	return 0;
}

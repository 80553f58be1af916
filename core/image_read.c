/* image_read.c - an image with its backing files, and what is where in it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

void bp_image_close(struct bp_image_view *image)
{
	if (!image)
		return;
	bp_chain_done(&image->chain);
	image_file_done(&image->file);
	free(image->holes);
	free(image);
}

void bp_image_closep(struct bp_image_view **image)
{
	bp_image_close(*image);
}

int bp_image_open(const struct bp_image_ref *ref, struct bp_image_view **ret, struct bp_error *err)
{
	cleanup(bp_image_closep) struct bp_image_view *image = mem_alloc(sizeof *image);

	if (image_file_open(ref, false, &image->file, err) < 0 ||
	    image_file_chain(&image->file, ref->flags, &image->chain, err) < 0)
		return -1;
	image->holes = mem_alloc(image->chain.n * sizeof *image->holes);
	*ret = steal(image);
	return 0;
}

struct bp_image_view *image_view_of(struct bp_chain *chain)
{
	struct bp_image_view *image = mem_alloc(sizeof *image);

	image->chain = *chain;
	*chain = (struct bp_chain){ 0 };
	image->holes = mem_alloc(image->chain.n * sizeof *image->holes);
	return image;
}

int image_again(const struct bp_image_view *from, struct bp_image_view **ret, struct bp_error *err)
{
	cleanup(bp_image_closep) struct bp_image_view *image = mem_alloc(sizeof *image);

	if (bp_chain_again(&from->chain, &image->chain, err) < 0)
		return -1;
	image->holes = mem_alloc(image->chain.n * sizeof *image->holes);
	memcpy(image->holes, from->holes, image->chain.n * sizeof *image->holes);
	*ret = steal(image);
	return 0;
}

uint64_t bp_image_capacity(const struct bp_image_view *image)
{
	return image->chain.capacity;
}

const char *bp_image_format_name(const struct bp_image_view *image)
{
	return image->chain.layers[0].info.format;
}

int bp_image_read(struct bp_image_view *image, void *buf, size_t len, uint64_t at,
		  struct bp_error *err)
{
	return bp_chain_read(&image->chain, buf, len, at, err);
}

/* ---- extents -------------------------------------------------------------------------- */

/* What an image of one of these formats does not have it leaves to its backing file, or
 * else it is zeros that are not there; of another, zeros that are. */
static bool leaves_to_backing(const char *format)
{
	static const char *const formats[] = { "qcow", "qcow2", "qed", "vmdk", "parallels" };

	for (size_t i = 0; i < array_size(formats); i++)
		if (strcmp(format, formats[i]) == 0)
			return true;
	return false;
}

static bool is_sparse(struct bp_image_view *image, size_t i)
{
	const struct bp_layer *l = &image->chain.layers[i];
	const struct bp_image_format *f = bp_image_known_find(l->info.format);
	struct bp_error ignored = { 0 };
	struct stat st;
	bool sparse;

	if (image->holes[i].are == UNKNOWN) {
		image->holes[i].are = FULL;
		if (f && f->sparse && l->io->fd >= 0 && fstat(l->io->fd, &st) == 0 &&
		    S_ISREG(st.st_mode) &&
		    f->sparse(l->io, (uint64_t)st.st_blocks * 512, &sparse, &ignored) == 0 &&
		    sparse)
			image->holes[i].are = SPARSE;
	}
	return image->holes[i].are == SPARSE;
}

/* From at on in the file that has the data of a layer.  To look takes long where holes are
 * large, and what is asked for next is mostly in the same one. */
static int find_data(struct bp_image_view *image, size_t i, uint64_t at,
		     const struct image_holes **ret, struct bp_error *err)
{
	const struct bp_layer *l = &image->chain.layers[i];
	struct image_holes *h = &image->holes[i];
	uint64_t step = l->guest->step;

	*ret = h;
	if (at >= h->at && at < h->to && h->step == step)
		return 0;
	h->to = 0;
	if ((step ? io_data_near(layer_bytes(l), at, step, &h->from, &h->to, err) :
		    io_next_data(layer_bytes(l), at, &h->from, &h->to, err)) < 0)
		return -1;
	if (h->from == h->to)		/* nor is there any after it */
		h->from = h->to = UINT64_MAX;
	h->at = at;
	h->step = step;
	return 0;
}

/* Data that stands where nothing was ever written is zeros. */
static int look_below(struct bp_image_view *image, size_t i, struct bp_image_extent *e,
		      struct bp_error *err)
{
	const struct image_holes *h;
	uint64_t end;

	if (!e->data || e->file_at == BP_NOWHERE || !is_sparse(image, i))
		return 0;
	if (find_data(image, i, e->file_at, &h, err) < 0)
		return -1;
	e->zero = h->from > e->file_at;
	end = e->zero ? h->from : h->to;
	if (end - e->file_at < e->length)
		e->length = end - e->file_at;
	return 0;
}

/* True: it is what a backing file has there. */
static bool see_layer(const struct bp_image_view *image, size_t i, const struct bp_guest_extent *g,
		      struct bp_image_extent *e)
{
	const struct bp_layer *l = &image->chain.layers[i];
	bool last = i + 1 == image->chain.n;

	if (g->len < e->length)
		e->length = g->len;
	e->depth = (unsigned)i;
	e->file = g->io ? g->io->name : l->data_name ? l->data_name : l->name;
	e->file_at = g->file_at;
	e->data = g->kind == BP_GUEST_DATA || g->kind == BP_GUEST_COMPRESSED ||
		  (g->kind == BP_GUEST_ZERO && g->io && g->file_at != BP_NOWHERE);
	e->zero = g->kind == BP_GUEST_ZERO;
	e->compressed = g->kind == BP_GUEST_COMPRESSED;
	e->present = g->kind != BP_GUEST_HOLE;
	if (e->present)
		return false;
	if (last || e->start >= image->chain.layers[i + 1].guest->capacity) {
		e->zero = true;
		e->present = !leaves_to_backing(l->info.format);
		return false;
	}
	if (e->length > image->chain.layers[i + 1].guest->capacity - e->start)
		e->length = image->chain.layers[i + 1].guest->capacity - e->start;
	return true;
}

int bp_image_extent_at(struct bp_image_view *image, uint64_t at, struct bp_image_extent *ret,
		       struct bp_error *err)
{
	struct bp_image_extent e = { .start = at, .length = image->chain.capacity - at };
	struct bp_guest_extent g;
	size_t i = 0;

	do {
		if (guest_extent(image->chain.layers[i].guest, at, &g, err) < 0)
			return bp_within(err, "'%s'", image->chain.layers[i].name);
	} while (see_layer(image, i, &g, &e) && ++i);
	if (look_below(image, i, &e, err) < 0)
		return -1;
	*ret = e;
	return 0;
}

/* image_commit.c - what an image has, written into one that it is based on.
 *
 * The image is as it was until all of it has arrived there: whoever is interrupted sees
 * through it what he has always seen, and can begin again.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/overwrite.h"
#include "core/image_below.h"
#include "core/image_file.h"

#define PIECE (UINT64_C(2) << 20)

struct commit {
	struct bp_chain *chain;
	size_t depth;			/* of the base in it */
	struct bp_chain base;		/* the rest of the chain from there on: borrows */
	struct bp_patch *patch;
	struct overwrite over;
	const struct bp_progress *progress;
	unsigned char *buf;
};

static void commit_done(struct commit *c)
{
	overwrite_done(&c->over);
	patch_closep(&c->patch);
	freep(&c->buf);
}

static const struct bp_image_format *format_of(const struct bp_layer *l)
{
	return bp_image_known_find(l->info.format);
}

/* What cannot be done is said before anything is written. */
static int check(const struct commit *c, unsigned flags, struct bp_error *err)
{
	const struct bp_layer *top = c->chain->layers, *base = top + c->depth;

	if (!format_of(base)->patch)
		return bp_fail(err, BP_UNSUPPORTED, "'%s': images of format %s cannot be written "
			       "to, only new ones", base->name, base->info.format);
	if (flags & BP_COMMIT_KEEP)
		return 0;
	if (!format_of(top)->forget)
		return bp_fail(err, BP_UNSUPPORTED, "'%s': images of format %s cannot be emptied: "
			       "keep what it has (-d)", top->name, top->info.format);
	if (format_of(top)->forget(top->io, true, err) < 0)
		return bp_within(err, "'%s'", top->name);
	return 0;
}

static void look_at_base(struct commit *c)
{
	c->base = (struct bp_chain){
		.layers	  = c->chain->layers + c->depth,
		.n	  = c->chain->n - c->depth,
		.capacity = c->chain->layers[c->depth].guest->capacity,
	};
}

/* Nothing above the base has it, but an image in between is too small to let it show. */
static bool is_cut_off(const struct commit *c, uint64_t at)
{
	for (size_t i = 1; i < c->depth; i++)
		if (at >= c->chain->layers[i].guest->capacity)
			return true;
	return false;
}

/* Is this written? */
static bool is_put(const struct commit *c, const struct bp_guest_extent *e, size_t depth)
{
	return (e->kind != BP_GUEST_HOLE && depth < c->depth) || is_cut_off(c, e->at);
}

/* What will be written, for who must know before. */
struct commit_parts {
	struct bp_parts parts;
	struct commit *c;
};

static int next_part(struct bp_parts *p, uint64_t at, uint64_t *ret_at, uint64_t *ret_len,
		     struct bp_error *err)
{
	struct commit *c = ((struct commit_parts *)p)->c;
	struct bp_guest_extent e;
	size_t depth;

	for (; at < c->chain->capacity; at = e.at + e.len) {
		if (bp_chain_extent(c->chain, at, &e, &depth, err) < 0)
			return -1;
		if (!is_put(c, &e, depth))
			continue;
		*ret_at = e.at;
		*ret_len = e.len;
		return 1;
	}
	return 0;
}

static int note(struct commit *c, struct bp_error *err)
{
	struct bp_layer *base = &c->chain->layers[c->depth];
	struct commit_parts parts = { { next_part }, c };
	int r = 0;

	if (format_of(base)->bitmaps_note)
		r = format_of(base)->bitmaps_note(base->io, &parts.parts, err);
	if (r <= 0)
		return r;
	if (bp_chain_renew(c->chain, c->depth, err) < 0)
		return -1;
	look_at_base(c);
	return 0;
}

static int begin(struct commit *c, struct bp_error *err)
{
	struct bp_layer *base = &c->chain->layers[c->depth];

	look_at_base(c);
	if (c->chain->capacity > c->base.capacity) {
		if (image_grow(&c->base, c->chain->capacity, BP_PREALLOC_OFF, err) < 0 ||
		    bp_chain_renew(c->chain, c->depth, err) < 0)
			return bp_within(err, "Could not resize '%s'", base->name);
		look_at_base(c);
	}
	if (note(c, err) < 0 ||
	    format_of(base)->patch(base->io, BP_PATCH_NOTED, &c->patch, err) < 0)
		return bp_within(err, "'%s'", base->name);
	c->over = (struct overwrite){ .patch = c->patch, .chain = &c->base };
	c->buf = mem_alloc(PIECE);
	return 0;
}

static int put(struct commit *c, const struct bp_guest_extent *e, size_t depth,
	       struct bp_error *err)
{
	bool below = e->kind == BP_GUEST_HOLE || depth >= c->depth;

	if (!is_put(c, e, depth))
		return 0;
	if (below || e->kind == BP_GUEST_ZERO)
		return overwrite_put(&c->over, NULL, e->len, e->at, err);
	for (uint64_t done = 0, n; done < e->len; done += n) {
		n = progress_piece(c->progress, e->len - done);
		n = n < PIECE ? n : PIECE;
		if (bp_chain_read(c->chain, c->buf, (size_t)n, e->at + done, err) < 0 ||
		    overwrite_put(&c->over, c->buf, n, e->at + done, err) < 0 ||
		    progress_tell(c->progress, e->at + done + n, c->chain->capacity, err) < 0)
			return -1;
		progress_pace(c->progress, n);
	}
	return 0;
}

static int put_all(struct commit *c, struct bp_error *err)
{
	struct bp_guest_extent e;
	size_t depth;

	for (uint64_t at = 0; at < c->chain->capacity; at += e.len) {
		if (progress_tell(c->progress, at, c->chain->capacity, err) < 0 ||
		    bp_chain_extent(c->chain, at, &e, &depth, err) < 0 ||
		    put(c, &e, depth, err) < 0)
			return -1;
	}
	if (overwrite_finish(&c->over, err) < 0)
		return -1;
	return progress_tell(c->progress, c->chain->capacity, c->chain->capacity, err);
}

int image_commit_chain(struct bp_chain *chain, size_t depth, unsigned flags,
		       const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(commit_done) struct commit c = {
		.chain = chain, .depth = depth, .progress = progress
	};
	const struct bp_layer *top = chain->layers;

	if (check(&c, flags, err) < 0 || begin(&c, err) < 0)
		return -1;
	if (put_all(&c, err) < 0)
		return bp_within(err, "'%s' is as it was", top->name);
	if (flags & BP_COMMIT_KEEP)
		return 0;
	if (format_of(top)->forget(top->io, false, err) < 0 || io_sync(top->io, err) < 0)
		return bp_within(err, "Could not empty %s", top->name);
	return 0;
}

int bp_image_commit(const struct bp_image_ref *image, const char *base, unsigned flags,
		    const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	size_t depth;

	if (flags & ~(unsigned)BP_COMMIT_KEEP)
		return bp_fail(err, BP_BAD_FLAGS, "unsupported flags (0x%x) in function %s", flags,
			       __func__);
	if (image_file_open(image, true, &f, err) < 0 ||
	    image_file_chain_into(&f, base, &chain, &depth, err) < 0)
		return -1;
	/* what lies in between shows the base's new content: it keeps what it has */
	return image_commit_chain(&chain, depth, flags | (base ? BP_COMMIT_KEEP : 0), progress,
				  err);
}

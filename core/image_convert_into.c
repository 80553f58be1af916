/* image_convert_into.c - what images have, written into one that is there and keeps the rest.
 *
 * Unlike a new image it shows a part of that when somebody interrupts it; it is whole at
 * every moment, and the sources are still there.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/overwrite.h"
#include "core/image_convert.h"

#define PIECE (UINT64_C(2) << 20)

struct into {
	const struct conversion *v;
	struct bp_chain chain;		/* of the image that is written to */
	struct bp_patch *patch;
	struct overwrite over;
	unsigned char *buf;
	uint64_t done;			/* of its bytes */
	uint64_t told, all;		/* bytes, as they are told */
};

static void into_done(struct into *t)
{
	overwrite_done(&t->over);
	patch_closep(&t->patch);
	bp_chain_done(&t->chain);
	free(t->buf);
}

static bool is_zeros(const struct bp_guest_extent *e)
{
	return e->kind == BP_GUEST_HOLE || e->kind == BP_GUEST_ZERO;
}

static bool finds_zeros(const struct into *t)
{
	return !t->v->c->has_sparse || t->v->c->sparse;
}

static int put_zeros(struct into *t, uint64_t len, uint64_t at, struct bp_error *err)
{
	return t->v->c->flags & BP_CONVERT_IS_ZERO ? 0 :
	       overwrite_put(&t->over, NULL, len, at, err);
}

/* Unit by unit of the image: those that are zeros, and those that are not. */
static int put_bytes(struct into *t, uint64_t len, uint64_t at, struct bp_error *err)
{
	uint64_t unit = t->patch->unit;

	for (uint64_t i = 0, j; i < len; i = j) {
		bool zero = false;

		for (j = i; j < len;) {
			uint64_t n = unit - ((at + j) & (unit - 1));
			bool is;

			n = n < len - j ? n : len - j;
			is = finds_zeros(t) && is_zero(t->buf + j, (size_t)n);
			if (j > i && is != zero)
				break;
			zero = is;
			j += n;
		}
		if ((zero ? put_zeros(t, j - i, at + i, err) :
			    overwrite_put(&t->over, t->buf + i, j - i, at + i, err)) < 0)
			return -1;
	}
	return 0;
}

static int told(struct into *t, uint64_t len, bool written, struct bp_error *err)
{
	const struct bp_progress *p = t->v->progress;

	t->done += len;
	if (written || !(t->v->c->flags & BP_CONVERT_COUNT))
		t->told += len;
	if (written)
		progress_pace(p, len);
	return progress_tell(p, t->told, t->all, err);
}

static int put_extent(struct into *t, struct bp_chain *from, const struct bp_guest_extent *e,
		      uint64_t len, struct bp_error *err)
{
	if (is_zeros(e) && finds_zeros(t))
		return put_zeros(t, len, t->done, err) < 0 ? -1 : told(t, len, false, err);
	for (uint64_t in = 0, n; in < len; in += n) {
		n = progress_piece(t->v->progress, len - in);
		n = n < PIECE ? n : PIECE;
		if (bp_chain_read(from, t->buf, (size_t)n, e->at + in, err) < 0 ||
		    put_bytes(t, n, t->done, err) < 0 || told(t, n, true, err) < 0)
			return -1;
	}
	return 0;
}

/* backed: what the source leaves to its backing file the image has from its own. */
static int put_source(struct into *t, struct bp_chain *from, uint64_t skip, bool backed,
		      struct bp_error *err)
{
	struct bp_guest_extent e;
	size_t depth;

	for (uint64_t at = skip, len; at < from->capacity && t->done < t->v->capacity; at += len) {
		if (bp_chain_extent(from, at, &e, &depth, err) < 0)
			return -1;
		len = t->v->capacity - t->done < e.len ? t->v->capacity - t->done : e.len;
		if ((backed && bp_chain_leaves(from, &e, depth) ? told(t, len, false, err) :
					   put_extent(t, from, &e, len, err)) < 0)
			return -1;
	}
	return 0;
}

/* ---- what will be written, for who must know before --------------------------------------- */

struct into_parts {
	struct bp_parts parts;
	const struct into *t;
	bool backed;
};

/* What of the sources goes to at, and whether that one leaves it to its backing file. */
static int extent_of(const struct conversion *v, uint64_t at, struct bp_guest_extent *ret,
		     bool *ret_left, struct bp_error *err)
{
	uint64_t in = v->c->skip + at;
	size_t i = 0, depth;

	while (in >= v->chains[i].capacity)
		in -= v->chains[i++].capacity;
	if (bp_chain_extent(&v->chains[i], in, ret, &depth, err) < 0)
		return -1;
	*ret_left = bp_chain_leaves(&v->chains[i], ret, depth);
	return 0;
}

static int next_part(struct bp_parts *p, uint64_t at, uint64_t *ret_at, uint64_t *ret_len,
		     struct bp_error *err)
{
	const struct into_parts *parts = (struct into_parts *)p;
	const struct conversion *v = parts->t->v;
	struct bp_guest_extent e;

	for (; at < v->capacity; at += e.len) {
		bool kept, left;

		if (extent_of(v, at, &e, &left, err) < 0)
			return -1;
		kept = is_zeros(&e) && finds_zeros(parts->t) && v->c->flags & BP_CONVERT_IS_ZERO;
		if (kept || (parts->backed && left))
			continue;
		*ret_at = at;
		*ret_len = e.len;
		return 1;
	}
	return 0;
}

/* How much there is to be told: see told(). */
static int count(struct into *t, bool backed, struct bp_error *err)
{
	struct bp_guest_extent e;
	bool left;

	t->all = t->v->capacity;
	if (!(t->v->c->flags & BP_CONVERT_COUNT))
		return 0;
	for (uint64_t at = t->all = 0; at < t->v->capacity; at += e.len) {
		if (extent_of(t->v, at, &e, &left, err) < 0)
			return -1;
		if (e.len > t->v->capacity - at)
			e.len = t->v->capacity - at;
		if (!(backed && left) && !(is_zeros(&e) && finds_zeros(t)))
			t->all += e.len;
	}
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int begin(struct into *t, bool backed, struct bp_error *err)
{
	const struct image_file *there = &t->v->there;
	struct into_parts parts = { { next_part }, t, backed };

	if (there->format->bitmaps_note &&
	    there->format->bitmaps_note(there->io, &parts.parts, err) < 0)
		return bp_within(err, "'%s'", there->path);
	if (image_file_chain(there, 0, &t->chain, err) < 0)
		return -1;
	if (there->format->patch(there->io, BP_PATCH_NOTED | BP_PATCH_ZEROS, &t->patch, err) < 0)
		return bp_within(err, "'%s'", there->path);
	if (t->patch->capacity < t->v->capacity)
		return bp_fail(err, BP_INVALID, "output file is smaller than input file");
	t->over = (struct overwrite){ .patch = t->patch, .chain = &t->chain };
	t->buf = mem_alloc(PIECE);
	return 0;
}

int image_convert_into(const struct conversion *v, bool backed, struct bp_error *err)
{
	cleanup(into_done) struct into t = { .v = v };
	uint64_t skip = v->c->skip;

	if (begin(&t, backed, err) < 0 || count(&t, backed, err) < 0)
		return -1;
	for (size_t i = 0; i < v->n; i++) {
		uint64_t all = v->chains[i].capacity;

		if (put_source(&t, &v->chains[i], skip, backed, err) < 0)
			return -1;
		skip -= skip < all ? skip : all;
	}
	return overwrite_finish(&t.over, err);
}

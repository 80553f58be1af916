/* qcow2_bitmap.c - the dirty bitmaps that a qcow2 image keeps: added, cleared, removed, merged,
 * copied from another image, and told of what will be written. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_bitmaps.h"

static const char cannot[] = "Can't change bitmaps";

static int begin(struct qcow2_edit *e, struct qcow2_bitmaps *all, struct bp_io *io,
		 struct bp_error *err)
{
	return qcow2_edit_begin(e, io, cannot, err) < 0 ? -1 : qcow2_bitmaps_read(&e->q, all, err);
}

/* What was taken for what did not go well (r) is given back. */
static int end(struct qcow2_edit *e, struct qcow2_bitmaps *all, int r, struct bp_error *err)
{
	if (r < 0)
		return qcow2_edit_abandon(e);
	if (qcow2_bitmaps_commit(e, all, err) < 0)
		return -1;
	qcow2_edit_trim(e);
	return 0;
}

/* ---- one ---------------------------------------------------------------------------------- */

static int remove_one(struct qcow2_edit *e, struct qcow2_bitmaps *all, struct qcow2_bitmap *b,
		      struct bp_error *err)
{
	if (qcow2_bitmap_drop(e, b, err) < 0)
		return -1;
	free(b->name);
	free(b->extra);
	memmove(b, b + 1, (size_t)(&all->list[--all->n] - b) * sizeof *b);
	return 0;
}

static int change(struct qcow2_edit *e, struct qcow2_bitmaps *all,
		  const struct bp_image_bitmap *what, struct bp_error *err)
{
	struct qcow2_bitmap *b;
	bool ignored;

	if (what->deed == BP_BITMAP_ADD) {
		if (qcow2_bitmaps_add(&e->q, all, what->name, what->granularity, err) < 0)
			return -1;
		return qcow2_bitmap_mark(e, &all->list[all->n - 1], NULL, &ignored, err);
	}
	b = qcow2_bitmaps_find(all, what->name, err);
	if (!b || (what->deed != BP_BITMAP_REMOVE && qcow2_bitmap_usable(b, err) < 0))
		return -1;
	switch (what->deed) {
	case BP_BITMAP_ENABLE:
		b->flags |= QCOW2_BITMAP_AUTO;
		return 0;
	case BP_BITMAP_DISABLE:
		b->flags &= ~(uint32_t)QCOW2_BITMAP_AUTO;
		return 0;
	case BP_BITMAP_REMOVE:
		return remove_one(e, all, b, err);
	default:
		break;
	}
	if (qcow2_bitmap_whole(&e->q, b, e->q.h.capacity, err) < 0 ||
	    qcow2_bitmap_drop(e, b, err) < 0)
		return -1;
	b->is_new = true;
	return qcow2_bitmap_mark(e, b, NULL, &ignored, err);
}

int qcow2_bitmap(struct bp_io *io, const struct bp_image_bitmap *what, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };

	if (begin(&e, &all, io, err) < 0)
		return -1;
	return end(&e, &all, change(&e, &all, what, err), err);
}

/* ---- one into another ----------------------------------------------------------------------- */

/* Another image, and what it keeps. */
struct source {
	struct qcow2 q;
	struct qcow2_bitmaps all;
};

static void source_done(struct source *s)
{
	qcow2_bitmaps_done(&s->all);
}

static int open_source(struct source *s, struct bp_io *io, struct bp_error *err)
{
	return qcow2_open(io, &s->q, err) < 0 ? -1 : qcow2_bitmaps_read(&s->q, &s->all, err);
}

static uint64_t sectors(const struct qcow2_header *h)
{
	return h->capacity / 512 + !!(h->capacity % 512);
}

static int merge(struct qcow2_edit *e, struct qcow2_bitmap *to, const struct qcow2 *q,
		 const struct qcow2_bitmap *from, bool *ret_changed, struct bp_error *err)
{
	cleanup(qcow2_bits_done) struct qcow2_bits bits = { 0 };

	if (sectors(&e->q.h) != sectors(&q->h))
		return bp_fail(err, BP_INVALID, "Bitmaps are of different sizes (destination size "
			       "is %" PRIu64 ", source size is %" PRIu64 ") and can't be merged",
			       e->q.h.capacity, q->h.capacity);
	if (qcow2_bits_open(&bits, q, from, err) < 0)
		return -1;
	return qcow2_bitmap_mark(e, to, &bits.parts, ret_changed, err);
}

int qcow2_bitmap_merge(struct bp_io *io, const char *name, struct bp_io *from, const char *source,
		       struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };
	cleanup(source_done) struct source other = { 0 };
	struct qcow2_bitmap *to, *b;
	bool changed = false;
	int r;

	if (begin(&e, &all, io, err) < 0 || open_source(&other, from ? from : io, err) < 0)
		return -1;
	to = qcow2_bitmaps_find(&all, name, err);
	b = to ? qcow2_bitmaps_find(&other.all, source, err) : NULL;
	if (!b || qcow2_bitmap_usable(to, err) < 0 || qcow2_bitmap_usable(b, err) < 0)
		return -1;
	r = merge(&e, to, &other.q, b, &changed, err);
	return r == 0 && !changed ? 0 : end(&e, &all, r, err);
}

/* ---- all of another image ------------------------------------------------------------------ */

static bool is_broken(const struct qcow2_bitmap *b)
{
	return b->flags & QCOW2_BITMAP_IN_USE;
}

/* In QEMU's order. */
static int check_copies(const struct source *from, bool skip_broken,
			const struct bp_teller *teller, struct bp_error *err)
{
	for (size_t i = from->all.n; i-- > 0;) {
		const struct qcow2_bitmap *b = &from->all.list[i];
		auto_free char *line = NULL;

		if (!is_broken(b))
			continue;
		if (!skip_broken)
			return bp_fail(err, BP_OP_UNSUPPORTED, "Cannot copy inconsistent bitmap "
				       "'%s'\nTry --skip-broken-bitmaps, or use 'qemu-img bitmap "
				       "--remove' to delete it", b->name);
		if (teller)
			teller->tell(teller->arg, line = mem_printf("warning: Skipping "
				     "inconsistent bitmap '%s'", b->name));
	}
	return 0;
}

static int copy(struct qcow2_edit *e, struct qcow2_bitmaps *all, const struct qcow2 *q,
		const struct qcow2_bitmap *from, struct bp_error *err)
{
	struct qcow2_bitmap *to;
	bool changed;

	if (qcow2_bitmaps_add(&e->q, all, from->name, UINT64_C(1) << (from->granularity_bits & 31),
			      err) < 0)
		return bp_within(err, "Failed to create bitmap %s", from->name);
	to = &all->list[all->n - 1];
	to->flags = from->flags & QCOW2_BITMAP_AUTO;
	if (merge(e, to, q, from, &changed, err) < 0)
		return bp_within(err, "Failed to populate bitmap %s", from->name);
	return 0;
}

int qcow2_bitmaps_copy(struct bp_io *io, struct bp_io *from, bool skip_broken,
		       const struct bp_teller *teller, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };
	cleanup(source_done) struct source other = { 0 };
	size_t n = 0;
	int r = 0;

	if (open_source(&other, from, err) < 0)
		return -1;
	if (!io)
		return check_copies(&other, skip_broken, teller, err);
	if (begin(&e, &all, io, err) < 0)
		return -1;
	for (size_t i = 0; r == 0 && i < other.all.n; i++)
		if (!is_broken(&other.all.list[i]) && ++n)
			r = copy(&e, &all, &other.q, &other.all.list[i], err);
	return r == 0 && !n ? 0 : end(&e, &all, r, err);
}

/* ---- what will be written -------------------------------------------------------------------- */

int qcow2_bitmaps_note(struct bp_io *io, struct bp_parts *parts, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };
	bool any = false, changed;
	struct qcow2 q;
	int r = 0;

	if (qcow2_open(io, &q, err) < 0)
		return -1;
	if (!(q.h.autoclear & QCOW2_BITMAPS))
		return 0;
	if (begin(&e, &all, io, err) < 0)
		return -1;
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		struct qcow2_bitmap *b = &all.list[i];

		if (is_broken(b) || !(b->flags & QCOW2_BITMAP_AUTO))
			continue;
		r = qcow2_bitmap_mark(&e, b, parts, &changed, err);
		any = any || (r == 0 && changed);
	}
	if (r == 0 && !any)
		return 0;
	return end(&e, &all, r, err) < 0 ? -1 : 1;
}

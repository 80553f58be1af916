/* edits.c - any bytes as an image that is changed in place: written into, given other features,
 * grown with space, shrunk, emptied.  An image that was whole stays whole, and nothing else
 * changes of what its guest and its first snapshot see.
 *
 * The first byte says what is done, the second how; what follows is the file.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/guest.h"
#include "core/image/image.h"
#include "core/image/patch.h"
#include "core/image/qcow2.h"
#include "tests/fuzz/bounded.h"
#include "tests/fuzz/replay.h"

enum { PLACES = 24, PLACE = 512, STROKES = 3, INK = 0xa5 };

static const struct bp_image_format *qcow2;

static bool is_whole(struct bp_io *io)
{
	struct bp_vol_check c = { 0 };
	struct bp_error err = { 0 };

	return done(qcow2->check(io, BP_REPAIR_NOTHING, NULL, NULL, &c, &err), &err) == 0 &&
	       !c.corruptions && !c.leaks;
}

/* ---- what is seen ------------------------------------------------------------------------ */

struct view {
	uint64_t capacity;
	struct place {
		bool known;		/* it could be read */
		unsigned char bytes[PLACE];
	} places[PLACES];
};

static uint64_t place_at(const struct view *v, size_t i)
{
	return v->capacity / PLACES * i;
}

static size_t place_len(const struct view *v, size_t i)
{
	uint64_t left = v->capacity - place_at(v, i);

	return left < PLACE ? (size_t)left : PLACE;
}

/* capacity 0: the guest's.  A view of nothing: it cannot be opened.  Nothing is known of what
 * is behind its end. */
static void look(struct bp_io *io, const char *snapshot, uint64_t capacity, struct view *ret)
{
	struct bp_error err = { 0 };
	struct bp_guest *g = NULL;

	memset(ret, 0, sizeof *ret);
	if (done(snapshot ? qcow2->open_snapshot(io, snapshot, &g, &err) :
			    qcow2->open(io, &g, &err), &err) < 0)
		return;
	ret->capacity = capacity ? capacity : g->capacity;
	for (size_t i = 0; i < PLACES; i++) {
		struct place *p = &ret->places[i];

		err = (struct bp_error){ 0 };
		if (place_at(ret, i) + place_len(ret, i) > g->capacity)
			continue;
		p->known = done(guest_read(g, p->bytes, place_len(ret, i), place_at(ret, i),
					   &err), &err) == 0;
	}
	guest_close(g);
}

static void same(const struct view *was, const struct view *is)
{
	must(was->capacity == is->capacity);
	for (size_t i = 0; i < PLACES; i++)
		must(!was->places[i].known ||
		     (is->places[i].known && memcmp(was->places[i].bytes, is->places[i].bytes,
						    place_len(was, i)) == 0));
}

/* A part of what is seen is full of a byte now. */
static void paint(struct view *v, uint64_t from, uint64_t to, unsigned char ink)
{
	for (size_t i = 0; i < PLACES; i++) {
		uint64_t at = place_at(v, i), n = place_len(v, i);

		if (from <= at && at + n <= to)
			v->places[i].known = true;
		for (uint64_t j = 0; j < n; j++)
			if (at + j >= from && at + j < to)
				v->places[i].bytes[j] = ink;
	}
}

/* Who has not come to his end has left some of it, perhaps. */
static void doubt(struct view *v, const struct view *other)
{
	for (size_t i = 0; i < PLACES; i++)
		if (memcmp(v->places[i].bytes, other->places[i].bytes, PLACE) != 0)
			v->places[i].known = false;
}

/* ---- what is done ------------------------------------------------------------------------- */

/* Units at the beginning, in the middle and at the end: ink and zeros. */
static int write_some(struct bp_io *io, unsigned how, struct view *v, struct bp_error *err)
{
	static unsigned char ink[1 << QCOW2_MAX_CLUSTER_BITS];
	unsigned flags = (how & 1 ? BP_PATCH_ZEROS : 0) | (how & 2 ? BP_PATCH_BACKED : 0) |
			 (how & 4 ? BP_PATCH_NOTED : 0);
	struct bp_patch *p = NULL;
	uint64_t end = 0;
	int r = 0;

	if (qcow2->patch(io, flags, &p, err) < 0)
		return -1;
	must(p->unit && p->unit <= sizeof ink && p->capacity == v->capacity);
	memset(ink, INK, (size_t)p->unit);
	for (unsigned i = 0; r == 0 && i < STROKES; i++) {
		uint64_t at = p->capacity / 2 * i / p->unit * p->unit, len = p->unit;
		bool zeros = how >> (3 + i) & 1;

		if (at < end)
			at = end;
		if (at >= p->capacity)
			break;
		if (len > p->capacity - at)
			len = p->capacity - at;
		end = at + len;
		r = p->ops->write(p, zeros ? NULL : ink, len, at, err);
		paint(v, at, end, zeros ? 0 : INK);
	}
	if (r == 0 && !(how & 0x80))
		r = p->ops->finish(p, err);
	else if (r == 0)
		r = bp_fail(err, BP_SYSTEM, "given up");
	p->ops->close(p);
	return r;
}

/* What version 2 cannot have is not asked for. */
static int amend(struct bp_io *io, unsigned how, struct view *v, struct bp_error *err)
{
	struct bp_image_amendment a = { .version = how & 1 ? 2 + (how >> 1 & 1) : 0 };
	struct qcow2 q;

	(void)v;
	if (qcow2_open(io, &q, err) < 0)
		return -1;
	if ((a.version ? a.version : q.h.version) >= 3) {
		a.refcount_bits = how & 4 ? 1u << (how >> 5) % 7 : 0;
		a.lazy_too = how & 8;
		a.lazy = how & 16;
	}
	return qcow2->amend(io, &a, NULL, err);
}

static int grow(struct bp_io *io, unsigned how, struct view *v, struct bp_error *err)
{
	static const enum bp_preallocation kinds[] = {
		BP_PREALLOC_OFF, BP_PREALLOC_METADATA, BP_PREALLOC_FALLOC, BP_PREALLOC_FULL,
	};
	static unsigned char last[1 << QCOW2_MAX_CLUSTER_BITS];
	const uint64_t more = (how >> 4) << 14;
	const struct bp_image_growth growth = {
		.capacity = v->capacity / 512 * 512 + 512 + more,
		.preallocate = kinds[how & 3],
		.below = how & 4 ? v->capacity + 4096 : 0,
		.last = last,
	};
	cleanup(guest_closep) struct bp_guest *g = NULL;
	struct qcow2 q;
	size_t n;

	if (qcow2_open(io, &q, err) < 0 || qcow2->open(io, &g, err) < 0)
		return -1;
	n = v->capacity % qcow2_cluster_size(&q.h);
	if (guest_read(g, last, n, v->capacity - n, err) < 0)
		return -1;
	return qcow2->grow(io, &growth, err);
}

static int shrink(struct bp_io *io, unsigned how, struct view *v, struct bp_error *err)
{
	uint64_t capacity = (v->capacity >> (how & 3)) / 512 * 512;

	for (size_t i = 0; i < PLACES; i++)
		if (place_at(v, i) + place_len(v, i) > capacity)
			v->places[i].known = false;
	return qcow2->resize(io, capacity, err);
}

static int forget(struct bp_io *io, unsigned how, struct view *v, struct bp_error *err)
{
	if (how & 1)
		return qcow2->forget(io, true, err);
	paint(v, 0, v->capacity, 0);
	return qcow2->forget(io, false, err);
}

static int nothing(void *arg, struct bp_io *io, uint64_t from, uint64_t to, struct bp_error *err)
{
	(void)arg, (void)io, (void)from, (void)to, (void)err;
	return 0;
}

static int empty(struct bp_io *io, unsigned how, struct view *v, struct bp_error *err)
{
	const struct bp_image_spec spec = {
		.capacity = v->capacity, .cluster_size = how & 1 ? 512 << (how >> 4) : 0,
		.compat = how & 2 ? "0.10" : NULL,
	};
	const struct bp_image_wiper wiper = { .wipe = nothing };

	paint(v, 0, v->capacity, 0);
	return qcow2->empty(io, &spec, &wiper, err);
}

static int (*const deeds[])(struct bp_io *io, unsigned how, struct view *v,
			    struct bp_error *err) = {
	write_some, amend, grow, shrink, forget, empty,
};

static char *first_snapshot(struct bp_io *io)
{
	struct bp_error err = { 0 };
	struct bp_snapshot *list = NULL;
	char *id = NULL;
	size_t n = 0;

	if (done(qcow2->snapshot_list(io, &list, &n, &err), &err) == 0 && n)
		id = mem_dup(list[0].id);
	bp_snapshots_free(list, n);
	return id;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	static struct view before, after, kept, kept_after;
	int (*deed)(struct bp_io *io, unsigned how, struct view *v, struct bp_error *err);
	auto_free char *snapshot = NULL;
	struct bp_error err = { 0 };
	struct bp_io *io;
	bool whole;
	int r;

	if (len < 2)
		return 0;
	qcow2 = bp_image_format_find("qcow2");
	io = bounded(data + 2, len - 2);
	whole = is_whole(io);
	snapshot = first_snapshot(io);
	look(io, NULL, 0, &before);
	deed = deeds[data[0] % array_size(deeds)];
	if (deed == empty)
		free(steal(snapshot));
	if (snapshot)
		look(io, snapshot, 0, &kept);
	after = before;
	r = done(deed(io, data[1], &after, &err), &err);
	if (whole) {
		must(is_whole(io));
		if (snapshot) {
			look(io, snapshot, 0, &kept_after);
			same(&kept, &kept_after);
		}
		if (r == 0)
			before = after;
		else
			doubt(&before, &after);
		look(io, NULL, before.capacity, &after);
		same(&before, &after);
	}
	io_close(io);
	return 0;
}

/* bitmaps.c - any bytes as an image that keeps dirty bitmaps: listed, added, cleared, merged,
 * copied, told of what is written, resized with the disk, and removed.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/qcow2_bitmaps.h"
#include "tests/fuzz/bounded.h"
#include "tests/fuzz/replay.h"

#define NAMES 4		/* bitmaps that are changed, of those there are */

static const struct bp_image_format *qcow2;

static uint64_t wrong;		/* with the image before: bitmaps that can only be removed */

/* UINT64_MAX: that cannot be found out. */
static uint64_t count_wrong(struct bp_io *io)
{
	struct bp_vol_check c = { 0 };
	struct bp_error err = { 0 };

	return done(qcow2->check(io, BP_REPAIR_NOTHING, NULL, NULL, &c, &err), &err) == 0 ?
	       c.corruptions : UINT64_MAX;
}

/* Nothing that is done to bitmaps harms an image. */
static void check(struct bp_io *io)
{
	must(count_wrong(io) <= wrong && wrong != UINT64_MAX);
}

static int change(struct bp_io *io, enum bp_bitmap_deed deed, const char *name)
{
	const struct bp_image_bitmap what = { .deed = deed, .name = name };
	struct bp_error err = { 0 };
	int r = done(qcow2->bitmap(io, &what, &err), &err);

	if (r == 0)
		check(io);
	return r;
}

static void merge(struct bp_io *io, const char *to, const char *from)
{
	struct bp_error err = { 0 };

	if (done(qcow2->bitmap_merge(io, to, io, from, &err), &err) == 0)
		check(io);
}

/* Two places of the disk. */
static int two_parts(struct bp_parts *p, uint64_t at, uint64_t *ret_at, uint64_t *ret_len,
		     struct bp_error *err)
{
	(void)p, (void)err;
	if (at > 70000)
		return 0;
	*ret_at = at ? 70000 : 512;
	*ret_len = 1024;
	return 1;
}

static void write_and_resize(struct bp_io *io, uint64_t capacity)
{
	struct bp_parts parts = { two_parts };
	struct bp_error err = { 0 }, again = { 0 };
	int r = qcow2->bitmaps_note(io, &parts, &err);

	must(r < 0 ? err.code && *err.text : !err.code);
	if (r > 0)
		check(io);
	(void)done(qcow2->resize(io, capacity, &again), &again);
}

static void copy(struct bp_io *from, bool skip_broken)
{
	const struct bp_image_spec spec = { .capacity = 1 << 20 };
	struct bp_io *io = bounded(NULL, 0);
	struct bp_error err = { 0 };

	must(qcow2->create(io, &spec, &err) == 0);
	if (done(qcow2->bitmaps_copy(io, from, skip_broken, NULL, &err), &err) == 0)
		must(!count_wrong(io));
	io_close(io);
}

/* Those there are, and one more. */
static void change_all(struct bp_io *io, const struct qcow2_bitmaps *all, uint64_t capacity)
{
	static const enum bp_bitmap_deed deeds[] = {
		BP_BITMAP_DISABLE, BP_BITMAP_ENABLE, BP_BITMAP_CLEAR,
	};
	size_t n = all->n < NAMES ? all->n : NAMES;

	(void)change(io, BP_BITMAP_ADD, "one more");
	for (size_t i = 0; i < n; i++) {
		merge(io, "one more", all->list[i].name);
		merge(io, all->list[i].name, "one more");
	}
	write_and_resize(io, capacity + (1 << 16));
	write_and_resize(io, capacity / 2 + 512);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < array_size(deeds); j++)
			(void)change(io, deeds[j], all->list[i].name);
		if (change(io, BP_BITMAP_REMOVE, all->list[i].name) == 0 && i)
			(void)change(io, BP_BITMAP_ADD, all->list[i].name);
	}
}

static void list(struct bp_io *io)
{
	struct bp_image_facts facts = { 0 };
	struct bp_error err = { 0 };

	(void)done(bp_image_facts(io, qcow2, &facts, &err), &err);
	bp_image_facts_done(&facts);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct bp_io *io = bounded(data, len);
	struct qcow2_bitmaps all = { 0 };
	struct bp_error err = { 0 };
	struct qcow2 q;

	qcow2 = bp_image_format_find("qcow2");
	list(io);
	wrong = count_wrong(io);
	if (qcow2_open(io, &q, &err) == 0 && qcow2_bitmaps_read(&q, &all, &err) == 0) {
		copy(io, false);
		copy(io, true);
		change_all(io, &all, q.h.capacity);
	}
	qcow2_bitmaps_done(&all);
	io_close(io);
	return 0;
}

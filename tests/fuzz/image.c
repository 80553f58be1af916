/* image.c - any bytes as an image: probed, and, if they can be, read, grown, checked,
 * repaired and kept in snapshots.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/image.h"
#include "core/image/qcow2.h"
#include "tests/fuzz/bounded.h"
#include "tests/fuzz/replay.h"

static void probe(struct bp_io *io, struct bp_image_info *info)
{
	struct bp_error err = { 0 };
	int r = bp_image_probe(io, info, &err);

	must(info->format && r == (err.code ? -1 : 0));
	must(!err.code || *err.text);
	must(!info->backing || *info->backing);
}

static void grow(struct bp_io *io, const struct bp_image_format *f, uint64_t capacity)
{
	struct bp_image_info info;
	struct bp_error err = { 0 };

	if (f->resize(io, capacity, &err) < 0) {
		must(err.code && *err.text);
		return;
	}
	probe(io, &info);
	must(strcmp(info.format, f->name) == 0);
	must(!capacity || info.capacity - capacity < 512);
	bp_image_info_done(&info);
}

static void back(struct bp_io *io, const struct bp_image_format *f, const char *name,
		 const char *format)
{
	struct bp_image_info info;
	struct bp_error err = { 0 };

	if (f->set_backing(io, name, format, &err) < 0) {
		must(err.code && *err.text);
		return;
	}
	probe(io, &info);
	must(name ? info.backing && strcmp(info.backing, name) == 0 : !info.backing);
	bp_image_info_done(&info);
}

static struct bp_vol_check check(struct bp_io *io, const struct bp_image_format *f,
				 enum bp_repair repair, bool *ret_known)
{
	struct bp_vol_check c = { 0 };
	struct bp_error err = { 0 };

	*ret_known = f->check(io, repair, NULL, NULL, &c, &err) == 0;
	must(*ret_known || (err.code && *err.text));
	return c;
}

/* Nothing is wrong but with bitmaps: one that can only be removed is no reason to refuse other
 * changes.  Without the bit that says that there are some nobody looks at them. */
static bool only_bitmaps_wrong(struct bp_io *io, const struct bp_image_format *f)
{
	struct bp_vol_check c = { .corruptions = 1 };
	struct bp_error err = { 0 };
	unsigned char bits[8];
	struct qcow2 q;
	bool known;

	if (qcow2_open(io, &q, &err) < 0 || !(q.h.autoclear & QCOW2_BITMAPS))
		return false;
	put_be64(bits, q.h.autoclear & ~(uint64_t)QCOW2_BITMAPS);
	must(io_write(io, bits, sizeof bits, QCOW2_AUTOCLEAR_AT, &err) == 0);
	c = check(io, f, BP_REPAIR_NOTHING, &known);
	put_be64(bits, q.h.autoclear);
	must(io_write(io, bits, sizeof bits, QCOW2_AUTOCLEAR_AT, &err) == 0);
	return known && !c.corruptions;
}

/* What has been repaired stays so, and no snapshot harms an image. */
static void edit(struct bp_io *io, const struct bp_image_format *f)
{
	struct bp_vol_check c, again;
	bool known;

	c = check(io, f, BP_REPAIR_ALL, &known);
	if (!known)
		return;
	must(!c.leaks || c.corruptions);
	again = check(io, f, BP_REPAIR_NOTHING, &known);
	must(known && again.corruptions == c.corruptions && again.leaks == c.leaks);
	for (int step = 0; step < 4; step++) {
		struct bp_error err = { 0 };
		int r = step < 2  ? f->snapshot_create(io, step ? "two" : "one", &err) :
			step == 2 ? f->snapshot_revert(io, "one", &err) :
				    f->snapshot_delete(io, "one", &err);

		(void)done(r, &err);
		must(r < 0 || !c.corruptions || only_bitmaps_wrong(io, f));
		again = check(io, f, BP_REPAIR_NOTHING, &known);
		must(known && again.corruptions == c.corruptions && again.leaks == c.leaks);
	}
}

/* What the guest sees: extents that follow each other up to the end, and bytes that are the
 * same however they are asked for. */
static void look(struct bp_io *io, const char *format)
{
	const struct bp_image_format *f = bp_image_format_find(format);
	static unsigned char buf[256 << 10], again[sizeof buf];
	struct bp_guest *g;
	struct bp_error err = { 0 };
	uint64_t at = 0;

	if (!f->open)
		return;
	if (f->open(io, &g, &err) < 0) {
		must(err.code && *err.text);
		return;
	}
	for (int i = 0; i < 200 && at < g->capacity && !err.code; i++) {
		struct bp_guest_extent e;
		size_t n, half;

		if (guest_extent(g, at, &e, &err) < 0)
			break;
		must(e.at == at && e.len && e.len <= g->capacity - at);
		n = e.len < sizeof buf ? (size_t)e.len : sizeof buf;
		half = n / 3;
		if (guest_read(g, buf, n, at, &err) == 0 &&
		    guest_read(g, again, half, at, &err) == 0 &&
		    guest_read(g, again + half, n - half, at + half, &err) == 0)
			must(memcmp(buf, again, n) == 0);
		at += e.len;
	}
	must(!err.code || *err.text);
	guest_close(g);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct bp_io *io = bounded(data, len);
	struct bp_image_info info;
	uint64_t capacity;

	probe(io, &info);
	capacity = info.capacity;
	look(io, info.format);
	if (strcmp(info.format, "qcow2") == 0) {
		const struct bp_image_format *f = bp_image_format_find(info.format);

		grow(io, f, capacity + 1);
		grow(io, f, capacity + (1 << 20));
		grow(io, f, capacity + (256 << 20));
		grow(io, f, capacity / 2);
		back(io, f, "a longer name than most", "qcow2");
		back(io, f, NULL, NULL);
		io_close(io);
		io = bounded(data, len);
		edit(io, f);
	}
	bp_image_info_done(&info);
	io_close(io);
	return 0;
}

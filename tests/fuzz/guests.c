/* guests.c - any bytes as an image of any format: described, opened, read, checked and repaired.
 *
 * The first byte says which format. An odd second one: what follows is the file;
 * an even one: pieces of a file that is large and otherwise empty, each with its
 * place (3 bytes, in units of 64), its length (1) and its bytes. The checksums
 * that a VHD or VHDX wants are made right, or nothing behind them would be seen.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/image.h"
#include "tests/fuzz/replay.h"
#include "tests/seal_image.h"

#ifndef FILE_SIZE
#define FILE_SIZE (8u << 20)		/* a hunt is faster where less is enough */
#endif
#define READ	  (64u << 10)
#define STEPS	  40			/* extents that are looked at */
#define UNIT	  64u

static void must(bool so)
{
	if (!so)
		abort();
}

/* ---- a file in memory that is not made anew each time -------------------------------- */

static unsigned char file[FILE_SIZE];
static size_t file_len;

static int file_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)io;
	(void)err;
	*ret = file_len;
	return 0;
}

static int file_read_at(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	if (at > file_len || len > file_len - at)
		return bp_fail(err, BP_SYSTEM, "'%s' is read past its end", io->name);
	memcpy(buf, file + at, len);
	return 0;
}

static int file_write_at(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			 struct bp_error *err)
{
	if (at > FILE_SIZE || len > FILE_SIZE - at)
		return bp_fail(err, BP_SYSTEM, "'%s' is full", io->name);
	memcpy(file + at, buf, len);
	if (file_len < at + len)
		file_len = at + len;
	return 0;
}

/* What is behind its end is zero at all times. */
static int file_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	if (size > FILE_SIZE)
		return bp_fail(err, BP_SYSTEM, "'%s' is full", io->name);
	if (size < file_len)
		memset(file + size, 0, file_len - size);
	file_len = size;
	return 0;
}

static int no_sync(struct bp_io *io, struct bp_error *err)
{
	(void)io;
	(void)err;
	return 0;
}

static void nothing(struct bp_io *io)
{
	(void)io;
}

/* ---- what is in it --------------------------------------------------------------------- */

static size_t unfold(const unsigned char *data, size_t len)
{
	size_t end = 0;

	while (len >= 4) {
		size_t at = ((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) * UNIT;
		size_t n = data[3];

		data += 4;
		len -= 4;
		if (n > len)
			n = len;
		if (at <= FILE_SIZE - n) {
			memcpy(file + at, data, n);
			if (at + n > end)
				end = at + n;
		}
		data += n;
		len -= n;
	}
	return end > FILE_SIZE - 4096 ? FILE_SIZE : (end + 4095) / 4096 * 4096;
}

static void walk(struct bp_guest *g)
{
	static unsigned char buf[READ];
	uint64_t at = 0;

	for (int i = 0; i < STEPS && at < g->capacity; i++) {
		struct bp_error err = { 0 };
		struct bp_guest_extent e;
		uint64_t left = g->capacity - at;

		if (guest_extent(g, at, &e, &err) < 0) {
			must(err.code && *err.text);
			return;
		}
		must(e.at == at && e.len && e.len <= left);
		if (guest_read(g, buf, e.len < READ ? (size_t)e.len : READ, at, &err) < 0)
			must(err.code && *err.text);
		at += e.len;
	}
	if (g->capacity) {
		struct bp_error err = { 0 };
		uint64_t end = g->capacity < 512 ? g->capacity : 512;

		if (guest_read(g, buf, (size_t)end, g->capacity - end, &err) < 0)
			must(err.code && *err.text);
	}
}

/* All files that it names are it. */
static void look_at_parts(struct bp_io *io, const struct bp_image_format *f)
{
	struct bp_image_parts parts = { 0 };
	struct bp_error err = { 0 };
	struct bp_guest *g = NULL;

	if (!f->parts)
		return;
	if (f->parts(io, &parts, &err) < 0)
		must(err.code && *err.text);
	for (size_t i = 0; i < parts.n; i++)
		parts.parts[i].io = parts.parts[i].name ? io : NULL;
	if (parts.n && f->open_parts(io, &parts, &g, &err) < 0)
		must(err.code && *err.text);
	if (g)
		walk(g);
	guest_close(g);
	bp_image_parts_done(&parts);
}

/* Its tables; all files that it names are it. */
static void check(struct bp_io *io, const struct bp_image_format *f)
{
	struct bp_image_parts parts = { 0 };
	struct bp_vol_check sum = { 0 };
	struct bp_error err = { 0 };

	if (!f->check)
		return;
	if (f->check(io, BP_REPAIR_NOTHING, NULL, NULL, &sum, &err) < 0)
		must(err.code && *err.text);
	must(sum.allocated >= sum.fragmented && !sum.corruptions_fixed && !sum.leaks_fixed);
	err = (struct bp_error){ 0 };
	if (!f->check_parts || f->parts(io, &parts, &err) < 0)
		return;
	for (size_t i = 0; i < parts.n; i++)
		parts.parts[i].io = parts.parts[i].name ? io : NULL;
	if (f->check_parts(&parts, NULL, NULL, &sum, &err) < 0)
		must(err.code && *err.text);
	bp_image_parts_done(&parts);
}

/* All or nothing, and what is repaired stays so.  image.c does so with qcow2. */
static void repair(struct bp_io *io, const struct bp_image_format *f)
{
	struct bp_vol_check sum = { 0 }, again = { 0 };
	struct bp_error err = { 0 };

	if (!f->repairs || strcmp(f->name, "qcow2") == 0)
		return;
	if (f->check(io, BP_REPAIR_ALL, NULL, NULL, &sum, &err) < 0) {
		must(err.code && *err.text);
		return;
	}
	must(!sum.corruptions || (!sum.corruptions_fixed && !sum.leaks_fixed));
	err = (struct bp_error){ 0 };
	if (f->check(io, BP_REPAIR_ALL, NULL, NULL, &again, &err) < 0)
		abort();
	must(again.corruptions == sum.corruptions && again.leaks == sum.leaks &&
	     again.allocated == sum.allocated && again.end == sum.end &&
	     !again.corruptions_fixed && !again.leaks_fixed);
}

static void look(struct bp_io *io, const struct bp_image_format *f)
{
	struct bp_image_info info;
	struct bp_image_facts facts;
	struct bp_error err = { 0 };
	struct bp_guest *g;

	if (bp_image_describe(io, f, &info, &err) < 0)
		must(err.code && *err.text);
	bp_image_info_done(&info);
	err = (struct bp_error){ 0 };
	if (bp_image_facts(io, f, &facts, &err) == 0)
		bp_image_facts_done(&facts);
	else
		must(err.code && *err.text);
	look_at_parts(io, f);
	err = (struct bp_error){ 0 };
	if (!f->open)
		return;
	if (f->open(io, &g, &err) < 0) {
		must(err.code && *err.text);
		return;
	}
	walk(g);
	guest_close(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct bp_io_ops ops = {
		.size = file_size, .read = file_read_at, .write = file_write_at,
		.sync = no_sync, .resize = file_resize, .close = nothing,
	};
	struct bp_io elsewhere = { .ops = &ops, .fd = -1, .name = "data file" };
	struct bp_io io = { .ops = &ops, .fd = -1, .name = "file", .data = &elsewhere };
	const char *only = getenv("HUNT_FORMAT");
	const struct bp_image_format *f;
	struct bp_error err = { 0 };
	struct bp_image_info info;
	size_t n = 0;

	while (bp_image_known_at(n))
		n++;
	if (len < 2 || len > FILE_SIZE)
		return 0;
	f = bp_image_known_at(data[0] % n);
	if (only && *only)
		f = bp_image_known_find(only);
	must(f);
	memset(file, 0, file_len);
	if (data[1] & 1)
		memcpy(file, data + 2, n = len - 2);
	else
		n = unfold(data + 2, len - 2);
	seal_image(f->name, file, n);
	file_len = n;
	(void)bp_image_probe_known(&io, true, &info, &err);
	must(info.format);
	bp_image_info_done(&info);
	look(&io, f);
	check(&io, f);
	repair(&io, f);
	return 0;
}

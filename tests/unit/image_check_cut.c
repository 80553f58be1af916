/* image_check_cut.c - repairs of images without counts, and the power goes: the next one ends
 * with the same. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/chain.h"
#include "core/image/parallels.h"
#include "core/image/qed.h"
#include "tests/unit/image_record.h"

#define CUTS 6				/* what chance leaves, at each change */

static void write_at(struct bp_io *io, uint64_t at, uint64_t v, unsigned n)
{
	unsigned char buf[8];
	struct bp_error err = { 0 };

	put_le64(buf, v);
	if (io_write(io, buf, n, at, &err) < 0)
		abort();
}

static void fill(struct bp_io *io, uint64_t at, size_t len, unsigned char with)
{
	auto_free unsigned char *buf = mem_alloc(len);
	struct bp_error err = { 0 };

	memset(buf, with, len);
	if (io_write(io, buf, len, at, &err) < 0)
		abort();
}

/* Not closed; a table is past the end, and so are blocks, in more than one sector. */
static struct bp_io *make_qed(void)
{
	enum { CLUSTER = 4096, TABLE = 2, L1 = CLUSTER, L2 = 3 * CLUSTER, DATA = 5 * CLUSTER };
	struct bp_io *io = io_of_memory(DATA + 4 * CLUSTER);

	fill(io, 0, 1, 'Q');
	write_at(io, 1, 0x4445, 2);
	write_at(io, 4, CLUSTER, 4);
	write_at(io, 8, TABLE, 4);
	write_at(io, 12, 1, 4);
	write_at(io, QED_FEATURES_AT, QED_NEED_CHECK, 8);
	write_at(io, 40, L1, 8);
	write_at(io, QED_CAPACITY_AT, 8u << 20, 8);
	write_at(io, L1, L2, 8);
	write_at(io, L1 + 8, 99 * CLUSTER, 8);
	for (unsigned i = 0; i < 4; i++) {
		write_at(io, L2 + i * 8, DATA + i * CLUSTER, 8);
		fill(io, DATA + i * CLUSTER, CLUSTER, (unsigned char)(i + 1));
	}
	write_at(io, L2 + 1000, 77 * CLUSTER, 8);
	write_at(io, L2 + 7000, DATA + 1, 8);
	return io;
}

/* The same, and with space behind it. */
static struct bp_io *make_parallels(void)
{
	enum { BLOCK = 4096, ENTRIES = 400, DATA = BLOCK };
	struct bp_io *io = io_of_memory(DATA + 6 * BLOCK + 100);
	static const char magic[] = "WithouFreSpacExt";
	struct bp_error err = { 0 };

	if (io_write(io, magic, sizeof magic - 1, 0, &err) < 0)
		abort();
	write_at(io, 16, 2, 4);
	write_at(io, 28, BLOCK / 512, 4);
	write_at(io, 32, ENTRIES, 4);
	write_at(io, 36, ENTRIES * BLOCK / 512, 8);
	write_at(io, PARALLELS_USE_AT, PARALLELS_IN_USE, 4);
	for (unsigned i = 0; i < 4; i++) {
		write_at(io, PARALLELS_MAP_AT + i * 4, 1 + i, 4);
		fill(io, DATA + i * BLOCK, BLOCK, (unsigned char)(i + 1));
	}
	write_at(io, PARALLELS_MAP_AT + 300, 2000, 4);
	write_at(io, PARALLELS_MAP_AT + 4 * (ENTRIES - 1), 3000, 4);
	return io;
}

static int repair(const char *format, struct bp_io *io, struct bp_vol_check *ret,
		  struct bp_error *err)
{
	return bp_image_known_find(format)->check(io, BP_REPAIR_ALL, NULL, NULL, ret, err);
}

static void same_bytes(struct bp_io *a, struct bp_io *b)
{
	struct bp_error err = { 0 };
	uint64_t size, other;
	auto_free char *one = NULL, *two = NULL;

	if (io_size(a, &size, &err) < 0 || io_size(b, &other, &err) < 0)
		abort();
	SAME_N(size, other);
	if (size != other)
		return;
	one = mem_alloc(size);
	two = mem_alloc(size);
	if (io_read(a, one, size, 0, &err) < 0 || io_read(b, two, size, 0, &err) < 0)
		abort();
	CHECK(memcmp(one, two, size) == 0);
}

/* What says that it was closed has nothing that a check would find. */
static void closed_is_sound(const char *format, struct bp_io *io)
{
	uint64_t at = strcmp(format, "qed") == 0 ? QED_FEATURES_AT : PARALLELS_USE_AT;
	struct bp_vol_check sum = { 0 };
	struct bp_error err = { 0 };
	unsigned char flags = 0;

	if (io_read(io, &flags, 1, at, &err) < 0 ||
	    bp_image_known_find(format)->check(io, BP_REPAIR_NOTHING, NULL, NULL, &sum, &err) < 0)
		abort();
	CHECK(flags || !sum.corruptions);
}

static void cut_all(const char *format, struct bp_io *damaged, const struct record *r)
{
	for (size_t cut = 0; cut <= r->n; cut++)
		for (int i = 0; i <= CUTS; i++) {
			cleanup(io_closep) struct bp_io *io = record_cut(r, damaged, cut, i);
			struct bp_vol_check sum = { 0 };
			struct bp_error err = { 0 };

			closed_is_sound(format, io);
			SAME(repair(format, io, &sum, &err) < 0 ? err.text : "", "");
			SAME_N(sum.corruptions, 0);
			same_bytes(io, r->now);
		}
}

/* Somebody who is told that it failed repeats it. */
static void fail_all(const char *format, struct bp_io *damaged, const struct record *good)
{
	for (size_t at = 1; at <= good->n; at++) {
		struct bp_vol_check sum = { 0 };
		struct bp_error err = { 0 };
		struct record r;

		record_start(&r, damaged);
		r.fail_at = at;
		CHECK(repair(format, &r.io, &sum, &err) < 0);
		SAME(err.text, "no space left, it is pretended");
		err = (struct bp_error){ 0 };
		SAME(repair(format, &r.io, &sum, &err) < 0 ? err.text : "", "");
		SAME_N(sum.corruptions, 0);
		same_bytes(r.now, good->now);
		record_done(&r);
	}
}

static void try_one(const char *format, struct bp_io *damaged, uint64_t corruptions,
		    uint64_t leaks)
{
	struct bp_vol_check sum = { 0 };
	struct bp_error err = { 0 };
	struct record r;

	record_start(&r, damaged);
	SAME(repair(format, &r.io, &sum, &err) < 0 ? err.text : "", "");
	SAME_N(sum.corruptions, 0);
	SAME_N(sum.corruptions_fixed, corruptions);
	SAME_N(sum.leaks_fixed, leaks);
	CHECK(r.n > 3);
	cut_all(format, damaged, &r);
	fail_all(format, damaged, &r);
	record_done(&r);
	io_close(damaged);
}

TEST(a_qed_is_repaired_whenever_the_power_goes)
{
	try_one("qed", make_qed(), 3, 0);
}

TEST(a_parallels_image_is_repaired_whenever_the_power_goes)
{
	try_one("parallels", make_parallels(), 3, 3);
}

/* Where one thing cannot be repaired, nothing is. */
TEST(is_repaired_whole_or_not)
{
	static const struct {
		const char *format;
		struct bp_io *(*make)(void);
		uint64_t at, v;
		unsigned n;
	} twice[] = {
		{ "qed", make_qed, 3 * 4096 + 200, 5 * 4096, 8 },
		{ "parallels", make_parallels, PARALLELS_MAP_AT + 80, 2, 4 },
	};

	for (size_t i = 0; i < array_size(twice); i++)
		for (enum bp_repair how = BP_REPAIR_LEAKS; how <= BP_REPAIR_ALL; how++) {
			cleanup(io_closep) struct bp_io *io = twice[i].make();
			struct bp_vol_check sum = { 0 };
			struct bp_error err = { 0 };
			struct record r;

			write_at(io, twice[i].at, twice[i].v, twice[i].n);
			record_start(&r, io);
			CHECK(bp_image_known_find(twice[i].format)->check(&r.io, how, NULL, NULL,
									  &sum, &err) == 0);
			SAME_N(sum.corruptions, 4);
			SAME_N(sum.corruptions_fixed + sum.leaks_fixed, 0);
			SAME_N(r.n, 0);
			record_done(&r);
		}
}

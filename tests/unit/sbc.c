/* sbc.c - what SCSI disks answer, true or not. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/sbc.h"

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"

/* An answer about LUNs that says it has so many bytes of them, and has n. */
static struct bytes luns(unsigned char *p, uint32_t says, const uint64_t *list, size_t n)
{
	put_be32(p, says);
	put_be32(p + 4, 0);
	for (size_t i = 0; i < n; i++)
		put_be64(p + 8 + 8 * i, list[i]);
	return (struct bytes){ p, 8 + 8 * n };
}

TEST(luns_come_in_order_and_once)
{
	static const uint64_t list[] = {
		5ULL << 48, 1ULL << 48, 5ULL << 48, 0, 0x4100ULL << 48, (2ULL << 48) | 1,
	};
	cleanup(sbc_luns_done) struct sbc_luns l = { 0 };
	unsigned char p[64];
	struct bp_error err = { 0 };

	CHECK(sbc_luns_read(luns(p, 48, list, 6), &l, &err) == 0);
	SAME_N(l.n, 4);
	SAME_N(l.luns[0], 0);
	SAME_N(l.luns[1], 1);
	SAME_N(l.luns[2], 5);
	SAME_N(l.luns[3], 0x4100);
	SAME_N(l.left_out, 1);
	SAME_N(l.needed, 56);
}

TEST(a_list_that_was_cut_off_says_how_long_it_is)
{
	static const uint64_t list[] = { 0, 1ULL << 48 };
	cleanup(sbc_luns_done) struct sbc_luns l = { 0 };
	unsigned char p[64];
	struct bp_error err = { 0 };

	CHECK(sbc_luns_read(luns(p, 8 * 300, list, 2), &l, &err) == 0);
	SAME_N(l.n, 2);
	SAME_N(l.needed, 8 * 300 + 8);
}

TEST(lists_that_make_no_sense_are_refused)
{
	cleanup(sbc_luns_done) struct sbc_luns l = { 0 };
	unsigned char p[64];
	struct bp_error odd = { 0 }, huge = { 0 }, cut = { 0 };

	CHECK(sbc_luns_read(luns(p, 12, NULL, 0), &l, &odd) == -1);
	CHECK(sbc_luns_read(luns(p, 0xfffffff8, NULL, 0), &l, &huge) == -1);
	CHECK(sbc_luns_read((struct bytes){ p, 7 }, &l, &cut) == -1);
	SAME_N(odd.code, BP_CORRUPT);
	SAME_N(huge.code, BP_CORRUPT);
	SAME_N(cut.code, BP_CORRUPT);
}

static int capacity(uint64_t last, uint32_t block, unsigned char flags, struct sbc_shape *ret)
{
	unsigned char p[32] = { 0 };
	struct bp_error err = { 0 };

	put_be64(p, last);
	put_be32(p + 8, block);
	p[14] = flags;
	return sbc_capacity_read((struct bytes){ p, sizeof p }, ret, &err);
}

TEST(the_last_block_counts)
{
	struct sbc_shape s;

	CHECK(capacity(2047, 512, 0, &s) == 0);
	SAME_N(s.size, 1 << 20);
	CHECK(capacity(0, 4096, 0xc0, &s) == 0);
	SAME_N(s.size, 4096);
	CHECK(s.thin && s.reads_zero);
	CHECK(capacity(9, 512, 0x40, &s) == 0);
	CHECK(!s.thin && !s.reads_zero);
}

TEST(absurd_capacities_are_refused)
{
	struct sbc_shape s;

	CHECK(capacity(UINT64_MAX, 512, 0, &s) == -1);
	CHECK(capacity(UINT64_MAX / 512, 512, 0, &s) == -1);
	CHECK(capacity(9, 0, 0, &s) == -1);
	CHECK(capacity(9, 520, 0, &s) == -1);
	CHECK(capacity(9, 1u << 31, 0, &s) == -1);
}

struct piece {
	uint64_t from;
	uint32_t n;
	unsigned char state;
};

static struct bytes pieces(unsigned char *p, const struct piece *list, size_t n)
{
	memset(p, 0, 8 + 16 * n);
	put_be32(p, (uint32_t)(4 + 16 * n));
	for (size_t i = 0; i < n; i++) {
		put_be64(p + 8 + 16 * i, list[i].from);
		put_be32(p + 16 + 16 * i, list[i].n);
		p[20 + 16 * i] = list[i].state;
	}
	return (struct bytes){ p, 8 + 16 * n };
}

TEST(neighbours_of_one_kind_are_joined)
{
	static const struct piece list[] = { { 0, 10, 0 }, { 10, 5, 2 }, { 15, 5, 1 } };
	unsigned char p[128];
	struct sbc_extent e;
	struct bp_error err = { 0 };
	uint64_t mapped, end;

	CHECK(sbc_status_read(pieces(p, list, 3), 3, 100, &e, &err) == 0);
	SAME_N(e.end, 15);
	CHECK(e.mapped);
	CHECK(sbc_status_read(pieces(p, list, 2), 3, 12, &e, &err) == 0);
	SAME_N(e.end, 12);
	CHECK(sbc_status_sum(pieces(p, list, 3), 0, 100, &mapped, &end, &err) == 0);
	SAME_N(mapped, 15);
	SAME_N(end, 20);
}

TEST(pieces_that_make_no_sense_are_refused)
{
	static const struct piece lists[][2] = {
		{ { 5, 10, 0 }, { 15, 5, 1 } },		/* begins too late */
		{ { 0, 3, 0 }, { 3, 5, 1 } },		/* ends too early */
		{ { 0, 0, 0 }, { 0, 5, 1 } },		/* is empty */
		{ { 0, 10, 0 }, { 20, 5, 1 } },		/* a gap */
		{ { 0, 10, 0 }, { UINT64_MAX - 1, 5, 1 } },
	};
	unsigned char p[128];

	for (size_t i = 0; i < array_size(lists); i++) {
		struct bp_error err = { 0 };
		struct sbc_extent e;

		CHECK(sbc_status_read(pieces(p, lists[i], 2), 3, 100, &e, &err) == -1);
		SAME_N(err.code, BP_CORRUPT);
	}
}

TEST(an_answer_about_nothing_is_refused)
{
	struct sbc_extent e;
	unsigned char p[8];
	struct bp_error err = { 0 }, sum = { 0 };
	uint64_t mapped, end;

	CHECK(sbc_status_read(pieces(p, NULL, 0), 3, 100, &e, &err) == -1);
	CHECK(sbc_status_sum(pieces(p, NULL, 0), 3, 100, &mapped, &end, &sum) == -1);
}

TEST(what_is_no_device_has_no_type)
{
	static const unsigned char disk[] = { 0 }, none[] = { 0x7f }, cd[] = { 5, 0x80 };

	SAME_N(sbc_type_read((struct bytes){ disk, 1 }), SBC_DISK);
	SAME_N(sbc_type_read((struct bytes){ none, 1 }), -1);
	SAME_N(sbc_type_read((struct bytes){ cd, 2 }), SBC_CDROM);
	SAME_N(sbc_type_read((struct bytes){ disk, 0 }), -1);
	for (int i = -1; i < 40; i++)
		CHECK(*sbc_type_word(i));
}

TEST(commands_have_the_standards_bytes)
{
	static const unsigned char read[] = { 0x88, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 8, 0, 0 };
	static const unsigned char same[] = { 0x93, 8, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0 };
	static const unsigned char report[] = { 0xa0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 0, 0 };
	static const unsigned char list[] = {
		0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 0,
	};
	unsigned char unmap[SBC_UNMAP_LIST];
	struct sbc_command c = sbc_read(0x102030405, 8);

	SAME_MEM(c.bytes, read, sizeof read);
	c = sbc_write_same(7, 256, true);
	SAME_MEM(c.bytes, same, sizeof same);
	c = sbc_report_luns(0x808);
	SAME_N(c.len, 12);
	SAME_MEM(c.bytes, report, sizeof report);
	sbc_unmap_list(unmap, 9, 3);
	SAME_MEM(unmap, list, sizeof list);
}

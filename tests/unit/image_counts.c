/* image_counts.c - counts of clusters several at once, beside each by itself. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/image/qcow2_tree.h"
#include "tests/tap.h"

enum { N = 3 * QCOW2_CHUNK };

static uint64_t seed;

static uint64_t next_random(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % below;
}

/* Stretches of the same number, as images have them; and what is near a limit. */
static void fill(struct qcow2_counts *c, uint64_t *numbers, uint64_t max)
{
	static const uint64_t usual[] = { 0, 1, 1, 2, 3, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xfffe,
					  0xffff };
	uint64_t number = 0;

	qcow2_counts_init(c, max);
	for (uint64_t i = 0; i < N; i++) {
		if (!next_random(9))
			number = usual[next_random(sizeof usual / sizeof *usual)];
		if (i >= QCOW2_CHUNK && i < 2 * QCOW2_CHUNK && seed & 1 << 20)
			number = 0;
		numbers[i] = number < max ? number : max;
		qcow2_counts_put(c, i, numbers[i]);
	}
}

static bool all_same(const struct qcow2_counts *c, const uint64_t *numbers)
{
	for (uint64_t i = 0; i < N; i++)
		if (qcow2_counts_get(c, i) != numbers[i])
			return false;
	return true;
}

/* Numbers from a place on: what each must be, for whom they are easy. */
static bool try_raise(struct qcow2_counts *c, uint64_t *numbers, uint64_t at, uint64_t n)
{
	uint64_t by = next_random(4), done, any = 0;
	bool used = false;

	done = qcow2_counts_raise(c, at, n, by, &used);
	for (uint64_t i = at; i < at + done; i++) {
		any |= numbers[i];
		numbers[i] += by;
	}
	return done <= n && used == !!any;
}

static bool try_lower(struct qcow2_counts *c, uint64_t *numbers, uint64_t at, uint64_t n)
{
	uint64_t done = qcow2_counts_lower(c, at, n);

	for (uint64_t i = at; i < at + done; i++)
		if (--numbers[i] < 1 || numbers[i] > UINT16_MAX)
			return false;
	return done <= n;
}

static bool try_ones(const struct qcow2_counts *c, const uint64_t *numbers, uint64_t at,
		     uint64_t n, bool ones)
{
	uint64_t done = qcow2_counts_ones(c, at, n, ones);

	for (uint64_t i = at; i < at + done; i++)
		if ((numbers[i] == 1) != ones)
			return false;
	return done <= n;
}

TEST(many_at_once_are_as_each_by_itself)
{
	static const uint64_t most[] = { 1, UINT8_MAX, UINT16_MAX, UINT32_MAX };
	static uint64_t numbers[N];
	struct qcow2_counts c;
	bool good = true;

	for (unsigned round = 0; round < 40 && good; round++) {
		seed = round;
		fill(&c, numbers, most[round % 4]);
		for (int i = 0; i < 40 && good; i++) {
			uint64_t at = next_random(N), n = next_random(N - at + 1);

			good = try_ones(&c, numbers, at, n, i & 1) &&
			       (i & 2 ? try_raise : try_lower)(&c, numbers, at, n) &&
			       all_same(&c, numbers);
		}
		qcow2_counts_done(&c);
	}
	CHECK(good);
}

TEST(what_most_images_have_goes_at_once)
{
	struct qcow2_counts c;
	bool used = true;

	qcow2_counts_init(&c, UINT16_MAX);
	for (uint64_t i = 0; i < N; i++)
		qcow2_counts_put(&c, i, 1);
	SAME_N(qcow2_counts_ones(&c, 0, N, true), QCOW2_CHUNK);
	SAME_N(qcow2_counts_ones(&c, 0, N, false), 0);
	SAME_N(qcow2_counts_lower(&c, 0, N), 0);
	SAME_N(qcow2_counts_raise(&c, 5, N - 5, 1, &used), (QCOW2_CHUNK - 5) & ~3u);
	CHECK(used);
	SAME_N(qcow2_counts_ones(&c, 5, N - 5, false), (QCOW2_CHUNK - 5) & ~3u);
	SAME_N(qcow2_counts_lower(&c, 5, N - 5), (QCOW2_CHUNK - 5) & ~3u);
	qcow2_counts_done(&c);
}

TEST(a_block_is_written_as_each_count_is)
{
	static unsigned char block[2 * N];
	static uint64_t numbers[N];
	struct bytes b = { block, sizeof block };
	struct qcow2_counts c;

	seed = 7;
	fill(&c, numbers, UINT8_MAX);
	CHECK(!qcow2_counts_be16(&c, 0, N, block));
	qcow2_counts_done(&c);
	fill(&c, numbers, UINT16_MAX);
	CHECK(qcow2_counts_be16(&c, 256, N - 256, block));
	for (uint64_t i = 256; i < N; i++)
		SAME_N(be16_at(b, (i - 256) * 2), numbers[i]);
	qcow2_counts_done(&c);
}

/* Entries side by side, until one is not. */
TEST(a_run_ends_with_what_does_not_follow)
{
	static const struct {
		uint64_t at, entry;
	} others[] = {
		{ 1, 0 }, { 4, 1 }, { 5, UINT64_C(1) << 62 }, { 6, 0x50000 }, { 63, 0 }, { 64, 0 },
	};
	const struct qcow2_header h = { .cluster_bits = 9, .version = 3 };
	uint64_t odd = qcow2_entry_odd(&h);
	unsigned char table[64 * 8];
	struct bytes b = { table, sizeof table };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		for (uint64_t j = 0; j < 64; j++)
			put_be64(table + j * 8, QCOW2_COPIED | (0x10000 + j * 512));
		if (others[i].at < 64)
			put_be64(table + others[i].at * 8, others[i].entry);
		SAME_N(qcow2_entry_run(&h, odd, b, 0), others[i].at);
		SAME_N(qcow2_entry_run(&h, UINT64_MAX, b, 0), 0);
		if (others[i].at < 64)
			SAME_N(qcow2_entry_run(&h, odd, b, others[i].at),
			       others[i].entry == 0x50000);
	}
	/* where they would reach past all that there can be */
	put_be64(table, QCOW2_MAX_OFFSET - 512);
	put_be64(table + 8, QCOW2_MAX_OFFSET);
	SAME_N(qcow2_entry_run(&h, odd, b, 0), 1);
	SAME_N(qcow2_entry_run(&h, odd, b, 1), 0);
}

/* image_checking.c - numbers that were used, and tables with holes. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/checking.h"
#include "tests/tap.h"

TEST(a_number_is_new_once)
{
	cleanup(used_done) struct used u = { 0 };
	static const uint64_t far[] = { 0, 63, 64, UINT64_MAX, UINT64_MAX - 64, 1ull << 40 };
	uint64_t v = 1;

	for (size_t i = 0; i < array_size(far); i++)
		CHECK(used_add(&u, far[i]));
	for (size_t i = 0; i < array_size(far); i++)
		CHECK(!used_add(&u, far[i]));
	for (unsigned round = 0; round < 2; round++) {
		v = 1;
		for (unsigned i = 0; i < 100000; i++) {
			v = v * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			if (used_add(&u, v) != !round)
				CHECK(!"another answer");
		}
	}
}

/* A million in a row are some KiB. */
TEST(many_in_a_row_take_little)
{
	cleanup(used_done) struct used u = { 0 };

	for (uint64_t i = 1000; i < 1001000; i++)
		CHECK(used_add(&u, i));
	CHECK(u.room <= 64 << 10);
	for (uint64_t i = 1000; i < 1001000; i++)
		CHECK(!used_add(&u, i));
}

/* All that are not zero come, in their order, wherever the file has no space for the others;
 * the table begins at an odd place. */
static void walk(struct bp_io *io, uint64_t size, unsigned width)
{
	enum { AT = 60 };
	uint64_t n = (size - AT) / width, i, v, expected = 0;
	cleanup(entries_done) struct entries e = { 0 };
	struct bp_error err = { 0 };
	unsigned char buf[8];
	int r;

	entries_init(&e, io, size, AT, n, width);
	while ((r = entries_next(&e, &i, &v, &err)) == 1) {
		CHECK(i >= expected && i < n && v);
		expected = i + 1;
		if (io_read(io, buf, width, AT + i * width, &err) < 0)
			abort();
		SAME_N(v, le_at((struct bytes){ buf, width }, 0, width));
	}
	SAME_N(r, 0);
}

static size_t count(struct bp_io *io, uint64_t size, unsigned width)
{
	cleanup(entries_done) struct entries e = { 0 };
	struct bp_error err = { 0 };
	uint64_t i, v;
	size_t n = 0;

	entries_init(&e, io, size, 60, (size - 60) / width, width);
	while (entries_next(&e, &i, &v, &err) == 1)
		n++;
	return n;
}

TEST(a_table_with_holes_is_read)
{
	static const uint64_t at[] = { 56, 60, 4090, 70000, 1 << 20, (1 << 20) + 65536,
				       (64 << 20) - 4 };
	cleanup(io_closep) struct bp_io *io = NULL;
	struct bp_error err = { 0 };
	uint64_t size = 64 << 20;

	io = io_of_fd(open(tap_path("table"), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "table");
	if (io_resize(io, size, &err) < 0)
		abort();
	for (size_t i = 0; i < array_size(at); i++)
		if (io_write(io, "\1\2\3\4", 4, at[i], &err) < 0)
			abort();
	walk(io, size, 4);
	walk(io, size, 8);
	/* The first is before it, one is in two of them, and the last behind those of 8 bytes. */
	SAME_N(count(io, size, 4), 7);
	SAME_N(count(io, size, 8), 6);
}

TEST(a_table_past_the_end_is_an_error)
{
	cleanup(io_closep) struct bp_io *io = io_of_memory(100);
	cleanup(entries_done) struct entries e = { 0 };
	struct bp_error err = { 0 };
	uint64_t i, v;

	entries_init(&e, io, 100, 96, 2, 8);
	CHECK(entries_next(&e, &i, &v, &err) < 0);
	SAME_N(err.code, BP_CORRUPT);
}

/* mpath_status.c - what the kernel says of paths, whole and cut off. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "backends/mpath.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"

static void paths_done(struct mpath_paths *p)
{
	text_done(&p->lost);
}

#define STATUS "2 0 0 0 2 1 A 0 2 2 8:16 A 0 0 1 8:32 F 3 0 1 E 0 1 2 8:48 F 0 0 1"

TEST(paths_of_all_groups_are_counted)
{
	cleanup(paths_done) struct mpath_paths p = { 0 };

	CHECK(mpath_status(STATUS, &p));
	CHECK(p.n == 3 && p.failed == 2);
	SAME(p.lost.s, "8:32 8:48");
}

TEST(one_without_paths_has_none)
{
	cleanup(paths_done) struct mpath_paths p = { 0 };

	CHECK(mpath_status("2 0 0 1 alua 0 0", &p));
	CHECK(p.n == 0 && p.failed == 0);
}

TEST(what_is_cut_off_is_not_believed)
{
	for (size_t len = 0; len < strlen(STATUS) - 1; len++) {
		auto_free char *part = mem_dup_n(STATUS, len);
		cleanup(paths_done) struct mpath_paths p = { 0 };

		CHECK(!mpath_status(part, &p));
	}
}

TEST(numbers_that_are_none_are_not_believed)
{
	static const char *const bad[] = {
		"", "-1", "99999999999999999999999", "0 0 4294967296 1", "x 0 1 1", "0 0 1x 1",
	};

	for (size_t i = 0; i < array_size(bad); i++) {
		cleanup(paths_done) struct mpath_paths p = { 0 };

		CHECK(!mpath_status(bad[i], &p));
	}
}

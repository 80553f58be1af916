/* base_error.c - failures: their words, their numbers, their length. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "core/base/error.h"
#include "tests/tap.h"

TEST(a_failure_has_code_and_words)
{
	struct bp_error err = { 0 };

	SAME_N(bp_fail(&err, BP_NO_POOL, "no pool named '%s'", "x"), -1);
	SAME_N(err.code, BP_NO_POOL);
	SAME(err.text, "no pool named 'x'");
	SAME(err.part, "");
}

TEST(the_kernels_words_are_added)
{
	struct bp_error err = { 0 };

	SAME_N(bp_fail_sys(&err, ENOSPC, "write '%s'", "f"), -1);
	SAME_N(err.code, BP_SYSTEM);
	SAME_N(err.sys, ENOSPC);
	SAME(err.text, "write 'f': No space left on device");
}

TEST(the_part_at_fault_is_kept)
{
	struct bp_error err = { 0 };

	bp_fail_part(&err, BP_XML, "target/path", "missing");
	SAME(err.part, "target/path");
}

TEST(context_goes_before)
{
	struct bp_error err = { 0 };

	bp_fail(&err, BP_FAILED, "inner");
	SAME_N(bp_within(&err, "pool '%s'", "p"), -1);
	SAME(err.text, "pool 'p': inner");
	SAME_N(err.code, BP_FAILED);
}

TEST(long_words_are_cut_and_nothing_else)
{
	struct bp_error err = { 0 };
	char text[2000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	bp_fail(&err, BP_FAILED, "%s", text);
	SAME_N(strlen(err.text), sizeof err.text - 1);
	bp_within(&err, "%s", text);
	SAME_N(strlen(err.text), sizeof err.text - 1);
}

TEST(every_code_has_a_word_of_its_own)
{
	for (int i = 0; i < BP_CODES; i++) {
		CHECK(bp_error_word((enum bp_code)i));
		CHECK(bp_error_prefix((enum bp_code)i));
		for (int j = 0; j < i; j++)
			CHECK(strcmp(bp_error_word((enum bp_code)i),
				     bp_error_word((enum bp_code)j)) != 0);
	}
	SAME_N(bp_error_number(BP_NO_POOL), 49);
	SAME(bp_error_prefix(BP_WRONG_STATE), "Requested operation is not valid: ");
}

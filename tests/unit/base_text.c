/* base_text.c - strings, numbers, sizes and UUIDs from outside. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/mountinfo.h"
#include "core/base/size.h"
#include "core/base/text.h"
#include "core/base/uuid.h"
#include "tests/tap.h"

TEST(text_grows_and_is_taken)
{
	struct text t = { 0 };
	auto_free char *s = NULL, *empty = NULL;

	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%d,", i % 10);
	text_add(&t, "end");
	SAME_N(t.len, 2003);
	s = text_steal(&t);
	SAME(s + 1998, "9,end");
	CHECK(!t.s && !t.len);
	empty = text_steal(&t);
	SAME(empty, "");
}

TEST(arrays_grow_by_one)
{
	int *a = NULL;
	size_t n = 0;

	for (int i = 0; i < 1000; i++)
		*array_add(a, n) = i;
	SAME_N(n, 1000);
	for (int i = 0; i < 1000; i++)
		SAME_N(a[i], i);
	free(a);
}

static const struct { const char *text; int base; bool ok; uint64_t value; } numbers[] = {
	{ "0", 10, true, 0 }, { "42", 10, true, 42 }, { " 42", 10, true, 42 },
	{ "+42", 10, true, 42 }, { "18446744073709551615", 10, true, UINT64_MAX },
	{ "18446744073709551616", 10, false, 0 }, { "-1", 10, false, 0 },
	{ " -1", 10, false, 0 }, { "", 10, false, 0 }, { " ", 10, false, 0 },
	{ "4 2", 10, false, 0 }, { "42 ", 10, false, 0 }, { "0x10", 10, false, 0 },
	{ "0755", 8, true, 0755 }, { "8", 8, false, 0 }, { "ff", 16, true, 255 },
};

TEST(numbers_are_whole_or_none)
{
	for (size_t i = 0; i < array_size(numbers); i++) {
		uint64_t v = 0;

		CHECK(parse_number(numbers[i].text, numbers[i].base, &v) == numbers[i].ok);
		SAME_N(v, numbers[i].value);
	}
}

TEST(utf8_is_told_from_bytes)
{
	static const char *const good[] = {
		"", "abc", "ö", "日本", "\xf0\x9f\x98\x80", "\xef\xbf\xbd",
	};
	static const char *const bad[] = {
		"\x80", "\xff", "\xc3", "a\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
		"\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe6\x97",
	};

	for (size_t i = 0; i < array_size(good); i++)
		CHECK(is_utf8(good[i]));
	for (size_t i = 0; i < array_size(bad); i++)
		CHECK(!is_utf8(bad[i]));
	CHECK(has_control_chars("a\nb") && has_control_chars("\x7f") && !has_control_chars("äb"));
}

TEST(starts_and_ends)
{
	CHECK(starts_with("pool.xml", "pool") && !starts_with("po", "pool") &&
	      starts_with("x", ""));
	CHECK(ends_with("pool.xml", ".xml") && !ends_with("xml", ".xml") && ends_with("x", ""));
}

/* the units of the inventory, section 6, and what is none */
static const struct { const char *text; uint64_t bytes; const char *error; } sizes[] = {
	{ "1", 1, NULL }, { "1b", 1, NULL }, { "1B", 1, NULL }, { "1byte", 1, NULL },
	{ "1BYTES", 1, NULL }, { "1k", 1024, NULL }, { "1K", 1024, NULL }, { "1KB", 1000, NULL },
	{ "1kb", 1000, NULL }, { "1KiB", 1024, NULL }, { "1kib", 1024, NULL },
	{ "1m", 1 << 20, NULL },
	{ "1MB", 1000000, NULL }, { "1MiB", 1 << 20, NULL }, { "3G", 3ull << 30, NULL },
	{ "2T", 2ull << 40, NULL }, { "1P", 1ull << 50, NULL }, { "7E", 7ull << 60, NULL },
	{ "9EB", 9000000000000000000, NULL }, { " 1M", 1 << 20, NULL }, { "+1M", 1 << 20, NULL },
	{ "010", 10, NULL }, { "8E", 0, "value too large: 8E" },
	{ "1 M", 0, "unknown suffix ' M'" }, { "1M ", 0, "unknown suffix 'M '" },
	{ "0x10", 0, "unknown suffix 'x10'" }, { "1.5M", 0, "unknown suffix '.5M'" },
	{ "1Q", 0, "unknown suffix 'Q'" }, { "1MM", 0, "unknown suffix 'MM'" },
	{ "1Mi", 0, "unknown suffix 'Mi'" }, { "1iB", 0, "unknown suffix 'iB'" },
	{ "1s", 0, "unknown suffix 's'" }, { "1,000", 0, "unknown suffix ',000'" },
	{ "-1", 0, "'-1' is not a number" }, { "M", 0, "'M' is not a number" },
	{ "", 0, "'' is not a number" }, { "18446744073709551616", 0,
					   "'18446744073709551616' is not a number" },
};

TEST(sizes_with_every_unit)
{
	for (size_t i = 0; i < array_size(sizes); i++) {
		struct bp_error err = { 0 };
		uint64_t v = 0;
		int r = size_parse(sizes[i].text, INT64_MAX, &v, &err);

		SAME(err.text, sizes[i].error ? sizes[i].error : "");
		SAME_N(r, sizes[i].error ? -1 : 0);
		SAME_N(v, sizes[i].bytes);
	}
}

TEST(sizes_for_people)
{
	static const struct { uint64_t bytes; const char *text; } cases[] = {
		{ 0, "0.00 B" }, { 1023, "1023.00 B" }, { 1024, "1.00 KiB" }, { 1536, "1.50 KiB" },
		{ 10485760, "10.00 MiB" }, { 270553174016, "251.97 GiB" },
		{ UINT64_MAX, "16.00 EiB" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		const char *unit;
		double v = size_pretty(cases[i].bytes, &unit);
		char text[40];

		snprintf(text, sizeof text, "%.2f %s", v, unit);
		SAME(text, cases[i].text);
	}
}

TEST(uuids_in_any_dress)
{
	static const char *const same[] = {
		"a0000000-0000-4000-8000-0000000000ab", "A0000000-0000-4000-8000-0000000000AB",
		"a00000000000400080000000000000ab", "  a0000000-0000-4000-8000-0000000000ab ",
		"a0-00-00-00000040008000-0000000000ab",
	};
	static const char *const none[] = {
		"", "a0000000", "a0000000-0000-4000-8000-0000000000a", "not a uuid",
		"a0000000-0000-4000-8000-0000000000abc", "g0000000-0000-4000-8000-0000000000ab",
		"a0000000-0000-4000-8000-0000000000ab x",
	};
	char uuid[UUID_TEXT];

	for (size_t i = 0; i < array_size(same); i++) {
		CHECK(uuid_normalize(same[i], uuid));
		SAME(uuid, "a0000000-0000-4000-8000-0000000000ab");
	}
	for (size_t i = 0; i < array_size(none); i++)
		CHECK(!uuid_normalize(none[i], uuid));
}

TEST(made_uuids_differ_and_say_how_they_were_made)
{
	char a[UUID_TEXT], b[UUID_TEXT], c[UUID_TEXT];

	uuid_make(a);
	uuid_make(b);
	CHECK(strcmp(a, b) != 0);
	CHECK(a[14] == '4' && strchr("89ab", a[19]));
	CHECK(uuid_normalize(a, c));
	SAME(c, a);
}

/* Ends behind the bytes, not in them. */
TEST(what_the_kernel_escapes_in_names_is_three_digits)
{
	static const char *const rows[][2] = {
		{ "/a\\040b", "/a b" }, { "\\134\\011", "\\\t" }, { "plain", "plain" },
		{ "a\\0", "a\\0" }, { "a\\04", "a\\04" }, { "a\\", "a\\" }, { "\\ 40b", "\\ 40b" },
		{ "\\8404", "\\8404" }, { "\\+40", "\\+40" },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		auto_free char *name = mem_dup(rows[i][0]);

		SAME(mountinfo_unescape(name), rows[i][1]);
	}
}

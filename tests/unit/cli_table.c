/* cli_table.c - rows and columns for people and for programs. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "core/base/size.h"
#include "tests/tap.h"
#include "tests/unit/cli_capture.h"

static const struct column columns[] = {
	{ "Name", "name", COLUMN_TEXT, false },
	{ "Size", "size", COLUMN_SIZE, false },
	{ "Id", "id", COLUMN_TEXT, true },
	{ "Auto", "auto", COLUMN_BOOL, false },
};

static struct table new_table(void)
{
	return (struct table){ .columns = columns, .n_columns = 4, .unknown = "-" };
}

static void add(const struct cli *cli, struct table *t, const char *name, bool known,
		uint64_t size, const char *id, bool on)
{
	const struct cell cells[] = {
		cell_text(name), cell_size(known, size), cell_text(id), cell_bool(on)
	};

	table_add(cli, t, cells);
}

static char *printed(const struct cli *cli, struct table *t)
{
	struct capture c = capture_begin(stdout);

	table_print(cli, t);
	table_done(t);
	return capture_end(&c);
}

TEST(columns_are_as_wide_as_their_widest_cell)
{
	struct cli cli = test_cli();
	struct table t = new_table();
	char *got;

	add(&cli, &t, "a-long-name", true, 10737418240, "i", true);
	add(&cli, &t, "b", false, 0, NULL, false);
	got = printed(&cli, &t);
	SAME(got, " Name          Size        Auto\n"
		  "---------------------------------\n"
		  " a-long-name   10.00 GiB   yes\n"
		  " b             -           no\n");
	free(got);
}

TEST(a_table_without_rows_is_its_header)
{
	struct cli cli = test_cli();
	struct table t = new_table();
	char *got = printed(&cli, &t);

	SAME(got, " Name   Size   Auto\n---------------------\n");
	free(got);
}

TEST(quiet_leaves_the_header_out_and_its_widths)
{
	struct cli cli = test_cli();
	struct table t = new_table();
	char *got;

	cli.quiet = true;
	add(&cli, &t, "d1", true, 1, "i", false);
	got = printed(&cli, &t);
	SAME(got, " d1   1.00 B   no\n");
	free(got);
}

TEST(json_has_all_columns_typed)
{
	struct cli cli = test_cli();
	struct table t = new_table();
	char *got;

	cli.format = FORMAT_JSON;
	add(&cli, &t, "a", true, 1024, "i1", true);
	add(&cli, &t, "b\377", false, 0, NULL, false);
	got = printed(&cli, &t);
	SAME(got, "[\n  {\"name\": \"a\", \"size\": 1024, \"id\": \"i1\", \"auto\": true},\n"
		  "  {\"name\": \"b\\ufffd\", \"name_base64\": \"Yv8=\", \"size\": null, "
		  "\"id\": null, \"auto\": false}\n]\n");
	free(got);
	t = new_table();
	got = printed(&cli, &t);
	SAME(got, "[]\n");
	free(got);
}

TEST(cells_are_fit_for_a_terminal)
{
	static const struct column one[] = {
		{ "Name", "name", COLUMN_TEXT, false }, { "Path", "path", COLUMN_TEXT, false },
	};
	struct cli cli = test_cli();
	struct table t = { .columns = one, .n_columns = 2, .unknown = "-" };
	char *got;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		SKIP("needs the locale C.UTF-8");
	setenv("LC_ALL", "C.UTF-8", 1);
	table_add(&cli, &t, (struct cell[]){ cell_text("a\tb\n"), cell_text("x") });
	table_add(&cli, &t, (struct cell[]){ cell_text("\033[31m"), cell_text("x") });
	table_add(&cli, &t, (struct cell[]){ cell_text("\346\227\245\346\234\254"),
					     cell_text("x") });
	table_add(&cli, &t, (struct cell[]){ cell_text("d\303\266"), cell_text("x") });
	table_add(&cli, &t, (struct cell[]){ cell_text("e\314\201"), cell_text("x") });
	table_add(&cli, &t, (struct cell[]){ cell_text("\377\303"), cell_text("\303\266") });
	got = printed(&cli, &t);
	unsetenv("LC_ALL");
	SAME(got, " Name         Path\n"
		  "--------------------\n"
		  " a\\x09b\\x0a   x\n"
		  " \\x1b[31m     x\n"
		  " \346\227\245\346\234\254         x\n"
		  " d\303\266           x\n"
		  " e\314\201            x\n"
		  " \\xff\\xc3     \303\266\n");
	free(got);
}

TEST(without_a_locale_there_is_only_ascii)
{
	struct cli cli = test_cli();
	struct table t = new_table();
	char *got;

	setenv("LC_ALL", "C", 1);
	cli.quiet = true;
	add(&cli, &t, "\303\266", true, 0, NULL, true);
	got = printed(&cli, &t);
	unsetenv("LC_ALL");
	SAME(got, " \\xc3\\xb6   0.00 B   yes\n");
	free(got);
}

TEST(rows_are_in_the_order_of_names_case_folded)
{
	static const char *const names[] = {
		"zz", "Alpha", "beta", "Gamma", "10", "9", "_u", "alpha", "ALPHA", "", "al",
		"d\303\266",
		"vol-000000000002", "vol-000000000010", "VOL-000000000001", "vol-00000000000",
	};
	static const char *const sorted[] = {
		"", "10", "9", "_u", "al", "ALPHA", "Alpha", "alpha", "beta", "d\303\266", "Gamma",
		"vol-00000000000", "VOL-000000000001", "vol-000000000002", "vol-000000000010", "zz",
	};
	struct cli cli = test_cli();
	struct table t = new_table();
	char *got, *line;

	for (size_t i = 0; i < 16; i++)
		add(&cli, &t, names[i], true, 0, NULL, true);
	table_sort(&t);
	cli.quiet = true;
	setenv("LC_ALL", "C.UTF-8", 1);
	got = printed(&cli, &t);
	unsetenv("LC_ALL");
	line = got;
	for (size_t i = 0; i < 16; i++) {
		size_t n = strlen(sorted[i]);

		CHECK(line[0] == ' ' && strncmp(line + 1, sorted[i], n) == 0 && line[1 + n] == ' ');
		line = strchr(line, '\n') + 1;
	}
	CHECK(!*line);
	free(got);
}

static int by_fold(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* The sort must not lean on names being of one kind. */
TEST(many_rows_come_out_sorted)
{
	enum { ROWS = 20000 };
	struct cli cli = test_cli();
	struct table t = new_table();
	char **names = calloc(ROWS, sizeof *names);
	unsigned seed = 1;
	char *got, *line;

	cli.quiet = true;
	for (size_t i = 0; i < ROWS; i++) {
		char name[64];

		seed = seed * 1103515245 + 12345;
		snprintf(name, sizeof name, i % 2 ? "disk-of-vm-%08u.qcow2" : "%x", seed >> 8);
		names[i] = strdup(name);
		add(&cli, &t, name, true, seed, "not kept", false);
	}
	table_sort(&t);
	qsort(names, ROWS, sizeof *names, by_fold);
	got = printed(&cli, &t);
	line = got;
	for (size_t i = 0; i < ROWS; i++) {
		size_t n = strlen(names[i]);

		CHECK(strncmp(line + 1, names[i], n) == 0 && line[1 + n] == ' ');
		line = strchr(line, '\n') + 1;
		free(names[i]);
	}
	CHECK(!*line);
	free(names);
	free(got);
}

/* "%.2f" of a double is what virsh prints. */
TEST(sizes_are_rounded_as_printf_rounds)
{
	uint64_t x = 88172645463325252u;

	for (int i = 0; i < 300000; i++) {
		char buf[SIZE_TEXT], want[64];
		const char *unit;
		uint64_t v;
		double d;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v = x >> (x & 63);
		if (i % 2)
			v &= UINT64_MAX << (i % 60);	/* so that halves are met */
		if (i % 7 == 0)
			v = UINT64_MAX - (v & 4095);
		d = size_pretty(v, &unit);
		snprintf(want, sizeof want, "%.2f %s", d, unit);
		SAME(size_text(v, buf), want);
	}
}

TEST(a_record_leaves_out_what_is_not_known)
{
	const struct cell cells[] = {
		cell_text("d1"), cell_size(true, 2048), cell_text("id"), cell_bool(false)
	};
	const struct cell fewer[] = {
		cell_text("d1"), cell_size(false, 0), cell_text(NULL), cell_bool(true)
	};
	struct cli cli = test_cli();
	struct capture c = capture_begin(stdout);
	char *got;

	record_print(&cli, columns, 4, cells, SIZES_PRETTY);
	record_print(&cli, columns, 4, cells, SIZES_PLAIN);
	record_print(&cli, columns, 4, cells, SIZES_NAMED);
	record_print(&cli, columns, 4, fewer, SIZES_PRETTY);
	cli.format = FORMAT_JSON;
	record_print(&cli, columns, 4, cells, SIZES_PRETTY);
	record_print(&cli, columns, 4, fewer, SIZES_NAMED);
	got = capture_end(&c);
	SAME(got, "Name:           d1\nSize:           2.00 KiB\nAuto:           no\n"
		  "Name:           d1\nSize:           2048\nAuto:           no\n"
		  "Name:           d1\nSize:           2048 bytes\nAuto:           no\n"
		  "Name:           d1\nAuto:           yes\n"
		  "{\"name\": \"d1\", \"size\": 2048, \"id\": \"id\", \"auto\": false}\n"
		  "{\"name\": \"d1\", \"size\": null, \"id\": null, \"auto\": true}\n");
	free(got);
}

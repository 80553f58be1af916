/* table.h - rows and columns, for people and for programs.
 *
 * A column is described once: its title, its key in JSON, its type.  The same
 * cells then make a table, a list of "Title: value" lines, or JSON.  Columns
 * marked as extra are cheap facts that only JSON has room for.
 *
 * Rows are kept until they are printed, because they are sorted and because
 * columns are as wide as their widest cell; a row costs its bytes and two
 * words.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_TABLE_H
#define BP_CLI_TABLE_H

#include <stdio.h>

#include "cli/command.h"

enum column_type {
	COLUMN_TEXT,
	COLUMN_SIZE,		/* "10.00 GiB"; bytes in JSON */
	COLUMN_BOOL,		/* yes or no; true or false in JSON */
};

struct column {
	const char *title, *key;
	enum column_type type;
	bool extra;		/* for JSON only */
};

struct cell {
	bool known;
	const char *text;	/* borrowed until the call returns */
	uint64_t n;		/* size, or 0 and 1 for no and yes */
};

#define COLUMNS_MAX 24

struct table {
	const struct column *columns;
	size_t n_columns;
	const char *unknown;	/* what stands for an unknown cell: "-" */
	struct table_row *rows;
	size_t n_rows;
	struct table_chunk *chunks;	/* where the cells are, newest first */
};

struct cell cell_text(const char *s);		/* NULL: unknown */
struct cell cell_size(bool known, uint64_t bytes);
struct cell cell_bool(bool yes);

/* Keep a row: n_columns cells. */
void table_add(const struct cli *cli, struct table *t, const struct cell *cells);

/* In the order of the first column, case folded; then exactly. */
void table_sort(struct table *t);

/* Text: header and line (unless it is to be quiet), rows.  JSON: an array. */
void table_print(const struct cli *cli, const struct table *t);
void table_done(struct table *t);

/* Every row in turn; cells live until the call returns. */
void table_each(const struct table *t, void (*each)(const struct cell *cells, const void *arg),
		const void *arg);

enum record_sizes { SIZES_PRETTY, SIZES_PLAIN, SIZES_NAMED };	/* 1.00 KiB, 1024, 1024 bytes */

/* One row as lines with labels, without the unknown ones; or a JSON object. */
void record_print(const struct cli *cli, const struct column *columns, size_t n,
		  const struct cell *cells, enum record_sizes sizes);

/* "10.00 GiB" */
#define SIZE_TEXT 32
const char *size_text(uint64_t bytes, char buf[SIZE_TEXT]);

#endif

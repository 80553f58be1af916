/* table.c - see table.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cell.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Rows do not move once they are made, so they are cut from large pieces. */
struct table_chunk {
	struct table_chunk *next;
	size_t used, size;
	char bytes[];
};

struct table_row {
	const char *cells;	/* for each column kept: known or not, then a string or a number */
	uint64_t order;		/* eight bytes of the name: most comparisons need no more */
};

static char *table_room(struct table *t, size_t need)
{
	struct table_chunk *c = t->chunks;
	char *p;

	if (!c || c->size - c->used < need) {
		size_t size = need > 32000 ? need : 32000;

		c = mem_resize(NULL, 1, sizeof *c + size);
		*c = (struct table_chunk){ .next = t->chunks, .size = size };
		t->chunks = c;
	}
	p = c->bytes + c->used;
	c->used += need;
	return p;
}

static bool keeps(const struct cli *cli, const struct column *column)
{
	return cli->format == FORMAT_JSON || !column->extra;
}

/* Bytes a cell takes, the first of which says whether it is known. */
static size_t cell_bytes(const struct column *column, const struct cell *c)
{
	if (!c->known)
		return 1;
	return 1 + (column->type == COLUMN_TEXT ? strlen(c->text) + 1 : sizeof c->n);
}

static char *pack(char *p, const struct column *column, const struct cell *c)
{
	size_t len = cell_bytes(column, c) - 1;

	*p++ = (char)c->known;
	if (column->type == COLUMN_TEXT)
		memcpy(p, c->known ? c->text : "", len);
	else
		memcpy(p, &c->n, len);
	return p + len;
}

static const char *unpack(const char *p, const struct column *column, struct cell *ret)
{
	*ret = (struct cell){ .known = *p++ };
	if (column->type == COLUMN_TEXT)
		ret->text = p;
	else if (ret->known)
		memcpy(&ret->n, p, sizeof ret->n);
	return p + (cell_bytes(column, ret) - 1);
}

void table_add(const struct cli *cli, struct table *t, const struct cell *cells)
{
	struct table_row *row = array_add(t->rows, t->n_rows);
	size_t need = 0;
	char *p;

	for (size_t i = 0; i < t->n_columns; i++)
		if (keeps(cli, &t->columns[i]))
			need += cell_bytes(&t->columns[i], &cells[i]);
	p = table_room(t, need);
	row->cells = p;
	for (size_t i = 0; i < t->n_columns; i++)
		if (keeps(cli, &t->columns[i]))
			p = pack(p, &t->columns[i], &cells[i]);
}

static const char *name_of(const struct table_row *row)
{
	return row->cells + 1;
}

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static int compare_folded(const char *a, const char *b)
{
	while (*a && fold(*a) == fold(*b))
		a++, b++;
	return fold(*a) - fold(*b);
}

static int compare_rows(const void *a, const void *b)
{
	const struct table_row *x = a, *y = b;
	int c;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	c = compare_folded(name_of(x), name_of(y));
	return c ? c : strcmp(name_of(x), name_of(y));
}

/* How many bytes all names begin with. */
static size_t common_prefix(const struct table *t)
{
	const char *first = name_of(&t->rows[0]);
	size_t n = strlen(first);

	for (size_t i = 1; i < t->n_rows; i++) {
		const char *s = name_of(&t->rows[i]);
		size_t k = 0;

		while (k < n && fold(s[k]) == fold(first[k]))
			k++;
		n = k;
	}
	return n;
}

void table_sort(struct table *t)
{
	size_t skip;

	if (t->n_rows < 2)
		return;
	skip = common_prefix(t);
	for (size_t i = 0; i < t->n_rows; i++) {
		const char *s = name_of(&t->rows[i]) + skip;
		uint64_t order = 0;

		for (int k = 0; k < 8; k++)
			order = order << 8 | (*s ? fold(*s++) : 0);
		t->rows[i].order = order;
	}
	qsort(t->rows, t->n_rows, sizeof *t->rows, compare_rows);
}

/* ---- text --------------------------------------------------------------- */

static struct shown shown_cell(const struct table *t, const struct column *column,
			       const struct cell *c, struct cell_printer *out)
{
	return cell_show(out, c->known ? cell_words(column, c, out->buf) : t->unknown);
}

static void measure(const struct table *t, struct cell_printer *out, size_t *widths)
{
	for (size_t r = 0; r < t->n_rows; r++) {
		const char *p = t->rows[r].cells;

		for (size_t i = 0; i < t->n_columns; i++) {
			struct cell c;
			size_t width;

			if (t->columns[i].extra)
				continue;
			p = unpack(p, &t->columns[i], &c);
			width = shown_cell(t, &t->columns[i], &c, out).width;
			if (width > widths[i])
				widths[i] = width;
		}
	}
}

/* The last column is not filled up, so that no line ends with blanks. */
static void print_cell(struct shown s, size_t column, size_t last, const size_t *widths)
{
	putchar_unlocked(' ');
	fwrite_unlocked(s.text, 1, s.len, stdout);
	for (size_t i = s.width; column != last && i < widths[column] + 2; i++)
		putchar_unlocked(' ');
}

static void print_header(const struct table *t, struct cell_printer *out, size_t last,
			 const size_t *widths)
{
	size_t dashes = 0;

	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].extra)
			continue;
		print_cell(cell_show(out, t->columns[i].title), i, last, widths);
		dashes += widths[i] + 3;
	}
	putchar_unlocked('\n');
	while (dashes--)
		putchar_unlocked('-');
	putchar_unlocked('\n');
}

static void print_text(const struct cli *cli, const struct table *t)
{
	struct cell_printer out = { .cli = cli };
	size_t widths[COLUMNS_MAX] = { 0 }, last = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		if (!t->columns[i].extra)
			last = i;
	cell_printer_open(&out);
	measure(t, &out, widths);
	for (size_t i = 0; i < t->n_columns && !cli->quiet; i++)
		if (strlen(t->columns[i].title) > widths[i])
			widths[i] = strlen(t->columns[i].title);
	if (!cli->quiet)
		print_header(t, &out, last, widths);
	for (size_t r = 0; r < t->n_rows; r++) {
		const char *p = t->rows[r].cells;

		for (size_t i = 0; i < t->n_columns; i++) {
			struct cell c;

			if (t->columns[i].extra)
				continue;
			p = unpack(p, &t->columns[i], &c);
			print_cell(shown_cell(t, &t->columns[i], &c, &out), i, last, widths);
		}
		putchar_unlocked('\n');
	}
	cell_printer_done(&out);
}

/* ---- JSON --------------------------------------------------------------- */

static void print_json(const struct table *t)
{
	struct json j = { stdout };

	putchar('[');
	for (size_t r = 0; r < t->n_rows; r++) {
		const char *p = t->rows[r].cells;

		fputs_unlocked(r ? ",\n  " : "\n  ", stdout);
		j.comma = false;
		json_open(&j, NULL, '{');
		for (size_t i = 0; i < t->n_columns; i++) {
			struct cell c;

			p = unpack(p, &t->columns[i], &c);
			cell_json(&j, &t->columns[i], &c);
		}
		json_close(&j, '}');
	}
	puts(t->n_rows ? "\n]" : "]");
}

void table_print(const struct cli *cli, const struct table *t)
{
	if (cli->format == FORMAT_JSON)
		print_json(t);
	else
		print_text(cli, t);
}

void table_each(const struct table *t, void (*each)(const struct cell *cells, const void *arg),
		const void *arg)
{
	struct cell cells[COLUMNS_MAX];

	for (size_t r = 0; r < t->n_rows; r++) {
		const char *p = t->rows[r].cells;

		for (size_t i = 0; i < t->n_columns; i++)
			p = unpack(p, &t->columns[i], &cells[i]);
		each(cells, arg);
	}
}

void table_done(struct table *t)
{
	while (t->chunks) {
		struct table_chunk *next = t->chunks->next;

		free(t->chunks);
		t->chunks = next;
	}
	free(t->rows);
	t->rows = NULL;
	t->n_rows = 0;
}

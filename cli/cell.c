/* cell.c - see cell.h and table.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cell.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cli/words.h"
#include "core/base/mem.h"

struct cell cell_text(const char *s)
{
	return (struct cell){ .known = s, .text = s };
}

struct cell cell_size(bool known, uint64_t bytes)
{
	return (struct cell){ .known = known, .n = bytes };
}

struct cell cell_bool(bool yes)
{
	return (struct cell){ .known = true, .n = yes };
}

/* What "%.2f" prints for bytes / 2^shift, without its price: hundredths, a half
 * rounded to even, of the number as a double holds it. */
static uint64_t hundredths(double bytes, unsigned shift)
{
	double unit = (double)(UINT64_C(1) << shift);
	uint64_t whole = (uint64_t)(bytes / unit);
	uint64_t part = (uint64_t)(bytes - (double)whole * unit), half, rest, h;

	if (shift == 60) {	/* 53 bits leave the last eight zero */
		part >>= 8;
		shift -= 8;
	}
	h = whole * 100 + (part * 100 >> shift);
	if (!shift)
		return h;
	half = UINT64_C(1) << (shift - 1);
	rest = part * 100 & (half * 2 - 1);
	return h + (rest > half || (rest == half && h & 1));
}

const char *size_text(uint64_t bytes, char buf[SIZE_TEXT])
{
	static const char *const units[] = {
		" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"
	};
	char *p = buf + SIZE_TEXT;
	unsigned shift = 0;
	uint64_t h;

	while (shift < 60 && (double)bytes >= (double)(UINT64_C(1024) << shift))
		shift += 10;
	h = hundredths((double)bytes, shift);
	p -= strlen(units[shift / 10]) + 1;
	memcpy(p, units[shift / 10], strlen(units[shift / 10]) + 1);
	*--p = (char)('0' + h % 10);
	*--p = (char)('0' + h / 10 % 10);
	*--p = '.';
	h /= 100;
	do
		*--p = (char)('0' + h % 10);
	while (h /= 10);
	return p;
}

static void set_locale(struct cell_printer *out)
{
	out->locale = true;
	if (!setlocale(LC_CTYPE, "") && out->cli->virsh)
		perror("setlocale");
}

/* It costs system calls, and plain names do not need it; but virsh complains
 * about a locale that is not there, names or no names. */
void cell_printer_open(struct cell_printer *out)
{
	if (out->cli->virsh)
		set_locale(out);
}

void cell_printer_done(struct cell_printer *out)
{
	text_done(&out->safe);
}

static void add_escaped(struct cell_printer *out, const char *s, size_t n, size_t *width)
{
	for (size_t i = 0; i < n; i++)
		text_addf(&out->safe, "\\x%02x", (unsigned char)s[i]);
	*width += n * 4;
}

/* Format characters: of no width, or the direction of what follows. */
static bool is_unseen(wchar_t wc)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < array_size(ranges); i++)
		if ((uint32_t)wc >= ranges[i].first && (uint32_t)wc <= ranges[i].last)
			return true;
	return false;
}

static bool can_be_shown(const struct cell_printer *out, wchar_t wc, const char *s)
{
	unsigned char byte;

	if (!iswprint((wint_t)wc) || wcwidth(wc) < 0)
		return false;
	return out->cli->virsh || !(is_unseen(wc) || is_escape(s, &byte));
}

static struct shown show_carefully(struct cell_printer *out, const char *s)
{
	size_t left = strlen(s), width = 0;

	if (!out->locale)
		set_locale(out);
	out->safe.len = 0;
	text_add(&out->safe, "");
	while (left) {
		mbstate_t state = { 0 };
		wchar_t wc;
		size_t n = mbrtowc(&wc, s, left, &state);

		if (n == 0 || n > left) {		/* no character */
			n = 1;
			add_escaped(out, s, n, &width);
		} else if (!can_be_shown(out, wc, s)) {
			add_escaped(out, s, n, &width);
		} else {
			text_add_n(&out->safe, s, n);
			width += (size_t)wcwidth(wc);
		}
		s += n;
		left -= n;
	}
	return (struct shown){ out->safe.s, out->safe.len, width };
}

struct shown cell_show(struct cell_printer *out, const char *s)
{
	const char *p = s;

	while (*p >= ' ' && *p < 0x7f && *p != '\\')
		p++;
	if (*p)
		return show_carefully(out, s);
	return (struct shown){ s, (size_t)(p - s), (size_t)(p - s) };
}

const char *cell_words(const struct column *column, const struct cell *c, char buf[SIZE_TEXT])
{
	switch (column->type) {
	case COLUMN_SIZE:
		return size_text(c->n, buf);
	case COLUMN_BOOL:
		return c->n ? "yes" : "no";
	case COLUMN_TEXT:
		break;
	}
	return c->text;
}

void cell_json(struct json *j, const struct column *column, const struct cell *c)
{
	if (!c->known)
		json_null(j, column->key);
	else if (column->type == COLUMN_TEXT)
		json_text(j, column->key, c->text);
	else if (column->type == COLUMN_SIZE)
		json_number(j, column->key, c->n);
	else
		json_bool(j, column->key, c->n);
}

static const char *record_words(const struct column *column, const struct cell *c,
				enum record_sizes sizes, char buf[SIZE_TEXT])
{
	if (column->type != COLUMN_SIZE || sizes == SIZES_PRETTY)
		return cell_words(column, c, buf);
	snprintf(buf, SIZE_TEXT, "%" PRIu64 "%s", c->n, sizes == SIZES_NAMED ? " bytes" : "");
	return buf;
}

void record_print(const struct cli *cli, const struct column *columns, size_t n,
		  const struct cell *cells, enum record_sizes sizes)
{
	struct cell_printer out = { .cli = cli };
	struct json j = { stdout };
	char buf[SIZE_TEXT];

	if (cli->format == FORMAT_JSON) {
		json_open(&j, NULL, '{');
		for (size_t i = 0; i < n; i++)
			cell_json(&j, &columns[i], &cells[i]);
		json_close(&j, '}');
		putchar('\n');
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const char *title = columns[i].title, *words;

		if (columns[i].extra || !cells[i].known)
			continue;
		words = record_words(&columns[i], &cells[i], sizes, buf);
		printf("%s:%*s %s\n", title, (int)(14 - strlen(title)), "",
		       cli->virsh ? words : cell_show(&out, words).text);
	}
	cell_printer_done(&out);
}

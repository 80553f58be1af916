/* fault.c - show where a text is no XML. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "xml/scan.h"

#define BEFORE	60	/* columns shown before the place at most ... */
#define COLUMNS	80	/* ... and in all */
#define WORDS	300	/* bytes of the complaint */

struct shown {
	struct text line, caret;
};

static void show(struct shown *s, const char *bytes, size_t n, const char *caret)
{
	text_add_n(&s->line, bytes, n);
	text_add(&s->caret, caret);
}

/* How many bytes can be shown as they are: 0 for one that cannot.  C1 controls
 * are characters, but not ones for a terminal. */
static size_t printable(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	char whole[5] = "";
	size_t n;

	if (c >= ' ' && c < 0x7f)
		return 1;
	if (c < 0x80)
		return 0;
	memcpy(whole, p, (size_t)(end - p) < 4 ? (size_t)(end - p) : 4);
	n = utf8_len(whole);
	return n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0 ? 0 : n;
}

static const char *show_char(struct shown *s, const char *p, const char *end)
{
	size_t n = printable(p, end);
	char hex[] = "\\x..";

	if (*p == '\t') {
		show(s, "\t", 1, "\t");
		return p + 1;
	}
	if (n) {
		show(s, p, n, "-");
		return p + n;
	}
	hex[2] = "0123456789abcdef"[(unsigned char)*p >> 4];
	hex[3] = "0123456789abcdef"[*p & 15];
	show(s, hex, 4, "----");
	return p + 1;
}

static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

static size_t line_number(const char *text, size_t at)
{
	size_t n = 1;

	for (const char *p = text; (p = memchr(p, '\n', (size_t)(text + at - p))); p++)
		n++;
	return n;
}

static void show_place(struct text *t, const char *text, size_t len, size_t at)
{
	struct shown s = { 0 };
	const char *here = text + at, *p, *end;
	size_t caret;

	/* Of a text that ends too early the last line is shown. */
	while (here > text && here == text + len && ends_line(here[-1]))
		here = text + --len;
	p = end = here;
	while (p > text && !ends_line(p[-1]) && here - p < BEFORE)
		p--;
	while (p < here && ((unsigned char)*p & 0xc0) == 0x80)	/* not within a character */
		p++;
	while (end < text + len && !ends_line(*end) && end - p < COLUMNS)
		end++;
	if (p == end)
		return;
	while (p < here)
		p = show_char(&s, p, end);
	caret = s.caret.len;
	while (p < end)
		p = show_char(&s, p, end);
	text_addf(t, "\n%s\n%.*s^", s.line.s, (int)caret, s.caret.s ? s.caret.s : "");
	text_done(&s.line);
	text_done(&s.caret);
}

static void add_words(struct text *t, const char *words)
{
	struct shown s = { 0 };
	const char *end = words + strnlen(words, WORDS);

	while (end > words && ends_line(end[-1]))
		end--;
	for (const char *p = words; p < end; )
		if (*p == '\n')
			show(&s, p++, 1, "");
		else
			p = show_char(&s, p, end);
	text_add(t, s.line.s ? s.line.s : "");
	text_done(&s.line);
	text_done(&s.caret);
}

int fail_syntax(struct bp_error *err, const char *name, const char *text, size_t len,
		size_t at, const char *words)
{
	cleanup(text_done) struct text t = { 0 };

	if (at > len)
		at = len;
	text_addf(&t, "%s:%zu: ", name, line_number(text, at));
	add_words(&t, words);
	show_place(&t, text, len, at);
	return bp_fail(err, BP_XML_SYNTAX, "%s", t.s);
}

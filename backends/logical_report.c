/* logical_report.c - see logical_report.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/logical_report.h"

#include <stdbool.h>
#include <string.h>

/* Where the reader stands, from the outside in. */
enum {
	AT_START,		/* before the first '{' */
	IN_DOCUMENT,		/* among "report" and "log" */
	IN_LIST,		/* among the objects of one of these */
	IN_OBJECT,		/* among the sections of an object */
	IN_SECTION,		/* among the rows of a section */
	AT_END,
};

static int broken(const struct report *r, const char *wanted, struct bp_error *err)
{
	return bp_fail(err, BP_CORRUPT, "LVM's report cannot be read: %s was expected at '%.40s'",
		       wanted, r->at);
}

/* ---- words -------------------------------------------------------------------------- */

static char peek(struct report *r)
{
	r->at += strspn(r->at, " \t\r\n");
	return *r->at;
}

static bool take(struct report *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\u00e9" in UTF-8.  Halves of pairs mean nothing alone, and LVM writes none. */
static bool take_code(struct report *r, char **to)
{
	unsigned code = 0;
	char *p = *to;

	for (int i = 0; i < 4; i++, r->at++) {
		int digit = hex(*r->at);

		if (digit < 0)
			return false;
		code = code << 4 | (unsigned)digit;
	}
	if (code == 0 || (code >= 0xd800 && code < 0xe000))
		return false;
	if (code < 0x80) {
		*p++ = (char)code;
	} else if (code < 0x800) {
		*p++ = (char)(0xc0 | code >> 6);
		*p++ = (char)(0x80 | (code & 0x3f));
	} else {
		*p++ = (char)(0xe0 | code >> 12);
		*p++ = (char)(0x80 | (code >> 6 & 0x3f));
		*p++ = (char)(0x80 | (code & 0x3f));
	}
	*to = p;
	return true;
}

static bool take_escape(struct report *r, char **to)
{
	static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *which;

	if (*r->at == 'u') {
		r->at++;
		return take_code(r, to);
	}
	which = *r->at ? strchr(from, *r->at) : NULL;
	if (!which)
		return false;
	r->at++;
	*(*to)++ = meant[which - from];
	return true;
}

/* In place: what is meant is never longer than what is written. */
static const char *take_string(struct report *r)
{
	char *start, *to;

	if (!take(r, '"'))
		return NULL;
	start = to = r->at;
	while (*r->at && *r->at != '"') {
		if (*r->at != '\\') {
			*to++ = *r->at++;
			continue;
		}
		r->at++;
		if (!take_escape(r, &to))
			return NULL;
	}
	if (!*r->at)
		return NULL;
	r->at++;
	*to = '\0';
	return start;
}

/* "name": */
static const char *take_name(struct report *r)
{
	const char *name = take_string(r);

	return name && take(r, ':') ? name : NULL;
}

/* ---- rows --------------------------------------------------------------------------- */

static int read_fields(struct report *r, struct report_row *row, struct bp_error *err)
{
	const char *name, *value;

	row->n = 0;
	if (take(r, '}'))
		return 0;
	do {
		name = take_name(r);
		value = name ? take_string(r) : NULL;
		if (!value)
			return broken(r, "a field and its text", err);
		if (row->n == REPORT_FIELDS)
			return broken(r, "the end of a row", err);
		row->fields[row->n].name = name;
		row->fields[row->n++].value = value;
	} while (take(r, ','));
	return take(r, '}') ? 0 : broken(r, "',' or '}'", err);
}

/* A section begins; or, where LVM tells its log as well, a row of that, which
 * is of no interest. */
static int enter_object(struct report *r, struct bp_error *err)
{
	const char *name = take_name(r);

	if (!name)
		return broken(r, "the name of a section", err);
	if (take(r, '[')) {
		r->section = name;
		r->place = IN_SECTION;
		return 0;
	}
	if (!take_string(r))
		return broken(r, "'['", err);
	return 0;
}

static int enter_document(struct report *r, struct bp_error *err)
{
	if (!take_name(r) || !take(r, '['))
		return broken(r, "a name and '['", err);
	r->place = IN_LIST;
	return 0;
}

/* What closes a place, and what is there after it; commas are let through. */
static bool leave(struct report *r, char closing, int outside)
{
	(void)take(r, ',');
	if (!take(r, closing))
		return false;
	r->place = outside;
	return true;
}

/* One step; 1: it was a row. */
static int step(struct report *r, struct report_row *row, struct bp_error *err)
{
	switch (r->place) {
	case AT_START:
		if (!take(r, '{'))
			return broken(r, "'{'", err);
		r->place = IN_DOCUMENT;
		return 0;
	case IN_DOCUMENT:
		return leave(r, '}', AT_END) ? 0 : enter_document(r, err);
	case IN_LIST:
		if (leave(r, ']', IN_DOCUMENT))
			return 0;
		if (!take(r, '{'))
			return broken(r, "'{'", err);
		r->place = IN_OBJECT;
		return 0;
	case IN_OBJECT:
		return leave(r, '}', IN_LIST) ? 0 : enter_object(r, err);
	default:
		if (leave(r, ']', IN_OBJECT))
			return 0;
		if (!take(r, '{'))
			return broken(r, "'{'", err);
		row->section = r->section;
		return read_fields(r, row, err) < 0 ? -1 : 1;
	}
}

void report_open(struct report *r, char *text)
{
	*r = (struct report){ .at = text, .place = AT_START };
}

int report_next(struct report *r, struct report_row *ret, struct bp_error *err)
{
	while (r->place != AT_END) {
		int result = step(r, ret, err);

		if (result != 0)
			return result;
	}
	return peek(r) ? broken(r, "the end", err) : 0;
}

const char *report_value(const struct report_row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (strcmp(row->fields[i].name, name) == 0)
			return row->fields[i].value;
	return NULL;
}

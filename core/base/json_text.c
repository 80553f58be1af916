/* json_text.c - see json_text.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/json_text.h"

#include <string.h>

char json_peek(char **at)
{
	*at += strspn(*at, " \t\r\n");
	return **at;
}

bool json_take(char **at, char c)
{
	if (json_peek(at) != c)
		return false;
	++*at;
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\u00e9" in UTF-8.  Halves of pairs mean nothing alone, and nobody we read
 * writes them. */
static bool take_code(char **at, char **to)
{
	unsigned code = 0;
	char *p = *to;

	for (int i = 0; i < 4; i++, ++*at) {
		int digit = hex(**at);

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

static bool take_escape(char **at, char **to)
{
	static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *which;

	if (**at == 'u') {
		++*at;
		return take_code(at, to);
	}
	which = **at ? strchr(from, **at) : NULL;
	if (!which)
		return false;
	++*at;
	*(*to)++ = meant[which - from];
	return true;
}

/* In place: what is meant is never longer than what is written. */
char *json_take_string(char **at)
{
	char *start, *to;

	if (!json_take(at, '"'))
		return NULL;
	start = to = *at;
	while (**at && **at != '"') {
		if (**at != '\\') {
			*to++ = *(*at)++;
			continue;
		}
		++*at;
		if (!take_escape(at, &to))
			return NULL;
	}
	if (!**at)
		return NULL;
	++*at;
	*to = '\0';
	return start;
}

char *json_take_name(char **at)
{
	char *name = json_take_string(at);

	return name && json_take(at, ':') ? name : NULL;
}

/* text.c - see text.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static void reserve(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 64;

	while (cap - t->len <= more)
		cap *= 2;
	if (cap == t->cap)
		return;
	t->s = mem_resize(t->s, cap, 1);
	t->cap = cap;
}

void text_add_n(struct text *t, const char *s, size_t len)
{
	reserve(t, len);
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_n(t, s, strlen(s));
}

/* Mostly there is room for it: then it is put there at once. */
void text_addf(struct text *t, const char *fmt, ...)
{
	size_t room = t->cap - t->len;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(t->s ? t->s + t->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n >= room) {
		reserve(t, (size_t)n);
		vsnprintf(t->s + t->len, (size_t)n + 1, fmt, again);
	}
	if (n > 0)
		t->len += (size_t)n;
	else if (t->s)
		t->s[t->len] = '\0';
	va_end(again);
}

char *text_steal(struct text *t)
{
	char *s = t->s ? t->s : mem_dup("");

	*t = (struct text){ 0 };
	return s;
}

void text_done(struct text *t)
{
	free(t->s);
	*t = (struct text){ 0 };
}

bool parse_number_prefix(const char *s, int base, uint64_t *ret, const char **ret_end)
{
	unsigned long long v;
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	if (*s == '-')		/* strtoull would take it and wrap around */
		return false;
	errno = 0;
	v = strtoull(s, &end, base);
	if (errno || end == s)
		return false;
	*ret = v;
	*ret_end = end;
	return true;
}

bool parse_number(const char *s, int base, uint64_t *ret)
{
	const char *end;
	uint64_t v;

	if (!parse_number_prefix(s, base, &v, &end) || *end)
		return false;
	*ret = v;
	return true;
}

size_t utf8_len(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
		   (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) ||	/* longer than need be */
	    (p[0] == 0xed && p[1] > 0x9f) ||	/* half of a surrogate pair */
	    (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))	/* past U+10FFFF */
		return 0;
	return n;
}

bool is_utf8(const char *s)
{
	for (size_t n; *s; s += n) {
		n = utf8_len(s);
		if (!n)
			return false;
	}
	return true;
}

bool has_control_chars(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

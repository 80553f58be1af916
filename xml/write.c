/* write.c - see write.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/write.h"

#include <stdarg.h>
#include <string.h>

static void indent(struct out *o)
{
	static const char spaces[] = "                                ";

	for (unsigned n = o->depth * 2; n; ) {
		unsigned now = n < sizeof spaces - 1 ? n : sizeof spaces - 1;

		text_add_n(&o->t, spaces, now);
		n -= now;
	}
}

void out_body(struct out *o)
{
	if (!o->in_tag)
		return;
	text_add(&o->t, ">\n");
	o->in_tag = false;
	o->depth++;
}

void out_tag(struct out *o, const char *name)
{
	out_body(o);
	indent(o);
	text_add(&o->t, "<");
	text_add(&o->t, name);
	o->in_tag = true;
}

void out_end(struct out *o, const char *name)
{
	if (o->in_tag) {
		text_add(&o->t, "/>\n");
		o->in_tag = false;
		return;
	}
	o->depth--;
	indent(o);
	text_add(&o->t, "</");
	text_add(&o->t, name);
	text_add(&o->t, ">\n");
}

/* What has to be written in another way, and how; NULL: as it is.  A reader
 * turns a bare carriage return into a newline, and in an attribute a newline
 * or tab into a space. */
static const char *instead_of(char c, bool in_attr)
{
	switch (c) {
	case '&':  return "&amp;";
	case '<':  return "&lt;";
	case '>':  return "&gt;";
	case '\'': return "&apos;";
	case '"':  return "&quot;";
	case '\r': return "&#13;";
	case '\n': return in_attr ? "&#10;" : NULL;
	case '\t': return in_attr ? "&#9;" : NULL;
	}
	return (unsigned char)c < ' ' ? "\xef\xbf\xbd" : NULL;
}

/* The same for what begins with a byte that is not ASCII. */
static const char *instead_of_wide(const char *s, size_t *ret_len)
{
	*ret_len = utf8_len(s);
	if (*ret_len && strncmp(s, "\xef\xbf\xbe", 3) != 0 && strncmp(s, "\xef\xbf\xbf", 3) != 0)
		return NULL;
	*ret_len = *ret_len ? *ret_len : 1;
	return "\xef\xbf\xbd";
}

static void add_escaped(struct out *o, const char *s, bool in_attr)
{
	const char *plain = s;		/* from here on nothing had to be changed */

	while (*s) {
		size_t n = 1;
		const char *instead = (unsigned char)*s < 0x80 ? instead_of(*s, in_attr) :
							    instead_of_wide(s, &n);

		if (instead) {
			text_add_n(&o->t, plain, (size_t)(s - plain));
			text_add(&o->t, instead);
			plain = s + n;
		}
		s += n;
	}
	text_add_n(&o->t, plain, (size_t)(s - plain));
}

void out_attr(struct out *o, const char *name, const char *value)
{
	if (!value)
		return;
	text_add(&o->t, " ");
	text_add(&o->t, name);
	text_add(&o->t, "='");
	add_escaped(o, value, true);
	text_add(&o->t, "'");
}

static void add_formatted(struct out *o, const char *fmt, va_list ap)
{
	char number[64];

	vsnprintf(number, sizeof number, fmt, ap);
	text_add(&o->t, number);
}

void out_attrf(struct out *o, const char *name, const char *fmt, ...)
{
	va_list ap;

	text_addf(&o->t, " %s='", name);
	va_start(ap, fmt);
	add_formatted(o, fmt, ap);
	va_end(ap);
	text_add(&o->t, "'");
}

static void open_text(struct out *o, const char *name)
{
	out_tag(o, name);
	text_add(&o->t, ">");
	o->in_tag = false;
}

static void close_text(struct out *o, const char *name)
{
	text_add(&o->t, "</");
	text_add(&o->t, name);
	text_add(&o->t, ">\n");
}

void out_text(struct out *o, const char *name, const char *value)
{
	if (!value)
		return;
	open_text(o, name);
	add_escaped(o, value, false);
	close_text(o, name);
}

void out_textf(struct out *o, const char *name, const char *fmt, ...)
{
	va_list ap;

	open_text(o, name);
	va_start(ap, fmt);
	add_formatted(o, fmt, ap);
	va_end(ap);
	close_text(o, name);
}

void out_endf(struct out *o, const char *name, const char *fmt, ...)
{
	va_list ap;

	text_add(&o->t, ">");
	o->in_tag = false;
	va_start(ap, fmt);
	add_formatted(o, fmt, ap);
	va_end(ap);
	close_text(o, name);
}

void out_one(struct out *o, const char *name, const char *attr, const char *value)
{
	if (!value)
		return;
	out_tag(o, name);
	out_attr(o, attr, value);
	out_end(o, name);
}

char *out_steal(struct out *o)
{
	return text_steal(&o->t);
}

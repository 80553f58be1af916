/* scan.c - bounds on a document, found without parsing it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/scan.h"

#include <stdio.h>
#include <string.h>

struct scanner {
	const char *start, *p, *end;
	unsigned depth, nodes, namespaces;
	const char *too_much;		/* what there is too much of, at p */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scanner *s)
{
	while (s->p < s->end && is_space(*s->p))
		s->p++;
}

static bool looking_at(const struct scanner *s, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(s->end - s->p) >= n && memcmp(s->p, word, n) == 0;
}

/* Past the next such word; false: there is none. */
static bool skip_past(struct scanner *s, const char *from, const char *word)
{
	const char *at = from > s->end ? NULL :
		memmem(from, (size_t)(s->end - from), word, strlen(word));

	if (!at)
		return false;
	s->p = at + strlen(word);
	return true;
}

static bool refuse(struct scanner *s, const char *at, const char *words)
{
	s->p = at;
	s->too_much = words;
	return false;
}

static bool count_node(struct scanner *s, const char *at)
{
	if (++s->nodes > SCAN_NODES)
		return refuse(s, at, "More than 100000 elements and attributes");
	return true;
}

static void skip_name(struct scanner *s)
{
	while (s->p < s->end && !is_space(*s->p) && !strchr("=/>\"'<", *s->p))
		s->p++;
}

/* name = "value", with the scanner at the name. */
static bool scan_attribute(struct scanner *s)
{
	const char *name = s->p, *value;

	skip_name(s);
	if (s->p == name)
		return false;
	skip_space(s);
	if (s->p == s->end || *s->p++ != '=')
		return false;
	skip_space(s);
	if (s->p == s->end || (*s->p != '"' && *s->p != '\''))
		return false;
	value = s->p + 1;
	s->p = memchr(value, *s->p, (size_t)(s->end - value));
	if (!s->p || memchr(value, '<', (size_t)(s->p - value))) {
		s->p = value;
		return false;
	}
	s->p++;
	if (strncmp(name, "xmlns", 5) == 0 && ++s->namespaces > SCAN_NAMESPACES)
		return refuse(s, name, "More than 100 namespaces");
	return count_node(s, name);
}

/* True: the scan goes on after this tag. */
static bool scan_start_tag(struct scanner *s)
{
	const char *tag = s->p++;
	unsigned attributes = 0;

	if (!count_node(s, tag))
		return false;
	skip_name(s);
	for (;;) {
		skip_space(s);
		if (looking_at(s, "/>")) {
			s->p += 2;
			return true;
		}
		if (looking_at(s, ">")) {
			s->p++;
			if (++s->depth > SCAN_DEPTH)
				return refuse(s, tag, "Elements more than 256 levels deep");
			return true;
		}
		if (!scan_attribute(s))
			return false;
		if (++attributes > SCAN_ATTRIBUTES)
			return refuse(s, tag, "More than 100 attributes in an element");
	}
}

/* A name may be there, as in <!DOCTYPE pool>; nothing that defines or fetches. */
static bool scan_doctype(struct scanner *s)
{
	const char *start = s->p;

	s->p += strlen("<!DOCTYPE");
	skip_space(s);
	while (s->p < s->end && !is_space(*s->p) && *s->p != '>' && *s->p != '[')
		s->p++;
	skip_space(s);
	if (s->p == s->end)
		return false;
	if (*s->p != '>')
		return refuse(s, start, "Document types and entities are not read");
	s->p++;
	return true;
}

static bool scan_markup(struct scanner *s)
{
	if (looking_at(s, "<!--"))
		return skip_past(s, s->p + 4, "-->");
	if (looking_at(s, "<![CDATA["))
		return count_node(s, s->p) && skip_past(s, s->p + 9, "]]>");
	if (looking_at(s, "<!DOCTYPE"))
		return scan_doctype(s);
	if (looking_at(s, "<!"))
		return false;
	if (looking_at(s, "<?"))
		return skip_past(s, s->p + 2, "?>");
	if (looking_at(s, "</")) {
		s->depth -= s->depth > 0;
		return skip_past(s, s->p + 2, ">");
	}
	return scan_start_tag(s);
}

static bool fail(struct fault *ret, size_t at, const char *words)
{
	ret->at = at;
	snprintf(ret->words, sizeof ret->words, "%s", words);
	return false;
}

bool scan_document(const char *text, size_t len, struct fault *ret_fault)
{
	struct scanner s = { .start = text, .p = text, .end = text + len };
	const char *nul = memchr(text, '\0', len);

	if (nul)
		return fail(ret_fault, (size_t)(nul - text), "NUL byte in the document");
	if (len == 0)
		return fail(ret_fault, 0, "Document is empty");
	skip_space(&s);
	if (s.p == s.end || *s.p != '<')
		return fail(ret_fault, (size_t)(s.p - text), "Start tag expected, '<' not found");
	while (s.p && scan_markup(&s))
		s.p = memchr(s.p, '<', (size_t)(s.end - s.p));
	if (s.too_much)
		return fail(ret_fault, (size_t)(s.p - text), s.too_much);
	return true;
}

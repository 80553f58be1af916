/* logical_text.c - see logical_text.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/logical_text.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define DEEP   8		/* sections in sections; LVM has four */
#define DIGITS "0123456789"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "+_.-"

static char peek(struct lvm_text *t)
{
	for (;;) {
		t->at += strspn(t->at, " \t\r\n");
		if (*t->at != '#')
			return *t->at;
		t->at += strcspn(t->at, "\n");
	}
}

static bool take(struct lvm_text *t, char c)
{
	if (peek(t) != c)
		return false;
	t->at++;
	return true;
}

static size_t add(struct lvm_text *t, enum lvm_kind kind, const char *name, const char *value)
{
	struct lvm_node *node = array_add(t->nodes, t->n);

	*node = (struct lvm_node){ .kind = kind, .name = name, .value = value, .next = t->n };
	return t->n - 1;
}

static bool read_string(struct lvm_text *t, const char *name)
{
	char *start = ++t->at, *to = start;

	for (; *t->at && *t->at != '"'; t->at++) {
		if (*t->at == '\\' && t->at[1])
			t->at++;
		*to++ = *t->at;
	}
	if (!*t->at)
		return false;
	t->at++;
	*to = '\0';
	(void)add(t, LVM_STRING, name, start);
	return true;
}

/* What follows it may have no space before it: so the number moves to where there is one
 * of these, or an '=', '[' or ','. */
static bool read_number(struct lvm_text *t, const char *name)
{
	size_t n = strspn(t->at, DIGITS);
	char *start = t->at - 1;

	if (!n)
		return false;
	memmove(start, t->at, n);
	start[n] = '\0';
	t->at += n;
	(void)add(t, LVM_NUMBER, name, start);
	return true;
}

static bool read_value(struct lvm_text *t, const char *name)
{
	return peek(t) == '"' ? read_string(t, name) : read_number(t, name);
}

static bool read_list(struct lvm_text *t, const char *name)
{
	size_t list = add(t, LVM_LIST, name, NULL);

	if (take(t, ']'))
		return true;
	do {
		if (!read_value(t, NULL))
			return false;
	} while (take(t, ','));
	t->nodes[list].next = t->n;
	return take(t, ']');
}

/* The sections that are open, from the outside in. */
struct open {
	size_t sections[DEEP], n;
};

static bool read_entry(struct lvm_text *t, struct open *open)
{
	char *name = t->at, *end = name + strspn(name, NAME_CHARS);

	t->at = end;
	if (end == name || !strchr(" \t\n", *end))	/* which is where the name ends */
		return false;
	if (take(t, '{')) {
		*end = '\0';
		if (open->n == DEEP)
			return false;
		open->sections[open->n++] = add(t, LVM_SECTION, name, NULL);
		return true;
	}
	if (!take(t, '='))
		return false;
	*end = '\0';
	return take(t, '[') ? read_list(t, name) : read_value(t, name);
}

bool lvm_text_read(char *text, struct lvm_text *ret)
{
	struct open open = { .n = 1 };

	*ret = (struct lvm_text){ .at = text };
	(void)add(ret, LVM_SECTION, NULL, NULL);
	while (peek(ret)) {
		if (open.n > 1 && take(ret, '}'))
			ret->nodes[open.sections[--open.n]].next = ret->n;
		else if (!read_entry(ret, &open))
			return false;
	}
	ret->nodes[0].next = ret->n;
	return open.n == 1;
}

void lvm_text_done(struct lvm_text *t)
{
	free(t->nodes);
	*t = (struct lvm_text){ 0 };
}

size_t lvm_next(const struct lvm_text *t, size_t in, size_t at)
{
	size_t next = at ? t->nodes[at].next : in + 1;

	return next < t->nodes[in].next ? next : 0;
}

size_t lvm_child(const struct lvm_text *t, size_t in, const char *name)
{
	size_t at = 0;

	while ((at = lvm_next(t, in, at)) != 0)
		if (t->nodes[at].name && strcmp(t->nodes[at].name, name) == 0)
			return at;
	return 0;
}

const char *lvm_value(const struct lvm_text *t, size_t in, const char *name)
{
	size_t at = lvm_child(t, in, name);

	return at ? t->nodes[at].value : NULL;
}

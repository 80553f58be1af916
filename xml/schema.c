/* schema.c - hold an element against its row. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/schema.h"

#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/model/pool_type.h"

#define MAX_ROWS 24	/* kinds of elements in one element */

bool node_has_attr(const xmlNode *node, const char *name)
{
	auto_free char *s = node_attr(node, name);

	return s;
}

/* ---- attributes ---------------------------------------------------------- */

static int check_words(const struct doc *d, const xmlNode *node, const struct schema_attr *row,
		       const char *value, struct bp_error *err)
{
	cleanup(text_done) struct text list = { 0 };

	if (bp_word_in(row->words, value))
		return 0;
	for (const char *const *w = row->words; *w; w++)
		text_addf(&list, "%s%s", w == row->words ? "" : ", ", *w);
	return fail_at(d, node, BP_SCHEMA, err, "attribute '%s' of <%s> must be one of %s",
		       row->name, node->name, list.s);
}

static int check_value(const struct doc *d, const xmlNode *node, const struct schema_attr *row,
		       struct bp_error *err)
{
	auto_free char *value = node_attr(node, row->name);
	const char *wrong = row->wrong ? row->wrong(value) : NULL;

	if (wrong)
		return fail_at(d, node, BP_SCHEMA, err, "attribute '%s' of <%s> %s", row->name,
			       node->name, wrong);
	return row->words ? check_words(d, node, row, value, err) : 0;
}

static const struct schema_attr *attr_row(const struct schema_attr *rows, const xmlAttr *a)
{
	for (; rows && rows->name; rows++)
		if (!a->ns && strcmp((const char *)a->name, rows->name) == 0)
			return rows;
	return NULL;
}

static int check_attrs(const struct doc *d, const xmlNode *node, const struct schema_attr *rows,
		       struct bp_error *err)
{
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		const struct schema_attr *row = attr_row(rows, a);

		if (!row)
			return fail_at(d, node, BP_SCHEMA, err,
				       "attribute '%s' is not allowed in <%s>", a->name,
				       node->name);
		if (check_value(d, node, row, err) < 0)
			return -1;
	}
	for (; rows && rows->name; rows++)
		if (rows->required && !node_has_attr(node, rows->name))
			return fail_at(d, node, BP_SCHEMA, err, "attribute '%s' is missing in <%s>",
				       rows->name, node->name);
	return 0;
}

/* ---- elements ------------------------------------------------------------ */

static bool is_row_of(const struct schema_elem *row, const xmlNode *node)
{
	const char *ns = node->ns ? (const char *)node->ns->href : NULL;

	if (strcmp((const char *)node->name, row->name) != 0)
		return false;
	return row->ns ? ns && strcmp(ns, row->ns) == 0 : !ns;
}

/* The rows of all lists, one after another. */
static unsigned flatten(const struct schema_elem *const *lists,
			const struct schema_elem *rows[static MAX_ROWS])
{
	unsigned n = 0;

	for (; lists && *lists; lists++)
		for (const struct schema_elem *row = *lists; row->name && n < MAX_ROWS; row++)
			rows[n++] = row;
	return n;
}

static int check_child(const struct doc *d, const xmlNode *node, const struct schema_elem **rows,
		       unsigned *seen, unsigned n, struct bp_error *err)
{
	for (unsigned i = 0; i < n; i++) {
		if (!is_row_of(rows[i], node))
			continue;
		if (seen[i]++ && (rows[i]->times == ONCE || rows[i]->times == MAYBE))
			return fail_at(d, node, BP_SCHEMA, err, "<%s> may appear only once in <%s>",
				       node->name, node->parent->name);
		return schema_check(d, node, rows[i], err);
	}
	return fail_at(d, node, BP_SCHEMA, err, "<%s> is not allowed in <%s>", node->name,
		       node->parent->name);
}

static int check_children(const struct doc *d, const xmlNode *node,
			  const struct schema_elem *row, struct bp_error *err)
{
	const struct schema_elem *rows[MAX_ROWS];
	unsigned seen[MAX_ROWS] = { 0 }, n = flatten(row->children, rows);

	for (const xmlNode *c = node->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && check_child(d, c, rows, seen, n, err) < 0)
			return -1;
	for (unsigned i = 0; i < n; i++)
		if (!seen[i] && (rows[i]->times == ONCE || rows[i]->times == SOME))
			return fail_at(d, node, BP_SCHEMA, err, "<%s> is missing in <%s>",
				       rows[i]->name, node->name);
	return 0;
}

static int check_text(const struct doc *d, const xmlNode *node, const struct schema_elem *row,
		      struct bp_error *err)
{
	auto_free char *s = row->text ? node_text(node) : NULL;
	const char *wrong = s ? row->text(s) : NULL;

	if (wrong && node == d->root)
		return fail_at(d, node, BP_SCHEMA, err, "<%s> %s", node->name, wrong);
	if (wrong)
		return fail_at(d, node, BP_SCHEMA, err, "<%s> in <%s> %s", node->name,
			       node->parent->name, wrong);
	for (const xmlNode *c = row->text ? NULL : node->children; c; c = c->next)
		if (c->type == XML_TEXT_NODE && !xmlIsBlankNode(c))
			return fail_at(d, node, BP_SCHEMA, err, "<%s> must not contain text",
				       node->name);
	return 0;
}

int schema_check(const struct doc *d, const xmlNode *node, const struct schema_elem *row,
		 struct bp_error *err)
{
	if (row->choose)
		row = row->choose(node);
	if (check_attrs(d, node, row->attrs, err) < 0 || check_text(d, node, row, err) < 0)
		return -1;
	return check_children(d, node, row, err);
}

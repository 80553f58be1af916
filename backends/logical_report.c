/* logical_report.c - see logical_report.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/logical_report.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/json_text.h"

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

/* ---- rows --------------------------------------------------------------------------- */

static int read_fields(struct report *r, struct report_row *row, struct bp_error *err)
{
	const char *name, *value;

	row->n = 0;
	if (json_take(&r->at, '}'))
		return 0;
	do {
		name = json_take_name(&r->at);
		value = name ? json_take_string(&r->at) : NULL;
		if (!value)
			return broken(r, "a field and its text", err);
		if (row->n == REPORT_FIELDS)
			return broken(r, "the end of a row", err);
		row->fields[row->n].name = name;
		row->fields[row->n++].value = value;
	} while (json_take(&r->at, ','));
	return json_take(&r->at, '}') ? 0 : broken(r, "',' or '}'", err);
}

/* A section begins; or, where LVM tells its log as well, a row of that, which
 * is of no interest. */
static int enter_object(struct report *r, struct bp_error *err)
{
	const char *name = json_take_name(&r->at);

	if (!name)
		return broken(r, "the name of a section", err);
	if (json_take(&r->at, '[')) {
		r->section = name;
		r->place = IN_SECTION;
		return 0;
	}
	if (!json_take_string(&r->at))
		return broken(r, "'['", err);
	return 0;
}

static int enter_document(struct report *r, struct bp_error *err)
{
	if (!json_take_name(&r->at) || !json_take(&r->at, '['))
		return broken(r, "a name and '['", err);
	r->place = IN_LIST;
	return 0;
}

/* What closes a place, and what is there after it; commas are let through. */
static bool leave(struct report *r, char closing, int outside)
{
	(void)json_take(&r->at, ',');
	if (!json_take(&r->at, closing))
		return false;
	r->place = outside;
	return true;
}

/* One step; 1: it was a row. */
static int step(struct report *r, struct report_row *row, struct bp_error *err)
{
	switch (r->place) {
	case AT_START:
		if (!json_take(&r->at, '{'))
			return broken(r, "'{'", err);
		r->place = IN_DOCUMENT;
		return 0;
	case IN_DOCUMENT:
		return leave(r, '}', AT_END) ? 0 : enter_document(r, err);
	case IN_LIST:
		if (leave(r, ']', IN_DOCUMENT))
			return 0;
		if (!json_take(&r->at, '{'))
			return broken(r, "'{'", err);
		r->place = IN_OBJECT;
		return 0;
	case IN_OBJECT:
		return leave(r, '}', IN_LIST) ? 0 : enter_object(r, err);
	default:
		if (leave(r, ']', IN_OBJECT))
			return 0;
		if (!json_take(&r->at, '{'))
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
	return json_peek(&r->at) ? broken(r, "the end", err) : 0;
}

const char *report_value(const struct report_row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (strcmp(row->fields[i].name, name) == 0)
			return row->fields[i].value;
	return NULL;
}

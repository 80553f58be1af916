/* logical_report.h - what LVM reports, as JSON, row by row.
 *
 * "report" is a list of objects, each with named sections ("vg", "lv", "seg"),
 * and a section is a list of rows: objects whose values are all strings.  The
 * text is taken apart in place: names and values live in it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_LOGICAL_REPORT_H
#define BP_BACKENDS_LOGICAL_REPORT_H

#include <stddef.h>

#include "core/base/error.h"

#define REPORT_FIELDS 32	/* in a row, at the most */

struct report {
	char *at;		/* what has not been read yet; ends with NUL */
	int place;
	const char *section;
};

struct report_row {
	const char *section;
	size_t n;
	struct {
		const char *name, *value;
	} fields[REPORT_FIELDS];
};

void report_open(struct report *r, char *text);

/* 1: a row; 0: the end; -1: BP_CORRUPT. */
int report_next(struct report *r, struct report_row *ret, struct bp_error *err);

/* The value of a field, or NULL. */
const char *report_value(const struct report_row *row, const char *name);

#endif

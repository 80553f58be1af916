/* cell.h - one cell of a table: what is shown for it, and how wide that is. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_CELL_H
#define BP_CLI_CELL_H

#include "cli/json.h"
#include "cli/table.h"
#include "core/base/text.h"

/* Bytes to print, and the columns of a terminal they take. */
struct shown {
	const char *text;
	size_t len, width;
};

struct cell_printer {
	const struct cli *cli;
	bool locale;		/* it has been set */
	struct text safe;	/* the last text that could not be shown as it is */
	char buf[SIZE_TEXT];
};

void cell_printer_open(struct cell_printer *out);
void cell_printer_done(struct cell_printer *out);

/* A text made fit for a terminal: bytes that cannot be printed become \xNN, and
 * so does what nobody would see or what turns text around.  A backslash that
 * could be taken for the begin of that becomes \x5c, so that two texts never
 * look the same (under the name virsh they can).  It lives until the next call. */
struct shown cell_show(struct cell_printer *out, const char *s);

/* The words for a known cell. */
const char *cell_words(const struct column *column, const struct cell *c, char buf[SIZE_TEXT]);

void cell_json(struct json *j, const struct column *column, const struct cell *c);

#endif

/* extents.c - see extents.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/extents.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NOWHERE UINT64_MAX

static bool goes_on(const struct bp_image_extent *e, const struct bp_image_extent *next)
{
	if (e->zero != next->zero || e->data != next->data || e->present != next->present ||
	    e->depth != next->depth)
		return false;
	if (e->file_at == NOWHERE)
		return next->file_at == NOWHERE;
	return next->file_at != NOWHERE && e->file_at + e->length == next->file_at &&
	       (e->file == next->file || strcmp(e->file, next->file) == 0);
}

static const char *word(bool b)
{
	return b ? "true" : "false";
}

static void print_json(const struct bp_image_extent *e, bool last)
{
	printf("{ \"start\": %" PRIu64 ", \"length\": %" PRIu64 ", \"depth\": %u, "
	       "\"present\": %s, \"zero\": %s, \"data\": %s", e->start, e->length, e->depth,
	       word(e->present), word(e->zero), word(e->data));
	if (e->file_at != NOWHERE)
		printf(", \"offset\": %" PRIu64, e->file_at);
	fputs(last ? "}" : "},\n", stdout);
}

/* Only data is told of. */
static int print_text(struct cli *cli, const struct extents *x, const struct bp_image_extent *e)
{
	if (!e->data || e->zero)
		return 0;
	if (e->file_at != NOWHERE)
		printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n", e->start, e->length,
		       e->file_at, e->file);
	else if (x->compressed_too)
		printf("%#-16" PRIx64 "%#-16" PRIx64 "%-16s%s\n", e->start, e->length,
		       "compressed", e->file);
	else
		return cli_failed(cli, "File contains external, encrypted or compressed clusters.");
	return 0;
}

static int print(struct cli *cli, const struct extents *x, const struct bp_image_extent *e,
		 bool last)
{
	if (!x->json)
		return print_text(cli, x, e);
	print_json(e, last);
	return 0;
}

/* What text does not tell apart is one. */
static void simplify(const struct extents *x, struct bp_image_extent *e)
{
	if (!x->json && (!e->data || e->zero)) {
		e->data = false;
		e->zero = true;
	}
}

static int print_all(struct cli *cli, const struct extents *x, struct bp_error *err)
{
	struct bp_image_extent now = { .start = x->start, .file_at = NOWHERE }, next;
	int r;

	while ((r = x->next(x->arg, &next, err)) > 0) {
		if (now.length)
			simplify(x, &next);
		if (now.length && goes_on(&now, &next)) {
			now.length += next.length;
			continue;
		}
		if (now.length && print(cli, x, &now, false) < 0)
			return -1;
		now = next;
	}
	return r < 0 ? cli_failed(cli, "Failed to read image metadata") :
	       print(cli, x, &now, true);
}

int extents_print(struct cli *cli, const struct extents *x, struct bp_error *err)
{
	if (x->json)
		putchar('[');
	else
		printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", x->in);
	if (print_all(cli, x, err) < 0)
		return -1;
	if (x->json)
		puts("]");
	return 0;
}

/* image_map.c - image map. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/image_make.h"
#include "cli/image_read.h"
#include "core/base/cleanup.h"

#define NOWHERE UINT64_MAX

struct map {
	struct image_args base;
	const char *format, *start, *most;
	bool shared;
};

static const struct image_row rows[] = {
#define AT(m) offsetof(struct map, m)
	{ 'f', "format", IMG_TEXT, AT(format), "FORMAT", "format of the image" },
	{ 's', "start-offset", IMG_TEXT, AT(start), "OFFSET", "from there on" },
	{ 'l', "max-length", IMG_TEXT, AT(most), "LENGTH", "so much of it" },
	IMAGE_SHARED(AT(shared)),
	IMAGE_OUTPUT,
	IMAGE_QEMU_OBJECTS,
	{ 0 }
#undef AT
};

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

/* Only what stands as it is in some file is told of. */
static int print_text(struct cli *cli, const struct bp_image_extent *e)
{
	if (e->data && e->file_at == NOWHERE)
		return cli_failed(cli, "File contains external, encrypted or compressed clusters.");
	if (e->data && !e->zero)
		printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n", e->start, e->length,
		       e->file_at, e->file);
	return 0;
}

static int print(struct cli *cli, const struct map *a, const struct bp_image_extent *e, bool last)
{
	if (!a->base.json)
		return print_text(cli, e);
	print_json(e, last);
	return 0;
}

/* What text does not tell apart is one. */
static void simplify(const struct map *a, struct bp_image_extent *e)
{
	if (!a->base.json && (!e->data || e->zero)) {
		e->data = false;
		e->zero = true;
	}
}

static int print_all(struct cli *cli, const struct map *a, struct bp_image_view *image,
		     uint64_t start, uint64_t end, struct bp_error *err)
{
	struct bp_image_extent now = { .start = start, .file_at = NOWHERE }, next;

	for (uint64_t at = start; at < end; at += next.length) {
		if (bp_image_extent_at(image, at, &next, err) < 0)
			return cli_failed(cli, "Failed to read image metadata");
		if (next.length > end - at)
			next.length = end - at;
		if (now.length)
			simplify(a, &next);
		if (now.length && goes_on(&now, &next)) {
			now.length += next.length;
			continue;
		}
		if (now.length && print(cli, a, &now, false) < 0)
			return -1;
		now = next;
	}
	return print(cli, a, &now, true);
}

static int map(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct map *a = args;
	cleanup(bp_image_closep) struct bp_image_view *image = NULL;
	uint64_t start = 0, most = UINT64_MAX, end;

	if ((a->start && image_size_argument(cli, a->start, &start) < 0) ||
	    (a->most && image_size_argument(cli, a->most, &most) < 0) ||
	    image_open(cli, a->base.files[0], a->format, a->shared, &image, err) < 0)
		return -1;
	end = bp_image_capacity(image);
	if (start < end && most < end - start)
		end = start + most;
	if (a->base.json)
		putchar('[');
	else
		printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
	if (print_all(cli, a, image, start, end, err) < 0)
		return -1;
	if (a->base.json)
		puts("]");
	return 0;
}

const struct image_command image_map = {
	"map", "FILE", "show where in which file the parts of an image are",
	"Text shows data only. JSON shows all of it: depth 0 is the image, 1 its backing file.",
	"map --output=json disk.qcow2",
	rows, sizeof(struct map), 1, 1, map
};

/* image_map.c - image map. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/extents.h"
#include "cli/image_make.h"
#include "cli/image_read.h"
#include "core/base/cleanup.h"

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

struct walk {
	struct bp_image_view *image;
	uint64_t at, end;
};

static int next(void *arg, struct bp_image_extent *ret, struct bp_error *err)
{
	struct walk *w = arg;

	if (w->at >= w->end)
		return 0;
	if (bp_image_extent_at(w->image, w->at, ret, err) < 0)
		return -1;
	if (ret->length > w->end - w->at)
		ret->length = w->end - w->at;
	w->at += ret->length;
	return 1;
}

static int map(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct map *a = args;
	cleanup(bp_image_closep) struct bp_image_view *image = NULL;
	uint64_t start = 0, most = UINT64_MAX, end;
	struct walk walk;

	if ((a->start && image_size_argument(cli, a->start, &start) < 0) ||
	    (a->most && image_size_argument(cli, a->most, &most) < 0) ||
	    image_open(cli, a->base.files[0], a->format, a->shared, &image, err) < 0)
		return -1;
	end = bp_image_capacity(image);
	if (start < end && most < end - start)
		end = start + most;
	walk = (struct walk){ image, start, end };
	return extents_print(cli, &(struct extents){ next, &walk, start, a->base.json, "File",
						    false }, err);
}

const struct image_command image_map = {
	"map", "FILE", "show where in which file the parts of an image are",
	"Text shows data only. JSON shows all of it: depth 0 is the image, 1 its backing file.",
	"map --output=json disk.qcow2",
	rows, sizeof(struct map), 1, 1, map,
	.formats = "f",
};

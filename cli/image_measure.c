/* image_measure.c - image measure. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "cli/image_make.h"
#include "cli/image_read.h"
#include "cli/json.h"
#include "core/base/cleanup.h"

struct measure {
	struct image_args base;
	const char *to, *from, *size, *snapshot;
	struct cli_words options;
	bool shared;
};

static const struct image_row rows[] = {
#define AT(m) offsetof(struct measure, m)
	{ 'O', NULL, IMG_TEXT, AT(to), "FORMAT", "what it would be: raw (usual) or qcow2" },
	{ 'o', NULL, IMG_LIST, AT(options), "OPTIONS", "as image create has them" },
	{ 'f', "format", IMG_TEXT, AT(from), "FORMAT", "format of FILE" },
	{ 0, "size", IMG_TEXT, AT(size), "SIZE", "a new one of this capacity" },
	IMAGE_SHARED(AT(shared)),
	{ 'l', "snapshot", IMG_TEXT, AT(snapshot), "SNAPSHOT", "what FILE was then" },
	IMAGE_OUTPUT,
	IMAGE_QEMU_OBJECTS,
	{ 0 }
#undef AT
};

static void print_text(const struct bp_image_size *s)
{
	printf("required size: %" PRIu64 "\nfully allocated size: %" PRIu64 "\n", s->required,
	       s->full);
	if (s->has_bitmaps)
		printf("bitmaps size: %" PRIu64 "\n", s->bitmaps);
}

static void print_json(const struct bp_image_size *s)
{
	struct json j = { stdout, .qemu = true };

	json_open(&j, NULL, '{');
	if (s->has_bitmaps)
		json_number(&j, "bitmaps", s->bitmaps);
	json_number(&j, "required", s->required);
	json_number(&j, "fully-allocated", s->full);
	json_close(&j, '}');
	putchar('\n');
}

static int measure(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct measure *a = args;
	struct bp_image_ref source = {
		a->base.n_files ? a->base.files[0] : NULL, a->from, image_flags(cli, a->shared),
	};
	auto_free char *snapshot = NULL;
	struct bp_image_wish to = {
		.path = "", .format = a->to ? a->to : "raw",
		.options = (const char *const *)a->options.words, .n_options = a->options.n,
	};
	struct bp_image_size size;

	if (image_options_check(cli, &a->options) < 0)
		return -1;
	if (!source.path && (a->base.opts || a->from || a->snapshot))
		return cli_failed(cli, "--image-opts, -f, and -l require a filename argument.");
	if (source.path && a->size)
		return cli_failed(cli, "--size N cannot be used together with a filename.");
	if (!source.path && !a->size)
		return cli_failed(cli, "Either --size N or one filename must be specified.");
	if (source.path && image_snapshot_read(cli, a->snapshot, &source, &snapshot, err) < 0)
		return -1;
	source.snapshot = snapshot;
	if (a->size && image_size_argument(cli, a->size, &to.capacity) < 0)
		return -1;
	if (bp_image_measure(&to, source.path ? &source : NULL, &size, err) < 0)
		return source.path ? image_not_opened(cli, source.path, err) : -1;
	if (a->base.json)
		print_json(&size);
	else
		print_text(&size);
	return 0;
}

const struct image_command image_measure = {
	"measure", "[FILE]", "tell how large an image would be",
	"Of a new one with a capacity, or of one with what is in FILE: what it needs at once, and\n"
	"what it has when all of it has been written.",
	"measure -O qcow2 --size 20G",
	rows, sizeof(struct measure), 0, 1, measure,
	.formats = "f",
};

/* image_create.c - image create. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "cli/image_make.h"
#include "core/base/cleanup.h"

struct create {
	struct image_args base;
	const char *format, *backing, *backing_format, *engine;
	struct cli_words options;
	bool unchecked, quiet;
};

static const struct image_row rows[] = {
#define AT(m) offsetof(struct create, m)
	{ 'f', "format", IMG_TEXT, AT(format), "FORMAT", "format of the new image (usual: raw)" },
	{ 'b', NULL, IMG_TEXT, AT(backing), "FILE", "what it shows where nothing was written" },
	{ 'F', NULL, IMG_TEXT, AT(backing_format), "FORMAT", "format of that file" },
	{ 'o', NULL, IMG_LIST, AT(options), "OPTIONS",
	  "what else it shall be, as name=value,...; help: lists what there is" },
	{ 'u', NULL, IMG_FLAG, AT(unchecked), NULL, "the backing file need not be there" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "say nothing" },
	IMAGE_ENGINE_ROW(AT(engine)),
	{ 'e', NULL, IMG_REFUSED, 0, NULL, "encrypted images cannot be made" },
	{ '6', NULL, IMG_REFUSED, 0, NULL, "it is an option of vmdk: -o compat6" },
	IMAGE_OBJECT_ROW,
	{ 0 }
#undef AT
};

static int cannot(struct cli *cli, const char *path)
{
	return cli->qemu_img ? cli_failed(cli, "%s", path) :
	       cli_failed(cli, "Failed to create image '%s'", path);
}

static void print_made(struct cli *cli, const struct create *a, const char *text)
{
	if (!a->quiet && !cli->quiet && !a->base.json)
		printf("Formatting '%s', %s\n", a->base.names[0], text);
}

static int create_by_qemu(struct cli *cli, const struct create *a,
			  const struct bp_image_wish *wish, struct bp_error *err)
{
	auto_free char *text = NULL;

	if (bp_image_make_by_qemu(wish, &text, err) < 0)
		return cannot(cli, a->base.names[0]);
	print_made(cli, a, text);
	return 0;
}

static int create(struct cli *cli, const struct create *a, bool qemu, struct bp_error *err)
{
	const char *path = a->base.files[0];
	cleanup(bp_image_plan_freep) struct bp_image_plan *plan = NULL;
	struct bp_image_wish wish = {
		.path = path, .format = a->format,
		.options = (const char *const *)a->options.words, .n_options = a->options.n,
		.backing = a->backing, .backing_format = a->backing_format,
		.unchecked = a->unchecked, .has_capacity = a->base.n_files > 1,
	};

	if (wish.has_capacity && image_size_argument(cli, a->base.files[1], &wish.capacity) < 0)
		return -1;
	if (qemu)
		return create_by_qemu(cli, a, &wish, err);
	if (bp_image_plan(&wish, &plan, err) < 0)
		return cannot(cli, a->base.names[0]);
	print_made(cli, a, bp_image_plan_text(plan));
	return bp_image_make(plan, err) < 0 ? cannot(cli, a->base.names[0]) : 0;
}

/* Who asks what options there are needs no name for a file. */
static int create_or_help(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct create *a = args;
	bool qemu;

	if (image_engine(cli, a->engine, a->format, &qemu) < 0)
		return -1;
	if (image_options_check(cli, &a->options) < 0)
		return -1;
	if (image_asks_for_help(&a->options))
		return image_print_options(cli, a->format, qemu, err);
	if (!a->base.n_files)
		return image_misused(cli, "Expecting image file name");
	return create(cli, a, qemu, err);
}

const struct image_command image_create = {
	"create", "FILE [SIZE]", "make an image",
	"SIZE is in bytes, or with a letter (k, M, G, T) as in 1.5G. An image with a backing\n"
	"file has the size of that, when none is said.",
	"create -f qcow2 -b base.qcow2 -F qcow2 overlay.qcow2",
	rows, sizeof(struct create), 0, 2, create_or_help
};

/* image_amend.c - image amend. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "cli/image_change.h"
#include "cli/image_make.h"
#include "core/base/cleanup.h"

struct amend {
	struct image_args common;
	const char *format, *cache;
	struct cli_words options;
	bool quiet, progress, force;
};

#define AT(m) offsetof(struct amend, m)
static const struct image_row rows[] = {
	{ 'f', NULL, IMG_TEXT, AT(format), "FORMAT", "what the image is" },
	{ 'o', NULL, IMG_LIST, AT(options), "OPTIONS",
	  "what it shall be, as name=value,...; help: lists what there is" },
	{ 'p', NULL, IMG_FLAG, AT(progress), NULL, "tell how far it is" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "print nothing" },
	{ 't', NULL, IMG_TEXT, AT(cache), "CACHE", "cache mode, for QEMU's users" },
	{ 0, "force", IMG_FLAG, AT(force), NULL, "for QEMU's sake; of no effect" },
	IMAGE_QEMU_OBJECTS,
	{ 0 }
};
#undef AT

/* Of the format that is said, or else the image's. */
static int print_options(struct cli *cli, const struct amend *a, struct bp_error *err)
{
	cleanup(bp_image_freep) struct bp_image *image = NULL;
	const struct bp_image_ref ref = { .path = a->common.files[0] };
	auto_free char *text = NULL;

	if (!a->format && bp_image_look(&ref, false, &image, err) < 0)
		return cli_failed(cli, "Could not open '%s'", ref.path);
	if (bp_image_amend_help(image ? image->format : a->format, &text, err) < 0)
		return -1;
	fputs(text, stdout);
	return 0;
}

static int amend(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct amend *a = args;
	struct bp_image_ref image = { .format = a->format, .flags = image_flags(cli, false) };
	struct image_work work = { .cli = cli, .quiet = a->quiet };
	bool help = image_asks_for_help(&a->options);
	int r;

	if (!a->options.n)
		return cli_failed(cli, "Must specify options (-o)");
	if (image_options_check(cli, &a->options) < 0)
		return -1;
	if (!a->common.n_files && !(help && a->format))
		return cli_failed(cli, "Expecting one image file name");
	if (help)
		return print_options(cli, a, err);
	image.path = a->common.files[0];
	if (image_cache_mode(cli, "cache", a->cache) < 0 ||
	    image_work_begin(&work, a->progress, NULL) < 0)
		return -1;
	r = bp_image_amend(&image, (const char *const *)a->options.words, a->options.n, &work.hook,
			   err);
	image_work_end(&work, r == 0);
	return r;
}

const struct image_command image_amend = {
	.name = "amend", .files = "FILE",
	.help = "change the options that an image was made with",
	.description =
	"compat, lazy_refcounts, refcount_bits and size of qcow2; what the guest sees stays.\n"
	"    Whoever is interrupted has a whole image, with a part of what was asked for.",
	.example = "amend -f qcow2 -o compat=1.1,lazy_refcounts=on disk.qcow2",
	.rows = rows, .args_size = sizeof(struct amend), .files_min = 0, .files_max = 1,
	.run = amend,
	.formats = "f",
};

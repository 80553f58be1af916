/* image_resize.c - image resize. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "cli/image_make.h"
#include "cli/image_text.h"

struct resize {
	struct image_args common;
	const char *format, *space, *engine;
	bool shrink, quiet;
};

#define AT(m) offsetof(struct resize, m)
static const struct image_row rows[] = {
	{ 'f', NULL, IMG_TEXT, AT(format), "FORMAT", "what the image is" },
	{ 0, "preallocation", IMG_TEXT, AT(space), "MODE",
	  "space for the new part: off, metadata, falloc, full" },
	{ 0, "shrink", IMG_FLAG, AT(shrink), NULL, "it may become smaller" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "print nothing" },
	IMAGE_ENGINE_ROW(AT(engine)),
	{ 0, "object", IMG_REFUSED, 0, "OBJECT", "secrets are none of its business" },
	IMAGE_OPTS_ROW,
	{ 0 }
};
#undef AT

/* QEMU's tool says two things at once. */
static int fail_smaller(struct cli *cli, struct bp_error *err)
{
	static const char warning[] =
		"Shrinking an image will delete all data beyond the shrunken image's end. Before "
		"performing such an operation, make sure there is no important data there.";

	cli_hint(cli, "%s", warning);
	if (!cli->qemu_img)
		return -1;
	cli_failed(cli, "%s\nqemu-img: warning: %s", err->text, warning);
	*err = (struct bp_error){ 0 };
	return -1;
}

static int resize(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct resize *a = args;
	const struct bp_image_ref image = {
		a->common.files[0], a->format, image_flags(cli, false), NULL
	};
	const char *size = a->common.files[1];
	unsigned flags = (a->shrink ? BP_IMAGE_SHRINK : 0) | (*size == '+' ? BP_IMAGE_BY : 0) |
			 (*size == '-' ? BP_IMAGE_BY_LESS : 0);
	enum bp_preallocation preallocate;
	bool guessed = false, qemu;
	uint64_t n;

	if (image_size_read(cli, size + (*size == '+' || *size == '-'), &n) < 0)
		return -1;
	if (!image_preallocation_read(a->space, &preallocate))
		return cli_failed(cli, "Invalid preallocation mode '%s'", a->space);
	if (image_engine(cli, a->engine, NULL, &qemu) < 0)
		return -1;
	if ((qemu ? bp_image_resize_by_qemu(&image, n, flags, preallocate, err) :
		    bp_image_resize(&image, n, flags, preallocate, &guessed, err)) < 0)
		return err->code == BP_WRONG_STATE ? fail_smaller(cli, err) : -1;
	if (guessed && !a->quiet)
		image_warn_guessed(cli, image.path, "raw");
	if (!a->quiet)
		printf("Image resized.\n");
	return 0;
}

const struct image_command image_resize = {
	.name = "resize", .files = "FILE [+|-]SIZE",
	.help = "give an image another size",
	.description =
	"To SIZE, or by so much with a sign. Whoever is interrupted has an image of the old\n"
	"    size or of the new. What of a backing file was hidden stays hidden.",
	.example = "resize -f qcow2 vm.qcow2 +10G",
	.rows = rows, .args_size = sizeof(struct resize), .files_min = 2, .files_max = 2,
	.wanted = "Expecting image file name and size", .last_is_word = true, .run = resize,
	.formats = "f",
};

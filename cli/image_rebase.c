/* image_rebase.c - image rebase -u. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_text.h"

struct rebase {
	struct image_args common;
	const char *format, *backing, *backing_format;
	bool unsafe, quiet;
};

#define AT(m) offsetof(struct rebase, m)
static const struct image_row rows[] = {
	{ 'f', NULL, IMG_TEXT, AT(format), "FORMAT", "what the image is" },
	{ 'b', NULL, IMG_TEXT, AT(backing), "FILE", "the backing file, or '' for none" },
	{ 'F', NULL, IMG_TEXT, AT(backing_format), "FORMAT", "what that is" },
	{ 'u', NULL, IMG_FLAG, AT(unsafe), NULL, "change the name only; must be given" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "print nothing" },
	{ 0, "object", IMG_REFUSED, 0, "OBJECT", "secrets are none of its business" },
	{ 0, "image-opts", IMG_REFUSED, 0, NULL, "name a file" },
	{ 0 }
};
#undef AT

static int rebase(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct rebase *a = args;
	const struct bp_image_ref image = { .path = a->common.files[0], .format = a->format };

	if (!a->unsafe)
		return cli_failed(cli, "rebase changes the name of the backing file only, and must "
				  "be told so with -u: what the image shows is then that file's");
	return bp_image_set_backing(&image, a->backing && *a->backing ? a->backing : NULL,
				    a->backing_format, err);
}

const struct image_command image_rebase = {
	.name = "rebase", .files = "FILE", .help = "name another backing file in an image",
	.description =
	"With -u, which must be given: the name is changed, and nothing else is looked at. The\n"
	"    new file must show the same as the old, as after a move. Without -b there is none.",
	.example = "rebase -u -b moved/base.qcow2 -F qcow2 overlay.qcow2",
	.rows = rows, .args_size = sizeof(struct rebase), .files_min = 1, .files_max = 1,
	.run = rebase,
};

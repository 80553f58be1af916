/* image_commit.c - image commit. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "cli/image_change.h"

struct commit {
	struct image_args common;
	const char *format, *base, *cache, *rate;
	bool keep, quiet, progress;
};

#define AT(m) offsetof(struct commit, m)
static const struct image_row rows[] = {
	{ 'f', NULL, IMG_TEXT, AT(format), "FORMAT", "what the image is" },
	{ 'b', NULL, IMG_TEXT, AT(base), "FILE", "into this one, which may lie deeper (with -d)" },
	{ 'd', NULL, IMG_FLAG, AT(keep), NULL, "the image keeps what it has" },
	{ 'r', NULL, IMG_TEXT, AT(rate), "RATE", "bytes to write in a second at the most" },
	{ 'p', NULL, IMG_FLAG, AT(progress), NULL, "tell how far it is" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "print nothing" },
	{ 't', NULL, IMG_TEXT, AT(cache), "CACHE", "cache mode, for QEMU's users" },
	IMAGE_QEMU_OBJECTS,
	{ 0 }
};
#undef AT

static int commit(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct commit *a = args;
	const struct bp_image_ref image = {
		a->common.files[0], a->format, image_flags(cli, false), NULL
	};
	struct image_work work = { .cli = cli, .quiet = a->quiet };
	int r;

	if (image_cache_mode(cli, "cache", a->cache) < 0 ||
	    image_work_begin(&work, a->progress, a->rate) < 0)
		return -1;
	r = bp_image_commit(&image, a->base, a->keep ? BP_COMMIT_KEEP : 0, &work.hook, err);
	image_work_end(&work, r == 0);
	if (r == 0 && !a->quiet)
		printf("Image committed.\n");
	return r;
}

const struct image_command image_commit = {
	.name = "commit", .files = "FILE",
	.help = "write what an image has into its backing file",
	.description =
	"FILE is empty afterwards, and looks the same. Whoever is interrupted can begin again.\n"
	"    Other images that are based on the same file must not be used any more.",
	.example = "commit -f qcow2 overlay.qcow2",
	.rows = rows, .args_size = sizeof(struct commit), .files_min = 1, .files_max = 1,
	.run = commit,
	.formats = "f",
};

/* image_compare.c - image compare. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "cli/image_read.h"
#include "core/base/cleanup.h"

/* Exit codes, QEMU's. */
enum { SAME = 0, DIFFERENT = 1, NOT_OPENED = 2, NOT_MAPPED = 3, NOT_READ = 4 };

struct compare {
	struct image_args base;
	const char *format[2], *cache;
	bool progress, quiet, strict, shared;
};

static const struct image_row rows[] = {
#define AT(m) offsetof(struct compare, m)
	{ 'f', NULL, IMG_TEXT, AT(format[0]), "FORMAT", "format of the first image" },
	{ 'F', NULL, IMG_TEXT, AT(format[1]), "FORMAT", "format of the second" },
	{ 'T', NULL, IMG_TEXT, AT(cache), "MODE", "for QEMU's sake; of no effect" },
	{ 'p', NULL, IMG_FLAG, AT(progress), NULL, "tell how far it is" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "say nothing but errors" },
	{ 's', NULL, IMG_FLAG, AT(strict), NULL,
	  "sizes differ, or what is there and what is not: then the images do, too" },
	IMAGE_SHARED(AT(shared)),
	IMAGE_QEMU_OBJECTS,
	{ 0 }
#undef AT
};

static int tell(const struct compare *a, const struct bp_image_verdict *v)
{
	bool loud = !a->quiet;

	if (v->longer && loud)
		printf("Warning: Image size mismatch!\n");
	switch (v->differ) {
	case BP_IMAGES_SIZE:
		if (loud)
			printf("Strict mode: Image size mismatch!\n");
		return DIFFERENT;
	case BP_IMAGES_STATUS:
		if (loud)
			printf("Strict mode: Offset %" PRIu64 " block status mismatch!\n", v->at);
		return DIFFERENT;
	case BP_IMAGES_CONTENT:
		if (loud)
			printf("Content mismatch at offset %" PRIu64 "!\n", v->at);
		return DIFFERENT;
	case BP_IMAGES_SAME:
		break;
	}
	if (loud)
		printf("Images are identical.\n");
	return SAME;
}

/* -1 is told of as any failure is, and has a status of its own. */
static int failed(struct cli *cli, const struct compare *a, const struct bp_image_verdict *v,
		  struct bp_error *err)
{
	int r = v->unread ? NOT_READ : v->unmapped ? NOT_MAPPED : DIFFERENT;

	if (v->unread)
		cli_failed(cli, "Error while reading offset %" PRIu64 " of %s", v->at,
			   a->base.files[v->unread - 1]);
	else if (v->unmapped)
		cli_failed(cli, "Sector allocation test failed for %s",
			   a->base.files[v->unmapped - 1]);
	return image_reported(cli, err, r);
}

static int compare(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct compare *a = args;
	cleanup(bp_image_closep) struct bp_image_view *first = NULL, *second = NULL;
	bool wanted = a->progress && !a->quiet;
	struct image_percent percent = { 0 };
	struct bp_image_verdict v = { 0 };
	int r;

	if (image_cache_word(cli, a->cache) < 0)
		return image_reported(cli, err, NOT_OPENED);
	if (image_open(cli, a->base.files[0], a->format[0], a->shared, &first, err) < 0 ||
	    image_open(cli, a->base.files[1], a->format[1], a->shared, &second, err) < 0)
		return image_reported(cli, err, NOT_OPENED);
	r = bp_image_compare(first, second, a->strict, image_percent(&percent, wanted), &v,
			     err);
	r = r < 0 ? failed(cli, a, &v, err) : tell(a, &v);
	image_percent_end(&percent, false);
	return r;
}

const struct image_command image_compare = {
	"compare", "FILE FILE", "tell whether two images show a guest the same",
	"The exit status is 0 for that, 1 where they differ, 2 where one cannot be opened, 3 and\n"
	"4 where one cannot be read. What one is too small for must be zeros in the other.",
	"compare -f raw disk.img -F qcow2 disk.qcow2",
	rows, sizeof(struct compare), 2, 2, compare, .unopened = NOT_OPENED,
	.wanted = "Expecting two image file names", .formats = "fF",
};

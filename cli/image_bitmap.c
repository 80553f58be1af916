/* image_bitmap.c - image bitmap. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cli/image_read.h"
#include "cli/image_text.h"
#include "core/base/cleanup.h"

struct bitmap {
	struct image_args common;
	const char *format, *granularity, *source, *source_format;
	struct cli_words deeds;
};

#define AT(m) offsetof(struct bitmap, m)
static const struct image_row rows[] = {
	{ 'f', NULL, IMG_TEXT, AT(format), "FORMAT", "what the image is" },
	{ 0, "add", IMG_STEP, AT(deeds), NULL, "make it, and enable it" },
	{ 'g', "granularity", IMG_TEXT, AT(granularity), "SIZE",
	  "bytes of the disk that a bit of a new one stands for" },
	{ 0, "remove", IMG_STEP, AT(deeds), NULL, "remove it" },
	{ 0, "clear", IMG_STEP, AT(deeds), NULL, "let it say that nothing is dirty" },
	{ 0, "enable", IMG_STEP, AT(deeds), NULL, "whoever writes notes that in it" },
	{ 0, "disable", IMG_STEP, AT(deeds), NULL, "nobody does" },
	{ 0, "merge", IMG_STEP, AT(deeds), "OTHER", "add what the bitmap OTHER has" },
	{ 'b', "source-file", IMG_TEXT, AT(source), "SOURCE",
	  "the image that has OTHER (usual: the same)" },
	{ 'F', "source-format", IMG_TEXT, AT(source_format), "FORMAT", "what SOURCE is" },
	IMAGE_QEMU_OBJECTS,
	{ 0 }
};
#undef AT

static bool is_merge(const char *word)
{
	return strcmp(word, "merge") == 0;
}

static enum bp_bitmap_deed deed_of(const char *word)
{
	static const char *const words[] = {
		[BP_BITMAP_ADD] = "add", [BP_BITMAP_REMOVE] = "remove",
		[BP_BITMAP_CLEAR] = "clear", [BP_BITMAP_ENABLE] = "enable",
		[BP_BITMAP_DISABLE] = "disable",
	};
	size_t i = 0;

	while (strcmp(words[i], word) != 0)
		i++;
	return (enum bp_bitmap_deed)i;
}

/* Is one of the deeds this? */
static bool has(const struct bitmap *a, const char *deed)
{
	for (size_t i = 0; i < a->deeds.n; i++) {
		if (strcmp(a->deeds.words[i], deed) == 0)
			return true;
		i += is_merge(a->deeds.words[i]);
	}
	return false;
}

static int check(struct cli *cli, const struct bitmap *a)
{
	if (!a->deeds.n)
		return cli_failed(cli, "Need at least one of --add, --remove, --clear, --enable, "
				  "--disable, or --merge");
	if (a->granularity && !has(a, "add"))
		return cli_failed(cli, "granularity only supported with --add");
	if (a->source_format && !a->source)
		return cli_failed(cli, "-F only supported with -b");
	if (a->source && !has(a, "merge"))
		return cli_failed(cli, "Merge bitmap source file only supported with --merge");
	return 0;
}

static int merge(const struct bitmap *a, const struct bp_image_ref *image, const char *other,
		 struct bp_error *err)
{
	auto_free char *path = a->source ? image_path(a->source) : NULL;
	const struct bp_image_ref source = { .path = path, .format = a->source_format };

	return bp_image_bitmap_merge(image, a->common.files[1], path ? &source : NULL, other, err);
}

/* One after the other, as they were said. */
static int bitmap(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct bitmap *a = args;
	const struct bp_image_ref image = { .path = a->common.files[0], .format = a->format };
	struct bp_image_bitmap what = { .name = a->common.files[1] };
	int r;

	if (check(cli, a) < 0 || (a->granularity &&
				  image_size_read(cli, a->granularity, &what.granularity) < 0))
		return -1;
	for (size_t i = 0; i < a->deeds.n; i++) {
		const char *deed = a->deeds.words[i];

		if (is_merge(deed)) {
			r = merge(a, &image, a->deeds.words[++i], err);
		} else {
			what.deed = deed_of(deed);
			r = bp_image_bitmap(&image, &what, err);
		}
		if (r < 0)
			return cli_failed(cli, "Operation %s on bitmap %s failed", deed,
					  what.name);
	}
	return 0;
}

const struct image_command image_bitmap = {
	.name = "bitmap", .files = "FILE BITMAP",
	.help = "change the dirty bitmaps that an image keeps",
	.description =
	"What is said is done one after the other. Whoever is interrupted has the bitmaps as\n"
	"    they were or as they shall be; 'info' shows them.",
	.example = "bitmap --merge monday -f qcow2 disk.qcow2 week",
	.rows = rows, .args_size = sizeof(struct bitmap), .files_min = 2, .files_max = 2,
	.run = bitmap,
	.formats = "f",
};

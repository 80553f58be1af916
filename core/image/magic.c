/* magic.c - formats that are known only by sight, and words that are not even that. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/mem.h"
#include "core/image/formats.h"

const struct bp_image_format image_words[] = {
	{ .name = "bochs" }, { .name = "cloop" }, { .name = "dmg" }, { .name = "fat" },
	{ .name = "vhd" }, { .name = "dir" }, { .name = "none" },
};
const size_t image_n_words = array_size(image_words);

const struct bp_image_format image_ploop = {
	.name = "ploop",
	.sign = { .magic = "WithouFreSpacExt", .len = 16, .little = true,
		  .capacity_at = 36, .capacity_unit = 512 },
};

static int cow_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		     struct bp_error *err)
{
	enum { NAME = 8, NAME_LEN = 1024 };
	const unsigned char *name = head->first.p + NAME;
	size_t len = strnlen((const char *)name, NAME_LEN);	/* lies before the capacity */

	if (!len)
		return 0;
	return image_name(head, "backing file", NAME, len, IMAGE_NAME_MAX, &ret->backing, err);
}

const struct bp_image_format image_cow = {
	.name = "cow",
	.sign = { .magic = "OOOM", .len = 4,
		  .version_at = 4, .version_size = 4, .version_min = 2, .version_max = 2,
		  .capacity_at = 1036, .capacity_unit = 1 },
	.probe = cow_probe,
};

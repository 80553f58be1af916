/* magic.c - formats that are known only by sight, and words that are not even that. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/formats.h"

const struct bp_image_format image_words[] = {
	{ .name = "bochs" }, { .name = "cloop" }, { .name = "dmg" }, { .name = "fat" },
	{ .name = "vhd" }, { .name = "dir" }, { .name = "none" },
};
const size_t image_n_words = array_size(image_words);

/* The current size: the one before it, at 40, is what the disk once had. */
const struct bp_image_format image_vpc = {
	.name = "vpc",
	.sign = { .magic = "conectix", .len = 8,
		  .version_at = 12, .version_size = 4,
		  .version_min = 0x00010000, .version_max = 0x00010000,
		  .capacity_at = 48, .capacity_unit = 1 },
};

const struct bp_image_format image_vdi = {
	.name = "vdi",
	.sign = { .at = 64, .magic = "\x7f\x10\xda\xbe", .len = 4, .little = true,
		  .version_at = 68, .version_size = 4,
		  .version_min = 0x00010001, .version_max = 0x00010001,
		  .capacity_at = 368, .capacity_unit = 1 },
};

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

static int qcow_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		      struct bp_error *err)
{
	uint64_t at = be64_at(head->first, 8);

	if (!bytes_has(head->first, 0, 48))
		return bp_fail(err, BP_CORRUPT, "the qcow header is cut off after %zu bytes",
			       head->first.len);
	if (be32_at(head->first, 36) == 1)
		ret->encryption = "qcow";
	if (!at)
		return 0;
	return image_name(head, "backing file", at, be32_at(head->first, 16), IMAGE_NAME_MAX,
			  &ret->backing, err);
}

const struct bp_image_format image_qcow = {
	.name = "qcow",
	.sign = { .magic = "QFI", .len = 3,
		  .version_at = 4, .version_size = 4, .version_min = 1, .version_max = 1,
		  .capacity_at = 24, .capacity_unit = 1 },
	.probe = qcow_probe,
};

static int qed_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		     struct bp_error *err)
{
	enum { HAS_BACKING = 1 << 0, BACKING_IS_RAW = 1 << 2 };
	uint64_t features = le64_at(head->first, 16);

	if (!bytes_has(head->first, 0, 64))
		return bp_fail(err, BP_CORRUPT, "the qed header is cut off after %zu bytes",
			       head->first.len);
	if (!(features & HAS_BACKING))
		return 0;
	if (image_name(head, "backing file", le32_at(head->first, 56), le32_at(head->first, 60),
		       IMAGE_NAME_MAX, &ret->backing, err) < 0)
		return -1;
	if (features & BACKING_IS_RAW)
		ret->backing_format = mem_dup("raw");
	return 0;
}

const struct bp_image_format image_qed = {
	.name = "qed",
	.sign = { .magic = "QED", .len = 3, .little = true,
		  .capacity_at = 48, .capacity_unit = 1 },
	.probe = qed_probe,
};

/* The backing file is named in a text that follows the header. */
static int vmdk_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		      struct bp_error *err)
{
	static const char hint[] = "parentFileNameHint=\"";
	enum { TEXT = 0x200, TEXT_LEN = 20 * 512 };
	char text[TEXT_LEN + 1];
	const char *name, *end;
	size_t len;

	if (head->size <= TEXT)
		return 0;
	len = head->size - TEXT < TEXT_LEN ? (size_t)(head->size - TEXT) : TEXT_LEN;
	if (image_bytes(head, "descriptor", text, len, TEXT, err) < 0)
		return -1;
	text[len] = '\0';
	name = strstr(text, hint);
	if (!name)
		return 0;
	name += sizeof hint - 1;
	end = strchr(name, '"');
	if (!end)
		return bp_fail(err, BP_CORRUPT, "the name of the backing file has no end");
	if (end == name)
		return 0;
	return image_name(head, "backing file", (uint64_t)(TEXT + (name - text)),
			  (uint64_t)(end - name), IMAGE_NAME_MAX, &ret->backing, err);
}

const struct bp_image_format image_vmdk = {
	.name = "vmdk",
	.sign = { .magic = "KDMV", .len = 4, .little = true,
		  .version_at = 4, .version_size = 4, .version_min = 1, .version_max = 3,
		  .capacity_at = 12, .capacity_unit = 512 },
	.probe = vmdk_probe,
};

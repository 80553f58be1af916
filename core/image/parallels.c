/* parallels.c - the format of Parallels: a header, and a map of blocks right behind it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/blocks.h"
#include "core/image/parallels.h"

#define OLD_MAGIC "WithoutFreeSpace"
#define NEW_MAGIC "WithouFreSpacExt"

enum { VERSION = 2 };

static bool is_new(struct bytes b)
{
	return memcmp(b.p, NEW_MAGIC, 16) == 0;
}

static int parallels_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	struct bytes b = head->first;

	(void)trailer;
	(void)err;
	return bytes_has(b, 0, PARALLELS_MAP_AT) && le32_at(b, 16) == VERSION &&
	       (is_new(b) || memcmp(b.p, OLD_MAGIC, 16) == 0);
}

int parallels_header_read(const struct bp_image_head *head, struct parallels *ret,
			  struct bp_error *err)
{
	struct bytes b = head->first;
	struct parallels p = {
		.block_sectors = le32_at(b, 28),
		.entries       = le32_at(b, 32),
		.sectors       = le64_at(b, 36),
		.in_use	       = le32_at(b, PARALLELS_USE_AT) == PARALLELS_IN_USE,
		.extended      = le64_at(b, PARALLELS_MORE_AT),
	};

	if (!bytes_has(b, 0, PARALLELS_MAP_AT))
		return bp_fail(err, BP_CORRUPT, "the Parallels header is cut off after %zu bytes",
			       b.len);
	p.unit = is_new(b) ? p.block_sectors : 1;
	if (!is_new(b))
		p.sectors &= UINT32_MAX;
	if (!p.block_sectors || p.block_sectors > INT32_MAX / 513)
		return bp_fail(err, BP_CORRUPT, "the Parallels image has blocks of %" PRIu64
			       " sectors", p.block_sectors);
	if (p.sectors > INT64_MAX / IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "the capacity in the Parallels header, %" PRIu64
			       " sectors, is absurd", p.sectors);
	if (p.entries * 4 > head->size - PARALLELS_MAP_AT)
		return bp_fail(err, BP_CORRUPT, "the map of the Parallels image, %" PRIu64
			       " entries, is longer than the file", p.entries);
	*ret = p;
	return 0;
}

static int parallels_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
			   struct bp_error *err)
{
	struct parallels p;

	if (parallels_header_read(head, &p, err) < 0)
		return -1;
	ret->capacity = p.sectors * IMAGE_SECTOR;
	ret->knows_dirty = false;
	return 0;
}

static int parallels_probe(const struct bp_image_head *head, struct bp_image_info *ret,
			   struct bp_error *err)
{
	struct parallels p;

	if (parallels_header_read(head, &p, err) < 0)
		return -1;
	ret->capacity = p.sectors * IMAGE_SECTOR;
	return 0;
}

/* ---- what its guest sees --------------------------------------------------------- */

struct parallels_guest {
	struct blocks b;
	struct parallels p;
	struct window map;
};

/* Nothing was written behind the last entry. */
static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct parallels_guest *g = (struct parallels_guest *)b;
	uint64_t entry;

	if (block >= g->p.entries)
		return 0;
	if (window_number(&g->map, PARALLELS_MAP_AT + block * 4, 4, true, &entry, err) < 0)
		return -1;
	if (!entry)
		return 0;
	ret->kind = BP_GUEST_DATA;
	ret->at = entry * g->p.unit * IMAGE_SECTOR;
	return 0;
}

static void parallels_done(struct blocks *b)
{
	window_done(&((struct parallels_guest *)b)->map);
}

static int parallels_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, NULL, parallels_done };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct parallels_guest *g;
	struct parallels p;

	if (image_head_read(io, buf, &head, err) < 0 || parallels_header_read(&head, &p, err) < 0)
		return -1;
	g = blocks_new(sizeof *g, &ops, io, head.size, p.sectors * IMAGE_SECTOR,
		       p.block_sectors * IMAGE_SECTOR);
	g->p = p;
	window_init(&g->map, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_parallels = {
	.name	= "parallels",
	.seen	= parallels_seen,
	.probe	= parallels_probe,
	.facts	= parallels_facts,
	.open	= parallels_open,
	.check	= parallels_check,
	.repairs = true,
};

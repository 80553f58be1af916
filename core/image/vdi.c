/* vdi.c - the format of VirtualBox: a header, and a map of blocks. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/blocks.h"
#include "core/image/vdi.h"

static int check(const struct vdi *v, const struct bp_image_head *head, struct bp_error *err)
{
	if (v->map_at % IMAGE_SECTOR || v->data_at % IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "the VDI has its map at %" PRIu64 " and its data "
			       "at %" PRIu64 ", not at the start of sectors", v->map_at,
			       v->data_at);
	if (v->block_size != VDI_BLOCK)
		return bp_fail(err, BP_CORRUPT, "the VDI has blocks of %" PRIu32 " bytes, "
			       "and not of %u", v->block_size, VDI_BLOCK);
	if (v->blocks > VDI_MAX_BLOCKS || v->capacity > (uint64_t)v->blocks * VDI_BLOCK)
		return bp_fail(err, BP_CORRUPT, "the VDI has %" PRIu32 " blocks for %" PRIu64
			       " bytes", v->blocks, v->capacity);
	if (v->map_at > head->size || (uint64_t)v->blocks * 4 > head->size - v->map_at)
		return bp_fail(err, BP_CORRUPT, "the map of the VDI, %" PRIu32 " blocks at %" PRIu64
			       ", is not inside the file", v->blocks, v->map_at);
	return 0;
}

int vdi_header_read(const struct bp_image_head *head, struct vdi *ret, struct bp_error *err)
{
	struct bytes b = head->first;
	struct vdi v = {
		.map_at	    = le32_at(b, VDI_MAP_AT),
		.data_at    = le32_at(b, VDI_DATA_AT),
		.capacity   = le64_at(b, VDI_SIZE_AT),
		.block_size = le32_at(b, VDI_BLOCK_AT),
		.blocks	    = le32_at(b, VDI_BLOCKS_AT),
		.used	    = le32_at(b, VDI_USED_AT),
	};

	if (!bytes_has(b, 0, VDI_HEADER))
		return bp_fail(err, BP_CORRUPT, "the VDI header is cut off after %zu bytes", b.len);
	if (le32_at(b, VDI_VERSION_AT) != VDI_VERSION)
		return bp_fail(err, BP_UNSUPPORTED, "unsupported VDI image (version %u.%u)",
			       le16_at(b, VDI_VERSION_AT + 2), le16_at(b, VDI_VERSION_AT));
	if (le32_at(b, VDI_SECTOR_AT) != IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "the VDI has sectors of %" PRIu32 " bytes",
			       le32_at(b, VDI_SECTOR_AT));
	if (!is_zero(b.p + VDI_LINK_AT, VDI_UUID) || !is_zero(b.p + VDI_PARENT_AT, VDI_UUID))
		return bp_fail(err, BP_UNSUPPORTED, "this VDI holds the differences from another "
			       "one, and cannot be read alone");
	v.capacity = (v.capacity + IMAGE_SECTOR - 1) & ~(uint64_t)(IMAGE_SECTOR - 1);
	if (check(&v, head, err) < 0)
		return -1;
	*ret = v;
	return 0;
}

static int vdi_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	(void)trailer;
	(void)err;
	return bytes_has(head->first, VDI_MAGIC_AT, 4) &&
	       memcmp(head->first.p + VDI_MAGIC_AT, VDI_MAGIC, 4) == 0;
}

static int vdi_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		     struct bp_error *err)
{
	struct vdi v;

	if (vdi_header_read(head, &v, err) < 0)
		return -1;
	ret->capacity = v.capacity;
	ret->cluster_size = v.block_size;
	return 0;
}

/* ---- what its guest sees --------------------------------------------------------- */

struct vdi_guest {
	struct blocks b;
	struct vdi v;
	struct window map;
};

static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct vdi_guest *g = (struct vdi_guest *)b;
	uint64_t entry;

	if (window_number(&g->map, g->v.map_at + block * 4, 4, true, &entry, err) < 0)
		return -1;
	if (entry >= VDI_DISCARDED)
		return 0;
	ret->kind = BP_GUEST_DATA;
	ret->at = g->v.data_at + entry * VDI_BLOCK;
	return 0;
}

static void vdi_done(struct blocks *b)
{
	window_done(&((struct vdi_guest *)b)->map);
}

static int vdi_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, NULL, vdi_done };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct vdi_guest *g;
	struct vdi v;

	if (image_head_read(io, buf, &head, err) < 0 || vdi_header_read(&head, &v, err) < 0)
		return -1;
	g = blocks_new(sizeof *g, &ops, io, head.size, v.capacity, VDI_BLOCK);
	g->v = v;
	window_init(&g->map, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_vdi = {
	.name	= "vdi",
	.sign	= { .at = VDI_MAGIC_AT, .magic = VDI_MAGIC, .len = 4, .little = true,
		    .version_at = VDI_VERSION_AT, .version_size = 4,
		    .version_min = VDI_VERSION, .version_max = VDI_VERSION,
		    .capacity_at = VDI_SIZE_AT, .capacity_unit = 1 },
	.seen	= vdi_seen,
	.facts	= vdi_facts,
	.create = vdi_create,
	.write	= vdi_write,
	.open	= vdi_open,
	.check	= vdi_check,
};

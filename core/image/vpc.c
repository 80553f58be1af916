/* vpc.c - VHD, the format of Virtual PC: a footer, also as a header, and a table of blocks. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/image/blocks.h"
#include "core/image/vpc.h"

uint32_t vpc_checksum(struct bytes b, size_t field)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < b.len; i++)
		if (i < field || i >= field + 4)
			sum += b.p[i];
	return ~sum;
}

static bool is_footer(struct bytes b)
{
	return bytes_has(b, 0, VPC_FOOTER) && memcmp(b.p, VPC_MAGIC, 8) == 0;
}

/* Guests see the product of the geometry; but these programs let them see the size. */
static bool size_counts(struct bytes b)
{
	static const struct {
		const char *app;
		size_t len;
	} apps[] = { { "win ", 4 }, { "qem2", 4 }, { "d2v ", 4 }, { "tap", 4 }, { "CTXS", 4 } };

	for (size_t i = 0; i < array_size(apps); i++)
		if (memcmp(b.p + VPC_APP_AT, apps[i].app, apps[i].len) == 0)
			return true;
	return false;
}

static uint64_t sectors_of(struct bytes b)
{
	uint64_t chs = (uint64_t)be16_at(b, VPC_GEOMETRY_AT) * b.p[VPC_GEOMETRY_AT + 2] *
		       b.p[VPC_GEOMETRY_AT + 3];

	return size_counts(b) || chs == VPC_GEOMETRY_MAX ?
	       be64_at(b, VPC_SIZE_AT) / IMAGE_SECTOR : chs;
}

/* At the start; or at the end, where a disk of fixed size has its only one. */
static int read_footer(const struct bp_image_head *head, unsigned char buf[VPC_FOOTER],
		       bool *ret_fixed, struct bp_error *err)
{
	struct bytes b = { buf, VPC_FOOTER };

	if (head->size < VPC_FOOTER)
		return bp_fail(err, BP_CORRUPT, "the file has %" PRIu64 " bytes, fewer than the "
			       "footer of a VHD", head->size);
	*ret_fixed = !is_footer(head->first);
	if (image_bytes(head, "VHD footer", buf, VPC_FOOTER,
			*ret_fixed ? head->size - VPC_FOOTER : 0, err) < 0)
		return -1;
	if (!is_footer(b) || (*ret_fixed && be32_at(b, VPC_TYPE_AT) != VPC_FIXED))
		return bp_fail(err, BP_CORRUPT, "this is no VHD");
	if (!*ret_fixed && be32_at(b, VPC_TYPE_AT) == VPC_FIXED)
		return bp_fail(err, BP_CORRUPT, "the VHD says at its start that it is of fixed "
			       "size, which only its end may say");
	if (vpc_checksum(b, VPC_SUM_AT) != be32_at(b, VPC_SUM_AT))
		return bp_fail(err, BP_CORRUPT, "the checksum of the VHD footer is wrong");
	return 0;
}

static int check_dynamic(const struct vpc *v, const struct bp_image_head *head,
			 struct bp_error *err)
{
	if (v->block_size < IMAGE_SECTOR || v->block_size & (v->block_size - 1))
		return bp_fail(err, BP_CORRUPT, "the VHD has blocks of %" PRIu32 " bytes",
			       v->block_size);
	if ((uint64_t)v->entries * v->block_size < v->sectors * IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "the VHD has %" PRIu32 " blocks of %" PRIu32
			       " bytes for %" PRIu64 " sectors", v->entries, v->block_size,
			       v->sectors);
	if (v->table_at > head->size || (uint64_t)v->entries * 4 > head->size - v->table_at)
		return bp_fail(err, BP_CORRUPT, "the block table of the VHD, %" PRIu32 " entries "
			       "at %" PRIu64 ", is not inside the file", v->entries, v->table_at);
	return 0;
}

static int read_dynamic(const struct bp_image_head *head, uint64_t at, struct vpc *v,
			struct bp_error *err)
{
	unsigned char buf[VPC_DYNAMIC];
	struct bytes b = { buf, sizeof buf };

	if (image_bytes(head, "VHD header", buf, sizeof buf, at, err) < 0)
		return -1;
	if (memcmp(buf, VPC_DYNAMIC_MAGIC, 8) != 0)
		return bp_fail(err, BP_CORRUPT, "there is no VHD header at %" PRIu64, at);
	v->table_at = be64_at(b, 16);
	v->entries = be32_at(b, 28);
	v->block_size = be32_at(b, 32);
	v->bitmap_size = (v->block_size / (8 * IMAGE_SECTOR) + IMAGE_SECTOR - 1) / IMAGE_SECTOR *
			 IMAGE_SECTOR;
	return check_dynamic(v, head, err);
}

static int read_header(const struct bp_image_head *head, struct vpc *ret, struct bp_error *err)
{
	unsigned char buf[VPC_FOOTER];
	struct bytes b = { buf, sizeof buf };
	struct vpc v = { 0 };

	if (read_footer(head, buf, &v.fixed, err) < 0)
		return -1;
	v.differencing = be32_at(b, VPC_TYPE_AT) == VPC_DIFFERENCING;
	v.sectors = sectors_of(b);
	if (v.sectors > VPC_MAX_SECTORS)
		return bp_fail(err, BP_CORRUPT, "the VHD has %" PRIu64 " sectors, more than a VHD "
			       "can have", v.sectors);
	if (v.fixed && v.sectors * IMAGE_SECTOR > head->size)
		return bp_fail(err, BP_CORRUPT, "the VHD has %" PRIu64 " sectors, more than its "
			       "file", v.sectors);
	if (!v.fixed && read_dynamic(head, be64_at(b, VPC_DATA_AT), &v, err) < 0)
		return -1;
	*ret = v;
	return 0;
}

static int vpc_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	unsigned char buf[VPC_FOOTER];
	struct bytes b = { buf, sizeof buf };

	if (head->size < VPC_FOOTER)
		return 0;
	if (is_footer(head->first) || !trailer)
		return is_footer(head->first);
	if (image_bytes(head, "VHD footer", buf, sizeof buf, head->size - VPC_FOOTER, err) < 0)
		return -1;
	return is_footer(b) && be32_at(b, VPC_TYPE_AT) == VPC_FIXED;
}

/* In a pool, the current size is the capacity (and the one before it, at 40, what the disk
 * once had).  Pools do not see those that have no footer in front. */
static int vpc_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		     struct bp_error *err)
{
	struct vpc v;

	if (head->size >= 8 && memcmp(head->first.p, VPC_MAGIC, 8) == 0)
		return 0;
	if (read_header(head, &v, err) < 0)
		return -1;
	ret->capacity = v.sectors * IMAGE_SECTOR;
	return 0;
}

static int vpc_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		     struct bp_error *err)
{
	struct vpc v;

	if (read_header(head, &v, err) < 0)
		return -1;
	ret->capacity = v.sectors * IMAGE_SECTOR;
	ret->cluster_size = v.block_size;
	return 0;
}

/* ---- what its guest sees --------------------------------------------------------- */

struct vpc_guest {
	struct blocks b;
	struct vpc v;
	struct window table;
};

/* Which sectors of a block were written is noted before it; those that were not are zeros. */
static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct vpc_guest *g = (struct vpc_guest *)b;
	uint64_t sector;

	if (window_number(&g->table, g->v.table_at + block * 4, 4, false, &sector, err) < 0)
		return -1;
	if (sector == VPC_NO_BLOCK)
		return 0;
	ret->kind = BP_GUEST_DATA;
	ret->at = sector * IMAGE_SECTOR + g->v.bitmap_size;
	return 0;
}

static int find_fixed(struct blocks *b, uint64_t block, struct block_place *ret,
		      struct bp_error *err)
{
	(void)err;
	ret->kind = BP_GUEST_DATA;
	ret->at = block * b->block_size;
	return 0;
}

static void vpc_done(struct blocks *b)
{
	window_done(&((struct vpc_guest *)b)->table);
}

static int vpc_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops dynamic = { find, NULL, vpc_done },
				       fixed = { find_fixed, NULL, NULL };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct vpc_guest *g;
	struct vpc v;

	if (image_head_read(io, buf, &head, err) < 0 || read_header(&head, &v, err) < 0)
		return -1;
	if (v.differencing)
		return bp_fail(err, BP_UNSUPPORTED, "this VHD holds the differences from another "
			       "one, and cannot be read alone");
	g = blocks_new(sizeof *g, v.fixed ? &fixed : &dynamic, io, head.size,
		       v.sectors * IMAGE_SECTOR, v.fixed ? VPC_FIXED_BLOCK : v.block_size);
	g->v = v;
	window_init(&g->table, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_vpc = {
	.name	= "vpc",
	.sign	= { .magic = VPC_MAGIC, .len = 8,
		    .version_at = 12, .version_size = 4,
		    .version_min = 0x00010000, .version_max = 0x00010000,
		    .capacity_at = VPC_SIZE_AT, .capacity_unit = 1 },
	.seen	= vpc_seen,
	.probe	= vpc_probe,
	.facts	= vpc_facts,
	.create = vpc_create,
	.write	= vpc_write,
	.open	= vpc_open,
};

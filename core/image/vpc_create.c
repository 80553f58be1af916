/* vpc_create.c - a VHD, empty or filled. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "core/image/blocks_write.h"
#include "core/image/empty.h"
#include "core/image/vpc.h"

#define BLOCK	     (2u << 20)
#define MAX_CYLINDERS 65535u
#define EPOCH	     946684800		/* its time begins in the year 2000 */

enum { TABLE_AT = VPC_FOOTER + VPC_DYNAMIC, NAME_AT = 68, BITMAP = BLOCK / IMAGE_SECTOR / 8 };

struct geometry {
	uint32_t cylinders, heads, sectors;	/* of each track */
};

static uint64_t product(struct geometry g)
{
	return (uint64_t)g.cylinders * g.heads * g.sectors;
}

/* As the description of the format has it, so that all programs see the same. */
static struct geometry geometry_of(uint64_t sectors)
{
	struct geometry g = { .heads = 16, .sectors = 255 };
	uint64_t tracks;

	if (sectors > VPC_GEOMETRY_MAX)
		sectors = VPC_GEOMETRY_MAX;
	if (sectors < (uint64_t)MAX_CYLINDERS * 16 * 63) {
		g.sectors = 17;
		tracks = sectors / 17;
		g.heads = (uint32_t)((tracks + 1023) / 1024);
		if (g.heads < 4)
			g.heads = 4;
		if (tracks >= (uint64_t)g.heads * 1024 || g.heads > 16)
			g = (struct geometry){ .heads = 16, .sectors = 31 };
		if (sectors / g.sectors >= (uint64_t)g.heads * 1024)
			g = (struct geometry){ .heads = 16, .sectors = 63 };
	}
	g.cylinders = (uint32_t)(sectors / g.sectors / g.heads);
	return g;
}

/* The first that is not too small; the largest there is says nothing. */
static struct geometry geometry_for(uint64_t capacity, bool exact)
{
	struct geometry g = { MAX_CYLINDERS, 16, 255 };
	uint64_t sectors = (capacity + IMAGE_SECTOR - 1) / IMAGE_SECTOR;

	if (sectors > VPC_GEOMETRY_MAX)
		sectors = VPC_GEOMETRY_MAX;
	if (exact)
		return g;
	g = geometry_of(sectors);
	for (uint64_t more = 1; product(g) < sectors; more++)
		g = geometry_of(sectors + more);
	return g;
}

static void format_footer(unsigned char f[VPC_FOOTER], const struct geometry *g, uint64_t sectors,
			  bool fixed, bool exact)
{
	memcpy(f, VPC_MAGIC, 8);
	put_be32(f + 8, 2);			/* a bit that is always set */
	put_be32(f + 12, 0x00010000);
	put_be64(f + VPC_DATA_AT, fixed ? UINT64_MAX : VPC_FOOTER);
	put_be32(f + 24, (uint32_t)(time(NULL) - EPOCH));
	memcpy(f + VPC_APP_AT, exact ? "qem2" : "qemu", 4);	/* which size counts */
	put_be32(f + 32, 0x00050003);
	memcpy(f + 36, "Wi2k", 4);
	put_be64(f + 40, sectors * IMAGE_SECTOR);
	put_be64(f + VPC_SIZE_AT, sectors * IMAGE_SECTOR);
	put_be16(f + VPC_GEOMETRY_AT, (uint16_t)g->cylinders);
	f[VPC_GEOMETRY_AT + 2] = (unsigned char)g->heads;
	f[VPC_GEOMETRY_AT + 3] = (unsigned char)g->sectors;
	put_be32(f + VPC_TYPE_AT, fixed ? VPC_FIXED : VPC_DYNAMIC_TYPE);
	image_uuid(f + NAME_AT);
	put_be32(f + VPC_SUM_AT, vpc_checksum((struct bytes){ f, VPC_FOOTER }, VPC_SUM_AT));
}

static void format_header(unsigned char h[VPC_DYNAMIC], uint32_t blocks)
{
	enum { SUM_AT = 36 };

	memcpy(h, VPC_DYNAMIC_MAGIC, 8);
	put_be64(h + 8, UINT64_MAX);
	put_be64(h + 16, TABLE_AT);
	put_be32(h + 24, 0x00010000);
	put_be32(h + 28, blocks);
	put_be32(h + 32, BLOCK);
	put_be32(h + SUM_AT, vpc_checksum((struct bytes){ h, VPC_DYNAMIC }, SUM_AT));
}

static int check(const struct bp_image_spec *spec, bool *ret_fixed, struct bp_error *err)
{
	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED, "a vpc image cannot have a backing file");
	if (spec->preallocate)
		return bp_fail(err, BP_UNSUPPORTED, "a vpc image is allocated before as one of "
			       "subformat fixed, or not at all");
	*ret_fixed = spec->subformat && strcmp(spec->subformat, "fixed") == 0;
	if (spec->subformat && !*ret_fixed && strcmp(spec->subformat, "dynamic") != 0)
		return bp_fail(err, BP_INVALID, "Invalid subformat '%s'", spec->subformat);
	return 0;
}

struct layout {
	bool fixed;
	uint64_t sectors, table;	/* bytes of the table */
	uint32_t blocks;
	unsigned char footer[VPC_FOOTER];
};

static int plan(const struct bp_image_spec *spec, struct layout *l, struct bp_error *err)
{
	struct geometry g = geometry_for(spec->capacity, spec->exact);
	uint64_t sectors = product(g);

	if (check(spec, &l->fixed, err) < 0)
		return -1;
	if (sectors == VPC_GEOMETRY_MAX)	/* no cylinders count, but the size */
		sectors = spec->capacity / IMAGE_SECTOR;
	if (sectors > VPC_MAX_SECTORS)
		return bp_fail(err, BP_INVALID, "Disk size is too large, max size is 2040 GiB");
	l->sectors = sectors;
	l->blocks = (uint32_t)((sectors * IMAGE_SECTOR + BLOCK - 1) / BLOCK);
	l->table = ((uint64_t)l->blocks * 4 + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
	format_footer(l->footer, &g, sectors, l->fixed, spec->exact);
	return 0;
}

/* Nothing in it, and no footer yet.  clear: what a disk of fixed size has is zeros. */
static int write_empty(struct bp_io *io, const struct layout *l, bool clear, struct bp_error *err)
{
	uint64_t end = (l->fixed ? l->sectors * IMAGE_SECTOR : TABLE_AT + l->table) + VPC_FOOTER;

	return image_clear(io, clear || !l->fixed ? end : 0, end, err) < 0 ? -1 :
	       l->fixed ? 0 : image_numbers(io, TABLE_AT, VPC_NO_BLOCK, 0, l->table / 4, err);
}

/* The footer at at, and of a dynamic one the header and a copy of the footer in front. */
static int write_ends(struct bp_io *io, const struct layout *l, uint64_t at, struct bp_error *err)
{
	unsigned char header[VPC_DYNAMIC] = { 0 };

	if (l->fixed)
		return io_write(io, l->footer, VPC_FOOTER, at, err);
	format_header(header, l->blocks);
	return io_write(io, l->footer, VPC_FOOTER, at, err) < 0 ||
	       io_write(io, header, sizeof header, VPC_FOOTER, err) < 0 ?
	       -1 : io_write(io, l->footer, VPC_FOOTER, 0, err);
}

int vpc_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err)
{
	struct layout l = { 0 };

	if (plan(spec, &l, err) < 0 || write_empty(io, &l, true, err) < 0)
		return -1;
	return write_ends(io, &l, l.fixed ? l.sectors * IMAGE_SECTOR : TABLE_AT + l.table, err);
}

/* ---- filled ------------------------------------------------------------------------- */

struct vpc_writer {
	struct blocks_writer b;
	struct layout l;
	unsigned char bitmap[BITMAP];	/* of a block that is there: all of it is */
};

static int end(struct blocks_writer *b, uint64_t at, struct bp_error *err)
{
	const struct layout *l = &((struct vpc_writer *)b)->l;

	return image_clear(b->w.io, 0, at + VPC_FOOTER, err) < 0 || io_sync(b->w.io, err) < 0 ?
	       -1 : write_ends(b->w.io, l, at, err);
}

int vpc_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
	      struct bp_error *err)
{
	struct layout l = { 0 };
	struct vpc_writer *w;
	uint64_t data_at;

	if (plan(spec, &l, err) < 0 || write_empty(io, &l, false, err) < 0)
		return -1;
	data_at = l.fixed ? 0 : TABLE_AT + l.table;
	w = blocks_writer_new(sizeof *w, &(const struct blocks_writer){
		.w = { .io = io, .capacity = l.sectors * IMAGE_SECTOR,
		       .unit = l.fixed ? 4096 : BLOCK, .unaligned = !l.fixed,
		       .span = l.fixed ? UINT64_C(1) << 62 : BLOCK },
		.data_at = data_at, .stride = BITMAP + BLOCK, .end = end,
		.first = data_at / IMAGE_SECTOR, .step = (BITMAP + BLOCK) / IMAGE_SECTOR,
		.tables = { { .at = TABLE_AT, .n = l.blocks, .nothing = VPC_NO_BLOCK,
			      .big = true } },
		.n_tables = !l.fixed,
	});
	w->l = l;
	memset(w->bitmap, 0xff, sizeof w->bitmap);
	w->b.before = w->bitmap;
	*ret = &w->b.w;
	return 0;
}

/* vdi_create.c - a VDI, empty or filled. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/blocks_write.h"
#include "core/image/empty.h"
#include "core/image/vdi.h"

#define TEXT "<<< VDI: Virtual Disk Image >>>\n"	/* for people; nobody reads it */

enum { DYNAMIC = 1, STATIC = 2, LENGTH = 0x180 };

static int check(const struct bp_image_spec *spec, bool *ret_static, struct bp_error *err)
{
	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED, "a vdi image cannot have a backing file");
	if (spec->preallocate)
		return bp_fail(err, BP_UNSUPPORTED, "a vdi image is allocated before with the "
			       "option static, or not at all");
	*ret_static = spec->subformat && strcmp(spec->subformat, "static") == 0;
	if (spec->subformat && !*ret_static)
		return bp_fail(err, BP_INVALID, "there is no kind '%s' of vdi", spec->subformat);
	if (spec->capacity > (uint64_t)VDI_MAX_BLOCKS * VDI_BLOCK)
		return bp_fail(err, BP_INVALID, "Unsupported VDI image size (size is 0x%" PRIx64
			       ", max supported is 0x%" PRIx64 ")", spec->capacity,
			       (uint64_t)VDI_MAX_BLOCKS * VDI_BLOCK);
	return 0;
}

struct layout {
	bool is_static;
	uint64_t capacity, data_at;
	uint32_t blocks;
};

static int plan(const struct bp_image_spec *spec, struct layout *l, struct bp_error *err)
{
	uint64_t map;

	if (check(spec, &l->is_static, err) < 0)
		return -1;
	l->capacity = (spec->capacity + IMAGE_SECTOR - 1) & ~(uint64_t)(IMAGE_SECTOR - 1);
	l->blocks = (uint32_t)((l->capacity + VDI_BLOCK - 1) / VDI_BLOCK);
	map = ((uint64_t)l->blocks * 4 + IMAGE_SECTOR - 1) & ~(uint64_t)(IMAGE_SECTOR - 1);
	l->data_at = VDI_HEADER + map;
	return 0;
}

static int write_header(struct bp_io *io, const struct layout *l, uint32_t used,
			struct bp_error *err)
{
	unsigned char h[VDI_HEADER] = TEXT;

	memcpy(h + VDI_MAGIC_AT, VDI_MAGIC, 4);
	put_le32(h + VDI_VERSION_AT, VDI_VERSION);
	put_le32(h + VDI_LENGTH_AT, LENGTH);
	put_le32(h + VDI_TYPE_AT, l->is_static ? STATIC : DYNAMIC);
	put_le32(h + VDI_MAP_AT, VDI_HEADER);
	put_le32(h + VDI_DATA_AT, (uint32_t)l->data_at);
	put_le32(h + VDI_SECTOR_AT, IMAGE_SECTOR);
	put_le64(h + VDI_SIZE_AT, l->capacity);
	put_le32(h + VDI_BLOCK_AT, VDI_BLOCK);
	put_le32(h + VDI_BLOCKS_AT, l->blocks);
	put_le32(h + VDI_USED_AT, used);
	image_uuid(h + VDI_IMAGE_AT);
	image_uuid(h + VDI_SNAP_AT);
	return io_write(io, h, sizeof h, 0, err);
}

/* All blocks there are, or none.  The header is zeros.  clear: the blocks are, too. */
static int write_map(struct bp_io *io, const struct layout *l, bool clear, struct bp_error *err)
{
	uint64_t end = l->data_at + (l->is_static ? (uint64_t)l->blocks * VDI_BLOCK : 0);

	return image_clear(io, clear ? end : l->data_at, end, err) < 0 ? -1 :
	       image_numbers(io, VDI_HEADER, l->is_static ? 0 : VDI_NO_BLOCK, l->is_static ? 1 : 0,
			     l->blocks, err);
}

int vdi_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err)
{
	struct layout l = { 0 };

	return plan(spec, &l, err) < 0 || write_map(io, &l, true, err) < 0 ? -1 :
	       write_header(io, &l, l.is_static ? l.blocks : 0, err);
}

/* ---- filled ------------------------------------------------------------------------- */

struct vdi_writer {
	struct blocks_writer b;
	struct layout l;
};

static int end(struct blocks_writer *b, uint64_t at, struct bp_error *err)
{
	const struct layout *l = &((struct vdi_writer *)b)->l;

	if (!l->is_static && image_clear(b->w.io, 0, at, err) < 0)
		return -1;
	return io_sync(b->w.io, err) < 0 ? -1 :
	       write_header(b->w.io, l, l->is_static ? l->blocks : (uint32_t)b->blocks, err);
}

int vdi_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
	      struct bp_error *err)
{
	struct layout l = { 0 };
	struct vdi_writer *w;

	if (plan(spec, &l, err) < 0 || write_map(io, &l, false, err) < 0)
		return -1;
	w = blocks_writer_new(sizeof *w, &(const struct blocks_writer){
		.w = { .io = io, .capacity = l.capacity, .unit = l.is_static ? 4096 : VDI_BLOCK,
		       .span = UINT64_C(1) << 62, .unaligned = true },
		.data_at = l.data_at, .stride = VDI_BLOCK, .step = 1, .end = end,
		.tables = { { .at = VDI_HEADER, .n = l.blocks, .nothing = VDI_NO_BLOCK } },
		.n_tables = !l.is_static,
	});
	w->l = l;
	*ret = &w->b.w;
	return 0;
}

/* vdi_create.c - an empty VDI. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

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

int vdi_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err)
{
	uint64_t capacity = (spec->capacity + IMAGE_SECTOR - 1) & ~(uint64_t)(IMAGE_SECTOR - 1);
	uint32_t blocks = (uint32_t)((capacity + VDI_BLOCK - 1) / VDI_BLOCK);
	uint64_t map = ((uint64_t)blocks * 4 + IMAGE_SECTOR - 1) & ~(uint64_t)(IMAGE_SECTOR - 1);
	uint64_t data_at = VDI_HEADER + map, end;
	unsigned char h[VDI_HEADER] = TEXT;
	bool is_static = false;

	if (check(spec, &is_static, err) < 0)
		return -1;
	end = data_at + (is_static ? (uint64_t)blocks * VDI_BLOCK : 0);
	memcpy(h + VDI_MAGIC_AT, VDI_MAGIC, 4);
	put_le32(h + VDI_VERSION_AT, VDI_VERSION);
	put_le32(h + VDI_LENGTH_AT, LENGTH);
	put_le32(h + VDI_TYPE_AT, is_static ? STATIC : DYNAMIC);
	put_le32(h + VDI_MAP_AT, VDI_HEADER);
	put_le32(h + VDI_DATA_AT, (uint32_t)data_at);
	put_le32(h + VDI_SECTOR_AT, IMAGE_SECTOR);
	put_le64(h + VDI_SIZE_AT, capacity);
	put_le32(h + VDI_BLOCK_AT, VDI_BLOCK);
	put_le32(h + VDI_BLOCKS_AT, blocks);
	put_le32(h + VDI_USED_AT, is_static ? blocks : 0);
	image_uuid(h + VDI_IMAGE_AT);
	image_uuid(h + VDI_SNAP_AT);
	if (image_clear(io, is_static ? end : data_at, end, err) < 0 ||
	    image_numbers(io, VDI_HEADER, is_static ? 0 : VDI_NO_BLOCK, is_static ? 1 : 0, blocks,
			  err) < 0)
		return -1;
	return io_write(io, h, sizeof h, 0, err);
}

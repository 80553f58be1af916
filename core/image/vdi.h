/* vdi.h - private: where things stand in a VDI.  All numbers are little-endian. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_VDI_H
#define BP_IMAGE_VDI_H

#include "core/image/formats.h"

#define VDI_MAGIC	"\x7f\x10\xda\xbe"
#define VDI_VERSION	0x00010001u
#define VDI_BLOCK	(1u << 20)	/* there are no others */
#define VDI_MAX_BLOCKS	0x1fffff80u	/* QEMU's: a map of 2 GiB */
#define VDI_DISCARDED	0xfffffffeu	/* zeros; one more: nothing was written */
#define VDI_NO_BLOCK	0xffffffffu

enum {
	VDI_MAGIC_AT   = 64,
	VDI_VERSION_AT = 68,
	VDI_LENGTH_AT  = 72,		/* of the header, from here on */
	VDI_TYPE_AT    = 76,		/* 1 dynamic, 2 static */
	VDI_MAP_AT     = 340,
	VDI_DATA_AT    = 344,
	VDI_SECTOR_AT  = 360,
	VDI_SIZE_AT    = 368,
	VDI_BLOCK_AT   = 376,
	VDI_BLOCKS_AT  = 384,
	VDI_USED_AT    = 388,		/* blocks that have a place */
	VDI_IMAGE_AT   = 392,		/* UUIDs: its own, of the last snapshot, */
	VDI_SNAP_AT    = 408,
	VDI_LINK_AT    = 424,		/* of what it comes after, */
	VDI_PARENT_AT  = 440,		/* and of the one before that */
	VDI_UUID       = 16,
	VDI_HEADER     = 512,
};

struct vdi {
	uint64_t map_at, data_at, capacity;
	uint32_t block_size, blocks;
	uint32_t used;			/* blocks that have a place, as the header says */
};

/* vdi.c: */
int vdi_header_read(const struct bp_image_head *head, struct vdi *ret, struct bp_error *err);

/* vdi_create.c, vdi_check.c: the slots. */
int vdi_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err);
int vdi_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
	      struct bp_error *err);
int vdi_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	      const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err);

#endif

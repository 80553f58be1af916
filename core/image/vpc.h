/* vpc.h - private: where things stand in a VHD.  All numbers are big-endian. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_VPC_H
#define BP_IMAGE_VPC_H

#include "core/image/formats.h"

#define VPC_MAGIC	  "conectix"
#define VPC_DYNAMIC_MAGIC "cxsparse"
#define VPC_MAX_SECTORS	  UINT64_C(0xff000000)
#define VPC_NO_BLOCK	  UINT32_MAX
#define VPC_GEOMETRY_MAX  (UINT64_C(65535) * 16 * 255)	/* there is more than that can tell */
#define VPC_FIXED_BLOCK	  (2u << 20)	/* how much of a disk of fixed size is told at once */

enum {
	VPC_FOOTER	= 512,
	VPC_DYNAMIC	= 1024,		/* the header of a dynamic one */
	VPC_DATA_AT	= 16,		/* where that is */
	VPC_APP_AT	= 28,
	VPC_SIZE_AT	= 48,		/* the current one */
	VPC_GEOMETRY_AT = 56,		/* cylinders (2), heads, sectors */
	VPC_TYPE_AT	= 60,
	VPC_SUM_AT	= 64,
	VPC_FIXED	 = 2,
	VPC_DYNAMIC_TYPE = 3,
	VPC_DIFFERENCING = 4,
};

struct vpc {
	bool fixed, differencing;
	uint64_t sectors;
	uint64_t table_at;
	uint32_t entries, block_size, bitmap_size;
};

/* Of bytes that have it themselves, at field. */
uint32_t vpc_checksum(struct bytes b, size_t field);

/* vpc_create.c: the slots. */
int vpc_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err);
int vpc_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
	      struct bp_error *err);

#endif

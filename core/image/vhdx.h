/* vhdx.h - private: a VHDX as numbers.  All of them are little-endian.
 *
 * Two headers take turns: the one with the higher sequence number counts.  It
 * leads to a log of what may not have reached its place when the image was last
 * written to; who reads must look there first.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_VHDX_H
#define BP_IMAGE_VHDX_H

#include "core/image/formats.h"

#define VHDX_MAGIC "vhdxfile"
#define VHDX_UNIT  (UINT64_C(1) << 20)	/* all that is large begins at a multiple of this */
#define VHDX_PAGE  4096u		/* what the log is counted in */
#define VHDX_GUID  16

struct vhdx_header {
	uint64_t sequence;
	unsigned char log[VHDX_GUID];	/* which log counts; zeros: none */
	uint64_t log_at;
	uint32_t log_len;
};

struct vhdx {
	struct vhdx_header h;
	uint64_t bat_at, bat_len;
	uint64_t capacity;
	uint32_t block_size, sector_size;
	bool has_parent;
};

static inline uint64_t vhdx_guid_is(const unsigned char *p, const char guid[VHDX_GUID])
{
	return memcmp(p, guid, VHDX_GUID) == 0;
}

/* The checksum of a structure that has it itself, at field. */
uint32_t vhdx_checksum(const unsigned char *p, size_t len, size_t field);

/* vhdx_log.c: io, and over it what the log says.  The io that is returned reads only,
 * and is closed before the one below.  Without anything to replay *ret is NULL. */
int vhdx_log_open(struct bp_io *io, const struct vhdx_header *h, struct bp_io **ret,
		  struct bp_error *err);

#endif

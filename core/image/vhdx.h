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

#define VHDX_HEADERS_AT	(UINT64_C(64) << 10)	/* two of them, so far from each other */
#define VHDX_HEADERS_END (UINT64_C(192) << 10)
enum {
	VHDX_SUM_AT	 = 4,		/* in a header */
	VHDX_SEQUENCE_AT = 8,
	VHDX_WRITTEN_AT	 = 16,		/* a UUID: another one each time somebody writes to it */
	VHDX_LOG_AT	 = 48,
};

enum { VHDX_STATE = 7, VHDX_FULLY_PRESENT = 6, VHDX_PARTLY_PRESENT = 7 };	/* of a block */

struct vhdx_header {
	uint64_t at;
	uint64_t sequence;
	unsigned char log[VHDX_GUID];	/* which log counts; zeros: none */
	uint64_t log_at;
	uint32_t log_len;
};

struct vhdx {
	struct vhdx_header h;
	uint64_t bat_at, bat_len, metadata_at, metadata_len;
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

/* vhdx.c: all that counts, of io and what its log has.  *ret_replayed: as vhdx_log_open();
 * *ret_size: of what is to be read then. */
int vhdx_load(struct bp_io *io, struct vhdx *ret, uint64_t *ret_size, struct bp_io **ret_replayed,
	      struct bp_error *err);

/* vhdx_check.c: the slot. */
int vhdx_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	       const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err);

/* vhdx_log.c: io, and over it what the log says.  The io that is returned reads only,
 * and is closed before the one below.  Without anything to replay *ret is NULL. */
int vhdx_log_open(struct bp_io *io, const struct vhdx_header *h, struct bp_io **ret,
		  struct bp_error *err);

/* Of what that has returned: is anything in the log that is to be replayed?  And all of it is
 * written to the file below, and synced; the log is as it was then. */
bool vhdx_log_counts(struct bp_io *replayed);
int vhdx_log_write(struct bp_io *replayed, const struct vhdx_header *h, struct bp_error *err);

#endif

/* iscsi_direct_bytes.h - the bytes of a LUN, as the two files that handle them see them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_ISCSI_DIRECT_BYTES_H
#define BP_BACKENDS_ISCSI_DIRECT_BYTES_H

#include "backends/iscsi_direct.h"

#define DEPTH 32		/* requests in flight */
#define CHUNK (256u << 10)	/* bytes of one, at the most */

enum slot_use { SLOT_FREE, SLOT_READ, SLOT_WRITE };

/* A request, under way or, of a read, done and waiting for whoever wants its bytes. */
struct slot {
	enum slot_use use;
	uint64_t at;
	size_t len;
	unsigned char *buffer;	/* of a chunk; kept */
};

struct lun_io {
	struct bp_io io;
	struct initiator *in;
	uint16_t lun;
	struct sbc_shape shape;
	struct sbc_limits limits;
	size_t chunk;
	struct job jobs[DEPTH];
	struct slot slots[DEPTH];
	uint64_t next, ahead;	/* reading: where it is expected to go on; what is asked for */
	uint64_t window;	/* bytes to be ahead */
	uint64_t from, to;	/* a range known to be data, or a hole; empty: none is known */
	bool mapped;
	bool no_status, no_same;	/* it does not know these commands */
	struct bp_error failed;	/* the first write that went wrong */
};

static inline struct lun_io *lun_of(struct bp_io *io)
{
	return (struct lun_io *)io;
}

/* All that is written is with the server; -1 if any of it has failed. */
int lun_drain(struct lun_io *l, struct bp_error *err);

/* What has been read ahead is of no use any more; and what is known of holes. */
void lun_forget(struct lun_io *l);

/* Whole blocks. */
int lun_write_blocks(struct lun_io *l, const unsigned char *buf, size_t len, uint64_t at,
		     struct bp_error *err);

/* A command about len bytes from at on, as many at a time as step; each may send data. */
struct lun_order {
	struct sbc_command (*command)(uint64_t block, uint32_t n, void *data);
	size_t data;		/* bytes that are sent along */
	uint64_t step;
	const char *what;
};
int lun_order(struct lun_io *l, const struct lun_order *order, uint64_t at, uint64_t len,
	      bool *ret_unknown, struct bp_error *err);

int lun_next_data(struct bp_io *io, uint64_t at, uint64_t *ret_from, uint64_t *ret_to,
		  struct bp_error *err);
int lun_zero(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);
int lun_discard(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);

#endif

/* blocks_write.h - private: images that map blocks of one size, filled.
 *
 * The other way round of blocks.h: blocks come one behind the other, in the order
 * in which they are placed, and each has a number in a table, or in two of the
 * same.  What differs is where the tables are, how the numbers count, and the
 * header, which comes last.  Tables are written as they are filled, and kept in
 * memory nowhere.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_BLOCKS_WRITE_H
#define BP_IMAGE_BLOCKS_WRITE_H

#include "core/image/writer.h"

/* A table of numbers of 4 bytes, each of which is set once, in their order. */
struct numbers {
	struct bp_io *io;
	uint64_t at, n;
	uint32_t nothing;		/* of what is not set; this stands there already */
	bool big;			/* the most significant byte comes first */
	uint64_t part;			/* of the table that is in buf, + 1; 0: none */
	unsigned char *buf;
};

struct blocks_writer {
	struct bp_writer w;		/* comes first */
	uint64_t data_at;		/* where the first block is, */
	uint64_t stride;		/* and how far it is to the next: what is more than a unit
					 * comes before it */
	const void *before;		/* which is this; or NULL */
	uint64_t first, step;		/* the numbers of blocks in the tables */
	struct numbers tables[2];
	unsigned n_tables;		/* 0: all blocks have their places already */
	uint64_t next;			/* behind the last block */
	uint64_t blocks;		/* that have a place */
	uint64_t said;			/* up to where in the guest something was */

	/* The rest of it: *at is behind the last block. */
	int (*end)(struct blocks_writer *b, uint64_t at, struct bp_error *err);
};

/* Of this size, which begins with a struct blocks_writer like *b; it has the tables now. */
void *blocks_writer_new(size_t size, const struct blocks_writer *b);

/* The parts that a writer with a place_packed() of its own has, too. */
int blocks_writer_number(struct blocks_writer *b, uint64_t block, uint64_t number,
			 struct bp_error *err);
int blocks_writer_finish(struct bp_writer *w, struct bp_error *err);
void blocks_writer_close(struct bp_writer *w);

#endif

/* blocks.h - private: guests of formats that map blocks of one size, each on its own.
 *
 * What differs is where a block is found, and how one that is compressed is read.
 * Tables are never read whole, however large an image says they are: a window of
 * some KiB moves over them.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_BLOCKS_H
#define BP_IMAGE_BLOCKS_H

#include "core/image/codec.h"
#include "core/image/formats.h"

/* ---- a part of a file ------------------------------------------------------------ */

struct window {
	struct bp_io *io;
	uint64_t file_size;
	uint64_t at;
	size_t len;
	unsigned char *buf;
};

void window_init(struct window *w, struct bp_io *io, uint64_t file_size);
void window_done(struct window *w);

/* A number of n bytes that stands at at; past the end of the file: BP_CORRUPT. */
int window_number(struct window *w, uint64_t at, unsigned n, bool little, uint64_t *ret,
		  struct bp_error *err);

/* ---- blocks ---------------------------------------------------------------------- */

struct blocks;

struct block_place {
	enum bp_guest_kind kind;
	uint64_t at, len;		/* in the file; len: of one that is compressed */
};

struct blocks_ops {
	/* *ret is a hole when this is called. */
	int (*find)(struct blocks *b, uint64_t block, struct block_place *ret,
		    struct bp_error *err);
	/* A whole compressed block, of which the disk has len bytes; buf has room for all. */
	int (*unpack)(struct blocks *b, const struct block_place *place, unsigned char *buf,
		      size_t len, struct bp_error *err);
	void (*done)(struct blocks *b);	/* may be NULL */
};

struct blocks {
	struct bp_guest guest;		/* comes first */
	const struct blocks_ops *ops;
	uint64_t file_size;
	uint64_t block_size;
	uint64_t unpacked;		/* which block is in cache; BP_NOWHERE: none */
	unsigned char *cache;
	struct codec *codec;
	struct bp_guest_extent last;	/* that was found: asked for in parts, it is one search */
};

/* A struct of this size that begins with a struct blocks. */
void *blocks_new(size_t size, const struct blocks_ops *ops, struct bp_io *io, uint64_t file_size,
		 uint64_t capacity, uint64_t block_size);

/* For unpack: a stream of this kind that begins at at, and is not longer than most.  All
 * blocks of a guest are of one kind. */
int blocks_inflate(struct blocks *b, enum codec_kind kind, uint64_t at, uint64_t most,
		   unsigned char *buf, size_t len, struct bp_error *err);

#endif

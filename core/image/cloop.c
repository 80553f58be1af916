/* cloop.c - compressed read-only disks, as early live systems had: a table of offsets. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/blocks.h"

#define MAGIC \
	"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n"
#define MAX_BLOCK   (64u << 20)
#define MAX_OFFSETS (512u << 20)	/* bytes; QEMU's */

enum { HEADER_AT = 128, TABLE_AT = 136 };

struct cloop {
	uint64_t block_size, blocks;
};

static int cloop_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	(void)trailer;
	(void)err;
	return bytes_has(head->first, 0, sizeof MAGIC - 1) &&
	       memcmp(head->first.p, MAGIC, sizeof MAGIC - 1) == 0;
}

static int read_header(const struct bp_image_head *head, struct cloop *ret, struct bp_error *err)
{
	struct cloop c = {
		.block_size = be32_at(head->first, HEADER_AT),
		.blocks	    = be32_at(head->first, HEADER_AT + 4),
	};

	if (!c.block_size || c.block_size % IMAGE_SECTOR || c.block_size > MAX_BLOCK)
		return bp_fail(err, BP_CORRUPT, "the cloop image has blocks of %" PRIu64 " bytes",
			       c.block_size);
	if ((c.blocks + 1) * 8 > MAX_OFFSETS)
		return bp_fail(err, BP_CORRUPT, "the cloop image has %" PRIu64 " blocks, more than "
			       "there can be", c.blocks);
	if (head->size < TABLE_AT || (c.blocks + 1) * 8 > head->size - TABLE_AT)
		return bp_fail(err, BP_CORRUPT, "the table of the cloop image, %" PRIu64
			       " blocks, is longer than the file", c.blocks);
	*ret = c;
	return 0;
}

static int cloop_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		       struct bp_error *err)
{
	struct cloop c;

	if (read_header(head, &c, err) < 0)
		return -1;
	ret->capacity = c.blocks * c.block_size;
	return 0;
}

static int cloop_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		       struct bp_error *err)
{
	struct cloop c;

	if (read_header(head, &c, err) < 0)
		return -1;
	ret->capacity = c.blocks * c.block_size;
	ret->knows_dirty = false;
	return 0;
}

/* ---- what its guest sees --------------------------------------------------------- */

struct cloop_guest {
	struct blocks b;
	struct window table;
};

static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct cloop_guest *g = (struct cloop_guest *)b;
	uint64_t at, next;

	if (window_number(&g->table, TABLE_AT + block * 8, 8, false, &at, err) < 0 ||
	    window_number(&g->table, TABLE_AT + block * 8 + 8, 8, false, &next, err) < 0)
		return -1;
	if (next < at || next - at > 2 * (uint64_t)MAX_BLOCK)
		return bp_fail(err, BP_CORRUPT, "block %" PRIu64 " of the cloop image begins at %"
			       PRIu64 ", and the next one at %" PRIu64, block, at, next);
	*ret = (struct block_place){ BP_GUEST_COMPRESSED, at, next - at };
	return 0;
}

static int unpack(struct blocks *b, const struct block_place *place, unsigned char *buf, size_t len,
		  struct bp_error *err)
{
	return blocks_inflate(b, CODEC_ZLIB, place->at, place->len, buf, len, err);
}

static void cloop_done(struct blocks *b)
{
	window_done(&((struct cloop_guest *)b)->table);
}

static int cloop_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, unpack, cloop_done };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct cloop_guest *g;
	struct cloop c;

	if (image_head_read(io, buf, &head, err) < 0 || read_header(&head, &c, err) < 0)
		return -1;
	g = blocks_new(sizeof *g, &ops, io, head.size, c.blocks * c.block_size, c.block_size);
	window_init(&g->table, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_cloop = {
	.name  = "cloop",
	.seen  = cloop_seen,
	.probe = cloop_probe,
	.facts = cloop_facts,
	.open  = cloop_open,
};

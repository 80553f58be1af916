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

const struct bp_image_format image_cloop = {
	.name  = "cloop",
	.seen  = cloop_seen,
	.probe = cloop_probe,
	.facts = cloop_facts,
};

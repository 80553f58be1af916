/* vmdk_guest.c - what the guest of a sparse VMDK sees: a directory of tables of grains. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/blocks.h"
#include "core/image/vmdk.h"

/* Those that are made have 64 KiB. */
#define MAX_COMPRESSED (16u << 20)

struct vmdk_guest {
	struct blocks b;
	struct vmdk_header h;
	struct window directory, table;
};

static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct vmdk_guest *g = (struct vmdk_guest *)b;
	uint64_t table, grain;

	if (window_number(&g->directory,
			  g->h.directory_at * IMAGE_SECTOR + block / g->h.entries * 4, 4, true,
			  &table, err) < 0)
		return -1;
	if (!table)
		return 0;
	if (window_number(&g->table, table * IMAGE_SECTOR + block % g->h.entries * 4, 4, true,
			  &grain, err) < 0)
		return -1;
	if (grain == VMDK_ZEROS && g->h.flags & VMDK_ZERO_GRAIN) {
		ret->kind = BP_GUEST_ZERO;
	} else if (grain) {
		ret->kind = g->h.compressed ? BP_GUEST_COMPRESSED : BP_GUEST_DATA;
		ret->at = grain * IMAGE_SECTOR;
	}
	return 0;
}

/* What comes before a stream says where it belongs, and how long it is. */
static int unpack(struct blocks *b, const struct block_place *place, unsigned char *buf, size_t len,
		  struct bp_error *err)
{
	struct vmdk_guest *g = (struct vmdk_guest *)b;
	uint64_t at = place->at, packed = 2 * b->block_size;
	unsigned char marker[VMDK_MARKER];
	struct bp_error whole = { 0 };

	if (g->h.flags & VMDK_MARKERS) {
		if (b->file_size - at < VMDK_MARKER)
			return bp_fail(err, BP_CORRUPT, "the grain at %" PRIu64 " is cut off", at);
		if (io_read(b->guest.io, marker, VMDK_MARKER, at, err) < 0)
			return -1;
		at += VMDK_MARKER;
		packed = le32_at((struct bytes){ marker, VMDK_MARKER }, 8);
	}
	if (!packed || packed > 2 * b->block_size)
		return bp_fail(err, BP_CORRUPT, "the grain at %" PRIu64 " says it has %" PRIu64
			       " bytes", place->at, packed);
	/* Of the last grain there may be more than the disk has. */
	if (len < b->block_size && blocks_inflate(b, CODEC_ZLIB, at, packed, buf,
						  (size_t)b->block_size, &whole) == 0)
		return 0;
	return blocks_inflate(b, CODEC_ZLIB, at, packed, buf, len, err);
}

static void vmdk_done(struct blocks *b)
{
	struct vmdk_guest *g = (struct vmdk_guest *)b;

	window_done(&g->directory);
	window_done(&g->table);
}

static int check(const struct vmdk_header *h, const struct bp_image_head *head,
		 struct bp_error *err)
{
	if (!h->capacity && h->text_at)
		return bp_fail(err, BP_UNSUPPORTED, "this VMDK names other files that have the "
			       "data, and those are not opened here");
	if (h->directory_at > head->size / IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "the directory of the VMDK is at sector %" PRIu64
			       ", past the end of the file", h->directory_at);
	if (h->compressed && h->grain * IMAGE_SECTOR > MAX_COMPRESSED)
		return bp_fail(err, BP_UNSUPPORTED, "the VMDK has compressed grains of %" PRIu64
			       " sectors", h->grain);
	return 0;
}

int vmdk_sparse_read(struct bp_io *io, unsigned char buf[IMAGE_HEAD], struct bp_image_head *head,
		     struct vmdk_header *ret, struct bp_error *err)
{
	struct vmdk_header h = { 0 };

	if (image_head_read(io, buf, head, err) < 0)
		return -1;
	if (head->size < 4 || memcmp(buf, VMDK_MAGIC, 4) != 0)
		return bp_fail(err, BP_UNSUPPORTED, "this VMDK names other files that have the "
			       "data, or is of an old kind: only what is in one sparse file can "
			       "be read");
	if (vmdk_header_read(head, &h, err) < 0 || check(&h, head, err) < 0)
		return -1;
	*ret = h;
	return 0;
}

int vmdk_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, unpack, vmdk_done };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct vmdk_guest *g;
	struct vmdk_header h;

	if (vmdk_sparse_read(io, buf, &head, &h, err) < 0)
		return -1;
	g = blocks_new(sizeof *g, &ops, io, head.size, h.capacity * IMAGE_SECTOR,
		       h.grain * IMAGE_SECTOR);
	g->h = h;
	window_init(&g->directory, io, head.size);
	window_init(&g->table, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

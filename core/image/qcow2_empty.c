/* qcow2_empty.c - take everything out of an image, which is one at every moment.
 *
 * First it gets the tables of an empty image behind its end, where nothing leads
 * to.  A header of one sector then leads to them, and nothing to what was there
 * before: that can be overwritten.  At last the tables are written to the front,
 * as those of a new image are, another header leads there, and the file is cut.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "core/image/qcow2.h"

#define SECTOR 512

/* Tables behind the end, in clusters: the refcount table, the refcount block of the
 * header if that of the tables is another one, those of the tables, and L1. */
struct back {
	uint64_t base, table, blocks, total;
	uint64_t first;			/* of the blocks that count the tables */
};

static unsigned per_block_bits(const struct qcow2_header *h)
{
	return h->cluster_bits + 3 - h->refcount_order;
}

/* The blocks count themselves and the refcount table, which grows with them. */
static int plan_back(const struct qcow2_header *h, uint64_t base, uint64_t l1, struct back *ret,
		     struct bp_error *err)
{
	struct back b = { .base = base, .table = 1, .blocks = 1 };
	uint64_t last, blocks, table;

	b.first = base >> per_block_bits(h);
	for (;;) {
		b.total = b.table + b.blocks + l1;
		last = (base + b.total - 1) >> per_block_bits(h);
		blocks = last - b.first + 1 + (b.first > 0);
		table = qcow2_clusters(h, (last + 1) * 8);
		if (blocks == b.blocks && table == b.table)
			break;
		b.blocks = blocks;
		b.table = table;
	}
	if (b.table << h->cluster_bits > QCOW2_MAX_REFTABLE)
		return bp_fail(err, BP_FAILED, "an image of %" PRIu64 " bytes with clusters of %"
			       PRIu64 " bytes has no room for other tables",
			       base << h->cluster_bits, qcow2_cluster_size(h));
	*ret = b;
	return 0;
}

static int write_back(const struct qcow2 *q, const struct back *b, struct bp_error *err)
{
	unsigned bits = q->h.cluster_bits;
	unsigned char entry[8];

	if (io_resize(q->io, q->file_size, err) < 0)
		return -1;
	for (uint64_t k = 0; k < b->blocks; k++) {
		uint64_t i = b->first == 0 ? k : k == 0 ? 0 : b->first + k - 1;

		put_be64(entry, (b->base + b->table + k) << bits);
		if (io_write(q->io, entry, sizeof entry, q->h.reftable_at + i * 8, err) < 0)
			return -1;
	}
	if (qcow2_refs_set(q, 0, 1, 1, err) < 0 ||
	    qcow2_refs_set(q, b->base, b->total, 1, err) < 0)
		return -1;
	return io_sync(q->io, err);
}

/* All of a header of ours is in the sector that is written at once. */
static int switch_header(struct bp_io *io, const unsigned char *header, size_t len,
			 struct bp_error *err)
{
	unsigned char sector[SECTOR] = { 0 };

	assert(len <= sizeof sector);	/* without the name of a backing file */
	memcpy(sector, header, len);
	if (io_write(io, sector, sizeof sector, 0, err) < 0)
		return -1;
	return io_sync(io, err);
}

/* As long as no header leads there the image is what it was. */
static int move_back(struct bp_io *io, const struct qcow2_new *new, uint64_t base,
		     struct bp_error *err)
{
	struct qcow2 q = { .io = io, .h = new->h };
	unsigned char header[QCOW2_HEADER_MAX];
	struct bp_error ignored = { 0 };
	unsigned bits = q.h.cluster_bits;
	uint64_t size;
	struct back b = { 0 };
	size_t len;

	if (io_size(io, &size, err) < 0 || plan_back(&q.h, base, new->l.l1, &b, err) < 0)
		return -1;
	q.file_size = (base + b.total) << bits;
	q.h.reftable_at = base << bits;
	q.h.reftable_clusters = (uint32_t)b.table;
	q.h.l1_at = new->l.l1 ? (base + b.table + b.blocks) << bits : 0;
	if (qcow2_header_format(&q.h, NULL, NULL, header, &len, err) < 0)
		return -1;
	if (write_back(&q, &b, err) < 0) {
		(void)io_resize(io, size, &ignored);
		return -1;
	}
	return switch_header(io, header, len, err);
}

static int move_to_front(struct bp_io *io, const struct qcow2_new *new, struct bp_error *err)
{
	if (io_zero(io, SECTOR, new->metadata - SECTOR, err) < 0 ||
	    qcow2_new_tables(io, new, err) < 0 || io_sync(io, err) < 0 ||
	    switch_header(io, new->header, new->header_len, err) < 0)
		return -1;
	return io_resize(io, new->end, err);
}

int qcow2_empty(struct bp_io *io, const struct bp_image_spec *spec,
		const struct bp_image_wiper *wiper, struct bp_error *err)
{
	struct qcow2_new new;
	uint64_t size, base;

	assert(!spec->backing && !spec->preallocate);
	if (io_size(io, &size, err) < 0 || qcow2_new_plan(spec, &new, err) < 0)
		return -1;
	base = qcow2_clusters(&new.h, size);
	if (base < new.l.total)
		base = new.l.total;
	if (move_back(io, &new, base, err) < 0 ||
	    wiper->wipe(wiper->arg, io, SECTOR, base << new.h.cluster_bits, err) < 0)
		return -1;
	return move_to_front(io, &new, err);
}

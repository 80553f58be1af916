/* qcow2_refs.c - refcounts of any width, and clusters taken at the end. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2.h"

/* Blocks that may count something past the end of the file before we think
 * that the table makes fun of us. */
#define BLOCKS_PAST_END 256

static uint64_t per_block(const struct qcow2 *q)
{
	return UINT64_C(1) << qcow2_block_bits(q);
}

static uint64_t table_entries(const struct qcow2 *q)
{
	return ((uint64_t)q->h.reftable_clusters << q->h.cluster_bits) / 8;
}

uint64_t qcow2_ref_max(const struct qcow2 *q)
{
	unsigned bits = 1u << q->h.refcount_order;

	return bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

uint64_t qcow2_ref_load(const struct qcow2 *q, const unsigned char *block, uint64_t i)
{
	unsigned bits = 1u << q->h.refcount_order;
	struct bytes b = { block, (size_t)qcow2_cluster_size(&q->h) };

	if (bits < 8)
		return block[i * bits / 8] >> (i * bits % 8) & qcow2_ref_max(q);
	return be_at(b, i * bits / 8, bits / 8);
}

void qcow2_ref_store(const struct qcow2 *q, unsigned char *block, uint64_t i, uint64_t count)
{
	unsigned bits = 1u << q->h.refcount_order, shift = (unsigned)(i * bits % 8);
	unsigned char *p = block + i * bits / 8;

	if (bits < 8) {
		*p = (unsigned char)((*p & ~(qcow2_ref_max(q) << shift)) | count << shift);
		return;
	}
	for (unsigned n = bits / 8; n-- > 0; count >>= 8)
		p[n] = (unsigned char)count;
}

/* A block must be where a block can be: in the file, and not over the header. */
static int block_place(const struct qcow2 *q, uint64_t entry, uint64_t *ret, struct bp_error *err)
{
	uint64_t at = entry & ~UINT64_C(0x1ff), cs = qcow2_cluster_size(&q->h);

	if (at && (at & (cs - 1) || at > q->file_size || cs > q->file_size - at))
		return bp_fail(err, BP_CORRUPT, "the refcount table leads to %" PRIu64
			       ", where no refcount block can be: repair the image first", at);
	*ret = at;
	return 0;
}

/* Where block i is; 0: there is none, and all it would count is zero. */
static int find_block(const struct qcow2 *q, uint64_t i, uint64_t *ret, struct bp_error *err)
{
	unsigned char entry[8];
	struct bytes b = { entry, sizeof entry };

	*ret = 0;
	if (i >= table_entries(q))
		return 0;
	if (io_read(q->io, entry, sizeof entry, q->h.reftable_at + i * 8, err) < 0)
		return -1;
	return block_place(q, be64_at(b, 0), ret, err);
}

/* One step of a walk over clusters [first, end): the part in one block. */
struct part {
	uint64_t block;			/* its number */
	uint64_t from, to;		/* entries in it */
};

static struct part part_of(const struct qcow2 *q, uint64_t first, uint64_t end)
{
	struct part p = { .block = first >> qcow2_block_bits(q) };

	p.from = first & (per_block(q) - 1);
	p.to = end - first < per_block(q) - p.from ? p.from + (end - first) : per_block(q);
	return p;
}

/* The bytes of a block that hold entries [from, to). */
static void bytes_of(const struct qcow2 *q, const struct part *p, uint64_t *ret_at,
		     size_t *ret_len)
{
	unsigned order = q->h.refcount_order;

	*ret_at = p->from << order >> 3;
	*ret_len = (size_t)(((p->to << order) + 7) / 8 - *ret_at);
}

int qcow2_refs_set(const struct qcow2 *q, uint64_t first, uint64_t n, uint64_t count,
		   struct bp_error *err)
{
	auto_free unsigned char *block = mem_resize(NULL, (size_t)qcow2_cluster_size(&q->h), 1);
	uint64_t end = first + n, block_at, at;
	size_t len;

	while (first < end) {
		struct part p = part_of(q, first, end);

		first += p.to - p.from;
		if (find_block(q, p.block, &block_at, err) < 0)
			return -1;
		if (!block_at)
			continue;
		bytes_of(q, &p, &at, &len);
		if (io_read(q->io, block + at, len, block_at + at, err) < 0)
			return -1;
		for (uint64_t i = p.from; i < p.to; i++)
			qcow2_ref_put(q, block, i, count);
		if (io_write(q->io, block + at, len, block_at + at, err) < 0)
			return -1;
	}
	return 0;
}

int qcow2_refs_expect(const struct qcow2 *q, uint64_t first, uint64_t n, uint64_t count,
		      struct bp_error *err)
{
	auto_free unsigned char *block = mem_resize(NULL, (size_t)qcow2_cluster_size(&q->h), 1);
	uint64_t end = first + n, block_at, at;
	size_t len;

	while (first < end) {
		struct part p = part_of(q, first, end);

		if (find_block(q, p.block, &block_at, err) < 0)
			return -1;
		bytes_of(q, &p, &at, &len);
		memset(block + at, 0, len);
		if (block_at && io_read(q->io, block + at, len, block_at + at, err) < 0)
			return -1;
		for (uint64_t i = p.from; i < p.to; i++, first++)
			if (qcow2_ref_get(q, block, i) != count)
				return bp_fail(err, BP_CORRUPT, "cluster %" PRIu64 " has refcount %"
					       PRIu64 ", not %" PRIu64 ": repair the image first",
					       first, qcow2_ref_get(q, block, i), count);
	}
	return 0;
}

/* The number of entries in a block up to the last that is not zero. */
static int used_in_block(const struct qcow2 *q, uint64_t block_at, unsigned char *block,
			 uint64_t *ret, struct bp_error *err)
{
	uint64_t n = per_block(q);

	if (io_read(q->io, block, (size_t)qcow2_cluster_size(&q->h), block_at, err) < 0)
		return -1;
	while (n > 0 && qcow2_ref_get(q, block, n - 1) == 0)
		n--;
	*ret = n;
	return 0;
}

/* The first cluster at or after from that has nothing counted behind it.
 * Images whose clusters reach past the end of the file are legal. */
static int find_end(const struct qcow2 *q, uint64_t from, uint64_t *ret, struct bp_error *err)
{
	auto_free unsigned char *block = mem_alloc((size_t)qcow2_cluster_size(&q->h));
	unsigned char table[4096];
	struct bytes b = { .p = table };
	uint64_t i = from >> qcow2_block_bits(q), entries = table_entries(q), at, used;
	unsigned seen = 0;

	*ret = from;
	while (i < entries) {
		uint64_t n = entries - i < sizeof table / 8 ? entries - i : sizeof table / 8;

		b.len = (size_t)n * 8;
		if (io_read(q->io, table, b.len, q->h.reftable_at + i * 8, err) < 0)
			return -1;
		for (uint64_t j = 0; j < n; j++, i++) {
			if (block_place(q, be64_at(b, j * 8), &at, err) < 0)
				return -1;
			if (!at)
				continue;
			if (++seen > BLOCKS_PAST_END)
				return bp_fail(err, BP_CORRUPT, "the refcounts go on far past the "
					       "end of the file: repair the image first");
			if (used_in_block(q, at, block, &used, err) < 0)
				return -1;
			if (used && (i << qcow2_block_bits(q)) + used > *ret)
				*ret = (i << qcow2_block_bits(q)) + used;
		}
	}
	return 0;
}

static int count_missing(const struct qcow2 *q, uint64_t first, uint64_t n, uint64_t *ret,
			 struct bp_error *err)
{
	uint64_t last = (first + n - 1) >> qcow2_block_bits(q), at;

	*ret = 0;
	if (last >= table_entries(q))
		return bp_fail(err, BP_FAILED, "the refcount table of the image is full: "
			       "copy it into a new image, with larger clusters");
	for (uint64_t i = first >> qcow2_block_bits(q); i <= last; i++) {
		if (find_block(q, i, &at, err) < 0)
			return -1;
		*ret += !at;
	}
	return 0;
}

int qcow2_run_plan(const struct qcow2 *q, uint64_t wanted, struct qcow2_run *ret,
		   struct bp_error *err)
{
	struct qcow2_run run = { .wanted = wanted };
	uint64_t missing;

	if (find_end(q, qcow2_clusters(&q->h, q->file_size), &run.first, err) < 0)
		return -1;
	for (;;) {	/* blocks count themselves, so that more of them may need more */
		if (count_missing(q, run.first, wanted + run.blocks, &missing, err) < 0)
			return -1;
		if (missing == run.blocks)
			break;
		run.blocks = missing;
	}
	if (run.first + wanted + run.blocks > QCOW2_MAX_OFFSET >> q->h.cluster_bits)
		return bp_fail(err, BP_FAILED, "the image has no room for larger tables");
	*ret = run;
	return 0;
}

static int write_block(const struct qcow2 *q, const struct part *p, uint64_t at,
		       struct bp_error *err)
{
	auto_free unsigned char *block = mem_alloc((size_t)qcow2_cluster_size(&q->h));

	for (uint64_t i = p->from; i < p->to; i++)
		qcow2_ref_put(q, block, i, 1);
	return io_write(q->io, block, (size_t)qcow2_cluster_size(&q->h), at, err);
}

int qcow2_run_write_blocks(const struct qcow2 *q, const struct qcow2_run *run,
			   struct bp_error *err)
{
	uint64_t first = run->first, next = first + run->wanted, end = next + run->blocks, there;

	while (first < end) {
		struct part p = part_of(q, first, end);

		first += p.to - p.from;
		if (find_block(q, p.block, &there, err) < 0)
			return -1;
		if (!there && write_block(q, &p, next++ << q->h.cluster_bits, err) < 0)
			return -1;
	}
	return 0;
}

int qcow2_run_raise(const struct qcow2 *q, const struct qcow2_run *run, struct bp_error *err)
{
	return qcow2_refs_set(q, run->first, run->wanted + run->blocks, 1, err);
}

/* A new block may be counted by another new one, which must be in the table
 * first, and for sure.  The last block counts itself, and each of the others is
 * counted by itself or by a later one: so from the last to the first, with a
 * barrier wherever the other one is not sure to be there yet. */
int qcow2_run_publish(const struct qcow2 *q, const struct qcow2_run *run, struct bp_error *err)
{
	uint64_t first = run->first >> qcow2_block_bits(q), there;
	uint64_t at = run->first + run->wanted + run->blocks, sure = UINT64_MAX;
	unsigned char entry[8];

	for (uint64_t i = ((at - 1) >> qcow2_block_bits(q)) + 1; i-- > first;) {
		if (find_block(q, i, &there, err) < 0)
			return -1;
		if (there)
			continue;
		at--;
		if (at >> qcow2_block_bits(q) > i && at >> qcow2_block_bits(q) < sure) {
			if (io_sync(q->io, err) < 0)
				return -1;
			sure = i + 1;
		}
		put_be64(entry, at << q->h.cluster_bits);
		if (io_write(q->io, entry, sizeof entry, q->h.reftable_at + i * 8, err) < 0)
			return -1;
	}
	return 0;
}

/* qcow2_edit.c - tables of a qcow2 image written anew, and one write that leads to them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

/* Of the header, what an edit may change: capacity to width of refcounts.  In version
 * 2 it ends before the features.  All of it lies in one sector. */
enum { CHANGES_AT = QCOW2_SIZE_AT, CHANGES_END = QCOW2_AUTOCLEAR_AT + 12 };

enum { PIECE = 4096, HOLE_MIN = 128 << 10 };	/* zeros worth a hole in a table */

void qcow2_edit_done(struct qcow2_edit *e)
{
	qcow2_walk_done(&e->w);
	qcow2_counts_done(&e->dirty);
	qcow2_counts_done(&e->freed);
	free(e->blocks);
	free(e->l1);
	e->blocks = e->l1 = NULL;
}

/* ---- refcounts -------------------------------------------------------------------- */

static void changed(struct qcow2_edit *e, uint64_t c)
{
	uint64_t block = c >> qcow2_block_bits(&e->q);

	if (block + 1 != e->last_dirty)
		qcow2_counts_put(&e->dirty, block, 1);
	e->last_dirty = block + 1;
}

static void all_changed(struct qcow2_edit *e, uint64_t c, uint64_t n)
{
	uint64_t per = UINT64_C(1) << qcow2_block_bits(&e->q), end = c + n;

	for (; c < end; c = (c | (per - 1)) + 1)
		changed(e, c);
}

static bool is_free(const struct qcow2_edit *e, uint64_t c)
{
	return !qcow2_counts_get(&e->w.refs, c) && !qcow2_counts_get(&e->freed, c);
}

int qcow2_edit_take(struct qcow2_edit *e, uint64_t n, uint64_t *ret_at, struct bp_error *err)
{
	unsigned bits = e->q.h.cluster_bits;
	uint64_t first, have = 0;

	while (!is_free(e, e->search))
		e->search++;
	for (first = e->search; have < n;) {
		if (is_free(e, first + have)) {
			have++;
		} else {
			first += have + 1;
			have = 0;
		}
	}
	if (first + n > INT32_MAX || first + n > QCOW2_MAX_OFFSET >> bits)
		return bp_fail(err, BP_FAILED, "the image has no room for more tables");
	for (uint64_t c = first; c < first + n; c++) {
		qcow2_counts_put(&e->w.refs, c, 1);
		changed(e, c);
	}
	*ret_at = first << bits;
	return 0;
}

int qcow2_edit_take_last(struct qcow2_edit *e, uint64_t n, uint64_t *ret_at, struct bp_error *err)
{
	uint64_t search = e->search, end = qcow2_clusters(&e->q.h, e->q.file_size);
	int r;

	e->search = search > end ? search : end;
	r = qcow2_edit_take(e, n, ret_at, err);
	e->search = search;
	return r;
}

static int cannot_add(const struct qcow2_edit *e, uint64_t c, struct bp_error *err)
{
	return bp_fail(err, BP_FAILED, "a cluster of the image would be used more than %" PRIu64
		       " times, which its refcounts of %u bits cannot count",
		       qcow2_counts_get(&e->w.refs, c), 1u << e->q.h.refcount_order);
}

static int cannot_drop(uint64_t c, struct bp_error *err)
{
	return bp_fail(err, BP_CORRUPT, "cluster %" PRIu64 " is used, but its refcount is zero: "
		       "repair the image first", c);
}

static int edit_range(struct qcow2_edit *e, uint64_t at, uint64_t len, bool add,
		      struct bp_error *err)
{
	unsigned bits = e->q.h.cluster_bits;
	uint64_t end = len ? ((at + len - 1) >> bits) + 1 : 0, done;
	bool used;

	for (uint64_t c = at >> bits; c < end; c++) {
		done = add ? qcow2_counts_raise(&e->w.refs, c, end - c, 1, &used) :
			     qcow2_counts_lower(&e->w.refs, c, end - c);
		all_changed(e, c, done);
		c += done;
		if (c == end)
			break;
		if (add && !qcow2_counts_add(&e->w.refs, c, 1))
			return cannot_add(e, c, err);
		if (!add && !qcow2_counts_drop(&e->w.refs, c, 1))
			return cannot_drop(c, err);
		if (!add && !qcow2_counts_get(&e->w.refs, c))
			qcow2_counts_put(&e->freed, c, 1);
		changed(e, c);
	}
	return 0;
}

int qcow2_edit_add(struct qcow2_edit *e, uint64_t at, uint64_t len, struct bp_error *err)
{
	return edit_range(e, at, len, true, err);
}

int qcow2_edit_drop(struct qcow2_edit *e, uint64_t at, uint64_t len, struct bp_error *err)
{
	return edit_range(e, at, len, false, err);
}

/* All that an L2 table leads to. */
static int edit_table(struct qcow2_edit *e, struct bytes table, bool add, struct bp_error *err)
{
	const struct qcow2_header *h = &e->q.h;
	uint64_t n = table.len / qcow2_entry_size(h), odd = qcow2_entry_odd(h);

	for (uint64_t i = 0, run; i < n; i += run) {
		struct qcow2_entry entry = qcow2_entry_at(h, odd, table, i);

		run = qcow2_entry_run(h, odd, table, i);
		run += !run;
		if (entry.kind != QCOW2_HOLE && entry.kind != QCOW2_ZERO &&
		    edit_range(e, entry.at, run * entry.len, add, err) < 0)
			return -1;
	}
	return 0;
}

int qcow2_edit_tree(struct qcow2_edit *e, const uint64_t *l1, uint64_t n, bool add,
		    struct bp_error *err)
{
	cleanup(qcow2_l2_done) struct qcow2_l2 l2 = { .q = &e->q };
	const struct qcow2_header *h = &e->q.h;
	struct bytes table;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = qcow2_l1_target(l1[i]);

		if (!at)
			continue;
		if (edit_range(e, at, qcow2_cluster_size(h), add, err) < 0 ||
		    qcow2_l2_read(&l2, at, &table, err) < 0)
			return -1;
		if (!qcow2_data_elsewhere(h) && edit_table(e, table, add, err) < 0)
			return -1;
	}
	return 0;
}

int qcow2_edit_add_table(struct qcow2_edit *e, struct bytes table, struct bp_error *err)
{
	return edit_table(e, table, true, err);
}

/* ---- tables ------------------------------------------------------------------------ */

/* Whole clusters.  Large ones with few entries: the rest takes no space, where it need not. */
static int write_clusters(struct qcow2_edit *e, const unsigned char *buf, size_t len, uint64_t at,
			  struct bp_error *err)
{
	size_t used = len;
	uint64_t size;

	while (used >= PIECE && is_zero(buf + used - PIECE, PIECE))
		used -= PIECE;
	if (len - used < HOLE_MIN)
		return io_write(e->q.io, buf, len, at, err);
	if (io_size(e->q.io, &size, err) < 0 ||
	    (used && io_write(e->q.io, buf, used, at, err) < 0))
		return -1;
	if (size > at + used && io_zero(e->q.io, at + used, (size < at + len ? size : at + len) -
					at - used, err) < 0)
		return -1;
	return size < at + len ? io_resize(e->q.io, at + len, err) : 0;
}

/* n entries, in clusters of their own, the rest of which is zero. */
static int write_entries(struct qcow2_edit *e, const uint64_t *entries, uint64_t n, uint64_t at,
			 uint64_t clusters, struct bp_error *err)
{
	size_t len = (size_t)(clusters << e->q.h.cluster_bits);
	auto_free unsigned char *buf = mem_alloc(len);

	for (uint64_t i = 0; i < n; i++)
		put_be64(buf + i * 8, entries[i]);
	return write_clusters(e, buf, len, at, err);
}

static int write_l1(struct qcow2_edit *e, struct bp_error *err)
{
	struct qcow2_header *h = &e->q.h;
	uint64_t n = h->l1_entries, clusters = qcow2_clusters(h, n * 8);

	if (!e->l1_kept && qcow2_edit_drop(e, e->old.l1_at, (uint64_t)e->old.l1_entries * 8,
					   err) < 0)
		return -1;
	if (!n)
		return 0;
	if (qcow2_edit_take(e, clusters, &h->l1_at, err) < 0)
		return -1;
	return write_entries(e, e->l1, n, h->l1_at, clusters, err);
}

/* ---- refcount blocks and table ------------------------------------------------------- */

static int reach_block(struct qcow2_edit *e, uint64_t i, struct bp_error *err)
{
	if (i < e->n_blocks)
		return 0;
	if ((i + 1) * 8 > QCOW2_MAX_REFTABLE)
		return bp_fail(err, BP_FAILED, "the refcount table of the image is full: copy it "
			       "into a new image, with larger clusters");
	e->blocks = mem_resize(e->blocks, i + 1, sizeof *e->blocks);
	memset(e->blocks + e->n_blocks, 0, (i + 1 - e->n_blocks) * sizeof *e->blocks);
	e->n_blocks = i + 1;
	return 0;
}

int qcow2_edit_width(struct qcow2_edit *e, unsigned order, struct bp_error *err)
{
	uint64_t size = qcow2_cluster_size(&e->q.h), c = 0, max;

	for (uint64_t i = 0; i < e->n_blocks; i++)
		if (e->blocks[i] && qcow2_edit_drop(e, e->blocks[i], size, err) < 0)
			return -1;
	e->n_blocks = 0;
	qcow2_counts_done(&e->dirty);
	qcow2_counts_init(&e->dirty, 1);
	e->last_dirty = 0;
	e->q.h.refcount_order = order;
	max = qcow2_ref_max(&e->q);
	if (e->w.refs.max > max)
		e->w.refs.max = max;
	for (; (c = qcow2_counts_next(&e->w.refs, c)) != UINT64_MAX; c++)
		changed(e, c);
	return 0;
}

/* Each block that is not as in the file gets a new place, which again changes
 * what blocks say: until there is no more of them. */
static int place_blocks(struct qcow2_edit *e, struct qcow2_counts *placed, struct bp_error *err)
{
	uint64_t size = qcow2_cluster_size(&e->q.h), i;

	while ((i = qcow2_counts_next(&e->dirty, 0)) != UINT64_MAX) {
		qcow2_counts_put(&e->dirty, i, 0);
		e->last_dirty = 0;
		if (qcow2_counts_get(placed, i))
			continue;
		qcow2_counts_put(placed, i, 1);
		if (reach_block(e, i, err) < 0)
			return -1;
		if (e->blocks[i] && qcow2_edit_drop(e, e->blocks[i], size, err) < 0)
			return -1;
		if (qcow2_edit_take(e, 1, &e->blocks[i], err) < 0)
			return -1;
	}
	return 0;
}

static int place_table(struct qcow2_edit *e, struct qcow2_counts *placed, struct bp_error *err)
{
	struct qcow2_header *h = &e->q.h;
	uint64_t old = (uint64_t)h->reftable_clusters << h->cluster_bits, clusters = 0;

	if (qcow2_edit_drop(e, h->reftable_at, old, err) < 0 || place_blocks(e, placed, err) < 0)
		return -1;
	/* what it takes itself may need another block, and that a larger table */
	while (clusters < qcow2_clusters(h, e->n_blocks * 8)) {
		if (clusters && qcow2_edit_drop(e, h->reftable_at, clusters << h->cluster_bits,
						err) < 0)
			return -1;
		clusters = qcow2_clusters(h, e->n_blocks * 8);
		if (qcow2_edit_take(e, clusters, &h->reftable_at, err) < 0 ||
		    place_blocks(e, placed, err) < 0)
			return -1;
	}
	h->reftable_clusters = (uint32_t)clusters;
	return write_entries(e, e->blocks, e->n_blocks, h->reftable_at, clusters, err);
}

void qcow2_edit_block(const struct qcow2_edit *e, uint64_t i, unsigned char *buf)
{
	uint64_t per = UINT64_C(1) << qcow2_block_bits(&e->q);

	if (e->q.h.refcount_order == 4 && qcow2_counts_be16(&e->w.refs, i * per, per, buf))
		return;
	for (uint64_t j = 0; j < per; j++)
		qcow2_ref_put(&e->q, buf, j, qcow2_counts_get(&e->w.refs, i * per + j));
}

static int write_blocks(struct qcow2_edit *e, const struct qcow2_counts *placed,
			struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&e->q.h);
	auto_free unsigned char *buf = mem_alloc(size);
	uint64_t i = 0;

	for (; (i = qcow2_counts_next(placed, i)) != UINT64_MAX; i++) {
		qcow2_edit_block(e, i, buf);
		if (write_clusters(e, buf, size, e->blocks[i], err) < 0)
			return -1;
	}
	return 0;
}

static int write_refcounts(struct qcow2_edit *e, struct bp_error *err)
{
	struct qcow2_counts placed;
	int r;

	qcow2_counts_init(&placed, 1);
	r = place_table(e, &placed, err);
	if (r == 0)
		r = write_blocks(e, &placed, err);
	qcow2_counts_done(&placed);
	return r;
}

/* ---- the commit ---------------------------------------------------------------------- */

static int write_header(const struct qcow2_edit *e, const struct qcow2_header *h,
			struct bp_error *err)
{
	size_t end = h->version < 3 ? QCOW2_V2_LENGTH : CHANGES_END;
	unsigned char buf[QCOW2_LENGTH];

	qcow2_header_numbers(h, buf);
	return io_write(e->q.io, buf + CHANGES_AT, end - CHANGES_AT, CHANGES_AT, err);
}

/* What nothing leads to any more gives its space back, where that can be done. */
static void discard_freed(struct qcow2_edit *e)
{
	unsigned bits = e->q.h.cluster_bits;
	uint64_t c = 0, end;

	while ((c = qcow2_counts_next(&e->freed, c)) != UINT64_MAX) {
		struct bp_error ignored = { 0 };

		for (end = c; qcow2_counts_get(&e->freed, end) &&
			      !qcow2_counts_get(&e->w.refs, end) && end < e->old_size >> bits;)
			end++;
		if (end > c && io_discard(e->q.io, c << bits, (end - c) << bits, &ignored) < 0)
			return;
		c = end + 1;
	}
}

void qcow2_edit_trim(const struct qcow2_edit *e)
{
	unsigned bits = e->q.h.cluster_bits;
	struct bp_error ignored = { 0 };
	uint64_t size, end = 0, next = 0;

	while ((next = qcow2_counts_next(&e->w.refs, next)) != UINT64_MAX)
		end = ++next;
	if (io_size(e->q.io, &size, &ignored) == 0 && end << bits < size)
		(void)io_resize(e->q.io, end << bits, &ignored);
}

/* From now on it is as it shall be. */
static int publish(struct qcow2_edit *e, struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	struct qcow2_rewrite to;

	if (e->rewrite) {
		to = *e->rewrite;
		to.h = e->q.h;
		return qcow2_rewrite(e->q.io, &to, err);
	}
	if (write_header(e, &e->q.h, err) == 0 && io_sync(e->q.io, err) == 0)
		return 0;
	(void)write_header(e, &e->old, &ignored);
	return -1;
}

int qcow2_edit_abandon(const struct qcow2_edit *e)
{
	struct bp_error ignored = { 0 };

	(void)io_resize(e->q.io, e->old_size, &ignored);
	return -1;
}

int qcow2_edit_commit(struct qcow2_edit *e, struct bp_error *err)
{
	e->q.h.autoclear &= qcow2_data_elsewhere(&e->q.h) ? QCOW2_KNOWN_AUTOCLEAR : QCOW2_BITMAPS;
	if ((!e->marks_right && qcow2_edit_mark_all(e, err) < 0) || write_l1(e, err) < 0 ||
	    write_refcounts(e, err) < 0 || io_sync(e->q.io, err) < 0)
		return qcow2_edit_abandon(e);
	if (publish(e, err) < 0)
		return -1;
	discard_freed(e);
	return 0;
}

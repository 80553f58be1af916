/* qcow2_check.c - compare refcounts with what there is, and put them right. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

#define ROUNDS_MAX 4

/* A block can be there, and nothing else is. */
static bool is_block(struct qcow2_edit *e, uint64_t at)
{
	return qcow2_table_possible(&e->q, at) &&
	       !qcow2_counts_get(&e->w.refs, at >> e->q.h.cluster_bits);
}

/* Where the blocks are; one that cannot be there is none. */
static int read_blocks(struct qcow2_edit *e, enum bp_repair repair, struct bp_error *err)
{
	const struct qcow2_header *h = &e->q.h;

	e->n_blocks = ((uint64_t)h->reftable_clusters << h->cluster_bits) / 8;
	if (qcow2_read_entries(e->q.io, h->reftable_at, e->n_blocks, &e->blocks, err) < 0)
		return -1;
	for (uint64_t i = 0; i < e->n_blocks; i++) {
		uint64_t at = e->blocks[i];

		if (at && !is_block(e, at)) {
			qcow2_wrong(&e->w, "entry %" PRIu64 " of the refcount table leads to %"
				    PRIu64 ", where no block can be", i, at);
			e->w.sum.corruptions_fixed += repair == BP_REPAIR_ALL;
			e->blocks[i] = 0;
		} else if (at) {
			qcow2_refer(&e->w, "refcount block", at, qcow2_cluster_size(h), 1);
		}
	}
	return 0;
}

/* Nothing is counted by a table that cannot be there: all is counted anew. */
static void without_table(struct qcow2_edit *e, enum bp_repair repair, const char *why)
{
	qcow2_wrong(&e->w, "%s", why);
	e->w.sum.corruptions_fixed += repair == BP_REPAIR_ALL;
}

/* What the file says of a cluster, and what is so. */
static void compare(struct qcow2_edit *e, enum bp_repair repair, uint64_t c, uint64_t says,
		    uint64_t is)
{
	uint64_t block = c >> qcow2_block_bits(&e->q);

	if (says == is)
		return;
	e->taken_for_free |= !says;
	if (says > is)
		qcow2_leaks(&e->w, "cluster %" PRIu64 " is leaked: refcount %" PRIu64
			    ", references %" PRIu64, c, says, is);
	else
		qcow2_wrong(&e->w, "cluster %" PRIu64 " can be overwritten: refcount %" PRIu64
			    ", references %" PRIu64, c, says, is);
	if (repair == BP_REPAIR_ALL || (repair == BP_REPAIR_LEAKS && says > is)) {
		qcow2_counts_put(&e->dirty, block, 1);
		if (!is)
			qcow2_counts_put(&e->freed, c, 1);
		if (says > is)
			e->w.sum.leaks_fixed++;
		else
			e->w.sum.corruptions_fixed++;
	} else {
		qcow2_counts_put(&e->w.refs, c, says);
	}
}

/* Nearly always a block is as it should be.  Both are: where it ends. */
static bool is_right(struct qcow2_edit *e, uint64_t i, const unsigned char *buf,
		     unsigned char *right)
{
	uint64_t n = UINT64_C(1) << qcow2_block_bits(&e->q), first = i * n;

	qcow2_edit_block(e, i, right);
	if (memcmp(buf, right, (size_t)qcow2_cluster_size(&e->q.h)) != 0)
		return false;
	while (n && !qcow2_ref_get(&e->q, buf, n - 1))
		n--;
	if (n)
		e->w.sum.end = first + n;
	return true;
}

static int compare_block(struct qcow2_edit *e, enum bp_repair repair, uint64_t i,
			 unsigned char *buf, unsigned char *right, uint64_t end,
			 struct bp_error *err)
{
	uint64_t per = UINT64_C(1) << qcow2_block_bits(&e->q), first = i * per;
	uint64_t at = i < e->n_blocks ? e->blocks[i] : 0;

	if (!at && qcow2_counts_next(&e->w.refs, first) >= first + per)
		return 0;
	if (at && io_read(e->q.io, buf, (size_t)qcow2_cluster_size(&e->q.h), at, err) < 0)
		return -1;
	if (at && is_right(e, i, buf, right))
		return 0;
	for (uint64_t j = 0; j < per && first + j < end; j++) {
		uint64_t says = at ? qcow2_ref_get(&e->q, buf, j) : 0;
		uint64_t is = qcow2_counts_get(&e->w.refs, first + j);

		if (says || is)
			e->w.sum.end = first + j + 1;
		compare(e, repair, first + j, says, is);
	}
	return 0;
}

static int compare_all(struct qcow2_edit *e, enum bp_repair repair, struct bp_error *err)
{
	uint64_t end = e->w.clusters;
	size_t size = (size_t)qcow2_cluster_size(&e->q.h);
	auto_free unsigned char *buf = mem_resize(NULL, size, 1), *right = mem_alloc(size);

	for (uint64_t i = 0; i << qcow2_block_bits(&e->q) < end; i++)
		if (compare_block(e, repair, i, buf, right, end, err) < 0)
			return -1;
	return 0;
}

/* All or nothing.  Where an entry leads to what is free, or past the end of the file,
 * nothing may be written there; and what is not counted must not be taken for free. */
static bool can_repair(const struct qcow2_edit *e)
{
	return e->w.sum.corruptions == e->w.sum.corruptions_fixed + e->w.incomplete;
}

static void tell_repair(struct qcow2_edit *e, uint64_t c, uint64_t says, uint64_t is)
{
	if (says != is)
		qcow2_tell(&e->w, "repairing cluster %" PRIu64 ": refcount %" PRIu64
			   ", references %" PRIu64, c, says, is);
}

/* Where something was taken for free, all that was counted is.  Table and blocks get
 * another place: what they have had is given back. */
static void tell_anew(struct qcow2_edit *e)
{
	const struct qcow2_header *h = &e->q.h;
	uint64_t table = h->reftable_at >> h->cluster_bits, i = 0;

	qcow2_tell(&e->w, "the refcounts are written anew");
	for (; i < h->reftable_clusters; i++)
		tell_repair(e, table + i, qcow2_counts_get(&e->w.refs, table + i), 0);
	for (i = 0; (i = qcow2_counts_next(&e->dirty, i)) < e->n_blocks; i++)
		if (e->blocks[i])
			tell_repair(e, e->blocks[i] >> h->cluster_bits, 1, 0);
}

static int tell_repairs(struct qcow2_edit *e, struct bp_error *err)
{
	auto_free unsigned char *buf = mem_resize(NULL, (size_t)qcow2_cluster_size(&e->q.h), 1);
	uint64_t per = UINT64_C(1) << qcow2_block_bits(&e->q), i = 0;

	if (e->taken_for_free) {
		tell_anew(e);
		return 0;
	}
	for (; (i = qcow2_counts_next(&e->dirty, i)) < e->n_blocks; i++) {
		if (io_read(e->q.io, buf, (size_t)qcow2_cluster_size(&e->q.h), e->blocks[i],
			    err) < 0)
			return -1;
		for (uint64_t j = 0; j < per; j++)
			tell_repair(e, i * per + j, qcow2_ref_get(&e->q, buf, j),
				    qcow2_counts_get(&e->w.refs, i * per + j));
	}
	return 0;
}

static bool repairs(const struct qcow2_edit *e, enum bp_repair repair)
{
	return can_repair(e) && (repair == BP_REPAIR_ALL ||
				 qcow2_counts_next(&e->dirty, 0) != UINT64_MAX);
}

static int check_marks(struct qcow2_edit *e, enum bp_repair repair, struct bp_error *err)
{
	uint64_t wrong;

	/* Nearly always everything is used once, and marked so. */
	if (!e->w.shared && !e->w.unmarked && !e->w.sum.corruptions && !e->w.sum.leaks)
		return 0;
	if (repairs(e, repair) && e->w.teller && tell_repairs(e, err) < 0)
		return -1;
	if (qcow2_edit_marks(e, repairs(e, repair), &wrong, err) < 0)
		return -1;
	e->w.sum.corruptions += wrong;
	/* An edit of whatever kind puts them right. */
	if (repair == BP_REPAIR_ALL || qcow2_counts_next(&e->dirty, 0) != UINT64_MAX)
		e->w.sum.corruptions_fixed += wrong;
	return 0;
}

int qcow2_edit_load(struct qcow2_edit *e, struct bp_io *io, enum bp_repair repair,
		    const struct bp_teller *teller, const struct bp_progress *progress,
		    struct bp_error *err)
{
	struct bp_error no_table = { 0 };

	*e = (struct qcow2_edit){
		.w = { .q = &e->q, .teller = teller, .progress = progress,
		       .rescue = repair == BP_REPAIR_ALL },
	};
	qcow2_counts_init(&e->dirty, 1);
	qcow2_counts_init(&e->freed, 1);
	if (qcow2_open_disk(io, &e->q, err) < 0)
		return -1;
	e->old = e->q.h;
	e->old_size = e->q.file_size;
	if (qcow2_check_reftable(&e->q, &no_table) < 0)
		e->q.h.reftable_clusters = 0;
	if (qcow2_check_features(&e->q.h, err) < 0 || qcow2_walk(&e->w, err) < 0)
		return -1;
	e->snapshots_changed = e->w.sum.corruptions_fixed;	/* so far it is no more than that */
	if (no_table.code)
		without_table(e, repair, no_table.text);
	if (read_blocks(e, repair, err) < 0 || compare_all(e, repair, err) < 0)
		return -1;
	e->w.sum.end <<= e->q.h.cluster_bits;
	e->l1 = steal(e->w.l1);
	return check_marks(e, repair, err);
}

int qcow2_edit_begin(struct qcow2_edit *e, struct bp_io *io, const char *what,
		     struct bp_error *err)
{
	const struct qcow2_header *h = &e->q.h;

	if (qcow2_edit_load(e, io, BP_REPAIR_NOTHING, NULL, NULL, err) < 0)
		return -1;
	if (h->incompatible & (QCOW2_DIRTY | QCOW2_CORRUPT) ||
	    e->w.sum.corruptions > e->w.incomplete)
		return bp_fail(err, BP_CORRUPT, "%s: the image is damaged, or was not closed: "
			       "repair it first", what);
	return 0;
}

static int repair_all(struct qcow2_edit *e, struct bp_error *err)
{
	const struct bp_vol_check *sum = &e->w.sum;

	if (!e->w.incomplete)
		e->q.h.incompatible &= ~(uint64_t)(QCOW2_DIRTY | QCOW2_CORRUPT);
	if (!sum->corruptions_fixed && !sum->leaks_fixed &&
	    e->q.h.incompatible == e->old.incompatible &&
	    !(e->q.h.autoclear & ~(uint64_t)QCOW2_KNOWN_AUTOCLEAR))
		return 0;
	if (e->snapshots_changed && qcow2_snapshots_write(e, err) < 0)
		return qcow2_edit_abandon(e);
	return qcow2_edit_commit(e, err);
}

int qcow2_check(struct bp_io *io, enum bp_repair repair,
		const struct bp_teller *teller, const struct bp_progress *progress,
		struct bp_vol_check *ret, struct bp_error *err)
{
	uint64_t corruptions = 0, leaks = 0;
	bool again = true;

	/* Tables that others used for data, too, have moved then: their marks are the
	 * next to be put right.  The last round is the one that looks only. */
	for (int round = 0; again; round++) {
		cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
		struct bp_vol_check *sum = &e.w.sum;

		if (qcow2_edit_load(&e, io, repair, round ? NULL : teller, progress, err) < 0)
			return -1;
		again = repair != BP_REPAIR_NOTHING;
		if (again && e.snapshots_changed && !can_repair(&e))
			qcow2_tell(&e.w, "but nothing is changed, as not all of it can be "
				   "repaired");
		if (!again || !can_repair(&e) || round == ROUNDS_MAX)
			repair = BP_REPAIR_NOTHING;
		else if (repair_all(&e, err) < 0)
			return -1;
		else if (!sum->corruptions_fixed && !sum->leaks_fixed)
			again = false;
		if (repair != BP_REPAIR_NOTHING) {
			corruptions += sum->corruptions_fixed;
			leaks += sum->leaks_fixed;
		}
		*ret = *sum;
	}
	ret->corruptions_fixed = corruptions;
	ret->leaks_fixed = leaks;
	return 0;
}

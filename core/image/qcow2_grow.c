/* qcow2_grow.c - give the guest a larger disk with space of its own, or with zeros where
 * its backing file would show. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

#define PARTS_ZERO	UINT64_C(0xffffffff00000000)
#define PARTS_THERE	UINT64_C(0x00000000ffffffff)

/* Zeros; in the clusters from at on, or without any (0). */
static int set_zero(struct qcow2_table *t, uint64_t j, uint64_t at, struct bp_error *err)
{
	bool extended = t->e->q.h.incompatible & QCOW2_EXTENDED_L2;

	return qcow2_table_set(t, j, at | (extended ? 0 : QCOW2_ENTRY_ZERO), PARTS_ZERO, err);
}

static int go(struct qcow2_table *t, uint64_t cluster, uint64_t *ret_j, struct bp_error *err)
{
	uint64_t per = qcow2_l2_entries(&t->e->q.h);

	*ret_j = cluster % per;
	return qcow2_table_go(t, cluster / per, err);
}

static bool elsewhere(const struct qcow2_edit *e)
{
	return qcow2_data_elsewhere(&e->q.h);
}

/* All of it is the disk's own data, then zeros: see qcow2_tail_clear(). */
static bool is_whole(const struct qcow2_edit *e, const struct qcow2_entry *last)
{
	return last->kind == QCOW2_DATA && !elsewhere(e) && !e->q.h.encryption &&
	       qcow2_entry_size(&e->q.h) == 8 &&
	       qcow2_counts_get(&e->w.refs, last->at >> e->q.h.cluster_bits) == 1;
}

/* The cluster that the old disk ends in: what the guest has seen of it, then zeros. */
static int keep_last(struct qcow2_table *t, const struct bp_image_growth *g, struct bp_error *err)
{
	struct qcow2_edit *e = t->e;
	size_t size = (size_t)qcow2_cluster_size(&e->q.h);
	size_t keep = (size_t)(e->old.capacity & (size - 1));
	auto_free unsigned char *buf = mem_alloc(size);
	struct qcow2_entry last;
	uint64_t to, j;

	if (!keep || g->below <= e->old.capacity)
		return 0;
	if (go(t, e->old.capacity >> e->q.h.cluster_bits, &j, err) < 0)
		return -1;
	last = qcow2_table_entry(t, j);
	if (is_whole(e, &last))
		return 0;
	memcpy(buf, g->last, keep);
	to = e->old.capacity - keep;
	if ((!elsewhere(e) && qcow2_edit_take(e, 1, &to, err) < 0) ||
	    io_write(e->q.data, buf, elsewhere(e) ? keep : size, to, err) < 0)
		return -1;
	return qcow2_table_set(t, j, to | (elsewhere(e) ? QCOW2_COPIED : 0), PARTS_THERE, err);
}

static int hide(struct qcow2_table *t, uint64_t from, uint64_t to, struct bp_error *err)
{
	uint64_t j;

	if (from < to && t->e->q.h.version < 3)
		return bp_fail(err, BP_OP_UNSUPPORTED, "the backing file is larger than the image, "
			       "and would show in the new area: version 2 knows no zeros that "
			       "could hide it");
	for (; from < to; from++)
		if (go(t, from, &j, err) < 0 || set_zero(t, j, 0, err) < 0)
			return -1;
	return 0;
}

/* Clusters side by side.  What stood there before, or is encrypted, reads as zeros. */
static int reserve(struct qcow2_edit *e, enum bp_preallocation preallocate, uint64_t n,
		   uint64_t *ret_at, bool *ret_zero, struct bp_error *err)
{
	uint64_t len = n << e->q.h.cluster_bits, size;

	if (qcow2_edit_take_last(e, n, ret_at, err) < 0 || io_size(e->q.io, &size, err) < 0)
		return -1;
	*ret_zero = *ret_at >= size && !e->q.h.encryption;
	if (size < *ret_at + len && io_resize(e->q.io, *ret_at + len, err) < 0)
		return -1;
	if (e->q.file_size < *ret_at + len)
		e->q.file_size = *ret_at + len;
	if (preallocate == BP_PREALLOC_FULL || (!*ret_zero && e->q.h.version < 3)) {
		*ret_zero = !e->q.h.encryption;
		return io_fill(e->q.io, *ret_at, len, err);
	}
	return preallocate == BP_PREALLOC_FALLOC ? io_reserve_empty(e->q.io, *ret_at, len, err) : 0;
}

/* The data file is as large as the disk by now. */
static int lead_elsewhere(struct qcow2_table *t, enum bp_preallocation preallocate, uint64_t from,
			  uint64_t to, struct bp_error *err)
{
	struct qcow2_edit *e = t->e;
	uint64_t size = qcow2_cluster_size(&e->q.h), old = e->old.capacity, j;
	uint64_t len = e->q.h.capacity - old;

	if ((preallocate == BP_PREALLOC_FALLOC && io_reserve(e->q.data, old, len, err) < 0) ||
	    (preallocate == BP_PREALLOC_FULL && io_fill(e->q.data, old, len, err) < 0))
		return -1;
	for (; from < to; from++)
		if (go(t, from, &j, err) < 0 ||
		    qcow2_table_set(t, j, from * size | QCOW2_COPIED, PARTS_THERE, err) < 0)
			return -1;
	return 0;
}

static int reserve_all(struct qcow2_table *t, enum bp_preallocation preallocate, uint64_t from,
		       uint64_t to, struct bp_error *err)
{
	struct qcow2_edit *e = t->e;
	uint64_t at, j;
	bool zero;

	if (from >= to)
		return 0;
	if (elsewhere(e))
		return lead_elsewhere(t, preallocate, from, to, err);
	if (reserve(e, preallocate, to - from, &at, &zero, err) < 0)
		return -1;
	for (; from < to; from++, at += qcow2_cluster_size(&e->q.h)) {
		if (go(t, from, &j, err) < 0)
			return -1;
		if ((zero ? qcow2_table_set(t, j, at, PARTS_THERE, err) :
			    set_zero(t, j, at, err)) < 0)
			return -1;
	}
	return 0;
}

static int fill(struct qcow2_edit *e, const struct bp_image_growth *g, struct bp_error *err)
{
	cleanup(qcow2_table_done) struct qcow2_table t = { .e = e };
	const struct qcow2_header *h = &e->q.h;
	uint64_t from = qcow2_clusters(h, e->old.capacity), to = qcow2_clusters(h, h->capacity);
	uint64_t below = qcow2_clusters(h, g->below);

	if (keep_last(&t, g, err) < 0)
		return -1;
	if ((g->preallocate ? reserve_all(&t, g->preallocate, from, to, err) :
			hide(&t, from, below < to ? below : to, err)) < 0)
		return -1;
	if (qcow2_table_flush(&t, err) < 0)
		return -1;
	return elsewhere(e) ? io_sync(e->q.data, err) : 0;
}

int qcow2_grow_edit(struct bp_io *io, const struct qcow2 *q, const struct bp_image_growth *growth,
		    struct bp_error *err)
{
	struct bp_image_growth g = *growth;
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	uint64_t needed = qcow2_l1_needed(&q->h, g.capacity), old = q->h.l1_entries;

	if (qcow2_data_raw(&q->h) && !g.preallocate)	/* tables lead to all of it */
		g.preallocate = BP_PREALLOC_METADATA;
	if (qcow2_resize_check_behind(q, needed > old ? needed : old, err) < 0 ||
	    qcow2_grow_data(q, g.capacity, g.capacity, err) < 0 ||
	    qcow2_edit_begin(&e, io, "Can't resize", err) < 0 ||
	    qcow2_tail_clear(q, &e, g.preallocate, err) < 0)
		return -1;
	if (needed > old) {
		e.l1 = mem_resize(e.l1, needed, sizeof *e.l1);
		memset(e.l1 + old, 0, (needed - old) * sizeof *e.l1);
		e.q.h.l1_entries = (uint32_t)needed;
	}
	e.q.h.capacity = g.capacity;
	if (fill(&e, &g, err) < 0)
		return qcow2_edit_abandon(&e);
	return qcow2_resize_commit(&e, err);
}

int qcow2_grow(struct bp_io *io, const struct bp_image_growth *growth, struct bp_error *err)
{
	struct bp_image_growth g = *growth;
	struct qcow2 q;

	if (qcow2_resize_check(io, &q, &g.capacity, err) < 0)
		return -1;
	if (g.capacity <= q.h.capacity || (!g.preallocate && g.below <= q.h.capacity))
		return qcow2_resize_checked(&q, g.capacity, err);
	if (g.preallocate && q.h.encryption && q.h.version < 3)
		return bp_fail(err, BP_OP_UNSUPPORTED, "Can't give space to an encrypted image of "
			       "version 2, which knows no zeros");
	return qcow2_grow_edit(io, &q, &g, err);
}

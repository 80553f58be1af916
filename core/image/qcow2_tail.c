/* qcow2_tail.c - what the cluster that a disk ends in has behind that end.
 *
 * Nobody sees it, so that it can be changed where it is at any moment.  But a larger disk
 * would show it: QEMU leaves there what a smaller disk has cut off.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

struct tail {
	uint64_t at, len;		/* in the file; len 0: there is none */
};

static int find_entry(const struct qcow2 *q, uint64_t cluster, struct qcow2_entry *ret,
		      struct bp_error *err)
{
	const struct qcow2_header *h = &q->h;
	uint64_t per = qcow2_l2_entries(h), table;
	unsigned char buf[16] = { 0 };
	struct bytes b = { buf, qcow2_entry_size(h) };

	*ret = (struct qcow2_entry){ .kind = QCOW2_HOLE };
	if (io_read(q->io, buf, 8, h->l1_at + cluster / per * 8, err) < 0)
		return -1;
	table = qcow2_l1_target(be64_at((struct bytes){ buf, 8 }, 0));
	if (!table || !qcow2_table_possible(q, table))
		return 0;
	if (io_read(q->io, buf, b.len, table + cluster % per * b.len, err) < 0)
		return -1;
	*ret = qcow2_entry_slow(h, b, 0);
	return 0;
}

/* A snapshot may show all of a cluster that it shares; encrypted bytes mean something where
 * they stand; and what is kept in another file ends where the disk does. */
static int find_tail(const struct qcow2 *q, struct tail *ret, struct bp_error *err)
{
	const struct qcow2_header *h = &q->h;
	uint64_t keep = h->capacity & (qcow2_cluster_size(h) - 1);
	struct qcow2_entry e;

	*ret = (struct tail){ 0 };
	if (!keep || h->encryption || qcow2_data_elsewhere(h))
		return 0;
	if (find_entry(q, h->capacity >> h->cluster_bits, &e, err) < 0)
		return -1;
	if (e.kind != QCOW2_DATA || e.wrong || !e.copied || e.at + keep >= q->file_size)
		return 0;
	ret->at = e.at + keep;
	ret->len = qcow2_cluster_size(h) - keep;
	return 0;
}

static int clear(const struct qcow2 *q, const struct qcow2_edit *checked, const struct tail *t,
		 enum bp_preallocation preallocate, struct bp_error *err)
{
	if (qcow2_counts_get(&checked->w.refs, t->at >> q->h.cluster_bits) != 1)
		return 0;
	if (preallocate == BP_PREALLOC_FALLOC && io_reserve(q->io, t->at, t->len, err) < 0)
		return -1;
	return io_fill(q->io, t->at, t->len, err) < 0 ? -1 : io_sync(q->io, err);
}

int qcow2_tail_clear(const struct qcow2 *q, const struct qcow2_edit *checked,
		     enum bp_preallocation preallocate, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	auto_free unsigned char *buf = NULL;
	struct tail t;

	if (find_tail(q, &t, err) < 0)
		return -1;
	if (!t.len)
		return 0;
	buf = mem_alloc((size_t)t.len);
	if (io_read(q->io, buf, (size_t)t.len, t.at, err) < 0)
		return -1;
	if (preallocate < BP_PREALLOC_FALLOC && is_zero(buf, (size_t)t.len))
		return 0;
	/* an entry may lead to what is no data */
	if (!checked && qcow2_edit_begin(&e, q->io, "Can't resize", err) < 0)
		return -1;
	return clear(q, checked ? checked : &e, &t, preallocate, err);
}

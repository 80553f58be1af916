/* qcow2_shrink.c - give the guest a smaller disk: what lies behind its new end is gone.
 *
 * But what an encrypted disk has in the cluster that it ends in: as with QEMU, that comes
 * back when the disk grows.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

#define PARTS 32	/* of a cluster, where entries are extended */

/* The parts that lie before keep, and one that does so in part. */
static uint64_t parts_before(struct qcow2_table *t, uint64_t j, uint64_t keep)
{
	uint64_t part = qcow2_cluster_size(&t->e->q.h) / PARTS;
	uint64_t kept = (UINT64_C(1) << (keep + part - 1) / part) - 1;
	struct bytes entry = { qcow2_table_place(t, j), qcow2_entry_size(&t->e->q.h) };

	return be64_at(entry, 8) & (kept << PARTS | kept);
}

/* A cluster that is the disk's alone stays: what is cut off is zeroed when nobody sees it. */
static int keep_head(struct qcow2_table *t, uint64_t j, uint64_t keep)
{
	if (qcow2_entry_size(&t->e->q.h) == 16) {
		put_be64(qcow2_table_place(t, j) + 8, parts_before(t, j, keep));
		t->changed = true;
	}
	return 0;
}

static bool is_alone(const struct qcow2_edit *e, const struct qcow2_entry *entry)
{
	return qcow2_counts_get(&e->w.refs, entry->at >> e->q.h.cluster_bits) == 1;
}

/* The part of the last cluster that stays, in a cluster of its own, and zeros behind
 * it: who makes the disk larger again must not find what was there. */
static int copy_head(struct qcow2_table *t, uint64_t j, uint64_t from, uint64_t keep,
		     struct bp_error *err)
{
	struct qcow2_edit *e = t->e;
	size_t size = (size_t)qcow2_cluster_size(&e->q.h);
	auto_free unsigned char *buf = mem_alloc(size);
	uint64_t parts = parts_before(t, j, keep), to;

	/* the cluster may reach past the end of the file */
	if (from >= e->q.file_size)
		keep = 0;
	else if (keep > e->q.file_size - from)
		keep = e->q.file_size - from;
	if (keep && io_read(e->q.io, buf, (size_t)keep, from, err) < 0)
		return -1;
	if (qcow2_edit_take(e, 1, &to, err) < 0 || io_write(e->q.io, buf, size, to, err) < 0)
		return -1;
	return qcow2_table_set(t, j, to, parts, err);
}

/* The same of a compressed one, which is not compressed any more then. */
static int unpack_head(struct qcow2_table *t, uint64_t j, uint64_t keep, struct bp_error *err)
{
	struct qcow2_edit *e = t->e;
	size_t size = (size_t)qcow2_cluster_size(&e->q.h);
	auto_free unsigned char *buf = mem_alloc(size);
	struct bp_guest *guest;
	uint64_t to;
	int r;

	if (qcow2_open_guest(e->q.io, &guest, err) < 0)
		return -1;
	r = guest_read(guest, buf, (size_t)keep, e->q.h.capacity - keep, err);
	guest_close(guest);
	if (r < 0 || qcow2_edit_take(e, 1, &to, err) < 0 ||
	    io_write(e->q.io, buf, size, to, err) < 0)
		return -1;
	return qcow2_table_set(t, j, to, UINT32_MAX, err);
}

static int cut_cluster(struct qcow2_table *t, uint64_t j, uint64_t keep, struct bp_error *err)
{
	struct qcow2_entry entry = qcow2_table_entry(t, j);

	/* Encrypted bytes mean something where they stand, and there only; those in another
	 * file stay there. */
	if (t->e->q.h.encryption || qcow2_data_elsewhere(&t->e->q.h))
		return 0;
	if (entry.kind == QCOW2_DATA && is_alone(t->e, &entry))
		return keep_head(t, j, keep);
	if (entry.kind == QCOW2_DATA)
		return copy_head(t, j, entry.at, keep, err);
	if (entry.kind == QCOW2_COMPRESSED)
		return unpack_head(t, j, keep, err);
	return 0;
}

/* Nothing behind the end of the disk in the table that it ends in. */
static int cut_table(struct qcow2_table *t, uint64_t capacity, struct bp_error *err)
{
	const struct qcow2_header *h = &t->e->q.h;
	uint64_t per = qcow2_l2_entries(h), keep = capacity & (qcow2_cluster_size(h) - 1);
	uint64_t j = (capacity >> h->cluster_bits) % per;

	if (keep && cut_cluster(t, j, keep, err) < 0)
		return -1;
	for (j += !!keep; j < per; j++)
		if (qcow2_table_entry(t, j).kind != QCOW2_HOLE &&
		    qcow2_table_set(t, j, 0, 0, err) < 0)
			return -1;
	return qcow2_table_flush(t, err);
}

/* When the image does not lead there any more: what it had there must not come back.  Who is
 * interrupted before is safe, as it is zeroed when the disk grows. */
static int cut_data(const struct qcow2_edit *e, struct bp_error *err)
{
	struct bp_error cannot = { 0 };
	uint64_t size, from = e->q.h.capacity, to = e->old.capacity;

	if (!qcow2_data_elsewhere(&e->q.h))
		return 0;
	if (io_size(e->q.data, &size, err) < 0)
		return -1;
	/* a device keeps its size */
	if (size > from && io_resize(e->q.data, from, &cannot) < 0 &&
	    io_zero(e->q.data, from, (size < to ? size : to) - from, err) < 0)
		return -1;
	return io_sync(e->q.data, err);
}

int qcow2_shrink(struct bp_io *io, const struct qcow2 *q, uint64_t capacity, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	cleanup(qcow2_table_done) struct qcow2_table t = { .e = &e };
	struct qcow2_header *h = &e.q.h;
	struct bp_error later = { 0 };	/* then it is done when the disk grows */
	uint64_t needed;

	if (qcow2_resize_check_behind(q, q->h.l1_entries, err) < 0 ||
	    qcow2_edit_begin(&e, io, "Can't resize", err) < 0)
		return -1;
	needed = qcow2_l1_needed(h, capacity);
	if (qcow2_edit_tree(&e, e.l1 + needed, h->l1_entries - needed, false, err) < 0)
		return -1;
	h->l1_entries = (uint32_t)needed;
	h->capacity = capacity;
	if (capacity & ((UINT64_C(1) << qcow2_l1_bits(h)) - 1) &&
	    qcow2_l1_target(e.l1[needed - 1]) &&
	    (qcow2_table_go(&t, needed - 1, err) < 0 || cut_table(&t, capacity, err) < 0))
		return -1;
	if (qcow2_resize_commit(&e, err) < 0)
		return -1;
	(void)qcow2_tail_clear(&e.q, &e, BP_PREALLOC_OFF, &later);
	qcow2_edit_trim(&e);
	return cut_data(&e, err);
}

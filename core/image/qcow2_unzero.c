/* qcow2_unzero.c - zeros that are told of become zeros that are there, as version 2 needs them.
 *
 * Snapshots have tables of their own, or share them: each table is rewritten once, and all
 * that led to it lead to the new one.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

struct unzero {
	struct qcow2_edit *e;
	struct qcow2_counts moved;	/* of each old table: the cluster of the new */
	unsigned char *old, *new, *zeros;
	uint64_t done, total;		/* tables led to */
	const struct bp_progress *progress;
};

static void unzero_done(struct unzero *u)
{
	qcow2_counts_done(&u->moved);
	free(u->old);
	free(u->new);
	free(u->zeros);
}

static size_t cluster(const struct unzero *u)
{
	return (size_t)qcow2_cluster_size(&u->e->q.h);
}

static struct qcow2_entry entry_of(const struct unzero *u, const unsigned char *table, uint64_t j)
{
	return qcow2_entry_slow(&u->e->q.h, (struct bytes){ table, cluster(u) }, j);
}

static bool is_zero_entry(const struct qcow2_entry *entry)
{
	return entry->kind == QCOW2_ZERO || entry->kind == QCOW2_ZERO_KEPT;
}

/* Without a backing file what is not there is zeros, too. */
static int replace(struct unzero *u, uint64_t j, struct bp_error *err)
{
	struct qcow2_edit *e = u->e;
	uint64_t to = 0;

	if (e->q.h.backing_at && (qcow2_edit_take(e, 1, &to, err) < 0 ||
				  io_write(e->q.io, u->zeros, cluster(u), to, err) < 0))
		return -1;
	put_be64(u->new + j * 8, to);
	return 0;
}

/* What led to the old table leads to the new one; not the first time, for which it was made. */
static int recount(struct unzero *u, uint64_t from, uint64_t to, bool first, struct bp_error *err)
{
	struct qcow2_edit *e = u->e;

	if (qcow2_edit_drop(e, from, cluster(u), err) < 0 ||
	    (!first && qcow2_edit_add(e, to, cluster(u), err) < 0))
		return -1;
	for (uint64_t j = 0; j < qcow2_l2_entries(&e->q.h); j++) {
		struct qcow2_entry was = entry_of(u, u->old, j), is = entry_of(u, u->new, j);

		if (!is_zero_entry(&was))
			continue;
		if (was.kind == QCOW2_ZERO_KEPT && qcow2_edit_drop(e, was.at, was.len, err) < 0)
			return -1;
		if (!first && is.kind == QCOW2_DATA && qcow2_edit_add(e, is.at, is.len, err) < 0)
			return -1;
	}
	return 0;
}

static int make(struct unzero *u, uint64_t from, uint64_t *ret_to, struct bp_error *err)
{
	struct qcow2_edit *e = u->e;
	bool found = false;

	*ret_to = from;
	memcpy(u->new, u->old, cluster(u));
	for (uint64_t j = 0; j < qcow2_l2_entries(&e->q.h); j++) {
		struct qcow2_entry was = entry_of(u, u->old, j);

		if (!is_zero_entry(&was))
			continue;
		found = true;
		if (replace(u, j, err) < 0)
			return -1;
	}
	if (!found)
		return 0;
	if (qcow2_edit_take(e, 1, ret_to, err) < 0 ||
	    io_write(e->q.io, u->new, cluster(u), *ret_to, err) < 0)
		return -1;
	qcow2_counts_put(&u->moved, from >> e->q.h.cluster_bits, *ret_to >> e->q.h.cluster_bits);
	return recount(u, from, *ret_to, true, err);
}

static int unzero_table(struct unzero *u, uint64_t from, uint64_t *ret_to, struct bp_error *err)
{
	struct qcow2_edit *e = u->e;
	uint64_t moved = qcow2_counts_get(&u->moved, from >> e->q.h.cluster_bits);

	if (io_read(e->q.io, u->old, cluster(u), from, err) < 0)
		return -1;
	if (!moved)
		return make(u, from, ret_to, err);
	*ret_to = moved << e->q.h.cluster_bits;
	if (io_read(e->q.io, u->new, cluster(u), *ret_to, err) < 0)
		return -1;
	return recount(u, from, *ret_to, false, err);
}

/* True in *ret: an entry has changed. */
static int unzero_l1(struct unzero *u, uint64_t *l1, uint64_t n, bool *ret, struct bp_error *err)
{
	*ret = false;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t from = qcow2_l1_target(l1[i]), to;

		if (!from)
			continue;
		if (progress_tell(u->progress, u->done++, u->total, err) < 0 ||
		    unzero_table(u, from, &to, err) < 0)
			return -1;
		if (to == from)
			continue;
		l1[i] = (l1[i] & QCOW2_L1_RESERVED) | to;
		*ret = true;
		if (u->e->q.file_size < to + cluster(u))
			u->e->q.file_size = to + cluster(u);
	}
	return 0;
}

/* The L1 table of a snapshot anew. */
static int unzero_snapshot(struct unzero *u, struct qcow2_snapshot *s, bool *ret,
			   struct bp_error *err)
{
	struct qcow2_edit *e = u->e;
	uint64_t len = (uint64_t)s->l1_entries * 8;
	auto_free uint64_t *l1 = NULL;
	auto_free unsigned char *buf = NULL;
	bool changed;

	if (qcow2_read_entries(e->q.io, s->l1_at, s->l1_entries, &l1, err) < 0 ||
	    unzero_l1(u, l1, s->l1_entries, &changed, err) < 0)
		return -1;
	if (!changed)
		return 0;
	*ret = true;
	buf = mem_alloc((size_t)len);
	for (uint64_t i = 0; i < s->l1_entries; i++)
		put_be64(buf + i * 8, l1[i]);
	if (qcow2_edit_drop(e, s->l1_at, len, err) < 0 ||
	    qcow2_edit_take(e, qcow2_clusters(&e->q.h, len), &s->l1_at, err) < 0)
		return -1;
	return io_write(e->q.io, buf, (size_t)len, s->l1_at, err);
}

static int unzero_all(struct unzero *u, struct bp_error *err)
{
	struct qcow2_edit *e = u->e;
	bool active, snapshots = false;

	if (unzero_l1(u, e->l1, e->q.h.l1_entries, &active, err) < 0)
		return -1;
	for (size_t i = 0; i < e->w.snapshots.n; i++)
		if (unzero_snapshot(u, &e->w.snapshots.list[i], &snapshots, err) < 0)
			return -1;
	if (snapshots && qcow2_snapshots_write(e, err) < 0)
		return -1;
	return active || snapshots ? qcow2_edit_commit(e, err) : 0;
}

int qcow2_unzero(struct qcow2_edit *e, const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(unzero_done) struct unzero u = { .e = e, .progress = progress };

	u.total = e->q.h.l1_entries;
	for (size_t i = 0; i < e->w.snapshots.n; i++)
		u.total += e->w.snapshots.list[i].l1_entries;
	qcow2_counts_init(&u.moved, UINT32_MAX);
	u.old = mem_alloc(cluster(&u));
	u.new = mem_alloc(cluster(&u));
	u.zeros = mem_alloc(cluster(&u));
	if (unzero_all(&u, err) == 0)
		return progress_tell(progress, u.total, u.total, err);
	return qcow2_edit_abandon(e);
}

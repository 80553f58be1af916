/* qcow2_walk.c - count everything in a qcow2 image that leads to a cluster. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

/* In the L1 tables of all snapshots: as many snapshots as there can be of a full
 * disk of 2 TiB.  An image may say that they all have one huge table. */
#define SNAPSHOT_ENTRIES_MAX (UINT64_C(1) << 28)

__attribute__((format(printf, 2, 0)))
static void tell(struct qcow2_walk *w, const char *fmt, va_list ap)
{
	char text[300];

	if (!w->teller)
		return;
	vsnprintf(text, sizeof text, fmt, ap);
	w->teller->tell(w->teller->arg, text);
}

void qcow2_wrong(struct qcow2_walk *w, const char *fmt, ...)
{
	va_list ap;

	w->sum.corruptions++;
	va_start(ap, fmt);
	tell(w, fmt, ap);
	va_end(ap);
}

void qcow2_tell(struct qcow2_walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(w, fmt, ap);
	va_end(ap);
}

void qcow2_leaks(struct qcow2_walk *w, const char *fmt, ...)
{
	va_list ap;

	w->sum.leaks++;
	va_start(ap, fmt);
	tell(w, fmt, ap);
	va_end(ap);
}

void qcow2_refer(struct qcow2_walk *w, const char *what, uint64_t at, uint64_t len,
		 uint64_t times)
{
	uint64_t c = at >> w->q->h.cluster_bits, end;

	if (!len)
		return;
	end = len > UINT64_MAX - at ? UINT64_MAX : (at + len - 1) >> w->q->h.cluster_bits;
	if (end >= w->clusters) {
		qcow2_wrong(w, "the %s at %" PRIu64 ", %" PRIu64 " bytes, reaches past the end of "
			    "the file", what, at, len);
		return;
	}
	while (c <= end) {
		bool used = false;
		uint64_t n, done = qcow2_counts_raise(&w->refs, c, end + 1 - c, times, &used);

		w->shared |= done && (used || times > 1);
		c += done;
		if (done)
			continue;
		n = qcow2_counts_add(&w->refs, c, times);
		w->shared |= n != 1;
		if (!n)
			qcow2_wrong(w, "cluster %" PRIu64 " is used more often than can be "
				    "counted", c);
		c++;
	}
}

/* Of nearly all entries. */
static void refer_one(struct qcow2_walk *w, const struct qcow2_entry *e, uint64_t times)
{
	uint64_t c = e->at >> w->q->h.cluster_bits, n;

	if (e->kind == QCOW2_DATA && !e->wrong && c < w->clusters &&
	    (n = qcow2_counts_add(&w->refs, c, times))) {
		w->shared |= n != 1;
		return;
	}
	qcow2_refer(w, e->kind == QCOW2_COMPRESSED ? "compressed cluster" : "cluster", e->at,
		    e->len, times);
}

static void walk_l1_entries(struct qcow2_walk *w, const uint64_t *l1, uint64_t n, bool active)
{
	uint64_t size = qcow2_cluster_size(&w->q->h);

	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = qcow2_l1_target(l1[i]), c = at >> w->q->h.cluster_bits, seen;

		if (l1[i] & QCOW2_L1_RESERVED || (l1[i] && !at))
			qcow2_wrong(w, "entry %" PRIu64 " of an L1 table has bits that mean "
				    "nothing", i);
		if (!at)
			continue;
		if (!qcow2_table_possible(w->q, at)) {
			qcow2_wrong(w, "entry %" PRIu64 " of an L1 table leads to %" PRIu64
				    ", where no L2 table can be", i, at);
			continue;
		}
		seen = qcow2_counts_get(&w->tables, c);
		w->n_tables += !seen;
		w->unmarked += active && !(l1[i] & QCOW2_COPIED);
		if (active && seen & QCOW2_ACTIVE)
			qcow2_wrong(w, "two entries of the L1 table lead to the L2 table at %"
				    PRIu64, at);
		if ((seen & ~(uint64_t)QCOW2_ACTIVE) < QCOW2_ACTIVE - 1)
			qcow2_counts_put(&w->tables, c, (seen + 1) | (active ? QCOW2_ACTIVE : 0));
		qcow2_refer(w, "L2 table", at, size, 1);
	}
}

/* The L1 table of a snapshot is where one can be. */
static bool check_place(struct qcow2_walk *w, const struct qcow2_snapshot *s)
{
	uint64_t len = (uint64_t)s->l1_entries * 8, at = s->l1_at;
	bool in_file = (at || !len) && at <= w->q->file_size && len <= w->q->file_size - at;

	if (len <= QCOW2_MAX_L1 && in_file && !(at & (qcow2_cluster_size(&w->q->h) - 1)))
		return true;
	if (len > QCOW2_MAX_L1)
		qcow2_wrong(w, "the L1 table of snapshot '%s' (%s) has %" PRIu32 " entries", s->id,
			    s->name, s->l1_entries);
	else
		qcow2_wrong(w, "the L1 table of snapshot '%s' (%s) is at %" PRIu64
			    ", where none can be", s->id, s->name, at);
	return false;
}

static int walk_snapshots(struct qcow2_walk *w, struct bp_error *err)
{
	uint64_t entries = 0;

	qcow2_refer(w, "snapshot table", w->q->h.snapshots_at, w->snapshots.len, 1);
	for (size_t i = 0; i < w->snapshots.n; i++) {
		const struct qcow2_snapshot *s = &w->snapshots.list[i];
		auto_free uint64_t *l1 = NULL;

		if (!check_place(w, s))
			continue;
		entries += s->l1_entries;
		if (entries > SNAPSHOT_ENTRIES_MAX)
			return bp_fail(err, BP_CORRUPT, "the L1 tables of the snapshots are "
				       "absurdly large");
		qcow2_refer(w, "L1 table of a snapshot", s->l1_at, (uint64_t)s->l1_entries * 8, 1);
		if (qcow2_read_entries(w->q->io, s->l1_at, s->l1_entries, &l1, err) < 0)
			return -1;
		walk_l1_entries(w, l1, s->l1_entries, false);
	}
	return 0;
}

/* What QEMU tells of how an image lies in its file: a cluster that does not
 * follow the one before it, in the same table, is a fragment. */
static void sum_up(struct qcow2_walk *w, const struct qcow2_entry *e, uint64_t *next)
{
	struct bp_vol_check *sum = &w->sum;

	w->unmarked += !e->copied;
	sum->allocated++;
	if (e->kind == QCOW2_COMPRESSED) {
		sum->compressed++;
		sum->fragmented++;
		return;
	}
	sum->fragmented += *next && e->at != *next;
	*next = e->at + e->len;
}

/* n clusters side by side, of data.  False: they are not all in the file. */
static bool walk_run(struct qcow2_walk *w, const struct qcow2_entry *e, uint64_t n,
		     uint64_t times, bool active, uint64_t *next)
{
	if ((e->at >> w->q->h.cluster_bits) + n > w->clusters)
		return false;
	if (active) {
		sum_up(w, e, next);
		w->unmarked += e->copied ? 0 : n - 1;
		w->sum.allocated += n - 1;
		*next = e->at + n * e->len;
	}
	qcow2_refer(w, "cluster", e->at, n * e->len, times);
	return true;
}

static void walk_l2(struct qcow2_walk *w, struct bytes table, uint64_t at, uint32_t times,
		    bool active)
{
	const struct qcow2_header *h = &w->q->h;
	bool own_data = !qcow2_data_elsewhere(h);
	uint64_t n = qcow2_l2_entries(h), next = 0, odd = qcow2_entry_odd(h);

	for (uint64_t i = 0, run; i < n; i += run) {
		struct qcow2_entry e = qcow2_entry_at(h, odd, table, i);

		run = qcow2_entry_run(h, odd, table, i);
		if (run > 1 && walk_run(w, &e, run, times, active, &next))
			continue;
		run = 1;
		if (e.spare && w->rescue && active && times == 1) {
			qcow2_wrong(w, "repairing an entry that keeps a cluster at %" PRIx64
				    ", inside another, for nothing", e.at);
			w->sum.corruptions_fixed++;
			continue;
		}
		if (e.wrong)
			qcow2_wrong(w, "entry %" PRIu64 " of the L2 table at %" PRIu64 ": %s", i,
				    at, e.wrong);
		if (e.kind == QCOW2_HOLE || e.kind == QCOW2_ZERO)
			continue;
		if (active)
			sum_up(w, &e, &next);
		if (own_data)
			refer_one(w, &e, times);
		else if (e.kind == QCOW2_COMPRESSED)
			qcow2_wrong(w, "a compressed cluster in an image whose data is elsewhere");
	}
}

/* Each table once, however many snapshots have it. */
static int walk_tables(struct qcow2_walk *w, struct bp_error *err)
{
	cleanup(qcow2_l2_done) struct qcow2_l2 l2 = { .q = w->q };
	uint64_t c = 0, done = 0, size = qcow2_cluster_size(&w->q->h);

	for (; (c = qcow2_counts_next(&w->tables, c)) != UINT64_MAX; c++) {
		uint32_t seen = (uint32_t)qcow2_counts_get(&w->tables, c);
		uint64_t at = c << w->q->h.cluster_bits;
		struct bytes table;

		if (progress_tell(w->progress, done++ * size, w->n_tables * size, err) < 0 ||
		    qcow2_l2_read(&l2, at, &table, err) < 0)
			return -1;
		if (table.len)
			walk_l2(w, table, at, seen & ~QCOW2_ACTIVE, seen & QCOW2_ACTIVE);
	}
	return 0;
}

/* In another file each byte of the guest is where the guest has it.  from: of what the table
 * leads to. */
static void walk_places(struct qcow2_walk *w, struct bytes table, uint64_t at, uint64_t from)
{
	const struct qcow2_header *h = &w->q->h;
	uint64_t odd = qcow2_entry_odd(h), size = qcow2_cluster_size(h);

	for (uint64_t i = 0; i < qcow2_l2_entries(h); i++, from += size) {
		struct qcow2_entry e = qcow2_entry_at(h, odd, table, i);

		if ((e.kind == QCOW2_DATA || e.kind == QCOW2_ZERO_KEPT) && e.at != from)
			qcow2_wrong(w, "entry %" PRIu64 " of the L2 table at %" PRIu64 " leads to %"
				    PRIu64 " of the data file, though the guest has that at %"
				    PRIu64, i, at, e.at, from);
	}
}

/* A table that several entries lead to is wrong anyway. */
static int walk_elsewhere(struct qcow2_walk *w, struct bp_error *err)
{
	cleanup(qcow2_l2_done) struct qcow2_l2 l2 = { .q = w->q };
	const struct qcow2_header *h = &w->q->h;
	struct bytes table;

	if (h->n_snapshots)
		qcow2_wrong(w, "there are %" PRIu32 " snapshots, though the data is in another "
			    "file", h->n_snapshots);
	for (uint64_t i = 0; i < h->l1_entries; i++) {
		uint64_t at = qcow2_l1_target(w->l1[i]);

		if (!at || !qcow2_table_possible(w->q, at) ||
		    qcow2_counts_get(&w->tables, at >> h->cluster_bits) != (QCOW2_ACTIVE | 1))
			continue;
		if (qcow2_l2_read(&l2, at, &table, err) < 0)
			return -1;
		if (table.len)
			walk_places(w, table, at, i << qcow2_l1_bits(h));
	}
	return 0;
}

void qcow2_walk_done(struct qcow2_walk *w)
{
	qcow2_counts_done(&w->refs);
	qcow2_counts_done(&w->tables);
	qcow2_snapshots_done(&w->snapshots);
	free(w->l1);
	w->l1 = NULL;
}

int qcow2_walk(struct qcow2_walk *w, struct bp_error *err)
{
	const struct qcow2_header *h = &w->q->h;

	w->clusters = qcow2_clusters(h, w->q->file_size);
	if (w->clusters > INT32_MAX)
		return bp_fail(err, BP_OP_UNSUPPORTED, "the file has %" PRIu64
			       " clusters, more than can be counted", w->clusters);
	qcow2_counts_init(&w->refs, qcow2_ref_max(w->q));
	qcow2_counts_init(&w->tables, UINT32_MAX);
	w->sum.total = qcow2_clusters(h, h->capacity);
	if (qcow2_walk_snapshot_table(w, err) < 0)
		return -1;
	qcow2_refer(w, "header", 0, 1, 1);
	qcow2_refer(w, "refcount table", h->reftable_at,
		    (uint64_t)h->reftable_clusters << h->cluster_bits, 1);
	qcow2_refer(w, "L1 table", h->l1_at, (uint64_t)h->l1_entries * 8, 1);
	if (qcow2_read_entries(w->q->io, h->l1_at, h->l1_entries, &w->l1, err) < 0)
		return -1;
	walk_l1_entries(w, w->l1, h->l1_entries, true);
	if (walk_snapshots(w, err) < 0 || walk_tables(w, err) < 0 ||
	    (qcow2_data_elsewhere(h) && walk_elsewhere(w, err) < 0))
		return -1;
	return qcow2_walk_extensions(w, err);
}

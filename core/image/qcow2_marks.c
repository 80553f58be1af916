/* qcow2_marks.c - marks (COPIED) of what nothing else leads to, in the tables of an edit. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/image/qcow2_tree.h"

static uint64_t refcount(const struct qcow2_edit *e, uint64_t at)
{
	return qcow2_counts_get(&e->w.refs, at >> e->q.h.cluster_bits);
}

static bool alone(const struct qcow2_edit *e, uint64_t at)
{
	return refcount(e, at) == 1;
}

/* What is in another file nobody shares. */
static bool data_alone(const struct qcow2_edit *e, uint64_t at)
{
	return qcow2_data_elsewhere(&e->q.h) || alone(e, at);
}

static void tell_mark(struct qcow2_edit *e, bool repairing, uint64_t entry, uint64_t at)
{
	qcow2_tell(&e->w, repairing ? "repairing the mark of entry %" PRIx64 " of an L2 table: "
		   "refcount %" PRIu64 : "the mark of entry %" PRIx64 " of an L2 table is wrong: "
		   "refcount %" PRIu64, entry, refcount(e, at));
}

/* Of a run of clusters side by side so many at once as are right, or else as are wrong and not
 * told of: these are put right. */
static uint64_t mark_some(const struct qcow2_edit *e, const struct qcow2_entry *first,
			  uint64_t run, unsigned char *place, bool told, uint64_t *wrong)
{
	uint64_t c = first->at >> e->q.h.cluster_bits;
	uint64_t n = qcow2_counts_ones(&e->w.refs, c, run, first->copied);

	if (n || told)
		return n;
	n = qcow2_counts_ones(&e->w.refs, c, run, !first->copied);
	for (uint64_t i = 0; i < n; i++)
		place[i * 8] ^= 0x80;	/* QCOW2_COPIED */
	*wrong += n;
	return n;
}

/* told: they are told of, as wrong or as being put right.  A repair has told before of what is
 * kept where nothing can be, and it goes with them. */
static uint64_t mark(struct qcow2_edit *e, unsigned char *table, bool told, bool repairing)
{
	const struct qcow2_header *h = &e->q.h;
	struct bytes b = { table, (size_t)qcow2_cluster_size(h) };
	uint64_t wrong = 0, odd = qcow2_entry_odd(h), run = 0, n = 0;

	for (uint64_t i = 0; i < qcow2_l2_entries(h); i += n, run -= run ? n : 0) {
		struct qcow2_entry entry = qcow2_entry_at(h, odd, b, i);
		uint64_t at = i * qcow2_entry_size(h);

		if (!run)
			run = qcow2_entry_run(h, odd, b, i);
		if (run && (n = mark_some(e, &entry, run, table + at, told, &wrong)))
			continue;
		n = 1;
		if (entry.spare && e->w.rescue && !told) {
			put_be64(table + at, qcow2_entry_size(h) == 8 ? QCOW2_ENTRY_ZERO : 0);
			wrong++;
			continue;
		}
		if ((entry.kind != QCOW2_DATA && entry.kind != QCOW2_ZERO_KEPT) || entry.wrong ||
		    entry.copied == data_alone(e, entry.at))
			continue;
		if (told)
			tell_mark(e, repairing, be64_at(b, at), entry.at);
		table[at] ^= 0x80;	/* QCOW2_COPIED */
		wrong++;
	}
	return wrong;
}

uint64_t qcow2_edit_mark(struct qcow2_edit *e, unsigned char *table)
{
	return mark(e, table, false, false);
}

/* Entry i of L1, as it has to be if it leads there. */
static uint64_t marked(const struct qcow2_edit *e, uint64_t i, uint64_t at)
{
	return (e->l1[i] & QCOW2_L1_RESERVED) | at | (alone(e, at) ? QCOW2_COPIED : 0);
}

static bool mark_l1(struct qcow2_edit *e, uint64_t i, uint64_t at, bool repairing)
{
	if (e->l1[i] == marked(e, i, at))
		return false;
	qcow2_tell(&e->w, repairing ? "repairing the mark of entry %" PRIu64 " of the L1 table, %"
		   PRIx64 ": refcount %" PRIu64 : "the mark of entry %" PRIu64 " of the L1 table, %"
		   PRIx64 ", is wrong: refcount %" PRIu64, i, e->l1[i], refcount(e, at));
	return true;
}

/* The next table of the active L1 at or after entry *i, and where it is: 1; 0: no more. */
static int next_table(struct qcow2_edit *e, struct qcow2_l2 *l2, uint64_t *i, uint64_t *ret_at,
		      struct bytes *ret, struct bp_error *err)
{
	for (; *i < e->q.h.l1_entries; ++*i) {
		*ret_at = qcow2_l1_target(e->l1[*i]);
		if (*ret_at && qcow2_table_possible(&e->q, *ret_at))
			return qcow2_l2_read(l2, *ret_at, ret, err) < 0 ? -1 : 1;
	}
	return 0;
}

int qcow2_edit_marks(struct qcow2_edit *e, bool repairing, uint64_t *ret_wrong,
		     struct bp_error *err)
{
	cleanup(qcow2_l2_done) struct qcow2_l2 l2 = { .q = &e->q };
	struct bytes table;
	uint64_t at;
	int r;

	*ret_wrong = 0;
	for (uint64_t i = 0; (r = next_table(e, &l2, &i, &at, &table, err)) > 0; i++) {
		*ret_wrong += mark_l1(e, i, at, repairing);
		if (table.len)
			*ret_wrong += mark(e, l2.buf, true, repairing);
	}
	return r;
}

/* A table whose marks change is written anew, so that the old one stays right. */
static int write_table(struct qcow2_edit *e, uint64_t i, struct qcow2_l2 *l2, struct bp_error *err)
{
	uint64_t size = qcow2_cluster_size(&e->q.h), at = qcow2_l1_target(e->l1[i]), to = at;

	if (qcow2_edit_mark(e, l2->buf) &&
	    (qcow2_edit_take(e, 1, &to, err) < 0 || qcow2_edit_drop(e, at, size, err) < 0 ||
	     io_write(e->q.io, l2->buf, (size_t)size, to, err) < 0))
		return -1;
	e->l1[i] = marked(e, i, to);
	return 0;
}

static int mark_tables(struct qcow2_edit *e, bool share, struct bp_error *err)
{
	cleanup(qcow2_l2_done) struct qcow2_l2 l2 = { .q = &e->q };
	struct bytes table;
	uint64_t at;
	int r;

	for (uint64_t i = 0; (r = next_table(e, &l2, &i, &at, &table, err)) > 0; i++) {
		if (share && (qcow2_edit_add(e, at, qcow2_cluster_size(&e->q.h), err) < 0 ||
			      qcow2_edit_add_table(e, table, err) < 0))
			return -1;
		if (!table.len)
			e->l1[i] = marked(e, i, at);
		else if (write_table(e, i, &l2, err) < 0)
			return -1;
	}
	e->marks_right = r == 0;
	return r;
}

int qcow2_edit_mark_all(struct qcow2_edit *e, struct bp_error *err)
{
	return mark_tables(e, false, err);
}

/* What is led to twice from now on is not marked, whatever else is done: so in one pass. */
int qcow2_edit_share(struct qcow2_edit *e, struct bp_error *err)
{
	return mark_tables(e, true, err);
}

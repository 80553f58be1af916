/* qcow2_snapshot_table.c - what can be wrong with the table of snapshots itself. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/qcow2_tree.h"

/* What is left out was counted when it was read, and there is none of that unless it may be. */
static void tell_left_out(struct qcow2_walk *w)
{
	const struct qcow2_snapshots *all = &w->snapshots;

	if (all->too_many)
		qcow2_tell(w, "dropping %" PRIu32 " snapshots: more than there can be",
			   all->too_many);
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].extra_had > all->list[i].extra_len) {
			qcow2_tell(w, "cutting the unknown data of entry %zu of the snapshot "
				   "table: %" PRIu32 " bytes, more than %" PRIu32, i,
				   all->list[i].extra_had, all->list[i].extra_len);
			w->sum.corruptions_fixed++;
		}
	if (all->lost)
		qcow2_tell(w, "dropping %" PRIu32 " snapshots: their table is not there",
			   all->lost);
	w->sum.corruptions_fixed += (uint64_t)all->too_many + all->lost;
}

static void complete(struct qcow2_walk *w, size_t i)
{
	if (qcow2_snapshot_is_complete(&w->snapshots.list[i]))
		return;
	if (!w->rescue) {
		qcow2_wrong(w, "entry %zu of the snapshot table is incomplete", i);
		w->incomplete++;
		return;
	}
	qcow2_tell(w, "completing entry %zu of the snapshot table", i);
	(void)qcow2_snapshot_complete(&w->snapshots.list[i]);
	w->sum.corruptions_fixed++;
}

/* It does no harm, but QEMU repairs no image that has one. */
static void place_of_none(struct qcow2_walk *w)
{
	const struct qcow2_header *h = &w->q->h;

	if (h->n_snapshots || (h->snapshots_at <= INT64_MAX &&
			       !(h->snapshots_at & (qcow2_cluster_size(h) - 1))))
		return;
	if (!w->rescue) {
		qcow2_wrong(w, "the table of no snapshots is at %" PRIu64 ", where none can be",
			    h->snapshots_at);
		w->incomplete++;
		return;
	}
	qcow2_tell(w, "forgetting where the table of no snapshots is");
	w->sum.corruptions_fixed++;
}

int qcow2_walk_snapshot_table(struct qcow2_walk *w, struct bp_error *err)
{
	if (qcow2_snapshots_read(w->q, w->rescue, &w->snapshots, err) < 0)
		return -1;
	tell_left_out(w);
	place_of_none(w);
	for (size_t i = 0; w->q->h.version >= 3 && i < w->snapshots.n; i++)
		complete(w, i);
	if (w->rescue)
		w->sum.corruptions = w->sum.corruptions_fixed;
	return 0;
}

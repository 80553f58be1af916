/* qcow2_snapshot.c - internal snapshots: list, create, go back to, delete.
 *
 * A snapshot is an L1 table of its own.  The one that the disk had becomes that
 * of the snapshot, and the disk gets a new one; every table and cluster that
 * both lead to has one reference more.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/qcow2_tree.h"

#define NAME_LEN_MAX 255		/* QEMU's */

/* Since version 3: bytes of state, capacity, and instructions run, which nobody counted. */
enum { EXTRA_ICOUNT = 16, EXTRA = 24 };

static int check_new_name(const struct qcow2_snapshots *s, const char *name, struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	size_t i;

	if (!*name || strlen(name) > NAME_LEN_MAX)
		return bp_fail(err, BP_INVALID, "the name of a snapshot has 1 to %d bytes, not %zu",
			       NAME_LEN_MAX, strlen(name));
	if (qcow2_snapshots_find(s, name, &i, &ignored) == 0)
		return bp_fail(err, BP_FAILED, "there is a snapshot '%s' already (id %s, "
			       "name %s)", name, s->list[i].id, s->list[i].name);
	if (s->n >= QCOW2_MAX_SNAPSHOTS)
		return bp_fail(err, BP_FAILED, "the image has %zu snapshots already", s->n);
	return 0;
}

/* One more than the largest there is. */
static char *new_id(const struct qcow2_snapshots *s)
{
	uint64_t max = 0, id;

	for (size_t i = 0; i < s->n; i++)
		if (parse_number(s->list[i].id, 10, &id) && id > max && id < UINT64_MAX)
			max = id;
	return mem_printf("%" PRIu64, max + 1);
}

int qcow2_snapshots_write(struct qcow2_edit *e, struct bp_error *err)
{
	struct qcow2_header *h = &e->q.h;
	auto_free unsigned char *table = NULL;
	uint64_t clusters;
	size_t len;

	if (qcow2_edit_drop(e, h->snapshots_at, e->w.snapshots.len, err) < 0)
		return -1;
	for (size_t i = 0; h->version >= 3 && i < e->w.snapshots.n; i++)
		(void)qcow2_snapshot_complete(&e->w.snapshots.list[i]);
	table = qcow2_snapshots_format(&e->w.snapshots, &len);
	h->n_snapshots = (uint32_t)e->w.snapshots.n;
	h->snapshots_at = 0;
	clusters = qcow2_clusters(h, len);
	if (!clusters)
		return 0;
	if (qcow2_edit_take(e, clusters, &h->snapshots_at, err) < 0)
		return -1;
	return io_write(e->q.io, table, len, h->snapshots_at, err);
}

bool qcow2_snapshot_is_complete(const struct qcow2_snapshot *s)
{
	return s->extra_len >= EXTRA_ICOUNT;
}

bool qcow2_snapshot_complete(struct qcow2_snapshot *s)
{
	uint32_t had = s->extra_len;

	if (qcow2_snapshot_is_complete(s))
		return false;
	s->extra = mem_resize(s->extra, EXTRA, 1);
	memset(s->extra + had, 0, EXTRA - had);
	s->extra_len = EXTRA;
	if (had < 8)
		put_be64(s->extra, s->state);
	put_be64(s->extra + 8, s->capacity);
	put_be64(s->extra + EXTRA_ICOUNT, UINT64_MAX);
	return true;
}

static void describe(const struct qcow2_edit *e, const char *name, struct qcow2_snapshot *s)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	s->l1_entries = e->old.l1_entries;
	s->l1_at = s->l1_entries ? e->old.l1_at : 0;	/* where a table of none is means nothing */
	s->id = new_id(&e->w.snapshots);
	s->name = mem_dup(name);
	s->sec = (uint32_t)now.tv_sec;
	s->nsec = (uint32_t)now.tv_nsec;
	s->capacity = e->old.capacity;
	s->extra_len = EXTRA;
	s->extra = mem_alloc(EXTRA);
	put_be64(s->extra + 8, s->capacity);
	put_be64(s->extra + 16, UINT64_MAX);
}

/* The state of a machine that stopped is behind the disk, and belongs to the
 * snapshot that was made of it, not to the disk. */
static void forget_state(struct qcow2_edit *e)
{
	for (uint64_t i = qcow2_l1_needed(&e->q.h, e->q.h.capacity); i < e->q.h.l1_entries; i++)
		e->l1[i] = 0;
}

/* What is overwritten where it is cannot be kept for a snapshot. */
static int begin(struct qcow2_edit *e, struct bp_io *io, const char *cannot, struct bp_error *err)
{
	if (qcow2_edit_begin(e, io, cannot, err) < 0)
		return -1;
	return qcow2_data_elsewhere(&e->q.h) ?
	       bp_fail(err, BP_OP_UNSUPPORTED, "%s: the data of the image is in another file",
		       cannot) : 0;
}

int qcow2_snapshot_create(struct bp_io *io, const char *name, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	struct qcow2_snapshots *all = &e.w.snapshots;
	struct qcow2_snapshot new = { 0 };

	if (begin(&e, io, "Can't make a snapshot", err) < 0 ||
	    check_new_name(all, name, err) < 0)
		return -1;
	forget_state(&e);
	e.l1_kept = true;
	if (qcow2_edit_share(&e, err) < 0)
		return qcow2_edit_abandon(&e);
	describe(&e, name, &new);
	*array_add(all->list, all->n) = new;
	if (qcow2_snapshots_write(&e, err) < 0)
		return qcow2_edit_abandon(&e);
	return qcow2_edit_commit(&e, err);
}

int qcow2_snapshot_delete(struct bp_io *io, const char *which, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	struct qcow2_snapshots *all = &e.w.snapshots;
	auto_free uint64_t *l1 = NULL;
	struct qcow2_snapshot *s;
	size_t i;

	if (begin(&e, io, "Can't delete a snapshot", err) < 0 ||
	    qcow2_snapshots_find(all, which, &i, err) < 0)
		return -1;
	s = &all->list[i];
	if (qcow2_read_entries(io, s->l1_at, s->l1_entries, &l1, err) < 0 ||
	    qcow2_edit_tree(&e, l1, s->l1_entries, false, err) < 0 ||
	    qcow2_edit_drop(&e, s->l1_at, (uint64_t)s->l1_entries * 8, err) < 0)
		return -1;
	qcow2_snapshot_done(s);
	memmove(s, s + 1, (--all->n - i) * sizeof *s);
	if (qcow2_snapshots_write(&e, err) < 0)
		return -1;
	return qcow2_edit_commit(&e, err);
}

/* The L1 of a snapshot, as long as its disk asks for. */
static int take_l1(struct qcow2_edit *e, const struct qcow2_snapshot *s, struct bp_error *err)
{
	struct qcow2_header *h = &e->q.h;
	uint64_t n = s->l1_entries, needed;

	if (s->capacity > qcow2_max_capacity(h))
		return bp_fail(err, BP_CORRUPT, "snapshot '%s' says that its disk has %" PRIu64
			       " bytes", s->id, s->capacity);
	needed = qcow2_l1_needed(h, s->capacity);
	free(e->l1);
	e->l1 = NULL;
	if (qcow2_read_entries(e->q.io, s->l1_at, n, &e->l1, err) < 0)
		return -1;
	if (n < needed) {
		e->l1 = mem_resize(e->l1, needed, sizeof *e->l1);
		memset(e->l1 + n, 0, (needed - n) * sizeof *e->l1);
		n = needed;
	}
	h->capacity = s->capacity;
	h->l1_entries = (uint32_t)n;
	return 0;
}

int qcow2_snapshot_revert(struct bp_io *io, const char *which, struct bp_error *err)
{
	static const char cannot[] = "Can't go back to a snapshot";
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	auto_free uint64_t *l1 = NULL;
	size_t i;

	if (begin(&e, io, cannot, err) < 0 ||
	    qcow2_snapshots_find(&e.w.snapshots, which, &i, err) < 0)
		return -1;
	if (e.old.autoclear & QCOW2_BITMAPS)
		return bp_fail(err, BP_OP_UNSUPPORTED, "%s: the image keeps dirty bitmaps, which "
			       "would be wrong then: remove them first", cannot);
	l1 = steal(e.l1);
	if (take_l1(&e, &e.w.snapshots.list[i], err) < 0 ||
	    qcow2_edit_tree(&e, e.l1, e.q.h.l1_entries, true, err) < 0 ||
	    qcow2_edit_tree(&e, l1, e.old.l1_entries, false, err) < 0)
		return -1;
	return qcow2_edit_commit(&e, err);
}

static struct bp_snapshot told(struct qcow2_snapshot *s)
{
	struct bytes extra = { s->extra, s->extra_len };

	return (struct bp_snapshot){
		.id	    = steal(s->id),
		.name	    = steal(s->name),
		.created    = s->sec,
		.created_ns = s->nsec,
		.capacity   = s->capacity,
		.state_size = s->state,
		.clock_ns   = s->clock_ns,
		.icount	    = bytes_has(extra, EXTRA_ICOUNT, 8) ?
			      be64_at(extra, EXTRA_ICOUNT) : UINT64_MAX,
	};
}

int qcow2_snapshot_list(struct bp_io *io, struct bp_snapshot **ret, size_t *ret_n,
			struct bp_error *err)
{
	cleanup(qcow2_snapshots_done) struct qcow2_snapshots s = { 0 };
	struct bp_snapshot *list;
	struct qcow2 q;

	if (qcow2_open_disk(io, &q, err) < 0 || qcow2_check_features(&q.h, err) < 0 ||
	    qcow2_snapshots_read(&q, false, &s, err) < 0)
		return -1;
	list = mem_alloc((s.n + 1) * sizeof *list);
	for (size_t i = 0; i < s.n; i++)
		list[i] = told(&s.list[i]);
	*ret = list;
	*ret_n = s.n;
	return 0;
}

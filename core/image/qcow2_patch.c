/* qcow2_patch.c - the guest's bytes written into a qcow2 image that is there. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/patch.h"
#include "core/image/qcow2_tree.h"

#define PARTS	   32u			/* of a cluster, where entries are extended */

struct qcow2_patch {
	struct bp_patch p;
	struct qcow2_edit e;
	struct qcow2_table t;
	struct bp_guest *before;	/* what the image had */
	unsigned char *cluster;
	bool tells;			/* what is not there shows a backing file, or may later */
	bool done;
	struct {			/* bytes side by side in memory and in the file */
		const unsigned char *buf;
		size_t len;
		uint64_t to;
	} run;
};

static bool extended(const struct qcow2_patch *q)
{
	return q->e.q.h.incompatible & QCOW2_EXTENDED_L2;
}

static bool elsewhere(const struct qcow2_patch *q)
{
	return qcow2_data_elsewhere(&q->e.q.h);
}

/* ---- what goes into the file -------------------------------------------------------- */

static int put(struct qcow2_patch *q, const unsigned char *buf, size_t len, uint64_t to,
	       struct bp_error *err)
{
	if (io_write(q->e.q.data, buf, len, to, err) < 0)
		return -1;
	if (!elsewhere(q) && q->e.q.file_size < to + len)
		q->e.q.file_size = to + len;
	return 0;
}

static int flush_run(struct qcow2_patch *q, struct bp_error *err)
{
	size_t len = q->run.len;

	q->run.len = 0;
	return len ? put(q, q->run.buf, len, q->run.to, err) : 0;
}

static int put_later(struct qcow2_patch *q, const unsigned char *buf, size_t len, uint64_t to,
		     struct bp_error *err)
{
	if (q->run.len && q->run.buf + q->run.len == buf && q->run.to + q->run.len == to) {
		q->run.len += len;
		return 0;
	}
	if (flush_run(q, err) < 0)
		return -1;
	q->run.buf = buf;
	q->run.len = len;
	q->run.to = to;
	return 0;
}

/* ---- one cluster, or a part of it ------------------------------------------------------ */

/* A place in the tree, and what of its cluster is meant. */
struct piece {
	uint64_t j;			/* entry of the table */
	uint64_t at;			/* of the cluster in the guest */
	uint64_t in, len;
};

/* Bits of the parts of a cluster that are meant. */
static uint32_t parts_of(const struct qcow2_patch *q, const struct piece *c)
{
	uint64_t part = qcow2_cluster_size(&q->e.q.h) / PARTS;
	uint64_t from = c->in / part, to = (c->in + c->len + part - 1) / part;

	return (uint32_t)((UINT64_C(1) << to) - (UINT64_C(1) << from));
}

static uint64_t parts_now(const struct qcow2_patch *q, uint64_t j)
{
	struct bytes entry = { qcow2_table_place(&q->t, j), 16 };

	return extended(q) ? be64_at(entry, 8) : 0;
}

/* The parts are there, and are no zeros. */
static uint64_t with_parts(uint64_t word, uint32_t parts)
{
	return (word & ~((uint64_t)parts << PARTS)) | parts;
}

/* The entry leads where it did, or keeps what it led to, with other words around it. */
static void alter(struct qcow2_patch *q, uint64_t j, uint64_t entry, uint64_t parts)
{
	unsigned char *p = qcow2_table_place(&q->t, j);

	put_be64(p, entry);
	if (extended(q))
		put_be64(p + 8, parts);
	q->t.changed = true;
}

static bool is_ours_alone(const struct qcow2_patch *q, const struct qcow2_entry *old)
{
	uint64_t c = old->at >> q->e.q.h.cluster_bits;

	return (old->kind == QCOW2_DATA || old->kind == QCOW2_ZERO_KEPT) &&
	       (elsewhere(q) || qcow2_counts_get(&q->e.w.refs, c) == 1);
}

/* Where the disk ends within a unit, zeros follow: a larger disk shows them. */
static int put_last(struct qcow2_patch *q, const struct piece *c, const unsigned char *buf,
		    uint64_t to, struct bp_error *err)
{
	uint64_t len = (c->len + q->p.unit - 1) & ~(q->p.unit - 1);

	if (elsewhere(q))		/* where nothing follows */
		len = c->len;
	memset(q->cluster, 0, (size_t)len);
	memcpy(q->cluster, buf, (size_t)c->len);
	return put(q, q->cluster, (size_t)len, to, err);
}

static int write_in_place(struct qcow2_patch *q, const struct piece *c,
			  const struct qcow2_entry *old, const unsigned char *buf,
			  struct bp_error *err)
{
	uint64_t word = parts_now(q, c->j), then = with_parts(word, parts_of(q, c));

	if (old->kind == QCOW2_ZERO_KEPT || (extended(q) && then != word))
		alter(q, c->j, old->at | QCOW2_COPIED, then);
	if (c->len & (q->p.unit - 1))
		return put_last(q, c, buf, old->at + c->in, err);
	return put_later(q, buf, (size_t)c->len, old->at + c->in, err);
}

static int take_place(struct qcow2_patch *q, const struct piece *c, uint64_t *ret,
		      struct bp_error *err)
{
	*ret = c->at;
	return elsewhere(q) ? 0 : qcow2_table_reserve(&q->t, err) < 0 ? -1 :
	       qcow2_edit_take(&q->e, 1, ret, err);
}

/* What of a cluster is not written, but was there, moves with it. */
static int write_anew(struct qcow2_patch *q, const struct piece *c, const struct qcow2_entry *old,
		      const unsigned char *buf, struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&q->e.q.h);
	uint64_t word = parts_now(q, c->j), rest = q->p.capacity - c->at, to;

	if (old->kind == QCOW2_COMPRESSED)
		word = UINT32_MAX;
	if (take_place(q, c, &to, err) < 0 ||
	    qcow2_table_set(&q->t, c->j, to | QCOW2_COPIED, with_parts(word, parts_of(q, c)),
			    err) < 0)
		return -1;
	if (c->len == size)
		return put_later(q, buf, size, to, err);
	memset(q->cluster, 0, size);
	if (guest_read(q->before, q->cluster, rest < size ? (size_t)rest : size, c->at, err) < 0)
		return -1;
	memcpy(q->cluster + c->in, buf, (size_t)c->len);
	return put(q, q->cluster, elsewhere(q) && rest < size ? (size_t)rest : size, to, err);
}

static int write_piece(struct qcow2_patch *q, const struct piece *c, const unsigned char *buf,
		       struct bp_error *err)
{
	struct qcow2_entry old = qcow2_table_entry(&q->t, c->j);

	return is_ours_alone(q, &old) ? write_in_place(q, c, &old, buf, err) :
					write_anew(q, c, &old, buf, err);
}

/* Zeros as bytes, for who has no other word for them. */
static int write_zeros(struct qcow2_patch *q, const struct piece *c, struct bp_error *err)
{
	auto_free unsigned char *zeros = mem_alloc((size_t)c->len);

	if (write_piece(q, c, zeros, err) < 0)
		return -1;
	return flush_run(q, err);	/* before they are gone */
}

static int zero_parts(struct qcow2_patch *q, const struct piece *c, const struct qcow2_entry *old,
		      struct bp_error *err)
{
	uint64_t parts = parts_of(q, c), word = parts_now(q, c->j);
	struct bytes entry = { qcow2_table_place(&q->t, c->j), 16 };

	if (parts == UINT32_MAX)
		return qcow2_table_set(&q->t, c->j, 0, q->tells ? parts << PARTS : 0, err);
	if (old->kind == QCOW2_COMPRESSED)
		return write_zeros(q, c, err);
	alter(q, c->j, be64_at(entry, 0), (word & ~parts) | parts << PARTS);
	return 0;
}

static int zero_piece(struct qcow2_patch *q, const struct piece *c, struct bp_error *err)
{
	struct qcow2_entry old = qcow2_table_entry(&q->t, c->j);

	if (qcow2_data_raw(&q->e.q.h) &&	/* who reads that alone must see them, too */
	    io_zero(q->e.q.data, c->at + c->in, c->len, err) < 0)
		return -1;
	if (qcow2_data_raw(&q->e.q.h) && old.kind == QCOW2_DATA)
		return 0;
	if (old.kind == QCOW2_ZERO || old.kind == QCOW2_ZERO_KEPT ||
	    (old.kind == QCOW2_HOLE && !q->tells && !parts_now(q, c->j)))
		return 0;
	if (extended(q))
		return zero_parts(q, c, &old, err);
	if (!q->tells)
		return qcow2_table_set(&q->t, c->j, 0, 0, err);
	if (q->e.q.h.version < 3)
		return write_zeros(q, c, err);
	return qcow2_table_set(&q->t, c->j, QCOW2_ENTRY_ZERO, 0, err);
}

/* ---- the slots ----------------------------------------------------------------------------- */

static int patch_write(struct bp_patch *p, const void *buf, uint64_t len, uint64_t at,
		       struct bp_error *err)
{
	struct qcow2_patch *q = (struct qcow2_patch *)p;
	const struct qcow2_header *h = &q->e.q.h;
	uint64_t size = qcow2_cluster_size(h), per = qcow2_l2_entries(h);
	const unsigned char *from = buf;

	while (len) {
		struct piece c = { .in = at & (size - 1), .at = at & ~(size - 1) };

		c.j = (at >> h->cluster_bits) % per;
		c.len = size - c.in < len ? size - c.in : len;
		if (qcow2_table_go(&q->t, (at >> h->cluster_bits) / per, err) < 0 ||
		    (from ? write_piece(q, &c, from, err) : zero_piece(q, &c, err)) < 0)
			return -1;
		from = from ? from + c.len : NULL;
		at += c.len;
		len -= c.len;
	}
	return flush_run(q, err);
}

/* What was written where it was is no change of tables. */
static bool leads_elsewhere(const struct qcow2_patch *q)
{
	return qcow2_counts_next(&q->e.dirty, 0) != UINT64_MAX;
}

static int patch_finish(struct bp_patch *p, struct bp_error *err)
{
	struct qcow2_patch *q = (struct qcow2_patch *)p;

	if (qcow2_table_flush(&q->t, err) < 0 ||
	    (elsewhere(q) && io_sync(q->e.q.data, err) < 0))
		return -1;
	q->done = true;			/* a commit that fails gives back itself */
	return leads_elsewhere(q) ? qcow2_edit_commit(&q->e, err) : io_sync(q->e.q.io, err);
}

static void patch_close(struct bp_patch *p)
{
	struct qcow2_patch *q = (struct qcow2_patch *)p;

	if (!q->done && q->e.q.file_size > q->e.old_size)
		(void)qcow2_edit_abandon(&q->e);
	guest_close(q->before);
	qcow2_table_done(&q->t);
	qcow2_edit_done(&q->e);
	free(q->cluster);
	free(q);
}

/* A bitmap that is not told of a change would be wrong. */
static int check_bitmaps(const struct qcow2_header *h, unsigned flags, struct bp_error *err)
{
	if (flags & (BP_PATCH_SAME | BP_PATCH_NOTED) || !(h->autoclear & QCOW2_BITMAPS))
		return 0;
	return bp_fail(err, BP_OP_UNSUPPORTED, "Can't write to the image: it keeps dirty bitmaps, "
		       "which would be wrong then: remove them first");
}

static int begin(struct qcow2_patch *q, struct bp_io *io, unsigned flags, struct bp_error *err)
{
	const struct qcow2_header *h = &q->e.q.h;

	if (qcow2_open_guest(io, &q->before, err) < 0 ||
	    qcow2_edit_begin(&q->e, io, "Can't write to the image", err) < 0 ||
	    check_bitmaps(h, flags, err) < 0)
		return -1;
	q->t.e = &q->e;
	q->p.capacity = q->before->capacity;
	q->p.unit = qcow2_cluster_size(h) / (extended(q) ? PARTS : 1);
	q->cluster = mem_alloc((size_t)qcow2_cluster_size(h));
	q->tells = h->backing_at || flags & BP_PATCH_BACKED ||
		   (flags & BP_PATCH_ZEROS && h->version >= 3);
	return 0;
}

int qcow2_patch(struct bp_io *io, unsigned flags, struct bp_patch **ret, struct bp_error *err)
{
	static const struct bp_patch_ops ops = { patch_write, patch_finish, patch_close };
	struct qcow2_patch *q = mem_alloc(sizeof *q);

	q->p.ops = &ops;
	if (begin(q, io, flags, err) < 0) {
		q->done = true;
		patch_close(&q->p);
		return -1;
	}
	*ret = &q->p;
	return 0;
}

/* ---- nothing of its own any more ----------------------------------------------------------- */

int qcow2_forget(struct bp_io *io, bool look, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	uint64_t n;

	if (qcow2_edit_begin(&e, io, "Can't empty the image", err) < 0)
		return -1;
	n = qcow2_l1_needed(&e.q.h, e.q.h.capacity);
	if (qcow2_edit_tree(&e, e.l1, n, false, err) < 0)
		return -1;
	if (look)
		return 0;
	memset(e.l1, 0, n * sizeof *e.l1);
	if (qcow2_edit_commit(&e, err) < 0)
		return -1;
	qcow2_edit_trim(&e);
	return 0;
}

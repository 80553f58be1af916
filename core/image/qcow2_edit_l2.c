/* qcow2_edit_l2.c - entries of L2 tables changed within an edit, one table after the other. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

void qcow2_table_done(struct qcow2_table *t)
{
	free(t->buf);
	t->buf = NULL;
}

static uint64_t place(const struct qcow2_table *t)
{
	return qcow2_l1_target(t->e->l1[t->i]);
}

int qcow2_table_reserve(struct qcow2_table *t, struct bp_error *err)
{
	return place(t) || t->to ? 0 : qcow2_edit_take(t->e, 1, &t->to, err);
}

/* A table without an entry is none. */
int qcow2_table_flush(struct qcow2_table *t, struct bp_error *err)
{
	struct qcow2_edit *e = t->e;
	uint64_t size = qcow2_cluster_size(&e->q.h), to = t->to;

	if (!t->changed)
		return 0;
	t->changed = false;
	if (place(t) && qcow2_edit_drop(e, place(t), size, err) < 0)
		return -1;
	t->to = 0;
	if (is_zero(t->buf, (size_t)size)) {
		if (to && qcow2_edit_drop(e, to, size, err) < 0)
			return -1;
		to = 0;
	} else {
		if (!to && qcow2_edit_take(e, 1, &to, err) < 0)
			return -1;
		(void)qcow2_edit_mark(e, t->buf);
		if (io_write(e->q.io, t->buf, (size_t)size, to, err) < 0)
			return -1;
		if (e->q.file_size < to + size)
			e->q.file_size = to + size;
	}
	e->l1[t->i] = to;
	return 0;
}

int qcow2_table_go(struct qcow2_table *t, uint64_t i, struct bp_error *err)
{
	struct qcow2_edit *e = t->e;
	size_t size = (size_t)qcow2_cluster_size(&e->q.h);

	if (t->buf && t->i == i)
		return 0;
	if (!t->buf)
		t->buf = mem_alloc(size);
	else if (qcow2_table_flush(t, err) < 0)
		return -1;
	t->i = i;
	if (!place(t)) {
		memset(t->buf, 0, size);
		return 0;
	}
	if (!qcow2_table_possible(&e->q, place(t)))
		return bp_fail(err, BP_CORRUPT, "an L2 table is not inside the file: repair the "
			       "image first");
	return io_read(e->q.io, t->buf, size, place(t), err);
}

struct qcow2_entry qcow2_table_entry(const struct qcow2_table *t, uint64_t j)
{
	const struct qcow2_header *h = &t->e->q.h;
	struct bytes table = { t->buf, (size_t)qcow2_cluster_size(h) };

	return qcow2_entry_slow(h, table, j);
}

unsigned char *qcow2_table_place(const struct qcow2_table *t, uint64_t j)
{
	return t->buf + j * qcow2_entry_size(&t->e->q.h);
}

int qcow2_table_set(struct qcow2_table *t, uint64_t j, uint64_t entry, uint64_t parts,
		    struct bp_error *err)
{
	struct qcow2_entry old = qcow2_table_entry(t, j);
	unsigned char *p = qcow2_table_place(t, j);

	if (old.kind != QCOW2_HOLE && old.kind != QCOW2_ZERO &&
	    !qcow2_data_elsewhere(&t->e->q.h) && qcow2_edit_drop(t->e, old.at, old.len, err) < 0)
		return -1;
	put_be64(p, entry);
	if (qcow2_entry_size(&t->e->q.h) == 16)
		put_be64(p + 8, parts);
	t->changed = true;
	return 0;
}

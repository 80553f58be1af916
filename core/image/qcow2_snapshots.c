/* qcow2_snapshots.c - the table of internal snapshots, read and written. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

/* QEMU has the same limits. */
#define TABLE_MAX (64u << 20)
#define EXTRA_MAX 1024

/* An entry: numbers, more of them (extra), id, name, up to a multiple of 8. */
enum {
	NUMBERS = 40,
	EXTRA_STATE = 0, EXTRA_CAPACITY = 8, EXTRA_USUAL = 16,
};

void qcow2_snapshot_done(struct qcow2_snapshot *s)
{
	free(s->id);
	free(s->name);
	free(s->extra);
	*s = (struct qcow2_snapshot){ 0 };
}

void qcow2_snapshots_done(struct qcow2_snapshots *s)
{
	for (size_t i = 0; i < s->n; i++)
		qcow2_snapshot_done(&s->list[i]);
	free(s->list);
	*s = (struct qcow2_snapshots){ 0 };
}

/* How much of a table could be read. */
enum { BROKEN = -1, CUT, WHOLE };

/* More bytes may follow, of those that a table can have. */
static int cut_off(size_t i, uint64_t end, struct bp_error *err)
{
	static const char drops[] = "repairing all drops that and what follows it";

	if (end > TABLE_MAX)
		(void)bp_fail(err, BP_CORRUPT, "the snapshot table reaches past %u bytes with "
			      "snapshot %zu: %s", TABLE_MAX, i + 1, drops);
	else
		(void)bp_fail(err, BP_CORRUPT, "the file ends within snapshot %zu of the "
			      "snapshot table: %s", i + 1, drops);
	return CUT;
}

/* A text that somebody is going to print and type; up to a NUL if it has one. */
static char *text_of(struct bytes b, uint64_t at, uint64_t len)
{
	char *text = mem_alloc((size_t)len + 1);

	memcpy(text, b.p + at, (size_t)len);
	return text;
}

/* What version 2 did not keep: the disk had the size it has. */
static void read_extra(const struct qcow2 *q, struct bytes extra, struct qcow2_snapshot *s)
{
	if (bytes_has(extra, EXTRA_STATE, 8))
		s->state = be64_at(extra, EXTRA_STATE);
	s->capacity = q->h.capacity;
	if (bytes_has(extra, EXTRA_CAPACITY, 8))
		s->capacity = be64_at(extra, EXTRA_CAPACITY);
	s->extra_len = extra.len < EXTRA_MAX ? (uint32_t)extra.len : EXTRA_MAX;
	s->extra_had = (uint32_t)extra.len;
	s->extra = mem_alloc(s->extra_len);
	memcpy(s->extra, extra.p, s->extra_len);
}

static int read_one(const struct qcow2 *q, struct bytes table, size_t i, uint64_t *at,
		    struct qcow2_snapshot *ret, struct bp_error *err)
{
	uint64_t id_len = be16_at(table, *at + 12), name_len = be16_at(table, *at + 14);
	uint64_t extra_len = be32_at(table, *at + 36);
	uint64_t id_at = *at + NUMBERS + extra_len, end = id_at + id_len + name_len;

	if (!bytes_has(table, *at, end - *at))
		return cut_off(i, end, err);
	ret->l1_at = be64_at(table, *at);
	ret->l1_entries = be32_at(table, *at + 8);
	ret->sec = be32_at(table, *at + 16);
	ret->nsec = be32_at(table, *at + 20);
	ret->clock_ns = be64_at(table, *at + 24);
	ret->state = be32_at(table, *at + 32);
	ret->id = text_of(table, id_at, id_len);
	ret->name = text_of(table, id_at + id_len, name_len);
	read_extra(q, (struct bytes){ table.p + *at + NUMBERS, (size_t)extra_len }, ret);
	*at = (end + 7) & ~UINT64_C(7);
	return WHOLE;
}

static int check_extra(const struct qcow2_snapshot *s, size_t i, struct bp_error *err)
{
	return s->extra_had == s->extra_len ? WHOLE :
	       bp_fail(err, BP_CORRUPT, "snapshot %zu of the snapshot table has %" PRIu32
		       " bytes that nobody knows, more than %u: repairing all cuts them off",
		       i + 1, s->extra_had, EXTRA_MAX);
}

/* Other than WHOLE: err says why.  last: there is no more of it than that. */
static int read_all(const struct qcow2 *q, struct bytes table, bool last, bool rescue,
		    struct qcow2_snapshots *ret, struct bp_error *err)
{
	size_t n = q->h.n_snapshots < QCOW2_MAX_SNAPSHOTS ? q->h.n_snapshots : QCOW2_MAX_SNAPSHOTS;
	uint64_t at = 0;

	ret->too_many = q->h.n_snapshots - (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct qcow2_snapshot *s = array_add(ret->list, ret->n);
		int r = read_one(q, table, i, &at, s, err);

		if (r == CUT && last && rescue) {
			ret->lost = (uint32_t)(n - --ret->n);
			break;
		}
		if (r == WHOLE && !rescue)
			r = check_extra(s, i, err);
		if (r != WHOLE)
			return r;
	}
	ret->len = at < table.len ? at : table.len;
	return WHOLE;
}

/* Of a cluster that the file ends in, the rest is zeros. */
static unsigned char *read_table(const struct qcow2 *q, size_t len, struct bp_error *err)
{
	uint64_t there = q->file_size - q->h.snapshots_at;
	unsigned char *buf = mem_alloc(len);

	if (io_read(q->io, buf, len < there ? len : (size_t)there, q->h.snapshots_at, err) == 0)
		return buf;
	free(buf);
	return NULL;
}

/* How long the table is stands nowhere: we try a usual length, then longer ones. */
int qcow2_snapshots_read(const struct qcow2 *q, bool rescue, struct qcow2_snapshots *ret,
			 struct bp_error *err)
{
	uint64_t size = qcow2_clusters(&q->h, q->file_size) << q->h.cluster_bits;
	uint64_t room = size - q->h.snapshots_at;	/* which is in the file */
	int r = CUT;

	*ret = (struct qcow2_snapshots){ 0 };
	if (!rescue && qcow2_check_snapshots(q, err) < 0)
		return -1;
	if (!qcow2_snapshots_possible(q)) {
		ret->lost = q->h.n_snapshots;
		return 0;
	}
	if (room > TABLE_MAX)
		room = TABLE_MAX;
	for (uint64_t len = 4u << 10; q->h.n_snapshots && r == CUT; len *= 32) {
		struct bytes table = { .len = (size_t)(len < room ? len : room) };
		auto_free unsigned char *buf = read_table(q, table.len, err);
		struct bp_error cut = { 0 };
		bool last = table.len == room;

		table.p = buf;
		if (!buf)
			return -1;
		r = read_all(q, table, last, rescue, ret, &cut);
		if (r == WHOLE)
			break;
		qcow2_snapshots_done(ret);
		if (r != CUT || last) {
			*err = cut;
			return -1;
		}
	}
	return 0;
}

int qcow2_snapshots_find(const struct qcow2_snapshots *s, const char *which, size_t *ret,
			 struct bp_error *err)
{
	for (size_t by = 0; by < 2; by++)
		for (size_t i = 0; i < s->n; i++)
			if (strcmp(by ? s->list[i].name : s->list[i].id, which) == 0) {
				*ret = i;
				return 0;
			}
	return bp_fail(err, BP_INVALID, "there is no snapshot '%s'", which);
}

static void put_one(unsigned char *p, const struct qcow2_snapshot *s)
{
	size_t id_len = strlen(s->id), name_len = strlen(s->name);

	put_be64(p, s->l1_at);
	put_be32(p + 8, s->l1_entries);
	put_be16(p + 12, (uint16_t)id_len);
	put_be16(p + 14, (uint16_t)name_len);
	put_be32(p + 16, s->sec);
	put_be32(p + 20, s->nsec);
	put_be64(p + 24, s->clock_ns);
	put_be32(p + 32, s->state > UINT32_MAX ? 0 : (uint32_t)s->state);
	put_be32(p + 36, s->extra_len);
	memcpy(p + NUMBERS, s->extra, s->extra_len);
	memcpy(p + NUMBERS + s->extra_len, s->id, id_len);
	memcpy(p + NUMBERS + s->extra_len + id_len, s->name, name_len);
}

static size_t length_of(const struct qcow2_snapshot *s)
{
	return (NUMBERS + s->extra_len + strlen(s->id) + strlen(s->name) + 7) & ~(size_t)7;
}

unsigned char *qcow2_snapshots_format(const struct qcow2_snapshots *s, size_t *ret_len)
{
	size_t len = 0, at = 0;
	unsigned char *table;

	for (size_t i = 0; i < s->n; i++)
		len += length_of(&s->list[i]);
	table = mem_alloc(len);
	for (size_t i = 0; i < s->n; at += length_of(&s->list[i++]))
		put_one(table + at, &s->list[i]);
	*ret_len = len;
	return table;
}

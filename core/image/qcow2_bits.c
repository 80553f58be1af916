/* qcow2_bits.c - the bits of a dirty bitmap: read as parts of the disk, set, and cut. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_bitmaps.h"

/* QEMU has the same limits. */
#define BITMAP_BYTES_MAX (UINT64_C(512) << 20)
#define TABLE_MAX	 UINT64_C(0x8000000)	/* entries */

void qcow2_bits_done(struct qcow2_bits *bits)
{
	free(bits->table);
	free(bits->buf);
}

static uint64_t bits_for(const struct qcow2_bitmap *b, uint64_t capacity)
{
	uint64_t granularity = UINT64_C(1) << b->granularity_bits;

	return (capacity >> b->granularity_bits) + !!(capacity & (granularity - 1));
}

int qcow2_bitmap_entries(const struct qcow2 *q, const struct qcow2_bitmap *b, uint64_t capacity,
			 uint32_t *ret, struct bp_error *err)
{
	uint64_t n = bits_for(b, capacity), bytes = n / 8 + !!(n % 8);

	if (bytes > BITMAP_BYTES_MAX || qcow2_clusters(&q->h, bytes) > TABLE_MAX)
		return bp_fail(err, BP_INVALID, "Too much space will be occupied by the bitmap. "
			       "Use larger granularity");
	*ret = (uint32_t)qcow2_clusters(&q->h, bytes);
	*ret += !*ret;
	return 0;
}

static int damaged(const struct qcow2_bitmap *b, struct bp_error *err)
{
	return bp_fail(err, BP_CORRUPT, "Bitmap '%s' is damaged: it can only be removed", b->name);
}

int qcow2_bitmap_whole(const struct qcow2 *q, const struct qcow2_bitmap *b, uint64_t capacity,
		       struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	uint32_t entries;

	if (b->extra_len && !(b->flags & QCOW2_BITMAP_EXTRA))
		return bp_fail(err, BP_OP_UNSUPPORTED, "Bitmap '%s' has extra data that nobody "
			       "here knows: it can only be removed", b->name);
	if (b->granularity_bits < QCOW2_GRANULARITY_MIN ||
	    b->granularity_bits > QCOW2_GRANULARITY_MAX ||
	    qcow2_bitmap_entries(q, b, capacity, &entries, &ignored) < 0 ||
	    entries != b->entries || qcow2_bitmap_nowhere(q, b->table_at) ||
	    b->table_at > q->file_size || entries > (q->file_size - b->table_at) / 8)
		return damaged(b, err);
	return 0;
}

/* As it is in the file, of a disk of this size. */
static int read_table(const struct qcow2 *q, const struct qcow2_bitmap *b, uint64_t capacity,
		      uint64_t **ret, struct bp_error *err)
{
	if (qcow2_bitmap_whole(q, b, capacity, err) < 0 ||
	    qcow2_read_entries(q->io, b->table_at, b->entries, ret, err) < 0)
		return -1;
	for (uint64_t i = 0; i < b->entries; i++)
		if (!qcow2_bitmap_entry_right(q, (*ret)[i]))
			return damaged(b, err);
	return 0;
}

/* ---- read --------------------------------------------------------------------------------- */

/* Bits in a cluster, as a power of two. */
static unsigned per_bits(const struct qcow2_bits *s)
{
	return s->q->h.cluster_bits + 3;
}

static int load(struct qcow2_bits *s, uint64_t i, struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&s->q->h);
	uint64_t entry = s->table[i], at = qcow2_l1_target(entry);

	if (s->loaded == i + 1)
		return 0;
	s->loaded = 0;
	if (!at)
		memset(s->buf, entry & QCOW2_BITMAP_ONES ? 0xff : 0, size);
	else if (at > s->q->file_size || size > s->q->file_size - at)
		return damaged(s->b, err);
	else if (io_read(s->q->io, s->buf, size, at, err) < 0)
		return -1;
	s->loaded = i + 1;
	return 0;
}

/* The first bit from on, and before end, that is as wanted; end: there is none. */
static uint64_t scan(const unsigned char *buf, uint64_t from, uint64_t end, bool wanted)
{
	const unsigned char skipped = wanted ? 0 : 0xff;

	while (from < end) {
		if (!(from & 7) && buf[from / 8] == skipped)
			from += 8;
		else if ((buf[from / 8] >> (from & 7) & 1) == wanted)
			return from;
		else
			from++;
	}
	return end;
}

static int next_part(struct bp_parts *p, uint64_t at, uint64_t *ret_at, uint64_t *ret_len,
		     struct bp_error *err)
{
	struct qcow2_bits *s = (struct qcow2_bits *)p;
	uint64_t capacity = s->q->h.capacity, n = bits_for(s->b, capacity);
	uint64_t bit = at >> s->b->granularity_bits, per = UINT64_C(1) << per_bits(s);

	while (bit < n) {
		uint64_t i = bit >> per_bits(s), first = i << per_bits(s);
		uint64_t end = n - first < per ? n - first : per, from;

		if (s->table[i]) {
			if (load(s, i, err) < 0)
				return -1;
			from = scan(s->buf, bit - first, end, true);
			if (from < end) {
				end = scan(s->buf, from, end, false);
				*ret_at = (first + from) << s->b->granularity_bits;
				*ret_len = (end - from) << s->b->granularity_bits;
				return 1;
			}
		}
		bit = first + per;
	}
	return 0;
}

int qcow2_bits_open(struct qcow2_bits *bits, const struct qcow2 *q, const struct qcow2_bitmap *b,
		    struct bp_error *err)
{
	*bits = (struct qcow2_bits){ .parts = { next_part }, .q = q, .b = b };
	if (read_table(q, b, q->h.capacity, &bits->table, err) < 0)
		return -1;
	bits->buf = mem_alloc((size_t)qcow2_cluster_size(&q->h));
	return 0;
}

/* ---- changed ------------------------------------------------------------------------------ */

/* Clusters that are all zeros or all ones need not be there. */
static int flush(struct qcow2_bits *s, struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&s->q->h);
	uint64_t i = s->loaded - 1, old, to = 0;

	if (!s->dirty)
		return 0;
	s->dirty = false;
	s->changed = true;
	old = qcow2_l1_target(s->table[i]);
	if (old && qcow2_edit_drop(s->e, old, size, err) < 0)
		return -1;
	if (scan(s->buf, 0, size * 8, false) == size * 8) {
		s->table[i] = QCOW2_BITMAP_ONES;
		return 0;
	}
	if (!is_zero(s->buf, size) && (qcow2_edit_take(s->e, 1, &to, err) < 0 ||
				       io_write(s->e->q.io, s->buf, size, to, err) < 0))
		return -1;
	s->table[i] = to;
	return 0;
}

static int go(struct qcow2_bits *s, uint64_t i, struct bp_error *err)
{
	if (s->loaded == i + 1)
		return 0;
	return flush(s, err) < 0 ? -1 : load(s, i, err);
}

/* Bits of a cluster.  True: one of them was not so before. */
static bool put_bits(unsigned char *buf, uint64_t from, uint64_t end, bool on)
{
	bool changed = false;

	for (uint64_t n; from < end; from += n) {
		unsigned in = from & 7, mask, was = buf[from / 8];

		n = end - from < 8 - in ? end - from : 8 - in;
		mask = ((1u << n) - 1) << in;
		buf[from / 8] = (unsigned char)(on ? was | mask : was & ~mask);
		changed |= buf[from / 8] != was;
	}
	return changed;
}

static int set_range(struct qcow2_bits *s, uint64_t at, uint64_t end, struct bp_error *err)
{
	uint64_t bit = at >> s->b->granularity_bits, last = (end - 1) >> s->b->granularity_bits;
	uint64_t per = UINT64_C(1) << per_bits(s);

	while (bit <= last) {
		uint64_t i = bit >> per_bits(s), first = i << per_bits(s);
		uint64_t to = last + 1 - first < per ? last + 1 - first : per;

		if (s->loaded == i + 1 || s->table[i] != QCOW2_BITMAP_ONES) {
			if (go(s, i, err) < 0)
				return -1;
			s->dirty |= put_bits(s->buf, bit - first, to, true);
		}
		bit = first + per;
	}
	return 0;
}

static int set_parts(struct qcow2_bits *s, struct bp_parts *parts, struct bp_error *err)
{
	uint64_t capacity = s->q->h.capacity, at = 0, from, len;
	int r;

	while (at < capacity && (r = parts->next(parts, at, &from, &len, err)) != 0) {
		if (r < 0)
			return -1;
		if (from >= capacity)
			break;
		at = len < capacity - from ? from + len : capacity;
		if (len && set_range(s, from, at, err) < 0)
			return -1;
	}
	return flush(s, err);
}

/* In a new place; what it was in is given back. */
static int write_table(struct qcow2_bits *s, struct qcow2_bitmap *b, uint32_t entries,
		       struct bp_error *err)
{
	struct qcow2_edit *e = s->e;
	uint64_t clusters = qcow2_clusters(&e->q.h, (uint64_t)entries * 8);
	size_t len = (size_t)(clusters << e->q.h.cluster_bits);
	auto_free unsigned char *buf = mem_alloc(len);

	if (!b->is_new && qcow2_edit_drop(e, b->table_at, (uint64_t)b->entries * 8, err) < 0)
		return -1;
	for (uint32_t i = 0; i < entries; i++)
		put_be64(buf + i * UINT64_C(8), s->table[i]);
	b->entries = entries;
	b->is_new = false;
	if (qcow2_edit_take(e, clusters, &b->table_at, err) < 0)
		return -1;
	return io_write(e->q.io, buf, len, b->table_at, err);
}

static int open_for_change(struct qcow2_edit *e, const struct qcow2_bitmap *b, uint64_t capacity,
			   struct qcow2_bits *ret, struct bp_error *err)
{
	*ret = (struct qcow2_bits){ .q = &e->q, .b = b, .e = e };
	ret->buf = mem_alloc((size_t)qcow2_cluster_size(&e->q.h));
	if (!b->is_new)
		return read_table(&e->q, b, capacity, &ret->table, err);
	ret->table = mem_alloc((size_t)b->entries * sizeof *ret->table);
	return 0;
}

int qcow2_bitmap_mark(struct qcow2_edit *e, struct qcow2_bitmap *b, struct bp_parts *parts,
		      bool *ret_changed, struct bp_error *err)
{
	cleanup(qcow2_bits_done) struct qcow2_bits s = { 0 };

	if (open_for_change(e, b, e->q.h.capacity, &s, err) < 0 ||
	    (parts && set_parts(&s, parts, err) < 0))
		return -1;
	*ret_changed = s.changed || b->is_new;
	return *ret_changed ? write_table(&s, b, b->entries, err) : 0;
}

/* Nothing from this bit of the table's entry i on. */
static int cut_last(struct qcow2_bits *s, uint64_t bits, uint32_t entries, struct bp_error *err)
{
	uint64_t i = bits >> per_bits(s), per = UINT64_C(1) << per_bits(s);

	if (i >= entries || !(bits & (per - 1)) || !s->table[i])
		return 0;
	if (load(s, i, err) < 0)
		return -1;
	s->dirty = put_bits(s->buf, bits & (per - 1), per, false);
	return flush(s, err);
}

int qcow2_bitmap_resize(struct qcow2_edit *e, struct qcow2_bitmap *b, struct bp_error *err)
{
	cleanup(qcow2_bits_done) struct qcow2_bits s = { 0 };
	uint64_t was = e->old.capacity, is = e->q.h.capacity, cs = qcow2_cluster_size(&e->q.h);
	uint32_t entries;

	if (open_for_change(e, b, was, &s, err) < 0 ||
	    qcow2_bitmap_entries(&e->q, b, is, &entries, err) < 0 ||
	    cut_last(&s, bits_for(b, was < is ? was : is), b->entries, err) < 0)
		return -1;
	for (uint32_t i = entries; i < b->entries; i++)
		if (qcow2_l1_target(s.table[i]) &&
		    qcow2_edit_drop(e, qcow2_l1_target(s.table[i]), cs, err) < 0)
			return -1;
	if (entries > b->entries) {
		s.table = mem_resize(s.table, entries, sizeof *s.table);
		memset(s.table + b->entries, 0, (entries - b->entries) * sizeof *s.table);
	}
	return s.changed || entries != b->entries ? write_table(&s, b, entries, err) : 0;
}

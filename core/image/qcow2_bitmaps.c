/* qcow2_bitmaps.c - the directory of the dirty bitmaps that a qcow2 image keeps. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_bitmaps.h"

/* QEMU has the same limits. */
#define DIRECTORY_MAX	(64u << 20)
#define EXTRA_MAX	1024u

/* An entry of the directory: numbers, extra data, name, up to a multiple of 8. */
enum { NUMBERS = 24 };

static void bitmap_done(struct qcow2_bitmap *b)
{
	free(b->name);
	free(b->extra);
}

void qcow2_bitmaps_done(struct qcow2_bitmaps *all)
{
	for (size_t i = 0; i < all->n; i++)
		bitmap_done(&all->list[i]);
	free(all->list);
}

/* ---- read ----------------------------------------------------------------------------- */

/* Without its bit among the features nobody keeps them. */
static int find_directory(const struct qcow2 *q, uint64_t *ret_at, uint64_t *ret_len,
			  uint64_t *ret_n, struct bp_error *err)
{
	uint64_t end = q->h.backing_at ? q->h.backing_at : qcow2_cluster_size(&q->h);
	uint64_t at = q->h.length;
	auto_free unsigned char *buf = NULL;
	struct qcow2_ext ext;
	struct bytes header;
	int r;

	*ret_n = *ret_len = 0;
	if (!(q->h.autoclear & QCOW2_BITMAPS))
		return 0;
	end = end < q->file_size ? end : q->file_size;
	header.len = end < QCOW2_EXTENSIONS_MAX ? (size_t)end : QCOW2_EXTENSIONS_MAX;
	header.p = buf = mem_alloc(header.len);
	if (io_read(q->io, buf, header.len, 0, err) < 0)
		return -1;
	while ((r = qcow2_ext_next(header, end, &at, &ext, err)) == 1) {
		if (ext.type != QCOW2_EXT_BITMAPS || ext.data.len != 24)
			continue;
		*ret_n = be32_at(ext.data, 0);
		*ret_len = be64_at(ext.data, 8);
		*ret_at = be64_at(ext.data, 16);
	}
	return r < 0 ? -1 : 0;
}

static int cut_off(struct bp_error *err)
{
	return bp_fail(err, BP_CORRUPT, "the directory of bitmaps is damaged");
}

static int read_one(struct bytes dir, uint64_t *at, struct qcow2_bitmap *ret, struct bp_error *err)
{
	uint64_t name_len = be16_at(dir, *at + 18), extra = be32_at(dir, *at + 20);

	if (!bytes_has(dir, *at, NUMBERS) || name_len > QCOW2_BITMAP_NAME_MAX ||
	    extra > EXTRA_MAX ||
	    !bytes_has(dir, *at, NUMBERS + extra + name_len))
		return cut_off(err);
	ret->table_at = be64_at(dir, *at);
	ret->entries = be32_at(dir, *at + 8);
	ret->flags = be32_at(dir, *at + 12);
	ret->granularity_bits = (unsigned)be_at(dir, *at + 17, 1);
	ret->extra_len = (uint32_t)extra;
	ret->extra = mem_alloc((size_t)extra + 1);
	memcpy(ret->extra, dir.p + *at + NUMBERS, (size_t)extra);
	ret->name_len = (uint16_t)name_len;
	ret->name = mem_alloc((size_t)name_len + 1);
	memcpy(ret->name, dir.p + *at + NUMBERS + extra, (size_t)name_len);
	if (be_at(dir, *at + 16, 1) != QCOW2_BITMAP_DIRTY)
		return cut_off(err);
	*at += (NUMBERS + extra + name_len + 7) & ~UINT64_C(7);
	return 0;
}

int qcow2_bitmaps_read(const struct qcow2 *q, struct qcow2_bitmaps *ret, struct bp_error *err)
{
	auto_free unsigned char *buf = NULL;
	uint64_t n, at = 0;
	struct bytes dir;

	if (find_directory(q, &ret->at, &ret->len, &n, err) < 0)
		return -1;
	if (!n)
		return 0;
	if (n > QCOW2_BITMAPS_MAX || ret->len > DIRECTORY_MAX || ret->at > q->file_size ||
	    ret->len > q->file_size - ret->at)
		return cut_off(err);
	dir = (struct bytes){ buf = mem_alloc((size_t)ret->len + 1), (size_t)ret->len };
	if (io_read(q->io, buf, dir.len, ret->at, err) < 0)
		return -1;
	for (uint64_t i = 0; i < n; i++) {
		struct qcow2_bitmap *b = array_add(ret->list, ret->n);

		if (read_one(dir, &at, b, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- found, added, dropped ------------------------------------------------------------ */

static struct qcow2_bitmap *look_for(const struct qcow2_bitmaps *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->list[i].name, name) == 0)
			return &all->list[i];
	return NULL;
}

struct qcow2_bitmap *qcow2_bitmaps_find(struct qcow2_bitmaps *all, const char *name,
					struct bp_error *err)
{
	struct qcow2_bitmap *b = look_for(all, name);

	if (!b)
		bp_fail(err, BP_INVALID, "Dirty bitmap '%s' not found", name);
	return b;
}

int qcow2_bitmap_usable(const struct qcow2_bitmap *b, struct bp_error *err)
{
	return !(b->flags & QCOW2_BITMAP_IN_USE) ? 0 :
	       bp_fail(err, BP_OP_UNSUPPORTED, "Bitmap '%s' is inconsistent and cannot be used\n"
		       "Try block-dirty-bitmap-remove to delete this bitmap from disk", b->name);
}

int qcow2_bitmaps_add(const struct qcow2 *q, struct qcow2_bitmaps *all, const char *name,
		      uint64_t granularity, struct bp_error *err)
{
	uint64_t least = qcow2_cluster_size(&q->h);
	struct qcow2_bitmap *b;

	if (!granularity)	/* QEMU's */
		granularity = least < 4096 ? 4096 : least > 65536 ? 65536 : least;
	if (granularity < UINT64_C(1) << QCOW2_GRANULARITY_MIN ||
	    granularity > UINT64_C(1) << QCOW2_GRANULARITY_MAX ||
	    granularity & (granularity - 1))
		return bp_fail(err, BP_INVALID, "Granularity must be a power of two, 512 to 2G");
	if (q->h.version < 3)
		return bp_fail(err, BP_OP_UNSUPPORTED,
			       "Cannot store dirty bitmaps in qcow2 v2 files");
	if (!q->h.capacity)
		return bp_fail(err, BP_INVALID, "a disk without bytes has nothing that a bitmap "
			       "could note");
	if (!*name || strlen(name) > QCOW2_BITMAP_NAME_MAX)
		return bp_fail(err, BP_INVALID, "The name of a bitmap has 1 to %u bytes",
			       QCOW2_BITMAP_NAME_MAX);
	if (look_for(all, name))
		return bp_fail(err, BP_FAILED, "Bitmap already exists: %s", name);
	if (all->n == QCOW2_BITMAPS_MAX)
		return bp_fail(err, BP_FAILED, "Maximum number of persistent bitmaps is already "
			       "reached");
	b = array_add(all->list, all->n);
	b->is_new = true;
	b->flags = QCOW2_BITMAP_AUTO;
	b->name = mem_dup(name);
	b->name_len = (uint16_t)strlen(name);
	b->granularity_bits = (unsigned)__builtin_ctzll(granularity);
	return qcow2_bitmap_entries(q, b, q->h.capacity, &b->entries, err);
}

int qcow2_bitmap_drop(struct qcow2_edit *e, const struct qcow2_bitmap *b, struct bp_error *err)
{
	uint64_t cluster = qcow2_cluster_size(&e->q.h);
	auto_free uint64_t *table = NULL;

	if (qcow2_bitmap_nowhere(&e->q, b->table_at))
		return 0;
	if (qcow2_read_entries(e->q.io, b->table_at, b->entries, &table, err) < 0 ||
	    qcow2_edit_drop(e, b->table_at, (uint64_t)b->entries * 8, err) < 0)
		return -1;
	for (uint64_t i = 0; i < b->entries; i++)
		if (qcow2_bitmap_entry_right(&e->q, table[i]) && qcow2_l1_target(table[i]) &&
		    qcow2_edit_drop(e, qcow2_l1_target(table[i]), cluster, err) < 0)
			return -1;
	return 0;
}

/* ---- written -------------------------------------------------------------------------------- */

static size_t length_of(const struct qcow2_bitmap *b)
{
	return (NUMBERS + b->extra_len + b->name_len + 7) & ~(size_t)7;
}

static void put_one(unsigned char *p, const struct qcow2_bitmap *b)
{
	put_be64(p, b->table_at);
	put_be32(p + 8, b->entries);
	put_be32(p + 12, b->flags);
	p[16] = QCOW2_BITMAP_DIRTY;
	p[17] = (unsigned char)b->granularity_bits;
	put_be16(p + 18, b->name_len);
	put_be32(p + 20, b->extra_len);
	if (b->extra_len)
		memcpy(p + NUMBERS, b->extra, b->extra_len);
	memcpy(p + NUMBERS + b->extra_len, b->name, b->name_len);
}

static int write_directory(struct qcow2_edit *e, struct qcow2_bitmaps *all, struct bp_error *err)
{
	auto_free unsigned char *buf = NULL;
	size_t at = 0, room;

	if (all->len && qcow2_edit_drop(e, all->at, all->len, err) < 0)
		return -1;
	all->len = 0;
	for (size_t i = 0; i < all->n; i++)
		all->len += length_of(&all->list[i]);
	if (!all->n)
		return 0;
	if (all->len > DIRECTORY_MAX)
		return bp_fail(err, BP_FAILED, "Not enough space in the bitmap directory");
	room = (size_t)(qcow2_clusters(&e->q.h, all->len) << e->q.h.cluster_bits);
	buf = mem_alloc(room);
	for (size_t i = 0; i < all->n; at += length_of(&all->list[i++]))
		put_one(buf + at, &all->list[i]);
	if (qcow2_edit_take(e, room >> e->q.h.cluster_bits, &all->at, err) < 0)
		return -1;
	return io_write(e->q.io, buf, room, all->at, err);
}

int qcow2_bitmaps_commit(struct qcow2_edit *e, struct qcow2_bitmaps *all, struct bp_error *err)
{
	struct qcow2_rewrite to = { .bitmaps_too = true };
	unsigned char ext[24] = { 0 };

	if (write_directory(e, all, err) < 0)
		return qcow2_edit_abandon(e);
	e->q.h.autoclear &= ~(uint64_t)QCOW2_BITMAPS;
	if (all->n) {
		put_be32(ext, (uint32_t)all->n);
		put_be64(ext + 8, all->len);
		put_be64(ext + 16, all->at);
		to.bitmaps = (struct bytes){ ext, sizeof ext };
		e->q.h.autoclear |= QCOW2_BITMAPS;
	}
	e->rewrite = &to;
	return qcow2_edit_commit(e, err);
}

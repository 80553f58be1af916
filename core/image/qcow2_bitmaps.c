/* qcow2_bitmaps.c - the directory of the dirty bitmaps that a qcow2 image keeps. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_bitmaps.h"

#define EXTRA_MAX	1024u		/* QEMU has the same limit */

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

struct qcow2_bitmap_directory qcow2_bitmap_directory(struct bytes ext)
{
	return (struct qcow2_bitmap_directory){ .n = be32_at(ext, 0), .len = be64_at(ext, 8),
						.at = be64_at(ext, 16) };
}

bool qcow2_bitmap_directory_fits(const struct qcow2_bitmap_directory *d, uint64_t file_size)
{
	return d->n && d->n <= QCOW2_BITMAPS_MAX && d->len <= QCOW2_BITMAPS_ROOM &&
	       d->at <= file_size && d->len <= file_size - d->at;
}

bool qcow2_bitmap_next(struct bytes dir, uint64_t *at, struct qcow2_bitmap_told *ret)
{
	size_t name_len = (size_t)be16_at(dir, *at + 18), extra = (size_t)be32_at(dir, *at + 20);
	const unsigned char *behind;

	if (!bytes_has(dir, *at, NUMBERS) || name_len > QCOW2_BITMAP_NAME_MAX ||
	    extra > EXTRA_MAX || !bytes_has(dir, *at, NUMBERS + extra + name_len))
		return false;
	behind = dir.p + *at + NUMBERS;
	*ret = (struct qcow2_bitmap_told){
		.table_at = be64_at(dir, *at),
		.entries = be32_at(dir, *at + 8),
		.flags = be32_at(dir, *at + 12),
		.type = (unsigned)be_at(dir, *at + 16, 1),
		.granularity_bits = (unsigned)be_at(dir, *at + 17, 1),
		.extra = { behind, extra },
		.name = { behind + extra, name_len },
	};
	*at += (NUMBERS + extra + name_len + 7) & ~(size_t)7;
	return true;
}

/* Without its bit among the features nobody keeps them. */
static int find_directory(const struct qcow2 *q, struct qcow2_bitmap_directory *ret,
			  struct bp_error *err)
{
	uint64_t end = qcow2_ext_end(&q->h, q->file_size), at = q->h.length;
	auto_free unsigned char *buf = NULL;
	struct qcow2_ext ext;
	struct bytes header;
	int r;

	*ret = (struct qcow2_bitmap_directory){ 0 };
	if (!(q->h.autoclear & QCOW2_BITMAPS))
		return 0;
	if (qcow2_ext_read(q->io, end, &buf, &header, err) < 0)
		return -1;
	while ((r = qcow2_ext_next(header, end, &at, &ext, err)) == 1)
		if (ext.type == QCOW2_EXT_BITMAPS && ext.data.len == QCOW2_EXT_BITMAPS_LEN)
			*ret = qcow2_bitmap_directory(ext.data);
	return r < 0 ? -1 : 0;
}

static int cut_off(struct bp_error *err)
{
	return bp_fail(err, BP_CORRUPT, "the directory of bitmaps is damaged");
}

/* With what follows a zero byte, too. */
static void *dup_bytes(struct bytes b)
{
	unsigned char *p = mem_alloc(b.len + 1);

	memcpy(p, b.p, b.len);
	return p;
}

static void keep(const struct qcow2_bitmap_told *told, struct qcow2_bitmap *ret)
{
	*ret = (struct qcow2_bitmap){
		.table_at = told->table_at,
		.entries = told->entries,
		.flags = told->flags,
		.granularity_bits = told->granularity_bits,
		.name = dup_bytes(told->name),
		.name_len = (uint16_t)told->name.len,
		.extra = dup_bytes(told->extra),
		.extra_len = (uint32_t)told->extra.len,
	};
}

int qcow2_bitmaps_read(const struct qcow2 *q, struct qcow2_bitmaps *ret, struct bp_error *err)
{
	auto_free unsigned char *buf = NULL;
	struct qcow2_bitmap_directory d;
	struct qcow2_bitmap_told told;
	uint64_t at = 0;
	struct bytes dir;

	if (find_directory(q, &d, err) < 0)
		return -1;
	ret->at = d.at;
	ret->len = d.len;
	if (!d.n)
		return 0;
	if (!qcow2_bitmap_directory_fits(&d, q->file_size))
		return cut_off(err);
	dir = (struct bytes){ buf = mem_alloc((size_t)d.len + 1), (size_t)d.len };
	if (io_read(q->io, buf, dir.len, d.at, err) < 0)
		return -1;
	for (uint64_t i = 0; i < d.n; i++) {
		if (!qcow2_bitmap_next(dir, &at, &told) || told.type != QCOW2_BITMAP_DIRTY)
			return cut_off(err);
		keep(&told, array_add(ret->list, ret->n));
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
	if (all->len > QCOW2_BITMAPS_ROOM)
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
	unsigned char ext[QCOW2_EXT_BITMAPS_LEN] = { 0 };

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

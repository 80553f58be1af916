/* qcow2_bitmap.c - the dirty bitmaps that a qcow2 image keeps: added, cleared, removed.
 *
 * New tables and a new directory are written where nothing lives; the header leads to
 * them in one step; then what was there before is given back.  Whoever is interrupted has
 * the old bitmaps or the new ones, and at most space that is kept for nobody.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

/* QEMU has the same limits. */
#define BITMAPS_MAX	65535u
#define DIRECTORY_MAX	(64u << 20)
#define BITMAP_NAME_MAX	1023u
#define EXTRA_MAX	1024u
#define BITMAP_BYTES_MAX (UINT64_C(512) << 20)
#define TABLE_MAX	UINT64_C(0x8000000)	/* entries */

/* An entry of the directory: numbers, extra data, name, up to a multiple of 8. */
enum { NUMBERS = 24, IN_USE = 1 << 0, AUTO = 1 << 1, DIRTY_TRACKING = 1 };

struct bitmap {
	uint64_t table_at;
	uint32_t entries, flags;
	unsigned granularity_bits;
	char *name;
	unsigned char *extra;
	uint32_t extra_len;
	bool new_table;			/* of zeros, to be written */
};

struct bitmaps {
	struct bitmap *list;
	size_t n;
	uint64_t at, len;		/* of the directory; len 0: there is none */
	struct range {
		uint64_t at, len;
	} *old;				/* what is given back */
	size_t n_old;
};

static void bitmap_done(struct bitmap *b)
{
	free(b->name);
	free(b->extra);
}

static void bitmaps_done(struct bitmaps *b)
{
	for (size_t i = 0; i < b->n; i++)
		bitmap_done(&b->list[i]);
	free(b->list);
	free(b->old);
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

static int read_one(struct bytes dir, uint64_t *at, struct bitmap *ret, struct bp_error *err)
{
	uint64_t name_len = be16_at(dir, *at + 18), extra = be32_at(dir, *at + 20);

	if (!bytes_has(dir, *at, NUMBERS) || name_len > BITMAP_NAME_MAX || extra > EXTRA_MAX ||
	    !bytes_has(dir, *at, NUMBERS + extra + name_len))
		return cut_off(err);
	ret->table_at = be64_at(dir, *at);
	ret->entries = be32_at(dir, *at + 8);
	ret->flags = be32_at(dir, *at + 12);
	ret->granularity_bits = (unsigned)be_at(dir, *at + 17, 1);
	ret->extra_len = (uint32_t)extra;
	ret->extra = mem_alloc((size_t)extra + 1);
	memcpy(ret->extra, dir.p + *at + NUMBERS, (size_t)extra);
	ret->name = mem_dup_n((const char *)dir.p + *at + NUMBERS + extra, (size_t)name_len);
	if (be_at(dir, *at + 16, 1) != DIRTY_TRACKING)
		return cut_off(err);
	*at += (NUMBERS + extra + name_len + 7) & ~UINT64_C(7);
	return 0;
}

static int read_all(const struct qcow2 *q, struct bitmaps *ret, struct bp_error *err)
{
	auto_free unsigned char *buf = NULL;
	uint64_t n, at = 0;
	struct bytes dir;

	if (find_directory(q, &ret->at, &ret->len, &n, err) < 0)
		return -1;
	if (!n)
		return 0;
	if (n > BITMAPS_MAX || ret->len > DIRECTORY_MAX || ret->at > q->file_size ||
	    ret->len > q->file_size - ret->at)
		return cut_off(err);
	dir = (struct bytes){ buf = mem_alloc((size_t)ret->len + 1), (size_t)ret->len };
	if (io_read(q->io, buf, dir.len, ret->at, err) < 0)
		return -1;
	*array_add(ret->old, ret->n_old) = (struct range){ ret->at, ret->len };
	for (uint64_t i = 0; i < n; i++) {
		struct bitmap *b = array_add(ret->list, ret->n);

		*b = (struct bitmap){ 0 };
		if (read_one(dir, &at, b, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- changed ---------------------------------------------------------------------------- */

static struct bitmap *find(struct bitmaps *all, const char *name, struct bp_error *err)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->list[i].name, name) == 0)
			return &all->list[i];
	bp_fail(err, BP_INVALID, "Dirty bitmap '%s' not found", name);
	return NULL;
}

static int give_back(const struct qcow2 *q, struct bitmaps *all, const struct bitmap *b,
		     struct bp_error *err)
{
	auto_free uint64_t *table = NULL;

	if (qcow2_read_entries(q->io, b->table_at, b->entries, &table, err) < 0)
		return -1;
	*array_add(all->old, all->n_old) = (struct range){
		b->table_at, (uint64_t)b->entries * 8
	};
	for (uint64_t i = 0; i < b->entries; i++)
		if (qcow2_l1_target(table[i]))
			*array_add(all->old, all->n_old) = (struct range){
				qcow2_l1_target(table[i]), qcow2_cluster_size(&q->h)
			};
	return 0;
}

/* So many entries for a bit of each so many bytes of the disk. */
static int size_table(const struct qcow2 *q, struct bitmap *b, struct bp_error *err)
{
	uint64_t granularity = UINT64_C(1) << b->granularity_bits, bits, bytes;

	bits = q->h.capacity / granularity + !!(q->h.capacity % granularity);
	bytes = bits / 8 + !!(bits % 8);
	if (bytes > BITMAP_BYTES_MAX || qcow2_clusters(&q->h, bytes) > TABLE_MAX)
		return bp_fail(err, BP_INVALID, "Too much space will be occupied by the bitmap. "
			       "Use larger granularity");
	b->entries = (uint32_t)qcow2_clusters(&q->h, bytes);
	b->entries += !b->entries;
	b->new_table = true;
	return 0;
}

static int add(const struct qcow2 *q, struct bitmaps *all, const struct bp_image_bitmap *what,
	       struct bp_error *err)
{
	uint64_t granularity = what->granularity, least = qcow2_cluster_size(&q->h);
	struct bp_error ignored = { 0 };
	struct bitmap *b;

	if (!granularity)	/* QEMU's */
		granularity = least < 4096 ? 4096 : least > 65536 ? 65536 : least;
	if (granularity < 512 || granularity > UINT64_C(1) << 31 ||
	    granularity & (granularity - 1))
		return bp_fail(err, BP_INVALID, "Granularity must be a power of two, 512 to 2G");
	if (q->h.version < 3)
		return bp_fail(err, BP_OP_UNSUPPORTED,
			       "Cannot store dirty bitmaps in qcow2 v2 files");
	if (!*what->name || strlen(what->name) > BITMAP_NAME_MAX)
		return bp_fail(err, BP_INVALID, "The name of a bitmap has 1 to %u bytes",
			       BITMAP_NAME_MAX);
	if (find(all, what->name, &ignored))
		return bp_fail(err, BP_FAILED, "Bitmap already exists: %s", what->name);
	if (all->n == BITMAPS_MAX)
		return bp_fail(err, BP_FAILED, "Maximum number of persistent bitmaps is already "
			       "reached");
	b = array_add(all->list, all->n);
	*b = (struct bitmap){
		.flags = AUTO, .name = mem_dup(what->name),
		.granularity_bits = (unsigned)__builtin_ctzll(granularity),
	};
	return size_table(q, b, err);
}

static int change(const struct qcow2 *q, struct bitmaps *all, const struct bp_image_bitmap *what,
		  struct bp_error *err)
{
	struct bitmap *b;

	if (what->deed == BP_BITMAP_ADD)
		return add(q, all, what, err);
	b = find(all, what->name, err);
	if (!b)
		return -1;
	if (b->flags & IN_USE && what->deed != BP_BITMAP_REMOVE)
		return bp_fail(err, BP_OP_UNSUPPORTED, "Bitmap '%s' is inconsistent and cannot be "
			       "used\n"
			       "Try block-dirty-bitmap-remove to delete this bitmap from disk",
			       what->name);
	switch (what->deed) {
	case BP_BITMAP_ENABLE:
		b->flags |= AUTO;
		return 0;
	case BP_BITMAP_DISABLE:
		b->flags &= ~(uint32_t)AUTO;
		return 0;
	default:
		break;
	}
	if (!b->new_table && give_back(q, all, b, err) < 0)
		return -1;
	if (what->deed == BP_BITMAP_CLEAR) {
		b->new_table = true;
		return 0;
	}
	bitmap_done(b);
	memmove(b, b + 1, (size_t)(&all->list[--all->n] - b) * sizeof *b);
	return 0;
}

/* ---- written -------------------------------------------------------------------------------- */

static int write_tables(struct qcow2_edit *e, struct bitmaps *all, struct bp_error *err)
{
	for (size_t i = 0; i < all->n; i++) {
		struct bitmap *b = &all->list[i];
		uint64_t clusters = qcow2_clusters(&e->q.h, (uint64_t)b->entries * 8);

		if (!b->new_table)
			continue;
		if (qcow2_edit_take(e, clusters, &b->table_at, err) < 0 ||
		    io_fill(e->q.io, b->table_at, clusters << e->q.h.cluster_bits, err) < 0)
			return -1;
	}
	return 0;
}

static size_t length_of(const struct bitmap *b)
{
	return (NUMBERS + b->extra_len + strlen(b->name) + 7) & ~(size_t)7;
}

static void put_one(unsigned char *p, const struct bitmap *b)
{
	put_be64(p, b->table_at);
	put_be32(p + 8, b->entries);
	put_be32(p + 12, b->flags);
	p[16] = DIRTY_TRACKING;
	p[17] = (unsigned char)b->granularity_bits;
	put_be16(p + 18, (uint16_t)strlen(b->name));
	put_be32(p + 20, b->extra_len);
	if (b->extra_len)
		memcpy(p + NUMBERS, b->extra, b->extra_len);
	memcpy(p + NUMBERS + b->extra_len, b->name, strlen(b->name));
}

static int write_directory(struct qcow2_edit *e, struct bitmaps *all, struct bp_error *err)
{
	auto_free unsigned char *buf = NULL;
	size_t at = 0, room;

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

static int lead_to(struct bp_io *io, const struct qcow2_header *h, const struct bitmaps *all,
		   struct bp_error *err)
{
	struct qcow2_rewrite to = { .h = *h, .bitmaps_too = true };
	unsigned char ext[24] = { 0 };

	put_be32(ext, (uint32_t)all->n);
	put_be64(ext + 8, all->len);
	put_be64(ext + 16, all->at);
	to.h.autoclear &= ~(uint64_t)QCOW2_BITMAPS;
	if (all->n) {
		to.bitmaps = (struct bytes){ ext, sizeof ext };
		to.h.autoclear |= QCOW2_BITMAPS;
	}
	return qcow2_rewrite(io, &to, err);
}

/* It is done: what cannot be given back now is found by who looks for leaks. */
static void give_old_back(struct bp_io *io, const struct bitmaps *all)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	struct bp_error ignored = { 0 };

	if (!all->n_old || qcow2_edit_begin(&e, io, "", &ignored) < 0)
		return;
	for (size_t i = 0; i < all->n_old; i++)
		if (qcow2_edit_drop(&e, all->old[i].at, all->old[i].len, &ignored) < 0)
			return;
	if (qcow2_edit_commit(&e, &ignored) == 0)
		qcow2_edit_trim(&e);
}

int qcow2_bitmap(struct bp_io *io, const struct bp_image_bitmap *what, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	cleanup(bitmaps_done) struct bitmaps all = { 0 };
	struct bp_error ignored = { 0 };

	if (qcow2_edit_begin(&e, io, "Can't change bitmaps", err) < 0 ||
	    read_all(&e.q, &all, err) < 0 || change(&e.q, &all, what, err) < 0)
		return -1;
	if (write_tables(&e, &all, err) < 0 || write_directory(&e, &all, err) < 0) {
		(void)io_resize(io, e.old_size, &ignored);
		return -1;
	}
	if (qcow2_edit_commit(&e, err) < 0 || lead_to(io, &e.q.h, &all, err) < 0)
		return -1;
	give_old_back(io, &all);
	return 0;
}

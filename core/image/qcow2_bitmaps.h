/* qcow2_bitmaps.h - private: the dirty bitmaps that a qcow2 image keeps, within an edit.
 *
 * A bitmap is a table of clusters, of which each bit stands for so many bytes of the disk.
 * The directory tells of all of them, and an extension of the header leads to it.  Tables
 * and directory are written anew, and so are clusters that change; the commit of the edit
 * leads to them and gives back, in one step, what they were before.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_QCOW2_BITMAPS_H
#define BP_IMAGE_QCOW2_BITMAPS_H

#include "core/image/parts.h"
#include "core/image/qcow2_tree.h"

/* QEMU has the same limits. */
#define QCOW2_BITMAPS_MAX     65535u
#define QCOW2_BITMAPS_ROOM    (64u << 20)	/* the directory's */
#define QCOW2_BITMAP_NAME_MAX 1023u

enum {
	QCOW2_BITMAP_IN_USE = 1 << 0,	/* somebody who noted writes was killed: it is wrong */
	QCOW2_BITMAP_AUTO   = 1 << 1,	/* whoever writes notes that */
	QCOW2_BITMAP_EXTRA  = 1 << 2,	/* who does not know its extra data may use it */
	QCOW2_BITMAP_FLAGS  = QCOW2_BITMAP_IN_USE | QCOW2_BITMAP_AUTO | QCOW2_BITMAP_EXTRA,
};

enum { QCOW2_BITMAP_DIRTY = 1 };	/* its type, the only one there is */

/* Powers of 2. */
enum { QCOW2_GRANULARITY_MIN = 9, QCOW2_GRANULARITY_MAX = 31 };

struct qcow2_bitmap {
	uint64_t table_at;
	bool is_new;			/* it has no table in the file yet */
	uint32_t entries, flags;
	unsigned granularity_bits;
	char *name;			/* a string, though zeros may stand inside it */
	uint16_t name_len;
	unsigned char *extra;
	uint32_t extra_len;
};

/* No table lies there, whatever the file's size becomes. */
static inline bool qcow2_bitmap_nowhere(const struct qcow2 *q, uint64_t table_at)
{
	return !table_at || table_at & (qcow2_cluster_size(&q->h) - 1);
}

/* An entry of a table that leads nowhere says what all the bits of its cluster are. */
#define QCOW2_BITMAP_ONES UINT64_C(1)

/* It may stand in a table: whether it leads past the end of the file is not looked at. */
static inline bool qcow2_bitmap_entry_right(const struct qcow2 *q, uint64_t entry)
{
	const uint64_t reserved = UINT64_C(0xff000000000001fe);
	uint64_t at = qcow2_l1_target(entry);

	return !(entry & reserved) &&
	       (!at || !(entry & QCOW2_BITMAP_ONES || at & (qcow2_cluster_size(&q->h) - 1)));
}

struct qcow2_bitmaps {
	struct qcow2_bitmap *list;
	size_t n;
	uint64_t at, len;		/* of the directory; len 0: there is none */
};

/* ---- qcow2_bitmaps.c: the directory --------------------------------------------------- */

/* Where it is, and of how many bitmaps it tells, by the header's extension. */
#define QCOW2_EXT_BITMAPS_LEN 24u

struct qcow2_bitmap_directory {
	uint64_t n, len, at;
};
struct qcow2_bitmap_directory qcow2_bitmap_directory(struct bytes ext);

/* It can be there, and is not empty. */
bool qcow2_bitmap_directory_fits(const struct qcow2_bitmap_directory *d, uint64_t file_size);

/* What it tells of one, as it is written: of what type it is, say, may be anything. */
struct qcow2_bitmap_told {
	uint64_t table_at;
	uint32_t entries, flags;
	unsigned type, granularity_bits;
	struct bytes extra, name;	/* into the directory */
};

/* The one at *at, which is moved past it; false: it ends before, or has more extra data or a
 * longer name than there can be. */
bool qcow2_bitmap_next(struct bytes dir, uint64_t *at, struct qcow2_bitmap_told *ret);

int qcow2_bitmaps_read(const struct qcow2 *q, struct qcow2_bitmaps *ret, struct bp_error *err);
void qcow2_bitmaps_done(struct qcow2_bitmaps *all);

/* BP_INVALID: there is none of this name. */
struct qcow2_bitmap *qcow2_bitmaps_find(struct qcow2_bitmaps *all, const char *name,
					struct bp_error *err);

/* It can be used; BP_OP_UNSUPPORTED: nobody knows what should be in it. */
int qcow2_bitmap_usable(const struct qcow2_bitmap *b, struct bp_error *err);

/* One more, of nothing, that is not in the file yet. */
int qcow2_bitmaps_add(const struct qcow2 *q, struct qcow2_bitmaps *all, const char *name,
		      uint64_t granularity, struct bp_error *err);

/* What it takes is given back; not what of it is where it cannot be. */
int qcow2_bitmap_drop(struct qcow2_edit *e, const struct qcow2_bitmap *b, struct bp_error *err);

/* Write the directory, and commit the edit, which all tables have been written in. */
int qcow2_bitmaps_commit(struct qcow2_edit *e, struct qcow2_bitmaps *all, struct bp_error *err);

/* ---- qcow2_bits.c: what is in one -------------------------------------------------------- */

struct qcow2_bits {
	struct bp_parts parts;		/* what it says was written */
	const struct qcow2 *q;
	const struct qcow2_bitmap *b;
	uint64_t *table;
	unsigned char *buf;		/* a cluster of bits */
	uint64_t loaded;		/* which entry's, + 1; 0: none */
	struct qcow2_edit *e;		/* where it is changed */
	bool dirty;			/* buf is not as it is in the file */
	bool changed;			/* the table is not */
};

/* q and b outlive it. */
int qcow2_bits_open(struct qcow2_bits *bits, const struct qcow2 *q, const struct qcow2_bitmap *b,
		    struct bp_error *err);
void qcow2_bits_done(struct qcow2_bits *bits);

/* Its table may be where and as long as it is said to be, for a disk of this size; else
 * (BP_CORRUPT), and if its extra data must be known (BP_OP_UNSUPPORTED), it can only be
 * removed. */
int qcow2_bitmap_whole(const struct qcow2 *q, const struct qcow2_bitmap *b, uint64_t capacity,
		       struct bp_error *err);

/* So many entries does its table have, for a disk of this size. */
int qcow2_bitmap_entries(const struct qcow2 *q, const struct qcow2_bitmap *b, uint64_t capacity,
			 uint32_t *ret, struct bp_error *err);

/* The table of one that is not in the file yet, of nothing or (parts) of these.  Else: these,
 * too; *ret_changed: it has not had them all. */
int qcow2_bitmap_mark(struct qcow2_edit *e, struct qcow2_bitmap *b, struct bp_parts *parts,
		      bool *ret_changed, struct bp_error *err);

/* Of a disk that has another capacity now (e->q) than it has had (e->old). */
int qcow2_bitmap_resize(struct qcow2_edit *e, struct qcow2_bitmap *b, struct bp_error *err);

#endif

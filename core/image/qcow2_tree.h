/* qcow2_tree.h - private: all that leads to the clusters of a qcow2 image, and edits of it.
 *
 * An edit changes nothing that the image leads to.  It writes tables anew, where
 * nothing lives, waits for the disk, and then lets one write within the first
 * sector of the file lead to all of them: tree, refcounts, snapshots.  At every
 * moment the image is whole, as it was or as it shall be, and its refcounts are
 * right.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_QCOW2_TREE_H
#define BP_IMAGE_QCOW2_TREE_H

#include "core/image/qcow2.h"

/* ---- qcow2_counts.c: a number for each cluster, of which most are zero ---------- */

struct qcow2_counts {
	uint64_t max;			/* a number that would be larger stays this */
	unsigned size;			/* bytes of each: 1, 2, 4 or 8 */
	unsigned char **chunks;
	size_t n_chunks;
};

/* Numbers up to max.  Memory is taken for those that are not zero, some hundred at a time. */
void qcow2_counts_init(struct qcow2_counts *c, uint64_t max);
void qcow2_counts_done(struct qcow2_counts *c);
uint64_t qcow2_counts_load(const struct qcow2_counts *c, const unsigned char *number);
void qcow2_counts_put(struct qcow2_counts *c, uint64_t i, uint64_t count);

/* What it is then; 0: it would have become larger than max, and has not. */
uint64_t qcow2_counts_more(struct qcow2_counts *c, uint64_t i, uint64_t more);

/* False: it would have become less than zero, and has not. */
bool qcow2_counts_less(struct qcow2_counts *c, uint64_t i, uint64_t less);

/* Small, so that an image which leads to every thousandth cluster of a huge file with
 * holes costs no more than some hundred times its tables. */
#define QCOW2_CHUNK_BITS 9
#define QCOW2_CHUNK	 (UINT64_C(1) << QCOW2_CHUNK_BITS)

/* There are many millions of them: what is nearly always so comes first. */
static inline uint64_t qcow2_counts_get(const struct qcow2_counts *c, uint64_t i)
{
	uint64_t chunk = i >> QCOW2_CHUNK_BITS;
	const unsigned char *p;
	uint16_t two;

	if (chunk >= c->n_chunks || !c->chunks[chunk])
		return 0;
	p = c->chunks[chunk] + (i & (QCOW2_CHUNK - 1)) * c->size;
	if (c->size != sizeof two)
		return qcow2_counts_load(c, p);
	memcpy(&two, p, sizeof two);
	return two;
}

/* Where the 16 bits of a count are that most images have; NULL: the long way. */
static inline unsigned char *qcow2_counts_two(const struct qcow2_counts *c, uint64_t i)
{
	uint64_t chunk = i >> QCOW2_CHUNK_BITS;

	if (c->size != sizeof(uint16_t) || chunk >= c->n_chunks || !c->chunks[chunk])
		return NULL;
	return c->chunks[chunk] + (i & (QCOW2_CHUNK - 1)) * sizeof(uint16_t);
}

static inline uint64_t qcow2_counts_add(struct qcow2_counts *c, uint64_t i, uint64_t more)
{
	unsigned char *p = qcow2_counts_two(c, i);
	uint16_t two;

	if (!p)
		return qcow2_counts_more(c, i, more);
	memcpy(&two, p, sizeof two);
	if (more > (uint64_t)UINT16_MAX - two)
		return 0;
	two = (uint16_t)(two + more);
	memcpy(p, &two, sizeof two);
	return two;
}

static inline bool qcow2_counts_drop(struct qcow2_counts *c, uint64_t i, uint64_t less)
{
	unsigned char *p = qcow2_counts_two(c, i);
	uint16_t two;

	if (!p)
		return qcow2_counts_less(c, i, less);
	memcpy(&two, p, sizeof two);
	if (less > two)
		return false;
	two = (uint16_t)(two - less);
	memcpy(p, &two, sizeof two);
	return true;
}

/* The first at or after i that is not zero; UINT64_MAX: there is none. */
uint64_t qcow2_counts_next(const struct qcow2_counts *c, uint64_t i);

/* Of n numbers from i on so many at once as are easy, which may be none: that were made larger,
 * and whether one of them was not zero; that were made less by one, and are still more than zero;
 * and that are all one, or none of which is. */
uint64_t qcow2_counts_raise(struct qcow2_counts *c, uint64_t i, uint64_t n, uint64_t by,
			    bool *ret_used);
uint64_t qcow2_counts_lower(struct qcow2_counts *c, uint64_t i, uint64_t n);
uint64_t qcow2_counts_ones(const struct qcow2_counts *c, uint64_t i, uint64_t n, bool ones);

/* n numbers as they stand in a file that has 16 bits for each; false: the long way. */
bool qcow2_counts_be16(const struct qcow2_counts *c, uint64_t i, uint64_t n, unsigned char *to);

/* ---- qcow2_entry.c: what an entry of an L2 table says ------------------------------ */

enum qcow2_kind {
	QCOW2_HOLE,			/* nothing here: the backing file shows through */
	QCOW2_ZERO,
	QCOW2_DATA,
	QCOW2_ZERO_KEPT,		/* reads as zeros, and a cluster is kept for it */
	QCOW2_COMPRESSED,
};

struct qcow2_entry {
	enum qcow2_kind kind;
	uint64_t at, len;		/* in the file, where there is something */
	bool copied;			/* it says that nothing else leads to its cluster */
	const char *wrong;		/* what must not be in it, or NULL */
	bool harmless;			/* it can be read all the same */
	bool spare;			/* what is wrong is a cluster that is only kept: nothing is
					 * in it, and the entry says the same without */
};

/* In an entry that is not extended. */
#define QCOW2_ENTRY_ZERO UINT64_C(1)

static inline unsigned qcow2_entry_size(const struct qcow2_header *h)
{
	return h->incompatible & QCOW2_EXTENDED_L2 ? 16 : 8;
}

/* Entries in an L2 table. */
static inline uint64_t qcow2_l2_entries(const struct qcow2_header *h)
{
	return qcow2_cluster_size(h) / qcow2_entry_size(h);
}

/* Of an entry of L1: bits that mean nothing. */
#define QCOW2_L1_RESERVED UINT64_C(0x7f000000000001ff)

/* Where an entry of L1 leads; 0: nowhere. */
static inline uint64_t qcow2_l1_target(uint64_t entry)
{
	return entry & UINT64_C(0x00fffffffffffe00);
}

/* Bits of an entry without which it is nothing (0), or a cluster of data in its place
 * that a mark (COPIED) may be on.  Nearly all entries are like that. */
static inline uint64_t qcow2_entry_odd(const struct qcow2_header *h)
{
	if (h->incompatible & (QCOW2_EXTENDED_L2 | QCOW2_DATA_FILE))
		return UINT64_MAX;
	return ~(QCOW2_COPIED | (QCOW2_MAX_OFFSET - qcow2_cluster_size(h)));
}

struct qcow2_entry qcow2_entry_slow(const struct qcow2_header *h, struct bytes table, uint64_t i);

static inline struct qcow2_entry qcow2_entry_at(const struct qcow2_header *h, uint64_t odd,
						struct bytes table, uint64_t i)
{
	uint64_t entry;

	if (odd == UINT64_MAX || (entry = be64_at(table, i * 8)) & odd)
		return qcow2_entry_slow(h, table, i);
	return (struct qcow2_entry){
		.kind	= entry & ~QCOW2_COPIED ? QCOW2_DATA : QCOW2_HOLE,
		.at	= entry & ~QCOW2_COPIED,
		.len	= qcow2_cluster_size(h),
		.copied = entry & QCOW2_COPIED,
	};
}

/* How many entries from i on are clusters of data that lie side by side and are marked in the
 * same way: nearly all of a table.  0: the first is something else. */
uint64_t qcow2_entry_run(const struct qcow2_header *h, uint64_t odd, struct bytes table,
			 uint64_t i);

/* len entries of 8 bytes as numbers.  Bounded by the caller. */
int qcow2_read_entries(struct bp_io *io, uint64_t at, uint64_t n, uint64_t **ret,
		       struct bp_error *err);

/* Can there be an L2 table, or a refcount block? */
bool qcow2_table_possible(const struct qcow2 *q, uint64_t at);

/* An L2 table, for as long as the next is not read; it is in the file, or
 * BP_CORRUPT.  *ret.len is 0 where nothing was ever written. */
struct qcow2_l2 {
	const struct qcow2 *q;
	unsigned char *buf;
	uint64_t from, to;		/* all in between has been written at some time */
};
int qcow2_l2_read(struct qcow2_l2 *l2, uint64_t at, struct bytes *ret, struct bp_error *err);
void qcow2_l2_done(struct qcow2_l2 *l2);

/* ---- qcow2_snapshots.c: the table of them ------------------------------------------ */

struct qcow2_snapshot {
	uint64_t l1_at;
	uint32_t l1_entries;
	char *id, *name;
	uint32_t sec, nsec;		/* when it was made */
	uint64_t clock_ns;		/* how long the machine had run */
	uint64_t state;			/* bytes of the machine's memory kept with it */
	uint64_t capacity;		/* of the disk then */
	unsigned char *extra;		/* all that comes between numbers and id, as it is */
	uint32_t extra_len;
	uint32_t extra_had;		/* in the file, where that is more than is kept */
};

struct qcow2_edit;
struct qcow2_snapshots {
	struct qcow2_snapshot *list;
	size_t n;
	uint64_t len;			/* bytes of the table in the file */
	uint32_t too_many, lost;	/* left out: over the number there can be, and where the
					 * table reaches past the file's end or the size it can
					 * have */
};

/* rescue: what is over QEMU's limits is left out, instead of a failure. */
int qcow2_snapshots_read(const struct qcow2 *q, bool rescue, struct qcow2_snapshots *ret,
			 struct bp_error *err);
void qcow2_snapshots_done(struct qcow2_snapshots *s);
void qcow2_snapshot_done(struct qcow2_snapshot *s);

/* Which: an id, or else a name.  BP_INVALID: there is none. */
int qcow2_snapshots_find(const struct qcow2_snapshots *s, const char *which, size_t *ret,
			 struct bp_error *err);

/* qcow2_snapshot.c: the table of an edit's snapshots in a new place, and the old one given back. */
int qcow2_snapshots_write(struct qcow2_edit *e, struct bp_error *err);

/* All that version 3 wants to know of a snapshot.  Is it there?  true: it was not, and is now. */
bool qcow2_snapshot_is_complete(const struct qcow2_snapshot *s);
bool qcow2_snapshot_complete(struct qcow2_snapshot *s);

/* The table as it is written.  The caller frees. */
unsigned char *qcow2_snapshots_format(const struct qcow2_snapshots *s, size_t *ret_len);

/* ---- qcow2_walk.c: everything that leads somewhere --------------------------------- */

struct qcow2_walk {
	const struct qcow2 *q;
	uint64_t clusters;		/* of the file; the last may be there in part */
	struct qcow2_counts refs;	/* how often something leads to each cluster */
	struct qcow2_counts tables;	/* how often an L1 leads to an L2 here; QCOW2_ACTIVE too */
	uint64_t *l1;			/* the active L1 */
	struct qcow2_snapshots snapshots;
	struct bp_vol_check sum;
	uint64_t n_tables;		/* L2 tables, each counted once */
	bool shared;			/* something leads twice to some cluster */
	uint64_t unmarked;		/* entries of the active tree without COPIED */
	bool rescue;			/* the snapshot table is put right, see below */
	uint32_t incomplete;		/* snapshots of which that is all that is wrong, and bitmaps
					 * of no use; they harm nothing else */
	const struct bp_teller *teller;
	const struct bp_progress *progress;
};
#define QCOW2_ACTIVE (UINT32_C(1) << 31)

/* Count, but for the refcount blocks.  What makes no sense is told of and summed up; -1
 * is for what cannot be read.  rescue: w->snapshots is then as its table has to be, which is
 * told of as repaired and summed up so. */
int qcow2_walk(struct qcow2_walk *w, struct bp_error *err);
void qcow2_walk_done(struct qcow2_walk *w);

/* So many more references to each cluster that has one of these bytes. */
void qcow2_refer(struct qcow2_walk *w, const char *what, uint64_t at, uint64_t len,
		 uint64_t times);

/* qcow2_snapshot_table.c: the table of snapshots; before all else, so that it is told of first. */
int qcow2_walk_snapshot_table(struct qcow2_walk *w, struct bp_error *err);

/* qcow2_extra.c: those of the header's extensions. */
int qcow2_walk_extensions(struct qcow2_walk *w, struct bp_error *err);

/* One more thing that is wrong with the image, or leaked; or one that others sum up. */
void qcow2_wrong(struct qcow2_walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void qcow2_tell(struct qcow2_walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void qcow2_leaks(struct qcow2_walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- qcow2_edit.c --------------------------------------------------------------------- */

struct qcow2_edit {
	struct qcow2 q;			/* its header: as it shall be */
	struct qcow2_walk w;		/* w.refs: refcounts, as they shall be */
	struct qcow2_header old;
	uint64_t old_size;		/* of the file */
	uint64_t *blocks;		/* where each refcount block is; 0: none */
	uint64_t n_blocks;
	struct qcow2_counts dirty;	/* blocks that are not as they are in the file */
	struct qcow2_counts freed;	/* clusters that must not be used before the end of it */
	uint64_t search;		/* all before this is in use */
	uint64_t last_dirty;		/* + 1: the block that was last noted so */
	uint64_t *l1;			/* the active L1, as it shall be */
	bool l1_kept;			/* the old one is a snapshot's from now on */
	bool marks_right;		/* of all that the active L1 leads to */
	const struct qcow2_rewrite *rewrite;	/* what else its header says then; NULL: the same */
	bool snapshots_changed;		/* their table has to be written */
	bool taken_for_free;		/* the file counts nothing for a cluster that is in use */
};

/* qcow2_check.c: read everything and compare.  What repair asks for is put right in
 * e, not in the file yet.  What is wrong is summed up in e->w.sum, not a failure. */
int qcow2_edit_load(struct qcow2_edit *e, struct bp_io *io, enum bp_repair repair,
		    const struct bp_teller *teller, const struct bp_progress *progress,
		    struct bp_error *err);

/* The same, and an image that an edit could harm is refused.  what: "a snapshot" of
 * it cannot be made, and so on. */
int qcow2_edit_begin(struct qcow2_edit *e, struct bp_io *io, const char *what,
		     struct bp_error *err);

/* qcow2_marks.c: a pass over the active tree: the entries whose marks (COPIED) are not as the
 * refcounts ask for.  They are told of, as wrong or as being repaired. */
int qcow2_edit_marks(struct qcow2_edit *e, bool repairing, uint64_t *ret_wrong,
		     struct bp_error *err);

/* n clusters side by side that nothing leads to, each with refcount 1 from now on. */
int qcow2_edit_take(struct qcow2_edit *e, uint64_t n, uint64_t *ret_at, struct bp_error *err);

/* The same, behind all that has been in the file. */
int qcow2_edit_take_last(struct qcow2_edit *e, uint64_t n, uint64_t *ret_at,
			 struct bp_error *err);

/* Refcount block i, as it shall be. */
void qcow2_edit_block(const struct qcow2_edit *e, uint64_t i, unsigned char *buf);

/* Refcounts of another width, all of which fit in it. */
int qcow2_edit_width(struct qcow2_edit *e, unsigned order, struct bp_error *err);

/* One reference more or less to each cluster of a range of bytes. */
int qcow2_edit_add(struct qcow2_edit *e, uint64_t at, uint64_t len, struct bp_error *err);
int qcow2_edit_drop(struct qcow2_edit *e, uint64_t at, uint64_t len, struct bp_error *err);

/* The same for all that an L2 table leads to, or an L1 table of n entries. */
int qcow2_edit_add_table(struct qcow2_edit *e, struct bytes table, struct bp_error *err);
int qcow2_edit_tree(struct qcow2_edit *e, const uint64_t *l1, uint64_t n, bool add,
		    struct bp_error *err);

/* qcow2_marks.c: put the marks of a table right; how many were wrong.  Of all tables, each of
 * which is written anew then.  And what the active tree leads to gets one reference more, so
 * that nothing of it is marked any more. */
uint64_t qcow2_edit_mark(struct qcow2_edit *e, unsigned char *table);
int qcow2_edit_mark_all(struct qcow2_edit *e, struct bp_error *err);
int qcow2_edit_share(struct qcow2_edit *e, struct bp_error *err);

/* Write the active tree as far as its marks are wrong, the refcounts, and the header. */
int qcow2_edit_commit(struct qcow2_edit *e, struct bp_error *err);
void qcow2_edit_done(struct qcow2_edit *e);

/* What was taken for one that does not go well is given back, as far as that can be.  -1. */
int qcow2_edit_abandon(const struct qcow2_edit *e);

/* Let the file end with what is in use, where it can be made shorter. */
void qcow2_edit_trim(const struct qcow2_edit *e);

/* ---- qcow2_edit_l2.c: entries of the active tree, one table after the other ------------ */

struct qcow2_table {
	struct qcow2_edit *e;
	unsigned char *buf;		/* NULL: there is none yet */
	uint64_t i;			/* entry of L1 that leads to it */
	uint64_t to;			/* the place that is reserved for it; 0: none */
	bool changed;
};

/* The table that entry i of L1 leads to, or an empty one; the one before is written, to
 * a new place, if it was changed.  So must the last be, before the commit. */
int qcow2_table_go(struct qcow2_table *t, uint64_t i, struct bp_error *err);
int qcow2_table_flush(struct qcow2_table *t, struct bp_error *err);
/* One that is new, and will be changed, lies before what is taken from now on. */
int qcow2_table_reserve(struct qcow2_table *t, struct bp_error *err);
void qcow2_table_done(struct qcow2_table *t);

struct qcow2_entry qcow2_table_entry(const struct qcow2_table *t, uint64_t j);
unsigned char *qcow2_table_place(const struct qcow2_table *t, uint64_t j);

/* What the entry has led to is dropped.  parts: the second word of an extended entry. */
int qcow2_table_set(struct qcow2_table *t, uint64_t j, uint64_t entry, uint64_t parts,
		    struct bp_error *err);

/* qcow2_unzero.c: no entry says that it is zero, in the disk or in a snapshot, after which the
 * edit is committed. */
int qcow2_unzero(struct qcow2_edit *e, const struct bp_progress *progress, struct bp_error *err);

/* ---- qcow2_resize.c, qcow2_shrink.c ------------------------------------------------------ */

/* An image that can be resized; *capacity becomes what it can have. */
int qcow2_resize_check(struct bp_io *io, struct qcow2 *ret, uint64_t *capacity,
		       struct bp_error *err);
int qcow2_resize_checked(struct qcow2 *q, uint64_t capacity, struct bp_error *err);

int qcow2_grow_data(const struct qcow2 *q, uint64_t capacity, uint64_t to, struct bp_error *err);

/* Nothing is kept behind its disk, up to an entry of L1. */
int qcow2_resize_check_behind(const struct qcow2 *q, uint64_t needed, struct bp_error *err);

/* qcow2_tail.c: zeros between the end of the disk and that of its cluster, on the disk
 * when this returns; and space for them where all of a larger one is to have some.  checked
 * NULL: nobody has looked yet whether the image is right. */
int qcow2_tail_clear(const struct qcow2 *q, const struct qcow2_edit *checked,
		     enum bp_preallocation preallocate, struct bp_error *err);

/* A larger disk, in one edit, of an image that was checked. */
int qcow2_grow_edit(struct bp_io *io, const struct qcow2 *q, const struct bp_image_growth *g,
		    struct bp_error *err);

/* The edit's capacity is another: its bitmaps follow it, in the same step. */
int qcow2_resize_commit(struct qcow2_edit *e, struct bp_error *err);

/* A smaller disk, in whole sectors, of an image that was checked. */
int qcow2_shrink(struct bp_io *io, const struct qcow2 *q, uint64_t capacity,
		 struct bp_error *err);

#endif

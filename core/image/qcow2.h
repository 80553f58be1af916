/* qcow2.h - private: a qcow2 image as numbers, read and checked.
 *
 * Everything is big-endian and comes in clusters.  The header leads to two
 * trees: L1 table, L2 tables, clusters of the guest; and refcount table,
 * refcount blocks, one number for each cluster of the file that says how often
 * something leads to it.
 *
 * What must hold at every moment, so that a power cut never costs data: the
 * refcount of a cluster is not smaller than the number of references to it.
 * So whoever changes an image first writes what is new, where nothing leads to;
 * raises the refcounts; waits for the disk; lets one small write in the header
 * lead to the new; waits again; and only then lowers the refcounts of the old.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_QCOW2_H
#define BP_IMAGE_QCOW2_H

#include "core/image/formats.h"

/* Where things stand in the header, as far as they are written alone. */
enum {
	QCOW2_SIZE_AT	   = 24,	/* size, encryption, L1 entries, L1 offset: 24 bytes */
	QCOW2_AUTOCLEAR_AT = 88,
	QCOW2_COMPRESSION_AT = 104,
	QCOW2_V2_LENGTH	   = 72,
	QCOW2_V3_LENGTH	   = 104,
	QCOW2_LENGTH	   = 112,	/* what is written; what is read ends there too */
};

/* QEMU enforces the same limits; they bound what we allocate and scan. */
#define QCOW2_MIN_CLUSTER_BITS	9
#define QCOW2_MAX_CLUSTER_BITS	21
#define QCOW2_MAX_L1		(32u << 20)	/* bytes */
#define QCOW2_MAX_REFTABLE	(8u << 20)	/* bytes */
#define QCOW2_MAX_SNAPSHOTS	65536u
#define QCOW2_EXTENSIONS_MAX	(64u << 10)	/* bytes; those of real images end within one KiB */
#define QCOW2_MAX_OFFSET	(UINT64_C(1) << 56)	/* of a cluster in the file */

enum {
	QCOW2_DIRTY	    = 1 << 0,	/* incompatible features */
	QCOW2_CORRUPT	    = 1 << 1,
	QCOW2_DATA_FILE	    = 1 << 2,
	QCOW2_COMPRESSION   = 1 << 3,
	QCOW2_EXTENDED_L2   = 1 << 4,
	QCOW2_LAZY	    = 1 << 0,	/* compatible features */
	QCOW2_BITMAPS	    = 1 << 0,	/* autoclear features */
	QCOW2_RAW_DATA_FILE = 1 << 1,

	QCOW2_KNOWN_INCOMPATIBLE = QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_DATA_FILE |
				   QCOW2_COMPRESSION | QCOW2_EXTENDED_L2,
	QCOW2_KNOWN_AUTOCLEAR	 = QCOW2_BITMAPS | QCOW2_RAW_DATA_FILE,
};

enum {
	QCOW2_EXT_END		 = 0,
	QCOW2_EXT_BACKING_FORMAT = 0xe2792aca,
	QCOW2_EXT_FEATURE_NAMES	 = 0x6803f857,
	QCOW2_EXT_DATA_FILE	 = 0x44415441,
	QCOW2_EXT_BITMAPS	 = 0x23852875,
	QCOW2_EXT_LUKS		 = 0x0537be77,
};

enum { QCOW2_AES = 1, QCOW2_LUKS = 2 };

#define QCOW2_COPIED (UINT64_C(1) << 63)	/* L1, L2: nobody else leads there */

struct qcow2_header {
	uint32_t version;		/* 2 or 3; in 2, features and what follows are implied */
	uint64_t backing_at;		/* 0: none */
	uint32_t backing_len;
	uint32_t cluster_bits;
	uint64_t capacity;
	uint32_t encryption;		/* QCOW2_AES, QCOW2_LUKS; 0: none */
	uint32_t l1_entries;
	uint64_t l1_at;
	uint64_t reftable_at;
	uint32_t reftable_clusters;
	uint32_t n_snapshots;
	uint64_t snapshots_at;
	uint64_t incompatible, compatible, autoclear;
	uint32_t refcount_order;	/* a refcount has 1 << this bits */
	uint32_t length;		/* where the extensions begin */
	uint8_t compression;		/* of compressed clusters; another than deflate only with
					 * its feature */
	uint64_t luks_at, luks_len;	/* of a new image; what is read has them in extensions */
	const char *data_file;
};
enum { QCOW2_DEFLATE, QCOW2_ZSTD };

/* An image whose header was read and found good. */
struct qcow2 {
	struct bp_io *io;
	struct bp_io *data;		/* where its guest's bytes are: io, or its data file; NULL:
					 * that is not open */
	uint64_t file_size;
	struct qcow2_header h;
};

static inline uint64_t qcow2_cluster_size(const struct qcow2_header *h)
{
	return UINT64_C(1) << h->cluster_bits;
}

/* Are the guest's bytes in a file of their own?  Each is then where the guest has it, and no
 * refcounts are kept for them. */
static inline bool qcow2_data_elsewhere(const struct qcow2_header *h)
{
	return h->incompatible & QCOW2_DATA_FILE;
}

/* The same, and that file is to be the guest's disk for who knows nothing of this one. */
static inline bool qcow2_data_raw(const struct qcow2_header *h)
{
	return qcow2_data_elsewhere(h) && h->autoclear & QCOW2_RAW_DATA_FILE;
}

/* How many clusters so many bytes take. */
static inline uint64_t qcow2_clusters(const struct qcow2_header *h, uint64_t bytes)
{
	return (bytes >> h->cluster_bits) + !!(bytes & (qcow2_cluster_size(h) - 1));
}

/* Bytes of the guest behind one L1 entry, as a power of two. */
static inline unsigned qcow2_l1_bits(const struct qcow2_header *h)
{
	unsigned entry_bits = h->incompatible & QCOW2_EXTENDED_L2 ? 4 : 3;

	return 2 * h->cluster_bits - entry_bits;
}

static inline uint64_t qcow2_l1_needed(const struct qcow2_header *h, uint64_t capacity)
{
	uint64_t behind = UINT64_C(1) << qcow2_l1_bits(h);

	return capacity / behind + !!(capacity % behind);
}

/* The most that an image with such clusters can hold. */
static inline uint64_t qcow2_max_capacity(const struct qcow2_header *h)
{
	return (uint64_t)(QCOW2_MAX_L1 / 8) << qcow2_l1_bits(h);
}

/* qcow2_header.c: */

/* The numbers of a header whose magic and version were seen.  What a probe
 * tells of must make sense: lengths, cluster size, capacity, backing name. */
int qcow2_header_parse(struct bytes head, uint64_t file_size, struct qcow2_header *ret,
		       struct bp_error *err);

/* The tables that a header leads to lie in the file and are of a sane size: all but that of
 * refcounts, and that. */
int qcow2_check_tables(const struct qcow2 *q, struct bp_error *err);
int qcow2_check_reftable(const struct qcow2 *q, struct bp_error *err);

/* There are no more snapshots than can be, and their table begins where one can. */
int qcow2_check_snapshots(const struct qcow2 *q, struct bp_error *err);
bool qcow2_snapshots_possible(const struct qcow2 *q);	/* only the latter */

/* Nobody but who tells what it says of itself may read an image that has unknown ones. */
int qcow2_check_features(const struct qcow2_header *h, struct bp_error *err);

/* How clusters are compressed is known, and the header's feature says so, too. */
int qcow2_check_compression(const struct qcow2_header *h, struct bp_error *err);

/* The next header extension at or after *at (begin with the header's length),
 * none of which reaches past end.  1 one; 0 no more; -1 broken; QCOW2_EXT_CUT:
 * it is not wholly in these bytes, try again with more of them. */
#define QCOW2_EXT_CUT 2
struct qcow2_ext {
	uint32_t type;
	struct bytes data;
};
int qcow2_ext_next(struct bytes header, uint64_t end, uint64_t *at, struct qcow2_ext *ret,
		   struct bp_error *err);

/* That end, and as much of the header as extensions may take.  The caller frees *buf, also
 * when it fails. */
uint64_t qcow2_ext_end(const struct qcow2_header *h, uint64_t file_size);
int qcow2_ext_read(struct bp_io *io, uint64_t end, unsigned char **buf, struct bytes *ret,
		   struct bp_error *err);

/* A new header with its extensions and the backing name, as it is written at the
 * start of the file. */
#define QCOW2_HEADER_MAX 4096
int qcow2_header_format(struct qcow2_header *h, const char *backing, const char *backing_format,
			unsigned char ret[QCOW2_HEADER_MAX], size_t *ret_len,
			struct bp_error *err);

/* The numbers of a header as they are written, from its start; the rest is untouched. */
void qcow2_header_numbers(const struct qcow2_header *h, unsigned char ret[QCOW2_LENGTH]);

/* The extension that names the features of this version, or 0 bytes. */
#define QCOW2_NAMES_MAX 512
size_t qcow2_feature_names(const struct qcow2_header *h, unsigned char ret[QCOW2_NAMES_MAX]);

/* qcow2_backing.c: another header, with all extensions that nothing is said of.  Whenever it
 * is interrupted, there is the old one or the new, but perhaps not the words that only
 * explain. */
struct qcow2_rewrite {
	struct qcow2_header h;		/* as it shall be */
	bool backing_too, bitmaps_too, data_too;	/* else these are as they were */
	const char *data_file;		/* "": no name */
	const char *backing, *format;	/* NULL: none */
	struct bytes bitmaps;		/* the extension; no bytes: none */
};
int qcow2_rewrite(struct bp_io *io, const struct qcow2_rewrite *to, struct bp_error *err);

/* Read the header and make sure that the tables it leads to lie in the file
 * and are of a sane size.  Nothing to close: the io stays the caller's. */
int qcow2_open(struct bp_io *io, struct qcow2 *ret, struct bp_error *err);

/* The same for who only reads the disk, or repairs all: neither the refcount table nor that of
 * snapshots is one of them. */
int qcow2_open_disk(struct bp_io *io, struct qcow2 *ret, struct bp_error *err);

/* For who needs the guest's bytes: the file that they are in is open. */
int qcow2_need_data(const struct qcow2 *q, struct bp_error *err);

/* qcow2_refs.c: refcounts of any width.  Those narrower than a byte begin at its least
 * significant bits. */
static inline unsigned qcow2_block_bits(const struct qcow2 *q)	/* 1 << this in a block */
{
	return q->h.cluster_bits + 3 - q->h.refcount_order;
}

uint64_t qcow2_ref_max(const struct qcow2 *q);
uint64_t qcow2_ref_load(const struct qcow2 *q, const unsigned char *block, uint64_t i);
void qcow2_ref_store(const struct qcow2 *q, unsigned char *block, uint64_t i, uint64_t count);

/* Nearly always a refcount has 16 bits. */
static inline uint64_t qcow2_ref_get(const struct qcow2 *q, const unsigned char *block, uint64_t i)
{
	return q->h.refcount_order == 4 ? (uint64_t)block[i * 2] << 8 | block[i * 2 + 1] :
					  qcow2_ref_load(q, block, i);
}

static inline void qcow2_ref_put(const struct qcow2 *q, unsigned char *block, uint64_t i,
				 uint64_t count)
{
	if (q->h.refcount_order == 4)
		put_be16(block + i * 2, (uint16_t)count);
	else
		qcow2_ref_store(q, block, i, count);
}

/* Clusters at the end of the image that are nobody's: what is wanted comes
 * first, then the refcount blocks that have to be made to count them all. */
struct qcow2_run {
	uint64_t first, wanted, blocks;
};

/* Find such a run.  Nothing is written. */
int qcow2_run_plan(const struct qcow2 *q, uint64_t wanted, struct qcow2_run *ret,
		   struct bp_error *err);

/* Write the new refcount blocks, to which nothing leads yet. */
int qcow2_run_write_blocks(const struct qcow2 *q, const struct qcow2_run *run,
			   struct bp_error *err);

/* Raise the refcounts of the run in the blocks that were there before. */
int qcow2_run_raise(const struct qcow2 *q, const struct qcow2_run *run, struct bp_error *err);

/* Let the refcount table lead to the new blocks, when all of that is on disk. */
int qcow2_run_publish(const struct qcow2 *q, const struct qcow2_run *run, struct bp_error *err);

/* n clusters from first on: each has this refcount, or the image is damaged. */
int qcow2_refs_expect(const struct qcow2 *q, uint64_t first, uint64_t n, uint64_t count,
		      struct bp_error *err);
int qcow2_refs_set(const struct qcow2 *q, uint64_t first, uint64_t n, uint64_t count,
		   struct bp_error *err);

/* qcow2_create.c: an empty image, planned: */

/* Counted in clusters, in the order of the file. */
struct qcow2_layout {
	uint64_t table, blocks, luks, l1, l2, data;
	uint64_t total;
};

struct qcow2_new {
	struct qcow2_header h;
	struct qcow2_layout l;
	unsigned char header[QCOW2_HEADER_MAX];
	size_t header_len;
	uint64_t entries;		/* of L2 that are preallocated */
	uint64_t metadata, end;		/* bytes of the file up to the data, and in all */
	enum bp_preallocation preallocate;
};
int qcow2_new_plan(const struct bp_image_spec *spec, struct qcow2_new *ret, struct bp_error *err);

/* If the guest's disk is to be elsewhere: that is open; and is made its empty disk. */
int qcow2_new_check(struct bp_io *io, const struct qcow2_header *h, struct bp_error *err);
int qcow2_new_data(struct bp_io *io, const struct qcow2_header *h,
		   enum bp_preallocation preallocate, struct bp_error *err);

/* Write all but the header.  What is to be zero there must be so. */
int qcow2_new_tables(struct bp_io *io, const struct qcow2_new *new, struct bp_error *err);

/* The slots: qcow2_create.c, qcow2_write.c, qcow2_resize.c, qcow2_grow.c, qcow2_check.c,
 * qcow2_snapshot.c, qcow2_empty.c, qcow2_guest.c, qcow2_sparse.c, qcow2_patch.c,
 * qcow2_amend.c, qcow2_bitmap.c. */
int qcow2_sparse(struct bp_io *io, uint64_t space, bool *ret, struct bp_error *err);
int qcow2_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err);
int qcow2_measure(const struct bp_image_spec *spec, uint64_t *ret_full, uint64_t *ret_unit,
		  struct bp_error *err);
int qcow2_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
		struct bp_error *err);
int qcow2_resize(struct bp_io *io, uint64_t capacity, struct bp_error *err);
int qcow2_set_backing(struct bp_io *io, const char *backing, const char *format,
		      struct bp_error *err);
int qcow2_grow(struct bp_io *io, const struct bp_image_growth *growth, struct bp_error *err);
int qcow2_check(struct bp_io *io, enum bp_repair repair,
		const struct bp_teller *teller, const struct bp_progress *progress,
		struct bp_vol_check *ret, struct bp_error *err);
int qcow2_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		struct bp_error *err);
int qcow2_snapshot_list(struct bp_io *io, struct bp_snapshot **ret, size_t *ret_n,
			struct bp_error *err);
int qcow2_snapshot_create(struct bp_io *io, const char *name, struct bp_error *err);
int qcow2_snapshot_revert(struct bp_io *io, const char *which, struct bp_error *err);
int qcow2_snapshot_delete(struct bp_io *io, const char *which, struct bp_error *err);
int qcow2_open_guest(struct bp_io *io, struct bp_guest **ret, struct bp_error *err);
int qcow2_open_snapshot(struct bp_io *io, const char *which, struct bp_guest **ret,
			struct bp_error *err);
int qcow2_patch(struct bp_io *io, unsigned flags, struct bp_patch **ret, struct bp_error *err);
int qcow2_amend(struct bp_io *io, const struct bp_image_amendment *a,
		const struct bp_progress *progress, struct bp_error *err);
int qcow2_bitmap(struct bp_io *io, const struct bp_image_bitmap *what, struct bp_error *err);
int qcow2_bitmap_merge(struct bp_io *io, const char *name, struct bp_io *from, const char *source,
		       struct bp_error *err);
int qcow2_bitmaps_copy(struct bp_io *io, struct bp_io *from, bool skip_broken,
		       const struct bp_teller *teller, struct bp_error *err);
int qcow2_bitmaps_note(struct bp_io *io, struct bp_parts *parts, struct bp_error *err);
int qcow2_forget(struct bp_io *io, bool look, struct bp_error *err);
int qcow2_empty(struct bp_io *io, const struct bp_image_spec *spec,
		const struct bp_image_wiper *wiper, struct bp_error *err);

#endif

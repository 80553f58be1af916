/* qcow2_write.c - a qcow2 image that is filled as it is made.
 *
 *	header | clusters of the guest, and after all of one L2 table that table | ...
 *	| refcount blocks | refcount table | L1
 *
 * L1 comes last, as the file may end with what there is of it.  Nothing is written
 * twice, and all that is kept until the end is L1, and how many compressed pieces
 * there are in the clusters that hold such.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"
#include "core/image/runs.h"
#include "core/image/writer.h"

#define PACKED	 (UINT64_C(1) << 62)
#define ZERO	 UINT64_C(1)
#define ALL_ZERO UINT64_C(0xffffffff00000000)
#define ALL_HERE UINT64_C(0x00000000ffffffff)

struct writer {
	struct bp_writer w;
	struct bp_writer_ops ops;
	struct qcow2 q;			/* its header, and the io */
	const struct bp_image_spec *spec;
	uint64_t *l1;			/* as it is written */
	unsigned char *l2;		/* of the guest's bytes from span on */
	uint64_t span;			/* its number, + 1; 0: none */
	uint64_t next;			/* cluster that nothing is in */
	uint64_t packed_at;		/* behind the last compressed piece; 0: there is none */
	struct qcow2_counts counts;	/* pieces in a cluster */
	uint64_t most;			/* of them */
};

static struct writer *of(struct bp_writer *w)
{
	return (struct writer *)w;
}

static void writer_close(struct bp_writer *bw)
{
	struct writer *w = of(bw);

	qcow2_counts_done(&w->counts);
	free(w->l1);
	free(w->l2);
	free(w);
}

static bool extended(const struct writer *w)
{
	return w->q.h.incompatible & QCOW2_EXTENDED_L2;
}

static bool elsewhere(const struct writer *w)
{
	return qcow2_data_elsewhere(&w->q.h);
}

/* ---- tables ------------------------------------------------------------------------- */

static int end_l2(struct writer *w, struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&w->q.h);
	uint64_t at = w->next << w->q.h.cluster_bits;

	if (!w->span)
		return 0;
	put_be64((unsigned char *)&w->l1[w->span - 1], at | QCOW2_COPIED);
	w->next++;
	w->span = 0;
	return io_write(w->q.io, w->l2, size, at, err);
}

/* The entry of the cluster at at, in the table that is being filled. */
static int entry_of(struct writer *w, uint64_t at, unsigned char **ret, struct bp_error *err)
{
	uint64_t span = (at >> qcow2_l1_bits(&w->q.h)) + 1;
	uint64_t i = (at >> w->q.h.cluster_bits) & (qcow2_l2_entries(&w->q.h) - 1);

	if (span != w->span) {
		if (end_l2(w, err) < 0)
			return -1;
		memset(w->l2, 0, (size_t)qcow2_cluster_size(&w->q.h));
		w->span = span;
	}
	*ret = w->l2 + i * qcow2_entry_size(&w->q.h);
	return 0;
}

static int set_entries(struct writer *w, uint64_t at, uint64_t n, uint64_t first, uint64_t step,
		       uint64_t parts, struct bp_error *err)
{
	unsigned size = qcow2_entry_size(&w->q.h);
	unsigned char *p;

	if (entry_of(w, at, &p, err) < 0)
		return -1;
	for (uint64_t i = 0; i < n; i++, p += size, first += step) {
		put_be64(p, first);
		if (size == 16)
			put_be64(p + 8, parts);
	}
	return 0;
}

static int place_parts(struct writer *w, uint64_t at, uint64_t len, uint64_t parts, uint64_t *ret,
		       struct bp_error *err)
{
	uint64_t n = qcow2_clusters(&w->q.h, len), first;
	unsigned char *ignored;

	if (entry_of(w, at, &ignored, err) < 0)	/* the table before may take a cluster */
		return -1;
	first = elsewhere(w) ? at : w->next << w->q.h.cluster_bits;
	w->next += elsewhere(w) ? 0 : n;
	*ret = first;
	return set_entries(w, at, n, first | QCOW2_COPIED, qcow2_cluster_size(&w->q.h), parts, err);
}

static int place(struct bp_writer *bw, uint64_t at, uint64_t len, uint64_t *ret,
		 struct bp_error *err)
{
	return place_parts(of(bw), at, len, ALL_HERE, ret, err);
}

/* They have a place of their own where all of it is to be kept, and in version 2 where
 * a backing file would show through. */
static int place_zeros(struct bp_writer *bw, uint64_t at, uint64_t len, uint64_t *ret,
		       struct bp_error *err)
{
	struct writer *w = of(bw);
	uint64_t n = qcow2_clusters(&w->q.h, len);

	*ret = BP_NOWHERE;
	if (qcow2_data_raw(&w->q.h))
		return place_parts(w, at, len, ALL_HERE, ret, err);
	if (w->spec->preallocate || w->q.h.version < 3)
		return place_parts(w, at, len, w->spec->backing ? ALL_ZERO : 0, ret, err);
	if (extended(w))
		return set_entries(w, at, n, 0, 0, ALL_ZERO, err);
	return set_entries(w, at, n, ZERO, 0, 0, err);
}

/* ---- compressed pieces ----------------------------------------------------------------- */

/* One more piece in each cluster that has some of these bytes; false: not in the first, as
 * its refcount has no room for that. */
static bool count_piece(struct writer *w, uint64_t at, uint64_t len)
{
	unsigned bits = w->q.h.cluster_bits;
	uint64_t first = at >> bits, last = (at + len - 1) >> bits;

	if (qcow2_counts_get(&w->counts, first) >= w->most)
		return false;
	qcow2_counts_add(&w->counts, first, 1);
	if (last > first) {
		qcow2_counts_add(&w->counts, last, 1);
		w->next = last + 1;
	}
	return true;
}

static int place_packed(struct bp_writer *bw, uint64_t at, size_t len, uint64_t *ret,
			struct bp_error *err)
{
	struct writer *w = of(bw);
	unsigned bits = w->q.h.cluster_bits, x = 62 - (bits - 8);
	uint64_t cs = UINT64_C(1) << bits, to = w->packed_at, sectors;
	unsigned char *entry;

	if (entry_of(w, at, &entry, err) < 0)
		return -1;
	/* what does not fit into the rest of a cluster goes on in the next, if that is free */
	if (!(to & (cs - 1)) || (len > cs - (to & (cs - 1)) && (to >> bits) + 1 != w->next) ||
	    !count_piece(w, to, len)) {
		to = w->next++ << bits;
		(void)count_piece(w, to, len);
	}
	if (to + len > UINT64_C(1) << (x < 56 ? x : 56))
		return bp_fail(err, BP_FAILED, "the image has become too large for compressed "
			       "clusters");
	sectors = ((to + len - 1) >> 9) - (to >> 9);
	w->packed_at = to + len;
	put_be64(entry, PACKED | sectors << x | to);
	*ret = to;
	return 0;
}

/* ---- the end --------------------------------------------------------------------------- */

/* Blocks count the tables and themselves, too. */
static void plan_refcounts(struct writer *w, uint64_t *ret_blocks, uint64_t *ret_total)
{
	uint64_t per_block = UINT64_C(1) << qcow2_block_bits(&w->q), blocks = 0, table = 0, b, t;
	uint64_t l1 = qcow2_clusters(&w->q.h, (uint64_t)w->q.h.l1_entries * 8);

	for (;;) {
		*ret_total = w->next + blocks + table + l1;
		b = *ret_total / per_block + !!(*ret_total % per_block);
		t = qcow2_clusters(&w->q.h, b * 8);
		if (b == blocks && t == table)
			break;
		blocks = b;
		table = t;
	}
	*ret_blocks = blocks;
	w->q.h.reftable_clusters = (uint32_t)table;
}

static int write_block(struct writer *w, uint64_t k, uint64_t total, unsigned char *buf,
		       uint64_t at, struct bp_error *err)
{
	uint64_t per_block = UINT64_C(1) << qcow2_block_bits(&w->q), first = k * per_block;
	size_t size = (size_t)qcow2_cluster_size(&w->q.h);

	memset(buf, 0, size);
	for (uint64_t i = 0; i < per_block && first + i < total; i++) {
		uint64_t pieces = qcow2_counts_get(&w->counts, first + i);

		qcow2_ref_put(&w->q, buf, i, pieces ? pieces : 1);
	}
	return io_write(w->q.io, buf, size, at, err);
}

static int write_refcounts(struct writer *w, uint64_t *ret_end, struct bp_error *err)
{
	struct qcow2_header *h = &w->q.h;
	uint64_t cs = qcow2_cluster_size(h), at = w->next * cs, blocks, total;
	auto_free unsigned char *buf = mem_alloc((size_t)cs);
	auto_free unsigned char *table = NULL;

	plan_refcounts(w, &blocks, &total);
	if (h->reftable_clusters * cs > QCOW2_MAX_REFTABLE || total > QCOW2_MAX_OFFSET / cs)
		return bp_fail(err, BP_FAILED, "with clusters of %" PRIu64 " bytes the image has "
			       "become too large", cs);
	table = mem_alloc((size_t)(h->reftable_clusters * cs));
	for (uint64_t k = 0; k < blocks; k++, at += cs) {
		put_be64(table + k * 8, at);
		if (write_block(w, k, total, buf, at, err) < 0)
			return -1;
	}
	h->reftable_at = at;
	*ret_end = at + h->reftable_clusters * cs;
	return io_write(w->q.io, table, (size_t)(h->reftable_clusters * cs), at, err);
}

/* Behind all else, and no more of it than there is: the rest of its last cluster need not be
 * in the file. */
static int write_l1(struct writer *w, uint64_t at, struct bp_error *err)
{
	size_t len = (size_t)w->q.h.l1_entries * 8;

	w->q.h.l1_at = len ? at : 0;
	return len ? io_write(w->q.io, w->l1, (len + 511) & ~(size_t)511, at, err) : 0;
}

/* Where the guest's clusters are kept, the file system is to keep them, too. */
static int take_space(struct writer *w, struct bp_error *err)
{
	return w->spec->preallocate < BP_PREALLOC_FALLOC || elsewhere(w) ? 0 :
	       io_reserve_empty(w->q.io, 0, w->next << w->q.h.cluster_bits, err);
}

static int finish(struct bp_writer *bw, struct bp_error *err)
{
	struct writer *w = of(bw);
	unsigned char header[QCOW2_HEADER_MAX];
	uint64_t end = 0;
	size_t len;

	if (end_l2(w, err) < 0 || take_space(w, err) < 0 || write_refcounts(w, &end, err) < 0 ||
	    write_l1(w, end, err) < 0 ||
	    qcow2_header_format(&w->q.h, w->spec->backing, w->spec->backing_format, header, &len,
				err) < 0 ||
	    (elsewhere(w) && io_sync(w->w.io, err) < 0) || io_sync(w->q.io, err) < 0)
		return -1;
	return io_write(w->q.io, header, len, 0, err);
}

/* A header that was there does not lead to what is written meanwhile. */
static int wipe_header(struct bp_io *io, struct bp_error *err)
{
	static const unsigned char nothing[512];
	uint64_t size;

	if (io_size(io, &size, err) < 0)
		return -1;
	return size ? io_write(io, nothing, sizeof nothing, 0, err) : 0;
}

/* What is to be filled with zeros need not be twice. */
static enum bp_preallocation space_for(const struct bp_image_spec *spec)
{
	return spec->preallocate == BP_PREALLOC_FALLOC ? BP_PREALLOC_FALLOC : BP_PREALLOC_OFF;
}

int qcow2_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
		struct bp_error *err)
{
	struct bp_image_spec empty = *spec;
	cleanup(writer_closep) struct bp_writer *out = NULL;
	struct qcow2_new new;
	struct writer *w;

	empty.preallocate = BP_PREALLOC_OFF;	/* as it is filled */
	if (qcow2_new_plan(&empty, &new, err) < 0 || qcow2_new_check(io, &new.h, err) < 0 ||
	    wipe_header(io, err) < 0 ||
	    qcow2_new_data(io, &new.h, space_for(spec), err) < 0)
		return -1;
	w = mem_alloc(sizeof *w);
	out = &w->w;
	*w = (struct writer){
		.ops = { place, place_zeros, place_packed, finish, writer_close },
		.q = { .io = io, .h = new.h }, .spec = spec, .next = 1,
	};
	w->w = (struct bp_writer){
		.ops = &w->ops, .io = io->data && new.h.data_file ? io->data : io,
		.capacity = new.h.capacity,
		.unit = qcow2_cluster_size(&new.h), .span = UINT64_C(1) << qcow2_l1_bits(&new.h),
		.packing = spec->zstd ? CODEC_ZSTD : CODEC_DEFLATE,
	};
	if (!spec->backing && !spec->preallocate && !spec->data_raw)
		w->ops.place_zeros = NULL;
	if (new.h.data_file)
		w->ops.place_packed = NULL;
	w->most = qcow2_ref_max(&w->q) < UINT16_MAX ? qcow2_ref_max(&w->q) : UINT16_MAX;
	qcow2_counts_init(&w->counts, UINT16_MAX);
	w->l1 = mem_alloc((size_t)(qcow2_clusters(&new.h, (uint64_t)new.h.l1_entries * 8) + 1)
			  << new.h.cluster_bits);
	w->l2 = mem_alloc((size_t)w->w.unit);
	*ret = steal(out);
	return 0;
}

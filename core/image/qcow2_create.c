/* qcow2_create.c - write an empty image, the header last.
 *
 *	header | refcount table | refcount blocks | L1 [ | L2 tables | guest's clusters ]
 *
 * What is in brackets is there only when metadata is preallocated.  Tables are
 * runs of numbers, so they are written through one small buffer, whatever the
 * capacity; and what is all zero is not written at all, as a new file is.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/empty.h"
#include "core/image/qcow2.h"
#include "core/image/runs.h"
#include "core/model/volume.h"

static bool is_old(const struct bp_image_spec *spec)
{
	return spec->compat && strcmp(spec->compat, "0.10") == 0;
}

static int check_features(const struct bp_image_spec *spec, struct bp_error *err)
{
	const struct {
		bool wanted;
		const char *name;
	} rows[] = {
		{ spec->data_file, "a data file" },
		{ spec->features & BP_FEATURE_LAZY_REFCOUNTS, "lazy_refcounts" },
		{ spec->features & BP_FEATURE_EXTENDED_L2, "extended_l2" },
		{ spec->zstd, "compression_type zstd" },
		{ spec->refcount_bits && spec->refcount_bits != 16,
		  "a refcount width other than 16 bits" },
	};
	bool old = is_old(spec);

	if (spec->compat && !old && strcmp(spec->compat, "1.1") != 0)
		return bp_fail(err, BP_CONFIG, "unknown qcow2 compat level '%s': there are 0.10 "
			       "and 1.1", spec->compat);
	for (size_t i = 0; old && i < array_size(rows); i++)
		if (rows[i].wanted)
			return bp_fail(err, BP_CONFIG, "%s not supported with compat level 0.10",
				       rows[i].name);
	if (!spec->data_file && spec->features & BP_FEATURE_DATA_FILE)
		return bp_fail(err, BP_CONFIG, "a qcow2 image with its data in another file "
			       "needs the name of that file");
	return 0;
}

static int check_data(const struct bp_image_spec *spec, struct bp_error *err)
{
	size_t len = spec->data_file ? strlen(spec->data_file) : 0;

	if (spec->data_raw && !spec->data_file)
		return bp_fail(err, BP_INVALID, "data-file-raw requires data-file");
	if (spec->data_raw && spec->backing)
		return bp_fail(err, BP_INVALID, "Backing file and data-file-raw cannot be used at "
			       "the same time");
	if (spec->data_file && (!len || len > IMAGE_NAME_MAX))
		return bp_fail(err, BP_INVALID, "the name of the data file must have 1 to %d "
			       "bytes, not %zu", IMAGE_NAME_MAX, len);
	if (spec->data_file && spec->luks)
		return bp_fail(err, BP_UNSUPPORTED, "an encrypted image with its data in another "
			       "file cannot be made");
	return 0;
}

static int check_names(const struct bp_image_spec *spec, struct bp_error *err)
{
	if (!spec->backing && spec->backing_format)
		return bp_fail(err, BP_INVALID, "backing format '%s' without a backing file",
			       spec->backing_format);
	if (spec->backing && (!*spec->backing || strlen(spec->backing) > IMAGE_NAME_MAX))
		return bp_fail(err, BP_INVALID, "the name of the backing file must have 1 to %d "
			       "bytes, not %zu", IMAGE_NAME_MAX, strlen(spec->backing));
	if (spec->backing_format && strlen(spec->backing_format) > 15)
		return bp_fail(err, BP_INVALID, "backing format '%s' is longer than 15 bytes",
			       spec->backing_format);
	if (spec->backing && spec->preallocate && !(spec->features & BP_FEATURE_EXTENDED_L2))
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation conflicts with backing store");
	return 0;
}

static int set_cluster_size(struct qcow2_header *h, uint64_t size, struct bp_error *err)
{
	h->cluster_bits = size ? (uint32_t)__builtin_ctzll(size) : 16;
	if ((size && size != qcow2_cluster_size(h)) || h->cluster_bits < QCOW2_MIN_CLUSTER_BITS ||
	    h->cluster_bits > QCOW2_MAX_CLUSTER_BITS)
		return bp_fail(err, BP_INVALID,
			       "Cluster size must be a power of two between 512 and 2048k");
	if (h->incompatible & QCOW2_EXTENDED_L2 && h->cluster_bits < 14)
		return bp_fail(err, BP_CONFIG, "extended_l2 needs clusters of at least 16 KiB, "
			       "not %" PRIu64 " bytes", size);
	return 0;
}

static int set_capacity(struct qcow2_header *h, uint64_t capacity, struct bp_error *err)
{
	if (capacity > qcow2_max_capacity(h))
		return bp_fail(err, BP_INVALID, "a qcow2 image with clusters of %" PRIu64
			       " bytes%s can hold at most %" PRIu64 " bytes, not %" PRIu64,
			       qcow2_cluster_size(h),
			       h->incompatible & QCOW2_EXTENDED_L2 ? " and extended_l2" : "",
			       qcow2_max_capacity(h), capacity);
	h->capacity = (capacity + 511) & ~UINT64_C(511);
	h->l1_entries = (uint32_t)qcow2_l1_needed(h, h->capacity);
	return 0;
}

/* The refcount blocks count themselves and the table, which grows with them; not what is
 * in another file. */
static int plan_layout(struct qcow2_header *h, bool preallocate, struct qcow2_layout *l,
		       struct bp_error *err)
{
	uint64_t cs = qcow2_cluster_size(h), per_block = cs * 8 >> h->refcount_order;
	uint64_t blocks, table;

	*l = (struct qcow2_layout){ .table = 1, .blocks = 1 };
	l->luks = qcow2_clusters(h, h->luks_len);
	l->l1 = qcow2_clusters(h, (uint64_t)h->l1_entries * 8);
	if (preallocate) {
		l->l2 = h->l1_entries;
		l->data = h->data_file ? 0 : qcow2_clusters(h, h->capacity);
	}
	for (;;) {
		l->total = 1 + l->table + l->blocks + l->luks + l->l1 + l->l2 + l->data;
		blocks = l->total / per_block + !!(l->total % per_block);
		table = qcow2_clusters(h, blocks * 8);
		if (blocks == l->blocks && table == l->table)
			break;
		l->blocks = blocks;
		l->table = table;
	}
	if (l->table * cs > QCOW2_MAX_REFTABLE || l->total > QCOW2_MAX_OFFSET / cs)
		return bp_fail(err, BP_INVALID, "%" PRIu64 " bytes are too many to preallocate "
			       "with clusters of %" PRIu64 " bytes", h->capacity, cs);
	h->reftable_at = cs;
	h->reftable_clusters = (uint32_t)l->table;
	h->luks_at = (1 + l->table + l->blocks) * cs;
	h->l1_at = l->l1 ? h->luks_at + l->luks * cs : 0;
	return 0;
}

/* The guest's clusters, side by side.  Where an entry is extended it says of none of its
 * parts that they are there, so that a backing file shows; but of a file that is a disk by
 * itself all of them are. */
static int write_l2(struct runs *w, const struct qcow2_new *new, uint64_t data_at,
		    struct bp_error *err)
{
	const struct qcow2_header *h = &new->h;
	uint64_t cs = qcow2_cluster_size(h), n = new->entries;
	bool extended = h->incompatible & QCOW2_EXTENDED_L2;
	uint64_t at = data_at;

	if (!extended || !qcow2_data_raw(h))
		return runs_numbers(w, data_at | QCOW2_COPIED, cs, n, extended ? 16 : 8, err);
	for (; n; n--, at += cs)
		if (runs_numbers(w, at | QCOW2_COPIED, 0, 1, 8, err) < 0 ||
		    runs_numbers(w, UINT32_MAX, 0, 1, 8, err) < 0)
			return -1;
	return 0;
}

static int write_tables(struct runs *w, const struct qcow2_new *new, struct bp_error *err)
{
	const struct qcow2_header *h = &new->h;
	const struct qcow2_layout *l = &new->l;
	uint64_t cs = qcow2_cluster_size(h);
	uint64_t blocks_at = (1 + l->table) * cs;
	uint64_t l2_at = h->l1_at + l->l1 * cs;
	uint64_t data_at = h->data_file ? 0 : l2_at + l->l2 * cs;

	if (runs_seek(w, h->reftable_at, err) < 0 ||
	    runs_numbers(w, blocks_at, cs, l->blocks, 8, err) < 0 ||
	    runs_seek(w, blocks_at, err) < 0 ||
	    runs_ones(w, l->total, h->refcount_order, err) < 0)
		return -1;
	if (l->l2 && (runs_seek(w, h->l1_at, err) < 0 ||
		      runs_numbers(w, l2_at | QCOW2_COPIED, cs, l->l2, 8, err) < 0 ||
		      runs_seek(w, l2_at, err) < 0 ||
		      write_l2(w, new, data_at, err) < 0))
		return -1;
	return runs_flush(w, err);
}

/* Version, features and widths. */
static int set_kind(struct qcow2_header *h, const struct bp_image_spec *spec, struct bp_error *err)
{
	unsigned bits = spec->refcount_bits ? spec->refcount_bits : 16;

	if (bits > 64 || bits & (bits - 1))
		return bp_fail(err, BP_INVALID,
			       "Refcount width must be a power of two and may not exceed 64 bits");
	h->version = is_old(spec) ? 2 : 3;
	h->refcount_order = (uint32_t)__builtin_ctz(bits);
	h->compression = spec->zstd ? QCOW2_ZSTD : QCOW2_DEFLATE;
	h->compatible = spec->features & BP_FEATURE_LAZY_REFCOUNTS ? QCOW2_LAZY : 0;
	h->incompatible = (spec->features & BP_FEATURE_EXTENDED_L2 ? QCOW2_EXTENDED_L2 : 0) |
			  (spec->zstd ? QCOW2_COMPRESSION : 0) |
			  (spec->data_file ? QCOW2_DATA_FILE : 0);
	h->autoclear = spec->data_raw ? QCOW2_RAW_DATA_FILE : 0;
	h->data_file = spec->data_file;
	h->luks_len = spec->luks_len;
	h->encryption = spec->luks ? QCOW2_LUKS : 0;
	return set_cluster_size(h, spec->cluster_size, err);
}

int qcow2_new_plan(const struct bp_image_spec *spec, struct qcow2_new *ret, struct bp_error *err)
{
	struct qcow2_new new = { .preallocate = spec->preallocate };
	struct qcow2_header *h = &new.h;

	if (spec->data_raw && !new.preallocate)	/* so that tables, too, lead to all of it */
		new.preallocate = BP_PREALLOC_METADATA;
	if (check_features(spec, err) < 0 || check_names(spec, err) < 0 ||
	    check_data(spec, err) < 0 ||
	    set_kind(h, spec, err) < 0 ||
	    set_capacity(h, spec->capacity, err) < 0 ||
	    plan_layout(h, new.preallocate, &new.l, err) < 0 ||
	    qcow2_header_format(h, spec->backing, spec->backing_format, new.header,
				&new.header_len, err) < 0)
		return -1;
	new.entries = new.preallocate ? qcow2_clusters(h, h->capacity) : 0;
	new.metadata = (new.l.total - new.l.data) << h->cluster_bits;
	new.end = new.l.l2 ? new.l.total << h->cluster_bits :
		  new.l.l1 ? h->l1_at + (uint64_t)h->l1_entries * 8 : new.metadata;
	*ret = new;
	return 0;
}

int qcow2_new_tables(struct bp_io *io, const struct qcow2_new *new, struct bp_error *err)
{
	auto_free struct runs *w = runs_new(io);

	return write_tables(w, new, err);
}

int qcow2_new_check(struct bp_io *io, const struct qcow2_header *h, struct bp_error *err)
{
	return !h->data_file || io->data ? 0 :
	       bp_fail(err, BP_INTERNAL, "the data file '%s' is not open", h->data_file);
}

/* A disk without tables. */
int qcow2_new_data(struct bp_io *io, const struct qcow2_header *h,
		   enum bp_preallocation preallocate, struct bp_error *err)
{
	const struct bp_image_spec disk = {
		.capacity = h->capacity,
		.preallocate = preallocate == BP_PREALLOC_METADATA ? BP_PREALLOC_OFF : preallocate,
	};

	return h->data_file ? image_raw.create(io->data, &disk, err) : 0;
}

/* The place of the guest's clusters, which nothing was written to. */
static int take_space(struct bp_io *io, const struct qcow2_new *new, struct bp_error *err)
{
	uint64_t len = new->end - new->metadata;

	if (new->h.data_file)
		return qcow2_new_data(io, &new->h, new->preallocate, err);
	if (new->preallocate == BP_PREALLOC_FALLOC)
		return io_reserve_empty(io, new->metadata, len, err);
	return new->preallocate == BP_PREALLOC_FULL ? io_fill(io, new->metadata, len, err) : 0;
}

int qcow2_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err)
{
	struct qcow2_new new;

	if (qcow2_new_plan(spec, &new, err) < 0 || qcow2_new_check(io, &new.h, err) < 0 ||
	    image_clear(io, new.metadata, new.end, err) < 0 ||
	    take_space(io, &new, err) < 0 ||
	    qcow2_new_tables(io, &new, err) < 0 ||
	    (spec->luks && io_write(io, spec->luks, spec->luks_len, new.h.luks_at, err) < 0))
		return -1;
	return io_write(io, new.header, new.header_len, 0, err);
}

/* What metadata is reserved for is what is full. */
int qcow2_measure(const struct bp_image_spec *spec, uint64_t *ret_full, uint64_t *ret_unit,
		  struct bp_error *err)
{
	struct bp_image_spec full = *spec;
	struct qcow2_new new;

	full.preallocate = BP_PREALLOC_METADATA;
	full.backing = full.backing_format = full.data_file = NULL;
	full.data_raw = false;
	if (qcow2_new_plan(&full, &new, err) < 0)
		return -1;
	*ret_full = new.l.total << new.h.cluster_bits;
	*ret_unit = qcow2_cluster_size(&new.h);
	return 0;
}

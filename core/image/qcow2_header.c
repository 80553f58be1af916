/* qcow2_header.c - the header and its extensions, read and checked. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/image/qcow2.h"

static int check_length(const struct qcow2_header *h, uint64_t file_size, struct bp_error *err)
{
	uint64_t room = qcow2_cluster_size(h) < file_size ? qcow2_cluster_size(h) : file_size;

	if (h->version > 2 && (h->length < QCOW2_V3_LENGTH || h->length % 8))
		return bp_fail(err, BP_CORRUPT, "the qcow2 header says it has %" PRIu32 " bytes",
			       h->length);
	if (h->length > room)
		return bp_fail(err, BP_CORRUPT, "the qcow2 header says it has %" PRIu32 " bytes, "
			       "there are %" PRIu64, h->length, room);
	return 0;
}

static int check_capacity(const struct qcow2_header *h, struct bp_error *err)
{
	if (h->incompatible & QCOW2_EXTENDED_L2 && h->cluster_bits < 14)
		return bp_fail(err, BP_CORRUPT, "the qcow2 header has extended L2 entries, "
			       "but clusters of %" PRIu64 " bytes", qcow2_cluster_size(h));
	if (h->capacity > qcow2_max_capacity(h))
		return bp_fail(err, BP_CORRUPT, "the capacity in the qcow2 header, %" PRIu64
			       " bytes, is absurd: with clusters of %" PRIu64
			       " there can be at most %" PRIu64, h->capacity,
			       qcow2_cluster_size(h), qcow2_max_capacity(h));
	return 0;
}

static int check_backing(const struct qcow2_header *h, struct bp_error *err)
{
	uint64_t room = qcow2_cluster_size(h);

	if (!h->backing_at)
		return 0;
	if (h->backing_at > room || h->backing_len > room - h->backing_at)
		return bp_fail(err, BP_CORRUPT, "the name of the backing file, %" PRIu32
			       " bytes at %" PRIu64 ", is outside the first cluster",
			       h->backing_len, h->backing_at);
	return 0;
}

/* What version 2 has not is what version 3 has by default. */
static void read_v3(struct bytes b, struct qcow2_header *h)
{
	h->refcount_order = 4;
	h->length = QCOW2_V2_LENGTH;
	if (h->version < 3)
		return;
	h->incompatible = be64_at(b, 72);
	h->compatible = be64_at(b, 80);
	h->autoclear = be64_at(b, QCOW2_AUTOCLEAR_AT);
	h->refcount_order = be32_at(b, 96);
	h->length = be32_at(b, 100);
	if (h->length > QCOW2_COMPRESSION_AT)
		h->compression = (uint8_t)be_at(b, QCOW2_COMPRESSION_AT, 1);
}

int qcow2_header_parse(struct bytes b, uint64_t file_size, struct qcow2_header *ret,
		       struct bp_error *err)
{
	struct qcow2_header h = {
		.version	   = be32_at(b, 4),
		.backing_at	   = be64_at(b, 8),
		.backing_len	   = be32_at(b, 16),
		.cluster_bits	   = be32_at(b, 20),
		.capacity	   = be64_at(b, QCOW2_SIZE_AT),
		.encryption	   = be32_at(b, 32),
		.l1_entries	   = be32_at(b, 36),
		.l1_at		   = be64_at(b, 40),
		.reftable_at	   = be64_at(b, 48),
		.reftable_clusters = be32_at(b, 56),
		.n_snapshots	   = be32_at(b, 60),
		.snapshots_at	   = be64_at(b, 64),
	};
	size_t least = h.version < 3 ? QCOW2_V2_LENGTH : QCOW2_V3_LENGTH;

	if (!bytes_has(b, 0, least))
		return bp_fail(err, BP_CORRUPT, "the qcow2 header is cut off: %zu of %zu bytes",
			       b.len, least);
	read_v3(b, &h);
	if (h.cluster_bits < QCOW2_MIN_CLUSTER_BITS || h.cluster_bits > QCOW2_MAX_CLUSTER_BITS)
		return bp_fail(err, BP_CORRUPT, "the qcow2 header asks for clusters of 2^%" PRIu32
			       " bytes", h.cluster_bits);
	if (check_length(&h, file_size, err) < 0 || check_capacity(&h, err) < 0 ||
	    check_backing(&h, err) < 0)
		return -1;
	*ret = h;
	return 0;
}

int qcow2_ext_next(struct bytes header, uint64_t end, uint64_t *at, struct qcow2_ext *ret,
		   struct bp_error *err)
{
	uint64_t len, padded;

	if (*at > end || end - *at < 8)
		return 0;
	if (!bytes_has(header, *at, 8))
		return QCOW2_EXT_CUT;
	ret->type = be32_at(header, *at);
	len = be32_at(header, *at + 4);
	if (len > end - *at - 8)	/* QEMU opens none, be it that of the end */
		return bp_fail(err, BP_CORRUPT, "the qcow2 header extension %08" PRIx32 " at %"
			       PRIu64 " has %" PRIu64 " bytes, more than there is room for",
			       ret->type, *at, len);
	if (ret->type == QCOW2_EXT_END)
		return 0;
	if (!bytes_has(header, *at + 8, len))
		return QCOW2_EXT_CUT;
	ret->data = (struct bytes){ header.p + *at + 8, len };
	padded = (len + 7) & ~UINT64_C(7);
	*at += 8 + padded;
	return 1;
}

uint64_t qcow2_ext_end(const struct qcow2_header *h, uint64_t file_size)
{
	uint64_t end = h->backing_at ? h->backing_at : qcow2_cluster_size(h);

	return end < file_size ? end : file_size;
}

int qcow2_ext_read(struct bp_io *io, uint64_t end, unsigned char **buf, struct bytes *ret,
		   struct bp_error *err)
{
	ret->len = end < QCOW2_EXTENSIONS_MAX ? (size_t)end : QCOW2_EXTENSIONS_MAX;
	ret->p = *buf = mem_alloc(ret->len);
	return io_read(io, *buf, ret->len, 0, err);
}

/* len bytes at at, all of them in the file, at the start of a cluster. */
static int check_place(const struct qcow2 *q, const char *what, uint64_t at, uint64_t len,
		       struct bp_error *err)
{
	if (at & (qcow2_cluster_size(&q->h) - 1))
		return bp_fail(err, BP_CORRUPT, "the %s is at %" PRIu64
			       ", not at the start of a cluster", what, at);
	if (at < qcow2_cluster_size(&q->h) || at > q->file_size || len > q->file_size - at)
		return bp_fail(err, BP_CORRUPT, "the %s, %" PRIu64 " bytes at %" PRIu64
			       ", is not inside the file", what, len, at);
	return 0;
}

int qcow2_check_tables(const struct qcow2 *q, struct bp_error *err)
{
	const struct qcow2_header *h = &q->h;
	uint64_t l1 = (uint64_t)h->l1_entries * 8;

	if (h->refcount_order > 6)
		return bp_fail(err, BP_CORRUPT, "the qcow2 header asks for refcounts of 2^%" PRIu32
			       " bits", h->refcount_order);
	if (l1 > QCOW2_MAX_L1 || h->l1_entries < qcow2_l1_needed(h, h->capacity))
		return bp_fail(err, BP_CORRUPT, "the L1 table has %" PRIu32 " entries, "
			       "but the capacity asks for %" PRIu64, h->l1_entries,
			       qcow2_l1_needed(h, h->capacity));
	return l1 ? check_place(q, "L1 table", h->l1_at, l1, err) : 0;
}

int qcow2_check_reftable(const struct qcow2 *q, struct bp_error *err)
{
	uint64_t len = (uint64_t)q->h.reftable_clusters << q->h.cluster_bits;

	if (!len || len > QCOW2_MAX_REFTABLE)
		return bp_fail(err, BP_CORRUPT, "the refcount table has %" PRIu32 " clusters",
			       q->h.reftable_clusters);
	return check_place(q, "refcount table", q->h.reftable_at, len, err);
}

bool qcow2_snapshots_possible(const struct qcow2 *q)
{
	return !q->h.n_snapshots || (!(q->h.snapshots_at & (qcow2_cluster_size(&q->h) - 1)) &&
				     q->h.snapshots_at < q->file_size);
}

int qcow2_check_snapshots(const struct qcow2 *q, struct bp_error *err)
{
	if (q->h.n_snapshots > QCOW2_MAX_SNAPSHOTS)
		return bp_fail(err, BP_CORRUPT, "the qcow2 header tells of %" PRIu32 " snapshots, "
			       "more than %u: repairing all drops the rest", q->h.n_snapshots,
			       QCOW2_MAX_SNAPSHOTS);
	return qcow2_snapshots_possible(q) ? 0 :
	       bp_fail(err, BP_CORRUPT, "the snapshot table is at %" PRIu64 ", not inside the "
		       "file at the start of a cluster: repairing all drops the snapshots",
		       q->h.snapshots_at);
}

int qcow2_check_compression(const struct qcow2_header *h, struct bp_error *err)
{
	bool marked = h->incompatible & QCOW2_COMPRESSION;

	if (h->compression > QCOW2_ZSTD)
		return bp_fail(err, BP_UNSUPPORTED, "qcow2: unknown compression type: %u",
			       h->compression);
	if (marked != (h->compression != QCOW2_DEFLATE))
		return bp_fail(err, BP_CORRUPT, "qcow2: Compression type incompatible feature bit "
			       "must %sbe set", marked ? "not " : "");
	return 0;
}

int qcow2_check_features(const struct qcow2_header *h, struct bp_error *err)
{
	uint64_t unknown = h->incompatible & ~(uint64_t)QCOW2_KNOWN_INCOMPATIBLE;

	return !unknown ? 0 :
	       bp_fail(err, BP_OP_UNSUPPORTED, "the image has features that are not known here "
		       "(incompatible bits %#" PRIx64 ")", unknown);
}

static int check_encryption(const struct qcow2_header *h, struct bp_error *err)
{
	return h->encryption <= QCOW2_LUKS ? 0 :
	       bp_fail(err, BP_UNSUPPORTED, "qcow2: unknown encryption method: %" PRIu32,
		       h->encryption);
}

int qcow2_need_data(const struct qcow2 *q, struct bp_error *err)
{
	return q->data ? 0 :
	       bp_fail(err, BP_OP_UNSUPPORTED, "the data of the image is in another file, which is "
		       "not open");
}

int qcow2_open_disk(struct bp_io *io, struct qcow2 *ret, struct bp_error *err)
{
	struct bp_image_info info = { 0 };
	unsigned char buf[IMAGE_HEAD];
	struct qcow2 q = { .io = io };
	struct bp_image_head head;
	int r;

	if (image_head_read(io, buf, &head, err) < 0)
		return -1;
	q.file_size = head.size;
	r = image_shows(&head, &image_qcow2.sign, err);
	if (r == 0)
		return bp_fail(err, BP_CORRUPT, "this is no qcow2 image");
	if (r < 0)
		return -1;
	r = image_qcow2.probe(&head, &info, err);	/* names and extensions too */
	bp_image_info_done(&info);
	if (r < 0 || qcow2_header_parse(head.first, head.size, &q.h, err) < 0 ||
	    qcow2_check_compression(&q.h, err) < 0 || check_encryption(&q.h, err) < 0 ||
	    qcow2_check_tables(&q, err) < 0)
		return -1;
	q.data = qcow2_data_elsewhere(&q.h) ? io->data : io;
	*ret = q;
	return 0;
}

int qcow2_open(struct bp_io *io, struct qcow2 *ret, struct bp_error *err)
{
	struct qcow2 q;

	if (qcow2_open_disk(io, &q, err) < 0 || qcow2_check_reftable(&q, err) < 0 ||
	    qcow2_check_snapshots(&q, err) < 0)
		return -1;
	*ret = q;
	return 0;
}

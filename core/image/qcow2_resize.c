/* qcow2_resize.c - give the guest a larger disk (qcow2_shrink.c: a smaller one).
 *
 * The only table that has to grow with the disk is L1.  It grows in place as
 * far as its clusters reach, else into new clusters at the end of the file.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_bitmaps.h"

static int check_image(const struct qcow2_header *h, struct bp_error *err)
{
	static const char pre[] = "Can't resize";
	const struct {
		bool so;
		const char *why;
	} rows[] = {
		{ h->incompatible & QCOW2_CORRUPT,
		  "an image that is marked as corrupt: repair it first" },
		{ h->incompatible & QCOW2_DIRTY,
		  "an image that was not closed (dirty): repair it first" },
		{ h->encryption && h->encryption != QCOW2_LUKS,
		  "an image with the old encryption (AES)" },
		{ h->n_snapshots && h->version < 3, "a v2 image which has snapshots" },
	};

	if (h->incompatible & ~(uint64_t)QCOW2_KNOWN_INCOMPATIBLE)
		return bp_fail(err, BP_OP_UNSUPPORTED, "%s an image with unknown features "
			       "(incompatible bits %#" PRIx64 ")", pre,
			       h->incompatible & ~(uint64_t)QCOW2_KNOWN_INCOMPATIBLE);
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].so)
			return bp_fail(err, BP_OP_UNSUPPORTED, "%s %s", pre, rows[i].why);
	return 0;
}

static int check_capacity(const struct qcow2_header *h, uint64_t *capacity, struct bp_error *err)
{
	if (*capacity > qcow2_max_capacity(h))
		return bp_fail(err, BP_INVALID, "this image has clusters of %" PRIu64
			       " bytes and can hold at most %" PRIu64 " bytes, not %" PRIu64,
			       qcow2_cluster_size(h), qcow2_max_capacity(h), *capacity);
	*capacity = (*capacity + 511) & ~UINT64_C(511);
	return 0;
}

/* What follows the disk in L1 is the memory of a stopped machine, and must not
 * become a part of the disk. */
int qcow2_resize_check_behind(const struct qcow2 *q, uint64_t needed, struct bp_error *err)
{
	unsigned char buf[4096];
	uint64_t at = qcow2_l1_needed(&q->h, q->h.capacity) * 8, end = q->h.l1_entries;

	end = (needed < end ? needed : end) * 8;
	while (at < end) {
		size_t n = end - at < sizeof buf ? (size_t)(end - at) : sizeof buf;

		if (io_read(q->io, buf, n, q->h.l1_at + at, err) < 0)
			return -1;
		if (!is_zero(buf, n))
			return bp_fail(err, BP_OP_UNSUPPORTED, "Can't resize an image that keeps "
				       "the state of a machine behind its disk");
		at += n;
	}
	return 0;
}

/* Others, who know what such bits promise, must not believe them any more. */
static int clear_unknown(struct qcow2 *q, struct bp_error *err)
{
	unsigned char known[8];

	if (!(q->h.autoclear & ~(uint64_t)QCOW2_KNOWN_AUTOCLEAR))
		return 0;
	q->h.autoclear &= QCOW2_KNOWN_AUTOCLEAR;
	put_be64(known, q->h.autoclear);
	if (io_write(q->io, known, sizeof known, QCOW2_AUTOCLEAR_AT, err) < 0)
		return -1;
	return io_sync(q->io, err);
}

/* Capacity, L1 entries and L1 offset lie side by side in one sector. */
static int write_header(struct qcow2 *q, uint64_t capacity, uint64_t l1_entries, uint64_t l1_at,
			struct bp_error *err)
{
	unsigned char fields[24];

	put_be64(fields, capacity);
	put_be32(fields + 8, q->h.encryption);
	put_be32(fields + 12, (uint32_t)l1_entries);
	put_be64(fields + 16, l1_at);
	return io_write(q->io, fields, sizeof fields, QCOW2_SIZE_AT, err);
}

/* The commit.  What does not reach the disk is taken back. */
static int switch_header(struct qcow2 *q, uint64_t capacity, uint64_t l1_entries, uint64_t l1_at,
			 struct bp_error *err)
{
	struct bp_error ignored = { 0 };

	if (write_header(q, capacity, l1_entries, l1_at, err) == 0 && io_sync(q->io, err) == 0)
		return 0;
	(void)write_header(q, q->h.capacity, q->h.l1_entries, q->h.l1_at, &ignored);
	return -1;
}

/* Behind the last entry there may be anything, or the end of the file. */
static int grow_in_place(struct qcow2 *q, uint64_t capacity, uint64_t needed,
			 struct bp_error *err)
{
	uint64_t at = q->h.l1_at + (uint64_t)q->h.l1_entries * 8, end = q->h.l1_at + needed * 8;

	if (at < end && io_fill(q->io, at, end - at, err) < 0)
		return -1;
	if (needed > q->h.l1_entries && io_sync(q->io, err) < 0)
		return -1;
	return switch_header(q, capacity, needed, q->h.l1_at, err);
}

/* The old entries, then zeros up to the end of the last cluster. */
static int write_l1(const struct qcow2 *q, uint64_t to, uint64_t len, struct bp_error *err)
{
	enum { PIECE = 64 << 10 };
	auto_free unsigned char *buf = mem_resize(NULL, PIECE, 1);
	uint64_t old = (uint64_t)q->h.l1_entries * 8;

	for (uint64_t at = 0; at < len; at += PIECE) {
		size_t n = len - at < PIECE ? (size_t)(len - at) : PIECE;
		size_t copy = at >= old ? 0 : old - at < n ? (size_t)(old - at) : n;

		memset(buf + copy, 0, n - copy);
		if (copy && io_read(q->io, buf, copy, q->h.l1_at + at, err) < 0)
			return -1;
		if (io_write(q->io, buf, n, to + at, err) < 0)
			return -1;
	}
	return 0;
}

/* Nothing leads to the end yet, so that without it the image is as it was, but
 * for refcounts that are too high.  The first barrier is there to hear of a
 * full disk before those are touched. */
static int write_new(const struct qcow2 *q, const struct qcow2_run *run, struct bp_error *err)
{
	unsigned bits = q->h.cluster_bits;
	struct bp_error ignored = { 0 };

	if (write_l1(q, run->first << bits, run->wanted << bits, err) == 0 &&
	    qcow2_run_write_blocks(q, run, err) == 0 &&
	    io_sync(q->io, err) == 0 &&
	    qcow2_run_raise(q, run, err) == 0 &&
	    io_sync(q->io, err) == 0)
		return 0;
	(void)io_resize(q->io, q->file_size, &ignored);
	return -1;
}

static int move_l1(struct qcow2 *q, uint64_t capacity, uint64_t needed, struct bp_error *err)
{
	uint64_t old = qcow2_clusters(&q->h, (uint64_t)q->h.l1_entries * 8);
	struct qcow2_run run;

	if (qcow2_run_plan(q, qcow2_clusters(&q->h, needed * 8), &run, err) < 0 ||
	    write_new(q, &run, err) < 0)
		return -1;
	if (run.blocks && (qcow2_run_publish(q, &run, err) < 0 || io_sync(q->io, err) < 0))
		return -1;
	if (switch_header(q, capacity, needed, run.first << q->h.cluster_bits, err) < 0)
		return -1;
	if (!old)
		return 0;
	return qcow2_refs_set(q, q->h.l1_at >> q->h.cluster_bits, old, 0, err);
}

int qcow2_resize_check(struct bp_io *io, struct qcow2 *ret, uint64_t *capacity,
		       struct bp_error *err)
{
	if (qcow2_open(io, ret, err) < 0 || check_image(&ret->h, err) < 0 ||
	    qcow2_need_data(ret, err) < 0)
		return -1;
	return check_capacity(&ret->h, capacity, err);
}

/* A bitmap of another size than the disk would be none. */
int qcow2_resize_commit(struct qcow2_edit *e, struct bp_error *err)
{
	cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };
	int r;

	if (!(e->old.autoclear & QCOW2_BITMAPS))
		return qcow2_edit_commit(e, err);
	r = qcow2_bitmaps_read(&e->q, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (qcow2_bitmap_usable(&all.list[i], err) < 0 ||
		    qcow2_bitmap_resize(e, &all.list[i], err) < 0)
			r = -1;
	return r == 0 ? qcow2_bitmaps_commit(e, &all, err) : qcow2_edit_abandon(e);
}

/* The data file of a larger disk, before the image says that it is: as large, but for a
 * device.  What has been behind its old end shows in one that is a disk by itself, as with
 * QEMU, and in others not, up to to. */
int qcow2_grow_data(const struct qcow2 *q, uint64_t capacity, uint64_t to, struct bp_error *err)
{
	uint64_t size;

	if (!qcow2_data_elsewhere(&q->h))
		return 0;
	if (io_size(q->data, &size, err) < 0)
		return -1;
	if (to > size)
		to = size;
	if (!qcow2_data_raw(&q->h) && to > q->h.capacity &&
	    io_zero(q->data, q->h.capacity, to - q->h.capacity, err) < 0)
		return -1;
	if (size < capacity && io_resize(q->data, capacity, err) < 0)
		return -1;
	return io_sync(q->data, err);
}

/* The end of the cluster that the disk ends in. */
static uint64_t end_of_last(const struct qcow2_header *h)
{
	return qcow2_clusters(h, h->capacity) << h->cluster_bits;
}

int qcow2_resize_checked(struct qcow2 *q, uint64_t capacity, struct bp_error *err)
{
	uint64_t needed, room;

	if (capacity == q->h.capacity)
		return 0;
	if (capacity < q->h.capacity)
		return qcow2_shrink(q->io, q, capacity, err);
	if (q->h.autoclear & QCOW2_BITMAPS || qcow2_data_raw(&q->h))
		return qcow2_grow_edit(q->io, q,
				       &(struct bp_image_growth){ .capacity = capacity }, err);

	room = qcow2_clusters(&q->h, (uint64_t)q->h.l1_entries * 8);
	needed = qcow2_l1_needed(&q->h, capacity);
	if (needed < q->h.l1_entries)
		needed = q->h.l1_entries;
	if (qcow2_resize_check_behind(q, needed, err) < 0 ||
	    qcow2_refs_expect(q, q->h.l1_at >> q->h.cluster_bits, room, 1, err) < 0 ||
	    qcow2_grow_data(q, capacity, end_of_last(&q->h), err) < 0 ||
	    qcow2_tail_clear(q, NULL, BP_PREALLOC_OFF, err) < 0 ||
	    clear_unknown(q, err) < 0)
		return -1;
	if (qcow2_clusters(&q->h, needed * 8) <= room)
		return grow_in_place(q, capacity, needed, err);
	return move_l1(q, capacity, needed, err);
}

int qcow2_resize(struct bp_io *io, uint64_t capacity, struct bp_error *err)
{
	struct qcow2 q;

	return qcow2_resize_check(io, &q, &capacity, err) < 0 ? -1 :
	       qcow2_resize_checked(&q, capacity, err);
}

/* qcow2_amend.c - another version, other features and refcounts for a qcow2 image.
 *
 * Each is a step of its own, before and after which the image is whole.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

static const char cannot[] = "Can't amend the image";

static int set_header(struct bp_io *io, const struct qcow2_header *h, struct bp_error *err)
{
	const struct qcow2_rewrite to = { .h = *h };

	return qcow2_rewrite(io, &to, err);
}

/* ---- a newer version -------------------------------------------------------------------- */

/* Of a snapshot that knows of no capacity, it is the disk's. */
static bool complete(struct qcow2_edit *e)
{
	bool changed = false;

	for (size_t i = 0; i < e->w.snapshots.n; i++)
		changed |= qcow2_snapshot_complete(&e->w.snapshots.list[i]);
	return changed;
}

static int upgrade(struct bp_io *io, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	struct qcow2_header h;

	if (qcow2_edit_begin(&e, io, cannot, err) < 0)
		return -1;
	if (complete(&e) && (qcow2_snapshots_write(&e, err) < 0 ||
			     qcow2_edit_commit(&e, err) < 0))
		return -1;
	h = e.q.h;
	h.version = 3;
	h.length = QCOW2_LENGTH;
	return set_header(io, &h, err);
}

/* ---- an older one -------------------------------------------------------------------------- */

/* What it cannot say. */
static int check_downgrade(const struct qcow2_edit *e, struct bp_error *err)
{
	const struct qcow2_header *h = &e->q.h;

	if (h->refcount_order != 4)
		return bp_fail(err, BP_OP_UNSUPPORTED, "compat=0.10 requires refcount_bits=16");
	if (h->autoclear & QCOW2_BITMAPS)
		return bp_fail(err, BP_OP_UNSUPPORTED, "the image keeps dirty bitmaps, which "
			       "compat=0.10 does not know: remove them first");
	for (size_t i = 0; i < e->w.snapshots.n; i++)
		if (e->w.snapshots.list[i].state > UINT32_MAX ||
		    e->w.snapshots.list[i].capacity != h->capacity)
			return bp_fail(err, BP_OP_UNSUPPORTED,
				       "Internal snapshots prevent downgrade of image");
	if (qcow2_data_elsewhere(h))
		return bp_fail(err, BP_OP_UNSUPPORTED, "Cannot downgrade an image with a data "
			       "file");
	if (h->incompatible)
		return bp_fail(err, BP_OP_UNSUPPORTED, "Cannot downgrade an image with "
			       "incompatible features 0x%" PRIx64 " set", h->incompatible);
	return 0;
}

static int downgrade(struct bp_io *io, const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };
	struct qcow2_header h;

	if (qcow2_edit_begin(&e, io, cannot, err) < 0 || check_downgrade(&e, err) < 0 ||
	    qcow2_unzero(&e, progress, err) < 0)
		return -1;
	h = e.q.h;
	h.version = 2;
	h.length = QCOW2_V2_LENGTH;
	h.compatible = h.autoclear = 0;
	return set_header(io, &h, err);
}

/* ---- refcounts ------------------------------------------------------------------------------ */

static int check_width(const struct qcow2_edit *e, unsigned order, struct bp_error *err)
{
	struct qcow2 then = e->q;
	uint64_t c = 0, max;

	then.h.refcount_order = order;
	max = qcow2_ref_max(&then);
	for (; (c = qcow2_counts_next(&e->w.refs, c)) != UINT64_MAX; c++)
		if (qcow2_counts_get(&e->w.refs, c) > max)
			return bp_fail(err, BP_OP_UNSUPPORTED, "Cannot decrease refcount entry "
				       "width to %u bits: Cluster at offset 0x%" PRIx64
				       " has a refcount of %" PRIu64, 1u << order,
				       c << e->q.h.cluster_bits, qcow2_counts_get(&e->w.refs, c));
	return 0;
}

/* All blocks are written anew, and none of the old stays. */
static int set_width(struct bp_io *io, unsigned order, struct bp_error *err)
{
	cleanup(qcow2_edit_done) struct qcow2_edit e = { 0 };

	if (qcow2_edit_begin(&e, io, cannot, err) < 0 || check_width(&e, order, err) < 0 ||
	    qcow2_edit_width(&e, order, err) < 0)
		return -1;
	return qcow2_edit_commit(&e, err);
}

/* ---- what was asked for ------------------------------------------------------------------- */

static int close_dirty(struct bp_io *io, struct bp_error *err)
{
	struct bp_vol_check sum;
	struct qcow2 q;

	if (qcow2_open(io, &q, err) < 0)
		return -1;
	if (!(q.h.incompatible & QCOW2_DIRTY))
		return 0;
	if (qcow2_check(io, BP_REPAIR_ALL, NULL, NULL, &sum, err) < 0)
		return -1;
	return sum.corruptions ? bp_fail(err, BP_CORRUPT, "%s: it was not closed, and cannot be "
					 "repaired", cannot) : 0;
}

static int set_lazy(struct bp_io *io, bool lazy, struct bp_error *err)
{
	struct qcow2 q;

	if (qcow2_open(io, &q, err) < 0)
		return -1;
	if (lazy == !!(q.h.compatible & QCOW2_LAZY))
		return 0;
	q.h.compatible ^= QCOW2_LAZY;
	return set_header(io, &q.h, err);
}

/* Another name for the file with the data, which is not moved. */
static int set_data(struct bp_io *io, const struct bp_image_amendment *a, struct bp_error *err)
{
	struct qcow2_rewrite to = { .data_too = a->data_file, .data_file = a->data_file };
	struct qcow2 q;

	if (qcow2_open(io, &q, err) < 0)
		return -1;
	if (a->data_file && !qcow2_data_elsewhere(&q.h))
		return bp_fail(err, BP_INVALID, "data-file can only be set for images that use an "
			       "external data file");
	if (a->data_file && strlen(a->data_file) > IMAGE_NAME_MAX)
		return bp_fail(err, BP_INVALID, "the name of a data file has at most %d bytes",
			       IMAGE_NAME_MAX);
	if (a->not_raw)
		q.h.autoclear &= ~(uint64_t)QCOW2_RAW_DATA_FILE;
	to.h = q.h;
	return qcow2_rewrite(io, &to, err);
}

int qcow2_amend(struct bp_io *io, const struct bp_image_amendment *a,
		const struct bp_progress *progress, struct bp_error *err)
{
	unsigned order = (unsigned)__builtin_ctz(a->refcount_bits ? a->refcount_bits : 1);
	struct qcow2 q;

	if (close_dirty(io, err) < 0 || qcow2_open(io, &q, err) < 0)
		return -1;
	if (a->version > q.h.version && upgrade(io, err) < 0)
		return -1;
	if (a->refcount_bits && order != q.h.refcount_order && set_width(io, order, err) < 0)
		return -1;
	if ((a->lazy_too && set_lazy(io, a->lazy, err) < 0) ||
	    ((a->data_file || a->not_raw) && set_data(io, a, err) < 0))
		return -1;
	return a->version && a->version < q.h.version ? downgrade(io, progress, err) : 0;
}

/* iscsi_direct_space.c - which bytes of a LUN have space; zeroing some, and giving it back. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "backends/iscsi_direct_bytes.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define STATUS 16384		/* bytes of an answer */
#define SAME (32u << 20)	/* bytes to be zeroed at once, where the unit has no limit */
#define UNMAP (1u << 30)	/* ... to be given back */

/* ---- where there are data ---------------------------------------------------------- */

/* What is known of the bytes at at; a unit that cannot tell has data everywhere. */
static int look(struct lun_io *l, uint64_t at, struct bp_error *err)
{
	auto_free unsigned char *data = mem_alloc(STATUS);
	uint64_t start = at / l->shape.block;
	struct job job = {
		.lun = l->lun, .command = sbc_status(start, STATUS), .data = data, .len = STATUS,
		.slow = true,
	};
	struct sbc_extent extent;
	int r = -1;

	if (at >= l->from && at < l->to)
		return 0;
	if (job_start(l->in, &job, err) == 0 && job_wait(l->in, &job, err) == 0) {
		l->no_status = job.status;
		r = job.status ? 0 : sbc_status_read(job_answer(&job), start, l->shape.blocks,
						     &extent, err);
	}
	job_done(&job);
	if (r < 0)
		return -1;
	l->from = start * l->shape.block;
	l->to = l->no_status ? l->shape.size : extent.end * l->shape.block;
	l->mapped = l->no_status || extent.mapped;
	return 0;
}

int lun_next_data(struct bp_io *io, uint64_t at, uint64_t *ret_from, uint64_t *ret_to,
		  struct bp_error *err)
{
	struct lun_io *l = lun_of(io);
	uint64_t size = l->shape.size;

	*ret_from = at < size ? at : size;
	*ret_to = size;
	if (!l->shape.thin || !l->shape.reads_zero || l->no_status)
		return 0;
	if (lun_drain(l, err) < 0)
		return -1;
	while (at < size) {
		if (look(l, at, err) < 0)
			return -1;
		if (l->mapped)
			break;
		at = l->to;
	}
	*ret_from = at < size ? at : size;
	*ret_to = at < size ? l->to : size;
	return 0;
}

/* ---- zeros ------------------------------------------------------------------------- */

static int write_zeros(struct lun_io *l, uint64_t at, uint64_t len, struct bp_error *err)
{
	auto_free unsigned char *zeros = mem_alloc(l->chunk);

	while (len) {
		size_t n = len < l->chunk ? (size_t)len : l->chunk;

		if (l->io.ops->write(&l->io, zeros, n, at, err) < 0)
			return -1;
		at += n;
		len -= n;
	}
	return 0;
}

/* The part of a range that has whole blocks; what is before and behind it is written. */
static int write_edges(struct lun_io *l, uint64_t *at, uint64_t *len, struct bp_error *err)
{
	uint64_t block = l->shape.block, before = (block - *at % block) % block, behind;

	if (before > *len)
		before = *len;
	behind = (*len - before) % block;
	if ((before && write_zeros(l, *at, before, err) < 0) ||
	    (behind && write_zeros(l, *at + *len - behind, behind, err) < 0))
		return -1;
	*at += before;
	*len -= before + behind;
	return 0;
}

static struct sbc_command same(uint64_t block, uint32_t n, void *data)
{
	(void)data;
	return sbc_write_same(block, n, false);
}

static struct sbc_command same_unmap(uint64_t block, uint32_t n, void *data)
{
	(void)data;
	return sbc_write_same(block, n, true);
}

static struct sbc_command unmap(uint64_t block, uint32_t n, void *data)
{
	sbc_unmap_list(data, block, n);
	return sbc_unmap(SBC_UNMAP_LIST);
}

static uint64_t step(const struct lun_io *l, uint64_t blocks, uint64_t most)
{
	uint64_t block = l->shape.block;

	return blocks && blocks < most / block ? blocks * block : most;
}

int lun_zero(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	struct lun_io *l = lun_of(io);
	const struct lun_order order = {
		.command = same, .data = l->shape.block, .what = "cannot zero a part of a LUN",
		.step = step(l, l->limits.write_same, SAME),
	};
	bool unknown = false;

	if (l->no_same)
		return bp_fail(err, BP_UNSUPPORTED, "%s: the server does not know how", order.what);
	if (write_edges(l, &at, &len, err) < 0)
		return -1;
	if (lun_order(l, &order, at, len, &unknown, err) == 0)
		return 0;
	l->no_same = unknown;
	return -1;
}

/* ---- giving space back ------------------------------------------------------------- */

static int give_back(struct lun_io *l, uint64_t at, uint64_t len, struct bp_error *err)
{
	const bool by_unmap = l->limits.can_unmap;
	const struct lun_order order = {
		.command = by_unmap ? unmap : same_unmap,
		.data = by_unmap ? SBC_UNMAP_LIST : l->shape.block,
		.what = "cannot give space of a LUN back",
		.step = by_unmap ? step(l, l->limits.unmap, UNMAP) :
				   step(l, l->limits.write_same, SAME),
	};
	bool unknown;

	return lun_order(l, &order, at, len, &unknown, err);
}

/* To unmap is only a hint: what still is data is zeroed. */
static int zero_rest(struct lun_io *l, uint64_t at, uint64_t len, struct bp_error *err)
{
	uint64_t end = at + len, from, to;

	while (at < end) {
		if (lun_next_data(&l->io, at, &from, &to, err) < 0)
			return -1;
		if (from >= end)
			break;
		to = to < end ? to : end;
		if (io_zero(&l->io, from, to - from, err) < 0)
			return -1;
		at = to;
	}
	return 0;
}

/* Afterwards the range reads as zeros, as copies count on. */
int lun_discard(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	struct lun_io *l = lun_of(io);

	if (!l->shape.thin || !l->shape.reads_zero ||
	    !(l->limits.can_unmap || l->limits.can_write_same))
		return bp_fail(err, BP_UNSUPPORTED, "'%s' cannot give space back: the server does "
			       "not offer it for this LUN", io->name);
	if (write_edges(l, &at, &len, err) < 0 || give_back(l, at, len, err) < 0)
		return -1;
	return zero_rest(l, at, len, err);
}

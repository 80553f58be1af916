/* iscsi_direct_io.c - the bytes of a LUN, with many requests in flight.
 *
 * What is written is on its way when a call returns; that it went wrong is said by a later
 * call, at the latest by sync.  Who reads on where he has stopped finds the next bytes
 * there.  Requests to the same bytes never overtake each other.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/iscsi_direct_bytes.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* ---- slots ---------------------------------------------------------------------------------- */

static void free_slot(struct lun_io *l, size_t i)
{
	job_done(&l->jobs[i]);
	l->slots[i].use = SLOT_FREE;
}

static int fail_job(struct lun_io *l, size_t i, struct bp_error *err)
{
	const struct slot *s = &l->slots[i];
	auto_free char *what = mem_printf("cannot %s %zu bytes at %" PRIu64 " of '%s'",
					  s->use == SLOT_WRITE ? "write" : "read", s->len, s->at,
					  l->io.name);

	return job_fail(&l->jobs[i], what, err);
}

/* Writes that are done leave their slots; a failure is kept for who asks next. */
static void reap(struct lun_io *l)
{
	for (size_t i = 0; i < DEPTH; i++) {
		if (l->slots[i].use != SLOT_WRITE || l->jobs[i].state != JOB_DONE)
			continue;
		if (l->jobs[i].status && !l->failed.code &&
		    initiator_check(l->in, &l->failed) == 0)
			fail_job(l, i, &l->failed);
		free_slot(l, i);
	}
}

static int sticky(const struct lun_io *l, struct bp_error *err)
{
	if (!l->failed.code)
		return 0;
	*err = l->failed;
	return -1;
}

static bool is_busy(const struct lun_io *l, size_t i)
{
	return l->jobs[i].state == JOB_BUSY;
}

/* One slot whose request is done, or goes on no more. */
static int wait_slot(struct lun_io *l, size_t i, struct bp_error *err)
{
	return is_busy(l, i) ? job_wait(l->in, &l->jobs[i], err) : 0;
}

static void drop_reads(struct lun_io *l)
{
	struct bp_error ignored = { 0 };

	for (size_t i = 0; i < DEPTH; i++) {
		if (l->slots[i].use != SLOT_READ)
			continue;
		if (wait_slot(l, i, &ignored) < 0)
			jobs_cancel(l->in);
		free_slot(l, i);
		ignored = (struct bp_error){ 0 };
	}
	l->ahead = l->next = UINT64_MAX;
	l->window = 0;
}

void lun_forget(struct lun_io *l)
{
	drop_reads(l);
	l->from = l->to = 0;
}

int lun_drain(struct lun_io *l, struct bp_error *err)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (l->slots[i].use == SLOT_WRITE && wait_slot(l, i, err) < 0)
			return -1;
	reap(l);
	return sticky(l, err);
}

static ssize_t find_free(const struct lun_io *l)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (l->slots[i].use == SLOT_FREE)
			return (ssize_t)i;
	return -1;
}

/* There are no reads: whatever holds a slot is on its way to the server. */
static ssize_t take_free(struct lun_io *l, struct bp_error *err)
{
	ssize_t i;

	while ((i = find_free(l)) < 0) {
		if (jobs_wait_any(l->in, l->jobs, DEPTH, err) < 0)
			return -1;
		reap(l);
		if (sticky(l, err) < 0)
			return -1;
	}
	return i;
}

static int start(struct lun_io *l, size_t i, enum slot_use use, uint64_t at, size_t len,
		 struct sbc_command command, size_t data, struct bp_error *err)
{
	struct slot *s = &l->slots[i];

	if (!s->buffer)
		s->buffer = mem_alloc(l->chunk);
	l->jobs[i] = (struct job){
		.lun = l->lun, .command = command, .data = s->buffer, .len = data,
		.sends = use == SLOT_WRITE, .slow = true,
	};
	s->at = at;
	s->len = len;
	if (job_start(l->in, &l->jobs[i], err) < 0)
		return -1;
	s->use = use;
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool overlaps(const struct lun_io *l, uint64_t at, uint64_t len)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (l->slots[i].use == SLOT_WRITE && l->slots[i].at < at + len &&
		    at < l->slots[i].at + l->slots[i].len)
			return true;
	return false;
}

int lun_write_blocks(struct lun_io *l, const unsigned char *buf, size_t len, uint64_t at,
		     struct bp_error *err)
{
	if (overlaps(l, at, len) && lun_drain(l, err) < 0)
		return -1;
	while (len) {
		size_t n = len < l->chunk ? len : l->chunk;
		ssize_t i = take_free(l, err);
		struct sbc_command c = sbc_write(at / l->shape.block,
						 (uint32_t)(n / l->shape.block));

		if (i < 0)
			return -1;
		if (!l->slots[i].buffer)
			l->slots[i].buffer = mem_alloc(l->chunk);
		memcpy(l->slots[i].buffer, buf, n);
		if (start(l, (size_t)i, SLOT_WRITE, at, n, c, n, err) < 0)
			return -1;
		buf += n;
		at += n;
		len -= n;
	}
	return jobs_push(l->in, err);
}

static int check_range(const struct lun_io *l, uint64_t at, uint64_t len, struct bp_error *err)
{
	if (at <= l->shape.size && len <= l->shape.size - at)
		return 0;
	return bp_fail(err, BP_FAILED, "'%s' has %" PRIu64 " bytes, and more are written or read",
		       l->io.name, l->shape.size);
}

static int lun_read(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err);

/* What of a block is not written stays as it is. */
static int write_part(struct lun_io *l, const unsigned char *buf, size_t len, uint64_t at,
		      struct bp_error *err)
{
	size_t block = l->shape.block, skip = at % block;
	auto_free unsigned char *whole = mem_alloc(block);

	if (lun_read(&l->io, whole, block, at - skip, err) < 0)
		return -1;
	memcpy(whole + skip, buf, len);
	lun_forget(l);
	return lun_write_blocks(l, whole, block, at - skip, err);
}

static int lun_write(struct bp_io *io, const void *data, size_t len, uint64_t at,
		     struct bp_error *err)
{
	struct lun_io *l = lun_of(io);
	const unsigned char *buf = data;

	if (sticky(l, err) < 0 || check_range(l, at, len, err) < 0)
		return -1;
	lun_forget(l);
	while (len) {
		size_t block = l->shape.block, skip = at % block, n = len - len % block;

		if (skip || !n) {
			n = len < block - skip ? len : block - skip;
			if (write_part(l, buf, n, at, err) < 0)
				return -1;
		} else if (lun_write_blocks(l, buf, n, at, err) < 0) {
			return -1;
		}
		buf += n;
		at += n;
		len -= n;
	}
	return 0;
}

int lun_order(struct lun_io *l, const struct lun_order *order, uint64_t at, uint64_t len,
	      bool *ret_unknown, struct bp_error *err)
{
	const uint64_t block = l->shape.block;

	*ret_unknown = false;
	if (lun_drain(l, err) < 0)
		return -1;
	lun_forget(l);
	while (len) {
		uint64_t n = len < order->step ? len : order->step;
		struct slot *s = &l->slots[0];

		if (!s->buffer)
			s->buffer = mem_alloc(l->chunk);
		memset(s->buffer, 0, order->data);
		if (start(l, 0, SLOT_WRITE, at, n,
			  order->command(at / block, (uint32_t)(n / block), s->buffer),
			  order->data, err) < 0 || wait_slot(l, 0, err) < 0)
			return -1;
		*ret_unknown = job_is_unknown(&l->jobs[0]);
		if (l->jobs[0].status && !*ret_unknown)
			job_fail(&l->jobs[0], order->what, err);
		free_slot(l, 0);
		if (err->code || *ret_unknown)
			return err->code ? -1 : bp_fail(err, BP_UNSUPPORTED, "%s: the server does "
							"not know how", order->what);
		at += n;
		len -= n;
	}
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static ssize_t find_read(const struct lun_io *l, uint64_t at)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (l->slots[i].use == SLOT_READ && l->slots[i].at <= at &&
		    at - l->slots[i].at < l->slots[i].len)
			return (ssize_t)i;
	return -1;
}

/* Where to stop: nobody wants the bytes of a hole. */
static uint64_t end_of_data(const struct lun_io *l, uint64_t at)
{
	return l->mapped && at >= l->from && at < l->to ? l->to : l->shape.size;
}

/* Ask for what is wanted, and for what may be next. */
static int read_ahead(struct lun_io *l, uint64_t at, uint64_t end, struct bp_error *err)
{
	uint64_t block = l->shape.block, last = end_of_data(l, at), until = end;
	ssize_t i;

	if (l->window > end - at && l->window < last - at)
		until = at + l->window;
	else if (l->window > end - at && last > end)
		until = last;
	until = (until + block - 1) / block * block;
	if (l->ahead > until && l->ahead != UINT64_MAX)
		return 0;
	if (l->ahead == UINT64_MAX || l->ahead < at)
		l->ahead = at - at % block;
	while (l->ahead < until && (i = find_free(l)) >= 0) {
		uint64_t left = until - l->ahead;
		size_t n = left < l->chunk ? (size_t)left : l->chunk;

		if (start(l, (size_t)i, SLOT_READ, l->ahead, n,
			  sbc_read(l->ahead / block, (uint32_t)(n / block)), n, err) < 0)
			return -1;
		l->ahead += n;
	}
	return jobs_push(l->in, err);
}

/* Bytes that a slot has, up to its end. */
static ssize_t take_bytes(struct lun_io *l, size_t i, unsigned char *buf, size_t len, uint64_t at,
			  struct bp_error *err)
{
	const struct slot *s = &l->slots[i];
	size_t skip = (size_t)(at - s->at), n = s->len - skip;

	if (wait_slot(l, i, err) < 0)
		return -1;
	if (l->jobs[i].status)
		return fail_job(l, i, err);
	if (l->jobs[i].got != s->len)
		return bp_fail(err, BP_CORRUPT, "the server has sent %zu of %zu bytes at %" PRIu64
			       " of '%s'", l->jobs[i].got, s->len, s->at, l->io.name);
	if (n > len)
		n = len;
	memcpy(buf, s->buffer + skip, n);
	if (skip + n == s->len)
		free_slot(l, i);
	return (ssize_t)n;
}

static void expect(struct lun_io *l, uint64_t at, size_t len)
{
	if (at != l->next) {
		drop_reads(l);
		return;
	}
	l->window = l->window ? 2 * l->window : 2 * (uint64_t)len;
	if (l->window > (uint64_t)DEPTH * l->chunk)
		l->window = (uint64_t)DEPTH * l->chunk;
}

static int lun_read(struct bp_io *io, void *data, size_t len, uint64_t at, struct bp_error *err)
{
	struct lun_io *l = lun_of(io);
	uint64_t end = at + len;
	unsigned char *buf = data;

	if (lun_drain(l, err) < 0 || check_range(l, at, len, err) < 0)
		return -1;
	expect(l, at, len);
	while (at < end) {
		ssize_t i, n;

		if (read_ahead(l, at, end, err) < 0)
			return -1;
		i = find_read(l, at);
		if (i < 0) {		/* what is there is not what is wanted */
			drop_reads(l);
			continue;
		}
		n = take_bytes(l, (size_t)i, buf, (size_t)(end - at), at, err);
		if (n < 0) {
			struct bp_error why = *err;

			drop_reads(l);
			*err = why;
			return -1;
		}
		buf += n;
		at += (uint64_t)n;
	}
	l->next = end;
	return 0;
}

/* ---- the rest ---------------------------------------------------------------------- */

static int lun_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)err;
	*ret = lun_of(io)->shape.size;
	return 0;
}

static int lun_sync(struct bp_io *io, struct bp_error *err)
{
	struct lun_io *l = lun_of(io);
	auto_free char *what = mem_printf("cannot sync '%s'", io->name);
	struct job job = { .lun = l->lun, .command = sbc_sync(), .slow = true };
	int r = 0;

	if (lun_drain(l, err) < 0)
		return -1;
	if (job_start(l->in, &job, err) < 0 || job_wait(l->in, &job, err) < 0)
		r = -1;
	else if (job.status && !job_is_unknown(&job))	/* without a cache nothing is to do */
		r = job_fail(&job, what, err);
	job_done(&job);
	return r;
}

static void lun_close(struct bp_io *io)
{
	struct lun_io *l = lun_of(io);
	struct bp_error ignored = { 0 };

	if (lun_drain(l, &ignored) < 0)
		jobs_cancel(l->in);
	drop_reads(l);
	for (size_t i = 0; i < DEPTH; i++) {
		job_done(&l->jobs[i]);
		free(l->slots[i].buffer);
	}
	free((char *)io->name);
	free(io);
}

static const struct bp_io_ops lun_ops = {
	.size	   = lun_size,
	.read	   = lun_read,
	.write	   = lun_write,
	.sync	   = lun_sync,
	.close	   = lun_close,
	.zero	   = lun_zero,
	.discard   = lun_discard,
	.next_data = lun_next_data,
};

struct bp_io *direct_io(struct initiator *in, const struct lun *lun, const char *name,
			const struct sbc_limits *limits)
{
	struct lun_io *l = mem_alloc(sizeof *l);
	uint64_t most = (uint64_t)limits->transfer * lun->shape.block;

	l->io = (struct bp_io){ .ops = &lun_ops, .fd = -1, .name = mem_dup(name) };
	l->in = in;
	l->lun = lun->number;
	l->shape = lun->shape;
	l->limits = *limits;
	l->chunk = most && most < CHUNK ? (size_t)most : CHUNK;
	if (l->chunk < l->shape.block)
		l->chunk = l->shape.block;
	l->ahead = l->next = UINT64_MAX;
	return &l->io;
}

/* convert.c - see convert.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/convert_job.h"

#define USUAL_THREADS 16
#define VERIFY_STEP   (1u << 20)

/* ---- places: under the lock, in turn --------------------------------------- */

/* Those who come before have theirs; false: there will be none. */
static bool wait_for_turn(struct job *job, uint64_t number)
{
	while (job->turn != number && !job->stop)
		pthread_cond_wait(&job->placed, &job->lock);
	return !job->stop;
}

struct ranges {
	struct range *list;
	size_t n;
};

static void ranges_done(struct ranges *r)
{
	free(r->list);
}

static void add(struct ranges *r, uint64_t at, uint64_t len, uint64_t to, const void *bytes)
{
	*array_add(r->list, r->n) = (struct range){ at, len, to, bytes };
}

static int place_zeros(struct job *job, uint64_t at, uint64_t len, struct ranges *r,
		       struct bp_error *err)
{
	struct bp_writer *to = job->c->to;
	uint64_t where;

	if (!to->ops->place_zeros)
		return 0;
	if (to->ops->place_zeros(to, at, len, &where, err) < 0)
		return -1;
	if (where != BP_NOWHERE && (!job->c->fresh || job->c->fill))
		add(r, at, len, where, NULL);
	return 0;
}

static int place_data(struct job *job, uint64_t at, uint64_t len, const void *bytes,
		      struct ranges *r, struct bp_error *err)
{
	uint64_t where;

	if (job->c->to->ops->place(job->c->to, at, len, &where, err) < 0)
		return -1;
	add(r, at, len, where, bytes);
	return 0;
}

/* How much of packed a unit has. */
static size_t packed_stride(const struct bp_writer *to)
{
	return to->packed_most ? to->packed_most : (size_t)to->unit;
}

enum unit_kind { ZERO_UNIT, DATA_UNIT, PACKED_UNIT };

static enum unit_kind kind_of(const struct worker *w, uint64_t i)
{
	return w->lens[i] == SIZE_MAX ? ZERO_UNIT : w->lens[i] ? PACKED_UNIT : DATA_UNIT;
}

/* Units of one kind side by side go together. */
static int place_units(struct worker *w, const struct piece *p, struct ranges *r,
		       struct bp_error *err)
{
	struct bp_writer *to = w->job->c->to;
	uint64_t unit = to->unit, n = (p->len + unit - 1) / unit, where;

	for (uint64_t i = 0, j; i < n; i = j) {
		enum unit_kind kind = kind_of(w, i);
		uint64_t in = i * unit, len;

		for (j = i + 1; j < n && kind != PACKED_UNIT && kind_of(w, j) == kind;)
			j++;
		len = (j * unit < p->len ? j * unit : p->len) - in;
		if ((kind == ZERO_UNIT && place_zeros(w->job, p->at + in, len, r, err) < 0) ||
		    (kind == DATA_UNIT && place_data(w->job, p->at + in, len, w->buf + in, r,
						     err) < 0))
			return -1;
		if (kind != PACKED_UNIT)
			continue;
		if (to->ops->place_packed(to, p->at + in, w->lens[i], &where, err) < 0)
			return -1;
		add(r, p->at + in, w->lens[i], where,
		    w->packed + i * packed_stride(to));
	}
	return 0;
}

/* ---- the work: without the lock ---------------------------------------- */

/* Sector by sector, what there is. */
static void salvage(struct worker *w, uint64_t len, uint64_t at)
{
	const struct bp_teller *t = w->job->c->teller;

	for (uint64_t in = 0; in < len; in += 512) {
		uint64_t n = len - in < 512 ? len - in : 512;
		struct bp_error err = { 0 };
		char line[sizeof err.text + 64];

		if (convert_read(w, w->buf + in, n, at + in, &err) == 0)
			continue;
		memset(w->buf + in, 0, (size_t)n);
		snprintf(line, sizeof line, "error while reading at byte %" PRIu64 ": %s", at + in,
			 err.text);
		pthread_mutex_lock(&w->job->lock);
		if (t)
			t->tell(t->arg, line);
		pthread_mutex_unlock(&w->job->lock);
	}
}

/* Zeros that are not worth a hole are data. */
static void join_units(struct worker *w, const struct piece *p)
{
	const struct bp_convert *c = w->job->c;
	uint64_t unit = c->to->unit, grain = unit, n = (p->len + unit - 1) / unit;

	while (grain <= c->sparse / 2)
		grain *= 2;
	for (uint64_t i = 0, j = 0; i < n; i = j) {
		bool data = false;

		do
			data = data || w->lens[j] != SIZE_MAX;
		while (++j < n && (p->at + j * unit) & (grain - 1));
		for (; data && i < j; i++)
			w->lens[i] = 0;
	}
}

static int prepare(struct worker *w, const struct piece *p, struct bp_error *err)
{
	const struct bp_convert *c = w->job->c;
	uint64_t unit = c->to->unit;
	size_t most = c->to->packed_most, stride = packed_stride(c->to);

	if (convert_read(w, w->buf, p->len, p->at, err) < 0) {
		if (!c->salvage)
			return -1;
		*err = (struct bp_error){ 0 };
		salvage(w, p->len, p->at);
	}
	for (uint64_t in = 0, i = 0; in < p->len; in += unit, i++) {
		uint64_t n = p->len - in < unit ? p->len - in : unit;

		w->lens[i] = 0;
		if (c->sparse && is_zero(w->buf + in, (size_t)n)) {
			w->lens[i] = SIZE_MAX;
		} else if (c->pack) {
			memset(w->buf + in + n, 0, (size_t)(unit - n));
			w->lens[i] = codec_pack(w->codec, c->level, w->buf + in, (size_t)unit,
						w->packed + i * stride, stride - !most);
			if (most && !w->lens[i])
				return bp_fail(err, BP_FAILED, "bytes %" PRIu64 " to %" PRIu64
					       " cannot be compressed", p->at + in, p->at + in + n);
		}
	}
	if (!c->pack)
		join_units(w, p);
	return 0;
}

static int place(struct worker *w, const struct piece *p, struct ranges *r, struct bp_error *err)
{
	switch (p->what) {
	case ZEROS:
		return place_zeros(w->job, p->at, p->len, r, err);
	case CLONE:
		return place_data(w->job, p->at, p->len, NULL, r, err);
	case READ:
	case HOLE:
		break;
	}
	return place_units(w, p, r, err);
}

static int place_in_turn(struct worker *w, const struct piece *p, struct ranges *r,
			 struct bp_error *err)
{
	struct job *job = w->job;
	int result = 1;

	pthread_mutex_lock(&job->lock);
	if (wait_for_turn(job, p->number)) {
		result = place(w, p, r, err);
		job->turn++;
		pthread_cond_broadcast(&job->placed);
	}
	pthread_mutex_unlock(&job->lock);
	return result;
}

/* 1: somebody else has failed. */
static int do_piece(struct worker *w, const struct piece *p, uint64_t *ret_written,
		    struct bp_error *err)
{
	cleanup(ranges_done) struct ranges r = { 0 };
	int result;

	*ret_written = 0;
	if (p->what == READ && prepare(w, p, err) < 0)
		return -1;
	result = place_in_turn(w, p, &r, err);
	for (size_t i = 0; result == 0 && i < r.n; i++) {
		result = p->what == CLONE ? convert_share(w, p, &r.list[i], err) :
					    convert_write(w->job, &r.list[i], err);
		*ret_written += r.list[i].len;
	}
	return result;
}

/* ---- all of them ----------------------------------------------------------- */

static int tell(struct job *job, const struct piece *p, uint64_t written, struct bp_error *err)
{
	job->done += convert_told(job, p);
	progress_pace(job->c->progress, written);
	return progress_tell(job->c->progress, job->done, job->all, err);
}

static void work(struct worker *w)
{
	struct job *job = w->job;
	struct piece p;
	int r = 0;

	pthread_mutex_lock(&job->lock);
	while (r == 0 && (r = convert_take(w, &p, &w->err)) > 0) {
		uint64_t written;

		pthread_mutex_unlock(&job->lock);
		r = do_piece(w, &p, &written, &w->err);
		pthread_mutex_lock(&job->lock);
		if (r == 0)
			r = tell(job, &p, written, &w->err);
	}
	if (r < 0) {
		job->stop = true;
		pthread_cond_broadcast(&job->placed);
	}
	pthread_mutex_unlock(&job->lock);
}

static void *thread_main(void *arg)
{
	work(arg);
	return NULL;
}

static void worker_done(struct worker *w)
{
	for (size_t i = 0; w->sources && i < w->job->c->n_sources; i++)
		bp_chain_done(&w->sources[i]);
	free(w->sources);
	codec_close(w->codec);
	free(w->buf);
	free(w->packed);
	free(w->lens);
}

static int worker_init(struct worker *w, struct job *job, struct bp_error *err)
{
	const struct bp_convert *c = job->c;
	uint64_t unit = c->to->unit, size = unit > PIECE ? unit : PIECE;

	*w = (struct worker){ .job = job };
	w->sources = mem_alloc((c->n_sources + 1) * sizeof *w->sources);
	w->buf = mem_pages((size_t)size);
	w->lens = mem_alloc((size_t)(size / unit) * sizeof *w->lens);
	for (size_t i = 0; i < c->n_sources; i++) {
		if (bp_chain_again(&c->sources[i], &w->sources[i], err) < 0)
			return -1;
		bp_chain_step(&w->sources[i], job->clones ? 0 : size);
	}
	if (!c->pack)
		return 0;
	w->packed = mem_pages((size_t)(size / unit) * packed_stride(c->to));
	return codec_open(c->to->packing, &w->codec, err);
}

/* Signals are for who started the work. */
static size_t start(struct worker *w, unsigned n)
{
	sigset_t all, before;
	size_t started = 1;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < n &&
	       pthread_create(&w[started].thread, NULL, thread_main, &w[started]) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static int run(struct job *job, struct worker *w, unsigned n, struct bp_error *err)
{
	size_t started = start(w, n);

	work(&w[0]);
	for (size_t i = 1; i < started; i++)
		pthread_join(w[i].thread, NULL);
	for (size_t i = 0; i < started; i++)
		if (w[i].err.code) {
			*err = w[i].err;
			return -1;
		}
	return progress_tell(job->c->progress, job->all, job->all, err);
}

static bool is_for_one_thread(const struct bp_convert *c)
{
	for (size_t i = 0; i < c->n_sources; i++)
		for (size_t j = 0; j < c->sources[i].n; j++)
			if (layer_bytes(&c->sources[i].layers[j])->fd < 0 ||
			    c->sources[i].layers[j].io->fd < 0)
				return true;
	return c->to->io->fd < 0;
}

static unsigned threads_for(const struct bp_convert *c)
{
	long n = c->threads ? (long)c->threads : sysconf(_SC_NPROCESSORS_ONLN);
	long most = c->threads ? BP_CONVERT_THREADS : USUAL_THREADS;

	if (n < 1 || is_for_one_thread(c))
		return 1;
	return (unsigned)(n < most ? n : most);
}

int bp_convert(const struct bp_convert *wish, struct bp_error *err)
{
	struct bp_convert own = *wish;
	const struct bp_convert *c = &own;
	unsigned n = threads_for(c);
	auto_free struct worker *w = mem_alloc(n * sizeof *w);
	struct job job = {
		.c = c, .total = c->len, .lock = PTHREAD_MUTEX_INITIALIZER,
		.placed = PTHREAD_COND_INITIALIZER,
	};
	unsigned ready = 0;
	int r = 0;

	own.pack = wish->pack || c->to->packed_most;
	if (!c->pack && !c->salvage && !c->fill)
		job.clones = convert_can_share(c, &job.dev) || (c->offload && c->to->io->fd >= 0);
	while (r == 0 && ready < n)
		r = worker_init(&w[ready++], &job, err);
	if (r == 0 && (r = convert_count(&w[0], &job.all, err)) == 0)
		r = run(&job, w, n, err);
	while (ready > 0)
		worker_done(&w[--ready]);
	return r;
}

/* ---- read back ------------------------------------------------------------- */

int bp_convert_compare(struct bp_chain *from, size_t n, struct bp_chain *to,
		       struct bp_error *err)
{
	auto_free unsigned char *a = mem_pages(VERIFY_STEP), *b = mem_pages(VERIFY_STEP);
	uint64_t at = 0;

	for (size_t i = 0; i < n; i++)
		for (uint64_t in = 0, len; in < from[i].capacity; in += len, at += len) {
			len = from[i].capacity - in < VERIFY_STEP ? from[i].capacity - in :
								    VERIFY_STEP;
			if (bp_chain_read(&from[i], a, (size_t)len, in, err) < 0 ||
			    bp_chain_read(to, b, (size_t)len, at, err) < 0)
				return -1;
			if (memcmp(a, b, (size_t)len) != 0)
				return bp_fail(err, BP_FAILED, "verifying failed: what was written "
					       "does not read back as it was, between bytes %"
					       PRIu64 " and %" PRIu64 " of the guest; the storage "
					       "is faulty, or somebody has changed the source "
					       "meanwhile", at, at + len);
		}
	return 0;
}

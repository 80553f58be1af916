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

static void add(struct load *l, uint64_t at, uint64_t len, uint64_t to, const void *bytes)
{
	*array_add(l->ranges, l->n_ranges) = (struct range){ at, len, to, bytes };
}

static int place_zeros(struct job *job, uint64_t at, uint64_t len, struct load *l,
		       struct bp_error *err)
{
	struct bp_writer *to = job->c->to;
	uint64_t where;

	if (!to->ops->place_zeros)
		return 0;
	if (to->ops->place_zeros(to, at, len, &where, err) < 0)
		return -1;
	if (where != BP_NOWHERE && (!job->c->fresh || job->c->fill))
		add(l, at, len, where, NULL);
	return 0;
}

static int place_data(struct job *job, uint64_t at, uint64_t len, const void *bytes,
		      struct load *l, struct bp_error *err)
{
	uint64_t where;

	if (job->c->to->ops->place(job->c->to, at, len, &where, err) < 0)
		return -1;
	add(l, at, len, where, bytes);
	return 0;
}

/* How much of packed a unit has. */
static size_t packed_stride(const struct bp_writer *to)
{
	return to->packed_most ? to->packed_most : (size_t)to->unit;
}

enum unit_kind { ZERO_UNIT, DATA_UNIT, PACKED_UNIT };

static enum unit_kind kind_of(const struct load *l, uint64_t i)
{
	return l->lens[i] == SIZE_MAX ? ZERO_UNIT : l->lens[i] ? PACKED_UNIT : DATA_UNIT;
}

/* Units of one kind side by side go together. */
static int place_units(struct job *job, struct load *l, struct bp_error *err)
{
	const struct piece *p = &l->piece;
	struct bp_writer *to = job->c->to;
	uint64_t unit = to->unit, n = (p->len + unit - 1) / unit, where;

	for (uint64_t i = 0, j; i < n; i = j) {
		enum unit_kind kind = kind_of(l, i);
		uint64_t in = i * unit, len;

		for (j = i + 1; j < n && kind != PACKED_UNIT && kind_of(l, j) == kind;)
			j++;
		len = (j * unit < p->len ? j * unit : p->len) - in;
		if ((kind == ZERO_UNIT && place_zeros(job, p->at + in, len, l, err) < 0) ||
		    (kind == DATA_UNIT && place_data(job, p->at + in, len, l->buf + in, l,
						     err) < 0))
			return -1;
		if (kind != PACKED_UNIT)
			continue;
		if (to->ops->place_packed(to, p->at + in, l->lens[i], &where, err) < 0)
			return -1;
		add(l, p->at + in, l->lens[i], where, l->packed + i * packed_stride(to));
	}
	return 0;
}

static int place(struct job *job, struct load *l, struct bp_error *err)
{
	const struct piece *p = &l->piece;

	switch (p->what) {
	case ZEROS:
		return place_zeros(job, p->at, p->len, l, err);
	case CLONE:
		return place_data(job, p->at, p->len, NULL, l, err);
	case READ:
	case HOLE:
		break;
	}
	return place_units(job, l, err);
}

/* It has come: all whose turn it is now get their places. */
static int place_in_turn(struct job *job, struct load *l, struct bp_error *err)
{
	struct load **at = &job->parked;

	while (*at && (*at)->piece.number < l->piece.number)
		at = &(*at)->parked;
	l->parked = *at;
	*at = l;
	while ((l = job->parked) && l->piece.number == job->turn) {
		if (place(job, l, err) < 0)
			return -1;
		l->placed = true;
		job->parked = l->parked;
		job->turn++;
	}
	if (job->waiting)
		pthread_cond_broadcast(&job->placed);
	job->waiting = false;
	return 0;
}

/* ---- the work: without the lock ---------------------------------------- */

/* Sector by sector, what there is. */
static void salvage(struct worker *w, unsigned char *buf, uint64_t len, uint64_t at)
{
	const struct bp_teller *t = w->job->c->teller;

	for (uint64_t in = 0; in < len; in += 512) {
		uint64_t n = len - in < 512 ? len - in : 512;
		struct bp_error err = { 0 };
		char line[sizeof err.text + 64];

		if (convert_read(w, buf + in, n, at + in, &err) == 0)
			continue;
		memset(buf + in, 0, (size_t)n);
		snprintf(line, sizeof line, "error while reading at byte %" PRIu64 ": %s", at + in,
			 err.text);
		pthread_mutex_lock(&w->job->lock);
		if (t)
			t->tell(t->arg, line);
		pthread_mutex_unlock(&w->job->lock);
	}
}

/* Zeros that are not worth a hole are data. */
static void join_units(const struct bp_convert *c, struct load *l)
{
	const struct piece *p = &l->piece;
	uint64_t unit = c->to->unit, grain = unit, n = (p->len + unit - 1) / unit;

	while (grain <= c->sparse / 2)
		grain *= 2;
	for (uint64_t i = 0, j = 0; i < n; i = j) {
		bool data = false;

		do
			data = data || l->lens[j] != SIZE_MAX;
		while (++j < n && (p->at + j * unit) & (grain - 1));
		for (; data && i < j; i++)
			l->lens[i] = 0;
	}
}

static int prepare(struct worker *w, struct load *l, struct bp_error *err)
{
	const struct bp_convert *c = w->job->c;
	const struct piece *p = &l->piece;
	uint64_t unit = c->to->unit;
	size_t most = c->to->packed_most, stride = packed_stride(c->to);

	if (convert_read(w, l->buf, p->len, p->at, err) < 0) {
		if (!c->salvage)
			return -1;
		*err = (struct bp_error){ 0 };
		salvage(w, l->buf, p->len, p->at);
	}
	for (uint64_t in = 0, i = 0; in < p->len; in += unit, i++) {
		uint64_t n = p->len - in < unit ? p->len - in : unit;

		l->lens[i] = 0;
		if (c->sparse && is_zero(l->buf + in, (size_t)n)) {
			l->lens[i] = SIZE_MAX;
		} else if (c->pack) {
			memset(l->buf + in + n, 0, (size_t)(unit - n));
			l->lens[i] = codec_pack(w->codec, c->level, l->buf + in, (size_t)unit,
						l->packed + i * stride, stride - !most);
			if (most && !l->lens[i])
				return bp_fail(err, BP_FAILED, "bytes %" PRIu64 " to %" PRIu64
					       " cannot be compressed", p->at + in, p->at + in + n);
		}
	}
	if (!c->pack)
		join_units(c, l);
	return 0;
}

static int write_load(struct worker *w, const struct load *l, uint64_t *ret_written,
		      struct bp_error *err)
{
	uint64_t written = 0;

	for (size_t i = 0; i < l->n_ranges; i++) {
		const struct range *r = &l->ranges[i];

		if ((l->piece.what == CLONE ? convert_share(w, l, r, err) :
					      convert_write(w->job, r, err)) < 0)
			return -1;
		written += r->len;
	}
	*ret_written = written;
	return 0;
}

/* ---- what is to be done next: under the lock, but for the work itself ------------------- */

/* Not of each piece: who listens may take longer than to move it. */
static int tell(struct job *job, const struct piece *p, uint64_t written, struct bp_error *err)
{
	job->done += convert_told(job, p);
	progress_pace(job->c->progress, written);
	if (job->done - job->told < progress_piece(job->c->progress, NEAR) && job->done < job->all)
		return 0;
	job->told = job->done;
	return progress_tell(job->c->progress, job->done, job->all, err);
}

static int write_next(struct worker *w, struct bp_error *err)
{
	struct job *job = w->job;
	struct load *l = w->held;
	uint64_t written = 0;
	int r;

	job->writing++;
	pthread_mutex_unlock(&job->lock);
	r = write_load(w, l, &written, err);
	pthread_mutex_lock(&job->lock);
	job->writing--;
	w->held = l->next;
	l->next = w->unused;
	w->unused = l;
	return r < 0 || tell(job, &l->piece, written, err) < 0 ? -1 : 1;
}

static int read_next(struct worker *w, struct bp_error *err)
{
	struct job *job = w->job;
	struct load *l = w->unused, **end = &w->held;
	int r = convert_take(w, &l->piece, err);

	if (r <= 0)
		return r;
	while (*end)
		end = &(*end)->next;
	w->unused = l->next;
	l->next = NULL;
	*end = l;
	l->n_ranges = 0;
	l->placed = false;
	pthread_mutex_unlock(&job->lock);
	if (l->piece.what == READ)
		r = prepare(w, l, err);
	pthread_mutex_lock(&job->lock);
	return r < 0 || place_in_turn(job, l, err) < 0 ? -1 : 1;
}

/* 1: something was done, or may be now; 0: there is nothing more.  Who would have to wait
 * until others have written reads meanwhile. */
static int do_next(struct worker *w, struct bp_error *err)
{
	struct job *job = w->job;
	int r = 0;

	if (job->stop)
		return 0;
	if (w->unused && !(w->held && w->held->placed && job->writing < job->writers))
		r = read_next(w, err);
	if (r != 0 || !w->held)
		return r;
	if (w->held->placed)
		return write_next(w, err);
	job->waiting = true;
	pthread_cond_wait(&job->placed, &job->lock);
	return 1;
}

/* ---- all of them ----------------------------------------------------------- */

static void work(struct worker *w)
{
	struct job *job = w->job;
	int r;

	pthread_mutex_lock(&job->lock);
	while ((r = do_next(w, &w->err)) > 0)
		;
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
	for (size_t i = 0; i < LOADS; i++) {
		free(w->loads[i].buf);
		free(w->loads[i].packed);
		free(w->loads[i].lens);
		free(w->loads[i].ranges);
	}
}

static void loads_init(struct worker *w)
{
	const struct job *job = w->job;
	size_t n = job->piece > PIECE ? 1 : LOADS, units = (size_t)(job->piece / job->c->to->unit);

	for (struct load *l = w->loads; l < w->loads + n; l++) {
		l->buf = mem_pages((size_t)job->piece);
		l->lens = mem_alloc(units * sizeof *l->lens);
		if (job->c->pack)
			l->packed = mem_pages(units * packed_stride(job->c->to));
		l->next = w->unused;
		w->unused = l;
	}
}

static int worker_init(struct worker *w, struct job *job, struct bp_error *err)
{
	const struct bp_convert *c = job->c;

	*w = (struct worker){ .job = job };
	w->sources = mem_alloc((c->n_sources + 1) * sizeof *w->sources);
	loads_init(w);
	for (size_t i = 0; i < c->n_sources; i++) {
		if (bp_chain_again(&c->sources[i], &w->sources[i], err) < 0)
			return -1;
		bp_chain_step(&w->sources[i], job->clones ? 0 : NEAR);
	}
	return c->pack ? codec_open(c->to->packing, &w->codec, err) : 0;
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

/* Zeros that are worth a hole only if there are more of them than that must be seen at once. */
static uint64_t piece_for(const struct bp_convert *c)
{
	uint64_t piece = io_is_block(c->to->io) ? PIECE_BLOCK : PIECE;

	while (piece < c->to->unit || (piece < c->sparse && piece < PIECE_BLOCK))
		piece *= 2;
	return piece;
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
		.c = c, .total = c->len, .piece = piece_for(c),
		.lock = PTHREAD_MUTEX_INITIALIZER, .placed = PTHREAD_COND_INITIALIZER,
	};
	unsigned ready = 0;
	int r = 0;

	own.pack = wish->pack || c->to->packed_most;
	if (!c->pack && !c->salvage && !c->fill)
		job.clones = convert_can_share(c, &job.dev) || (c->offload && c->to->io->fd >= 0);
	/* to a file the kernel lets one at a time write */
	job.writers = job.clones || io_is_block(c->to->io) ? n : 1;
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

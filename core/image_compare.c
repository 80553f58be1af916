/* image_compare.c - do two images show their guests the same?
 *
 * Threads take the next piece of the disks, each with handles of its own.  What the first
 * sector that differs is does not depend on how many there are.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_read.h"

#define PIECE	    (8u << 20)		/* of the disks, for one thread at a time */
#define CHUNK	    (256u << 10)	/* bytes that are compared while the caches hold them */
#define SECTOR	    512u
#define THREADS_MAX 16

struct job {
	uint64_t both, all;		/* capacities: of the smaller one, of the larger one */
	bool strict;
	const struct bp_progress *progress;
	pthread_mutex_t lock;
	uint64_t next;			/* piece that nobody has taken */
	uint64_t stop;			/* all from here on is of no interest any more */
	struct bp_image_verdict verdict;
	struct bp_error err;
};

struct worker {
	struct job *job;
	struct bp_image_view *image[2], *own[2];	/* own: closed with it */
	unsigned char *buf[2];
	pthread_t thread;
	bool reports;
};

/* What was found counts when it is before all that was found. */
static void settle(struct job *job, struct bp_image_verdict v, const struct bp_error *err)
{
	pthread_mutex_lock(&job->lock);
	if (v.at < job->stop) {
		job->stop = v.at;
		job->verdict = v;
		job->err = err ? *err : (struct bp_error){ 0 };
	}
	pthread_mutex_unlock(&job->lock);
}

/* Where the next piece begins; UINT64_MAX: there is none. */
static uint64_t take_piece(struct job *job)
{
	uint64_t at;

	pthread_mutex_lock(&job->lock);
	at = job->next;
	if (at >= job->all || at >= job->stop)
		at = UINT64_MAX;
	else
		job->next = at + PIECE;
	pthread_mutex_unlock(&job->lock);
	return at;
}

/* The first sector in which they differ, or len. */
static size_t first_difference(const unsigned char *a, const unsigned char *b, size_t len)
{
	if (memcmp(a, b, len) == 0)
		return len;
	for (size_t i = 0; i < len; i += SECTOR)
		if (memcmp(a + i, b + i, len - i < SECTOR ? len - i : SECTOR) != 0)
			return i;
	return len;
}

static size_t first_data(const unsigned char *buf, size_t len)
{
	for (size_t i = 0; i < len; i += SECTOR)
		if (!is_zero(buf + i, len - i < SECTOR ? len - i : SECTOR))
			return i;
	return len;
}

static bool read_one(struct worker *w, int which, size_t len, uint64_t at)
{
	struct bp_error err = { 0 };

	if (bp_image_read(w->image[which], w->buf[which], len, at, &err) == 0)
		return true;
	settle(w->job, (struct bp_image_verdict){ .at = at, .unread = which + 1 }, &err);
	return false;
}

static bool content_differs(struct worker *w, uint64_t at)
{
	settle(w->job, (struct bp_image_verdict){ BP_IMAGES_CONTENT, at }, NULL);
	return false;
}

/* One that is not there in one of the images must be zeros in the other. */
static bool compare_bytes(struct worker *w, bool there[2], uint64_t at, uint64_t len)
{
	for (size_t n, same; len; at += n, len -= n) {
		n = len < CHUNK ? (size_t)len : CHUNK;
		for (int i = 0; i < 2; i++)
			if (there[i] && !read_one(w, i, n, at))
				return false;
		same = there[0] && there[1] ? first_difference(w->buf[0], w->buf[1], n) :
					      first_data(w->buf[there[1]], n);
		if (same < n)
			return content_differs(w, at + same);
	}
	return true;
}

static bool same_status(const struct bp_image_extent *a, const struct bp_image_extent *b)
{
	return a->present == b->present && a->data == b->data && a->zero == b->zero &&
	       (a->file_at == UINT64_MAX) == (b->file_at == UINT64_MAX);
}

/* What begins at at in both: as far as both have nothing, but not to to, and of what is to be
 * read at most len.  How much was compared, or 0: no more. */
static uint64_t compare_extent(struct worker *w, uint64_t at, uint64_t len, uint64_t to)
{
	struct bp_image_extent e[2] = { { 0 } };
	uint64_t alike = to - at;
	bool there[2];

	for (int i = 0; i < 2; i++) {
		struct bp_error err = { 0 };

		if (at >= bp_image_capacity(w->image[i])) {
			e[i] = (struct bp_image_extent){ .length = alike, .zero = true };
		} else if (bp_image_extent_at(w->image[i], at, &e[i], &err) < 0) {
			settle(w->job, (struct bp_image_verdict){ .at = at, .unmapped = i + 1 },
			       &err);
			return 0;
		}
		if (e[i].length < alike)
			alike = e[i].length;
	}
	if (w->job->strict && !same_status(&e[0], &e[1])) {
		settle(w->job, (struct bp_image_verdict){ BP_IMAGES_STATUS, at }, NULL);
		return 0;
	}
	there[0] = e[0].present && !e[0].zero;
	there[1] = e[1].present && !e[1].zero;
	if (!there[0] && !there[1])
		return alike;
	if (len > alike)
		len = alike;
	return compare_bytes(w, there, at, len) ? len : 0;
}

/* Somebody knows of all that comes before. */
static void pass_over(struct job *job, uint64_t to)
{
	pthread_mutex_lock(&job->lock);
	if (job->next < to)
		job->next = to;
	pthread_mutex_unlock(&job->lock);
}

/* Pieces do not reach over the end of the smaller one; but what is nothing goes on. */
static void compare_piece(struct worker *w, uint64_t at)
{
	uint64_t end = at + PIECE < w->job->all ? at + PIECE : w->job->all, n;

	for (; at < end; at += n) {
		uint64_t to = at < w->job->both ? w->job->both : w->job->all;

		n = compare_extent(w, at, (end < to ? end : to) - at, to);
		if (!n)
			return;
	}
	if (at > end)
		pass_over(w->job, at);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct bp_error err = { 0 };
	uint64_t at;

	while ((at = take_piece(w->job)) != UINT64_MAX) {
		compare_piece(w, at);
		if (w->reports && progress_tell(w->job->progress, at, w->job->all, &err) < 0)
			settle(w->job, (struct bp_image_verdict){ 0 }, &err);
	}
	return NULL;
}

static int worker_open(struct worker *w, struct job *job, struct bp_image_view *a,
		       struct bp_image_view *b, bool first, struct bp_error *err)
{
	*w = (struct worker){ .job = job, .image = { a, b }, .reports = first };
	for (int i = 0; i < 2; i++) {
		w->buf[i] = mem_pages(CHUNK);
		if (!first && image_again(w->image[i], &w->own[i], err) < 0)
			return -1;
		if (!first)
			w->image[i] = w->own[i];
		bp_chain_step(&w->image[i]->chain, job->strict ? 0 : PIECE);
	}
	return 0;
}

static void worker_done(struct worker *w)
{
	for (int i = 0; i < 2; i++) {
		bp_chain_step(&w->image[i]->chain, 0);
		bp_image_close(w->own[i]);
		free(w->buf[i]);
	}
}

static size_t n_workers(uint64_t all)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;

	return all / PIECE + 1 < most ? (size_t)(all / PIECE + 1) : most;
}

/* The caller's thread works too; where no other can be had, alone. */
static void run(struct worker *w, size_t n)
{
	size_t started = 1;

	while (started < n && pthread_create(&w[started].thread, NULL, work, &w[started]) == 0)
		started++;
	work(&w[0]);
	while (started > 1)
		pthread_join(w[--started].thread, NULL);
}

int bp_image_compare(struct bp_image_view *a, struct bp_image_view *b, bool strict,
		     const struct bp_progress *progress, struct bp_image_verdict *ret,
		     struct bp_error *err)
{
	uint64_t of_a = bp_image_capacity(a), of_b = bp_image_capacity(b);
	struct job job = {
		.both = of_a < of_b ? of_a : of_b, .all = of_a > of_b ? of_a : of_b,
		.strict = strict, .progress = progress, .lock = PTHREAD_MUTEX_INITIALIZER,
		.stop = UINT64_MAX,
	};
	struct worker w[THREADS_MAX];
	size_t n = n_workers(job.all), made = 0;
	int r;

	if (strict && of_a != of_b) {
		*ret = (struct bp_image_verdict){ BP_IMAGES_SIZE };
		return 0;
	}
	do {
		r = worker_open(&w[made], &job, a, b, made == 0, err);
		made++;
	} while (r == 0 && made < n);
	if (r == 0)
		run(w, n);
	for (size_t i = 0; i < made; i++)
		worker_done(&w[i]);
	if (r < 0)
		return -1;
	*ret = job.verdict;
	ret->longer = of_a != of_b && (job.stop == UINT64_MAX || job.stop >= job.both);
	if (job.err.code) {
		*err = job.err;
		return -1;
	}
	return ret->differ != BP_IMAGES_SAME ? 0 :
	       progress_tell(progress, job.all, job.all, err);
}

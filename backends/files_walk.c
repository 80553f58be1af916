/* files_walk.c - all the volumes in the directory, in its order.
 *
 * Where each has to be opened, they are described a batch at a time, then given
 * out in order.  If that turns out to be waiting (a cold cache, a network),
 * the batches that follow are shared by several threads, which wait side by
 * side; if not, they would only be in each other's way.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backends/files.h"
#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define BATCH	256
#define READERS 8
#define WAITS	(BATCH / 8)	/* in a batch: from there on it is waiting */

struct slot {
	char name[NAME_MAX + 1];
	unsigned char d_type;
	bool found;
	struct files_volume volume;
};

struct walk {
	const struct bp_pool *pool;
	DIR *dir;
	unsigned want;
	struct slot *slots;	/* of one batch */
	size_t size, n, next;	/* slots there are, in use, given out */
	atomic_size_t following;	/* the next one to describe */
	bool waiting;
};

static void walk_free(struct walk *w)
{
	if (w->dir)
		closedir(w->dir);
	for (size_t i = 0; i < w->size; i++)
		files_volume_done(&w->slots[i].volume);
	free(w->slots);
	free(w);
}

int files_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	auto_close int fd = files_open(p, ".", O_RDONLY | O_DIRECTORY);
	struct walk *w;

	if (fd < 0)
		return fail_access(err, errno, p->def->target_path, ACCESS_READ,
				   "cannot open directory '%s'", p->def->target_path);
	w = mem_alloc(sizeof *w);
	w->want = want;
	/* names alone are quicker without */
	w->size = want & (BP_VOL_FORMAT | BP_VOL_BACKING) ? BATCH : 1;
	w->slots = mem_alloc(w->size * sizeof *w->slots);
	w->dir = fdopendir(fd);
	if (!w->dir) {
		walk_free(w);
		return bp_fail_sys(err, errno, "cannot open directory '%s'", p->def->target_path);
	}
	(void)steal_fd(fd);
	*ret = w;
	return 0;
}

static void *describe_some(void *arg)
{
	struct walk *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->following, 1)) < w->n) {
		struct slot *s = &w->slots[i];

		s->found = files_describe(w->pool, s->name, s->d_type, w->want, &s->volume);
	}
	return NULL;
}

/* The threads take no signals: those are the program's. */
static void describe_together(struct walk *w)
{
	pthread_t readers[READERS - 1];
	sigset_t all, before;
	unsigned n = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n < READERS - 1 && pthread_create(&readers[n], NULL, describe_some, w) == 0)
		n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	describe_some(w);
	while (n)
		pthread_join(readers[--n], NULL);
}

/* How often this thread gave up the processor to wait for something. */
static long waits(void)
{
	struct rusage used = { 0 };

	(void)getrusage(RUSAGE_THREAD, &used);
	return used.ru_nvcsw;
}

static void describe_batch(struct walk *w)
{
	long before = w->n == BATCH ? waits() : 0;

	w->following = 0;
	if (w->waiting)
		describe_together(w);
	else
		describe_some(w);
	if (!w->waiting && w->n == BATCH)
		w->waiting = waits() - before > WAITS;
}

static int next_batch(struct walk *w, struct bp_error *err)
{
	struct dirent *e;

	w->n = w->next = 0;
	while (w->n < w->size && (errno = 0, e = readdir(w->dir))) {
		struct slot *s = &w->slots[w->n++];

		memcpy(s->name, e->d_name, strlen(e->d_name) + 1);
		s->d_type = e->d_type;
	}
	if (w->n < w->size && errno)
		return bp_fail_sys(err, errno, "cannot read directory '%s'",
				   w->pool->def->target_path);
	describe_batch(w);
	return w->n > 0;
}

int files_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret, struct bp_error *err)
{
	struct walk *w = cursor;
	int r;

	w->pool = p;
	for (;;) {
		while (w->next < w->n) {
			struct slot *s = &w->slots[w->next++];

			if (s->found) {
				*ret = s->volume.info;
				return 1;
			}
		}
		r = next_batch(w, err);
		if (r <= 0)
			return r;
	}
}

void files_vols_close(struct bp_pool *p, void *cursor)
{
	(void)p;
	walk_free(cursor);
}

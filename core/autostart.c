/* autostart.c - start the pools that are marked for it, once per boot, side by side.
 *
 * Each pool has a thread for the length of the call, so that one whose storage
 * is slow or late keeps nobody waiting but the pools inside it.  These are the
 * only functions that use public ones: they hold no session meanwhile.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/autostart.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/lock.h"
#include "core/session.h"
#include "core/state.h"

#define FIRST_WAIT   250	/* milliseconds before the second try; then twice as long ... */
#define LONGEST_WAIT 8000	/* ... each time, up to this */

struct job {
	struct run *run;
	char *pool, *target;		/* target may be NULL */
	const struct job *outer;	/* in whose target ours lies, or NULL */
	bool started, done, told;
	struct bp_error why;		/* it is not active */
	pthread_t thread;
	bool has_thread;
};

struct run {
	struct bp_store *store;
	const struct autostart_clock *clock;
	uint64_t end;
	struct job *jobs;		/* outer pools before inner ones */
	size_t n;
	pthread_mutex_t lock;		/* for done, and what is read after it */
	pthread_cond_t some_done;
};

static void run_done(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		free(run->jobs[i].pool);
		free(run->jobs[i].target);
	}
	free(run->jobs);
}

/* ---- once per boot -------------------------------------------------------------- */

/* The marker is libvirt's, an empty file in a directory that is emptied by a
 * boot: whichever of the two comes first does it.  Ours holds the boot it was
 * made in, since a user's directory may live longer.  It is made at the end, so
 * that whoever is killed before that is followed by somebody who goes on. */
#define MARKER "autostarted"

static char *this_boot(void)
{
	struct bp_error ignored = { 0 };
	char *id;
	size_t len;

	return file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &id, &len,
			 &ignored) < 0 ? mem_dup("") : id;
}

static bool is_marked(struct bp_store *s)
{
	auto_free char *boot = this_boot(), *marked = NULL;
	struct bp_error ignored = { 0 };
	size_t len;

	if (file_read(s->run_fd, MARKER, 64, &marked, &len, &ignored) < 0)
		return false;
	return len == 0 || *boot == '\0' || strcmp(marked, boot) == 0;
}

static int mark(struct bp_store *s, struct bp_error *err)
{
	auto_free char *boot = this_boot();
	auto_close int lock = lock_store(s->run_fd, err);

	if (lock < 0 || file_replace(s->run_fd, MARKER, boot, strlen(boot), 0600, err) < 0)
		return bp_within(err, "directory '%s'", s->run_dir);
	return 0;
}

/* ---- which pools, and which of them first ------------------------------------------ */

/* This reads every definition, and so sets up what reads XML before there are threads. */
static int collect(struct run *run, struct bp_error *err)
{
	char **names;
	size_t n;

	if (state_names(run->store, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		cleanup(session_close) struct session ses = SESSION_INIT;
		struct job *job;

		if (!state_autostart(run->store, names[i]) ||
		    !pool_look(run->store, names[i], &ses))
			continue;
		job = array_add(run->jobs, run->n);
		job->pool = mem_dup(names[i]);
		job->target = mem_dup(ses.def ? ses.def->target_path : NULL);
		job->done = ses.active;
	}
	state_names_free(names, n);
	return 0;
}

static int by_target(const void *a, const void *b)
{
	const struct job *x = a, *y = b;
	size_t m = x->target ? strlen(x->target) : 0, n = y->target ? strlen(y->target) : 0;

	return m != n ? (m < n ? -1 : 1) : strcmp(x->pool, y->pool);
}

static bool is_inside(const char *path, const char *dir)
{
	size_t n = dir ? strlen(dir) : 0;

	return n && path && strncmp(path, dir, n) == 0 && path[n] != '\0' &&
	       (dir[n - 1] == '/' || path[n] == '/');
}

/* What lies inside has the longer path, and the last match is the nearest. */
static void put_in_order(struct run *run)
{
	if (run->n)
		qsort(run->jobs, run->n, sizeof *run->jobs, by_target);
	for (size_t i = 0; i < run->n; i++) {
		struct job *job = &run->jobs[i];

		job->run = run;
		for (size_t k = 0; k < i; k++)
			if (is_inside(job->target, run->jobs[k].target))
				job->outer = &run->jobs[k];
	}
}

/* ---- starting them ------------------------------------------------------------------ */

/* Storage may appear late; a definition that is wrong stays wrong. */
static bool may_pass(const struct bp_error *why)
{
	return why->code == BP_SYSTEM || why->code == BP_INTERNAL || why->code == BP_FAILED ||
	       why->code == BP_BUSY;
}

static bool wait_a_little(const struct run *run, uint64_t *delay)
{
	uint64_t now = run->clock->now(run->clock->arg);

	if (now >= run->end)
		return false;
	if (*delay > run->end - now)
		*delay = run->end - now;
	run->clock->wait(run->clock->arg, *delay);
	*delay = *delay * 2 > LONGEST_WAIT ? LONGEST_WAIT : *delay * 2;
	return true;
}

/* A store is one thread's, so each has its own. */
static void start(struct job *job)
{
	cleanup(bp_store_closep) struct bp_store *own = NULL;
	uint64_t delay = FIRST_WAIT;

	if (store_again(job->run->store, &own, &job->why) < 0)
		return;
	while (bp_pool_start(own, job->pool, 0, &job->why) < 0) {
		bool active = job->why.code == BP_WRONG_STATE;	/* thanks to somebody else */

		if (!active && (!may_pass(&job->why) || !wait_a_little(job->run, &delay)))
			return;
		job->why = (struct bp_error){ 0 };
		if (active)
			return;
	}
	job->started = true;
}

/* On a directory that something is yet to be mounted on, the inner pool would
 * start all right, with none of its volumes. */
static void *do_job(void *arg)
{
	struct job *job = arg;
	struct run *run = job->run;

	pthread_mutex_lock(&run->lock);
	while (job->outer && !job->outer->done)
		pthread_cond_wait(&run->some_done, &run->lock);
	pthread_mutex_unlock(&run->lock);

	if (job->outer && job->outer->why.code)
		bp_fail(&job->why, BP_FAILED, "its target '%s' lies in that of pool '%s', which "
			"is not active", job->target, job->outer->pool);
	else
		start(job);

	pthread_mutex_lock(&run->lock);
	job->done = true;
	pthread_cond_broadcast(&run->some_done);
	pthread_mutex_unlock(&run->lock);
	return NULL;
}

/* Threads take no signals: those are the program's. */
static bool begin(struct job *job)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	job->has_thread = pthread_create(&job->thread, NULL, do_job, job) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return job->has_thread;
}

/* Where there can be no thread the work is done here, after all it waits for. */
static void launch(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (!run->jobs[i].done && !begin(&run->jobs[i]))
			do_job(&run->jobs[i]);
}

/* ---- telling ---------------------------------------------------------------------- */

static struct job *next_done(struct run *run)
{
	for (;;) {
		for (size_t i = 0; i < run->n; i++)
			if (run->jobs[i].done && !run->jobs[i].told)
				return &run->jobs[i];
		pthread_cond_wait(&run->some_done, &run->lock);
	}
}

static unsigned tell_all(struct run *run, const struct bp_autostart *how)
{
	unsigned down = 0;

	for (size_t i = 0; i < run->n; i++) {
		struct job *job;

		pthread_mutex_lock(&run->lock);
		job = next_done(run);
		pthread_mutex_unlock(&run->lock);
		job->told = true;
		down += job->why.code != BP_OK;
		if (how->tell)
			how->tell(how->arg, job->pool, job->started,
				  job->why.code ? &job->why : NULL);
	}
	for (size_t i = 0; i < run->n; i++)
		if (run->jobs[i].has_thread)
			pthread_join(run->jobs[i].thread, NULL);
	return down;
}

static void leave_them(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct job *job = &run->jobs[i];

		if (!job->done)
			bp_fail(&job->why, BP_WRONG_STATE, "pool '%s' is not active, and marked "
				"pools have been started already since the boot", job->pool);
		job->done = true;
	}
}

int autostart_run(struct bp_store *s, const struct bp_autostart *how,
		  const struct autostart_clock *clock, unsigned *ret_down, struct bp_error *err)
{
	cleanup(run_done) struct run run = {
		.store = s, .clock = clock,
		.end = clock->now(clock->arg) + (uint64_t)how->timeout * 1000,
		.lock = PTHREAD_MUTEX_INITIALIZER, .some_done = PTHREAD_COND_INITIALIZER,
	};
	bool again;
	unsigned down;

	if (store_change(s, "virStoragePoolCreate", err) < 0 || collect(&run, err) < 0)
		return -1;
	put_in_order(&run);
	again = is_marked(s) && !how->again;
	if (again)
		leave_them(&run);
	else
		launch(&run);
	down = tell_all(&run, how);
	if (!again && mark(s, err) < 0)
		return -1;
	*ret_down = down;
	return 0;
}

static uint64_t real_now(void *arg)
{
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void real_wait(void *arg, uint64_t ms)
{
	struct timespec left = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	(void)arg;
	nanosleep(&left, NULL);
}

int bp_store_autostart(struct bp_store *s, const struct bp_autostart *how, unsigned *ret_down,
		       struct bp_error *err)
{
	static const struct autostart_clock real = { real_now, real_wait, NULL };

	return autostart_run(s, how, &real, ret_down, err);
}

/* autostart.c - marked pools after a boot: side by side, in order, again and again. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/autostart.h"
#include "core/base/cleanup.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s

/* What the pools of a test do, and what was seen of them; under the lock, since
 * several threads are at it. */
static struct {
	pthread_mutex_t lock;
	pthread_barrier_t *meet;	/* where every start waits for the others */
	const char *broken, *deadly;	/* pools that do not start, or kill us */
	uint64_t mended;		/* when the broken one is in order again */
	uint64_t now;
	void (*on_wait)(void);
	char starts[200], waits[200];
} world;

static char told[4000];

static void add(char *list, size_t size, const char *word)
{
	size_t n = strlen(list);

	snprintf(list + n, size - n, "%s ", word);
}

static int start(struct bp_pool *p, struct bp_error *err)
{
	const char *name = p->def->name;
	bool broken;

	if (world.meet)
		pthread_barrier_wait(world.meet);
	if (world.deadly && strcmp(world.deadly, name) == 0)
		kill(getpid(), SIGKILL);
	pthread_mutex_lock(&world.lock);
	add(world.starts, sizeof world.starts, name);
	broken = world.broken && strcmp(world.broken, name) == 0 && world.now < world.mended;
	pthread_mutex_unlock(&world.lock);
	return broken ? bp_fail(err, BP_SYSTEM, "no such device yet") : 0;
}

static int space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	(void)p;
	(void)err;
	*ret = (struct bp_pool_space){ 3, 2, 1 };
	return 0;
}

static uint64_t now(void *arg)
{
	(void)arg;
	return world.now;
}

static void wait_for(void *arg, uint64_t ms)
{
	char word[20];

	(void)arg;
	snprintf(word, sizeof word, "%d", (int)ms);
	pthread_mutex_lock(&world.lock);
	add(world.waits, sizeof world.waits, word);
	world.now += ms;
	pthread_mutex_unlock(&world.lock);
	if (world.on_wait)
		world.on_wait();
}

static void tell(void *arg, const char *pool, bool started, const struct bp_error *why)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof told - n, "%s:%.200s ", pool,
		 why ? why->text : started ? "started" : "active");
}

/* How many are down; 99: the call itself failed. */
static unsigned run(struct bp_store *s, unsigned timeout, bool again)
{
	static const struct autostart_clock clock = { now, wait_for, NULL };
	const struct bp_autostart how = { .timeout = timeout, .again = again, .tell = tell };
	struct bp_error err = { 0 };
	unsigned down;

	world.starts[0] = world.waits[0] = told[0] = '\0';
	return autostart_run(s, &how, &clock, &down, &err) < 0 ? 99 : down;
}

static struct bp_store *fresh(void)
{
	struct bp_store *s = fake_store(0);

	memset(&world, 0, sizeof world);
	pthread_mutex_init(&world.lock, NULL);
	fake_backend.pool_open = NULL;
	fake_backend.pool_close = NULL;
	fake_backend.pool_start = start;
	fake_backend.pool_space = space;
	fake_backend.pool_stop = NULL;
	return s;
}

static bool marked(struct bp_store *s, const char *name, const char *target)
{
	struct bp_error err = { 0 };

	return fake_define(s, name, NULL, target, &err) == 0 &&
	       bp_pool_set_autostart(s, name, true, &err) == 0;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(tap_path(name), "w");

	fputs(text, f);
	fclose(f);
}

TEST(what_is_marked_is_started_and_nothing_else)
{
	STORE = fresh();
	struct bp_error err = { 0 };

	CHECK(marked(s, "a", "/a") && fake_define(s, "b", NULL, "/b", &err) == 0);
	SAME_N(run(s, 0, false), 0);
	SAME(told, "a:started ");
	SAME(world.starts, "a ");
}

TEST(once_per_boot)
{
	STORE = fresh();
	struct bp_error err = { 0 };

	CHECK(marked(s, "a", "/a") && marked(s, "b", "/b/b"));
	SAME_N(run(s, 0, false), 0);
	CHECK(bp_pool_stop(s, "b", &err) == 0);
	SAME_N(run(s, 0, false), 1);
	SAME(told, "a:active b:pool 'b' is not active, and marked pools have been started "
		   "already since the boot ");
	SAME(world.starts, "");
	SAME_N(run(s, 0, true), 0);
	SAME(told, "a:active b:started ");
}

TEST(a_mark_of_another_boot_is_none)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/a"));
	write_file("run/autostarted", "another boot\n");
	SAME_N(run(s, 0, false), 0);
	SAME(told, "a:started ");
}

TEST(libvirts_mark_counts)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/a"));
	write_file("run/autostarted", "");
	SAME_N(run(s, 0, false), 1);
	SAME(world.starts, "");
}

TEST(late_storage_is_tried_again)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/a"));
	world.broken = "a";
	world.mended = 1500;
	SAME_N(run(s, 60, false), 0);
	SAME(told, "a:started ");
	SAME(world.starts, "a a a a ");
	SAME(world.waits, "250 500 1000 ");
}

TEST(until_the_timeout_and_not_longer)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/a"));
	world.broken = "a";
	world.mended = 1000000;
	SAME_N(run(s, 30, false), 1);
	SAME(told, "a:no such device yet ");
	SAME(world.waits, "250 500 1000 2000 4000 8000 8000 6250 ");
	SAME_N(world.now, 30000);
}

TEST(once_without_a_timeout)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/a"));
	world.broken = "a";
	world.mended = 1;
	SAME_N(run(s, 0, false), 1);
	SAME(world.starts, "a ");
	SAME(world.waits, "");
}

TEST(a_wrong_definition_is_not_tried_again)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/a"));
	write_file("config/a.xml", "<pool type='dir'><name>a</na");
	SAME_N(run(s, 60, false), 1);
	CHECK(strstr(told, "config/a.xml:1"));
	SAME(world.waits, "");
}

TEST(all_at_once)
{
	STORE = fresh();
	pthread_barrier_t meet;

	CHECK(marked(s, "a", "/a") && marked(s, "b", "/b") && marked(s, "c", "/c"));
	pthread_barrier_init(&meet, NULL, 3);
	world.meet = &meet;		/* one after the other would wait for ever */
	SAME_N(run(s, 0, false), 0);
	pthread_barrier_destroy(&meet);
}

TEST(what_lies_inside_comes_after)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/srv/x/y") && marked(s, "b", "/srv/x") && marked(s, "c", "/srv"));
	world.broken = "c";
	world.mended = 1;
	SAME_N(run(s, 5, false), 0);
	SAME(world.starts, "c c b a ");
	SAME(told, "c:started b:started a:started ");
}

TEST(names_that_begin_alike_are_not_inside)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/srv/x") && marked(s, "b", "/srv/xy"));
	world.broken = "a";
	world.mended = 1;
	SAME_N(run(s, 0, false), 1);
	CHECK(strstr(told, "b:started"));
}

TEST(what_lies_inside_one_that_failed_is_not_tried)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/srv/x") && marked(s, "b", "/srv") && marked(s, "c", "/srv/x/y"));
	world.broken = "b";
	world.mended = 1;
	SAME_N(run(s, 0, false), 3);
	SAME(world.starts, "b ");
	SAME(told, "b:no such device yet "
		   "a:its target '/srv/x' lies in that of pool 'b', which is not active "
		   "c:its target '/srv/x/y' lies in that of pool 'a', which is not active ");
}

TEST(after_a_death_in_the_middle_the_next_one_goes_on)
{
	STORE = fresh();
	int status;
	pid_t pid;

	CHECK(marked(s, "a", "/srv/x") && marked(s, "b", "/srv"));
	world.deadly = "a";
	pid = fork();
	if (pid == 0)
		_exit((int)run(s, 0, false));
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK(tap_exists("run/b.xml") && !tap_exists("run/a.xml"));
	world.deadly = NULL;
	SAME_N(run(s, 0, false), 0);
	SAME(told, "b:active a:started ");
}

static void somebody_starts_a(void)
{
	struct bp_store_paths paths = { .config = tap_path("config"), .run = tap_path("run") };
	cleanup(bp_store_closep) struct bp_store *other = NULL;
	struct bp_error err = { 0 };

	world.broken = NULL;
	(void)bp_store_open(&paths, &other, &err);
	(void)bp_pool_start(other, "a", 0, &err);
}

TEST(what_somebody_else_starts_meanwhile_is_active)
{
	STORE = fresh();

	CHECK(marked(s, "a", "/a"));
	world.broken = "a";
	world.mended = 1000000;
	world.on_wait = somebody_starts_a;
	SAME_N(run(s, 60, false), 0);
	SAME(told, "a:active ");
}

TEST(no_descriptor_stays_open)
{
	int before = tap_open_files();
	{
		STORE = fresh();

		CHECK(marked(s, "a", "/a") && marked(s, "b", "/b"));
		SAME_N(run(s, 0, false), 0);
	}
	SAME_N(tap_open_files(), before);
}

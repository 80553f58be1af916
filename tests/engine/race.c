/* race.c - many processes at one store: one winner, nothing lost, no deadlock. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define MANY 200

/* All begin when the pipe is closed; how many ended with 0. */
static unsigned run_many(unsigned n, int (*work)(unsigned i))
{
	unsigned won = 0;
	int gate[2], status;
	char c;

	if (pipe(gate) < 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		if (fork() != 0)
			continue;
		close(gate[1]);
		_exit(read(gate[0], &c, 1) == 0 ? work(i) : 2);
	}
	close(gate[0]);
	close(gate[1]);
	while (wait(&status) > 0)
		won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return won;
}

static struct bp_store *again(void)
{
	struct bp_store_paths paths = { .config = tap_path("config"), .run = tap_path("run") };
	struct bp_error err = { 0 };
	struct bp_store *s = NULL;

	return bp_store_open(&paths, &s, &err) < 0 ? NULL : s;
}

static int start(unsigned i)
{
	cleanup(bp_store_closep) struct bp_store *s = again();
	struct bp_error err = { 0 };

	(void)i;
	return bp_pool_start(s, "p", 0, &err) == 0 ? 0 : err.code == BP_WRONG_STATE ? 1 : 2;
}

TEST(of_200_starts_one_wins)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store_with_pool();

	SAME_N(run_many(MANY, start), 1);
}

/* A pool that is defined can also be created, under its name and UUID. */
static int start_or_create(unsigned i)
{
	cleanup(bp_store_closep) struct bp_store *s = again();
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 };
	int r;

	if (i % 2)
		return start(i);
	if (bp_pool_get_def(s, "p", BP_DEF_INACTIVE, &def, &err) < 0)
		return 2;
	r = bp_pool_create(s, def, 0, &err);
	return r == 0 ? 0 : err.code == BP_WRONG_STATE ? 1 : 2;
}

TEST(of_200_starts_and_creations_one_wins)
{
	for (unsigned n = 0; n < 5; n++) {
		cleanup(bp_store_closep) struct bp_store *s = fake_store_with_pool();
		struct bp_error err = { 0 };

		SAME_N(run_many(MANY, start_or_create), 1);
		CHECK(bp_pool_stop(s, "p", &err) == 0 && bp_pool_undefine(s, "p", &err) == 0);
	}
}

static int define(unsigned i)
{
	cleanup(bp_store_closep) struct bp_store *s = again();
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def("same", "/same");
	struct bp_error err = { 0 };

	(void)i;
	return bp_pool_define(s, def, &err) == 0 ? 0 : 1;
}

TEST(of_200_definitions_of_one_name_one_wins)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);

	SAME_N(run_many(MANY, define), 1);
}

static int define_source(unsigned i)
{
	cleanup(bp_store_closep) struct bp_store *s = again();
	char name[20];
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 };

	snprintf(name, sizeof name, "pool%u", i);
	def = fake_def(name, "/one-source");
	return bp_pool_define(s, def, &err) == 0 ? 0 : 1;
}

TEST(of_50_pools_with_one_source_one_wins)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);

	SAME_N(run_many(50, define_source), 1);
}

/* Each its own pool: none may be lost, and each list on the way is whole. */
static int live(unsigned i)
{
	cleanup(bp_store_closep) struct bp_store *s = again();
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	struct bp_error err = { 0 };
	struct bp_pool_info info;
	char name[20], target[20];
	bool seen = false;

	snprintf(name, sizeof name, "pool%u", i);
	snprintf(target, sizeof target, "/target%u", i);
	def = fake_def(name, target);
	if (bp_pool_define(s, def, &err) < 0 || bp_pool_start(s, name, 0, &err) < 0 ||
	    bp_pools_open(s, BP_POOLS_SPACE, NULL, &it, &err) < 0)
		return 1;
	while (bp_pools_next(it, &info, &err) > 0)
		seen = seen || strcmp(info.name, name) == 0;
	if (!seen || bp_pool_stop(s, name, &err) < 0)
		return 1;
	return i % 2 && bp_pool_undefine(s, name, &err) < 0 ? 1 : 0;
}

TEST(fifty_lives_at_once)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	struct bp_error err = { 0 };
	struct bp_pool_info info;
	unsigned left = 0;

	SAME_N(run_many(50, live), 50);
	CHECK(bp_pools_open(s, 0, NULL, &it, &err) == 0);
	while (bp_pools_next(it, &info, &err) > 0)
		left++;
	SAME_N(left, 25);
}

/* Forgetting and asking at once: the lock file goes, and comes back. */
static int come_and_go(unsigned i)
{
	cleanup(bp_store_closep) struct bp_store *s = again();

	for (unsigned n = 0; n < 20; n++) {
		cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def("same", "/same");
		struct bp_error err = { 0 };
		int r;

		def->uuid = strdup("a0000000-0000-4000-8000-000000000001");
		r = i % 2 ? bp_pool_define(s, def, &err) : bp_pool_undefine(s, "same", &err);
		if (r < 0 && err.code != BP_NO_POOL)
			return 1;
	}
	return 0;
}

TEST(defining_and_forgetting_at_once)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);

	SAME_N(run_many(20, come_and_go), 20);
}

/* They all have seen the pool, and wait while it is forgotten. */
static int look_or_forget(unsigned i)
{
	cleanup(bp_store_closep) struct bp_store *s = again();
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 };

	if (i == MANY / 2)
		return bp_pool_undefine(s, "p", &err) == 0 ? 0 : 2;
	return bp_pool_get_def(s, "p", 0, &def, &err) == 0 || err.code == BP_NO_POOL ? 0 : 2;
}

TEST(no_lock_file_stays_of_a_pool_that_is_forgotten)
{
	for (unsigned n = 0; n < 20; n++) {
		cleanup(bp_store_closep) struct bp_store *s = fake_store_with_pool();

		SAME_N(run_many(MANY, look_or_forget), MANY);
		CHECK(!tap_exists("run/p.lock"));
	}
}

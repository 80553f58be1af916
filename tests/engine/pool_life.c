/* pool_life.c - define, start, stop, undo, repair: which slots, in which order. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s

static int create(struct bp_store *s, const char *name, const char *target, unsigned flags,
		  struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def(name, target);

	return bp_pool_create(s, def, flags, err);
}

TEST(opening_a_store_makes_nothing)
{
	STORE = fake_store(0);

	CHECK(s);
	CHECK(!tap_exists("config") && !tap_exists("run"));
}

TEST(starts_in_order_and_closes)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	SAME(did, "start open space close ");
	CHECK(tap_exists("run/p.xml"));
}

TEST(builds_before_the_start_when_asked)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", BP_BUILD, &err) == 0);
	SAME(did, "build start open space close ");
}

TEST(undoes_a_start_that_does_not_answer)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 }, again = { 0 };

	fake_fail = "space";
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	SAME(did, "start open space close stop ");
	SAME(err.text, "space refused");
	CHECK(!tap_exists("run/p.xml"));

	fake_fail = NULL;			/* and nothing is left behind */
	CHECK(bp_pool_start(s, "p", 0, &again) == 0);
}

TEST(does_not_stop_what_it_did_not_start)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	running = true;
	fake_fail = "open";
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	SAME(did, "start open ");
}

TEST(a_start_that_fails_is_not_stopped)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	fake_fail = "start";
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	SAME(did, "start ");
}

TEST(starts_again_what_was_taken_away)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	lost = true;
	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
}

TEST(does_not_start_twice)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	SAME(err.text, "storage pool 'p' is already active");
	SAME_N(err.code, BP_WRONG_STATE);
}

TEST(stops_and_says_so_the_second_time)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	did[0] = '\0';
	CHECK(bp_pool_stop(s, "p", &err) == 0);
	SAME(did, "stop ");
	CHECK(!tap_exists("run/p.xml"));
	CHECK(bp_pool_stop(s, "p", &err) == -1);
	SAME(err.text, "storage pool 'p' is not active");
}

TEST(stopping_tidies_up_what_went_by_itself)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	lost = true;
	CHECK(bp_pool_stop(s, "p", &err) == 0);
	CHECK(!tap_exists("run/p.xml"));
}

TEST(a_stop_that_fails_leaves_the_pool_active)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	fake_fail = "stop";
	CHECK(bp_pool_stop(s, "p", &err) == -1);
	CHECK(tap_exists("run/p.xml"));
}

TEST(a_transient_pool_leaves_nothing)
{
	STORE = fake_store(0);
	struct bp_error err = { 0 };

	CHECK(create(s, "t", "/t", 0, &err) == 0);
	CHECK(tap_exists("run/t.xml") && tap_exists("run/t.lock") && !tap_exists("config/t.xml"));
	CHECK(bp_pool_stop(s, "t", &err) == 0);
	CHECK(!tap_exists("run/t.xml") && !tap_exists("run/t.lock"));
}

TEST(a_failed_create_leaves_nothing)
{
	STORE = fake_store(0);
	struct bp_error err = { 0 };

	fake_fail = "start";
	CHECK(create(s, "t", "/t", 0, &err) == -1);
	CHECK(!tap_exists("run/t.xml") && !tap_exists("run/t.lock") && !tap_exists("config/t.xml"));
}

TEST(an_active_pool_is_not_created_again)
{
	STORE = fake_store(0);
	const char *uuid = "a0000000-0000-4000-8000-000000000001";
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def("p", "/p");
	struct bp_error err = { 0 };

	def->uuid = strdup(uuid);
	CHECK(bp_pool_create(s, def, 0, &err) == 0);
	CHECK(bp_pool_create(s, def, 0, &err) == -1);
	SAME(err.text, "pool is already active as 'p'");
}

TEST(a_reader_changes_nothing)
{
	cleanup(bp_store_closep) struct bp_store *writer = fake_store_with_pool();
	STORE = fake_store(BP_STORE_READONLY);
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 }, other = { 0 };

	CHECK(bp_pool_get_def(s, "p", 0, &def, &err) == 0);
	CHECK(!tap_exists("run/p.lock") || unlink(tap_path("run/p.lock")) == 0);
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	SAME_N(err.code, BP_DENIED);
	SAME(err.text, "read only access prevents virStoragePoolCreate");
	CHECK(bp_pool_undefine(s, "p", &other) == -1);
	SAME_N(other.code, BP_DENIED);
	CHECK(!tap_exists("run/p.lock"));
}

/* The daemon's lock is a plain POSIX lock of another process. */
static pid_t hold_daemon_lock(int *ret_pipe)
{
	int ready[2], hold[2];
	char c;
	pid_t pid;

	if (pipe(ready) < 0 || pipe(hold) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
		int fd = open(tap_path("run/driver.pid"), O_RDWR | O_CREAT, 0644);

		close(hold[1]);
		if (fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(hold[0], &c, 1) != 0);
	}
	close(hold[0]);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		return -1;
	close(ready[0]);
	*ret_pipe = hold[1];
	return pid;
}

TEST(changes_wait_until_the_daemon_has_gone)
{
	STORE = fake_store_with_pool();
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 }, again = { 0 };
	char want[40];
	int hold;
	pid_t pid = hold_daemon_lock(&hold);

	CHECK(pid > 0);
	SAME_N(bp_store_daemon(s), pid);
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	SAME_N(err.code, BP_BUSY);
	snprintf(want, sizeof want, "(pid %ld)", (long)pid);
	CHECK(strstr(err.text, want));
	CHECK(bp_pool_info(s, "p", &info, &again) == 0);

	close(hold);
	CHECK(waitpid(pid, NULL, 0) == pid);
	SAME_N(bp_store_daemon(s), 0);
	CHECK(bp_pool_start(s, "p", 0, &again) == 0);
}

static void spoil(const char *name)
{
	FILE *f = fopen(tap_path(name), "w");

	fputs("<pool type='dir'><name>p</na", f);
	fclose(f);
}

TEST(a_broken_definition_can_be_forgotten_or_replaced)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 }, again = { 0 };

	spoil("config/p.xml");
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	CHECK(strstr(err.text, "config/p.xml:1"));
	CHECK(fake_define(s, "p", NULL, "/new", &again) == 0);
	CHECK(bp_pool_start(s, "p", 0, &again) == 0);
	CHECK(bp_pool_stop(s, "p", &again) == 0);

	spoil("config/p.xml");
	CHECK(bp_pool_undefine(s, "p", &again) == 0);
	CHECK(!tap_exists("config/p.xml"));
}

TEST(a_broken_state_can_be_stopped)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	spoil("run/p.xml");
	CHECK(bp_pool_stop(s, "p", &err) == 0);
	CHECK(!tap_exists("run/p.xml"));
	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
}

TEST(erasing_wants_an_inactive_pool)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 }, again = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	CHECK(bp_pool_erase(s, "p", &err) == -1);
	SAME(err.text, "storage pool 'p' is still active");
	CHECK(bp_pool_stop(s, "p", &again) == 0);
	did[0] = '\0';
	CHECK(bp_pool_erase(s, "p", &again) == 0);
	SAME(did, "erase ");
	fake_backend.pool_erase = NULL;
	CHECK(bp_pool_erase(s, "p", &again) == -1);
	SAME(again.text, "pool does not support pool deletion");
}

TEST(build_flags_exclude_each_other)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 }, other = { 0 };

	CHECK(bp_pool_build(s, "p", BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE, &err) == -1);
	SAME_N(err.code, BP_BAD_FLAGS);
	CHECK(bp_pool_build(s, "p", 1 << 20, &other) == -1);
	SAME(other.text, "unsupported flags (0x100000) in function virStoragePoolBuild");
	SAME(did, "");
}

TEST(only_a_kept_pool_can_be_marked)
{
	STORE = fake_store(0);
	struct bp_error err = { 0 };

	CHECK(create(s, "t", "/t", 0, &err) == 0);
	CHECK(bp_pool_set_autostart(s, "t", true, &err) == -1);
	SAME(err.text, "pool has no config file");
}

TEST(no_descriptor_stays_open)
{
	int before = tap_open_files();
	{
		STORE = fake_store_with_pool();
		struct bp_error err = { 0 };

		CHECK(bp_pool_start(s, "p", 0, &err) == 0);
		fake_fail = "stop";
		CHECK(bp_pool_stop(s, "p", &err) == -1);
	}
	SAME_N(tap_open_files(), before);
}

/* ---- active by itself: the storage was made reachable by somebody else ------------ */

static struct bp_store *store_with_pool_by_itself(void)
{
	struct bp_store *s = fake_store_with_pool();

	fake_backend.caps |= BP_CAP_KNOWS_ACTIVE;
	return s;
}

static bool is_active(struct bp_store *s)
{
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 };

	return bp_pool_info(s, "p", &info, &err) == 0 && info->state == BP_POOL_RUNNING;
}

TEST(what_is_there_by_itself_is_active_for_types_that_know)
{
	STORE = store_with_pool_by_itself();

	CHECK(is_active(s));
	fake_backend.caps = 0;
	CHECK(!is_active(s));
	fake_backend.caps = BP_CAP_KNOWS_ACTIVE;
	lost = true;
	CHECK(!is_active(s));
}

TEST(a_start_takes_over_what_is_active_by_itself)
{
	STORE = store_with_pool_by_itself();
	struct bp_error err = { 0 }, again = { 0 };

	running = true;
	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	SAME(did, "start open space close ");
	CHECK(tap_exists("run/p.xml"));
	CHECK(bp_pool_start(s, "p", 0, &again) == -1);
	SAME(again.text, "storage pool 'p' is already active");
}

TEST(what_is_active_by_itself_is_neither_built_nor_erased_nor_forgotten)
{
	STORE = store_with_pool_by_itself();
	struct bp_error a = { 0 }, b = { 0 }, c = { 0 };

	CHECK(bp_pool_build(s, "p", 0, &a) == -1);
	SAME(a.text, "storage pool 'p' is already active");
	CHECK(bp_pool_erase(s, "p", &b) == -1);
	SAME(b.text, "storage pool 'p' is still active");
	CHECK(bp_pool_undefine(s, "p", &c) == -1);
	SAME(c.text, "storage pool 'p' is still active");
	SAME(did, "");
}

TEST(what_is_active_by_itself_can_be_stopped_and_that_is_told)
{
	STORE = store_with_pool_by_itself();
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 }, again = { 0 };
	struct bp_event event;

	CHECK(bp_events_open(s, 0, &ev, &err) == 0);
	CHECK(bp_pool_stop(s, "p", &err) == 0);
	SAME(did, "stop ");
	CHECK(bp_events_next(ev, &event, &err) == 1);
	SAME_N(event.kind, BP_EVENT_STOPPED);
	SAME(event.pool, "p");
	CHECK(bp_events_next(ev, &event, &err) == 0);
	lost = true;
	CHECK(bp_pool_stop(s, "p", &again) == -1);
	SAME(again.text, "storage pool 'p' is not active");
}

TEST(volumes_of_a_pool_that_is_active_by_itself_are_found_by_their_path)
{
	STORE = store_with_pool_by_itself();
	auto_free char *pool = NULL, *vol = NULL;
	struct bp_error err = { 0 };

	fake_volume("v", "x", 1);
	CHECK(bp_vol_locate(s, NULL, "/fake/v", &pool, &vol, &err) == 0);
	SAME(pool, "p");
	SAME(vol, "v");
}

static int cannot_tell(struct bp_pool *p, bool *ret, struct bp_error *err)
{
	(void)p;
	(void)ret;
	return bp_fail(err, BP_INTERNAL, "no /proc");
}

TEST(who_cannot_tell_whether_a_pool_is_active_by_itself_says_no)
{
	STORE = store_with_pool_by_itself();
	struct bp_error err = { 0 };

	fake_backend.pool_check = cannot_tell;
	CHECK(!is_active(s));
	CHECK(bp_pool_undefine(s, "p", &err) == 0);
}

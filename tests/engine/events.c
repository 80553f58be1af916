/* events.c - what those who watch a store are told. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "tests/fake.h"
#include "tests/tap.h"

static const char *const words[] = {
	[BP_EVENT_DEFINED] = "defined", [BP_EVENT_UNDEFINED] = "undefined",
	[BP_EVENT_STARTED] = "started", [BP_EVENT_STOPPED] = "stopped",
	[BP_EVENT_CREATED] = "created", [BP_EVENT_DELETED] = "deleted",
	[BP_EVENT_REFRESHED] = "refreshed", [BP_EVENT_MARKED] = "marked",
	[BP_EVENT_UNMARKED] = "unmarked", [BP_EVENT_TARGET_GONE] = "gone",
	[BP_EVENT_TARGET_BACK] = "back",
	[BP_EVENT_VOL_CREATED] = "created", [BP_EVENT_VOL_CHANGED] = "changed",
	[BP_EVENT_VOL_DELETED] = "deleted", [BP_EVENT_LOST] = "lost",
};

static const char *told(struct bp_events *ev)
{
	static char all[1000];
	struct bp_error err = { 0 };
	struct bp_event e;
	size_t n = 0;

	all[0] = '\0';
	while (bp_events_next(ev, &e, &err) > 0)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s%s:%s ",
				      e.pool ? e.pool : "", e.vol ? "/" : "",
				      e.vol ? e.vol : "", words[e.kind]);
	return all;
}

TEST(a_life_is_told_in_order)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def("p", "/p");
	struct bp_error err = { 0 };

	CHECK(bp_events_open(s, 0, &ev, &err) == 0);
	SAME(told(ev), "");
	CHECK(bp_pool_define(s, def, &err) == 0 && bp_pool_build(s, "p", 0, &err) == 0 &&
	      bp_pool_start(s, "p", 0, &err) == 0 && bp_pool_refresh(s, "p", &err) == 0 &&
	      bp_pool_set_autostart(s, "p", true, &err) == 0 && bp_pool_stop(s, "p", &err) == 0 &&
	      bp_pool_erase(s, "p", &err) == 0 && bp_pool_undefine(s, "p", &err) == 0);
	SAME(told(ev), "p:defined p:created p:started p:refreshed "
		       "p:stopped p:deleted p:undefined ");
}

TEST(failures_are_not_told)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store_with_pool();
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 }, other = { 0 };

	CHECK(bp_events_open(s, 0, &ev, &err) == 0);
	fake_fail = "start";
	CHECK(bp_pool_start(s, "p", 0, &err) == -1);
	fake_fail = "build";
	CHECK(bp_pool_build(s, "p", 0, &other) == -1);
	SAME(told(ev), "");
}

TEST(looking_is_not_told)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store_with_pool();
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 };

	CHECK(bp_events_open(s, 0, &ev, &err) == 0);
	CHECK(bp_pool_info(s, "p", &info, &err) == 0);
	SAME(told(ev), "");
}

/* An active pool "p", whose target is a directory. */
static bool start_in(struct bp_store *s, const char *target)
{
	struct bp_error err = { 0 };

	return mkdir(tap_path(target), 0777) == 0 &&
	       fake_define(s, "p", NULL, tap_path(target), &err) == 0 &&
	       bp_pool_start(s, "p", 0, &err) == 0;
}

/* What the fake type has as a volume comes as a file. */
static void make(const char *name)
{
	int fd = open(tap_path(name), O_WRONLY | O_CREAT, 0600);

	fake_volume(strrchr(name, '/') + 1, "", 0);
	close(fd);
}

TEST(marks_are_told_from_the_first_on)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store_with_pool();
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 };

	CHECK(bp_events_open(s, BP_EVENTS_ALL, &ev, &err) == 0);
	CHECK(bp_pool_set_autostart(s, "p", true, &err) == 0);
	SAME(told(ev), "p:marked ");
	CHECK(bp_pool_set_autostart(s, "p", false, &err) == 0);
	SAME(told(ev), "p:unmarked ");
	CHECK(bp_pool_set_autostart(s, "p", true, &err) == 0);
	CHECK(bp_pool_undefine(s, "p", &err) == 0);
	SAME(told(ev), "p:marked p:undefined p:unmarked ");
}

TEST(volumes_are_told_while_their_pool_is_active)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 };

	CHECK(start_in(s, "d"));
	CHECK(bp_events_open(s, BP_EVENTS_ALL, &ev, &err) == 0);
	make("d/a");
	SAME(told(ev), "p/a:created ");
	CHECK(chmod(tap_path("d/a"), 0644) == 0);
	SAME(told(ev), "p/a:changed ");
	CHECK(bp_pool_stop(s, "p", &err) == 0);
	SAME(told(ev), "p:stopped ");
	make("d/b");
	SAME(told(ev), "");
	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	SAME(told(ev), "p:started ");
	CHECK(unlink(tap_path("d/b")) == 0);
	SAME(told(ev), "p/b:deleted ");
}

/* As by a link that somebody makes later, or a bind mount. */
TEST(two_pools_may_have_one_directory)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 };

	CHECK(start_in(s, "d"));
	CHECK(fake_define(s, "q", NULL, tap_path("e"), &err) == 0);
	CHECK(symlink("d", tap_path("e")) == 0 && bp_pool_start(s, "q", 0, &err) == 0);
	CHECK(bp_events_open(s, BP_EVENTS_ALL, &ev, &err) == 0);
	make("d/a");
	SAME(told(ev), "p/a:created q/a:created ");
	CHECK(bp_pool_stop(s, "p", &err) == 0);
	SAME(told(ev), "p:stopped ");
	make("d/b");
	SAME(told(ev), "q/b:created ");
}

TEST(without_the_flag_pools_only)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 }, other = { 0 };

	CHECK(start_in(s, "d"));
	CHECK(bp_events_open(s, 0, &ev, &err) == 0);
	make("d/a");
	CHECK(bp_pool_set_autostart(s, "p", true, &err) == 0);
	SAME(told(ev), "");
	CHECK(bp_events_open(s, 1 << 20, &ev, &other) == -1);
	SAME_N(other.code, BP_BAD_FLAGS);
}

TEST(a_target_that_goes_is_told_once)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 };

	CHECK(start_in(s, "d"));
	CHECK(bp_events_open(s, BP_EVENTS_ALL, &ev, &err) == 0);
	CHECK(rename(tap_path("d"), tap_path("e")) == 0);
	make("e/a");
	SAME(told(ev), "p:gone ");
	CHECK(bp_pool_stop(s, "p", &err) == 0 && bp_pool_start(s, "p", 0, &err) == 0);
	SAME(told(ev), "p:stopped p:started p:gone ");
}

/* More than the kernel keeps for a reader that is late. */
static bool flood(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int max = 0;

	if (!f || fscanf(f, "%d", &max) != 1)
		max = 0;
	if (f)
		fclose(f);
	if (max == 0 || max > 200000 || mknod(tap_path("d/x"), S_IFIFO | 0600, 0) < 0 ||
	    mknod(tap_path("d/y"), S_IFIFO | 0600, 0) < 0)
		return false;
	for (int i = 0; i < max + 1; i++)
		(void)chmod(tap_path(i % 2 ? "d/x" : "d/y"), 0600);
	return true;
}

TEST(what_was_lost_is_found_by_comparing)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	struct bp_error err = { 0 };

	CHECK(start_in(s, "d") && fake_define(s, "q", NULL, "/nowhere", &err) == 0);
	make("d/old");
	make("d/stays");
	CHECK(bp_events_open(s, BP_EVENTS_ALL, &ev, &err) == 0);
	if (!flood())
		SKIP("the kernel does not say how many events it keeps, or keeps very many");
	make("d/new");
	CHECK(bp_vol_delete(s, "p", "old", 0, &err) == 0 && unlink(tap_path("d/old")) == 0);
	CHECK(bp_pool_start(s, "q", 0, &err) == 0);
	CHECK(bp_pool_set_autostart(s, "q", true, &err) == 0);
	SAME(told(ev), ":lost p/new:created p/old:deleted q:marked q:started q:gone ");
	CHECK(chmod(tap_path("d/new"), 0644) == 0);
	SAME(told(ev), "p/new:changed ");
}

TEST(no_descriptor_stays_open)
{
	int before = tap_open_files();
	{
		cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
		cleanup(bp_events_closep) struct bp_events *ev = NULL;
		struct bp_error err = { 0 };

		CHECK(start_in(s, "d"));
		make("d/a");
		CHECK(bp_events_open(s, BP_EVENTS_ALL, &ev, &err) == 0);
		make("d/b");
		SAME(told(ev), "p/b:created ");
	}
	SAME_N(tap_open_files(), before);
}

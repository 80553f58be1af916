/* events.c - what those who watch a store are told. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "tests/fake.h"
#include "tests/tap.h"

static const char *const words[] = {
	[BP_EVENT_DEFINED] = "defined", [BP_EVENT_UNDEFINED] = "undefined",
	[BP_EVENT_STARTED] = "started", [BP_EVENT_STOPPED] = "stopped",
	[BP_EVENT_CREATED] = "created", [BP_EVENT_DELETED] = "deleted",
	[BP_EVENT_REFRESHED] = "refreshed",
};

static const char *told(struct bp_events *ev)
{
	static char all[1000];
	struct bp_error err = { 0 };
	struct bp_event e;
	size_t n = 0;

	all[0] = '\0';
	while (bp_events_next(ev, &e, &err) > 0)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s:%s ", e.pool, words[e.kind]);
	return all;
}

TEST(a_life_is_told_in_order)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	cleanup(bp_events_closep) struct bp_events *ev = NULL;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def("p", "/p");
	struct bp_error err = { 0 };

	CHECK(bp_events_open(s, &ev, &err) == 0);
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

	CHECK(bp_events_open(s, &ev, &err) == 0);
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

	CHECK(bp_events_open(s, &ev, &err) == 0);
	CHECK(bp_pool_info(s, "p", &info, &err) == 0);
	SAME(told(ev), "");
}

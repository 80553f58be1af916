/* pool_define.c - definitions: what is kept, what is taken once, what is refused. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s

TEST(defining_writes_one_file)
{
	STORE = fake_store_with_pool();

	CHECK(tap_exists("config/p.xml"));
	CHECK(!tap_exists("config/p.xml.new"));
	CHECK(!tap_exists("run/p.xml"));
	SAME(did, "");
}

TEST(undefining_leaves_nothing)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_set_autostart(s, "p", true, &err) == 0);
	CHECK(tap_exists("config/autostart/p.xml"));
	CHECK(bp_pool_undefine(s, "p", &err) == 0);
	CHECK(!tap_exists("config/p.xml") && !tap_exists("config/autostart/p.xml") &&
	      !tap_exists("run/p.lock"));
	CHECK(bp_pool_undefine(s, "p", &err) == -1);
	SAME_N(err.code, BP_NO_POOL);
	SAME(err.text, "no storage pool with matching name 'p'");
}

TEST(an_active_pool_is_not_undefined)
{
	STORE = fake_store_with_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	CHECK(bp_pool_undefine(s, "p", &err) == -1);
	SAME(err.text, "storage pool 'p' is still active");
	CHECK(tap_exists("config/p.xml"));
}

TEST(a_new_definition_counts_from_the_next_start)
{
	STORE = fake_store(0);
	const char *uuid = "a0000000-0000-4000-8000-000000000001";
	cleanup(bp_pool_def_freep) struct bp_pool_def *live = NULL, *next = NULL;
	struct bp_error err = { 0 };

	CHECK(fake_define(s, "p", uuid, "/one", &err) == 0);
	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	CHECK(fake_define(s, "p", uuid, "/two", &err) == 0);
	CHECK(bp_pool_get_def(s, "p", 0, &live, &err) == 0);
	SAME(live->target_path, "/one");
	CHECK(bp_pool_get_def(s, "p", BP_DEF_INACTIVE, &next, &err) == 0);
	SAME(next->target_path, "/two");
}

TEST(names_and_uuids_are_taken_once)
{
	STORE = fake_store(0);
	const char *one = "a0000000-0000-4000-8000-000000000001";
	const char *two = "a0000000-0000-4000-8000-000000000002";
	struct bp_error err = { 0 }, other = { 0 };

	CHECK(fake_define(s, "p", one, "/p", &err) == 0);
	CHECK(fake_define(s, "q", one, "/q", &err) == -1);
	SAME(err.text, "pool 'p' is already defined with uuid "
		       "a0000000-0000-4000-8000-000000000001");
	SAME_N(err.code, BP_POOL_EXISTS);
	CHECK(fake_define(s, "p", two, "/p", &other) == -1);
	SAME(other.text, "pool 'p' already exists with uuid a0000000-0000-4000-8000-000000000001");
	CHECK(!tap_exists("run/q.lock"));
}

TEST(a_source_is_taken_once_under_any_name)
{
	STORE = fake_store(0);
	char again[4200];
	struct bp_error err = { 0 }, other = { 0 };

	CHECK(mkdir(tap_path("d"), 0755) == 0);
	CHECK(fake_define(s, "p", NULL, tap_path("d"), &err) == 0);
	CHECK(fake_define(s, "q", NULL, tap_path("d"), &err) == -1);
	SAME(err.text, "Storage source conflict with pool: 'p'");
	SAME_N(err.code, BP_FAILED);

	snprintf(again, sizeof again, "%s/./d", tap_dir());
	CHECK(fake_define(s, "q", NULL, again, &other) == -1);
	SAME_N(other.code, BP_FAILED);
}

TEST(names_that_cannot_be_files_are_refused)
{
	STORE = fake_store(0);
	struct bp_error slash = { 0 }, newline = { 0 }, length = { 0 };
	char name[300];

	CHECK(fake_define(s, "a/b", NULL, "/p", &slash) == -1);
	CHECK(fake_define(s, "a\nb", NULL, "/p", &newline) == -1);
	memset(name, 'n', sizeof name);
	name[248] = '\0';
	CHECK(fake_define(s, name, NULL, "/p", &length) == -1);
	name[247] = '\0';
	length = (struct bp_error){ 0 };
	CHECK(fake_define(s, name, NULL, "/p", &length) == 0);
	CHECK(bp_pool_start(s, name, 0, &length) == 0);
	CHECK(bp_pool_stop(s, name, &length) == 0);
	CHECK(bp_pool_undefine(s, name, &length) == 0);
}

TEST(a_type_that_is_not_built_is_kept_but_not_run)
{
	STORE = fake_store(0);
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def("m", "/dev/mapper");
	struct bp_error err = { 0 }, again = { 0 };

	free(def->type);
	def->type = strdup("mpath");
	CHECK(bp_pool_define(s, def, &again) == 0);
	CHECK(bp_pool_start(s, "m", 0, &err) == -1);
	SAME(err.text, "pools of type 'mpath' are not part of this build");
	SAME_N(err.code, BP_UNSUPPORTED);
	CHECK(bp_pool_undefine(s, "m", &again) == 0);
}

/* pool_list.c - walking the pools, and finding one. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s

/* persistent active "a", marked; persistent inactive "b"; transient active "t" */
static struct bp_store *three_pools(void)
{
	struct bp_store *s = fake_store(0);
	struct bp_error err = { 0 };
	const char *const names[] = { "b", "a", "t" };

	for (size_t i = 0; i < 3; i++) {
		cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;

		def = fake_def(names[i], tap_path(names[i]));
		if (i == 2 ? bp_pool_create(s, def, 0, &err) : bp_pool_define(s, def, &err))
			printf("# %s\n", err.text);
	}
	if (bp_pool_start(s, "a", 0, &err) < 0 || bp_pool_set_autostart(s, "a", true, &err) < 0)
		printf("# %s\n", err.text);
	return s;
}

static const char *names(struct bp_store *s, unsigned flags, const char *const *types)
{
	static char all[200];
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	struct bp_error err = { 0 };
	struct bp_pool_info info;

	all[0] = '\0';
	if (bp_pools_open(s, flags, types, &it, &err) < 0)
		return err.text[0] ? "failed" : "?";
	while (bp_pools_next(it, &info, &err) > 0) {
		strncat(all, info.name, 20);
		strncat(all, " ", 2);
	}
	return all;
}

TEST(an_empty_store_has_no_pools)
{
	STORE = fake_store(0);

	SAME(names(s, 0, NULL), "");
}

static int damaged(struct bp_pool *p, struct bp_error *err)
{
	(void)p;
	return bp_fail(err, BP_FAILED, "a copy is damaged");
}

TEST(a_pool_that_works_tells_what_is_wrong_with_it)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *active = NULL, *inactive = NULL;
	struct bp_error err = { 0 };

	fake_backend.pool_problem = damaged;
	CHECK(bp_pool_info(s, "a", &active, &err) == 0);
	CHECK(bp_pool_info(s, "b", &inactive, &err) == 0);
	if (!active || !inactive)
		return;
	SAME(active->problem, "a copy is damaged");
	CHECK(active->state == BP_POOL_RUNNING && active->has_space);
	CHECK(!inactive->problem);
}

TEST(all_pools_by_name)
{
	STORE = three_pools();

	SAME(names(s, 0, NULL), "a b t ");
}

TEST(filters_of_a_group_add_and_groups_cut)
{
	STORE = three_pools();

	SAME(names(s, BP_POOLS_ACTIVE, NULL), "a t ");
	SAME(names(s, BP_POOLS_INACTIVE, NULL), "b ");
	SAME(names(s, BP_POOLS_ACTIVE | BP_POOLS_INACTIVE, NULL), "a b t ");
	SAME(names(s, BP_POOLS_PERSISTENT, NULL), "a b ");
	SAME(names(s, BP_POOLS_TRANSIENT, NULL), "t ");
	SAME(names(s, BP_POOLS_AUTOSTART, NULL), "a ");
	SAME(names(s, BP_POOLS_NO_AUTOSTART | BP_POOLS_ACTIVE, NULL), "t ");
	SAME(names(s, BP_POOLS_TRANSIENT | BP_POOLS_INACTIVE, NULL), "");
	SAME(names(s, 1u << 20, NULL), "failed");
}

TEST(types_let_through)
{
	STORE = three_pools();
	const char *const dir[] = { "fs", "dir", NULL }, *const fs[] = { "fs", NULL };

	SAME(names(s, 0, dir), "a b t ");
	SAME(names(s, 0, fs), "");
}

TEST(info_of_an_active_pool)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 };

	CHECK(bp_pool_info(s, "a", &info, &err) == 0);
	SAME_N(info->state, BP_POOL_RUNNING);
	CHECK(info->persistent && info->autostart && info->has_space);
	SAME_N(info->space.capacity, 100);
	SAME_N(info->space.available, 60);
	SAME(info->type, "dir");
	SAME_N(strlen(info->uuid), 36);
}

TEST(info_of_an_inactive_pool_has_no_sizes)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 };

	CHECK(bp_pool_info(s, "b", &info, &err) == 0);
	SAME_N(info->state, BP_POOL_INACTIVE);
	CHECK(!info->has_space && !info->autostart && info->persistent);
}

TEST(a_pool_that_does_not_answer_is_a_row_with_a_reason)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 };

	fake_fail = "space";
	CHECK(bp_pool_info(s, "a", &info, &err) == 0);
	SAME_N(info->state, BP_POOL_INACCESSIBLE);
	SAME(info->problem, "space refused");
}

TEST(a_definition_that_cannot_be_read_is_a_row_with_a_reason)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 };
	FILE *f = fopen(tap_path("config/b.xml"), "w");

	fputs("<broken", f);
	fclose(f);
	SAME(names(s, 0, NULL), "a b t ");
	CHECK(bp_pool_info(s, "b", &info, &err) == 0);
	SAME_N(info->state, BP_POOL_INACCESSIBLE);
	CHECK(strstr(info->problem, "config/b.xml:1"));
	CHECK(!info->uuid && !info->type);
}

TEST(a_file_of_another_name_is_a_row_with_a_reason)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error err = { 0 };

	CHECK(link(tap_path("config/b.xml"), tap_path("config/c.xml")) == 0);
	CHECK(bp_pool_info(s, "c", &info, &err) == 0);
	CHECK(strstr(info->problem, "does not match pool name 'b'"));
}

TEST(what_is_no_definition_is_no_pool)
{
	STORE = three_pools();

	fclose(fopen(tap_path("config/notes.txt"), "w"));
	fclose(fopen(tap_path("config/.xml"), "w"));
	fclose(fopen(tap_path("config/z.xml.new"), "w"));
	SAME(names(s, 0, NULL), "a b t ");
}

TEST(found_by_name_and_by_uuid)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	auto_free char *by_uuid = NULL, *by_name = NULL;
	struct bp_error err = { 0 }, none = { 0 }, not_uuid = { 0 }, no_name = { 0 };

	CHECK(bp_pool_info(s, "b", &info, &err) == 0);
	CHECK(bp_pool_resolve(s, info->uuid, BP_BY_UUID | BP_BY_NAME, &by_uuid, &err) == 0);
	SAME(by_uuid, "b");
	CHECK(bp_pool_resolve(s, "a", BP_BY_UUID | BP_BY_NAME, &by_name, &err) == 0);
	SAME(by_name, "a");
	CHECK(bp_pool_resolve(s, "a0000000-0000-4000-8000-000000000099", BP_BY_UUID, &by_name,
			      &none) == -1);
	SAME(none.text, "no storage pool with matching uuid "
			"'a0000000-0000-4000-8000-000000000099'");
	CHECK(bp_pool_resolve(s, "a", BP_BY_UUID, &by_name, &not_uuid) == -1);
	CHECK(bp_pool_resolve(s, info->uuid, BP_BY_NAME, &by_name, &no_name) == -1);
	SAME_N(no_name.code, BP_NO_POOL);
}

/* A pool may be called like another's UUID; the UUID comes first. */
TEST(a_uuid_beats_a_name)
{
	STORE = fake_store(0);
	const char *uuid = "a0000000-0000-4000-8000-000000000001";
	cleanup(bp_pool_def_freep) struct bp_pool_def *x = fake_def("x", "/x");
	cleanup(bp_pool_def_freep) struct bp_pool_def *y = fake_def(uuid, "/y");
	auto_free char *found = NULL;
	struct bp_error err = { 0 };

	x->uuid = strdup(uuid);
	CHECK(bp_pool_define(s, x, &err) == 0 && bp_pool_define(s, y, &err) == 0);
	CHECK(bp_pool_resolve(s, uuid, BP_BY_UUID | BP_BY_NAME, &found, &err) == 0);
	SAME(found, "x");
}

TEST(the_mark_counts_by_what_it_leads_to)
{
	STORE = three_pools();
	cleanup(bp_pool_info_freep) struct bp_pool_info *yes = NULL, *no = NULL;
	struct bp_error err = { 0 };

	/* as libvirt: a relative link to the file is a mark, one elsewhere is none */
	CHECK(unlink(tap_path("config/autostart/a.xml")) == 0);
	CHECK(symlink("../b.xml", tap_path("config/autostart/b.xml")) == 0);
	CHECK(symlink("/etc/hostname", tap_path("config/autostart/a.xml")) == 0);
	CHECK(bp_pool_info(s, "b", &yes, &err) == 0 && yes->autostart);
	CHECK(bp_pool_info(s, "a", &no, &err) == 0 && !no->autostart);
	CHECK(bp_pool_set_autostart(s, "a", true, &err) == 0);
	CHECK(bp_pool_set_autostart(s, "b", false, &err) == 0);
	SAME(names(s, BP_POOLS_AUTOSTART, NULL), "a ");
}

TEST(under_another_root_links_are_as_that_system_will_see_them)
{
	struct bp_store_paths paths = { .config = "/etc/x", .run = "/run/x", .root = tap_dir() };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = fake_def("p", "/p");
	struct bp_error err = { 0 };
	char target[100] = "";
	STORE = NULL;

	fake_reset();
	CHECK(bp_store_open(&paths, &s, &err) == 0);
	CHECK(bp_pool_define(s, def, &err) == 0);
	CHECK(bp_pool_set_autostart(s, "p", true, &err) == 0);
	CHECK(readlink(tap_path("etc/x/autostart/p.xml"), target, sizeof target - 1) > 0);
	SAME(target, "/etc/x/p.xml");
	SAME(names(s, BP_POOLS_AUTOSTART, NULL), "p ");
}

TEST(a_definition_that_is_no_file_is_not_waited_for)
{
	cleanup(bp_store_closep) struct bp_store *s = three_pools();
	struct bp_error err = { 0 };

	CHECK(mkfifo(tap_path("config/f.xml"), 0600) == 0);
	SAME(names(s, 0, NULL), "a b f t ");
	CHECK(bp_pool_start(s, "f", 0, &err) == -1);
	CHECK(strstr(err.text, "config/f.xml' is not a file"));
}

/* contract.c - one list of promises (core/backend.h), held against every pool type.
 *
 * A type takes part by a fixture: fixtures.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/contract/running.h"
#include "tests/tap.h"

/* A TEST for each type, which is given a running pool of it. */
#define PROMISE(id)							\
	static void id##_by(struct running *r);				\
	TEST(dir_##id) { hold(&dir, id##_by); }				\
	TEST(fs_##id) { hold(&fs, id##_by); }				\
	TEST(netfs_##id) { hold(&netfs, id##_by); }			\
	TEST(disk_##id) { hold(&disk, id##_by); }			\
	TEST(logical_##id) { hold(&logical, id##_by); }			\
	TEST(iscsi_direct_##id) { hold(&iscsi_direct, id##_by); }	\
	static void id##_by(struct running *r)

PROMISE(building_and_starting_twice_succeeds)
{
	if (r->be->pool_build)
		CHECK(r->be->pool_build(&r->p, r->f->again, &r->err) == 0);
	/* what has nothing to be made reachable is always as it was */
	if (r->be->pool_start)
		SAME_N(r->be->pool_start(&r->p, &r->err), r->be->pool_stop ? 1 : 0);
}

PROMISE(stopping_twice_succeeds)
{
	if (!r->be->pool_stop)
		return;
	r->be->pool_close(&r->p);
	r->open = false;
	CHECK(r->be->pool_stop(&r->p, &r->err) == 0);
	CHECK(r->be->pool_stop(&r->p, &r->err) == 0);
}

PROMISE(a_running_pool_is_found_active)
{
	bool active = false;

	if (!r->be->pool_check)
		return;
	CHECK(r->be->pool_check(&r->p, &active, &r->err) == 0);
	CHECK(active);
}

PROMISE(an_active_pool_that_is_known_by_itself_is_not_after_a_stop)
{
	bool active = true;

	if (!(r->be->caps & BP_CAP_KNOWS_ACTIVE))
		return;
	CHECK(r->be->pool_check && r->be->pool_stop);
	r->be->pool_close(&r->p);
	r->open = false;
	CHECK(r->be->pool_stop(&r->p, &r->err) == 0);
	CHECK(r->be->pool_check(&r->p, &active, &r->err) == 0);
	CHECK(!active);
}

PROMISE(numbers_add_up)
{
	struct bp_pool_space space;

	CHECK(r->be->pool_space(&r->p, &space, &r->err) == 0);
	CHECK(space.capacity > 0);
	if (r->f->overhead)
		CHECK(space.allocation + space.available <= space.capacity);
	else
		SAME_N(space.allocation + space.available + space.reserved, space.capacity);
}

PROMISE(create_find_list_once_delete_gone)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL, *gone = NULL;
	struct bp_error none = { 0 };

	if (!r->be->vol_create)
		return;
	CHECK(make(r, name_of(r, 1), &r->err) == 0);
	SAME_N(times_listed(r, name_of(r, 1)), 1);
	CHECK(r->be->vol_find(&r->p, name_of(r, 1), BP_VOL_ALL, &info, &r->err) == 0);
	SAME(info->name, name_of(r, 1));
	CHECK(info->capacity >= r->f->small);
	CHECK(r->be->vol_delete(&r->p, name_of(r, 1), 0, &r->err) == 0);
	SAME_N(times_listed(r, name_of(r, 1)), 0);
	CHECK(r->be->vol_find(&r->p, name_of(r, 1), BP_VOL_NAME, &gone, &none) == -1);
	SAME_N(none.code, BP_NO_VOL);
}

static const char *based_on(struct running *r, const char *name)
{
	static char vol[300];
	struct bp_vol_info info;
	void *cursor;

	vol[0] = '\0';
	if (r->be->vols_open(&r->p, BP_VOL_BACKING, &cursor, &r->err) < 0)
		return NULL;
	while (r->be->vols_next(&r->p, cursor, &info, &r->err) > 0)
		if (strcmp(info.name, name) == 0 && info.backing && info.backing->vol)
			snprintf(vol, sizeof vol, "%s", info.backing->vol);
	r->be->vols_close(&r->p, cursor);
	return vol;
}

PROMISE(a_walk_tells_which_volume_one_is_based_on)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL, *over = NULL;
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	const struct bp_filler empty = { 0 };

	if (!(r->be->caps & BP_CAP_BACKING_FILES))
		return;
	CHECK(make(r, name_of(r, 1), &r->err) == 0);
	CHECK(r->be->vol_find(&r->p, name_of(r, 1), BP_VOL_PATH, &info, &r->err) == 0);
	spec = spec_of(r, name_of(r, 2));
	mem_set(&spec->format, "qcow2");
	spec->backing = bp_backing_new();
	spec->backing->path = mem_dup(info->path);
	spec->backing->format = mem_dup("raw");
	CHECK(r->be->vol_create(&r->p, spec, 0, &empty, &r->err) == 0);
	SAME(based_on(r, name_of(r, 2)), name_of(r, 1));
	SAME(based_on(r, name_of(r, 1)), "");
	CHECK(r->be->vol_find(&r->p, name_of(r, 2), BP_VOL_FORMAT, &over, &r->err) == 0);
	SAME(over->backing->vol, name_of(r, 1));
}

PROMISE(deleting_nothing_is_no_volume)
{
	if (!r->be->vol_delete)
		return;
	CHECK(r->be->vol_delete(&r->p, "nothing", 0, &r->err) == -1);
	SAME_N(r->err.code, BP_NO_VOL);
}

PROMISE(creating_over_a_name_keeps_the_old_bytes)
{
	char bytes[4];

	if (!r->be->vol_create)
		return;
	CHECK(make(r, name_of(r, 1), &r->err) == 0);
	CHECK(put(r, name_of(r, 1), "abcd", 4) == 0);
	CHECK(make(r, name_of(r, 1), &r->err) == -1);
	SAME_N(r->err.code, BP_VOL_EXISTS);
	CHECK(get(r, name_of(r, 1), bytes, 4) == 0);
	SAME_MEM(bytes, "abcd", 4);
}

static int refuse(void *arg, struct bp_io *io, struct bp_error *err)
{
	(void)arg;
	if (io_write(io, "half", 4, 0, err) < 0)
		return -1;
	return bp_fail(err, BP_FAILED, "in the middle");
}

PROMISE(a_creation_that_fails_leaves_nothing)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = spec_of(r, name_of(r, 1));
	const struct bp_filler filler = { .fill = refuse };

	if (!r->be->vol_create)
		return;
	CHECK(r->be->vol_create(&r->p, spec, 0, &filler, &r->err) == -1);
	SAME(r->err.text, "in the middle");
	SAME_N(times_listed(r, name_of(r, 1)), 0);
	r->err = (struct bp_error){ 0 };
	CHECK(make(r, name_of(r, 1), &r->err) == 0);
}

static struct running *watched;
static unsigned seen_half;

static int look_meanwhile(void *arg, struct bp_io *io, struct bp_error *err)
{
	(void)io;
	(void)err;
	seen_half = times_listed(watched, arg);
	return 0;
}

PROMISE(a_volume_in_the_making_is_not_listed)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = spec_of(r, name_of(r, 1));
	struct bp_filler filler = { .fill = look_meanwhile, .arg = spec->name };

	if (!r->be->vol_create)
		return;
	watched = r;
	CHECK(r->be->vol_create(&r->p, spec, 0, &filler, &r->err) == 0);
	SAME_N(seen_half, 0);
	SAME_N(times_listed(r, name_of(r, 1)), 1);
}

PROMISE(volumes_may_vanish_during_a_walk)
{
	struct bp_vol_info info;
	unsigned many = r->f->many ? r->f->many : 100;
	void *cursor;
	int step;

	if (!r->be->vol_create)
		return;
	for (unsigned i = 1; i <= many; i++)
		CHECK(make(r, name_of(r, i), &r->err) == 0);
	CHECK(r->be->vols_open(&r->p, BP_VOL_ALL, &cursor, &r->err) == 0);
	step = r->be->vols_next(&r->p, cursor, &info, &r->err);
	for (unsigned i = 2; i <= many; i += 2)
		if (r->be->vol_delete(&r->p, name_of(r, i), 0, &r->err) < 0)
			step = -1;
	while (step > 0)
		step = r->be->vols_next(&r->p, cursor, &info, &r->err);
	r->be->vols_close(&r->p, cursor);
	SAME_N(step, 0);
	SAME_N(times_listed(r, name_of(r, 1)), 1);
}

PROMISE(names_are_only_names)
{
	static const char *const names[] = {
		"with space", "-x", "--", "...", "umläut-日本", "a:b", "a;b", "$(x)", "*",
		"quote'\"", "back\\slash", "&<>", "lost-found", ".hidden", "tilde~",
		"x.new", "x.part",
	};

	if (!r->be->vol_create || r->f->stem)
		return;
	for (size_t i = 0; i < array_size(names); i++) {
		CHECK(make(r, names[i], &r->err) == 0);
		SAME_N(times_listed(r, names[i]), 1);
		CHECK(r->be->vol_delete(&r->p, names[i], 0, &r->err) == 0);
	}
}

PROMISE(names_that_lead_elsewhere_are_refused)
{
	static const char *const names[] = { ".", "..", "a/b", "/etc/passwd", "../x" };

	if (!r->be->vol_create)
		return;
	for (size_t i = 0; i < array_size(names); i++) {
		cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
		struct bp_error a = { 0 }, b = { 0 }, c = { 0 };

		CHECK(make(r, names[i], &a) == -1);
		CHECK(r->be->vol_delete(&r->p, names[i], 0, &b) == -1);
		CHECK(r->be->vol_find(&r->p, names[i], BP_VOL_NAME, &info, &c) == -1);
		SAME_N(c.code, BP_NO_VOL);
	}
}

PROMISE(no_more_is_told_than_was_wanted_to_be_paid)
{
	struct bp_vol_info info;
	void *cursor;

	if (!r->be->vol_create)
		return;
	CHECK(make(r, name_of(r, 1), &r->err) == 0);
	CHECK(r->be->vols_open(&r->p, BP_VOL_NAME, &cursor, &r->err) == 0);
	CHECK(r->be->vols_next(&r->p, cursor, &info, &r->err) == 1);
	CHECK((info.got & BP_VOL_NAME) && !(info.got & BP_VOL_FORMAT));
	r->be->vols_close(&r->p, cursor);
}

PROMISE(a_path_of_ours_is_known_and_no_other)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	auto_free char *vol = NULL, *other = NULL;
	struct bp_error none = { 0 };

	if (!r->be->vol_create || !r->be->vol_of_path)
		return;
	CHECK(make(r, name_of(r, 1), &r->err) == 0);
	CHECK(r->be->vol_find(&r->p, name_of(r, 1), BP_VOL_PATH, &info, &r->err) == 0);
	CHECK(r->be->vol_of_path(&r->p, info->path, &vol, &r->err) == 0);
	SAME(vol, name_of(r, 1));
	CHECK(r->be->vol_of_path(&r->p, "/etc/passwd", &other, &none) == -1);
	SAME_N(none.code, BP_NO_VOL);
}

PROMISE(a_second_process_sees_the_same)
{
	int status;
	pid_t pid;

	if (!r->be->vol_create)
		return;
	CHECK(make(r, name_of(r, 1), &r->err) == 0);
	pid = fork();
	if (pid == 0) {
		struct running other = {
			.f = r->f, .be = r->be, .p = { .def = r->def, .limit = 10 },
		};

		if (other.be->pool_open(&other.p, &other.err) < 0)
			_exit(2);
		status = times_listed(&other, name_of(r, 1)) != 1;
		other.be->pool_close(&other.p);
		_exit(status);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	SAME_N(status, 0);
}

PROMISE(no_descriptor_stays_open_and_nothing_is_printed)
{
	bool connected = times_listed(r, "") == 0;	/* by now, whoever waits with that */
	int before = tap_open_files(), saved = dup(1);
	auto_close int out = open(tap_path("out"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	CHECK(connected);
	fflush(stdout);
	dup2(out, 1);

	if (r->be->vol_create && make(r, name_of(r, 1), &r->err) == 0 &&
	    r->be->vol_find(&r->p, name_of(r, 1), BP_VOL_ALL, &info, &r->err) == 0 &&
	    r->be->vol_resize &&
	    r->be->vol_resize(&r->p, name_of(r, 1), r->f->small * 2, 0, &r->err) == 0)
		(void)r->be->vol_delete(&r->p, name_of(r, 1), 0, &r->err);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	SAME_N(lseek(out, 0, SEEK_END), 0);
	SAME_N(tap_open_files(), before + 1);	/* out itself */
}

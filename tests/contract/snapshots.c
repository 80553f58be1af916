/* snapshots.c - what core/backend.h promises of snapshots, held against every type that has
 * them: inside qcow2 images, and as thin volumes of a volume group.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/run.h"
#include "tests/contract/running.h"

static bool make_thin(struct bp_pool_def *def)
{
	if (!make_logical(def))
		return false;
	def->thin.name = mem_dup("tp");
	def->thin.size = 64 << 20;
	return true;
}

static const struct fixture thin = {
	"logical", make_thin, "the lab", BP_BUILD_OVERWRITE, 8 << 20, .stem = "vol", .many = 3,
};

/* What a guest writes into an image, and reads, goes through QEMU. */
static void hold_images(const struct fixture *f, void (*promise)(struct running *r))
{
	auto_free char *qemu_io = program_find("qemu-io");

	if (!qemu_io)
		SKIP("qemu-io");
	hold(f, promise);
}

#define PROMISE(id)						\
	static void id##_by(struct running *r);			\
	TEST(dir_##id) { hold_images(&dir, id##_by); }		\
	TEST(fs_##id) { hold_images(&fs, id##_by); }		\
	TEST(thin_##id) { hold(&thin, id##_by); }		\
	static void id##_by(struct running *r)

/* ---- volumes, and what a guest sees in them ------------------------------------------- */

#define VOL "vol1"

static bool is_image(const struct running *r)
{
	return r->f != &thin;
}

/* One that can have snapshots, or one that cannot. */
static int make_one(struct running *r, const char *name, bool can)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = spec_of(r, name);
	const struct bp_filler empty = { 0 };

	if (is_image(r))
		mem_set(&spec->format, can ? "qcow2" : "raw");
	else if (!can)
		spec->allocation = spec->capacity;
	return r->be->vol_create(&r->p, spec, 0, &empty, &r->err);
}

static int in_image(const struct running *r, const char *what)
{
	auto_free char *path = mem_printf("%s/" VOL, r->def->target_path);
	cleanup(text_done) struct text out = { 0 }, said = { 0 };
	struct bp_error err = { 0 };
	int status;

	if (run_program_text((const char *const[]){ "qemu-io", "-f", "qcow2", "-c", what, path,
						    NULL }, 1 << 20, &out, &said, &status, &err))
		return -1;
	return status == 0 && !strstr(out.s ? out.s : "", "fail") ? 0 : -1;
}

static int guest_writes(struct running *r, char c)
{
	auto_free char *what = mem_printf("write -P %d 0 512", c);

	return is_image(r) ? in_image(r, what) : put(r, VOL, &c, 1);
}

static bool guest_reads(struct running *r, char c)
{
	auto_free char *what = mem_printf("read -P %d 0 512", c);
	char found = 0;

	if (is_image(r))
		return in_image(r, what) == 0;
	return get(r, VOL, &found, 1) == 0 && found == c;
}

static uint64_t capacity(struct running *r)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_error err = { 0 };

	return r->be->vol_find(&r->p, VOL, BP_VOL_ALL, &info, &err) < 0 ? 0 : info->capacity;
}

/* "a b " as they come when sorted; "?": they cannot be listed. */
static const char *listed(struct running *r)
{
	static char names[256];
	struct bp_snapshot *snaps;
	struct bp_error err = { 0 };
	size_t n;

	if (r->be->snap_list(&r->p, VOL, &snaps, &n, &err) < 0)
		return "?";
	bp_snapshots_sort(snaps, n);
	names[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names);

		snprintf(names + len, sizeof names - len, "%s ", snaps[i].name);
	}
	bp_snapshots_free(snaps, n);
	return names;
}

static int create(struct running *r, const char *snap)
{
	r->err = (struct bp_error){ 0 };
	return r->be->snap_create(&r->p, VOL, snap, &r->err);
}

static int revert(struct running *r, const char *snap)
{
	r->err = (struct bp_error){ 0 };
	return r->be->snap_revert(&r->p, VOL, snap, &r->err);
}

static int drop(struct running *r, const char *snap)
{
	r->err = (struct bp_error){ 0 };
	return r->be->snap_delete(&r->p, VOL, snap, &r->err);
}

/* ---- the promises --------------------------------------------------------------------- */

PROMISE(a_volume_has_none_at_first)
{
	CHECK(make_one(r, VOL, true) == 0);
	SAME(listed(r), "");
}

PROMISE(one_that_is_made_is_listed_once_and_is_no_volume)
{
	struct bp_snapshot *snaps;
	size_t n;

	CHECK(make_one(r, VOL, true) == 0);
	CHECK(create(r, "one") == 0);
	CHECK(r->be->snap_list(&r->p, VOL, &snaps, &n, &r->err) == 0);
	SAME_N(n, 1);
	SAME(snaps[0].name, "one");
	SAME_N(snaps[0].capacity, r->f->small);
	CHECK(snaps[0].created > 1600000000);
	bp_snapshots_free(snaps, n);
	SAME_N(times_listed(r, VOL), 1);
	SAME_N(times_listed(r, "one"), 0);
}

PROMISE(a_name_that_is_taken_is_refused_and_keeps_what_it_was)
{
	CHECK(make_one(r, VOL, true) == 0);
	CHECK(guest_writes(r, 'a') == 0);
	CHECK(create(r, "one") == 0);
	CHECK(guest_writes(r, 'b') == 0);
	CHECK(create(r, "one") == -1);
	SAME_N(r->err.code, BP_FAILED);
	SAME(listed(r), "one ");
	CHECK(revert(r, "one") == 0);
	CHECK(guest_reads(r, 'a'));
}

PROMISE(a_revert_brings_back_what_was_in_it_and_keeps_the_snapshot)
{
	CHECK(make_one(r, VOL, true) == 0);
	CHECK(guest_writes(r, 'a') == 0);
	CHECK(create(r, "one") == 0);
	CHECK(guest_writes(r, 'b') == 0);
	CHECK(create(r, "two") == 0);
	CHECK(guest_writes(r, 'c') == 0);
	CHECK(revert(r, "one") == 0);
	CHECK(guest_reads(r, 'a'));
	CHECK(guest_writes(r, 'd') == 0);
	CHECK(revert(r, "two") == 0);
	CHECK(guest_reads(r, 'b'));
	CHECK(revert(r, "one") == 0);
	CHECK(guest_reads(r, 'a'));
	SAME(listed(r), "one two ");
}

PROMISE(a_revert_brings_back_the_size)
{
	CHECK(make_one(r, VOL, true) == 0);
	CHECK(create(r, "small") == 0);
	CHECK(r->be->vol_resize(&r->p, VOL, r->f->small * 2, 0, &r->err) == 0);
	SAME_N(capacity(r), r->f->small * 2);
	CHECK(create(r, "large") == 0);
	CHECK(revert(r, "small") == 0);
	SAME_N(capacity(r), r->f->small);
	CHECK(revert(r, "large") == 0);
	SAME_N(capacity(r), r->f->small * 2);
}

PROMISE(what_is_deleted_is_gone_and_the_rest_stays)
{
	CHECK(make_one(r, VOL, true) == 0);
	CHECK(guest_writes(r, 'a') == 0);
	CHECK(create(r, "one") == 0);
	CHECK(guest_writes(r, 'b') == 0);
	CHECK(create(r, "two") == 0);
	CHECK(drop(r, "one") == 0);
	SAME(listed(r), "two ");
	CHECK(guest_reads(r, 'b'));
	CHECK(guest_writes(r, 'c') == 0);
	CHECK(revert(r, "two") == 0);
	CHECK(guest_reads(r, 'b'));
	CHECK(create(r, "one") == 0);
	CHECK(drop(r, "two") == 0);
	CHECK(drop(r, "one") == 0);
	SAME(listed(r), "");
	CHECK(guest_reads(r, 'b'));
}

PROMISE(one_that_is_not_there_is_said_and_changes_nothing)
{
	CHECK(make_one(r, VOL, true) == 0);
	CHECK(guest_writes(r, 'a') == 0);
	CHECK(create(r, "one") == 0);
	CHECK(revert(r, "none") == -1);
	SAME_N(r->err.code, BP_INVALID);
	CHECK(drop(r, "none") == -1);
	SAME_N(r->err.code, BP_INVALID);
	SAME(listed(r), "one ");
	CHECK(guest_reads(r, 'a'));
}

PROMISE(of_a_volume_that_is_not_there_none_is_made)
{
	struct bp_snapshot *snaps;
	size_t n;

	CHECK(create(r, "one") == -1);
	SAME_N(r->err.code, BP_NO_VOL);
	CHECK(revert(r, "one") == -1);
	SAME_N(r->err.code, BP_NO_VOL);
	CHECK(drop(r, "one") == -1);
	SAME_N(r->err.code, BP_NO_VOL);
	r->err = (struct bp_error){ 0 };
	CHECK(r->be->snap_list(&r->p, VOL, &snaps, &n, &r->err) == -1);
	SAME_N(r->err.code, BP_NO_VOL);
}

PROMISE(a_volume_of_another_kind_has_none_and_that_is_said)
{
	struct bp_snapshot *snaps;
	size_t n;

	CHECK(make_one(r, VOL, false) == 0);
	CHECK(create(r, "one") == -1);
	SAME_N(r->err.code, BP_UNSUPPORTED);
	CHECK(revert(r, "one") == -1);
	SAME_N(r->err.code, BP_UNSUPPORTED);
	CHECK(drop(r, "one") == -1);
	SAME_N(r->err.code, BP_UNSUPPORTED);
	r->err = (struct bp_error){ 0 };
	CHECK(r->be->snap_list(&r->p, VOL, &snaps, &n, &r->err) == -1);
	SAME_N(r->err.code, BP_UNSUPPORTED);
}

/* Inside an image they go with it; others have to be mentioned. */
PROMISE(they_go_with_their_volume_when_that_is_wanted)
{
	CHECK(make_one(r, VOL, true) == 0);
	CHECK(create(r, "one") == 0);
	if (!is_image(r)) {
		CHECK(r->be->vol_delete(&r->p, VOL, 0, &r->err) == -1);
		SAME_N(r->err.code, BP_BUSY);
		SAME(listed(r), "one ");
		r->err = (struct bp_error){ 0 };
	}
	CHECK(r->be->vol_delete(&r->p, VOL, is_image(r) ? 0 : BP_VOL_SNAPSHOTS, &r->err) == 0);
	CHECK(make_one(r, VOL, true) == 0);
	SAME(listed(r), "");
}

PROMISE(a_second_process_sees_them)
{
	int status;
	pid_t pid;

	CHECK(make_one(r, VOL, true) == 0);
	CHECK(create(r, "one") == 0);
	pid = fork();
	if (pid == 0) {
		struct running other = {
			.f = r->f, .be = r->be, .p = { .def = r->def, .limit = 10 },
		};

		if (other.be->pool_open(&other.p, &other.err) < 0)
			_exit(2);
		status = strcmp(listed(&other), "one ") != 0;
		other.be->pool_close(&other.p);
		_exit(status);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	SAME_N(status, 0);
}

PROMISE(nothing_stays_open_and_nothing_is_printed)
{
	int before = tap_open_files(), saved = dup(1);
	auto_close int out = open(tap_path("out"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool done;

	fflush(stdout);
	dup2(out, 1);
	done = make_one(r, VOL, true) == 0 && create(r, "one") == 0 && revert(r, "one") == 0 &&
	       drop(r, "one") == 0;
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	CHECK(done);
	SAME_N(lseek(out, 0, SEEK_END), 0);
	SAME_N(tap_open_files(), before + 1);	/* out itself */
}

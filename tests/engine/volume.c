/* volume.c - volumes as the engine handles them: found, made, copied, resized. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/lock.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s
#define SPEC cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec

/* "p" and "q" active, "p" with a volume "v" of ten bytes */
static struct bp_store *active_pools(void)
{
	struct bp_store *s = fake_store_with_pool();
	cleanup(bp_pool_def_freep) struct bp_pool_def *q = fake_def("q", "/other");
	struct bp_error err = { 0 };

	if (bp_pool_start(s, "p", 0, &err) < 0 || bp_pool_create(s, q, 0, &err) < 0)
		printf("# %s\n", err.text);
	fake_volume("v", "0123456789", 10);
	did[0] = '\0';
	return s;
}

static struct bp_vol_spec *spec_of(const char *name, uint64_t capacity)
{
	struct bp_vol_spec *spec = bp_vol_spec_new();

	spec->name = mem_dup(name);
	spec->capacity = capacity;
	spec->has_capacity = true;
	return spec;
}

TEST(an_inactive_pool_has_no_volumes)
{
	STORE = fake_store_with_pool();
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;
	struct bp_error a = { 0 }, b = { 0 };

	CHECK(bp_vol_info(s, "p", "v", BP_VOL_NAME, &info, &a) == -1);
	SAME(a.text, "storage pool 'p' is not active");
	CHECK(bp_vols_open(s, "p", BP_VOL_NAME, &it, &b) == -1);
	SAME_N(b.code, BP_WRONG_STATE);
}

static int swept, searched;

static void sweep(struct bp_pool *p, bool thoroughly)
{
	(void)p;
	swept++;
	searched += thoroughly;
}

TEST(a_pool_is_swept_before_it_is_changed_and_not_when_it_is_looked_at)
{
	STORE = active_pools();
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_error err = { 0 };

	swept = 0;
	fake_backend.pool_sweep = sweep;
	CHECK(bp_vol_info(s, "p", "v", BP_VOL_NAME, &info, &err) == 0);
	SAME_N(swept, 0);
	CHECK(bp_vol_resize(s, "p", "v", 20, 0, &err) == 0);
	SAME_N(swept, 1);
	CHECK(bp_vol_delete(s, "p", "v", 0, &err) == 0);
	SAME_N(swept, 2);
	CHECK(bp_pool_stop(s, "p", &err) == 0);
	SAME_N(searched, 0);
	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
	SAME_N(searched, 1);
}

TEST(a_walk_gives_each_volume_once_and_closes)
{
	STORE = active_pools();
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;
	struct bp_error err = { 0 };
	struct bp_vol_info info;
	unsigned n = 0;

	fake_volume("w", "", 0);
	CHECK(bp_vols_open(s, "p", BP_VOL_PATH, &it, &err) == 0);
	while (bp_vols_next(it, &info, &err) > 0)
		n++;
	SAME_N(n, 2);
	bp_vols_close(steal(it));
	SAME(did, "open vols_open vols_close close ");
}

TEST(a_walk_that_fails_is_closed_all_the_same)
{
	STORE = active_pools();
	struct bp_error err = { 0 };
	struct bp_vol_info info;
	{
		cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;

		CHECK(bp_vols_open(s, "p", BP_VOL_NAME, &it, &err) == 0);
		fake_fail = "vols_next";
		CHECK(bp_vols_next(it, &info, &err) == -1);
	}
	SAME(did, "open vols_open vols_close close ");
}

TEST(found_by_walking_where_the_type_cannot_look)
{
	STORE = active_pools();
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_error err = { 0 }, none = { 0 };

	CHECK(bp_vol_info(s, "p", "v", BP_VOL_ALL, &info, &err) == 0);
	SAME(info->path, "/fake/v");
	SAME_N(info->capacity, 10);
	CHECK(bp_vol_info(s, "p", "x", BP_VOL_NAME, &info, &none) == -1);
	SAME_N(none.code, BP_NO_VOL);
}

TEST(located_by_name_then_by_path)
{
	STORE = active_pools();
	auto_free char *pool = NULL, *vol = NULL, *pool2 = NULL, *vol2 = NULL;
	struct bp_error err = { 0 }, none = { 0 };

	CHECK(bp_vol_locate(s, "p", "v", &pool, &vol, &err) == 0);
	SAME(pool, "p");
	SAME(vol, "v");
	CHECK(bp_vol_locate(s, NULL, "//fake///v/", &pool2, &vol2, &err) == -1);
	SAME_N(err.code, BP_NO_VOL);	/* exactly two slashes at the start are kept */
	err.code = BP_OK;
	CHECK(bp_vol_locate(s, NULL, "/fake///v/", &pool2, &vol2, &err) == 0);
	SAME(vol2, "v");
	CHECK(bp_vol_locate(s, NULL, "v", &pool2, &vol2, &none) == -1);
	SAME(none.text, "no storage vol with matching path 'v'");
}

TEST(makes_a_volume_once)
{
	STORE = active_pools();
	SPEC = spec_of("new", 5);
	struct bp_error err = { 0 };

	CHECK(bp_vol_create(s, "p", spec, 0, NULL, &err) == 0);
	CHECK(fake_has("new"));
	CHECK(bp_vol_create(s, "p", spec, 0, NULL, &err) == -1);
	SAME(err.text, "storage volume 'new' exists already");
}

TEST(a_type_without_a_slot_says_so)
{
	STORE = active_pools();
	SPEC = spec_of("new", 5);
	struct bp_error e[6] = { { 0 } };

	fake_backend.vol_create = NULL;
	fake_backend.vol_delete = NULL;
	fake_backend.vol_resize = NULL;
	fake_backend.vol_open = NULL;
	CHECK(bp_vol_create(s, "p", spec, 0, NULL, &e[0]) == -1);
	SAME(e[0].text, "storage pool does not support volume creation");
	CHECK(bp_vol_delete(s, "p", "v", 0, &e[1]) == -1);
	SAME(e[1].text, "storage pool does not support vol deletion");
	CHECK(bp_vol_resize(s, "p", "v", 20, 0, &e[2]) == -1);
	SAME(e[2].text, "storage pool does not support changing of volume capacity");
	CHECK(bp_vol_wipe(s, "p", "v", BP_WIPE_ZERO, 0, NULL, &e[3]) == -1);
	SAME(e[3].text, "storage pool doesn't support volume wiping");
	CHECK(bp_vol_write(s, "p", "v", 0, 0, 0, 0, NULL, &e[4]) == -1);
	SAME(e[4].text, "storage pool doesn't support volume upload");
	CHECK(bp_vol_read(s, "p", "v", 1, 0, 0, 0, NULL, &e[5]) == -1);
	SAME(e[5].text, "storage pool doesn't support volume download");
	for (size_t i = 0; i < 6; i++)
		SAME_N(e[i].code, BP_UNSUPPORTED);
}

/* from, capacity asked, flags, then: what it is afterwards, or the error */
static const struct resize_case {
	uint64_t capacity;
	unsigned flags;
	long long after;
	const char *error;
} resizes[] = {
	{ 20, 0,			     20, NULL },
	{ 10, 0,			     10, NULL },
	{ 5,  0, -1, "Can't shrink capacity below current capacity unless shrink flag explicitly "
		     "specified" },
	{ 5,  BP_VOL_SHRINK,		      5, NULL },
	{ 0,  BP_VOL_SHRINK,		      0, NULL },
	{ 0,  0, -1, "capacity in virStorageVolResize cannot be zero without 'delta' or 'shrink' "
		     "flags set" },
	{ 7,  BP_VOL_DELTA,		     17, NULL },
	{ 7,  BP_VOL_DELTA | BP_VOL_SHRINK,   3, NULL },
	{ 11, BP_VOL_DELTA | BP_VOL_SHRINK, -1, "volume 'v' has 10 bytes, so it cannot be made "
						"smaller by 11" },
	{ UINT64_MAX, BP_VOL_DELTA, -1, "value too large: 10 and 18446744073709551615 more" },
	{ 60, BP_VOL_ALLOCATE,		     60, NULL },
	{ 71, BP_VOL_ALLOCATE, -1, "Not enough space left in storage pool" },
	{ 20, 1u << 30, -1, "unsupported flags (0x40000000) in function virStorageVolResize" },
};

TEST(resizes_by_the_table)
{
	for (size_t i = 0; i < array_size(resizes); i++) {
		const struct resize_case *c = &resizes[i];
		STORE = active_pools();
		struct bp_error err = { 0 };
		char bytes[100];
		int r = bp_vol_resize(s, "p", "v", c->capacity, c->flags, &err);

		SAME(err.text, c->error ? c->error : "");
		SAME_N(r, c->error ? -1 : 0);
		SAME_N(fake_bytes("v", bytes, sizeof bytes), c->error ? 10 : c->after);
	}
}

TEST(a_copy_has_the_bytes_and_at_least_the_size)
{
	STORE = active_pools();
	SPEC = spec_of("copy", 4);
	struct bp_error err = { 0 };
	char bytes[10];

	CHECK(bp_vol_copy(s, "p", spec, "p", "v", 0, NULL, &err) == 0);
	SAME_N(fake_bytes("copy", bytes, sizeof bytes), 10);
	SAME_MEM(bytes, "0123456789", 10);
}

TEST(a_copy_may_be_larger)
{
	STORE = active_pools();
	SPEC = spec_of("copy", 12);
	struct bp_error err = { 0 };
	char bytes[12];

	CHECK(bp_vol_copy(s, "q", spec, "p", "v", 0, NULL, &err) == 0);
	SAME_N(fake_bytes("copy", bytes, sizeof bytes), 12);
	SAME_MEM(bytes, "0123456789\0\0", 12);
}

TEST(a_copy_takes_no_name_that_is_taken)
{
	STORE = active_pools();
	SPEC = spec_of("v", 10);
	struct bp_error err = { 0 };

	CHECK(bp_vol_copy(s, "p", spec, "p", "v", 0, NULL, &err) == -1);
	SAME(err.text, "storage volume name 'v' already in use.");
	SAME_N(err.code, BP_INTERNAL);
}

TEST(sharing_blocks_is_all_or_nothing)
{
	STORE = active_pools();
	SPEC = spec_of("copy", 10);
	struct bp_error err = { 0 };

	CHECK(bp_vol_copy(s, "p", spec, "p", "v", BP_VOL_REFLINK, NULL, &err) == -1);
	SAME(err.text, "failed to clone files from 'fake': Operation not supported");
	CHECK(!fake_has("copy"));
}

static bool stop_at_once(void *arg, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	(*(int *)arg)++;
	return true;
}

TEST(a_copy_that_is_stopped_leaves_nothing)
{
	STORE = active_pools();
	SPEC = spec_of("copy", 10);
	int calls = 0;
	struct bp_progress progress = { stop_at_once, &calls };
	struct bp_error err = { 0 };

	CHECK(bp_vol_copy(s, "p", spec, "p", "v", 0, &progress, &err) == -1);
	SAME_N(err.code, BP_CANCELLED);
	SAME_N(calls, 1);
	CHECK(!fake_has("copy"));
}

static struct bp_store *copier;
static int (*vols_open)(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err);
static bool alone;

/* When the source is looked for: has the copier the volumes' one lock for itself? */
static int open_and_see(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 1 };
	auto_free char *path = mem_printf("%s/p.lock", bp_store_run_dir(copier));
	auto_close int fd = open(path, O_RDWR | O_CLOEXEC);

	alone = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
	return vols_open(p, want, ret, err);
}

/* Two who had it shared would wait for each other for ever. */
TEST(a_copy_where_changes_exclude_each_other_takes_their_lock_once)
{
	static const char *const names[] = { "one", "two", "three", "four", "five", "six" };
	STORE = active_pools();
	struct bp_error err = { 0 };
	int before = 0;

	copier = s;
	vols_open = fake_backend.vols_open;
	fake_backend.vols_open = open_and_see;
	fake_backend.caps |= BP_CAP_ONE_AT_A_TIME;
	for (size_t i = 0; i < array_size(names); i++) {
		SPEC = spec_of(names[i], 10);

		alone = false;
		before += lock_order("v", names[i]) < 0;
		CHECK(bp_vol_copy(s, "p", spec, "p", "v", 0, NULL, &err) == 0);
		CHECK(alone);
	}
	CHECK(before > 0 && before < (int)array_size(names));
}

TEST(deleting_what_is_not_there)
{
	STORE = active_pools();
	struct bp_error err = { 0 };

	CHECK(bp_vol_delete(s, "p", "x", 0, &err) == -1);
	SAME_N(err.code, BP_NO_VOL);
	CHECK(bp_vol_delete(s, "p", "v", 0, &(struct bp_error){ 0 }) == 0);
	CHECK(!fake_has("v"));
}

TEST(discovery_needs_a_type_that_knows_how)
{
	struct bp_pool_source *sources;
	struct bp_error a = { 0 }, b = { 0 }, c = { 0 };
	size_t n;

	fake_reset();
	CHECK(bp_sources_find(NULL, "dir", NULL, &sources, &n, &a) == -1);
	SAME(a.text, "pool type 'dir' does not support source discovery");
	CHECK(bp_sources_find(NULL, "nosuch", NULL, &sources, &n, &b) == -1);
	SAME(b.text, "unknown storage pool type nosuch");
	CHECK(bp_sources_find(NULL, "netfs", NULL, &sources, &n, &c) == -1);
	SAME_N(c.code, BP_UNSUPPORTED);
}

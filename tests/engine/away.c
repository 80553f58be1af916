/* away.c - pools on a server: what is found out and done in a child, and what is given up. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/away_volume.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/store.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s

/* The pool "p", whose type is one of those that may hang; the limit is a second. */
static struct bp_store *remote_pool(void)
{
	struct bp_store *s = fake_store_with_pool();
	struct bp_error err = { 0 };

	fake_backend.caps |= BP_CAP_REMOTE;
	s->limit = 1;
	if (bp_pool_start(s, "p", 0, &err) < 0)
		printf("# %s\n", err.text);
	fake_volume("v", "0123456789", 10);
	did[0] = '\0';
	return s;
}

/* What has been waited for in this way is shown as hanging in the kernel, as with a
 * server that is away: the one who waits for the end of such a child. */
static void hang(void)
{
	long pid = syscall(SYS_clone, CLONE_VFORK, 0, 0, 0, 0);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static int hang_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	(void)p;
	(void)ret;
	(void)err;
	hang();
	return 0;
}

static int hang_open(struct bp_pool *p, struct bp_error *err)
{
	(void)p;
	(void)err;
	hang();
	return 0;
}

#define NOT_RESPONDING "pool 'p': server not responding: nothing has come from it for 1 seconds"

TEST(the_work_is_done_elsewhere_and_its_result_is_here)
{
	STORE = remote_pool();
	struct bp_error err = { 0 }, none = { 0 };

	CHECK(bp_pool_refresh(s, "p", &err) == 0);
	CHECK(bp_vol_delete(s, "p", "v", 0, &err) == 0);
	SAME(did, "");			/* in this process nothing */
	CHECK(bp_vol_delete(s, "p", "none", 0, &none) == -1);
	SAME_N(none.code, BP_NO_VOL);
}

TEST(what_is_started_is_active_here)
{
	STORE = remote_pool();
	struct bp_error err = { 0 };

	CHECK(bp_pool_stop(s, "p", &err) == 0);
	CHECK(bp_pool_stop(s, "p", &err) == -1);
	SAME_N(err.code, BP_WRONG_STATE);
	err = (struct bp_error){ 0 };
	CHECK(bp_pool_start(s, "p", 0, &err) == 0);
}

TEST(facts_come_back)
{
	STORE = remote_pool();
	cleanup(bp_pool_info_freep) struct bp_pool_info *pool = NULL;
	cleanup(bp_vol_info_freep) struct bp_vol_info *vol = NULL;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 };

	CHECK(bp_pool_info(s, "p", &pool, &err) == 0);
	CHECK(pool->has_space && pool->space.available == 60);
	CHECK(bp_vol_info(s, "p", "v", BP_VOL_ALL, &vol, &err) == 0);
	SAME(vol->path, "/fake/v");
	SAME_N(vol->capacity, 10);
	CHECK(bp_pool_get_def(s, "p", 0, &def, &err) == 0);
	SAME_N(def->space.available, 60);
}

TEST(volumes_are_walked)
{
	STORE = remote_pool();
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL, *half = NULL;
	struct bp_error err = { 0 };
	struct bp_vol_info info;

	fake_volume("w", "abc", 3);
	CHECK(bp_vols_open(s, "p", BP_VOL_ALL, &it, &err) == 0);
	CHECK(bp_vols_next(it, &info, &err) == 1);
	SAME(info.name, "v");
	CHECK(bp_vols_next(it, &info, &err) == 1);
	SAME(info.path, "/fake/w");
	SAME_N(bp_vols_next(it, &info, &err), 0);
	SAME_N(bp_vols_next(it, &info, &err), 0);
	/* left in the middle */
	CHECK(bp_vols_open(s, "p", BP_VOL_ALL, &half, &err) == 0);
	CHECK(bp_vols_next(half, &info, &err) == 1);
}

TEST(a_volume_is_found_by_name_and_by_path)
{
	STORE = remote_pool();
	auto_free char *pool = NULL, *vol = NULL, *pool2 = NULL, *vol2 = NULL;
	auto_free char *pool3 = NULL, *vol3 = NULL;
	struct bp_error err = { 0 }, none = { 0 };

	CHECK(bp_vol_locate(s, "p", "v", &pool, &vol, &err) == 0);
	SAME(vol, "v");
	CHECK(bp_vol_locate(s, NULL, "/fake/v", &pool3, &vol3, &err) == 0);
	SAME(pool3, "p");
	SAME(vol3, "v");
	/* outside its target it is not even looked for: it would hang */
	fake_backend.pool_open = hang_open;
	CHECK(bp_vol_locate(s, NULL, "/other/v", &pool2, &vol2, &none) == -1);
	SAME_N(none.code, BP_NO_VOL);
	CHECK(!strstr(none.text, "responding"));
}

TEST(a_path_below_its_target_is)
{
	STORE = remote_pool();
	auto_free char *pool = NULL, *vol = NULL;
	struct bp_error err = { 0 };

	fake_backend.pool_open = hang_open;
	CHECK(bp_vol_locate(s, NULL, "/fake/v", &pool, &vol, &err) == -1);
	CHECK(strstr(err.text, "server not responding") != NULL);
}

TEST(who_hangs_is_given_up)
{
	STORE = remote_pool();
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;
	cleanup(bp_vol_info_freep) struct bp_vol_info *vol = NULL;
	struct bp_error a = { 0 }, b = { 0 }, c = { 0 };

	fake_backend.pool_open = hang_open;
	CHECK(bp_pool_refresh(s, "p", &a) == -1);
	SAME(a.text, NOT_RESPONDING);
	SAME_N(a.sys, ETIMEDOUT);
	CHECK(bp_vols_open(s, "p", BP_VOL_NAME, &it, &b) == -1);
	SAME(b.text, NOT_RESPONDING);
	CHECK(bp_vol_info(s, "p", "v", BP_VOL_NAME, &vol, &c) == -1);
	SAME(c.text, NOT_RESPONDING);
}

TEST(one_of_two_pools_hangs_and_both_are_listed)
{
	STORE = remote_pool();
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	struct bp_error err = { 0 };
	struct bp_pool_info info;

	fake_backend.pool_space = hang_space;
	CHECK(fake_define(s, "q", NULL, tap_path("q"), &err) == 0);
	CHECK(bp_pools_open(s, BP_POOLS_SPACE, NULL, &it, &err) == 0);
	CHECK(bp_pools_next(it, &info, &err) == 1);
	SAME(info.name, "p");
	SAME_N(info.state, BP_POOL_INACCESSIBLE);
	SAME(info.problem, NOT_RESPONDING);
	CHECK(bp_pools_next(it, &info, &err) == 1);
	SAME(info.name, "q");
	SAME_N(info.state, BP_POOL_INACTIVE);
}

/* Somebody else has the lock for longer than the limit: that is no server's fault. */
static int sleep_twice(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	(void)p;
	(void)err;
	for (int i = 0; i < 15; i++)
		usleep(100000);
	*ret = (struct bp_pool_space){ 1, 0, 1 };
	return 0;
}

TEST(who_sleeps_is_waited_for)
{
	STORE = remote_pool();
	struct bp_error err = { 0 };

	fake_backend.pool_space = sleep_twice;
	CHECK(bp_pool_refresh(s, "p", &err) == 0);
}

static uint64_t told;
static bool stop;

static bool report(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	(void)total;
	told = done;
	return stop;
}

static int file_with(const char *text)
{
	int fd = open(tap_path("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		printf("# cannot write\n");
	return fd;
}

TEST(progress_is_told_here_and_stops_the_work_there)
{
	STORE = remote_pool();
	auto_close int fd = file_with("abc");
	const struct bp_progress progress = { .report = report };
	struct bp_error err = { 0 };

	told = 0;
	stop = false;
	CHECK(bp_vol_write(s, "p", "v", fd, 0, 0, 0, &progress, &err) == 0);
	SAME_N(told, 3);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	stop = true;
	CHECK(bp_vol_write(s, "p", "v", fd, 0, 0, 0, &progress, &err) == -1);
	SAME_N(err.code, BP_CANCELLED);
}

static int die(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	(void)p;
	(void)ret;
	(void)err;
	raise(SIGKILL);
	return 0;
}

TEST(a_child_that_dies_is_an_error)
{
	STORE = remote_pool();
	struct bp_error err = { 0 };

	fake_backend.pool_space = die;
	CHECK(bp_pool_refresh(s, "p", &err) == -1);
	SAME(err.text, "the process that worked on pool 'p' has died (signal 9)");
}

TEST(all_of_a_volume_is_packed)
{
	struct bp_secret secret = { .type = (char *)"passphrase", .usage = (char *)"u" };
	struct bp_encryption enc = { .format = (char *)"luks", .secrets = &secret,
				     .n_secrets = 1, .cipher_size = 256 };
	struct bp_backing backing = { .path = (char *)"/b", .perms.label = (char *)"l" };
	struct bp_backing store = { .path = (char *)"/d", .vol = (char *)"d" };
	struct bp_vol_extent extents[] = { { (char *)"/dev/x", 1, 2 }, { NULL, 3, 4 } };
	struct bp_vol_info got, info = {
		.name = "n", .path = "/n", .capacity = 7, .encryption = &enc,
		.backing = &backing, .extents = extents, .n_extents = 2, .kind = "k",
		.data_store = &store,
	};
	cleanup(text_done) struct text t = { 0 };
	struct bp_error err = { 0 };

	volume_pack(&info, &t);
	memset(&secret, 0, sizeof secret);
	memset(&backing, 0, sizeof backing);
	CHECK(volume_unpack(&t, &got, &err) == 0);
	SAME(got.data_store->path, "/d");
	SAME(got.data_store->vol, "d");
	SAME(got.name, "n");
	SAME(got.path, "/n");
	SAME(got.kind, "k");
	CHECK(!got.key && !got.problem);
	SAME_N(got.capacity, 7);
	SAME(got.encryption->secrets[0].usage, "u");
	CHECK(!got.encryption->secrets[0].uuid);
	SAME(got.backing->path, "/b");
	SAME(got.backing->perms.label, "l");
	SAME(got.extents[0].device, "/dev/x");
	SAME_N(got.extents[1].end, 4);
}

TEST(what_was_cut_off_is_no_volume)
{
	struct bp_vol_extent extents[] = { { (char *)"/dev/x", 1, 2 } };
	struct bp_vol_info got, info = { .name = "n", .extents = extents, .n_extents = 1 };
	cleanup(text_done) struct text t = { 0 };
	struct bp_error err = { 0 };

	volume_pack(&info, &t);
	for (size_t len = t.len; len--;) {
		auto_free char *bytes = mem_alloc(len + 1);
		struct text cut = { .s = bytes, .len = len };

		memcpy(bytes, t.s, len);
		err = (struct bp_error){ 0 };
		CHECK(volume_unpack(&cut, &got, &err) == -1);
	}
	SAME(err.text, "what the process that worked on the pool has told cannot be understood");
}

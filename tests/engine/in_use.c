/* in_use.c - a volume that somebody uses is left alone, and it is said who that is. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/holder.h"
#include "core/base/in_use.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s
#define SIZE 4096
#define IN_USE "volume 'v' is in use by "

/* The volume "v" is a file, where locks can be. */
static int open_file(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		     struct bp_io **ret, struct bp_error *err)
{
	int fd = open(tap_path("v.img"), access == BP_VOL_WRITE ? O_RDWR : O_RDONLY);

	(void)p;
	if (fd < 0)
		return bp_fail(err, BP_SYSTEM, "cannot open '%s'", vol);
	*ret = io_of_fd(fd, tap_path("v.img"));
	return 0;
}

static int refuse_to_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
			  struct bp_io **ret, struct bp_error *err)
{
	(void)p;
	(void)access;
	(void)ret;
	return bp_fail_sys(err, EACCES, "cannot open volume '%s'", vol);
}

static int new_file(void)
{
	int fd = open(tap_path("v.img"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char bytes[SIZE];

	memset(bytes, 'v', sizeof bytes);
	return fd >= 0 && write(fd, bytes, sizeof bytes) == SIZE ? fd : -1;
}

static struct bp_store *store_with_file(void)
{
	struct bp_store *s = fake_store_with_pool();
	struct bp_error err = { 0 };

	if (bp_pool_start(s, "p", 0, &err) < 0)
		printf("# %s\n", err.text);
	fake_volume("v", "0123456789", 10);
	fake_backend.vol_open = open_file;
	close(new_file());
	did[0] = '\0';
	return s;
}

/* The four changes. */
static int do_delete(struct bp_store *s, unsigned flags, struct bp_error *err)
{
	return bp_vol_delete(s, "p", "v", flags, err);
}

static int do_resize(struct bp_store *s, unsigned flags, struct bp_error *err)
{
	return bp_vol_resize(s, "p", "v", 20, flags, err);
}

static int do_wipe(struct bp_store *s, unsigned flags, struct bp_error *err)
{
	return bp_vol_wipe(s, "p", "v", BP_WIPE_ZERO, flags, NULL, err);
}

static int do_write(struct bp_store *s, unsigned flags, struct bp_error *err)
{
	auto_close int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	return bp_vol_write(s, "p", "v", fd, 0, 10, flags, NULL, err);
}

static int (*const changes[])(struct bp_store *s, unsigned flags, struct bp_error *err) = {
	do_resize, do_wipe, do_write, do_delete,
};

static bool is_untouched(void)
{
	auto_close int fd = open(tap_path("v.img"), O_RDONLY | O_CLOEXEC);
	char bytes[SIZE + 1], ten[10];

	if (read(fd, bytes, sizeof bytes) != SIZE || !fake_has("v") ||
	    fake_bytes("v", ten, sizeof ten) != 10)
		return false;
	for (size_t i = 0; i < SIZE; i++)
		if (bytes[i] != 'v')
			return false;
	return true;
}

/* A process that has locked some bytes of the file, until it is killed. */
static pid_t hold(int command, short type, off_t byte)
{
	struct flock lock = { .l_type = type, .l_start = byte, .l_len = 1 };
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		int fd = open(tap_path("v.img"), O_RDWR);

		if (fcntl(fd, command, &lock) == 0 && write(ready[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static void kill_holder(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
}

/* What the process is called is not always ours to say: valgrind runs it. */
static bool names(const char *text, const char *before, pid_t pid)
{
	auto_free char *want = mem_printf("%spid %ld (", before, (long)pid);

	return text && starts_with(text, want) && ends_with(text, ")");
}

/* command, type, byte: QEMU writing, QEMU reading, another hypervisor, an old program */
static const struct {
	int command;
	short type;
	off_t byte;
} locks[] = {
	{ F_OFD_SETLK, F_RDLCK, 101 }, { F_OFD_SETLK, F_RDLCK, 203 },
	{ F_OFD_SETLK, F_WRLCK, 0 },   { F_SETLK,     F_WRLCK, 5 },
};

TEST(whoever_has_a_lock_is_named_and_nothing_changes)
{
	for (size_t i = 0; i < array_size(locks); i++)
		for (size_t j = 0; j < array_size(changes); j++) {
			STORE = store_with_file();
			cleanup(kill_holder) pid_t pid = hold(locks[i].command, locks[i].type,
							      locks[i].byte);
			struct bp_error err = { 0 }, later = { 0 };

			CHECK(pid > 0);
			CHECK(changes[j](s, 0, &err) == -1);
			SAME_N(err.code, BP_BUSY);
			CHECK(names(err.text, IN_USE, pid));
			CHECK(is_untouched());
			kill_holder(&pid);
			SAME_N(changes[j](s, 0, &later), 0);
			CHECK(!is_untouched());
		}
}

TEST(force_asks_nobody)
{
	for (size_t j = 0; j < array_size(changes); j++) {
		STORE = store_with_file();
		cleanup(kill_holder) pid_t pid = hold(F_OFD_SETLK, F_RDLCK, 101);
		struct bp_error err = { 0 };

		CHECK(pid > 0);
		CHECK(changes[j](s, BP_VOL_FORCE, &err) == 0);
		CHECK(!is_untouched());
	}
}

TEST(other_flags_are_still_refused)
{
	STORE = store_with_file();
	struct bp_error err = { 0 };

	CHECK(bp_vol_wipe(s, "p", "v", BP_WIPE_ZERO, BP_VOL_FORCE | BP_VOL_SPARSE, NULL,
			  &err) == -1);
	SAME(err.text, "unsupported flags (0x20) in function virStorageVolWipePattern");
}

/* Somebody who comes while the work is done. */
struct visitor {
	struct bp_store *s;
	struct bp_error change, force;
	char *holder;
	int changed, forced;
	bool qemu_may_write;
};

static void visitor_done(struct visitor *v)
{
	free(v->holder);
}

/* As QEMU does it: say what one wants, then see who is against it. */
static bool may_write(int fd)
{
	struct flock mine = { .l_type = F_RDLCK, .l_start = 101, .l_len = 1 };
	struct flock against = { .l_type = F_WRLCK, .l_start = 201, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &mine) == 0 && fcntl(fd, F_OFD_GETLK, &against) == 0 &&
	       against.l_type == F_UNLCK;
}

static bool visit(void *arg, uint64_t done, uint64_t total)
{
	auto_close int fd = open(tap_path("v.img"), O_RDWR | O_CLOEXEC);
	struct visitor *v = arg;

	(void)done;
	(void)total;
	v->holder = holder_of(fd, 0, 0);
	v->qemu_may_write = may_write(fd);
	v->changed = bp_vol_resize(v->s, "p", "v", 20, 0, &v->change);
	v->forced = bp_vol_resize(v->s, "p", "v", 20, BP_VOL_FORCE, &v->force);
	return false;
}

TEST(while_the_work_is_done_others_are_kept_away)
{
	STORE = store_with_file();
	struct bp_store_paths paths = {
		.config = bp_store_config_dir(s), .run = bp_store_run_dir(s),
	};
	cleanup(bp_store_closep) struct bp_store *other = NULL;
	cleanup(visitor_done) struct visitor v = { 0 };
	struct bp_progress progress = { visit, &v };
	struct bp_error err = { 0 };
	auto_close int fd = -1;

	CHECK(bp_store_open(&paths, &other, &err) == 0);
	v.s = other;
	CHECK(bp_vol_wipe(s, "p", "v", BP_WIPE_ZERO, 0, &progress, &err) == 0);
	CHECK(names(v.holder, "", getpid()));
	CHECK(!v.qemu_may_write);
	SAME_N(v.changed, -1);
	SAME_N(v.change.code, BP_BUSY);
	CHECK(names(v.change.text, IN_USE, getpid()));
	SAME_N(v.forced, 0);

	fd = open(tap_path("v.img"), O_RDWR | O_CLOEXEC);
	CHECK(may_write(fd));
}

static bool sees_somebody_unknown(int fd)
{
	bool stranger = setresuid(65534, 65534, 65534) == 0;
	auto_free char *who = holder_of(fd, 0, 0);

	return stranger && who && strstr(who, "cannot be seen from here");
}

TEST(who_may_not_be_looked_at_is_not_named)
{
	auto_close int fd = new_file();
	cleanup(kill_holder) pid_t pid = hold(F_OFD_SETLK, F_RDLCK, 101);
	pid_t stranger;
	int status;

	if (geteuid() != 0)
		SKIP("needs root, to be somebody else");
	CHECK(pid > 0);
	stranger = fork();
	if (stranger == 0)
		_exit(!sees_somebody_unknown(fd));
	CHECK(waitpid(stranger, &status, 0) == stranger);
	SAME_N(status, 0);
}

TEST(what_may_not_be_opened_is_not_deleted_on_a_guess)
{
	STORE = store_with_file();
	struct bp_error err = { 0 };

	fake_backend.vol_open = refuse_to_open;
	CHECK(do_delete(s, 0, &err) == -1);
	SAME(err.text, "cannot tell whether volume 'v' is in use: cannot open volume 'v': "
		       "Permission denied");
	CHECK(fake_has("v"));
	CHECK(do_delete(s, BP_VOL_FORCE, &err) == 0);
	CHECK(!fake_has("v"));
}

TEST(a_file_nobody_uses_is_claimed_and_let_go)
{
	auto_close int fd = new_file();
	struct bp_error err = { 0 };
	struct bp_io *io = io_of_fd(open(tap_path("v.img"), O_RDONLY | O_CLOEXEC), "v");

	CHECK(in_use_claim("v", io, false, &err) == 0);
	CHECK(!may_write(fd));
	io_close(io);
	CHECK(may_write(fd));
}

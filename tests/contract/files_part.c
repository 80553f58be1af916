/* files_part.c - volumes in the making that have a name, and what is left of them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/contract/dir_pool.h"

/* a part, and its lock */
static int part(const char *name, bool is_dir)
{
	int fd;

	if (is_dir ? mkdir(in_pool(name), 0700) < 0 : (file(name, "x"), false))
		return -1;
	fd = open(in_pool(name), O_RDONLY | O_CLOEXEC);
	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -1 : fd;
}

TEST(what_somebody_killed_was_making_is_swept_and_what_lives_is_not)
{
	POOL(d);
	int alive, alive_dir;

	file("v", "x");
	close(part(".barepool-0.part", false));
	close(part(".barepool-2.part", true));
	alive = part(".barepool-3.part", false);
	alive_dir = part(".barepool-4.part", true);
	close(part(".barepool-5.part", true));
	CHECK(mkfifo(in_pool(".barepool-6.part"), 0600) == 0);
	CHECK(alive >= 0 && alive_dir >= 0);
	be->pool_sweep(&d.p, false);
	CHECK(!tap_exists("p/.barepool-0.part") && !tap_exists("p/.barepool-2.part") &&
	      !tap_exists("p/.barepool-5.part"));
	CHECK(tap_exists("p/.barepool-3.part") && tap_exists("p/.barepool-4.part") &&
	      tap_exists("p/.barepool-6.part") && tap_exists("p/v"));
	close(alive);
	close(alive_dir);
	close(part(".barepool-5000.part", true));
	be->pool_sweep(&d.p, true);
	CHECK(!tap_exists("p/.barepool-3.part") && !tap_exists("p/.barepool-4.part") &&
	      !tap_exists("p/.barepool-5000.part") && tap_exists("p/v"));
}

TEST(makers_of_directories_do_not_disturb_each_other)
{
	POOL(d);
	SPEC(spec, "new", 0, 0, "dir");
	SPEC(twin, "new", 0, 0, "dir");
	int alive = part(".barepool-0.part", true);
	struct stat st;

	spec->perms.has_mode = true;
	spec->perms.mode = 0751;
	CHECK(create(&d, spec, 0, &d.err) == 0);
	CHECK(stat(in_pool("new"), &st) == 0);
	SAME_N(st.st_mode & 07777, 0751);
	CHECK(create(&d, twin, 0, &d.err) == -1);
	SAME_N(d.err.code, BP_VOL_EXISTS);
	CHECK(tap_exists("p/.barepool-0.part") && !tap_exists("p/.barepool-1.part"));
	close(alive);
}

TEST(a_part_does_not_keep_a_pool_from_being_erased)
{
	POOL(d);

	close(part(".barepool-0.part", true));
	CHECK(be->pool_erase(&d.p, &d.err) == 0);
	CHECK(!tap_exists("p"));
}

/* base_as_user.c - a call made as somebody else leaves us who we are. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/as_user.h"
#include "core/base/cleanup.h"
#include "tests/tap.h"

static const struct as_user somebody = { 1234, 2345 };

static int make_file(const void *path)
{
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* A directory root has no business in.  The way to it may be closed to others, so
 * tests go there. */
static const char *their_directory(void)
{
	const char *dir = tap_path("d");

	if (mkdir(dir, 0700) < 0 || chown(dir, somebody.uid, somebody.gid) < 0)
		return NULL;
	return dir;
}

TEST(a_file_is_made_by_somebody_else_and_used_by_us)
{
	int files = tap_open_files();
	const char *dir;
	struct stat st;

	if (geteuid() != 0)
		SKIP("needs root");
	dir = their_directory();
	CHECK(dir && chdir(dir) == 0);
	{
		auto_close int fd = as_user(&somebody, true, make_file, "f");

		CHECK(fd >= 0);
		CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		CHECK(write(fd, "x", 1) == 1);
		CHECK(fstat(fd, &st) == 0);
	}
	SAME_N(st.st_uid, somebody.uid);
	SAME_N(st.st_gid, somebody.gid);
	SAME_N(tap_open_files(), files);
	SAME_N(geteuid(), 0);
	CHECK(chdir("/") == 0);
}

TEST(what_went_wrong_is_told)
{
	const char *dir;

	if (geteuid() != 0)
		SKIP("needs root");
	dir = their_directory();
	CHECK(dir && chdir(dir) == 0);
	SAME_N(as_user(&somebody, true, make_file, "no/f"), -1);
	SAME_N(errno, ENOENT);
	CHECK(chown(".", 0, 0) == 0);
	SAME_N(as_user(&somebody, true, make_file, "f"), -1);
	SAME_N(errno, EACCES);
	CHECK(chdir("/") == 0);
}

static int is_nobody_special(const void *arg)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { { 1, 1, 1 }, { 1, 1, 1 } };
	gid_t group;

	(void)arg;
	if (syscall(SYS_capget, &head, caps) < 0 || caps[0].effective || caps[0].permitted ||
	    caps[1].effective || caps[1].permitted)
		errno = ENOTTY;
	else if (getgroups(0, NULL) != 0)
		errno = ENOTDIR;
	else if (syscall(SYS_setresuid, 0, 0, 0) == 0)
		errno = EISDIR;
	else if (getegid() != somebody.gid || getgroups(1, &group) != 0)
		errno = EDOM;
	else
		return 0;
	return -1;
}

TEST(nothing_of_root_is_left)
{
	if (geteuid() != 0)
		SKIP("needs root");
	errno = 0;
	SAME_N(as_user(&somebody, false, is_nobody_special, NULL), 0);
	SAME_N(errno, 0);
}

static int die(const void *arg)
{
	(void)arg;
	_exit(3);
}

static int noted;

static void note(int sig)
{
	noted = sig;
}

TEST(the_child_is_nobodys_business)
{
	if (geteuid() != 0)
		SKIP("needs root");
	noted = 0;
	signal(SIGCHLD, note);
	SAME_N(as_user(&somebody, false, die, NULL), -1);
	SAME_N(errno, EIO);
	signal(SIGCHLD, SIG_IGN);	/* the kernel would take it away before we knew */
	SAME_N(as_user(&somebody, false, is_nobody_special, NULL), 0);
	signal(SIGCHLD, SIG_DFL);
	SAME_N(noted, 0);
	SAME_N(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	SAME_N(errno, ECHILD);
}

static int become_another(const void *arg)
{
	static const struct as_user another = { 4321, 5432 };

	return as_user(&another, false, is_nobody_special, arg);
}

TEST(only_root_can_be_somebody_else)
{
	SAME_N(geteuid() == 0 ? as_user(&somebody, false, become_another, NULL) :
				become_another(NULL), -1);
	SAME_N(errno, EPERM);
}

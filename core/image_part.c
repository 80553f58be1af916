/* image_part.c - see image_part.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image_part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"

#define GAP  4			/* numbers that nobody has before the search ends */
#define MOST 10000		/* there are never so many makers */

static char *name_of(const char *path, unsigned number)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return mem_printf("%.*s.barepool-%.150s-%u.part", (int)(name - path), path, name, number);
}

/* Not flock(2): on NFS that is a lock on all bytes, those that QEMU locks among them. */
static int lock(int fd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_len = 1 };

	return retry(fcntl(fd, F_OFD_SETLK, &l));
}

/* Where nobody can lock, nobody sweeps. */
static bool claim(int fd)
{
	return in_use_locks_forbid(fd) || lock(fd, F_WRLCK) == 0 ||
	       (errno != EAGAIN && errno != EACCES);
}

/* Whoever sweeps may have had it before us: then it has gone, or will. */
static bool is_that(int fd, const char *name)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(name, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* ---- made ------------------------------------------------------------------------- */

int image_part_make(const char *path, mode_t mode, char **ret_name)
{
	for (unsigned number = 0; number < MOST; number++) {
		auto_free char *name = name_of(path, number);
		auto_close int fd = retry(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));

		if (fd < 0 && errno != EEXIST)
			return -1;
		if (fd < 0 || !claim(fd) || !is_that(fd, name))
			continue;
		*ret_name = steal(name);
		return steal_fd(fd);
	}
	errno = EEXIST;
	return -1;
}

int image_part_name(int fd, const char *name)
{
	char self[32];

	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if (linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH) == 0)
		return 0;
	return errno == EEXIST ? -1 : linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

int image_part_link(int fd, const char *path, char **ret_name)
{
	(void)claim(fd);
	for (unsigned number = 0; number < MOST; number++) {
		auto_free char *name = name_of(path, number);

		if (image_part_name(fd, name) == 0) {
			*ret_name = steal(name);
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

void image_part_done(int fd)
{
	(void)lock(fd, F_UNLCK);
}

/* ---- left ------------------------------------------------------------------------- */

/* Is there one?  It goes if its lock is free. */
static bool sweep_one(const char *name)
{
	auto_close int fd = -1;
	struct stat st;

	if (lstat(name, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode))
		return true;
	fd = retry(open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	if (fd >= 0 && !in_use_locks_forbid(fd) && lock(fd, F_WRLCK) == 0 && is_that(fd, name))
		(void)unlink(name);
	return true;
}

void image_part_sweep(const char *path)
{
	for (unsigned number = 0, missing = 0; missing < GAP; number++) {
		auto_free char *name = name_of(path, number);

		missing = sweep_one(name) ? 0 : missing + 1;
	}
}

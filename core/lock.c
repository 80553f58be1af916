/* lock.c - see lock.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/holder.h"
#include "core/base/mem.h"

static int set_lock(int fd, int how, enum lock_mode mode, off_t byte)
{
	struct flock lock = {
		.l_type = mode == LOCK_ALONE ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET, .l_start = byte, .l_len = 1,
	};

	return retry(fcntl(fd, how, &lock));
}

static int lock_byte(int fd, enum lock_mode mode, off_t byte)
{
	return set_lock(fd, F_OFD_SETLKW, mode, byte);
}

static const char *file_of(const char *pool, char buf[static NAME_MAX + 1])
{
	snprintf(buf, NAME_MAX + 1, "%.247s.lock", pool);
	return buf;
}

/* Whoever forgets a pool removes its lock file; if that happened while we
 * waited, we hold a lock nobody else will see. */
static bool still_there(int run_fd, const char *name, int fd)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 &&
	       fstatat(run_fd, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int cannot_open(int run_fd, const char *name, struct bp_error *err)
{
	auto_free char *dir = file_path_of(run_fd), *path = NULL;
	int sys = errno;

	path = mem_printf("%s%s%s", dir ? dir : "", dir ? "/" : "", name);
	return fail_access(err, sys, path, ACCESS_NAME, "cannot open lock file '%s'", path);
}

static int lock_file(int run_fd, const char *name, int flags, enum lock_mode mode,
		     struct bp_error *err)
{
	for (;;) {
		auto_close int fd = retry(openat(run_fd, name, flags | O_CLOEXEC | O_NOFOLLOW,
						 0600));

		if (fd < 0 && !(flags & O_CREAT) && (errno == ENOENT || errno == EBADF))
			return -1;
		if (fd < 0)
			return cannot_open(run_fd, name, err);
		if (lock_byte(fd, mode, 0) < 0)
			return bp_fail_sys(err, errno, "cannot lock '%s'", name);
		if (still_there(run_fd, name, fd))
			return steal_fd(fd);
	}
}

int lock_store(int run_fd, struct bp_error *err)
{
	return lock_file(run_fd, "barepool.define", O_RDWR | O_CREAT, LOCK_ALONE, err);
}

int lock_pool(int run_fd, const char *pool, enum lock_mode mode, struct bp_error *err)
{
	char name[NAME_MAX + 1];

	return lock_file(run_fd, file_of(pool, name), O_RDWR | O_CREAT, mode, err);
}

static int lock_without_waiting(int run_fd, const char *pool, int flags)
{
	char name[NAME_MAX + 1];
	auto_close int fd = retry(openat(run_fd, file_of(pool, name),
					 O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));

	if (fd < 0 || set_lock(fd, F_OFD_SETLK, LOCK_ALONE, 0) < 0 ||
	    !still_there(run_fd, name, fd))
		return -1;
	return steal_fd(fd);
}

int lock_pool_now(int run_fd, const char *pool)
{
	return lock_without_waiting(run_fd, pool, 0);
}

int lock_pool_try(int run_fd, const char *pool)
{
	return lock_without_waiting(run_fd, pool, O_CREAT);
}

int lock_pool_readonly(int run_fd, const char *pool, struct bp_error *err)
{
	char name[NAME_MAX + 1];

	return lock_file(run_fd, file_of(pool, name), O_RDONLY, LOCK_SHARED, err);
}

/* FNV-1a.  Two volumes with one byte wait for each other needlessly, about
 * never, and harmlessly. */
static off_t byte_of(const char *vol)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *vol; vol++)
		h = (h ^ (unsigned char)*vol) * 0x100000001b3;
	return 1 + (off_t)(h >> 2);
}

int lock_volume(int lock_fd, const char *vol, enum lock_mode mode, struct bp_error *err)
{
	if (lock_byte(lock_fd, mode, byte_of(vol)) < 0)
		return bp_fail_sys(err, errno, "cannot lock volume '%s'", vol);
	return 0;
}

/* Who has gone between the two questions need not be named. */
int lock_volume_now(int lock_fd, const char *vol, struct bp_error *err)
{
	while (set_lock(lock_fd, F_OFD_SETLK, LOCK_ALONE, byte_of(vol)) < 0) {
		auto_free char *who = NULL;

		if (errno != EAGAIN && errno != EACCES)
			return bp_fail_sys(err, errno, "cannot lock volume '%s'", vol);
		who = holder_of(lock_fd, byte_of(vol), 1);
		if (who)
			return bp_fail(err, BP_BUSY, "volume '%s' is in use by %s", vol, who);
	}
	return 0;
}

int lock_order(const char *vol, const char *other)
{
	off_t a = byte_of(vol), b = byte_of(other);

	return a < b ? -1 : a > b;
}

bool lock_pool_taken(int run_fd, const char *pool)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1 };
	char name[NAME_MAX + 1];
	auto_close int fd = retry(openat(run_fd, file_of(pool, name),
					 O_RDONLY | O_CLOEXEC | O_NOFOLLOW));

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void lock_remove(int run_fd, const char *pool)
{
	char name[NAME_MAX + 1];

	(void)unlinkat(run_fd, file_of(pool, name), 0);
}

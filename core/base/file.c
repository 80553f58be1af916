/* file.c - see file.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

static int too_large(const char *name, size_t max, struct bp_error *err)
{
	return bp_fail(err, BP_INVALID, "'%s' is larger than %zu bytes", name, max);
}

/* Pipes and /proc files have no size, so what counts is where the end comes. */
static int read_to_end(int fd, const char *name, size_t guess, size_t max,
		       char **ret_text, size_t *ret_len, struct bp_error *err)
{
	size_t cap = guess + 1, len = 0;
	auto_free char *text = mem_resize(NULL, cap + 1, 1);

	for (;;) {
		ssize_t n = retry(read(fd, text + len, cap - len));

		if (n < 0)
			return bp_fail_sys(err, errno, "Failed to read file '%s'", name);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return too_large(name, max, err);
		if (len == cap) {
			cap = cap * 2 > max ? max + 1 : cap * 2;
			text = mem_resize(text, cap + 1, 1);
		}
	}
	text[len] = '\0';
	*ret_text = steal(text);
	*ret_len = len;
	return 0;
}

int file_read(int dirfd, const char *name, size_t max,
	      char **ret_text, size_t *ret_len, struct bp_error *err)
{
	auto_close int fd = retry(openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY));
	struct stat st;

	if (fd < 0)
		return bp_fail_sys(err, errno, "Failed to open file '%s'", name);
	if (fstat(fd, &st) < 0)
		return bp_fail_sys(err, errno, "Failed to read file '%s'", name);
	if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > max)
		return too_large(name, max, err);
	return read_to_end(fd, name, S_ISREG(st.st_mode) && st.st_size ? (size_t)st.st_size : 4096,
			   max, ret_text, ret_len, err);
}

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = retry(write(fd, p, len));

		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int may_not_last(struct bp_error *err)
{
	err->code = BP_MAY_NOT_LAST;
	return bp_within(err, "the change is made, but may not last");
}

static int sync_home(int dirfd, const char *name, struct bp_error *err)
{
	if (retry(fsync(dirfd)) == 0 || errno == EINVAL)
		return 0;
	bp_fail_sys(err, errno, "Failed to sync the directory of '%s'", name);
	return may_not_last(err);
}

int file_replace(int dirfd, const char *name, const void *data, size_t len,
		 mode_t mode, struct bp_error *err)
{
	auto_close int fd = -1;
	auto_free char *tmp = mem_printf("%s.new", name);
	int sys;

	fd = retry(openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
	if (fd < 0)
		return bp_fail_sys(err, errno, "Failed to create file '%s'", tmp);

	if (write_all(fd, data, len) < 0 || retry(fsync(fd)) < 0 ||
	    renameat(dirfd, tmp, dirfd, name) < 0) {
		sys = errno;
		(void)unlinkat(dirfd, tmp, 0);
		return bp_fail_sys(err, sys, "Failed to write file '%s'", name);
	}
	return sync_home(dirfd, name, err);
}

int file_remove(int dirfd, const char *name, struct bp_error *err)
{
	if (unlinkat(dirfd, name, 0) < 0)
		return errno == ENOENT ? 0 :
		       bp_fail_sys(err, errno, "Failed to remove file '%s'", name);
	return sync_home(dirfd, name, err);
}

int dir_sync(int fd, const char *path, struct bp_error *err)
{
	if (retry(fsync(fd)) == 0 || errno == EINVAL)
		return 0;
	bp_fail_sys(err, errno, "cannot sync directory '%s'", path);
	return may_not_last(err);
}

int dir_sync_parent(const char *path, struct bp_error *err)
{
	auto_free char *parent = mem_dup(path);
	auto_close int fd = -1;
	char *slash = strrchr(parent, '/');

	if (slash)
		slash[slash == parent] = '\0';
	fd = retry(open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return fd < 0 ? 0 : dir_sync(fd, slash ? parent : ".", err);
}

/* 1: it cannot be made, and errno says why. */
static int make_durably(const char *path, mode_t mode, struct bp_error *err)
{
	return mkdir(path, mode) < 0 ? 1 : dir_sync_parent(path, err);
}

int dir_make(const char *path, mode_t mode, struct bp_error *err)
{
	char buf[PATH_MAX];
	int r = make_durably(path, mode, err);

	if (r <= 0 || errno == EEXIST)	/* the usual case */
		return r < 0 ? -1 : 0;
	if (snprintf(buf, sizeof buf, "%s", path) >= (int)sizeof buf)
		return bp_fail_sys(err, ENAMETOOLONG, "cannot create directory '%s'", path);
	for (char *p = buf + 1; ; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		r = make_durably(buf, mode, err);
		if (r < 0)
			return -1;
		if (r > 0 && errno != EEXIST)
			return fail_access(err, errno, buf, ACCESS_NAME,
					   "cannot create directory '%s'", buf);
		*p = c;
		if (c == '\0')
			return 0;
	}
}

char *file_path_of(int fd)
{
	char itself[32], found[PATH_MAX];
	ssize_t n;

	snprintf(itself, sizeof itself, "/proc/self/fd/%d", fd);
	n = readlink(itself, found, sizeof found);
	return n > 0 && *found == '/' ? mem_dup_n(found, (size_t)n) : NULL;
}

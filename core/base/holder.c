/* holder.c - see holder.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/holder.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/process.h"
#include "core/base/text.h"

#define PROC_MAX (4u << 20)	/* of a descriptor's locks */
#define LOOKS	 5		/* a lock may pass from one to the next while we look */

struct search {
	int fd;
	struct statx file;
	long long first, last;	/* bytes */
	bool whole;		/* it is one of flock(2) */
};

bool holder_line(const char *line, bool whole, long long from, long long to)
{
	long long first, last;
	char end[24];

	if (whole)
		return starts_with(line, "lock:") && strstr(line, " FLOCK ");
	if (sscanf(line, "lock: %*d: OFDLCK %*s %*s %*d %*s %lld %23s", &first, end) != 2)
		return false;
	if (sscanf(end, "%lld", &last) != 1)	/* "EOF" */
		last = INT64_MAX;
	return first <= to && last >= from;
}

static bool descriptor_holds(const struct search *s, int proc, const char *pid, const char *fd)
{
	auto_free char *file = mem_printf("%s/fdinfo/%s", pid, fd), *text = NULL;
	struct bp_error ignored = { 0 };
	char *rest, *line;
	size_t len;

	if (file_read(proc, file, PROC_MAX, &text, &len, &ignored) < 0)
		return false;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (holder_line(line, s->whole, s->first, s->last))
			return true;
	return false;
}

/* Not to wait for a file server that is away. */
static bool look(int dir, const char *name, int flags, struct statx *ret)
{
	return statx(dir, name, flags | AT_STATX_DONT_SYNC, STATX_INO, ret) == 0;
}

static bool process_holds(const struct search *s, int proc, const char *pid)
{
	auto_free char *path = mem_printf("%s/fd", pid);
	auto_close int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint64_t self = 0, number = 0;
	struct dirent *e;
	struct statx x;

	if (!d)
		return false;
	(void)steal_fd(fd);
	(void)parse_number(pid, 10, &self);
	while ((e = readdir(d))) {
		if (!parse_number(e->d_name, 10, &number) ||
		    (self == (uint64_t)getpid() && number == (uint64_t)s->fd))
			continue;
		if (look(dirfd(d), e->d_name, 0, &x) && x.stx_ino == s->file.stx_ino &&
		    x.stx_dev_major == s->file.stx_dev_major &&
		    x.stx_dev_minor == s->file.stx_dev_minor &&
		    descriptor_holds(s, proc, pid, e->d_name))
			return true;
	}
	return false;
}

/* The lock belongs to an open file, so the kernel names no process. */
static char *search(const struct search *s)
{
	cleanup(closedirp) DIR *proc = opendir("/proc");
	struct dirent *e;
	uint64_t pid;

	while (proc && (e = readdir(proc)))
		if (parse_number(e->d_name, 10, &pid) &&
		    process_holds(s, dirfd(proc), e->d_name))
			return process_text(dirfd(proc), e->d_name);
	return NULL;
}

static char *process(pid_t id)
{
	auto_close int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *pid = mem_printf("%ld", (long)id);

	return process_text(proc, pid);
}

static char *unnamed(void)
{
	return mem_dup(access("/proc/self", F_OK) < 0 ?
		       "a process that cannot be named without /proc" :
		       "a process that cannot be seen from here (another user's, "
		       "another container's or another host's)");
}

char *holder_of(int fd, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len,
	};
	struct search s = { .fd = fd, .first = start, .last = len ? start + len - 1 : INT64_MAX };
	const struct flock question = lock;
	char *who = NULL;

	for (unsigned n = 0; !who && n < LOOKS; n++) {
		lock = question;
		if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
			return NULL;
		if (lock.l_pid > 0)
			return process(lock.l_pid);
		if (look(fd, "", AT_EMPTY_PATH, &s.file))
			who = search(&s);
	}
	return who ? who : unnamed();
}

char *holder_of_flock(int fd)
{
	struct search s = { .fd = fd, .whole = true };
	char *who = look(fd, "", AT_EMPTY_PATH, &s.file) ? search(&s) : NULL;

	if (who)
		return who;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return unnamed();
	(void)flock(fd, LOCK_UN);
	return NULL;
}

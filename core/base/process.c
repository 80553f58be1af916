/* process.c - see process.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define LINE_MAX_BYTES (4u << 20)	/* of a command line */
#define NAMED 3				/* of many users, so many are named */

/* The word it was started by, and not the 15 bytes of it that the kernel keeps.
 * A process calls itself what it likes. */
static char *command_of(int proc, const char *pid)
{
	auto_free char *file = mem_printf("%s/cmdline", pid), *line = NULL;
	struct bp_error ignored = { 0 };
	const char *slash;
	char *name;
	size_t len;

	if (file_read(proc, file, LINE_MAX_BYTES, &line, &len, &ignored) < 0)
		return NULL;
	slash = strrchr(line, '/');
	name = mem_dup(slash ? slash + 1 : line);
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return name;
}

char *process_text(int proc, const char *pid)
{
	auto_free char *command = command_of(proc, pid);

	if (!command || !*command)
		return mem_printf("pid %s", pid);
	return mem_printf("pid %s (%s)", pid, command);
}

/* ---- users of a file system, or of a device ---------------------------------------- */

struct used {
	dev_t dev;
	bool itself;		/* the device, and not the file system on it */
	const struct device_parts *any;		/* or one of these */
	const char *const *but;			/* programs that do not count, or NULL */
};

static bool is_one(const struct used *u, dev_t dev)
{
	return u->any ? device_parts_have(u->any, dev) : dev == u->dev;
}

/* Not to wait for a file server that is away. */
static bool is_used(int dir, const char *link, const struct used *u)
{
	struct statx x;

	if (statx(dir, link, AT_STATX_DONT_SYNC, STATX_TYPE, &x) < 0)
		return false;
	if (u->itself)
		return S_ISBLK(x.stx_mode) &&
		       is_one(u, makedev(x.stx_rdev_major, x.stx_rdev_minor));
	return makedev(x.stx_dev_major, x.stx_dev_minor) == u->dev;
}

static bool has_open(int process, const struct used *u)
{
	auto_close int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return false;
	(void)steal_fd(fd);
	while ((e = readdir(d)))
		if (*e->d_name != '.' && is_used(dirfd(d), e->d_name, u))
			return true;
	return false;
}

static bool uses(int proc, const char *pid, const struct used *u)
{
	auto_close int process = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return process >= 0 &&
	       (is_used(process, "cwd", u) || is_used(process, "root", u) ||
		is_used(process, "exe", u) || has_open(process, u));
}

static bool counts(int proc, const char *pid, const struct used *u)
{
	auto_free char *command = u->but ? command_of(proc, pid) : NULL;

	for (const char *const *but = u->but; command && *but; but++)
		if (strcmp(command, *but) == 0)
			return false;
	return true;
}

/* This process; or whom it works for, when it is a child made for this work. */
static bool is_ours(int proc, const char *pid, uint64_t number)
{
	struct stat we, it;
	auto_free char *exe = NULL;

	if (number == (uint64_t)getpid())
		return true;
	exe = mem_printf("%s/exe", pid);
	return number == (uint64_t)getppid() && fstatat(proc, "self/exe", &we, 0) == 0 &&
	       fstatat(proc, exe, &it, 0) == 0 && we.st_dev == it.st_dev && we.st_ino == it.st_ino;
}

static char *users_of(const struct used *u)
{
	cleanup(closedirp) DIR *proc = opendir("/proc");
	struct text t = { 0 };
	struct dirent *e;
	uint64_t pid;
	unsigned n = 0;

	while (proc && (e = readdir(proc))) {
		auto_free char *who = NULL;

		if (!parse_number(e->d_name, 10, &pid) || is_ours(dirfd(proc), e->d_name, pid) ||
		    !uses(dirfd(proc), e->d_name, u) || !counts(dirfd(proc), e->d_name, u) ||
		    ++n > NAMED)
			continue;
		who = process_text(dirfd(proc), e->d_name);
		text_addf(&t, "%s%s", t.len ? ", " : "", who);
	}
	if (n > NAMED)
		text_addf(&t, " and %u more", n - NAMED);
	if (proc && is_used(dirfd(proc), "self/cwd", u))
		text_addf(&t, "%sthis command itself (its current directory)", n ? ", " : "");
	return t.len ? text_steal(&t) : NULL;
}

char *processes_on(dev_t dev)
{
	return users_of(&(struct used){ .dev = dev });
}

char *processes_with(dev_t device)
{
	return users_of(&(struct used){ .dev = device, .itself = true });
}

char *processes_with_any(const struct device_parts *devices, const char *const *but)
{
	return users_of(&(struct used){ .itself = true, .any = devices, .but = but });
}

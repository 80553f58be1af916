/* files_below.c - which volume of the pool the backing file of another is.
 *
 * Only its name is looked at, and where that leads through other directories,
 * those: whoever made the image wrote it, and a server that is away must not be
 * waited for because of it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/mountinfo.h"
#include "core/base/text.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

/* File systems that may make whoever looks at a name wait. */
static bool may_wait(const char *type)
{
	static const char *const types[] = {
		"nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "autofs", NULL
	};

	return bp_word_in(types, type) || starts_with(type, "fuse");
}

static bool some_may_wait(void)
{
	cleanup(mountinfo_done) struct mountinfo table = { 0 };
	struct bp_error ignored = { 0 };
	struct mount m;

	if (mountinfo_open(&table, &ignored) < 0)
		return true;
	while (mountinfo_next(&table, &m))
		if (may_wait(m.type))
			return true;
	return false;
}

/* What is known in memory is had without asking anybody; the rest only where nobody who
 * may not answer could be asked. */
static int open_directory(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_CACHED,
	};
	int fd = (int)retry(syscall(SYS_openat2, dir, path, &how, sizeof how));

	if (fd >= 0 || errno == ENOENT || errno == ENOTDIR || some_may_wait())
		return fd;
	return retry(openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static bool is_pools_directory(const struct bp_pool *p, const char *path)
{
	auto_close int fd = open_directory(files_dir(p), path);
	struct stat a, b;

	return fd >= 0 && fstat(fd, &a) == 0 && fstat(files_dir(p), &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

char *files_backing_volume(const struct bp_pool *p, const char *backing)
{
	auto_free char *prefix = files_path(p, "");
	const char *base = strrchr(backing, '/') ? strrchr(backing, '/') + 1 : backing;
	auto_free char *dir = mem_dup_n(backing, (size_t)(base - backing));

	if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return NULL;
	if (*dir && strcmp(dir, "./") != 0 && strcmp(dir, prefix) != 0 &&
	    !is_pools_directory(p, dir))
		return NULL;
	return mem_dup(base);
}

/* nowait.c - see nowait.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/nowait.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
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
		"nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "autofs",
	};

	for (size_t i = 0; i < array_size(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return starts_with(type, "fuse");
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
static int open_now(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = RESOLVE_CACHED,
	};
	int fd = (int)retry(syscall(SYS_openat2, dir, path, &how, sizeof how));

	if (fd >= 0 || errno == ENOENT || errno == ENOTDIR || some_may_wait())
		return fd;
	return retry(openat(dir, path, O_PATH | O_CLOEXEC | flags));
}

bool stat_now(int dir, const char *path, int flags, struct stat *ret)
{
	auto_close int fd = open_now(dir, path, flags);
	struct statx x;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO,
			    &x) < 0)
		return false;
	*ret = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor), .st_ino = x.stx_ino,
		.st_rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor), .st_mode = x.stx_mode,
	};
	return true;
}

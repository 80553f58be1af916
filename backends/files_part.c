/* files_part.c - volumes in the making that have a name, and what is left of them.
 *
 * Parts are numbered from 0, and whoever makes one takes the first number that is
 * free.  So those whose maker was killed are found by asking for a few names,
 * however many volumes there are; and a lock tells the living from the dead.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define PREFIX ".barepool-"
#define SUFFIX ".part"
#define GAP	64		/* numbers that nobody has before the search ends */
#define GAP_FAR 8
#define MOST	100000		/* there are never so many makers */

bool files_is_part(const char *name)
{
	return starts_with(name, PREFIX) && ends_with(name, SUFFIX);
}

/* Of this kind, which has a lock: others have a mark between (netfs_user_part.c). */
static bool is_numbered(const char *name)
{
	const char *number = name + strlen(PREFIX);

	return files_is_part(name) &&
	       strspn(number, "0123456789") == strlen(number) - strlen(SUFFIX);
}

static char *name_of(unsigned number)
{
	return mem_printf("%s%u%s", PREFIX, number, SUFFIX);
}

/* Whoever sweeps may have had it before us: then it has gone, or will. */
static bool is_ours(const struct bp_pool *p, const char *name, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && files_stat(p, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* ---- made ------------------------------------------------------------------------- */

static int make(const struct bp_pool *p, const char *name, bool is_dir)
{
	int fd, sys;

	if (!is_dir)
		return files_open(p, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
	if (files_mkdir(p, name, 0700) < 0)
		return -1;
	fd = files_open(p, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd >= 0 || errno == ENOENT)
		return fd;
	sys = errno == ENOTDIR ? ENOENT : errno;	/* the number is a file's by now */
	(void)files_unlink(p, name, AT_REMOVEDIR);
	errno = sys;
	return -1;
}

int files_part_make(const struct bp_pool *p, bool is_dir, char **ret_name)
{
	for (unsigned number = 0; number < MOST; number++) {
		auto_free char *name = name_of(number);
		auto_close int fd = make(p, name, is_dir);

		if (fd < 0 && errno != EEXIST && errno != ENOENT)
			return -1;
		if (fd < 0)	/* it is somebody's, or was swept at once */
			continue;
		if (retry(flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno != EOPNOTSUPP &&
		    errno != ENOLCK)
			continue;
		if (!is_ours(p, name, fd))
			continue;
		*ret_name = steal(name);
		return steal_fd(fd);
	}
	errno = EEXIST;
	return -1;
}

/* ---- left ------------------------------------------------------------------------- */

/* Is there one?  It goes if its lock is free. */
static bool sweep_one(const struct bp_pool *p, const char *name)
{
	auto_close int fd = -1;
	struct stat st;

	if (files_stat(p, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return true;
	fd = files_open(p, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && retry(flock(fd, LOCK_EX | LOCK_NB)) == 0 && is_ours(p, name, fd))
		(void)files_unlink(p, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
	return true;
}

/* Of many makers some end and some are killed, so that numbers are missing.  Fewer
 * are asked for where that is a question to a server, or takes a child process. */
static unsigned gap(const struct bp_pool *p)
{
	static const unsigned far[] = {
		NFS_SUPER_MAGIC, 0xff534d42 /* CIFS */, 0xfe534d42 /* SMB 2 */,
		FUSE_SUPER_MAGIC, 0x00c36400 /* Ceph */, V9FS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(files_dir(p), &fs) < 0 ||
	    faccessat(files_dir(p), ".", X_OK, AT_EACCESS) < 0)
		return GAP_FAR;
	for (size_t i = 0; i < array_size(far); i++)
		if ((unsigned)fs.f_type == far[i])
			return GAP_FAR;
	return GAP;
}

static void sweep_all(const struct bp_pool *p)
{
	auto_close int fd = files_open(p, ".", O_RDONLY | O_DIRECTORY);
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return;
	(void)steal_fd(fd);
	while ((e = readdir(d)))
		if (is_numbered(e->d_name))
			(void)sweep_one(p, e->d_name);
}

void files_pool_sweep(struct bp_pool *p, bool thoroughly)
{
	unsigned missing = 0, enough;

	if (thoroughly) {
		sweep_all(p);
		return;
	}
	enough = gap(p);
	for (unsigned number = 0; missing < enough; number++) {
		auto_free char *name = name_of(number);

		missing = sweep_one(p, name) ? 0 : missing + 1;
	}
}

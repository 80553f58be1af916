/* files_as.c - calls in the pool's directory, made by whoever may. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/as_user.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"

/* Whose it shall be, whose it is, and whose directory it is in. */
static void find_users(const struct files_call *c, struct as_users *users)
{
	const struct bp_perms *asked = c->asked;
	struct stat dir, thing;

	if (fstat(c->dir, &dir) < 0)
		return;
	if (asked)
		as_users_add(users, asked->has_uid ? asked->uid : dir.st_uid,
			 asked->has_gid ? asked->gid : dir.st_gid);
	if (c->name && fstatat(c->dir, c->name, &thing, 0) == 0)
		as_users_add(users, thing.st_uid, thing.st_gid);
	as_users_add(users, dir.st_uid, dir.st_gid);
}

static bool is_refusal(int sys)
{
	return sys == EACCES || sys == EPERM;
}

static int make(const void *arg)
{
	const struct files_call *c = arg;

	return c->make(c);
}

int files_do(const struct files_call *c)
{
	struct as_users users = { 0 };
	int r = c->make(c), sys = errno;

	if (r >= 0 || !is_refusal(sys) || geteuid() != 0)
		return r;
	find_users(c, &users);
	for (unsigned i = 0; i < users.n; i++) {
		r = as_user(&users.list[i], c->opens, make, c);
		if (r >= 0 || !is_refusal(errno))
			return r;
	}
	errno = sys;
	return -1;
}

/* ---- the calls ------------------------------------------------------------------ */

static int make_open(const struct files_call *c)
{
	return retry(openat(c->dir, c->name, c->flags | O_CLOEXEC, 0600));
}

int files_open(const struct bp_pool *p, const char *name, int flags)
{
	return files_do(&(struct files_call){
		make_open, .opens = true, .dir = files_dir(p), .name = name, .flags = flags,
		.asked = files_asked(p),
	});
}

int files_stat(const struct bp_pool *p, const char *name, struct stat *ret, int flags)
{
	auto_close int fd = -1;

	if (fstatat(files_dir(p), name, ret, flags) == 0)
		return 0;
	if (!is_refusal(errno))
		return -1;
	fd = files_open(p, name, O_PATH | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
	return fd < 0 ? -1 : fstat(fd, ret);
}

static int make_unlink(const struct files_call *c)
{
	return unlinkat(c->dir, c->name, c->flags);
}

int files_unlink(const struct bp_pool *p, const char *name, int flags)
{
	return files_do(&(struct files_call){
		make_unlink, .dir = files_dir(p), .name = name, .flags = flags,
		.asked = files_asked(p),
	});
}

static int make_directory(const struct files_call *c)
{
	return mkdirat(c->dir, c->name, c->mode);
}

int files_mkdir(const struct bp_pool *p, const char *name, int mode)
{
	return files_do(&(struct files_call){
		make_directory, .dir = files_dir(p), .name = name, .mode = (mode_t)mode,
		.asked = files_asked(p),
	});
}

/* By descriptor where we may, else through /proc. */
static int make_link(const struct files_call *c)
{
	if (linkat(c->fd, "", c->dir, c->name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno == EEXIST)
		return -1;
	return linkat(AT_FDCWD, c->from, c->dir, c->name, AT_SYMLINK_FOLLOW);
}

int files_link(const struct bp_pool *p, int fd, const char *name)
{
	char proc[64];

	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	return files_do(&(struct files_call){
		make_link, .dir = files_dir(p), .name = name, .fd = fd, .from = proc,
		.asked = files_asked(p),
	});
}

/* Never over something that is there, on any file system.  A directory that is
 * renamed takes no place but that of an empty one. */
static int make_rename(const struct files_call *c)
{
	if (renameat2(c->dir, c->from, c->dir, c->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (c->flags & AT_REMOVEDIR) {
		if (faccessat(c->dir, c->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return renameat(c->dir, c->from, c->dir, c->name);
		errno = EEXIST;
		return -1;
	}
	if (linkat(c->dir, c->from, c->dir, c->name, 0) < 0)
		return -1;
	(void)unlinkat(c->dir, c->from, 0);
	return 0;
}

int files_rename(const struct bp_pool *p, const char *from, const char *name, bool is_dir)
{
	return files_do(&(struct files_call){
		make_rename, .dir = files_dir(p), .name = name, .from = from,
		.flags = is_dir ? AT_REMOVEDIR : 0, .asked = files_asked(p),
	});
}

static int make_owner(const struct files_call *c)
{
	return fchown(c->dir, c->uid, c->gid);
}

int files_chown(int fd, uid_t uid, gid_t gid, const struct bp_perms *asked)
{
	return files_do(&(struct files_call){
		make_owner, .dir = fd, .uid = uid, .gid = gid, .asked = asked,
	});
}

static int make_mode(const struct files_call *c)
{
	return fchmod(c->dir, c->mode);
}

int files_chmod(int fd, mode_t mode, const struct bp_perms *asked)
{
	return files_do(&(struct files_call){
		make_mode, .dir = fd, .mode = mode, .asked = asked,
	});
}

/* files.c - the directory of a pool: open, build, measure, erase. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define BTRFS_MAGIC 0x9123683e
#define LABEL_XATTR "security.selinux"

struct files {
	int dir;
	const struct bp_perms *asked;
};

int files_dir(const struct bp_pool *p)
{
	return ((const struct files *)p->priv)->dir;
}

const struct bp_perms *files_asked(const struct bp_pool *p)
{
	return ((const struct files *)p->priv)->asked;
}

void files_ask(const struct bp_pool *p, const struct bp_perms *perms)
{
	((struct files *)p->priv)->asked = perms;
}

static int cannot_open(const struct bp_pool *p, struct bp_error *err)
{
	const char *path = p->def->target_path;

	return fail_access(err, errno, path, ACCESS_READ, "cannot open directory '%s'", path);
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash > path ? mem_dup_n(path, (size_t)(slash - path)) : mem_dup("/");
}

static int open_as(const struct bp_pool *p, const char *path, int flags,
		   const struct bp_perms *asked);

/* Something in the directory that path is in, by whoever may there.  -1 and errno. */
static int in_parent(const struct bp_pool *p, const char *path, const struct bp_perms *asked,
		     int (*call)(const struct bp_pool *p, const char *name, int flags), int flags)
{
	const char *slash = strrchr(path, '/'), *name = slash && slash[1] ? slash + 1 : ".";
	auto_free char *parent = parent_of(path);
	auto_close int dir = open_as(p, parent, O_PATH | O_DIRECTORY, asked);
	struct files f = { .dir = dir, .asked = asked };
	struct bp_pool above = { .def = p->def, .priv = &f };

	return dir < 0 ? -1 : call(&above, name, flags);
}

/* A directory anywhere: from the last one on the way to it that lets us in, step
 * by step. */
static int open_as(const struct bp_pool *p, const char *path, int flags,
		   const struct bp_perms *asked)
{
	int fd = retry(open(path, flags | O_CLOEXEC));

	if (fd >= 0 || errno != EACCES || strcmp(path, "/") == 0)
		return fd;
	return in_parent(p, path, asked, files_open, flags);
}

int files_pool_open(struct bp_pool *p, struct bp_error *err)
{
	const struct bp_perms *asked = &p->def->volume_perms;
	int fd = open_as(p, p->def->target_path, O_RDONLY | O_DIRECTORY, asked);
	struct files *f;

	if (fd < 0)
		return cannot_open(p, err);
	f = mem_alloc(sizeof *f);
	f->dir = fd;
	f->asked = asked;
	p->priv = f;
	return 0;
}

void files_pool_close(struct bp_pool *p)
{
	close(files_dir(p));
	free(p->priv);
	p->priv = NULL;
}

char *files_path(const struct bp_pool *p, const char *vol)
{
	const char *target = p->def->target_path;

	return mem_printf("%s%s%s", target, strcmp(target, "/") == 0 ? "" : "/", vol);
}

/* What is reserved for root is free, but no volume's to take. */
int files_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	struct statvfs fs;

	if (fstatvfs(files_dir(p), &fs) < 0)
		return bp_fail_sys(err, errno, "cannot statvfs path '%s'", p->def->target_path);
	ret->capacity = (uint64_t)fs.f_frsize * fs.f_blocks;
	ret->available = (uint64_t)fs.f_frsize * fs.f_bavail;
	ret->reserved = (uint64_t)fs.f_frsize * fs.f_bfree - ret->available;
	ret->allocation = ret->capacity - ret->available - ret->reserved;
	return 0;
}

static char *label_of(int fd)
{
	char label[256];
	ssize_t n = fgetxattr(fd, LABEL_XATTR, label, sizeof label - 1);

	return n > 0 ? mem_dup_n(label, (size_t)n) : NULL;
}

int files_pool_perms(struct bp_pool *p, struct bp_perms *ret, struct bp_error *err)
{
	struct stat st;

	if (fstat(files_dir(p), &st) < 0)
		return bp_fail_sys(err, errno, "cannot stat directory '%s'", p->def->target_path);
	*ret = (struct bp_perms){
		.has_mode = true, .has_uid = true, .has_gid = true,
		.mode = st.st_mode & 07777, .uid = st.st_uid, .gid = st.st_gid,
		.label = label_of(files_dir(p)),
	};
	return 0;
}

/* ---- build and erase ------------------------------------------------------------ */

int files_set_cow(int fd, bool cow)
{
	struct statfs fs;
	int attr, want;

	if (fstatfs(fd, &fs) < 0)
		return -1;
	if (fs.f_type != BTRFS_MAGIC) {
		errno = ENOSYS;
		return -1;
	}
	if (ioctl(fd, FS_IOC_GETFLAGS, &attr) < 0)
		return -1;
	want = cow ? attr & ~FS_NOCOW_FL : attr | FS_NOCOW_FL;
	return want == attr ? 0 : ioctl(fd, FS_IOC_SETFLAGS, &want);
}

/* What is so already needs no right to make it so. */
static int set_owner(int fd, const struct bp_perms *perms, const char *path, struct bp_error *err)
{
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (fstat(fd, &st) < 0)
		return bp_fail_sys(err, errno, "cannot stat '%s'", path);
	uid = perms->has_uid ? perms->uid : st.st_uid;
	gid = perms->has_gid ? perms->gid : st.st_gid;
	if ((uid == st.st_uid && gid == st.st_gid) ||
	    files_chown(fd, uid, gid, perms) == 0)
		return 0;
	return bp_fail_sys(err, errno, errno == EPERM ?
			   "cannot chown '%s' to (%u, %u), which uid %u may not" :
			   "cannot chown '%s' to (%u, %u)", path, uid, gid, geteuid());
}

int files_set_perms(int fd, const struct bp_perms *perms, const char *path, struct bp_error *err)
{
	if (set_owner(fd, perms, path, err) < 0)
		return -1;
	if (perms->has_mode && files_chmod(fd, perms->mode, perms) < 0)
		return bp_fail_sys(err, errno, "cannot set mode of '%s' to %04o", path,
				   perms->mode);
	/* These two say that there is no SELinux here; then nothing enforces it either. */
	if (perms->label &&
	    fsetxattr(fd, LABEL_XATTR, perms->label, strlen(perms->label) + 1, 0) < 0 &&
	    errno != EOPNOTSUPP && errno != EPERM)
		return bp_fail_sys(err, errno, "cannot set the label of '%s'", path);
	return 0;
}

/* Unasked for, it is a favour that other file systems cannot do. */
static int build_cow(const struct bp_pool *p, int fd, struct bp_error *err)
{
	if (files_set_cow(fd, p->def->cow == BP_YES) == 0 || p->def->cow == BP_UNSAID)
		return 0;
	if (errno == ENOSYS)
		return bp_fail_sys(err, errno, "unable to control COW flag on '%s', not btrfs",
				   p->def->target_path);
	return bp_fail_sys(err, errno, "cannot set the COW flag on '%s'", p->def->target_path);
}

/* With those it is in.  1 if it was not there. */
static int make_directory(const struct bp_pool *p, const char *path, struct bp_error *err)
{
	const struct bp_perms *asked = &p->def->perms;
	auto_free char *parent = parent_of(path);
	int mode = asked->has_mode ? (int)asked->mode & 0777 : 0711;
	int r = in_parent(p, path, asked, files_mkdir, mode);

	if (r < 0 && errno == ENOENT) {
		if (dir_make(parent, 0777, err) < 0)
			return -1;
		r = in_parent(p, path, asked, files_mkdir, mode);
	}
	if (r < 0 && errno != EEXIST)
		return fail_access(err, errno, path, ACCESS_NAME, "cannot create directory '%s'",
				   path);
	return r == 0;
}

/* A new directory gets 0711 where the definition says nothing; one that is
 * there keeps what it has. */
int files_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	const char *path = p->def->target_path;
	struct bp_perms perms = p->def->perms;
	auto_close int fd = -1;
	int made;

	(void)flags;	/* there is nothing they could spare or overwrite */
	if (*path != '/')
		return bp_fail(err, BP_INVALID, "path '%s' is not absolute", path);
	made = make_directory(p, path, err);
	if (made < 0)
		return -1;
	if (made && !perms.has_mode) {
		perms.has_mode = true;
		perms.mode = 0711;
	}
	fd = open_as(p, path, O_RDONLY | O_DIRECTORY | (made ? O_NOFOLLOW : 0), &p->def->perms);
	if (fd < 0)
		cannot_open(p, err);
	else if (files_set_perms(fd, &perms, path, err) == 0 && build_cow(p, fd, err) == 0)
		return dir_sync(fd, path, err) < 0 ? -1 : dir_sync_parent(path, err);
	if (made)
		(void)in_parent(p, path, &p->def->perms, files_unlink, AT_REMOVEDIR);
	return -1;
}

/* What nobody sees would keep the directory from going. */
static void sweep(const struct bp_pool *p)
{
	auto_close int dir = open_as(p, p->def->target_path, O_RDONLY | O_DIRECTORY,
				     &p->def->perms);
	struct files f = { .dir = dir, .asked = &p->def->volume_perms };

	if (dir >= 0)
		files_pool_sweep(&(struct bp_pool){ .def = p->def, .priv = &f }, true);
}

int files_pool_erase(struct bp_pool *p, struct bp_error *err)
{
	const char *path = p->def->target_path;

	sweep(p);
	if (in_parent(p, path, &p->def->perms, files_unlink, AT_REMOVEDIR) < 0)
		return fail_access(err, errno, path, ACCESS_NAME, "failed to remove pool '%s'",
				   path);
	return dir_sync_parent(path, err);
}

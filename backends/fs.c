/* fs.c - <pool type='fs'>: a file system on a device, mounted on the target. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/files.h"
#include "backends/fs.h"
#include "backends/mounts.h"
#include "backends/probe.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* ---- the device -------------------------------------------------------------------- */

static int find_device(const struct bp_pool *p, char **ret_path, dev_t *ret_rdev,
		       struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	auto_free char *path = NULL;
	struct stat st;

	if (src->n_devices != 1)
		return bp_fail(err, BP_INTERNAL, "expected exactly 1 device for the storage pool");
	if (mounts_resolve(src->devices[0].path, &path, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return bp_fail_sys(err, errno, "cannot find source device '%s'", path);
	if (S_ISREG(st.st_mode))
		return bp_fail(err, BP_INVALID, "source device '%s' is a file; make it a device "
			       "first (losetup --find --show '%s')", path, path);
	if (!S_ISBLK(st.st_mode))
		return bp_fail(err, BP_INVALID, "source device '%s' is no block device", path);
	*ret_rdev = st.st_rdev;
	*ret_path = steal(path);
	return 0;
}

static int held(const char *path, dev_t rdev, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = mounts_find_device(rdev, &m, err);

	if (r < 0)
		return -1;
	if (r > 0)
		return bp_fail(err, BP_BUSY, "device '%s' is mounted on '%s'", path, m.target);
	return bp_fail(err, BP_BUSY, "device '%s' is held by the kernel: it is swap, or part of "
		       "LVM, RAID or another device", path);
}

static int open_device(const char *path, dev_t rdev, int flags, int *ret_fd, struct bp_error *err)
{
	*ret_fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd < 0 && errno == EBUSY)
		return held(path, rdev, err);
	return *ret_fd < 0 ? bp_fail_sys(err, errno, "cannot open device '%s'", path) : 0;
}

/* ---- is it there ----------------------------------------------------------------------- */

/* 1: it is the pool's device that is mounted on the target. */
static int mounted_here(const struct bp_pool *p, struct mounted *ret, struct bp_error *err)
{
	struct bp_error gone = { 0 };
	auto_free char *path = NULL;
	dev_t rdev;
	int r = mounts_find(p->def->target_path, ret, err);

	if (r <= 0)
		return r;
	/* a device whose node has gone is still the one that was mounted */
	if (find_device(p, &path, &rdev, &gone) < 0)
		return ret->source && p->def->source.n_devices == 1 &&
		       strcmp(ret->source, p->def->source.devices[0].path) == 0;
	return mounted_is(ret, rdev);
}

static int fs_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = mounted_here(p, &m, err);

	*ret_active = r > 0;
	return r < 0 ? -1 : 0;
}

/* From here on the mount cannot go away: the directory is open. */
static int fs_pool_open(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r;

	if (files_pool_open(p, err) < 0)
		return -1;
	r = mounted_here(p, &m, err);
	if (r > 0)
		return 0;
	files_pool_close(p);
	return r < 0 ? -1 : bp_fail(err, BP_WRONG_STATE, "the device of pool '%s' is not mounted "
				    "on '%s'", p->def->name, p->def->target_path);
}

/* ---- start and stop ---------------------------------------------------------------------- */

/* What may be in an image of a guest shall not act on the host. */
static char *mount_options(const struct bp_pool_def *def)
{
	struct text t = { 0 };

	text_add(&t, "nodev,nosuid,noexec");
	for (size_t i = 0; i < def->n_fs_options; i++)
		text_addf(&t, ",%s", def->fs_options[i].name);
	return text_steal(&t);
}

/* The kernel would say "busy" if one of two mounts of a device were read-only. */
static int check_elsewhere(const struct bp_pool *p, const char *path, dev_t rdev, bool read_only,
			   struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = mounts_find_device(rdev, &m, err);

	if (r <= 0 || m.read_only == read_only)
		return r < 0 ? -1 : 0;
	return bp_fail(err, BP_BUSY, "device '%s' of pool '%s' is mounted on '%s' already, %s",
		       path, p->def->name, m.target, read_only ? "for writing" : "read-only");
}

static bool asks_for(const char *options, const char *word)
{
	size_t n = strlen(word);

	for (; *options; options += strcspn(options, ","), options += *options == ',')
		if (strncmp(options, word, n) == 0 && (options[n] == ',' || !options[n]))
			return true;
	return false;
}

/* The target is made when it is missing, and goes again if the mount fails. */
static int mount_there(struct bp_pool *p, const char *path, const char *type,
		       const char *options, struct bp_error *err)
{
	const char *target = p->def->target_path;
	bool missing = access(target, F_OK) < 0 && errno == ENOENT;

	if (missing && files_pool_build(p, 0, err) < 0)
		return -1;
	if (mounts_mount(path, target, type, options, err) == 0)
		return 0;
	if (missing)
		(void)rmdir(target);
	return -1;
}

static int fs_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	auto_free char *path = NULL, *found = NULL, *options = mount_options(p->def);
	auto_close int fd = -1;
	int r = mounted_here(p, &m, err);
	dev_t rdev;

	if (r != 0)
		return r;
	if (m.target)
		return bp_fail(err, BP_WRONG_STATE, "'%s' is mounted on '%s', the target of pool "
			       "'%s'; unmount it first", m.source, m.target, p->def->name);
	if (find_device(p, &path, &rdev, err) < 0 ||
	    open_device(path, rdev, O_RDONLY, &fd, err) < 0 ||
	    probe_device(fd, path, &found, err) < 0 ||
	    probe_for_use(path, found, fs_blkid_word(p->def->source.format, found), err) < 0 ||
	    check_elsewhere(p, path, rdev, asks_for(options, "ro"), err) < 0)
		return -1;
	return mount_there(p, path, found, options, err);
}

static int fs_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = mounted_here(p, &m, err);

	return r <= 0 ? r : mounts_unmount(&m, err);
}

/* ---- build -------------------------------------------------------------------------------- */

/* Not below a file system that is mounted, or used in some other way. */
static int format_device(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	auto_free char *path = NULL, *found = NULL;
	const char *format = p->def->source.format;
	auto_close int fd = -1;
	dev_t rdev;

	if (find_device(p, &path, &rdev, err) < 0 ||
	    open_device(path, rdev, O_RDWR | O_EXCL, &fd, err) < 0 ||
	    probe_device(fd, path, &found, err) < 0)
		return -1;
	if (strcmp(format, "auto") == 0 && !found)
		return bp_fail(err, BP_CONFIG, "pool '%s' does not say which file system to make "
			       "on '%s': its source needs <format type='ext4'/>, or another",
			       p->def->name, path);
	if (!(flags & BP_BUILD_OVERWRITE) &&
	    probe_for_build(path, found, fs_blkid_word(format, found), err) < 0)
		return -1;
	close(steal_fd(fd));
	return fs_make(path, strcmp(format, "auto") == 0 ? found : format, err);
}

static int fs_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	if ((flags & (BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE)) &&
	    format_device(p, flags, err) < 0)
		return -1;
	return files_pool_build(p, 0, err);
}

/* ---- grow --------------------------------------------------------------------------------- */

static int fs_pool_grow(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	auto_free char *path = NULL;
	auto_close int fd = -1;
	uint64_t size;
	dev_t rdev;

	if (mounted_here(p, &m, err) < 0 || find_device(p, &path, &rdev, err) < 0 ||
	    open_device(path, rdev, O_RDONLY, &fd, err) < 0)
		return -1;
	if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return bp_fail_sys(err, errno, "cannot tell the size of device '%s'", path);
	return fs_grow(files_dir(p), m.type, size, path, err);
}

const struct bp_backend backend_fs = {
	.type	     = "fs",

	.pool_open   = fs_pool_open,
	.pool_close  = files_pool_close,
	.pool_check  = fs_pool_check,
	.pool_build  = fs_pool_build,
	.pool_start  = fs_pool_start,
	.pool_space  = files_pool_space,
	.pool_perms  = files_pool_perms,
	.pool_grow   = fs_pool_grow,
	.pool_stop   = fs_pool_stop,
	.pool_erase  = files_pool_erase,

	.source_device = mounts_resolve,

	FILES_VOLUMES
};

/* fs.c - <pool type='fs'>: a file system on a device, mounted on the target. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/content.h"
#include "backends/files.h"
#include "backends/fs.h"
#include "backends/mounts.h"
#include "backends/probe.h"
#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* ---- the device -------------------------------------------------------------------- */

/* A block device; or a file, which is mounted through a loop device, as mount(8) does. */
struct device {
	char *path;
	struct stat st;
};

static void device_done(struct device *d)
{
	free(d->path);
}

/* The element at fault keeps whoever reads it from asking for what builds the target. */
static int no_device(const char *path, int sys, struct bp_error *err)
{
	bp_fail_sys(err, sys, "cannot find source device '%s'", path);
	snprintf(err->part, sizeof err->part, "source/device");
	return -1;
}

static int find_device(const struct bp_pool *p, struct device *ret, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	auto_free char *path = NULL;
	struct stat st;

	if (src->n_devices != 1)
		return bp_fail(err, BP_INTERNAL, "expected exactly 1 device for the storage pool");
	if (probe_resolve(src->devices[0].path, &path, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return no_device(path, errno, err);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return bp_fail(err, BP_INVALID, "source device '%s' is neither a block device nor "
			       "a file", path);
	*ret = (struct device){ steal(path), st };
	return 0;
}

static int open_device(const struct device *d, int flags, int *ret_fd, struct bp_error *err)
{
	*ret_fd = open(d->path, flags | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd < 0)
		return bp_fail_sys(err, errno, "cannot open device '%s'", d->path);
	return 0;
}

/* ---- is it there ----------------------------------------------------------------------- */

/* A part of another file system, mounted here too, is not the pool. */
static bool is_whole(const struct mounted *m)
{
	return strcmp(m->root, "/") == 0 || strcmp(m->type, "btrfs") == 0;
}

/* 1: it is the pool's device that is mounted on the target. */
static int mounted_here(const struct bp_pool *p, struct mounted *ret, struct bp_error *err)
{
	cleanup(device_done) struct device d = { 0 };
	struct bp_error gone = { 0 };
	int r = mounts_find(p->def->target_path, ret, err);

	if (r <= 0 || !is_whole(ret))
		return r < 0 ? -1 : 0;
	/* a device whose node has gone is still the one that was mounted */
	if (find_device(p, &d, &gone) < 0)
		return p->def->source.n_devices == 1 &&
		       strcmp(ret->source, p->def->source.devices[0].path) == 0;
	return mounted_is(ret, &d.st);
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

/* The kernel would say "busy" if one of two mounts of a device were read-only; and would
 * not mind that a loop device on it is mounted, whose writes it does not see.  For a file
 * libmount takes the loop device that is there. */
static int check_elsewhere(const struct bp_pool *p, const struct device *d, int fd,
			   bool read_only, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = mounts_find_source(&d->st, &m, err);

	if (r == 0 && S_ISBLK(d->st.st_mode))
		return in_use_device(d->path, fd, err);
	if (r <= 0 || m.read_only == read_only)
		return r;
	return bp_fail(err, BP_BUSY, "device '%s' of pool '%s' is mounted on '%s' already, %s",
		       d->path, p->def->name, m.target, read_only ? "for writing" : "read-only");
}

/* One number stands for all that can be wrong: what the pool's own options have to do
 * with it is told. */
static void name_options(const struct bp_pool_def *def, const char *type, struct bp_error *err)
{
	struct bp_error why = *err;
	struct text all = { 0 };

	if (why.sys != EINVAL || !def->n_fs_options)
		return;
	*err = (struct bp_error){ 0 };
	for (size_t i = 0; i < def->n_fs_options && !err->code; i++) {
		const char *option = def->fs_options[i].name;
		auto_free char *words = mounts_bad_option(type, option);

		text_addf(&all, "%s%s", i ? "," : "", option);
		if (words)
			bp_fail(err, why.code, "cannot mount on '%s' with the option '%s' of the "
				"pool's fs:mount_opts: the kernel says \"%s\"", def->target_path,
				option, words);
	}
	if (!err->code)
		bp_fail(err, why.code, "%s; the pool's fs:mount_opts are '%s'", why.text, all.s);
	err->sys = why.sys;
	text_done(&all);
}

struct mounting {
	const struct bp_pool_def *def;
	const char *device, *type, *options;
};

static int mount_device(const void *arg, const char *target, struct bp_error *err)
{
	const struct mounting *m = arg;

	if (mounts_mount(m->device, target, m->type, m->options, err) == 0)
		return 0;
	name_options(m->def, m->type, err);
	return -1;
}

static int fs_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	cleanup(device_done) struct device d = { 0 };
	auto_free char *found = NULL, *options = mounts_pool_options(p, NULL, NULL);
	auto_close int fd = -1;
	int r = mounted_here(p, &m, err);

	if (r != 0)
		return r;
	if (m.target)
		return mounts_pool_taken(p, &m, !is_whole(&m), err);
	if (find_device(p, &d, err) < 0 || open_device(&d, O_RDONLY, &fd, err) < 0 ||
	    probe_device(fd, d.path, &found, err) < 0 ||
	    probe_for_use(d.path, found, fs_blkid_word(p->def->source.format, found), err) < 0 ||
	    check_elsewhere(p, &d, fd, mounts_read_only(options), err) < 0)
		return -1;
	return mounts_pool_mount(p, mount_device,
				 &(struct mounting){ p->def, d.path, found, options }, err);
}

static int fs_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = mounted_here(p, &m, err);

	return r <= 0 ? r : mounts_unmount(&m, err);
}

/* ---- build -------------------------------------------------------------------------------- */

/* What is there counts, unless it may be overwritten; and says what the format is,
 * where the pool leaves it open. */
static int choose_format(const struct bp_pool *p, const struct device *d, int fd, bool overwrite,
			 char **ret, struct bp_error *err)
{
	bool open_format = strcmp(p->def->source.format, "auto") == 0 && !p->def->mkfs_format;
	const char *format = p->def->mkfs_format ? p->def->mkfs_format : p->def->source.format;
	auto_free char *found = NULL;

	if ((!overwrite || open_format) && probe_device(fd, d->path, &found, err) < 0)
		return -1;
	if (open_format && !found)
		return bp_fail(err, BP_CONFIG, "pool '%s' does not say which file system to make "
			       "on '%s': its source needs <format type='ext4'/>, or another",
			       p->def->name, d->path);
	if (!overwrite &&
	    probe_for_build(d->path, found, fs_blkid_word(format, found), err) < 0)
		return -1;
	*ret = open_format ? steal(found) : mem_dup(format);
	return 0;
}

/* Programs have been seen to succeed without making anything. */
static int check_made(const struct device *d, const char *format, struct bp_error *err)
{
	auto_free char *found = NULL;
	auto_close int fd = -1;

	if (open_device(d, O_RDONLY, &fd, err) < 0 ||
	    probe_device(fd, d->path, &found, err) < 0)
		return -1;
	if (found && strcmp(found, fs_blkid_word(format, found)) == 0)
		return 0;
	return bp_fail(err, BP_FAILED, "no file system of format '%s' was made on '%s'; it holds "
		       "%s", format, d->path, found ? found : "nothing known");
}

/* Not below a file system that is mounted, or used in some other way.  Everything
 * that can be refused is, before the first write. */
static int format_device(struct bp_pool *p, bool overwrite, struct bp_error *err)
{
	cleanup(device_done) struct device d = { 0 };
	cleanup(fs_plan_done) struct fs_plan plan = { 0 };
	auto_free char *format = NULL;
	auto_close int fd = -1;

	if (find_device(p, &d, err) < 0 || open_device(&d, O_RDWR, &fd, err) < 0 ||
	    choose_format(p, &d, fd, overwrite, &format, err) < 0 ||
	    in_use_device(d.path, fd, err) < 0 ||
	    fs_plan(&plan, d.path, format, p->def, err) < 0 ||
	    probe_forget(fd, d.path, err) < 0)
		return -1;
	close(steal_fd(fd));
	return fs_make(&plan, err) < 0 ? -1 : check_made(&d, format, err);
}

static int fs_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	if ((flags & (BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE)) &&
	    format_device(p, flags & BP_BUILD_OVERWRITE, err) < 0)
		return -1;
	return files_pool_build(p, 0, err);
}

/* ---- grow --------------------------------------------------------------------------------- */

/* A loop device is told that its file has grown; no other knows the request. */
static int fs_pool_grow(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	cleanup(device_done) struct device d = { 0 };
	auto_close int fd = -1;
	uint64_t size;

	if (mounted_here(p, &m, err) < 0 || find_device(p, &d, err) < 0)
		return -1;
	if (S_ISREG(d.st.st_mode))
		mem_set(&d.path, m.source);
	if (open_device(&d, O_RDONLY, &fd, err) < 0)
		return -1;
	(void)ioctl(fd, LOOP_SET_CAPACITY, 0);
	if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return bp_fail_sys(err, errno, "cannot tell the size of device '%s'", d.path);
	return fs_grow(files_dir(p), m.type, size, d.path, err);
}

const struct bp_backend backend_fs = {
	.type	     = "fs",
	.caps	     = BP_CAP_KNOWS_ACTIVE | BP_CAP_BACKING_FILES,

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

	.source_device	= probe_resolve,
	.device_content = content_read,
	.source_format	= fs_source_format,

	FILES_VOLUMES
};

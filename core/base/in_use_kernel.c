/* in_use_kernel.c - volumes the kernel uses: loop devices, swap, mounts, devices on devices. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* The kernel writes blanks in names as \040. */
static char *unescape(char *s)
{
	char *to = s;
	unsigned c;

	for (const char *from = s; *from; to++) {
		if (sscanf(from, "\\%3o", &c) == 1) {
			*to = (char)c;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return s;
}

static bool is_same(const struct in_use *u, const struct stat *st)
{
	if (S_ISBLK(u->st.st_mode))
		return S_ISBLK(st->st_mode) && st->st_rdev == u->st.st_rdev;
	return st->st_dev == u->st.st_dev && st->st_ino == u->st.st_ino;
}

static bool is_any(dev_t dev, const struct device_parts *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->devs[i] == dev)
			return true;
	return false;
}

/* ---- mounts --------------------------------------------------------------------- */

struct mount {
	dev_t dev;
	char *point, *source;
};

/* 36 35 98:0 /root /mnt/point rw,noatime shared:1 - ext4 /dev/sda1 rw */
static bool next_mount(char **rest, struct mount *ret)
{
	char *line, *tail;
	unsigned ma, mi;
	int at;

	while ((line = strsep(rest, "\n"))) {
		if (sscanf(line, "%*d %*d %u:%u %*s %n", &ma, &mi, &at) != 2)
			continue;
		tail = strstr(line + at, " - ");
		if (!tail)
			continue;
		tail += strlen(" - ");
		(void)strsep(&tail, " ");	/* the type */
		if (!tail)
			continue;
		ret->source = unescape(strsep(&tail, " "));
		line += at;
		ret->point = unescape(strsep(&line, " "));
		ret->dev = makedev(ma, mi);
		return true;
	}
	return false;
}

/* File systems that may have several devices have a number of their own. */
static bool is_mount_of(const struct mount *m, const struct device_parts *d)
{
	struct stat st;
	bool named = *m->source == '/' && stat(m->source, &st) == 0 && S_ISBLK(st.st_mode);

	return is_any(m->dev, d) || (named && is_any(st.st_rdev, d));
}

/* Where a device, or a part of it, is mounted.  The caller frees. */
static char *mounted_on(dev_t dev)
{
	auto_free char *text = sysfs_read(AT_FDCWD, "/proc/self/mountinfo");
	cleanup(device_parts_done) struct device_parts devices = device_parts(dev);
	char *rest = text;
	struct mount m;

	while (next_mount(&rest, &m))
		if (is_mount_of(&m, &devices))
			return mem_dup(m.point);
	return NULL;
}

/* What is mounted on a directory, or below it.  The caller frees. */
static char *mounted_in(const char *dir)
{
	auto_free char *text = sysfs_read(AT_FDCWD, "/proc/self/mountinfo");
	auto_free char *real = realpath(dir, NULL);
	char *rest = text;
	struct mount m;

	while (real && next_mount(&rest, &m))
		if (starts_with(m.point, real) && strchr("/", m.point[strlen(real)]))
			return mem_dup(m.point);
	return NULL;
}

int in_use_by_mount(const struct in_use *u, struct bp_error *err)
{
	auto_free char *point = S_ISBLK(u->st.st_mode) ? mounted_on(u->st.st_rdev) :
				S_ISDIR(u->st.st_mode) ? mounted_in(u->path) : NULL;

	if (!point)
		return 0;
	return bp_fail(err, BP_BUSY, S_ISDIR(u->st.st_mode) ?
		       "%s '%s' has something mounted on '%s'" :
		       "%s '%s' is mounted on '%s'", u->what, u->name, point);
}

/* ---- loop devices --------------------------------------------------------------- */

/* The name it was attached by may lead elsewhere by now, and counts only where
 * the device cannot be asked. */
static bool is_loop_of(const struct in_use *u, const char *dev, const char *name)
{
	auto_close int fd = open(dev, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct loop_info64 info;
	struct stat st;

	if (fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return stat(name, &st) == 0 && is_same(u, &st);
	if (S_ISBLK(u->st.st_mode))
		return info.lo_rdevice == u->st.st_rdev;
	return info.lo_device == u->st.st_dev && info.lo_inode == u->st.st_ino;
}

static int attached(const struct in_use *u, int sys, const char *loop, const char *dev,
		    struct bp_error *err)
{
	auto_free char *file = mem_printf("%s/dev", loop), *number = sysfs_line(sys, file);
	auto_free char *point = NULL;
	unsigned ma, mi;

	if (number && sscanf(number, "%u:%u", &ma, &mi) == 2)
		point = mounted_on(makedev(ma, mi));
	if (point)
		return bp_fail(err, BP_BUSY, "%s '%s' is attached to %s, which is mounted "
			       "on '%s'", u->what, u->name, dev, point);
	return bp_fail(err, BP_BUSY, "%s '%s' is attached to %s", u->what, u->name, dev);
}

int in_use_by_loop(const struct in_use *u, struct bp_error *err)
{
	cleanup(closedirp) DIR *sys = opendir("/sys/block");
	struct dirent *e;

	while (sys && (e = readdir(sys))) {
		auto_free char *file = NULL, *name = NULL, *dev = NULL;

		if (!starts_with(e->d_name, "loop"))
			continue;
		file = mem_printf("%s/loop/backing_file", e->d_name);
		name = sysfs_line(dirfd(sys), file);
		dev = mem_printf("/dev/%s", e->d_name);
		if (name && is_loop_of(u, dev, name))
			return attached(u, dirfd(sys), e->d_name, dev, err);
	}
	return 0;
}

/* ---- swap, and devices on devices ---------------------------------------------- */

int in_use_by_swap(const struct in_use *u, struct bp_error *err)
{
	auto_free char *text = sysfs_read(AT_FDCWD, "/proc/swaps");
	cleanup(device_parts_done) struct device_parts d = { 0 };
	char *rest = text, *line;
	struct stat st;

	if (S_ISBLK(u->st.st_mode))
		d = device_parts(u->st.st_rdev);
	while ((line = strsep(&rest, "\n"))) {
		line[strcspn(line, " \t")] = '\0';
		if (*line != '/' || stat(unescape(line), &st) < 0)
			continue;
		if (S_ISBLK(u->st.st_mode) ? S_ISBLK(st.st_mode) && is_any(st.st_rdev, &d) :
		    is_same(u, &st))
			return bp_fail(err, BP_BUSY, "%s '%s' is used as swap", u->what, u->name);
	}
	return 0;
}

int in_use_by_device(const struct in_use *u, struct bp_error *err)
{
	cleanup(device_parts_done) struct device_parts d = { 0 };

	if (!S_ISBLK(u->st.st_mode))
		return 0;
	d = device_parts(u->st.st_rdev);
	for (size_t i = 0; i < d.n; i++) {
		auto_free char *on = device_holder(d.devs[i]);

		if (on)
			return bp_fail(err, BP_BUSY, "%s '%s' is part of the device %s",
				       u->what, u->name, on);
	}
	return 0;
}

/* in_use_kernel.c - volumes the kernel uses: loop devices, swap, mounts, devices on devices. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/mountinfo.h"
#include "core/base/text.h"

/* ---- mounts --------------------------------------------------------------------- */

/* Where a device, or a part of it, is mounted.  The caller frees. */
static char *mounted_on(dev_t dev)
{
	cleanup(mountinfo_done) struct mountinfo table = { 0 };
	cleanup(device_parts_done) struct device_parts devices = device_parts(dev);
	struct bp_error ignored = { 0 };
	struct mount m;

	(void)mountinfo_open(&table, &ignored);
	while (mountinfo_next(&table, &m))
		if (mount_is_of(&m, &devices))
			return mem_dup(m.point);
	return NULL;
}

/* What is mounted on a directory, or below it.  The caller frees. */
static char *mounted_in(const char *dir)
{
	cleanup(mountinfo_done) struct mountinfo table = { 0 };
	auto_free char *real = realpath(dir, NULL);
	struct bp_error ignored = { 0 };
	struct mount m;

	(void)mountinfo_open(&table, &ignored);
	while (real && mountinfo_next(&table, &m))
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
		if (name && device_is_loop_of(dev, name, &u->st))
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
		if (*line != '/' || stat(mountinfo_unescape(line), &st) < 0)
			continue;
		if (S_ISBLK(u->st.st_mode) ? S_ISBLK(st.st_mode) && device_parts_have(&d, st.st_rdev) :
		    device_same_file(&u->st, &st))
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

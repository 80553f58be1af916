/* in_use_kernel.c - volumes the kernel uses: loop devices, swap, mounts, devices on devices. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/mountinfo.h"
#include "core/base/text.h"

/* "volume 'a'"; "'/dev/sdb1', a partition of device '/dev/sdb',".  The caller frees. */
static char *subject(const struct in_use *u, dev_t dev)
{
	auto_free char *part = NULL;

	if (!S_ISBLK(u->st.st_mode) || dev == u->st.st_rdev)
		return mem_printf("%s '%s'", u->what, u->name);
	part = device_node(dev);
	return mem_printf("'%s', a partition of %s '%s',", part, u->what, u->name);
}

/* ---- mounts --------------------------------------------------------------------- */

/* Where one of these devices is mounted, and which.  The caller frees. */
static char *mounted_on(const struct device_parts *devices, dev_t *ret_dev)
{
	cleanup(mountinfo_done) struct mountinfo table = { 0 };
	struct bp_error ignored = { 0 };
	struct mount m;

	(void)mountinfo_open(&table, &ignored);
	while (mountinfo_next(&table, &m)) {
		if (!mount_is_of(&m, devices))
			continue;
		*ret_dev = device_parts_have(devices, m.dev) ? m.dev : mount_device(&m);
		return mem_dup(m.point);
	}
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
	auto_free char *point = NULL, *who = NULL;
	dev_t dev = 0;

	point = S_ISBLK(u->st.st_mode) ? mounted_on(&u->parts, &dev) :
		S_ISDIR(u->st.st_mode) ? mounted_in(u->path) : NULL;
	if (!point)
		return 0;
	who = subject(u, dev);
	return bp_fail(err, BP_BUSY, S_ISDIR(u->st.st_mode) ? "%s has something mounted on '%s'" :
		       "%s is mounted on '%s'", who, point);
}

/* ---- loop devices --------------------------------------------------------------- */

static int attached(const struct in_use *u, dev_t dev, int sys, const char *loop,
		    struct bp_error *err)
{
	cleanup(device_parts_done) struct device_parts d = device_parts(sysfs_device(sys, loop));
	auto_free char *who = subject(u, dev), *point = NULL;
	dev_t mounted;

	point = mounted_on(&d, &mounted);
	if (point)
		return bp_fail(err, BP_BUSY, "%s is attached to /dev/%s, which is mounted "
			       "on '%s'", who, loop, point);
	return bp_fail(err, BP_BUSY, "%s is attached to /dev/%s", who, loop);
}

static bool is_below_loop(const struct in_use *u, const char *loop, const char *name,
			  dev_t *ret_dev)
{
	auto_free char *node = mem_printf("/dev/%s", loop);

	if (!S_ISBLK(u->st.st_mode))
		return device_is_loop_of(node, name, &u->st);
	*ret_dev = device_below_loop(node, name);
	return *ret_dev && device_parts_have(&u->parts, *ret_dev);
}

/* Most loop devices have no bytes, and so nobody's; to look at each takes longer than the
 * rest of most commands, so it is those that the kernel lists. */
static bool has_bytes(const char *partitions, const char *loop)
{
	auto_free char *line_end = mem_printf(" %s\n", loop);

	return !partitions || strstr(partitions, line_end);
}

int in_use_by_loop(const struct in_use *u, struct bp_error *err)
{
	cleanup(closedirp) DIR *sys = opendir("/sys/block");
	auto_free char *partitions = sysfs_read(AT_FDCWD, "/proc/partitions");
	struct dirent *e;
	dev_t dev = 0;

	while (sys && (e = readdir(sys))) {
		auto_free char *file = NULL, *name = NULL;

		if (!starts_with(e->d_name, "loop") || !has_bytes(partitions, e->d_name))
			continue;
		file = mem_printf("%s/loop/backing_file", e->d_name);
		name = sysfs_line(dirfd(sys), file);
		if (name && is_below_loop(u, e->d_name, name, &dev))
			return attached(u, dev, dirfd(sys), e->d_name, err);
	}
	return 0;
}

/* ---- swap, and devices on devices ---------------------------------------------- */

static bool is_swap_of(const struct in_use *u, const struct stat *swap)
{
	if (S_ISBLK(u->st.st_mode))
		return S_ISBLK(swap->st_mode) && device_parts_have(&u->parts, swap->st_rdev);
	return device_same_file(&u->st, swap);
}

int in_use_by_swap(const struct in_use *u, struct bp_error *err)
{
	auto_free char *text = sysfs_read(AT_FDCWD, "/proc/swaps");
	char *rest = text, *line;
	struct stat st;

	while ((line = strsep(&rest, "\n"))) {
		auto_free char *who = NULL;

		line[strcspn(line, " \t")] = '\0';
		if (*line != '/' || stat(mountinfo_unescape(line), &st) < 0 || !is_swap_of(u, &st))
			continue;
		who = subject(u, st.st_rdev);
		return bp_fail(err, BP_BUSY, "%s is used as swap", who);
	}
	return 0;
}

int in_use_by_device(const struct in_use *u, struct bp_error *err)
{
	for (size_t i = 0; i < u->parts.n; i++) {
		auto_free char *on = device_holder(u->parts.devs[i]);
		auto_free char *who = on ? subject(u, u->parts.devs[i]) : NULL;

		if (on)
			return bp_fail(err, BP_BUSY, "%s is part of the device %s", who, on);
	}
	return 0;
}

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

#define SYS "/sys/block/"

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

static int attached(const struct in_use *u, dev_t dev, const char *loop, struct bp_error *err)
{
	auto_free char *sys = mem_printf(SYS "%s", loop), *who = subject(u, dev), *point = NULL;
	cleanup(device_parts_done) struct device_parts d =
		device_parts(sysfs_device(AT_FDCWD, sys));
	dev_t mounted;

	point = mounted_on(&d, &mounted);
	if (point)
		return bp_fail(err, BP_BUSY, "%s is attached to /dev/%s, which is mounted "
			       "on '%s'", who, loop, point);
	return bp_fail(err, BP_BUSY, "%s is attached to /dev/%s", who, loop);
}

/* Where the device cannot be asked, what it was attached by must do. */
static bool below_loop(const char *loop, struct stat *ret)
{
	auto_free char *node = mem_printf("/dev/%s", loop), *file = NULL, *name = NULL;

	if (device_ask_loop(node, ret))
		return true;
	file = mem_printf(SYS "%s/loop/backing_file", loop);
	name = sysfs_line(AT_FDCWD, file);
	return name && stat(name, ret) == 0;
}

static bool is_below_loop(const struct in_use *u, const char *loop, dev_t *ret_dev)
{
	struct stat st;

	if (!below_loop(loop, &st))
		return false;
	if (!S_ISBLK(u->st.st_mode))
		return device_same_file(&u->st, &st);
	*ret_dev = S_ISBLK(st.st_mode) ? st.st_rdev : 0;
	return *ret_dev && device_parts_have(&u->parts, *ret_dev);
}

/* All there are, each at the end of a line.  Most have no bytes, and so nobody's; to look at
 * each takes longer than the rest of most commands, so it is those that the kernel lists. */
static char *loops(void)
{
	char *listed = sysfs_read(AT_FDCWD, "/proc/partitions");
	cleanup(closedirp) DIR *sys = listed ? NULL : opendir(SYS);
	struct text names = { 0 };
	struct dirent *e;

	while (sys && (e = readdir(sys)))
		text_addf(&names, " %s\n", e->d_name);
	return listed ? listed : text_steal(&names);
}

/* The name at the end of a line; NULL: it is none of a loop device, or of a part of one. */
static const char *loop_in(const char *line)
{
	const char *name = strrchr(line, ' ');

	return name && starts_with(++name, "loop") && !name[4 + strspn(name + 4, "0123456789")] ?
	       name : NULL;
}

int in_use_by_loop(const struct in_use *u, struct bp_error *err)
{
	auto_free char *text = loops();
	char *rest = text, *line;
	dev_t dev = 0;

	while ((line = strsep(&rest, "\n"))) {
		const char *loop = loop_in(line);

		if (loop && is_below_loop(u, loop, &dev))
			return attached(u, dev, loop, err);
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

/* device.c - see device.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/device.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define TABLE_MAX (64u << 20)	/* mounts on a host with very many containers */

char *sysfs_read(int dir, const char *name)
{
	struct bp_error ignored = { 0 };
	char *text = NULL;
	size_t len;

	(void)file_read(dir, name, TABLE_MAX, &text, &len, &ignored);
	return text;
}

char *sysfs_line(int dir, const char *name)
{
	char *text = sysfs_read(dir, name);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

char *device_sysfs(dev_t dev, const char *more)
{
	return mem_printf("/sys/dev/block/%u:%u%s", major(dev), minor(dev), more);
}

dev_t sysfs_device(int dir, const char *name)
{
	auto_free char *file = mem_printf("%s/dev", name), *number = sysfs_line(dir, file);
	unsigned ma, mi;

	return number && sscanf(number, "%u:%u", &ma, &mi) == 2 ? makedev(ma, mi) : 0;
}

/* Every device that has an entry of its own in a directory, or its partitions only. */
static void add_all(struct device_parts *d, const char *path, bool partitions)
{
	cleanup(closedirp) DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_free char *mark = mem_printf("%s/partition", e->d_name);
		dev_t dev;

		if (*e->d_name == '.' ||
		    (partitions && faccessat(dirfd(dir), mark, F_OK, 0) < 0))
			continue;
		dev = sysfs_device(dirfd(dir), e->d_name);
		if (dev)
			*array_add(d->devs, d->n) = dev;
	}
}

struct device_parts device_parts(dev_t dev)
{
	auto_free char *path = device_sysfs(dev, "");
	struct device_parts d = { 0 };

	*array_add(d.devs, d.n) = dev;
	add_all(&d, path, true);
	return d;
}

struct device_parts device_slaves(dev_t dev)
{
	auto_free char *path = device_sysfs(dev, "/slaves");
	struct device_parts d = { 0 };

	add_all(&d, path, false);
	return d;
}

bool device_parts_have(const struct device_parts *d, dev_t dev)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->devs[i] == dev)
			return true;
	return false;
}

struct device_parts device_siblings(dev_t dev)
{
	cleanup(closedirp) DIR *dir = opendir("/sys/fs/btrfs");
	struct device_parts none = { 0 };
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_free char *path = mem_printf("/sys/fs/btrfs/%s/devices", e->d_name);
		struct device_parts d = { 0 };

		if (*e->d_name != '.')
			add_all(&d, path, false);
		if (device_parts_have(&d, dev))
			return d;
		device_parts_done(&d);
	}
	*array_add(none.devs, none.n) = dev;
	return none;
}

dev_t device_disk(dev_t dev)
{
	auto_free char *mark = device_sysfs(dev, "/partition");
	auto_free char *above = device_sysfs(dev, "");
	auto_close int dir = -1;
	dev_t disk;

	if (access(mark, F_OK) < 0)
		return dev;
	dir = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	disk = dir < 0 ? 0 : sysfs_device(dir, "..");
	return disk ? disk : dev;
}

char *device_node(dev_t dev)
{
	auto_free char *path = device_sysfs(dev, ""), *real = realpath(path, NULL);
	char *node = real ? mem_printf("/dev/%s", strrchr(real, '/') + 1) :
			    mem_printf("%u:%u", major(dev), minor(dev));

	for (char *c = node; *c; c++)	/* the kernel writes a slash in a name as '!' */
		if (*c == '!')
			*c = '/';
	return node;
}

void device_parts_done(struct device_parts *d)
{
	free(d->devs);
}

char *device_holder(dev_t dev)
{
	auto_free char *path = device_sysfs(dev, "/holders");
	cleanup(closedirp) DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_free char *file = NULL, *name = NULL;

		if (*e->d_name == '.')
			continue;
		file = mem_printf("%s/dm/name", e->d_name);
		name = sysfs_line(dirfd(dir), file);
		return name ? mem_printf("%s (%s)", e->d_name, name) : mem_dup(e->d_name);
	}
	return NULL;
}

bool device_same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode))
		return S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool device_ask_loop(const char *dev, struct stat *ret)
{
	auto_close int fd = open(dev, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct loop_info64 info = { 0 };	/* also for valgrind, which knows no such request */

	if (fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return false;
	*ret = (struct stat){
		.st_mode = info.lo_rdevice ? S_IFBLK : S_IFREG, .st_rdev = info.lo_rdevice,
		.st_dev = info.lo_device, .st_ino = info.lo_inode,
	};
	return true;
}

bool device_is_loop_of(const char *dev, const char *name, const struct stat *file)
{
	struct stat st;

	return (device_ask_loop(dev, &st) || stat(name, &st) == 0) && device_same_file(file, &st);
}

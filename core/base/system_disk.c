/* system_disk.c - see system_disk.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/system_disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"
#include "core/base/mountinfo.h"

static const char *const system_dirs[] = { "/", "/boot", "/boot/efi", "/efi", "/usr", "/etc",
					   "/var" };

/* One look down from a directory or from swap.  What an overlay names may be seen
 * from inside it, and lead to itself: nothing is looked at twice. */
struct look {
	struct system_disks *found;
	const char *holds, *mounts;	/* mounts: the text of mountinfo */
	struct device_parts seen;
};

const char *system_disk_holds(const struct system_disks *s, dev_t disk)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->disks[i].disk == disk)
			return s->disks[i].holds;
	return NULL;
}

static void look_below(struct look *l, dev_t dev);

static struct mountinfo table_of(const char *text)
{
	char *copy = mem_dup(text);

	return (struct mountinfo){ copy, copy };
}

static void look_below_file(struct look *l, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		look_below(l, S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev);
}

/* lowerdir=/a:/b,upperdir=/c,workdir=/d */
static void look_below_overlay(struct look *l, const char *text)
{
	auto_free char *options = mem_dup(text);
	char *rest = options, *option, *dir;

	while ((option = strsep(&rest, ","))) {
		char *dirs = strchr(option, '=');

		if (!dirs || !strstr(option, "dir="))
			continue;
		dirs++;
		while ((dir = strsep(&dirs, ":")))
			if (*dir == '/')
				look_below_file(l, dir);
	}
}

/* A file system whose number is no device's. */
static void look_below_files(struct look *l, dev_t dev)
{
	cleanup(mountinfo_done) struct mountinfo table = table_of(l->mounts);
	struct mount m;

	while (mountinfo_next(&table, &m)) {
		if (m.dev != dev)
			continue;
		if (strcmp(m.type, "overlay") == 0)
			look_below_overlay(l, m.options);
		else if (mount_device(&m) != dev)
			look_below(l, mount_device(&m));
	}
}

static bool look_below_slaves(struct look *l, dev_t dev)
{
	cleanup(device_parts_done) struct device_parts slaves = device_slaves(dev);

	for (size_t i = 0; i < slaves.n; i++)
		look_below(l, slaves.devs[i]);
	return slaves.n;
}

static void look_below_disk(struct look *l, dev_t disk)
{
	auto_free char *file = device_sysfs(disk, "/loop/backing_file");
	auto_free char *backing = sysfs_line(AT_FDCWD, file);
	struct system_disk *d;

	if (!system_disk_holds(l->found, disk)) {
		d = array_add(l->found->disks, l->found->n);
		d->disk = disk;
		d->holds = mem_dup(l->holds);
	}
	if (backing)
		look_below_file(l, backing);
}

static void look_below(struct look *l, dev_t dev)
{
	cleanup(device_parts_done) struct device_parts all = { 0 };

	if (device_parts_have(&l->seen, dev))
		return;
	*array_add(l->seen.devs, l->seen.n) = dev;
	if (!major(dev)) {
		look_below_files(l, dev);
		return;
	}
	all = device_siblings(dev);
	for (size_t i = 0; i < all.n; i++) {
		look_below_disk(l, device_disk(all.devs[i]));
		if (!look_below_slaves(l, all.devs[i]))
			look_below_slaves(l, device_disk(all.devs[i]));
	}
}

bool system_dir(const char *path)
{
	for (size_t i = 0; i < array_size(system_dirs); i++)
		if (strcmp(system_dirs[i], path) == 0)
			return true;
	return false;
}

static void look_at_mounts(struct system_disks *found, const char *file)
{
	auto_free char *all = sysfs_read(AT_FDCWD, file);
	cleanup(mountinfo_done) struct mountinfo table = table_of(all);
	struct mount m;

	while (mountinfo_next(&table, &m)) {
		auto_free char *holds = mem_printf("'%s'", m.point);
		struct look l = { .found = found, .holds = holds, .mounts = all };

		if (system_dir(m.point))
			look_below(&l, m.dev);
		device_parts_done(&l.seen);
	}
}

static void look_at_swaps(struct system_disks *found)
{
	auto_free char *all = sysfs_read(AT_FDCWD, "/proc/self/mountinfo");
	auto_free char *text = sysfs_read(AT_FDCWD, "/proc/swaps");
	struct look l = { .found = found, .holds = "swap", .mounts = all };
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		line[strcspn(line, " \t")] = '\0';
		if (*line == '/')
			look_below_file(&l, mountinfo_unescape(line));
	}
	device_parts_done(&l.seen);
}

struct system_disks system_disks(void)
{
	struct system_disks found = { 0 };

	look_at_mounts(&found, "/proc/self/mountinfo");
	look_at_mounts(&found, "/proc/1/mountinfo");
	look_at_swaps(&found);
	return found;
}

void system_disks_done(struct system_disks *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->disks[i].holds);
	free(s->disks);
}

/* disk_kernel.c - the partitions the kernel knows: told one by one (BLKPG).
 *
 * It makes a node for each, or udev does.  Where neither is (a /dev of files, as
 * in a small initramfs or a container), the node is made and removed here.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backends/disk.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Of an extended partition the kernel knows the record, no more: nobody shall make
 * a file system on it. */
static uint64_t known_size(const struct disk *d, const struct disk_part *p)
{
	uint64_t record = d->shape.sector > 1024 ? d->shape.sector : 1024;

	return p->kind == DISK_EXTENDED && p->size > record ? record : p->size;
}

static int tell(const struct disk *d, int what, const struct disk_part *p)
{
	struct blkpg_partition part = {
		.start = (long long)p->start, .length = (long long)known_size(d, p),
		.pno = (int)p->number,
	};
	struct blkpg_ioctl_arg arg = { .op = what, .datalen = sizeof part, .data = &part };

	return ioctl(d->fd, BLKPG, &arg);
}

/* ---- what it knows ---------------------------------------------------------------------- */

static bool number_in(int dir, const char *entry, const char *file, uint64_t *ret)
{
	auto_free char *name = mem_printf("%s/%s", entry, file), *line = sysfs_line(dir, name);

	return line && parse_number(line, 10, ret);
}

void disk_kernel_parts(const struct disk *d, struct disk_parts *ret)
{
	auto_free char *path = device_sysfs(d->dev, "");
	cleanup(closedirp) DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		uint64_t number, start, size;
		struct disk_part *p;

		if (*e->d_name == '.' || !number_in(dirfd(dir), e->d_name, "partition", &number) ||
		    !number_in(dirfd(dir), e->d_name, "start", &start) ||
		    !number_in(dirfd(dir), e->d_name, "size", &size))
			continue;
		p = array_add(ret->all, ret->n);
		p->number = (unsigned)number;
		p->start = start * 512;
		p->size = size * 512;
	}
}

int disk_kernel_listens(const struct disk *d, struct bp_error *err)
{
	if (!d->mapped)
		return 0;
	return bp_fail(err, BP_UNSUPPORTED, "'%s' is made by device-mapper, and of such the kernel "
		       "keeps no partitions: change its table with sfdisk, and let 'kpartx -u %s' "
		       "map them", d->path, d->path);
}

/* Made by kpartx, or whoever does as it does: on this device, and "part1-" in its UUID. */
static bool mapped_number(const struct disk *d, unsigned number, dev_t *ret)
{
	auto_free char *node = disk_part_node(d, number), *of = NULL, *slave = NULL, *uuid = NULL;
	auto_free char *begin = mem_printf("part%u-", number), *itself = NULL, *dir = NULL;
	struct stat st;

	if (stat(node, &st) < 0 || !S_ISBLK(st.st_mode))
		return false;
	itself = device_sysfs(d->dev, "");
	dir = realpath(itself, NULL);
	of = mem_printf("/slaves/%s", dir ? strrchr(dir, '/') + 1 : "");
	slave = device_sysfs(st.st_rdev, of);
	free(steal(of));
	of = device_sysfs(st.st_rdev, "/dm/uuid");
	uuid = sysfs_line(AT_FDCWD, of);
	*ret = st.st_rdev;
	return dir && access(slave, F_OK) == 0 && uuid && starts_with(uuid, begin);
}

/* By its name for it: "loop0p1" in the directory of loop0. */
static bool partition_number(const struct disk *d, unsigned number, dev_t *ret)
{
	auto_free char *link = device_sysfs(d->dev, ""), *dir = realpath(link, NULL);
	auto_free char *file = NULL, *line = NULL;
	const char *name = dir ? strrchr(dir, '/') + 1 : "";
	unsigned ma, mi;

	if (!*name)
		return false;
	file = mem_printf("%s/%s%s%u/dev", dir, name,
			  isdigit((unsigned char)name[strlen(name) - 1]) ? "p" : "", number);
	line = sysfs_line(AT_FDCWD, file);
	if (!line || sscanf(line, "%u:%u", &ma, &mi) != 2)
		return false;
	*ret = makedev(ma, mi);
	return true;
}

bool disk_kernel_number(const struct disk *d, unsigned number, dev_t *ret)
{
	return d->mapped ? mapped_number(d, number, ret) : partition_number(d, number, ret);
}

/* ---- nodes ------------------------------------------------------------------------------- */

static bool leads_to(const char *node, dev_t dev)
{
	struct stat st;

	return stat(node, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dev;
}

/* What the node of one that is no more leads to may be anybody's by now. */
static void node_appears(const struct disk *d, unsigned number)
{
	auto_free char *node = disk_part_node(d, number);
	dev_t dev;

	if (!disk_kernel_number(d, number, &dev) || leads_to(node, dev))
		return;
	if (blocks_have_udev()) {
		(void)blocks_wait_for(node, true);
		return;
	}
	(void)unlink(node);
	(void)mknod(node, S_IFBLK | 0600, dev);
}

/* What has the name, but is another device, is left alone. */
static void node_vanishes(const struct disk *d, unsigned number, bool had, dev_t was)
{
	auto_free char *node = disk_part_node(d, number);
	struct stat st;

	if (!blocks_wait_for(node, false) && !blocks_have_udev() && had &&
	    lstat(node, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == was)
		(void)unlink(node);
}

/* ---- telling it --------------------------------------------------------------------------- */

static bool is_in(const struct disk_parts *parts, const struct disk_part *p)
{
	const struct disk_part *same = disk_part_find(parts, p->number);

	return same && same->start == p->start;
}

static int add_one(const struct disk *d, const struct disk_part *p)
{
	int r = tell(d, BLKPG_ADD_PARTITION, p);

	if (r < 0 && errno == EBUSY && tell(d, BLKPG_DEL_PARTITION, p) == 0)	/* an old one */
		r = tell(d, BLKPG_ADD_PARTITION, p);
	if (r == 0)
		node_appears(d, p->number);
	return r;
}

/* 0, or -1 and errno: ENXIO, which it says of one that it does not know, is none. */
static int remove_one(const struct disk *d, const struct disk_part *p)
{
	dev_t was = 0;
	bool had = !blocks_have_udev() && disk_kernel_number(d, p->number, &was);
	int r = tell(d, BLKPG_DEL_PARTITION, p);

	/* whoever looked at it a moment ago will be done soon, as udev will */
	for (int i = 0; r < 0 && errno == EBUSY && i < 50; i++) {
		blocks_pause();
		r = tell(d, BLKPG_DEL_PARTITION, p);
	}
	if (r < 0 && errno != ENXIO)
		return -1;
	node_vanishes(d, p->number, had, was);
	return 0;
}

/* Where it would be in a table, under whichever number. */
static const struct disk_part *same_place(const struct disk_parts *parts, uint64_t start)
{
	for (size_t i = 0; i < parts->n; i++)
		if (parts->all[i].start == start)
			return &parts->all[i];
	return NULL;
}

/* The kernel refuses, and will not be forced. */
static int busy(const struct disk *d, const struct disk_part *p, const struct disk_parts *new,
		struct bp_error *err)
{
	const struct disk_part *moved = same_place(new, p->start);
	auto_free char *node = disk_part_node(d, p->number);
	auto_close int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || in_use_disk(node, fd, err) == 0)
		bp_fail(err, BP_BUSY, "device '%s' is in use: the kernel says that somebody has it "
			"open", node);
	if (err->code == BP_BUSY)
		err->sys = EBUSY;
	if (moved && moved->number != p->number)
		bp_within(err, "partition %u would become partition %u", p->number, moved->number);
	return -1;
}

static void add_back(struct disk *d, const struct disk_parts *old, const struct disk_parts *new,
		     size_t n)
{
	while (n--)
		if (!is_in(new, &old->all[n]))
			(void)add_one(d, &old->all[n]);
}

int disk_kernel_remove(struct disk *d, const struct disk_parts *old,
		       const struct disk_parts *new, struct bp_error *err)
{
	for (size_t i = 0; i < old->n; i++) {
		int sys;

		if (is_in(new, &old->all[i]) || remove_one(d, &old->all[i]) == 0)
			continue;
		sys = errno;
		add_back(d, old, new, i);
		if (sys == EBUSY)
			return busy(d, &old->all[i], new, err);
		return bp_fail_sys(err, sys, "cannot take partition %u of '%s' from the kernel",
				   old->all[i].number, d->path);
	}
	return 0;
}

static int tell_of(struct disk *d, const struct disk_parts *old, const struct disk_part *p)
{
	const struct disk_part *before = disk_part_find(old, p->number);

	if (!before || before->start != p->start)
		return add_one(d, p);
	if (known_size(d, before) == known_size(d, p))
		return 0;
	if (tell(d, BLKPG_RESIZE_PARTITION, p) == 0)
		return 0;
	return errno == ENXIO ? add_one(d, p) : -1;
}

static void take_back(struct disk *d, const struct disk_parts *old, const struct disk_parts *new,
		      size_t n)
{
	while (n--) {
		const struct disk_part *p = &new->all[n];
		const struct disk_part *before = disk_part_find(old, p->number);

		if (!before || before->start != p->start)
			(void)remove_one(d, p);
		else if (known_size(d, before) != known_size(d, p))
			(void)tell(d, BLKPG_RESIZE_PARTITION, before);
	}
}

int disk_kernel_add(struct disk *d, const struct disk_parts *old,
		    const struct disk_parts *new, struct bp_error *err)
{
	for (size_t i = 0; i < new->n; i++) {
		int sys;

		if (tell_of(d, old, &new->all[i]) == 0)
			continue;
		sys = errno;
		take_back(d, old, new, i);
		return bp_fail_sys(err, sys, "the kernel does not take partition %u of '%s'",
				   new->all[i].number, d->path);
	}
	return 0;
}

void disk_kernel_restore(struct disk *d, const struct disk_parts *parts)
{
	struct disk_parts there = { 0 };

	if (d->mapped)
		return;
	disk_kernel_parts(d, &there);
	for (size_t i = 0; i < there.n; i++)
		if (!is_in(parts, &there.all[i]))
			(void)remove_one(d, &there.all[i]);
	for (size_t i = 0; i < parts->n; i++)
		if (tell_of(d, &there, &parts->all[i]) == 0)
			node_appears(d, parts->all[i].number);
	free(there.all);
}

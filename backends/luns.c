/* luns.c - see luns.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/luns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define DEVICES "/sys/bus/scsi/devices"
#define WAITS	500		/* of 10 ms: until the kernel has made disks of LUNs */

enum { TYPE_DISK = 0, TYPE_OPTICAL = 5, TYPE_SIMPLE_DISK = 14 };

int luns_write(const char *path, const char *line, struct bp_error *err)
{
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return bp_fail_sys(err, errno, "cannot open '%s'", path);
	if (retry(write(fd, line, strlen(line))) < 0)
		return bp_fail_sys(err, errno, "the kernel does not take '%s' in '%s'", line, path);
	return 0;
}

/* ---- one ------------------------------------------------------------------------------ */

static unsigned type_of(int dir, const char *place)
{
	auto_free char *file = mem_printf("%s/type", place), *type = sysfs_line(dir, file);
	uint64_t n;

	return type && parse_number(type, 10, &n) ? (unsigned)n : 0x1f;
}

static bool is_disk(unsigned type)
{
	return type == TYPE_DISK || type == TYPE_OPTICAL || type == TYPE_SIMPLE_DISK;
}

/* The kernel's word for the disk, or NULL: not one yet.  The caller frees. */
static char *disk_name(int dir, const char *place)
{
	auto_free char *file = mem_printf("%s/block", place);
	auto_close int fd = openat(dir, file, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(closedirp) DIR *block = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!block)
		return NULL;
	fd = -1;	/* it is the directory's */
	while ((e = readdir(block)))
		if (*e->d_name != '.')
			return mem_dup(e->d_name);
	return NULL;
}

static uint64_t number_in(int dir, const char *place, const char *name)
{
	auto_free char *file = mem_printf("%s/%s", place, name), *text = sysfs_line(dir, file);
	uint64_t n;

	return text && parse_number(text, 10, &n) ? n : 0;
}

/* "running" and "created" are as it should be. */
static char *problem_of(int dir, const char *place)
{
	auto_free char *file = mem_printf("%s/state", place), *state = sysfs_line(dir, file);

	return !state || strcmp(state, "running") == 0 || strcmp(state, "created") == 0 ? NULL :
	       mem_printf("cannot be reached: the kernel says it is '%s'", state);
}

/* Devices that come and go while we look are there or not. */
static void add(int dir, const char *place, const struct luns_place *at, struct found *f)
{
	auto_free char *disk = disk_name(dir, place), *block = NULL, *size = NULL;
	struct found_device *d;
	dev_t dev;

	if (!disk)
		return;
	block = mem_printf("%s/block/%s", place, disk);
	size = mem_printf("block/%s/size", disk);
	dev = sysfs_device(dir, block);
	if (!dev)
		return;
	d = found_add(f);
	d->name = mem_printf("unit:%u:%u:%llu", at->bus, at->target, at->lun);
	d->dev = dev;
	d->node = device_node(dev);
	d->size = number_in(dir, place, size) * 512;	/* always: whatever its sectors */
	d->problem = problem_of(dir, place);
}

/* ---- all of a host ---------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	struct luns_place x = { 0 }, y = { 0 };

	(void)luns_place_read(*(char *const *)a, &x);
	(void)luns_place_read(*(char *const *)b, &y);
	if (x.bus != y.bus)
		return x.bus < y.bus ? -1 : 1;
	if (x.target != y.target)
		return x.target < y.target ? -1 : 1;
	return x.lun < y.lun ? -1 : x.lun > y.lun;
}

struct luns_places {
	int dir;
	char **all;
	size_t n;
};

static void places_done(struct luns_places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->all[i]);
	free(p->all);
	if (p->dir >= 0)
		close(p->dir);
}

/* What could be disks, in order. */
static int places_read(unsigned host, struct luns_places *ret, struct bp_error *err)
{
	cleanup(closedirp) DIR *dir = opendir(DEVICES);
	struct luns_place at;
	struct dirent *e;

	ret->dir = dir ? fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 0) : -1;
	if (ret->dir < 0)
		return bp_fail_sys(err, errno, "cannot look for disks in '%s'", DEVICES);
	while ((e = readdir(dir)))
		if (luns_place_read(e->d_name, &at) && at.host == host &&
		    is_disk(type_of(ret->dir, e->d_name)))
			*array_add(ret->all, ret->n) = mem_dup(e->d_name);
	if (ret->n)
		qsort(ret->all, ret->n, sizeof *ret->all, by_place);
	return 0;
}

int luns_look(unsigned host, struct found *f, struct bp_error *err)
{
	cleanup(places_done) struct luns_places all = { .dir = -1 };

	if (places_read(host, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		struct luns_place at = { 0 };

		if (luns_place_read(all.all[i], &at))
			add(all.dir, all.all[i], &at, f);
	}
	return 0;
}

size_t luns_count(unsigned host)
{
	cleanup(closedirp) DIR *dir = opendir(DEVICES);
	struct luns_place at;
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += luns_place_read(e->d_name, &at) && at.host == host;
	return n;
}

/* ---- scanning --------------------------------------------------------------------------- */

/* Disks are made of LUNs beside the scan.  One that nothing can be made of, since its
 * driver is not there, is not waited for longer than this. */
static bool all_are_disks(unsigned host)
{
	cleanup(places_done) struct luns_places all = { .dir = -1 };
	struct bp_error ignored = { 0 };

	if (places_read(host, &all, &ignored) < 0)
		return true;
	for (size_t i = 0; i < all.n; i++) {
		auto_free char *disk = disk_name(all.dir, all.all[i]);

		if (!disk && type_of(all.dir, all.all[i]) != TYPE_OPTICAL)
			return false;
	}
	return true;
}

int luns_scan(unsigned host, struct bp_error *err)
{
	auto_free char *path = mem_printf("/sys/class/scsi_host/host%u/scan", host);

	if (luns_write(path, "- - -", err) < 0)
		return -1;
	for (int i = 0; i < WAITS && !all_are_disks(host); i++)
		blocks_pause();
	return 0;
}

/* Where a disk is in /sys.  The caller frees. */
static char *device_file(unsigned host, const struct found_device *d, const char *file)
{
	return mem_printf(DEVICES "/%u:%s/%s", host, d->name + strlen("unit:"), file);
}

int luns_forget(unsigned host, const struct found_device *d, struct bp_error *err)
{
	auto_free char *path = device_file(host, d, "delete");

	if (access(path, F_OK) < 0)	/* it has gone by itself */
		return 0;
	return luns_write(path, "1", err);
}

static bool is_unused(const struct found_device *d)
{
	auto_close int fd = open(d->node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct bp_error used = { 0 };

	return fd >= 0 && in_use_device(d->node, fd, &used) == 0;
}

int luns_rescan(unsigned host, struct bp_error *err)
{
	cleanup(found_done) struct found f = { 0 };
	struct bp_error ignored = { 0 };

	if (luns_look(host, &f, err) < 0)
		return -1;
	for (size_t i = 0; i < f.n; i++) {
		const struct found_device *d = &f.all[i];
		auto_free char *rescan = device_file(host, d, "rescan");

		if (d->problem)		/* it would not answer */
			continue;
		if (luns_ask(d->node) != LUN_NOT_THERE)
			(void)luns_write(rescan, "1", &(struct bp_error){ 0 });
		else if (is_unused(d))
			(void)luns_forget(host, d, &ignored);
	}
	return luns_scan(host, err);
}

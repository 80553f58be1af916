/* device_list.c - see device_list.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/device_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* ---- facts of /sys ------------------------------------------------------------------- */

static uint64_t number(int dir, const char *name)
{
	auto_free char *line = sysfs_line(dir, name);
	uint64_t n;

	return line && parse_number(line, 10, &n) ? n : 0;
}

static bool has(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

/* Whoever reads from what cannot answer waits, and cannot be killed. */
static const char *problem(int dir)
{
	auto_free char *state = sysfs_line(dir, "device/state");

	if (state && strcmp(state, "running") != 0 && strcmp(state, "live") != 0)
		return "it does not answer";
	if (number(dir, "dm/suspended"))
		return "it is suspended";
	return NULL;
}

/* ---- disks and their partitions --------------------------------------------------------- */

static const struct { const char *prefix, *kind; } kinds[] = {
	{ "ram", NULL }, { "zram", NULL }, { "sr", NULL }, { "fd", NULL }, { "mtdblock", NULL },
	{ "loop", "loop" }, { "dm-", "dm" }, { "md", "md" }, { "", "disk" },
};

static const char *kind_of(const char *name)
{
	size_t i = 0;

	while (!starts_with(name, kinds[i].prefix))
		i++;
	return kinds[i].kind;
}

/* By the name somebody has given it, where there is a node of that name. */
static char *path_of(int dir, dev_t dev)
{
	auto_free char *mapped = sysfs_line(dir, "dm/name");
	auto_free char *path = mapped ? mem_printf("/dev/mapper/%s", mapped) : NULL;
	struct stat st;

	if (path && stat(path, &st) == 0 && st.st_rdev == dev)
		return steal(path);
	return device_node(dev);
}

static void add_partition(struct device_list *list, int disk, const char *name, size_t parent)
{
	auto_close int dir = openat(disk, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct device *whole;
	struct device *d;
	dev_t dev;

	if (dir < 0 || !has(dir, "partition"))
		return;
	dev = sysfs_device(dir, ".");
	d = array_add(list->devices, list->n);
	whole = &list->devices[parent];
	*d = (struct device){
		.dev = dev, .disk = whole->dev, .path = device_node(dev),
		.kind = "partition", .size = number(dir, "size") * 512,
		.read_only = number(dir, "ro"), .empty = true, .problem = whole->problem,
	};
	list->devices[parent].empty = false;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static void each_entry(int dir, const char *path,
		       void (*each)(struct device_list *list, int dir, const char *name, size_t at),
		       struct device_list *list, size_t at)
{
	struct dirent **names = NULL;
	int n = scandirat(dir, path, &names, NULL, by_name);

	for (int i = 0; i < n; i++) {
		if (*names[i]->d_name != '.')
			each(list, dir, names[i]->d_name, at);
		free(names[i]);
	}
	free(names);
}

static void add_disk(struct device_list *list, int sys, const char *name, size_t unused)
{
	auto_close int dir = -1;
	const char *kind = kind_of(name);
	struct device *d;
	uint64_t size;
	dev_t dev;

	(void)unused;
	if (!kind)
		return;
	dir = openat(sys, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size = number(dir, "size") * 512;
	dev = sysfs_device(dir, ".");
	if (!size || !dev || number(dir, "hidden"))
		return;
	d = array_add(list->devices, list->n);
	*d = (struct device){
		.dev = dev, .disk = dev, .path = path_of(dir, dev), .kind = kind, .size = size,
		.read_only = number(dir, "ro"), .empty = true, .problem = problem(dir),
	};
	each_entry(dir, ".", add_partition, list, list->n - 1);
}

/* ---- names that stay ----------------------------------------------------------------------- */

/* Of several the one people know: neither a number of the interface nor what
 * is in it at the moment. */
static bool is_better(const char *name, const char *than)
{
	static const char *const poor[] = { "wwn-", "nvme-eui.", "lvm-pv-", "md-uuid-",
					    "dm-uuid-" };
	bool a = false, b = false;

	for (size_t i = 0; i < array_size(poor); i++) {
		a = a || starts_with(name, poor[i]);
		b = b || starts_with(than, poor[i]);
	}
	return a != b ? b : strcmp(name, than) < 0;
}

static void note_link(struct device_list *list, int dir, const char *name, size_t unused)
{
	const char *dirname = "/dev/disk/by-id/";
	struct stat st;

	(void)unused;
	if (fstatat(dir, name, &st, 0) < 0 || !S_ISBLK(st.st_mode))
		return;
	for (size_t i = 0; i < list->n; i++) {
		struct device *d = &list->devices[i];

		if (d->dev != st.st_rdev)
			continue;
		if (d->link && !is_better(name, d->link + strlen(dirname)))
			return;
		free(d->link);
		d->link = mem_printf("%s%s", dirname, name);
	}
}

struct device_list device_list(void)
{
	auto_close int sys = open("/sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int ids = open("/dev/disk/by-id", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct device_list list = { 0 };

	if (sys >= 0)
		each_entry(sys, ".", add_disk, &list, 0);
	if (ids >= 0)
		each_entry(ids, ".", note_link, &list, 0);
	return list;
}

void device_list_done(struct device_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->devices[i].path);
		free(list->devices[i].link);
	}
	free(list->devices);
}

const struct device *device_list_find(const struct device_list *list, dev_t dev)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->devices[i].dev == dev)
			return &list->devices[i];
	return NULL;
}

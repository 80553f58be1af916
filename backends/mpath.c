/* mpath.c - <pool type='mpath'>: the multipath devices of this machine. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/mpath.h"

#include <errno.h>
#include <libdevmapper.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "backends/found.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define CONTROL "/dev/mapper/control"

static void task_donep(struct dm_task **t)
{
	if (*t)
		dm_task_destroy(*t);
}

/* What fails, fails with an errno; the library's own words go nowhere. */
__attribute__((format(printf, 5, 6)))
static void say_nothing(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	(void)fmt;
}

/* The answer to a question about one device, or all; NULL and errno. */
static struct dm_task *ask(int type, const char *device)
{
	cleanup(task_donep) struct dm_task *t = dm_task_create(type);

	errno = 0;
	if (t && (!device || dm_task_set_name(t, device)) && dm_task_no_flush(t) && dm_task_run(t))
		return steal(t);
	if (!errno)
		errno = t ? dm_task_get_errno(t) : ENOMEM;
	return NULL;
}

/* A device's first target, which says what the device is; NULL: none. */
static const char *first_target(struct dm_task *t, const char **ret_words)
{
	char *type = NULL, *words = NULL;
	uint64_t start, len;

	(void)dm_get_next_target(t, NULL, &start, &len, &type, &words);
	*ret_words = words ? words : "";
	return type;
}

static uint64_t size_of(struct dm_task *t)
{
	uint64_t start, len, end = 0;
	char *type, *words;
	void *next = NULL;

	do {
		next = dm_get_next_target(t, next, &start, &len, &type, &words);
		if (type && start + len > end)
			end = start + len;
	} while (next);
	return end * 512;
}

/* "8:32 8:48" as the kernel calls them; one that has gone keeps its number. */
static char *names_of(const char *numbers)
{
	struct text names = { 0 };

	for (const char *p = numbers; *p; p += strspn(p, " ")) {
		const char *end = p + strcspn(p, " "), *rest;
		auto_free char *name = NULL;
		uint64_t major, minor;

		if (parse_number_prefix(p, 10, &major, &rest) && *rest == ':' &&
		    parse_number_prefix(rest + 1, 10, &minor, &rest) && rest == end)
			name = device_node(makedev((unsigned)major, (unsigned)minor));
		text_addf(&names, "%s%.*s", names.len ? " " : "",
			  name ? (int)strlen(name) : (int)(end - p), name ? name : p);
		p = end;
	}
	return text_steal(&names);
}

static void describe_paths(const char *words, struct found_device *d)
{
	struct mpath_paths paths = { 0 };

	if (!mpath_status(words, &paths)) {
		d->problem = mem_printf("has a status that cannot be read: '%s'", words);
	} else if (!paths.failed) {
		d->kind = mem_printf("%u path%s", paths.n, paths.n == 1 ? "" : "s");
	} else {
		auto_free char *lost = names_of(paths.lost.s);

		d->kind = mem_printf("%u of %u paths", paths.n - paths.failed, paths.n);
		d->problem = mem_printf("has lost %s: %s", paths.failed == paths.n ?
					"all of its paths" : "a path", lost);
	}
	text_done(&paths.lost);
}

/* Nodes in /dev/mapper are udev's or the library's to make; the other one the kernel has
 * made itself. */
static char *node_of(const char *device, unsigned minor)
{
	auto_free char *path = mem_printf("%s/%s", dm_dir(), device);

	return access(path, F_OK) == 0 ? steal(path) : mem_printf("/dev/dm-%u", minor);
}

/* One that has gone since it was listed is left out. */
static void add(const char *device, struct found *f)
{
	cleanup(task_donep) struct dm_task *t = ask(DM_DEVICE_STATUS, device);
	struct found_device *d;
	struct dm_info info;
	const char *words, *type = t ? first_target(t, &words) : NULL;

	if (!type || strcmp(type, "multipath") != 0 || !dm_task_get_info(t, &info) || !info.exists)
		return;
	d = found_add(f);
	d->name = mem_printf("dm-%u", info.minor);
	d->dev = makedev((unsigned)info.major, (unsigned)info.minor);
	d->node = node_of(device, (unsigned)info.minor);
	d->size = size_of(t);
	describe_paths(words, d);
	if (info.suspended && !d->problem)
		d->problem = mem_dup("is suspended: whoever reads or writes it waits");
}

static int by_number(const void *a, const void *b)
{
	dev_t x = ((const struct found_device *)a)->dev, y = ((const struct found_device *)b)->dev;

	return x < y ? -1 : x > y;
}

/* A kernel without device-mapper has no such devices. */
static int mpath_look(const struct bp_pool *p, struct found *f, struct bp_error *err)
{
	cleanup(task_donep) struct dm_task *t = NULL;
	const struct dm_names *names;

	(void)p;
	if (access(CONTROL, F_OK) < 0 && errno == ENOENT)
		return 0;
	dm_log_with_errno_init(say_nothing);
	t = ask(DM_DEVICE_LIST, NULL);
	if (!t)
		return bp_fail_sys(err, errno, "cannot ask for multipath devices ('%s')", CONTROL);
	names = dm_task_get_names(t);
	while (names && names->dev) {
		add(names->name, f);
		if (!names->next)
			break;
		names = (const struct dm_names *)((const char *)names + names->next);
	}
	if (f->n)
		qsort(f->all, f->n, sizeof *f->all, by_number);
	dm_lib_release();
	return 0;
}

static const struct found mpath_devices = { .look = mpath_look, .named = true };

static int mpath_pool_open(struct bp_pool *p, struct bp_error *err)
{
	(void)err;
	return found_open(p, &mpath_devices);
}

const struct bp_backend backend_mpath = {
	.type	     = "mpath",

	.pool_open   = mpath_pool_open,
	.pool_close  = found_close,
	.pool_space  = found_space,

	.vols_open   = found_vols_open,
	.vols_next   = found_vols_next,
	.vols_close  = found_vols_close,
	.vol_find    = found_vol_find,
	.vol_of_path = found_vol_of_path,
	.vol_open    = found_vol_open,
};

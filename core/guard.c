/* guard.c - see guard.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/system_disk.h"
#include "core/state.h"

/* For who shows errors: naming the device would help. */
#define PART "source/device"

/* ---- which devices pools have ---------------------------------------------------------- */

char *guard_device(const struct bp_pool_def *def, size_t i)
{
	const char *path = def->source.devices[i].path;
	struct bp_error ignored = { 0 };
	const struct bp_backend *be;
	char *found = NULL;

	if (!path || *path == '/' || !strchr(path, '='))
		return mem_dup(path);
	be = bp_backend_find(def->type, &ignored);
	if (!be || !be->source_device || be->source_device(path, &found, &ignored) < 0)
		return NULL;
	return found;
}

static dev_t device_at(const char *path)
{
	struct stat st;

	return path && *path == '/' && stat(path, &st) == 0 && S_ISBLK(st.st_mode) ?
	       st.st_rdev : 0;
}

static void add_devices(struct pool_devices *d, const struct bp_pool_def *def, bool active)
{
	for (size_t i = 0; i < def->source.n_devices; i++) {
		auto_free char *path = guard_device(def, i);
		dev_t dev = device_at(path);
		struct pool_device *device;

		if (!dev)
			continue;
		device = array_add(d->devices, d->n);
		*device = (struct pool_device){ dev, mem_dup(def->name), active };
	}
}

/* A definition that cannot be read has no source anybody could know. */
static void add_pool(struct bp_store *s, struct pool_devices *d, const char *pool)
{
	static const enum state_dir dirs[] = { STATE_RUN, STATE_CONFIG };

	for (size_t i = 0; i < array_size(dirs); i++) {
		cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
		struct bp_error ignored = { 0 };

		if (state_has(s, dirs[i], pool) &&
		    state_load(s, dirs[i], pool, &def, &ignored) == 0)
			add_devices(d, def, dirs[i] == STATE_RUN);
	}
}

int pool_devices(struct bp_store *s, struct pool_devices *ret, struct bp_error *err)
{
	char **names = NULL;
	size_t n = 0;

	if (state_names(s, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		add_pool(s, ret, names[i]);
	state_names_free(names, n);
	return 0;
}

void pool_devices_done(struct pool_devices *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->devices[i].pool);
	free(d->devices);
}

/* ---- one device ------------------------------------------------------------------------- */

struct suspect {
	struct bp_store *store;
	const char *what, *path;	/* "device", "/dev/sdb": for messages */
	const char *pool;		/* whose it may be */
	dev_t dev, disk;
};

int bp_store_allow_device(struct bp_store *s, const char *device, struct bp_error *err)
{
	struct stat st;

	if (!device) {
		s->n_allowed = 0;
		return 0;
	}
	if (stat(device, &st) < 0)
		return bp_fail_sys(err, errno, "cannot find device '%s'", device);
	if (!S_ISBLK(st.st_mode))
		return bp_fail(err, BP_INVALID, "'%s' is no block device", device);
	*array_add(s->allowed, s->n_allowed) = st.st_rdev;
	return 0;
}

static bool is_allowed(const struct suspect *d)
{
	for (size_t i = 0; i < d->store->n_allowed; i++)
		if (d->store->allowed[i] == d->dev || d->store->allowed[i] == d->disk)
			return true;
	return false;
}

static int check_system(const struct suspect *d, struct bp_error *err)
{
	cleanup(system_disks_done) struct system_disks disks = system_disks();
	const char *holds = system_disk_holds(&disks, d->disk);
	auto_free char *disk = NULL;

	if (!holds)
		return 0;
	disk = device_node(d->disk);
	if (err->code)	/* it is in use, and nothing can be done about that */
		return bp_within(err, "this system runs from '%s'", disk);
	if (is_allowed(d))
		return 0;
	return bp_fail_part(err, BP_BUSY, PART, "%s '%s' is on the disk this system runs from: "
			    "'%s' holds %s", d->what, d->path, disk, holds);
}

/* Whether and how two devices are one. */
static const char *relation(const struct suspect *d, dev_t other)
{
	if (other == d->dev)
		return "is the source of";
	if (other == d->disk)
		return "is a partition of the source of";
	return device_disk(other) == d->dev ? "has a partition that is the source of" : NULL;
}

static int check_pools(const struct suspect *d, bool whole, struct bp_error *err)
{
	cleanup(pool_devices_done) struct pool_devices all = { 0 };

	if (is_allowed(d))
		return 0;
	if (pool_devices(d->store, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		const struct pool_device *other = &all.devices[i];
		const char *how = strcmp(other->pool, d->pool) == 0 ? NULL :
				  whole && other->dev != d->dev ? NULL :
				  relation(d, other->dev);

		if (how)
			return bp_fail_part(err, BP_BUSY, PART, "%s '%s' %s pool '%s'", d->what,
					    d->path, how, other->pool);
	}
	return 0;
}

/* What may not be opened can still be asked for. */
static int open_device(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? open(path, O_PATH | O_CLOEXEC) : fd;
}

/* What a partition is part of may have a user of its own. */
static int check_disk(const struct suspect *d, struct bp_error *err)
{
	auto_free char *path = device_node(d->disk);
	auto_close int fd = open_device(path);

	return fd < 0 || d->disk == d->dev ? 0 : in_use_disk(path, fd, err);
}

static int check_use(const struct suspect *d, bool whole, struct bp_error *err)
{
	auto_close int fd = open_device(d->path);

	if (fd < 0)	/* whoever needs it will say why */
		return 0;
	if ((whole ? in_use_disk(d->path, fd, err) : in_use_device(d->path, fd, err)) < 0) {
		(void)check_system(d, err);
		return -1;
	}
	return whole ? 0 : check_disk(d, err);
}

/* whole: of the device itself only, not of its partitions. */
static int check(struct session *ses, size_t i, bool whole, struct bp_error *err)
{
	auto_free char *path = guard_device(ses->pool.def, i);
	struct suspect d = {
		.store = ses->store, .what = "device", .path = path, .pool = ses->name,
		.dev = device_at(path),
	};

	if (!path || !d.dev)
		return 0;
	d.disk = device_disk(d.dev);
	if (check_use(&d, whole, err) < 0 || check_pools(&d, whole, err) < 0)
		return -1;
	return check_system(&d, err);
}

static int check_all(struct session *ses, bool whole, struct bp_error *err)
{
	for (size_t i = 0; i < ses->pool.def->source.n_devices; i++)
		if (check(ses, i, whole, err) < 0)
			return -1;
	return 0;
}

/* ---- what is about to be done --------------------------------------------------------------- */

int guard_build(struct session *ses, unsigned flags, struct bp_error *err)
{
	bool writes = ses->be->caps & BP_CAP_DEVICES ||
		      flags & (BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE);

	return writes ? check_all(ses, false, err) : 0;
}

int guard_erase(struct session *ses, struct bp_error *err)
{
	return ses->be->caps & BP_CAP_PARTITIONS ? check_all(ses, false, err) : 0;
}

int guard_create(struct session *ses, struct bp_error *err)
{
	return ses->be->caps & BP_CAP_PARTITIONS ? check_all(ses, true, err) : 0;
}

int guard_volume(struct session *ses, const char *vol, const struct bp_io *io, unsigned flags,
		 struct bp_error *err)
{
	struct suspect d = {
		.store = ses->store, .what = "volume", .path = vol, .pool = ses->name,
	};
	struct stat st;

	if (flags & BP_VOL_FORCE || io->fd < 0 || fstat(io->fd, &st) < 0 ||
	    !S_ISBLK(st.st_mode))
		return 0;
	d.dev = st.st_rdev;
	d.disk = device_disk(d.dev);
	return check_pools(&d, false, err) < 0 ? -1 : check_system(&d, err);
}

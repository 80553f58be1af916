/* iscsi_maps.c - multipath devices on top of a session's disks. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdlib.h>
#include <string.h>

#include "backends/iscsi.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/process.h"
#include "core/base/text.h"

/* Its multipath device, or 0. */
static dev_t map_on(dev_t dev)
{
	auto_free char *path = device_sysfs(dev, "/holders");
	cleanup(closedirp) DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_free char *file = mem_printf("%s/dm/uuid", e->d_name);
		auto_free char *uuid = sysfs_line(dirfd(dir), file);

		if (uuid && starts_with(uuid, "mpath-"))
			return sysfs_device(dirfd(dir), e->d_name);
	}
	return 0;
}

bool iscsi_has_map(const struct found_device *d)
{
	return map_on(d->dev);
}

static bool have(const struct found *f, dev_t dev)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->all[i].dev == dev)
			return true;
	return false;
}

/* Nobody may use it, and nobody else's disks may be among its paths. */
static int check(const struct found *f, const char *vol, dev_t map, struct bp_error *err)
{
	cleanup(device_parts_done) struct device_parts paths = device_slaves(map);
	auto_free char *node = device_node(map);
	auto_close int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	for (size_t i = 0; i < paths.n; i++) {
		auto_free char *other = have(f, paths.devs[i]) ? NULL : device_node(paths.devs[i]);

		if (other)
			return bp_fail(err, BP_BUSY, "volume '%s' is a path of multipath device "
				       "'%s', which has '%s' for another", vol, node, other);
	}
	if (fd < 0)
		fd = open(node, O_PATH | O_CLOEXEC);
	return fd < 0 || in_use_device(node, fd, err) == 0 ? 0 :
	       bp_within(err, "volume '%s'", vol);
}

int iscsi_maps_check(const struct found *f, struct bp_error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		dev_t map = map_on(f->all[i].dev);

		if (map && check(f, f->all[i].name, map, err) < 0)
			return -1;
	}
	return 0;
}

static int remove_map(dev_t map, struct bp_error *err)
{
	auto_free char *file = device_sysfs(map, "/dm/name"), *name = sysfs_line(-1, file);
	auto_free char *who = NULL;
	struct dm_task *t;
	bool done;

	if (!name)	/* it has gone */
		return 0;
	t = dm_task_create(DM_DEVICE_REMOVE);
	done = t && dm_task_set_name(t, name) && dm_task_run(t);
	if (t)
		dm_task_destroy(t);
	dm_task_update_nodes();
	dm_lib_release();
	if (done)
		return 0;
	who = processes_with(map);
	return bp_fail(err, BP_BUSY, who ? "multipath device '%s' could not be removed: %s has it "
		       "open" : "multipath device '%s' could not be removed", name, who);
}

int iscsi_maps_remove(const struct found *f, struct bp_error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		dev_t map = map_on(f->all[i].dev);

		if (map && remove_map(map, err) < 0)
			return -1;
	}
	return 0;
}

/* logical_left.c - what a change that was killed has left below volumes in the kernel, and of
 * nodes.
 *
 * While a volume is a snapshot, or has one, its device is on others, which have its UUID
 * and a word more.  LVM asks the kernel for the device of the volume itself only, so it
 * does not see those that are there without being needed, until it changes the volume.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/blocks.h"
#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"

static bool is_layer(const char *uuid)
{
	return ends_with(uuid, "-real") || ends_with(uuid, "-cow");
}

/* Whose layer is it, if that is one of the group's? */
static const struct vg_lv *owner(const struct vg *vg, const char *uuid)
{
	for (size_t i = 0; i < vg->n_lvs; i++) {
		auto_free char *mine = lv_in_kernel(vg, vg->lvs[i].uuid);

		if (starts_with(uuid, mine) && uuid[strlen(mine)] == '-')
			return &vg->lvs[i];
	}
	return NULL;
}

/* In the middle of a change LVM does not understand what it finds, and does not say that
 * the volume is stopped. */
bool left_suspended(const struct vg *vg, const struct vg_lv *lv)
{
	cleanup(closedirp) DIR *dir = lv_is_unclear(lv) ? opendir("/sys/block") : NULL;
	auto_free char *mine = lv_in_kernel(vg, lv->uuid);
	bool suspended = false;
	struct dirent *e;

	while (dir && !suspended && (e = readdir(dir))) {
		auto_free char *uuid_file = mem_printf("%s/dm/uuid", e->d_name);
		auto_free char *file = mem_printf("%s/dm/suspended", e->d_name);
		auto_free char *uuid = sysfs_line(dirfd(dir), uuid_file);
		auto_free char *says = uuid && strcmp(uuid, mine) == 0 ?
				       sysfs_line(dirfd(dir), file) : NULL;

		suspended = says && *says == '1';
	}
	return suspended;
}

/* The volume below which this device is, without being needed; or NULL. */
static const struct vg_lv *left_of(const struct vg *vg, const char *group, int dir,
				   const char *device)
{
	auto_free char *file = mem_printf("%s/dm/uuid", device), *uuid = sysfs_line(dir, file);
	auto_free char *holder = NULL;

	if (!uuid || !starts_with(uuid, group) || !is_layer(uuid))
		return NULL;
	holder = device_holder(sysfs_device(dir, device));
	return holder ? NULL : owner(vg, uuid);
}

static const struct vg_lv *next_left(DIR *dir, const struct vg *vg, const char *group)
{
	const struct vg_lv *lv = NULL;
	struct dirent *e;

	while (dir && !lv && (e = readdir(dir)))
		lv = left_of(vg, group, dirfd(dir), e->d_name);
	return lv;
}

static void run(const char *const argv[])
{
	struct bp_error ignored = { 0 };

	(void)lvm_run(argv, NULL, &ignored);
}

bool left_activate(const struct vg *vg, const struct started *started)
{
	auto_free char *group = lv_in_kernel(vg, "");
	cleanup(closedirp) DIR *dir = opendir("/sys/block");
	const struct vg_lv *lv;
	bool activated = false;

	while ((lv = next_left(dir, vg, group))) {
		struct bp_error ignored = { 0 };

		if (!lv_is_active(lv) && started_has(started, lv))
			activated |= lv_change(vg, lv->name, "--activate", "ly", &ignored) == 0;
	}
	return activated;
}

/* ---- nodes, where no udev makes them ---------------------------------------------------- */

/* Its device has gone, or is another's now, for numbers are used again. */
static bool is_stale(int dir, const char *node)
{
	auto_free char *file = NULL, *name = NULL;
	struct stat st;

	if (fstatat(dir, node, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISLNK(st.st_mode))
		return faccessat(dir, node, F_OK, 0) < 0 && errno == ENOENT;
	file = S_ISBLK(st.st_mode) ? device_sysfs(st.st_rdev, "/dm/name") : NULL;
	name = file ? sysfs_line(AT_FDCWD, file) : NULL;
	return S_ISBLK(st.st_mode) && (!name || strcmp(name, node) != 0);
}

/* Those of volumes that are active LVM has made, so the kernel is asked of others only.  name:
 * as it stands in /dev/mapper, where each '-' of it is two, or in the group's folder. */
static bool is_of_active(const struct vg *vg, const char *name, bool mapped)
{
	cleanup(text_done) struct text own = { 0 };
	const struct vg_lv *lv;

	for (; *name; name += mapped && starts_with(name, "--") ? 2 : 1)
		text_add_n(&own, name, 1);
	lv = own.s ? vg_find_hidden(vg, own.s) : NULL;
	return lv && lv_is_active(lv);
}

static bool has_stale(const struct vg *vg, const char *path, const char *prefix)
{
	cleanup(closedirp) DIR *dir = opendir(path);
	size_t n = strlen(prefix);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (starts_with(e->d_name, prefix) && e->d_name[n] != '-' &&
		    !is_of_active(vg, e->d_name + n, *prefix) && is_stale(dirfd(dir), e->d_name))
			return true;
	return false;
}

char *mapped_prefix(const char *group)
{
	struct text prefix = { 0 };

	for (; *group; group++)
		text_addf(&prefix, "%.1s%s", group, *group == '-' ? "-" : "");
	text_add(&prefix, "-");
	return text_steal(&prefix);
}

static void remove_links(const struct vg *vg, const char *path)
{
	cleanup(closedirp) DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (!vg_find_hidden(vg, e->d_name) && is_stale(dirfd(dir), e->d_name))
			(void)unlinkat(dirfd(dir), e->d_name, 0);
}

/* LVM makes and removes those in /dev/mapper, and links only of volumes that it has. */
static void make_nodes(const struct vg *vg)
{
	auto_free char *links = mem_printf("/dev/%s", vg->name);

	run((const char *const[]){ "vgmknodes", vg->name, NULL });
	remove_links(vg, links);
	(void)rmdir(links);		/* unless there are any */
}

/* LVM changes nodes last, for all it has done, and then does not know of them any more. */
void left_nodes(const struct vg *vg)
{
	auto_free char *prefix = mapped_prefix(vg->name), *links = mem_printf("/dev/%s", vg->name);

	if (!blocks_have_udev() && (has_stale(vg, "/dev/mapper", prefix) ||
				    has_stale(vg, links, "")))
		make_nodes(vg);
}

void left_sweep(const struct vg *vg)
{
	auto_free char *group = lv_in_kernel(vg, "");
	cleanup(closedirp) DIR *dir = opendir("/sys/block");
	const struct vg_lv *lv;

	while ((lv = next_left(dir, vg, group))) {
		auto_free char *name = mem_printf("%s/%s", vg->name, lv->name);

		if (lv_is_active(lv))
			run((const char *const[]){ "lvchange", "--refresh", name, NULL });
	}
	if (!blocks_have_udev())
		make_nodes(vg);
}

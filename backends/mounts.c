/* mounts.c - see mounts.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"
#include "core/base/mountinfo.h"
#include "core/base/process.h"
#include "core/base/text.h"
#include "core/model/pool_type.h"

/* ---- what is mounted ------------------------------------------------------------- */

void mounted_done(struct mounted *m)
{
	free(m->source);
	free(m->target);
	free(m->type);
	free(m->root);
	free(m->options);
	*m = (struct mounted){ 0 };
}

static void take(const struct mount *m, struct mounted *ret)
{
	mounted_done(ret);
	*ret = (struct mounted){
		.source = mem_dup(m->source), .target = mem_dup(m->point),
		.type = mem_dup(m->type), .root = mem_dup(m->root), .dev = m->dev,
		.options = mem_dup(m->options), .read_only = mounts_read_only(m->options),
	};
}

static bool is_loop_of(const char *dev, dev_t rdev, const struct stat *file)
{
	auto_free char *path = device_sysfs(rdev, "/loop/backing_file");
	auto_free char *name = sysfs_line(AT_FDCWD, path);

	return name && device_is_loop_of(dev, name, file);
}

/* Its device, unless it has none: btrfs gives its files a number that is no device's. */
bool mounted_is(const struct mounted *m, const struct stat *st)
{
	struct stat source;

	if (S_ISBLK(st->st_mode) && m->dev == st->st_rdev)
		return true;
	if (*m->source != '/' || stat(m->source, &source) < 0 || !S_ISBLK(source.st_mode))
		return false;
	return S_ISBLK(st->st_mode) ? source.st_rdev == st->st_rdev :
	       is_loop_of(m->source, source.st_rdev, st);
}

/* The table has paths without links.  What stands there as it is written is not looked
 * at: its server may be away, and then whoever looks hangs. */
static char *real_target(struct mountinfo *table, const char *target)
{
	struct mountinfo again = { mem_dup(table->text), NULL };
	char *real = NULL;
	struct mount m;

	again.rest = again.text;
	while (!real && mountinfo_next(&again, &m))
		if (strcmp(m.point, target) == 0)
			real = mem_dup(target);
	mountinfo_done(&again);
	if (!real)
		real = realpath(target, NULL);
	return real ? real : mem_dup(target);
}

int mounts_find(const char *target, struct mounted *ret, struct bp_error *err)
{
	cleanup(mountinfo_done) struct mountinfo table = { 0 };
	auto_free char *real = NULL;
	struct mount m;

	if (mountinfo_open(&table, err) < 0)
		return -1;
	real = real_target(&table, target);
	while (mountinfo_next(&table, &m))
		if (strcmp(m.point, real) == 0)
			take(&m, ret);
	return ret->target ? 1 : 0;
}

int mounts_find_source(const struct stat *st, struct mounted *ret, struct bp_error *err)
{
	cleanup(mountinfo_done) struct mountinfo table = { 0 };
	struct mount m;

	if (mountinfo_open(&table, err) < 0)
		return -1;
	while (mountinfo_next(&table, &m)) {
		take(&m, ret);
		if (mounted_is(ret, st))
			return 1;
	}
	mounted_done(ret);
	return 0;
}

/* ---- mounting ----------------------------------------------------------------------- */

static bool has_helper(const char *program, const char *type)
{
	static const char *const dirs[] = { "/sbin", "/usr/sbin", "/sbin/fs.d", "/sbin/fs" };

	for (size_t i = 0; i < array_size(dirs); i++) {
		auto_free char *path = mem_printf("%s/%s.%s", dirs[i], program, type);

		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* As it will stand in the table: without links, and by its name if it is mapped. */
static char *canonical(const char *source, const struct stat *st)
{
	auto_free char *real = realpath(source, NULL);
	auto_free char *file = NULL, *name = NULL, *mapped = NULL;
	struct stat same;

	if (!real || !starts_with(real, "/dev/dm-"))
		return real ? steal(real) : mem_dup(source);
	file = device_sysfs(st->st_rdev, "/dm/name");
	name = sysfs_line(AT_FDCWD, file);
	mapped = mem_printf("/dev/mapper/%s", name ? name : "");
	return stat(mapped, &same) == 0 && device_same_file(st, &same) ? steal(mapped) :
	       steal(real);
}

/* The kernel's refusals are for libmount to explain: it asks once more, and falls
 * back to reading only where the device is write-protected.  Where there is no
 * libmount, the kernel's own word must do. */
int mounts_mount(const char *source, const char *target, const char *type, const char *options,
		 struct bp_error *err)
{
	struct bp_error why = { 0 };
	unsigned long said;
	struct stat st;
	int refused = 0;

	if (stat(source, &st) == 0 && S_ISBLK(st.st_mode) && mounts_flags(options, &said) &&
	    !has_helper("mount", type)) {
		auto_free char *device = canonical(source, &st);

		if (mount(device, target, type, said, NULL) == 0)
			return 0;
		refused = errno;
	}
	if (library_mount(source, target, type, options, &why) == 0)
		return 0;
	if (refused && why.code == BP_UNSUPPORTED)
		return bp_fail_sys(err, refused, "cannot mount '%s' on '%s'", source, target);
	*err = why;
	return -1;
}

/* What libmount noted about a mount it must forget as well. */
static bool is_noted(const char *target)
{
	auto_free char *notes = sysfs_read(AT_FDCWD, "/run/mount/utab");

	return notes && strstr(notes, target);
}

/* For these a helper would only ask a server that may be away. */
static bool is_remote(const struct mounted *m)
{
	static const char *const types[] = {
		"nfs", "nfs4", "cifs", "smb3", "fuse.glusterfs", NULL
	};

	return bp_word_in(types, m->type);
}

static int unmount(const struct mounted *m, struct bp_error *err)
{
	if (!is_remote(m) && (has_helper("umount", m->type) || is_noted(m->target)))
		return library_unmount(m->target, err);
	if (umount2(m->target, UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno == EBUSY)
		return 1;
	return bp_fail_sys(err, errno, "cannot unmount '%s'", m->target);
}

/* Who keeps it busy, as far as can be told.  The caller frees. */
static char *users_of(const struct mounted *m)
{
	cleanup(mountinfo_done) struct mountinfo table = { 0 };
	char *processes = processes_on(m->dev);
	struct bp_error ignored = { 0 };
	size_t len = strlen(m->target);
	struct mount in;

	if (processes || mountinfo_open(&table, &ignored) < 0)
		return processes;
	while (mountinfo_next(&table, &in))
		if (starts_with(in.point, m->target) && in.point[len] == '/')
			return mem_printf("what is mounted on '%s'", in.point);
	return mem_dup("a loop device or swap inside it, or somebody this user cannot see");
}

int mounts_unmount(const struct mounted *m, struct bp_error *err)
{
	auto_free char *users = NULL;
	int r = unmount(m, err);

	if (r <= 0)
		return r;
	users = users_of(m);
	return bp_fail(err, BP_BUSY, "'%s' is in use by %s", m->target,
		       users ? users : "somebody");
}

/* First all that waits for the server is ended; then it goes for good, or, as long as
 * somebody uses it, out of sight. */
int mounts_abandon(const struct mounted *m, struct bp_error *err)
{
	if (umount2(m->target, MNT_FORCE | UMOUNT_NOFOLLOW) == 0 ||
	    umount2(m->target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	return bp_fail_sys(err, errno, "cannot unmount '%s'", m->target);
}

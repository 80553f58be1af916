/* mounts.c - see mounts.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/mounts.h"

#include <errno.h>
#include <libmount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/process.h"

#define MOUNTINFO "/proc/self/mountinfo"

static void unref_table(struct libmnt_table **t) { mnt_unref_table(*t); }
static void unref_iter(struct libmnt_iter **i) { mnt_free_iter(*i); }
static void unref_cache(struct libmnt_cache **c) { mnt_unref_cache(*c); }
static void free_context(struct libmnt_context **c) { mnt_free_context(*c); }

void mounted_done(struct mounted *m)
{
	free(m->source);
	free(m->target);
	free(m->type);
	*m = (struct mounted){ 0 };
}

static struct libmnt_table *open_table(struct bp_error *err)
{
	struct libmnt_table *t = mnt_new_table_from_file(MOUNTINFO);

	if (!t)
		bp_fail(err, BP_INTERNAL, "cannot read " MOUNTINFO "; is /proc mounted?");
	return t;
}

static void take(struct libmnt_fs *fs, struct mounted *ret)
{
	const char *options = mnt_fs_get_fs_options(fs);
	char *unused;
	size_t len;

	*ret = (struct mounted){
		.source = mem_dup(mnt_fs_get_srcpath(fs)),
		.target = mem_dup(mnt_fs_get_target(fs)),
		.type = mem_dup(mnt_fs_get_fstype(fs)),
		.dev = mnt_fs_get_devno(fs),
		.read_only = options && mnt_optstr_get_option(options, "ro", &unused, &len) == 0,
	};
}

bool mounted_is(const struct mounted *m, dev_t rdev)
{
	struct stat st;

	/* btrfs gives its files a device number that is no device's */
	return m->dev == rdev ||
	       (m->source && stat(m->source, &st) == 0 && S_ISBLK(st.st_mode) &&
		st.st_rdev == rdev);
}

int mounts_find(const char *target, struct mounted *ret, struct bp_error *err)
{
	cleanup(unref_table) struct libmnt_table *table = open_table(err);
	auto_free char *real = realpath(target, NULL);
	struct libmnt_fs *fs;

	if (!table)
		return -1;
	/* The table has paths without links; a mount whose server hangs has no real path. */
	fs = mnt_table_find_target(table, real ? real : target, MNT_ITER_BACKWARD);
	if (!fs)
		return 0;
	take(fs, ret);
	return 1;
}

int mounts_find_device(dev_t rdev, struct mounted *ret, struct bp_error *err)
{
	cleanup(unref_table) struct libmnt_table *table = open_table(err);
	cleanup(unref_iter) struct libmnt_iter *it = mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *fs;

	if (!table)
		return -1;
	while (mnt_table_next_fs(table, it, &fs) == 0) {
		take(fs, ret);
		if (mounted_is(ret, rdev))
			return 1;
		mounted_done(ret);
	}
	return 0;
}

int mounts_mount(const char *source, const char *target, const char *type, const char *options,
		 struct bp_error *err)
{
	cleanup(free_context) struct libmnt_context *c = mnt_new_context();
	char why[400] = "";
	int r;

	if (!c || mnt_context_set_source(c, source) < 0 ||
	    mnt_context_set_target(c, target) < 0 || mnt_context_set_fstype(c, type) < 0 ||
	    mnt_context_set_options(c, options) < 0)
		return bp_fail(err, BP_INTERNAL, "cannot prepare to mount '%s'", source);
	r = mnt_context_mount(c);
	if (mnt_context_get_excode(c, r, why, sizeof why) == 0)
		return 0;
	return bp_fail(err, BP_FAILED, "cannot mount '%s' on '%s': %s", source, target, why);
}

int mounts_unmount(const struct mounted *m, struct bp_error *err)
{
	cleanup(free_context) struct libmnt_context *c = mnt_new_context();
	char why[400] = "";
	int r;

	if (!c || mnt_context_set_target(c, m->target) < 0)
		return bp_fail(err, BP_INTERNAL, "cannot prepare to unmount '%s'", m->target);
	r = mnt_context_umount(c);
	if (mnt_context_get_excode(c, r, why, sizeof why) == 0)
		return 0;
	if (mnt_context_get_syscall_errno(c) == EBUSY) {
		auto_free char *users = processes_on(m->dev);

		return bp_fail(err, BP_BUSY, "'%s' is in use by %s", m->target,
			       users ? users : "a mount, a loop device or swap inside it, or "
			       "somebody this user cannot see");
	}
	return bp_fail(err, BP_FAILED, "cannot unmount '%s': %s", m->target, why);
}

int mounts_resolve(const char *source, char **ret, struct bp_error *err)
{
	cleanup(unref_cache) struct libmnt_cache *cache = NULL;
	char *path;

	if (*source == '/') {
		*ret = mem_dup(source);
		return 0;
	}
	cache = mnt_new_cache();
	path = mnt_resolve_spec(source, cache);		/* the cache has it */
	if (!path || *path != '/')
		return bp_fail(err, BP_INVALID, "no device is known as '%s'", source);
	*ret = mem_dup(path);
	return 0;
}

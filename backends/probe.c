/* probe.c - see probe.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/probe.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define ENDS (512 << 10)	/* how much is read of either end of a device */

static void free_probe(blkid_probe *p) { blkid_free_probe(*p); }

/* What blkid_do_safeprobe() answers. */
enum { FOUND = 0, NOTHING = 1, SEVERAL = -2 };

static char *value(blkid_probe p, const char *name)
{
	const char *data;

	return blkid_probe_lookup_value(p, name, &data, NULL) == 0 ? mem_dup(data) : NULL;
}

static int cannot_read(const char *path, struct bp_error *err)
{
	int sys = errno;

	bp_fail(err, BP_PROBE_FAILED, "Failed to probe '%s'%s%s", path, sys ? ": " : "",
		sys ? strerror(sys) : "");
	err->sys = sys;
	return -1;
}

/* libblkid looks at some sixty places, nearly all of them near either end, and asks for
 * no more than it needs: two large reads in place of sixty small ones. */
static void read_ahead(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END), start = end > ENDS ? end - ENDS : 0;

	(void)posix_fadvise(fd, 0, ENDS, POSIX_FADV_WILLNEED);
	(void)posix_fadvise(fd, start, ENDS, POSIX_FADV_WILLNEED);
}

int probe_device(int fd, const char *path, char **ret, struct bp_error *err)
{
	cleanup(free_probe) blkid_probe p = blkid_new_probe();
	int r;

	if (!p || blkid_probe_set_device(p, fd, 0, 0) < 0)
		return bp_fail(err, BP_PROBE_FAILED,
			       "Failed to create filesystem probe for device %s", path);
	read_ahead(fd);
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE);
	blkid_probe_enable_partitions(p, 1);
	errno = 0;
	r = blkid_do_safeprobe(p);
	if (r == SEVERAL)
		return bp_fail(err, BP_PROBE_FAILED,
			       "'%s' has signatures that contradict each other; look at them "
			       "(wipefs), and remove those that are old", path);
	if (r != FOUND && r != NOTHING)
		return cannot_read(path, err);
	*ret = r == FOUND ? value(p, "TYPE") : NULL;
	if (r == FOUND && !*ret)
		*ret = value(p, "PTTYPE");
	return 0;
}

int probe_resolve(const char *source, char **ret, struct bp_error *err)
{
	char *path;

	if (*source == '/') {
		*ret = mem_dup(source);
		return 0;
	}
	path = blkid_evaluate_spec(source, NULL);
	if (!path || *path != '/') {
		free(path);
		return bp_fail(err, BP_INVALID, "no device is known as '%s'", source);
	}
	*ret = path;
	return 0;
}

int probe_forget(int fd, const char *path, struct bp_error *err)
{
	cleanup(free_probe) blkid_probe p = blkid_new_probe();
	int r;

	if (!p || blkid_probe_set_device(p, fd, 0, 0) < 0)
		return bp_fail(err, BP_PROBE_FAILED,
			       "Failed to create filesystem probe for device %s", path);
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(p, 1);
	blkid_probe_set_partitions_flags(p, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	errno = 0;
	while ((r = blkid_do_probe(p)) == FOUND)
		if (blkid_do_wipe(p, 0) < 0)
			return bp_fail_sys(err, errno, "cannot take away what was on '%s'", path);
	return r == NOTHING ? 0 : cannot_read(path, err);
}

int probe_for_build(const char *path, const char *found, const char *format, struct bp_error *err)
{
	if (!found)
		return 0;
	if (strcmp(found, format) == 0)
		return bp_fail(err, BP_BUILT, "Device '%s' already formatted using '%s'", path,
			       format);
	return bp_fail(err, BP_BUILT, "Format of device '%s' does not match the expected format "
		       "'%s', forced overwrite is necessary; it holds '%s'", path, format, found);
}

int probe_for_use(const char *path, const char *found, const char *format, struct bp_error *err)
{
	if (!found)
		return bp_fail(err, BP_PROBE_FAILED, "Device '%s' is unrecognized, requires build",
			       path);
	if (strcmp(found, format) == 0)
		return 0;
	return bp_fail(err, BP_WRONG_STATE, "Format of device '%s' does not match the expected "
		       "format '%s'; it holds '%s'", path, format, found);
}

/* probe.c - see probe.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/probe.h"

#include <blkid.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

static void free_probe(blkid_probe *p) { blkid_free_probe(*p); }

/* What blkid_do_safeprobe() answers. */
enum { FOUND = 0, NOTHING = 1, SEVERAL = -2 };

static char *value(blkid_probe p, const char *name)
{
	const char *data;

	return blkid_probe_lookup_value(p, name, &data, NULL) == 0 ? mem_dup(data) : NULL;
}

int probe_device(int fd, const char *path, char **ret, struct bp_error *err)
{
	cleanup(free_probe) blkid_probe p = blkid_new_probe();
	int r;

	if (!p || blkid_probe_set_device(p, fd, 0, 0) < 0)
		return bp_fail(err, BP_PROBE_FAILED,
			       "Failed to create filesystem probe for device %s", path);
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE);
	blkid_probe_enable_partitions(p, 1);
	r = blkid_do_safeprobe(p);
	if (r == SEVERAL)
		return bp_fail(err, BP_PROBE_FAILED,
			       "'%s' has signatures that contradict each other; look at them "
			       "(wipefs), and remove those that are old", path);
	if (r != FOUND && r != NOTHING)
		return bp_fail(err, BP_PROBE_FAILED, "Failed to probe '%s'", path);
	*ret = r == FOUND ? value(p, "TYPE") : NULL;
	if (r == FOUND && !*ret)
		*ret = value(p, "PTTYPE");
	return 0;
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

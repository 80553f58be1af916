/* content.c - see content.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/content.h"

#include <blkid.h>
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

static void fill(blkid_probe p, struct bp_content *ret)
{
	auto_free char *usage = value(p, "USAGE");

	ret->type = value(p, "TYPE");
	ret->label = value(p, "LABEL");
	ret->uuid = value(p, "UUID");
	ret->filesystem = usage && strcmp(usage, "filesystem") == 0;
	if (ret->type)
		return;
	ret->type = value(p, "PTTYPE");
	ret->uuid = value(p, "PTUUID");
	ret->table = ret->type;
}

int content_read(int fd, const char *path, struct bp_content *ret, struct bp_error *err)
{
	cleanup(free_probe) blkid_probe p = blkid_new_probe();
	int r;

	if (!p || blkid_probe_set_device(p, fd, 0, 0) < 0)
		return bp_fail(err, BP_PROBE_FAILED, "'%s' cannot be read", path);
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE |
					  BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID);
	blkid_probe_enable_partitions(p, 1);
	r = blkid_do_safeprobe(p);
	if (r == SEVERAL)
		return bp_fail(err, BP_PROBE_FAILED, "its signatures contradict each other");
	if (r != FOUND && r != NOTHING)
		return bp_fail(err, BP_PROBE_FAILED, "'%s' cannot be read", path);
	if (r == FOUND)
		fill(p, ret);
	return 0;
}

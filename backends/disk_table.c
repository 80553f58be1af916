/* disk_table.c - the partitions on a device, and what is free: libblkid. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/disk.h"
#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define BLKID_UNIT 512		/* whatever the device's sectors are */

/* ---- the device -------------------------------------------------------------------- */

int disk_open(const struct bp_pool *p, struct disk *ret, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	auto_free char *real = NULL, *sysfs = NULL, *mapped = NULL;
	struct disk d = { .fd = -1 };

	if (src->n_devices != 1)
		return bp_fail(err, BP_INTERNAL, "expected exactly 1 device for the storage pool");
	d.path = src->devices[0].path;
	if (blocks_find(d.path, &d.dev, err) < 0)
		return -1;
	real = realpath(d.path, NULL);
	sysfs = device_sysfs(d.dev, "/dm/name");
	mapped = sysfs_line(AT_FDCWD, sysfs);
	d.mapped = mapped;
	d.node = disk_node_before_number(d.path, real ? real : d.path, mapped,
					 src->devices[0].part_separator);
	d.stem = strrchr(d.node, '/') + 1;
	d.fd = open(d.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (d.fd < 0)
		bp_fail_sys(err, errno, "cannot open device '%s'", d.path);
	else if (blocks_shape(d.fd, d.path, &d.shape, err) == 0) {
		*ret = d;
		return 0;
	}
	disk_done(&d);
	return -1;
}

void disk_forget(struct disk *d)
{
	free(d->parts.all);
	d->parts = (struct disk_parts){ 0 };
	free(steal(d->chain));
	d->n_chain = 0;
	d->label = NULL;
	d->known = false;
	blocks_names_done(&d->names);
	d->named = false;
}

void disk_done(struct disk *d)
{
	disk_forget(d);
	free(d->node);
	closep(&d->fd);
}

/* ---- partitions --------------------------------------------------------------------- */

static void free_probe(blkid_probe *p) { blkid_free_probe(*p); }

/* dvh tells of itself and of the whole device as partitions. */
static bool is_real(const struct disk *d, blkid_partition par)
{
	int type = blkid_partition_get_type(par);

	return strcmp(d->label->format, "dvh") != 0 || (type != 0 && type != 6);
}

static void add_part(struct disk *d, blkid_partition par)
{
	struct disk_part *p = array_add(d->parts.all, d->parts.n);

	p->number = (unsigned)blkid_partition_get_partno(par);
	p->kind = blkid_partition_is_logical(par) ? DISK_LOGICAL :
		  blkid_partition_is_extended(par) ? DISK_EXTENDED : DISK_PRIMARY;
	p->start = (uint64_t)blkid_partition_get_start(par) * BLKID_UNIT;
	p->size = (uint64_t)blkid_partition_get_size(par) * BLKID_UNIT;
	p->format = disk_is_gpt(d->label) ?
		disk_format_of_guid(blkid_partition_get_type_string(par)) :
		disk_format_of_code(d->label, blkid_partition_get_type(par));
}

static int by_number(const void *a, const void *b)
{
	const struct disk_part *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* Tables within partitions are theirs, not ours. */
static void take_parts(struct disk *d, blkid_partlist list, blkid_parttable root)
{
	int n = blkid_partlist_numof_partitions(list);

	for (int i = 0; i < n; i++) {
		blkid_partition par = blkid_partlist_get_partition(list, i);

		if (par && blkid_partition_get_table(par) == root && is_real(d, par))
			add_part(d, par);
	}
	if (disk_is_bsd(d->label))
		disk_number_bsd(d);
	if (d->parts.n)
		qsort(d->parts.all, d->parts.n, sizeof *d->parts.all, by_number);
}

static int probe(struct disk *d, struct bp_error *err)
{
	cleanup(free_probe) blkid_probe p = blkid_new_probe();
	blkid_parttable table;
	blkid_partlist list;

	if (!p || blkid_probe_set_device(p, d->fd, 0, 0) < 0 ||
	    blkid_probe_enable_superblocks(p, 0) < 0 || blkid_probe_enable_partitions(p, 1) < 0)
		return bp_fail(err, BP_PROBE_FAILED, "cannot read the partition table of '%s'",
			       d->path);
	list = blkid_probe_get_partitions(p);
	table = list ? blkid_partlist_get_table(list) : NULL;
	if (!table)
		return 0;
	d->label = disk_label_of_blkid(blkid_parttable_get_type(table));
	take_parts(d, list, table);
	return 0;
}

int disk_read(struct disk *d, struct bp_error *err)
{
	if (d->known)
		return 0;
	disk_forget(d);
	if (disk_chain_read(d, err) < 0 || probe(d, err) < 0)
		return -1;
	disk_find_bounds(d);
	d->known = true;
	return 0;
}

const struct disk_part *disk_part_find(const struct disk_parts *parts, unsigned number)
{
	for (size_t i = 0; i < parts->n; i++)
		if (parts->all[i].number == number)
			return &parts->all[i];
	return NULL;
}

const struct disk_part *disk_part_extended(const struct disk_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		if (parts->all[i].kind == DISK_EXTENDED)
			return &parts->all[i];
	return NULL;
}

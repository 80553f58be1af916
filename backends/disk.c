/* disk.c - <pool type='disk'>: the partitions of a device. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/content.h"
#include "backends/probe.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct disk *disk_of(const struct bp_pool *p)
{
	return p->priv;
}

static int disk_pool_open(struct bp_pool *p, struct bp_error *err)
{
	struct disk d;

	if (disk_open(p, &d, err) < 0)
		return -1;
	p->priv = mem_alloc(sizeof d);
	*disk_of(p) = d;
	return 0;
}

static void disk_pool_close(struct bp_pool *p)
{
	disk_done(disk_of(p));
	free(steal(p->priv));
}

static int disk_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;
	struct stat st;

	(void)err;
	*ret_active = src->n_devices == 1 && stat(src->devices[0].path, &st) == 0 &&
		      S_ISBLK(st.st_mode);
	return 0;
}

/* ---- build, and take away --------------------------------------------------------------- */

static const struct disk_label *wanted_label(const struct bp_pool *p, struct bp_error *err)
{
	const char *format = p->def->source.format;
	const struct disk_label *label;

	label = disk_label_of_format(strcmp(format, "unknown") == 0 ? "dos" : format);
	if (label && label->fdisk)
		return label;
	bp_fail(err, BP_UNSUPPORTED, "partition tables of format '%s' are not made; dos, gpt, bsd, "
		"sun and dvh are", format);
	return NULL;
}

/* What a device holds.  Some tables libblkid finds only when asked for partitions. */
static int look_at(const struct disk *d, char **ret_found, struct bp_error *err)
{
	if (probe_device(d->fd, d->path, ret_found, err) < 0)
		return -1;
	if (!*ret_found && d->label)
		*ret_found = mem_dup(d->label->blkid);
	return 0;
}

static int disk_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	cleanup(disk_done) struct disk d = { .fd = -1 };
	const struct disk_label *label = wanted_label(p, err);
	struct bp_error damaged = { 0 };
	auto_free char *found = NULL;

	if (!label || disk_open(p, &d, err) < 0 ||
	    disk_begin(&d, O_EXCL, err) < 0)
		return -1;
	/* a table that cannot be read is one to be overwritten, if that is said */
	if (disk_read(&d, &damaged) < 0 && !(flags & BP_BUILD_OVERWRITE)) {
		*err = damaged;
		return -1;
	}
	if (!(flags & BP_BUILD_OVERWRITE) &&
	    (look_at(&d, &found, err) < 0 ||
	     probe_for_build(d.path, found, label->blkid, err) < 0))
		return -1;
	return disk_make(&d, label, err);
}

/* Nothing but what build has made. */
static int disk_pool_erase(struct bp_pool *p, struct bp_error *err)
{
	cleanup(disk_done) struct disk d = { .fd = -1 };
	auto_free char *found = NULL;

	if (disk_open(p, &d, err) < 0 ||
	    disk_begin(&d, O_EXCL, err) < 0 || disk_read(&d, err) < 0 ||
	    look_at(&d, &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (!d.label || (strcmp(p->def->source.format, "unknown") != 0 &&
			 d.label != disk_label_of_format(p->def->source.format)))
		return bp_fail(err, BP_FAILED, "device '%s' is not cleared: it holds '%s', which "
			       "pool '%s' has not made", d.path, found, p->def->name);
	if (d.parts.n)
		return bp_fail(err, BP_FAILED, "failed to remove pool '%s': it has %zu volumes, "
			       "'%s%u' first; delete them before", p->def->name, d.parts.n, d.stem,
			       d.parts.all[0].number);
	return disk_clear(&d, err);
}

/* ---- start -------------------------------------------------------------------------------- */

static int check_label(const struct bp_pool *p, struct disk *d, struct bp_error *err)
{
	const struct disk_label *label = disk_label_of_format(p->def->source.format);
	auto_free char *found = NULL;

	if (disk_read(d, err) < 0 || look_at(d, &found, err) < 0)
		return -1;
	if (!label && d->label)		/* "unknown" stands for whatever there is */
		return 0;
	return probe_for_use(d->path, found, label ? label->blkid : "dos", err);
}

static int disk_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(disk_done) struct disk d = { .fd = -1 };

	if (disk_open(p, &d, err) < 0 || check_label(p, &d, err) < 0)
		return -1;
	disk_kernel_restore(&d, &d.parts);
	return 0;
}

/* ---- how much ------------------------------------------------------------------------------- */

/* As libvirt counts: the end of what can be used; what is free; what has data. */
static int disk_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	struct disk *d = disk_of(p);
	auto_free struct disk_free *areas = NULL;
	struct bp_pool_space s = { 0 };
	size_t n;

	if (disk_read(d, err) < 0)
		return -1;
	areas = disk_free_areas(d, &n);
	s.capacity = d->end;
	for (size_t i = 0; i < n; i++)
		s.available += areas[i].end - areas[i].start;
	for (size_t i = 0; i < d->parts.n; i++)
		if (d->parts.all[i].kind != DISK_EXTENDED)
			s.allocation += d->parts.all[i].size;
	*ret = s;
	return 0;
}

static int disk_pool_source(struct bp_pool *p, struct bp_pool_source *src, struct bp_error *err)
{
	struct disk *d = disk_of(p);
	struct bp_device *device = &src->devices[0];
	auto_free struct disk_free *areas = NULL;
	size_t n;

	if (disk_read(d, err) < 0)
		return -1;
	areas = disk_free_areas(d, &n);
	for (size_t i = 0; i < n; i++)
		*array_add(device->free, device->n_free) =
			(struct bp_extent){ areas[i].start, areas[i].end };
	if (d->label && disk_label_of_format(d->label->format))
		mem_set(&src->format, d->label->format);
	return 0;
}

/* The table of a GPT says how large the device is, and its copy lies at the end. */
static int disk_pool_grow(struct bp_pool *p, struct bp_error *err)
{
	const struct disk_edit e = { .edit = disk_edit_nothing };
	struct disk *d = disk_of(p);

	if (disk_begin(d, 0, err) < 0 || disk_check_sound(d, err) < 0)
		return -1;
	return disk_is_gpt(d->label) ? disk_change(d, &e, err) : 0;
}

/* A disk with nothing on it gets the table that knows no limits. */
static const char *disk_source_format(const struct bp_content *content, bool disk)
{
	const struct disk_label *label;

	if (!disk || (content->type && !content->table))
		return NULL;
	label = disk_label_of_blkid(content->type ? content->type : "gpt");
	return label->blkid ? label->format : NULL;
}

const struct bp_backend backend_disk = {
	.type	     = "disk",
	.caps	     = BP_CAP_ONE_AT_A_TIME | BP_CAP_DEVICES | BP_CAP_PARTITIONS,

	.pool_open   = disk_pool_open,
	.pool_close  = disk_pool_close,
	.pool_check  = disk_pool_check,
	.pool_build  = disk_pool_build,
	.pool_start  = disk_pool_start,
	.pool_space  = disk_pool_space,
	.pool_source = disk_pool_source,
	.pool_grow   = disk_pool_grow,
	.pool_erase  = disk_pool_erase,

	.vols_open   = disk_vols_open,
	.vols_next   = disk_vols_next,
	.vols_close  = disk_vols_close,
	.vol_find    = disk_vol_find,
	.vol_of_path = disk_vol_of_path,
	.vol_create  = disk_vol_create,
	.vol_resize  = disk_vol_resize,
	.vol_delete  = disk_vol_delete,
	.vol_open    = disk_vol_open,

	.device_content = content_read,
	.source_format	= disk_source_format,
};

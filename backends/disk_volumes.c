/* disk_volumes.c - partitions as volumes: found, listed, opened. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/disk.h"
#include "backends/files.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static int no_volume(const char *vol, struct bp_error *err)
{
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
}

/* ---- one of them -------------------------------------------------------------------- */

/* A volume found, and what its strings are in. */
struct found {
	struct bp_vol_info info;
	char *name, *path, *device;
	struct bp_vol_extent extent;
	char problem[200];
};

static void found_done(struct found *f)
{
	free(f->name);
	free(f->path);
}

static uint64_t taken_by_logical(const struct disk_parts *parts)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < parts->n; i++)
		if (parts->all[i].kind == DISK_LOGICAL)
			sum += parts->all[i].size;
	return sum;
}

static void set_size(struct disk *d, const struct disk_part *p, struct found *f)
{
	uint64_t record = d->shape.sector > 1024 ? d->shape.sector : 1024;

	f->info.capacity = f->info.allocation = f->info.physical = p->size;
	if (p->kind == DISK_EXTENDED) {
		f->info.allocation = taken_by_logical(&d->parts);
		f->info.physical = p->size < record ? p->size : record;
	}
	f->extent = (struct bp_vol_extent){ (char *)d->path, p->start, p->start + p->size };
	f->info.extents = &f->extent;
	f->info.n_extents = 1;
	f->info.got |= BP_VOL_SIZE;
}

static void set_perms(struct found *f)
{
	if (files_get_perms(AT_FDCWD, f->path, 0, &f->info.perms, &f->info.times)) {
		f->info.got |= BP_VOL_PERMS;
		return;
	}
	snprintf(f->problem, sizeof f->problem, "has no device node: %s", strerror(errno));
	f->info.problem = f->problem;
}

static void describe(const struct bp_pool *p, const struct disk_part *part, unsigned want,
		     struct found *f)
{
	struct disk *d = disk_of(p);

	found_done(f);
	*f = (struct found){ .name = disk_part_name(d, part->number) };
	f->info = (struct bp_vol_info){
		.got = BP_VOL_NAME, .type = BP_VOL_BLOCK, .name = f->name,
	};
	if (want & (BP_VOL_PATH | BP_VOL_PERMS)) {
		f->path = disk_part_path(p, d, part->number);
		f->info.path = f->info.key = f->path;
		f->info.got |= BP_VOL_PATH;
	}
	if (want & BP_VOL_SIZE)
		set_size(d, part, f);
	if (want & BP_VOL_FORMAT) {
		f->info.format = part->format;
		f->info.got |= BP_VOL_FORMAT;
	}
	if (want & BP_VOL_PERMS)
		set_perms(f);
}

/* ---- all of them ---------------------------------------------------------------------- */

/* Those that were there at the start. */
struct walk {
	struct disk_parts parts;
	size_t next;
	unsigned want;
	struct found found;
};

int disk_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	struct disk *d = disk_of(p);
	struct walk *w;

	if (disk_read(d, err) < 0)
		return -1;
	w = mem_alloc(sizeof *w);
	w->want = want;
	w->parts.n = d->parts.n;
	w->parts.all = mem_resize(NULL, d->parts.n, sizeof *w->parts.all);
	if (d->parts.n)
		memcpy(w->parts.all, d->parts.all, d->parts.n * sizeof *w->parts.all);
	*ret = w;
	return 0;
}

int disk_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret, struct bp_error *err)
{
	struct walk *w = cursor;

	(void)err;
	if (w->next == w->parts.n)
		return 0;
	describe(p, &w->parts.all[w->next++], w->want, &w->found);
	*ret = w->found.info;
	return 1;
}

void disk_vols_close(struct bp_pool *p, void *cursor)
{
	struct walk *w = cursor;

	(void)p;
	found_done(&w->found);
	free(w->parts.all);
	free(w);
}

/* ---- by name, by path ------------------------------------------------------------------ */

int disk_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		  struct bp_error *err)
{
	cleanup(found_done) struct found f = { 0 };
	struct disk *d = disk_of(p);
	const struct disk_part *part;

	if (disk_read(d, err) < 0)
		return -1;
	part = disk_part_named(d, vol);
	if (!part)
		return no_volume(vol, err);
	describe(p, part, want, &f);
	*ret = bp_vol_info_dup(&f.info);
	return 0;
}

int disk_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err)
{
	struct disk *d = disk_of(p);

	if (!starts_with(path, d->node) &&
	    !(blocks_has_names(p->def->target_path) && starts_with(path, p->def->target_path)))
		return no_volume(path, err);
	if (disk_read(d, err) < 0)
		return -1;
	for (size_t i = 0; i < d->parts.n; i++) {
		auto_free char *its = disk_part_path(p, d, d->parts.all[i].number);

		if (strcmp(its, path) != 0)
			continue;
		*ret_vol = disk_part_name(d, d->parts.all[i].number);
		return 0;
	}
	return no_volume(path, err);
}

/* A command that was killed may not have told the kernel. */
static void make_known(struct disk *d, unsigned number, const char *path)
{
	dev_t dev;

	if (access(path, F_OK) < 0 || !disk_kernel_number(d, number, &dev))
		disk_kernel_restore(d, &d->parts);
}

/* A node may be left of another device. */
static bool is_part(const struct disk *d, unsigned number, const struct bp_io *io)
{
	struct stat st;
	dev_t dev;

	return !disk_kernel_number(d, number, &dev) ||
	       (fstat(io->fd, &st) == 0 && st.st_rdev == dev);
}

int disk_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		  struct bp_io **ret, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	struct disk *d = disk_of(p);
	const struct disk_part *part;
	auto_free char *path = NULL;
	dev_t dev;

	if (disk_read(d, err) < 0)
		return -1;
	part = disk_part_named(d, vol);
	if (!part)
		return no_volume(vol, err);
	path = disk_part_path(p, d, part->number);
	if (part->kind == DISK_EXTENDED)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' is an extended partition: it holds "
			       "partitions, and no data to be read, written or wiped", path);
	if (d->mapped && !disk_kernel_number(d, part->number, &dev))
		return bp_fail(err, BP_WRONG_STATE, "partition %u of '%s' is not mapped to '%s'; "
			       "'kpartx -a %s' does that", part->number, d->path, path, d->path);
	make_known(d, part->number, path);
	if (blocks_open(path, access, &io, err) < 0)
		return -1;
	if (!is_part(d, part->number, io))
		return bp_fail(err, BP_WRONG_STATE, "'%s' is not partition %u of '%s' for the "
			       "kernel; start the pool anew", path, part->number, d->path);
	*ret = steal(io);
	return 0;
}

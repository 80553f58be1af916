/* disk_change.c - make, resize and delete partitions: which, where, and may it be. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/disk.h"
#include "backends/files.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* Locked, as it is now, and fit for a change. */
static int begin(struct disk *d, struct bp_error *err)
{
	return disk_kernel_listens(d, err) < 0 || disk_begin(d, 0, err) < 0 ? -1 :
	       disk_check_sound(d, err);
}

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

/* ---- which number ------------------------------------------------------------------------ */

static unsigned lowest_free(const struct disk *d, unsigned from, unsigned max)
{
	for (unsigned n = from; n <= max; n++) {
		/* of a bsd table the third and fourth are the device itself */
		if (disk_is_bsd(d->label) && (n == 3 || n == 4))
			continue;
		if (!strcmp(d->label->format, "sun") && n == 3)
			continue;
		if (!strcmp(d->label->format, "dvh") && (n == 9 || n == 11))
			continue;
		if (!disk_part_find(&d->parts, n))
			return n;
	}
	return 0;
}

/* Logical ones have no numbers of their own: they are counted. */
static unsigned next_logical(const struct disk *d)
{
	unsigned n = DISK_DOS_PRIMARIES + 1;

	if (!disk_part_extended(&d->parts))
		return 0;
	while (disk_part_find(&d->parts, n))
		n++;
	return n <= d->max ? n : 0;
}

/* What could be made next: by number, 0 is none. */
struct choice {
	unsigned primary, logical;
};

static struct choice choices(const struct disk *d)
{
	bool dos = disk_is_dos(d->label);

	return (struct choice){
		.primary = lowest_free(d, 1, dos ? DISK_DOS_PRIMARIES : d->max),
		.logical = dos ? next_logical(d) : 0,
	};
}

static int none_left(const struct disk *d, struct bp_error *err)
{
	if (disk_is_dos(d->label) && !disk_part_extended(&d->parts))
		return bp_fail(err, BP_INTERNAL, "no extended partition found and no primary "
			       "partition available");
	return bp_fail(err, BP_FAILED, "the partition table of '%s' is full: it has no place for "
		       "more than %u partitions", d->path, d->max);
}

/* The name says which of the two is meant. */
static int choose(const struct disk *d, const struct bp_vol_spec *spec, struct disk_edit *e,
		  struct bp_error *err)
{
	bool extended = strcmp(spec->format, "extended") == 0;
	struct choice c = choices(d);
	auto_free char *primary = c.primary ? disk_part_name(d, c.primary) : NULL;
	auto_free char *logical = c.logical && !extended ? disk_part_name(d, c.logical) : NULL;

	if (!primary && !logical)
		return none_left(d, err);
	e->kind = extended ? DISK_EXTENDED : DISK_PRIMARY;
	e->number = c.primary;
	if (primary && strcmp(spec->name, primary) == 0)
		return 0;
	e->kind = DISK_LOGICAL;
	e->number = c.logical;
	if (logical && strcmp(spec->name, logical) == 0)
		return 0;
	if (primary && logical)
		return bp_fail(err, BP_INVALID, "invalid partition name '%s', expected '%s', or "
			       "'%s' for a logical one", spec->name, primary, logical);
	return bp_fail(err, BP_INVALID, "invalid partition name '%s', expected '%s'", spec->name,
		       primary ? primary : logical);
}

/* ---- where ------------------------------------------------------------------------------- */

/* For who finds no room where he knows there is. */
static const char *if_grown(const struct disk *d)
{
	bool grown = disk_is_gpt(d->label) && d->end + 2 * DISK_ENDS < d->shape.size;

	return grown ? "; the device has grown and its table has not (pool-grow)" : "";
}

/* The smallest that is large enough. */
static int place(const struct disk *d, struct disk_edit *e, struct bp_error *err)
{
	auto_free struct disk_free *areas = NULL;
	uint64_t best = UINT64_MAX, largest = 0;
	size_t n;

	areas = disk_free_areas(d, &n);
	for (size_t i = 0; i < n; i++) {
		uint64_t size = areas[i].end - areas[i].start;

		if (areas[i].logical != (e->kind == DISK_LOGICAL))
			continue;
		if (size > largest)
			largest = size;
		if (size < e->size || size >= best)
			continue;
		best = size;
		e->start = areas[i].start;
	}
	if (best != UINT64_MAX)
		return 0;
	return bp_fail(err, BP_INTERNAL, "no large enough free extent: the largest has %" PRIu64
		       " bytes%s", largest, if_grown(d));
}

/* ---- make -------------------------------------------------------------------------------- */

static int check_spec(const struct disk *d, const struct bp_vol_spec *spec, unsigned flags,
		      struct disk_edit *e, struct bp_error *err)
{
	if (disk_part_named(d, spec->name))
		return bp_fail(err, BP_VOL_EXISTS, "storage volume '%s' exists already",
			       spec->name);
	if (flags & BP_VOL_PREALLOC)
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation is not supported for raw volumes");
	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED, "a partition has no backing store");
	if (!spec->capacity)
		return bp_fail(err, BP_UNSUPPORTED,
			       "volume capacity required for this storage pool");
	if (disk_is_dos(d->label) && strcmp(spec->format, "extended") == 0 &&
	    disk_part_extended(&d->parts))
		return bp_fail(err, BP_INTERNAL, "extended partition already exists");
	e->type = disk_type_of_format(d->label, spec->format);
	if (!e->type)
		return bp_fail(err, BP_CONFIG, "a partition table of format '%s' has no partitions "
			       "of format '%s'", d->label->format, spec->format);
	return 0;
}

/* Before it is in the table: whoever sees it sees all of it. */
static int fill(const struct disk *d, const struct disk_edit *e, const struct bp_filler *filler,
		struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	auto_free char *node = NULL;

	if (!filler || !filler->fill)
		return 0;
	if (e->kind == DISK_EXTENDED)
		return bp_fail(err, BP_UNSUPPORTED, "an extended partition holds no data");
	node = disk_part_node(d, e->number);
	io = blocks_window(d->fd, node, e->start, e->size);
	if (filler->fill(filler->arg, io, err) < 0)
		return -1;
	return io_sync(io, err);
}

/* As far as somebody has asked: the kernel's or udev's ways are the usual ones. */
static int set_perms(const struct disk *d, unsigned number, const struct bp_perms *perms,
		     struct bp_error *err)
{
	auto_free char *node = disk_part_node(d, number);
	auto_close int fd = -1;

	if (!perms->has_mode && !perms->has_uid && !perms->has_gid && !perms->label)
		return 0;
	fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? 0 : files_set_perms(fd, perms, node, err);
}

static int undo(struct disk *d, unsigned number)
{
	const struct disk_edit e = { .edit = disk_edit_remove, .number = number };
	struct bp_error ignored = { 0 };

	if (disk_read(d, &ignored) == 0)
		(void)disk_change(d, &e, &ignored);
	return -1;
}

int disk_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		    const struct bp_filler *filler, struct bp_error *err)
{
	struct disk_edit e = { .edit = disk_edit_add };
	struct disk *d = disk_of(p);

	if (begin(d, err) < 0 || check_spec(d, spec, flags, &e, err) < 0 ||
	    choose(d, spec, &e, err) < 0)
		return -1;
	if (spec->capacity > d->shape.size)
		e.size = d->shape.size + 1;
	else
		e.size = round_up(spec->capacity, d->grain ? d->grain : d->shape.sector);
	e.name = disk_is_gpt(d->label) ? spec->name : NULL;
	if (place(d, &e, err) < 0 || fill(d, &e, filler, err) < 0 || disk_change(d, &e, err) < 0)
		return -1;
	if (set_perms(d, e.number, &spec->perms, err) < 0)
		return undo(d, e.number);
	disk_wait_for_name(p, d, e.number);
	return 0;
}

/* ---- delete ------------------------------------------------------------------------------- */

static int no_volume(const char *vol, struct bp_error *err)
{
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
}

static int check_empty(const struct disk *d, const struct disk_part *part, struct bp_error *err)
{
	if (part->kind != DISK_EXTENDED || !disk_part_find(&d->parts, DISK_DOS_PRIMARIES + 1))
		return 0;
	return bp_fail(err, BP_FAILED, "extended partition '%s%u' holds logical partitions; delete "
		       "those first", d->stem, part->number);
}

int disk_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err)
{
	struct disk_edit e = { .edit = disk_edit_remove };
	struct disk *d = disk_of(p);
	const struct disk_part *part;

	if (flags & BP_VOL_SNAPSHOTS)
		return bp_fail(err, BP_UNSUPPORTED,
			       "this type of pool keeps no snapshots of volumes");
	if (disk_read(d, err) < 0)
		return -1;
	if (!disk_part_named(d, vol))
		return no_volume(vol, err);
	if (begin(d, err) < 0)
		return -1;
	part = disk_part_named(d, vol);
	if (!part)
		return no_volume(vol, err);
	if (check_empty(d, part, err) < 0)
		return -1;
	e.number = part->number;
	return disk_change(d, &e, err);
}

/* ---- resize -------------------------------------------------------------------------------- */

static uint64_t lower(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* As far as it could reach: to what follows it, be it the record of a logical one,
 * or to the end of what it is in. */
static uint64_t room_end(const struct disk *d, const struct disk_part *part)
{
	const struct disk_part *extended = disk_part_extended(&d->parts);
	bool logical = part->kind == DISK_LOGICAL;
	uint64_t end = logical ? extended->start + extended->size : d->end;

	for (size_t i = 0; i < d->parts.n; i++) {
		const struct disk_part *p = &d->parts.all[i];

		if ((p->kind == DISK_LOGICAL) == logical && p->start > part->start)
			end = lower(end, p->start);
	}
	for (size_t i = 1; logical && i < d->n_chain; i++)
		if (d->chain[i] > part->start)
			end = lower(end, d->chain[i]);
	return end;
}

/* An extended one goes on holding what is in it. */
static uint64_t least_size(const struct disk *d, const struct disk_part *part)
{
	uint64_t least = d->shape.sector;

	for (size_t i = 0; part->kind == DISK_EXTENDED && i < d->parts.n; i++) {
		const struct disk_part *p = &d->parts.all[i];
		uint64_t end = p->start + p->size - part->start;

		if (p->kind == DISK_LOGICAL && end > least)
			least = end;
	}
	return least;
}

static int check_size(const struct disk *d, const struct disk_part *part, uint64_t size,
		      struct bp_error *err)
{
	uint64_t room = room_end(d, part) - part->start, least = least_size(d, part);

	if (size > part->size && size > room)
		return bp_fail(err, BP_FAILED, "partition '%s%u' can have %" PRIu64 " bytes at the "
			       "most, and %" PRIu64 " are asked for: what follows it is not free%s",
			       d->stem, part->number, room > part->size ? room : part->size, size,
			       if_grown(d));
	if (size < least)
		return bp_fail(err, BP_FAILED, "partition '%s%u' cannot have less than %" PRIu64
			       " bytes", d->stem, part->number, least);
	return 0;
}

int disk_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		    struct bp_error *err)
{
	struct disk_edit e = { .edit = disk_edit_resize };
	struct disk *d = disk_of(p);
	const struct disk_part *part;

	(void)flags;
	if (begin(d, err) < 0)
		return -1;
	part = disk_part_named(d, vol);
	if (!part)
		return no_volume(vol, err);
	e.number = part->number;
	e.size = capacity > INT64_MAX ? capacity :
		 round_up(capacity, d->grain ? d->grain : d->shape.sector);
	e.grow = e.size > part->size;
	if (e.size == part->size)
		return 0;
	return check_size(d, part, e.size, err) < 0 ? -1 : disk_change(d, &e, err);
}

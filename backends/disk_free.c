/* disk_free.c - what is free on a device, and whether its table may be changed. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "backends/disk.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* ---- what is free ------------------------------------------------------------------- */

/* What is taken, by partitions and by what tells of them. */
struct taken {
	struct bp_extent *all;
	size_t n;
};

static void take(struct taken *t, uint64_t start, uint64_t size)
{
	*array_add(t->all, t->n) = (struct bp_extent){ start, start + size };
}

static int by_start(const void *a, const void *b)
{
	const struct bp_extent *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static struct taken all_taken(const struct disk *d, bool logical)
{
	struct taken t = { 0 };

	for (size_t i = 0; i < d->parts.n; i++)
		if ((d->parts.all[i].kind == DISK_LOGICAL) == logical)
			take(&t, d->parts.all[i].start, d->parts.all[i].size);
	/* the first lies where the one of a new first partition would: libfdisk makes room */
	for (size_t i = d->first > d->shape.sector ? 2 : 1; logical && i < d->n_chain; i++)
		take(&t, d->chain[i], d->shape.sector);
	if (t.n)
		qsort(t.all, t.n, sizeof *t.all, by_start);
	return t;
}

static uint64_t align(const struct disk *d, uint64_t at)
{
	return d->grain ? (at + d->grain - 1) / d->grain * d->grain : blocks_align(&d->shape, at);
}

struct areas {
	struct disk_free *all;
	size_t n;
};

/* A logical partition's record lies before it, as far as it would from the device's
 * first sector: libfdisk has it so. */
static void add_free(const struct disk *d, uint64_t from, uint64_t to, bool logical,
		     struct areas *a)
{
	uint64_t start = align(d, logical ? from + d->first : from);

	if (start < to)
		*array_add(a->all, a->n) = (struct disk_free){ start, to, logical };
}

/* What overlaps counts once. */
static void find_gaps(const struct disk *d, bool logical, uint64_t from, uint64_t to,
		      struct areas *a)
{
	struct taken t = all_taken(d, logical);

	for (size_t i = 0; i < t.n && from < to; i++) {
		uint64_t start = t.all[i].start < to ? t.all[i].start : to;

		if (start > from)
			add_free(d, from, start, logical, a);
		if (t.all[i].end > from)
			from = t.all[i].end;
	}
	if (from < to)
		add_free(d, from, to, logical, a);
	free(t.all);
}

static int by_place(const void *a, const void *b)
{
	const struct disk_free *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

struct disk_free *disk_free_areas(const struct disk *d, size_t *ret_n)
{
	const struct disk_part *extended = disk_part_extended(&d->parts);
	struct areas a = { 0 };

	find_gaps(d, false, d->first, d->end, &a);
	if (extended)
		find_gaps(d, true, extended->start, extended->start + extended->size, &a);
	if (a.n)
		qsort(a.all, a.n, sizeof *a.all, by_place);
	*ret_n = a.n;
	return a.all;
}

/* ---- may it be changed ---------------------------------------------------------------- */

static int unsound(const struct disk *d, const char *why, struct bp_error *err)
{
	return bp_fail(err, BP_CORRUPT, "the partition table of '%s' is not changed: %s; repair it "
		       "first (sfdisk, sgdisk)", d->path, why);
}

static bool within(const struct disk_part *a, const struct disk_part *b)
{
	return a->start >= b->start && a->start + a->size <= b->start + b->size;
}

static bool overlap(const struct disk_part *a, const struct disk_part *b)
{
	if (a->kind == DISK_LOGICAL && b->kind == DISK_EXTENDED)
		return !within(a, b);
	if (b->kind == DISK_LOGICAL && a->kind == DISK_EXTENDED)
		return !within(b, a);
	return a->start < b->start + b->size && b->start < a->start + a->size;
}

static int check_part(const struct disk *d, size_t i, struct bp_error *err)
{
	const struct disk_part *p = &d->parts.all[i];
	auto_free char *why = NULL;

	if (p->start > d->shape.size || p->size > d->shape.size - p->start) {
		why = mem_printf("partition %u ends beyond the device", p->number);
		return unsound(d, why, err);
	}
	for (size_t j = 0; j < i; j++) {
		if (!overlap(p, &d->parts.all[j]))
			continue;
		why = mem_printf("partitions %u and %u overlap", d->parts.all[j].number, p->number);
		return unsound(d, why, err);
	}
	return 0;
}

int disk_check_sound(struct disk *d, struct bp_error *err)
{
	bool hybrid;

	if (disk_read(d, err) < 0 || disk_is_hybrid(d, &hybrid, err) < 0)
		return -1;
	if (!d->label)
		return bp_fail(err, BP_WRONG_STATE, "device '%s' has no partition table", d->path);
	if (!d->label->fdisk)
		return bp_fail(err, BP_UNSUPPORTED, "partition tables of format '%s' can be read, "
			       "but not changed", d->label->format);
	if (hybrid)
		return unsound(d, "beside its GPT it has a second table of other partitions "
			       "(a hybrid MBR), which would not be true any more", err);
	for (size_t i = 0; i < d->parts.n; i++)
		if (check_part(d, i, err) < 0)
			return -1;
	return 0;
}

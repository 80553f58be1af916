/* image_measure.c - how large an image would be, before it is made. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/image_plan.h"
#include "core/image_read.h"

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Bytes of the units that its guest has something in that is not zeros. */
static int data_in(struct bp_image_view *source, uint64_t unit, uint64_t *ret,
		   struct bp_error *err)
{
	uint64_t end = bp_image_capacity(source), data = 0, next = 0;

	while (next < end) {
		struct bp_image_extent e;

		if (bp_image_extent_at(source, next, &e, err) < 0)
			return -1;
		if (e.data && !e.zero) {
			data += next % unit;
			next = round_up(e.start + e.length, unit);
			data += next - e.start;
		} else {
			next = e.start + e.length;
		}
	}
	*ret = data;
	return 0;
}

/* Of one with so many bits of the source behind each of its own: all of it, its table, and
 * an entry in the directory. */
static uint64_t bitmap_size(uint64_t capacity, const struct bp_fact *bitmap, uint64_t unit,
			    uint64_t *directory)
{
	const struct bp_fact *name = bp_fact_find(bitmap, "name");
	const struct bp_fact *granularity = bp_fact_find(bitmap, "granularity");
	uint64_t bytes, clusters;

	if (!name || !granularity || !granularity->number)
		return 0;
	bytes = round_up(round_up(capacity, granularity->number) / granularity->number, 8) / 8;
	clusters = round_up(bytes, unit) / unit;
	*directory += round_up(24 + strlen(name->text), 8);
	return clusters * unit + round_up(clusters * 8, unit);
}

static int measure_bitmaps(const struct bp_image_ref *source, uint64_t unit,
			   struct bp_image_size *ret, struct bp_error *err)
{
	cleanup(bp_image_freep) struct bp_image *image = NULL;
	const struct bp_fact *bitmaps, *compat;
	uint64_t directory = 0;

	if (bp_image_look(source, false, &image, err) < 0)
		return -1;
	compat = bp_fact_find(&image->more, "compat");
	bitmaps = bp_fact_find(&image->more, "bitmaps");
	ret->has_bitmaps = compat && strcmp(compat->text, "0.10") != 0;
	for (size_t i = 0; bitmaps && i < bitmaps->n_parts; i++)
		ret->bitmaps += bitmap_size(image->capacity, &bitmaps->parts[i], unit, &directory);
	ret->bitmaps += round_up(directory, unit);
	return 0;
}

/* Nobody knows how much of the source the backing file has, too: it may be nothing. */
static int measure_source(const struct image_options *o, const struct bp_image_ref *ref,
			  struct bp_image_spec *spec, uint64_t *ret_data, uint64_t *ret_unit,
			  struct bp_image_size *ret, struct bp_error *err)
{
	cleanup(bp_image_closep) struct bp_image_view *source = NULL;
	bool taken = spec->preallocate >= BP_PREALLOC_FALLOC || spec->backing;

	if (bp_image_open(ref, &source, err) < 0)
		return -1;
	spec->capacity = bp_image_capacity(source);
	if (o->format->measure(spec, &ret->full, ret_unit, err) < 0)
		return -1;
	*ret_data = *ret_unit ? round_up(spec->capacity, *ret_unit) : spec->capacity;
	if (!*ret_unit)
		return 0;
	if (!taken && data_in(source, *ret_unit, ret_data, err) < 0)
		return -1;
	if (spec->compat && strcmp(spec->compat, "0.10") == 0)
		return 0;
	return measure_bitmaps(ref, *ret_unit, ret, err);
}

static int measure(const struct image_options *o, struct bp_image_spec *spec,
		   const struct bp_image_ref *source, struct bp_image_size *ret,
		   struct bp_error *err)
{
	uint64_t unit, data, all;

	if (!o->format->measure)
		return bp_fail(err, BP_UNSUPPORTED, "Block driver '%s' does not support size "
			       "measurement", o->format->name);
	if (source) {
		if (measure_source(o, source, spec, &data, &unit, ret, err) < 0)
			return -1;
	} else {
		if (o->format->measure(spec, &ret->full, &unit, err) < 0)
			return -1;
		data = spec->preallocate >= BP_PREALLOC_FALLOC || !unit ? spec->capacity : 0;
	}
	all = unit ? round_up(spec->capacity, unit) : spec->capacity;
	if (unit && data)
		data = round_up(data, unit);
	ret->required = ret->full - all + data;
	return 0;
}

int bp_image_measure(const struct bp_image_wish *to, const struct bp_image_ref *source,
		     struct bp_image_size *ret, struct bp_error *err)
{
	cleanup(image_options_done) struct image_options o = { 0 };
	struct bp_image_size size = { 0 };
	struct bp_image_spec spec;

	if (image_format_to_make(to->format, &o.format, err) < 0)
		return -1;
	for (size_t i = 0; i < to->n_options; i++)
		if (image_options_parse(&o, to->options[i], err) < 0)
			return -1;
	if (image_options_spec(&o, &spec, err) < 0)
		return -1;
	spec.capacity = round_up(to->capacity, 512);
	if (measure(&o, &spec, source, &size, err) < 0)
		return -1;
	*ret = size;
	return 0;
}

/* raw.c - no header: the file is the disk, or LUKS around a disk. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/luks.h"
#include "core/image/patch.h"
#include "core/image/writer.h"

#define FILE_UNIT   4096u
#define DEVICE_UNIT 65536u	/* each run of zeros is a command to a device: so no shorter ones */

/* Version 1 only: where the payload of version 2 begins is written in JSON,
 * and the peer does not show it as encrypted either. */
static int raw_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		     struct bp_error *err)
{
	struct bytes b = head->first;
	uint64_t payload;

	if (!bytes_has(b, 0, 8) || memcmp(b.p, LUKS_MAGIC, 6) != 0 || be16_at(b, 6) != 1)
		return 0;
	if (!bytes_has(b, 0, LUKS_HEADER))
		return bp_fail(err, BP_CORRUPT, "the LUKS header is cut off after %zu bytes",
			       b.len);
	payload = (uint64_t)be32_at(b, 104) * LUKS_SECTOR;
	if (payload > head->size)
		return bp_fail(err, BP_CORRUPT, "the LUKS header lets the data begin at %" PRIu64
			       ", past the end of the file", payload);
	ret->encryption = "luks";
	ret->payload = payload;
	ret->capacity = head->size - payload;
	return 0;
}

/* ---- what its guest sees: the file ------------------------------------------------ */

/* What was found last: a hole up to from, and data up to to.  To find where data end can
 * take as long as to look at each page of them, so it is done once. */
struct raw_guest {
	struct bp_guest g;
	uint64_t size;			/* of the file: the rest of its last sector is zeros */
	uint64_t at, from, to;
	uint64_t step;			/* with which that was looked for */
};

/* Where nothing was written a file has zeros, and the place for them. */
static int raw_extent(struct bp_guest *g, uint64_t at, struct bp_guest_extent *ret,
		      struct bp_error *err)
{
	struct raw_guest *r = (struct raw_guest *)g;

	if (at < r->at || at >= r->to || r->step != g->step) {
		r->to = 0;
		r->step = g->step;
		if ((g->step ? io_data_near(g->io, at, g->step, &r->from, &r->to, err) :
			       io_next_data(g->io, at, &r->from, &r->to, err)) < 0)
			return -1;
		if (r->from >= r->size)
			r->from = r->to = g->capacity;
		r->at = at;
	}
	if (r->from > at)
		*ret = (struct bp_guest_extent){ BP_GUEST_ZERO, at, r->from - at, at };
	else
		*ret = (struct bp_guest_extent){ BP_GUEST_DATA, at, r->to - at, at };
	if (ret->len > g->capacity - at)
		ret->len = g->capacity - at;
	return 0;
}

static int raw_read(struct bp_guest *g, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	uint64_t size = ((struct raw_guest *)g)->size, there = at < size ? size - at : 0;

	if (there < len) {
		memset((char *)buf + there, 0, len - (size_t)there);
		len = (size_t)there;
	}
	return len ? io_read(g->io, buf, len, at, err) : 0;
}

static void raw_close(struct bp_guest *g)
{
	free(g);
}

static int raw_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct bp_guest_ops ops = { raw_extent, raw_read, raw_close };
	struct raw_guest *raw;
	uint64_t size;

	if (io_size(io, &size, err) < 0)
		return -1;
	raw = mem_alloc(sizeof *raw);
	*raw = (struct raw_guest){ { &ops, io, (size + 511) & ~UINT64_C(511) }, size };
	*ret = &raw->g;
	return 0;
}

static int raw_measure(const struct bp_image_spec *spec, uint64_t *ret_full, uint64_t *ret_unit,
		       struct bp_error *err)
{
	(void)err;
	*ret_full = spec->capacity;
	*ret_unit = 0;
	return 0;
}

static int raw_resize(struct bp_io *io, uint64_t capacity, struct bp_error *err)
{
	return io_resize(io, capacity, err);
}

/* The space first: if there is too little of it, the disk keeps its size. */
static int raw_grow(struct bp_io *io, const struct bp_image_growth *g, struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	uint64_t old;
	int r = 0;

	if (g->preallocate == BP_PREALLOC_METADATA)
		return bp_fail(err, BP_OP_UNSUPPORTED, "Unsupported preallocation mode: metadata");
	if (io_size(io, &old, err) < 0)
		return -1;
	if (g->preallocate == BP_PREALLOC_FALLOC)
		r = io_reserve(io, old, g->capacity - old, err);
	else if (g->preallocate == BP_PREALLOC_FULL)
		r = io_fill(io, old, g->capacity - old, err);
	if (r == 0 && io_resize(io, g->capacity, err) == 0 && io_sync(io, err) == 0)
		return 0;
	(void)io_resize(io, old, &ignored);
	return -1;
}

/* The size of a file; a device keeps its own. */
static int set_size(struct bp_io *io, uint64_t capacity, struct bp_error *err)
{
	struct bp_error cannot = { 0 };
	uint64_t size;

	if (io_size(io, &size, err) < 0)
		return -1;
	if (size == capacity || io_resize(io, capacity, &cannot) == 0)
		return 0;
	if (cannot.code == BP_UNSUPPORTED && size > capacity)
		return 0;
	*err = cannot;
	return -1;
}

static int raw_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err)
{
	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED,
			       "backing storage not supported for raw volumes");
	if (spec->preallocate == BP_PREALLOC_METADATA)
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation is not supported for raw volumes");
	if (set_size(io, spec->capacity, err) < 0)
		return -1;
	if (spec->preallocate == BP_PREALLOC_FALLOC)
		return io_reserve_empty(io, 0, spec->capacity, err);
	return spec->preallocate == BP_PREALLOC_FULL ? io_fill(io, 0, spec->capacity, err) : 0;
}

/* ---- written: nothing but the guest's bytes ----------------------------------------- */

static int raw_place(struct bp_writer *w, uint64_t at, uint64_t len, uint64_t *ret,
		     struct bp_error *err)
{
	(void)w, (void)len, (void)err;
	*ret = at;
	return 0;
}

static int raw_finish(struct bp_writer *w, struct bp_error *err)
{
	(void)w, (void)err;
	return 0;
}

static void raw_writer_close(struct bp_writer *w)
{
	free(w);
}

/* Zeros have their place, as all else; they are written where it is not new, or where all
 * of it is to be. */
static int raw_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
		     struct bp_error *err)
{
	static const struct bp_writer_ops ops = {
		.place = raw_place, .place_zeros = raw_place, .finish = raw_finish,
		.close = raw_writer_close,
	};

	if (raw_create(io, spec, err) < 0)
		return -1;
	*ret = mem_alloc(sizeof **ret);
	**ret = (struct bp_writer){
		.ops = &ops, .io = io, .capacity = spec->capacity,
		.unit = io->ops->resize && !io_is_block(io) ? FILE_UNIT : DEVICE_UNIT,
		.span = UINT64_C(1) << 62,
	};
	return 0;
}

/* ---- changed: each byte has its place -------------------------------------------------- */

struct raw_patch {
	struct bp_patch p;
	struct bp_io *io;
};

static int raw_patch_write(struct bp_patch *p, const void *buf, uint64_t len, uint64_t at,
			   struct bp_error *err)
{
	struct bp_io *io = ((struct raw_patch *)p)->io;

	return buf ? io_write(io, buf, (size_t)len, at, err) : io_zero(io, at, len, err);
}

static int raw_patch_finish(struct bp_patch *p, struct bp_error *err)
{
	return io_sync(((struct raw_patch *)p)->io, err);
}

static void raw_patch_close(struct bp_patch *p)
{
	free(p);
}

static int raw_patch(struct bp_io *io, unsigned flags, struct bp_patch **ret,
		     struct bp_error *err)
{
	static const struct bp_patch_ops ops = {
		raw_patch_write, raw_patch_finish, raw_patch_close
	};
	struct raw_patch *raw;
	uint64_t size;

	(void)flags;
	if (io_size(io, &size, err) < 0)
		return -1;
	raw = mem_alloc(sizeof *raw);
	*raw = (struct raw_patch){ { &ops, size, 1 }, io };
	*ret = &raw->p;
	return 0;
}

const struct bp_image_format image_raw = {
	.measure = raw_measure,
	.name	= "raw",
	.probe	= raw_probe,
	.create = raw_create,
	.resize = raw_resize,
	.grow	= raw_grow,
	.write	= raw_write,
	.open	= raw_open,
	.patch	= raw_patch,
};

/* What somebody calls raw is that, whatever it looks like, in whole sectors. */
static int raw_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		     struct bp_error *err)
{
	(void)err;
	ret->capacity = (head->size + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
	return 0;
}

const struct bp_image_format image_disk = {
	.name	= "raw",
	.facts	= raw_facts,
	.create = raw_create,
	.resize = raw_resize,
	.grow	= raw_grow,
	.open	= raw_open,
	.patch	= raw_patch,
};

static int iso_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	return trailer ? image_shows(head, &image_iso.sign, err) : 0;
}

/* A disk in a drive of its own: recognised by the file system on it, made as raw is. */
const struct bp_image_format image_iso = {
	.name	= "iso",
	.sign	= { .at = 32769, .magic = "CD001", .len = 5 },
	.seen	= iso_seen,
	.facts	= raw_facts,
	.create = raw_create,
	.resize = raw_resize,
	.open	= raw_open,
};

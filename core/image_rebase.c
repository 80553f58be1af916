/* image_rebase.c - another backing file for an image in a file.
 *
 * What would look different is written into the image before it names the new file, so
 * that its guest sees the same at every moment.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/patch.h"
#include "core/image_below.h"
#include "core/image_file.h"

#define PIECE (UINT64_C(1) << 20)

struct rebase {
	struct bp_chain *old;		/* the image, and below it what it has had so far */
	struct bp_chain *new;		/* what comes below it; n 0: nothing */
	struct bp_patch *patch;
	const struct bp_progress *progress;
	unsigned char *a, *b;
	uint64_t plain_end;		/* before it zeros are bytes as all others */
};

static void rebase_done(struct rebase *r)
{
	patch_closep(&r->patch);
	freep(&r->a);
	freep(&r->b);
}

/* ---- what differs ------------------------------------------------------------------- */

static bool same_file(const struct bp_layer *a, const struct bp_layer *b)
{
	struct stat x, y;

	return fstat(a->io->fd, &x) == 0 && fstat(b->io->fd, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Of what begins at at, and *len bytes at the most: how much can be told without reading
 * it?  True: it is the same in both. */
static int look(struct rebase *r, uint64_t at, uint64_t *len, bool *ret_same, struct bp_error *err)
{
	struct bp_guest_extent was, is = { BP_GUEST_HOLE, at, *len, BP_NOWHERE };
	size_t was_in, is_in = r->new->n;
	bool was_zero, is_zero;

	if (bp_chain_extent(r->old, at, &was, &was_in, err) < 0 ||
	    (at < r->new->capacity && bp_chain_extent(r->new, at, &is, &is_in, err) < 0))
		return -1;
	*len = was.len < *len ? was.len : *len;
	*len = is.len < *len ? is.len : *len;
	was_zero = was.kind == BP_GUEST_HOLE || was.kind == BP_GUEST_ZERO;
	is_zero = is.kind == BP_GUEST_HOLE || is.kind == BP_GUEST_ZERO;
	if (was_zero || is_zero)
		*ret_same = was_zero && is_zero;
	else
		*ret_same = same_file(&r->old->layers[was_in], &r->new->layers[is_in]);
	return 0;
}

static int read_new(struct rebase *r, size_t len, uint64_t at, struct bp_error *err)
{
	uint64_t there = at < r->new->capacity ? r->new->capacity - at : 0;
	size_t n = there < len ? (size_t)there : len;

	memset(r->b + n, 0, len - n);
	return n ? bp_chain_read(r->new, r->b, n, at, err) : 0;
}

/* One of three: it is the same, it has become zeros to be kept, or bytes. */
enum fate { SAME, ZEROS, BYTES };

static enum fate fate_of(const struct rebase *r, size_t at, size_t n, bool plain)
{
	if (memcmp(r->a + at, r->b + at, n) == 0)
		return SAME;
	return !plain && is_zero(r->a + at, n) ? ZEROS : BYTES;
}

/* Units that meet the same fate are written together. */
static int keep(struct rebase *r, size_t len, uint64_t at, struct bp_error *err)
{
	size_t unit = (size_t)r->patch->unit, from, to;

	for (from = 0; from < len; from = to) {
		size_t n = len - from < unit ? len - from : unit;
		enum fate fate = fate_of(r, from, n, at + from < r->plain_end);

		for (to = from + n; to < len; to += n) {
			n = len - to < unit ? len - to : unit;
			if (fate_of(r, to, n, at + to < r->plain_end) != fate)
				break;
		}
		if (fate == SAME)
			continue;
		if (r->patch->ops->write(r->patch, fate == ZEROS ? NULL : r->a + from, to - from,
					 at + from, err) < 0)
			return -1;
		progress_pace(r->progress, to - from);
	}
	return 0;
}

/* Up to the end of a unit, as what is written is whole units. */
static uint64_t to_unit(const struct rebase *r, uint64_t at, uint64_t len, uint64_t max)
{
	uint64_t mask = r->patch->unit - 1, end = (at + len + mask) & ~mask;

	return end - at < max ? end - at : max;
}

/* len bytes that the image leaves to its backing file. */
static int keep_hole(struct rebase *r, uint64_t at, uint64_t len, struct bp_error *err)
{
	uint64_t piece = PIECE > r->patch->unit ? PIECE : r->patch->unit, n;
	bool same;

	for (; len; at += n, len -= n) {
		n = len;
		if (progress_tell(r->progress, at, r->old->capacity, err) < 0 ||
		    look(r, at, &n, &same, err) < 0)
			return -1;
		if (same && n >= r->patch->unit) {
			n = n == len ? n : n & ~(r->patch->unit - 1);
			continue;
		}
		n = to_unit(r, at, n < piece ? n : piece, len);
		if (bp_chain_read(r->old, r->a, (size_t)n, at, err) < 0 ||
		    read_new(r, (size_t)n, at, err) < 0 || keep(r, (size_t)n, at, err) < 0)
			return -1;
	}
	return 0;
}

static int keep_all(struct rebase *r, struct bp_error *err)
{
	uint64_t size = PIECE > r->patch->unit ? PIECE : r->patch->unit;
	struct bp_guest_extent e;

	r->a = mem_alloc((size_t)size);
	r->b = mem_alloc((size_t)size);
	for (uint64_t at = 0; at < r->old->capacity; at += e.len) {
		if (guest_extent(r->old->layers[0].guest, at, &e, err) < 0)
			return bp_within(err, "'%s'", r->old->layers[0].name);
		if (e.kind == BP_GUEST_HOLE && keep_hole(r, at, e.len, err) < 0)
			return -1;
	}
	if (r->patch->ops->finish(r->patch, err) < 0)
		return -1;
	return progress_tell(r->progress, r->old->capacity, r->old->capacity, err);
}

/* ---- the name ---------------------------------------------------------------------------- */

/* What an image may say its backing file is: QEMU also knows words for where a raw one is. */
static bool is_format(const char *word)
{
	static const char *const places[] = { "file", "host_device" };

	for (size_t i = 0; i < array_size(places); i++)
		if (strcmp(word, places[i]) == 0)
			return true;
	return bp_image_format_find(word) || bp_image_known_find(word);
}

int image_rebase_check(const struct bp_image_format *format, const char *backing,
		       const char *backing_format, struct bp_error *err)
{
	if (backing_format && !is_format(backing_format))
		return bp_fail(err, BP_INVALID, "Invalid format name: '%s'", backing_format);
	if (backing && !backing_format)
		bp_fail(err, BP_INVALID, "backing format must be specified");
	else if (!format->set_backing)
		bp_fail(err, BP_UNSUPPORTED, "images of format %s have no backing file that could "
			"be changed", format->name);
	else
		return 0;
	return bp_within(err, "Could not change the backing file to '%s'", backing ? backing : "");
}

static int set(const struct bp_image_format *format, struct bp_io *io, const char *backing,
	       const char *backing_format, struct bp_error *err)
{
	if (format->set_backing(io, backing, backing_format, err) == 0)
		return 0;
	return bp_within(err, "Could not change the backing file to '%s'", backing ? backing : "");
}

int bp_image_set_backing(const struct bp_image_ref *image, const char *backing,
			 const char *backing_format, struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };

	if (image_file_open(image, true, &f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (image_rebase_check(f.format, backing, backing_format, err) < 0)
		return -1;
	return set(f.format, f.io, backing, backing_format, err);
}

int image_rebase_chain(struct bp_chain *old, struct bp_chain *new, const char *backing,
		       const char *backing_format, unsigned flags,
		       const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(rebase_done) struct rebase r = { .old = old, .new = new, .progress = progress };
	const struct bp_layer *top = old->layers;
	const struct bp_image_format *format = bp_image_known_find(top->info.format);

	if (!format->patch)
		return bp_fail(err, BP_UNSUPPORTED, "'%s': images of format %s cannot be written "
			       "to, only new ones", top->name, format->name);
	if (flags & BP_REBASE_WRITE_ZEROS && old->n > 1)
		r.plain_end = old->layers[1].guest->capacity;
	if (format->patch(top->io, BP_PATCH_SAME | (backing ? BP_PATCH_BACKED : 0), &r.patch,
			  err) < 0)
		return bp_within(err, "'%s'", top->name);
	if (keep_all(&r, err) < 0)
		return bp_within(err, "'%s' is as it was", top->name);
	return set(format, top->io, backing, backing_format, err);
}

int bp_image_rebase(const struct bp_image_ref *image, const char *backing,
		    const char *backing_format, unsigned flags,
		    const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };
	cleanup(bp_chain_done) struct bp_chain old = { 0 }, new = { 0 };

	if (flags & ~(unsigned)BP_REBASE_WRITE_ZEROS)
		return bp_fail(err, BP_BAD_FLAGS, "unsupported flags (0x%x) in function %s", flags,
			       __func__);
	if (image_file_open(image, true, &f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (image_rebase_check(f.format, backing, backing_format, err) < 0)
		return -1;
	if (image_file_chain(&f, 0, &old, err) < 0)
		return bp_within(err, "Could not open old backing file");
	if (backing && image_file_chain_below(&f, backing, backing_format, &new, err) < 0)
		return bp_within(err, "Could not open new backing file '%s'", backing);
	return image_rebase_chain(&old, &new, backing, backing_format, flags, progress, err);
}

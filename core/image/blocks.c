/* blocks.c - see blocks.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/blocks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define WINDOW	(64u << 10)
#define AHEAD	4096u			/* blocks that are put into one extent, at most */

void window_init(struct window *w, struct bp_io *io, uint64_t file_size)
{
	*w = (struct window){ .io = io, .file_size = file_size };
}

void window_done(struct window *w)
{
	free(w->buf);
	w->buf = NULL;
}

static int move(struct window *w, uint64_t at, struct bp_error *err)
{
	uint64_t left = w->file_size - at;

	if (!w->buf)
		w->buf = mem_alloc(WINDOW);
	w->at = at;
	w->len = 0;
	if (left > WINDOW)
		left = WINDOW;
	if (io_read(w->io, w->buf, (size_t)left, at, err) < 0)
		return -1;
	w->len = (size_t)left;
	return 0;
}

int window_number(struct window *w, uint64_t at, unsigned n, bool little, uint64_t *ret,
		  struct bp_error *err)
{
	struct bytes b;

	if (at > w->file_size || n > w->file_size - at)
		return bp_fail(err, BP_CORRUPT, "a table at %" PRIu64 " is past the end of the "
			       "file", at);
	if ((at < w->at || !bytes_has((struct bytes){ w->buf, w->len }, at - w->at, n)) &&
	    move(w, at, err) < 0)
		return -1;
	b = (struct bytes){ w->buf, w->len };
	*ret = little ? le_at(b, at - w->at, n) : be_at(b, at - w->at, n);
	return 0;
}

/* ---- blocks ---------------------------------------------------------------------- */

static struct blocks *of(struct bp_guest *g)
{
	return (struct blocks *)g;
}

/* The last may be there in part: the guest does not reach further, or what is missing was
 * never written. */
static int look(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	*ret = (struct block_place){ .kind = BP_GUEST_HOLE, .at = BP_NOWHERE };
	if (b->ops->find(b, block, ret, err) < 0)
		return -1;
	if ((ret->kind == BP_GUEST_DATA || ret->kind == BP_GUEST_COMPRESSED) &&
	    ret->at >= b->file_size)
		return bp_fail(err, BP_CORRUPT, "block %" PRIu64 " is at %" PRIu64
			       ", past the end of the file", block, ret->at);
	return 0;
}

static bool follows(const struct blocks *b, const struct block_place *first, uint64_t n,
		    const struct block_place *next)
{
	if (next->kind != first->kind || first->kind == BP_GUEST_COMPRESSED)
		return false;
	return first->at == BP_NOWHERE ? next->at == BP_NOWHERE :
					 next->at == first->at + n * b->block_size;
}

/* What is left of an extent from at on. */
static void rest_of(const struct bp_guest_extent *e, uint64_t at, struct bp_guest_extent *ret)
{
	uint64_t skipped = at - e->at;

	*ret = (struct bp_guest_extent){ e->kind, at, e->len - skipped, e->file_at };
	if (e->file_at != BP_NOWHERE)
		ret->file_at += skipped;
}

static int blocks_extent(struct bp_guest *g, uint64_t at, struct bp_guest_extent *ret,
			 struct bp_error *err)
{
	struct blocks *b = of(g);
	uint64_t block = at / b->block_size, in = at % b->block_size, n = 1, end;
	struct block_place first, next;

	if (at >= b->last.at && at - b->last.at < b->last.len) {
		rest_of(&b->last, at, ret);
		return 0;
	}
	if (look(b, block, &first, err) < 0)
		return -1;
	for (; n < AHEAD && (block + n) * b->block_size < g->capacity; n++) {
		if (look(b, block + n, &next, err) < 0)
			return -1;
		if (!follows(b, &first, n, &next))
			break;
	}
	end = (block + n) * b->block_size;
	if (end > g->capacity)
		end = g->capacity;
	*ret = (struct bp_guest_extent){ first.kind, at, end - at, BP_NOWHERE };
	if (first.kind != BP_GUEST_COMPRESSED && first.at != BP_NOWHERE)
		ret->file_at = first.at + in;
	b->last = *ret;
	return 0;
}

static int read_data(struct blocks *b, unsigned char *buf, size_t len, uint64_t at,
		     struct bp_error *err)
{
	uint64_t there = at < b->file_size ? b->file_size - at : 0;

	if (there < len) {
		memset(buf + there, 0, len - there);
		len = (size_t)there;
	}
	return len ? io_read(b->guest.io, buf, len, at, err) : 0;
}

static int read_packed(struct blocks *b, uint64_t block, const struct block_place *place,
		       unsigned char *buf, size_t len, uint64_t in, struct bp_error *err)
{
	uint64_t left = b->guest.capacity - block * b->block_size;
	size_t size = (size_t)(left < b->block_size ? left : b->block_size);

	if (b->unpacked != block) {
		if (!b->cache)
			b->cache = mem_alloc((size_t)b->block_size);
		b->unpacked = BP_NOWHERE;
		if (b->ops->unpack(b, place, b->cache, size, err) < 0)
			return bp_within(err, "block %" PRIu64, block);
		b->unpacked = block;
	}
	memcpy(buf, b->cache + in, len);
	return 0;
}

static int blocks_read(struct bp_guest *g, void *buf, size_t len, uint64_t at,
		       struct bp_error *err)
{
	struct blocks *b = of(g);
	unsigned char *to = buf;

	while (len) {
		uint64_t block = at / b->block_size, in = at % b->block_size;
		uint64_t left = b->block_size - in;
		size_t n = left < len ? (size_t)left : len;
		struct block_place place;
		int r = look(b, block, &place, err);

		if (r == 0 && place.kind == BP_GUEST_DATA)
			r = read_data(b, to, n, place.at + in, err);
		else if (r == 0 && place.kind == BP_GUEST_COMPRESSED)
			r = read_packed(b, block, &place, to, n, in, err);
		else if (r == 0)
			memset(to, 0, n);
		if (r < 0)
			return -1;
		to += n;
		at += n;
		len -= n;
	}
	return 0;
}

int blocks_inflate(struct blocks *b, enum codec_kind kind, uint64_t at, uint64_t most,
		   unsigned char *buf, size_t len, struct bp_error *err)
{
	uint64_t there = at < b->file_size ? b->file_size - at : 0;
	size_t n = (size_t)(most < there ? most : there);
	auto_free unsigned char *packed = mem_alloc(n);

	if (!b->codec && codec_open(kind, &b->codec, err) < 0)
		return -1;
	if (io_read(b->guest.io, packed, n, at, err) < 0)
		return -1;
	return codec_unpack(b->codec, packed, n, buf, len, err);
}

static void blocks_close(struct bp_guest *g)
{
	struct blocks *b = of(g);

	if (b->ops->done)
		b->ops->done(b);
	codec_close(b->codec);
	free(b->cache);
	free(b);
}

void *blocks_new(size_t size, const struct blocks_ops *ops, struct bp_io *io, uint64_t file_size,
		 uint64_t capacity, uint64_t block_size)
{
	static const struct bp_guest_ops guest_ops = { blocks_extent, blocks_read, blocks_close };
	struct blocks *b = mem_alloc(size);

	*b = (struct blocks){
		.guest	    = { &guest_ops, io, capacity },
		.ops	    = ops,
		.file_size  = file_size,
		.block_size = block_size,
		.unpacked   = BP_NOWHERE,
	};
	return b;
}

/* blocks_write.c - see blocks_write.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/blocks_write.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/image/empty.h"

/* ---- tables ------------------------------------------------------------------------- */

#define PART (16u << 10)		/* numbers */

static void put(const struct numbers *t, uint64_t i, uint32_t number)
{
	(t->big ? put_be32 : put_le32)(t->buf + i * 4, number);
}

static int end_part(struct numbers *t, struct bp_error *err)
{
	uint64_t from = (t->part - 1) * PART, n = t->n - from < PART ? t->n - from : PART;

	if (!t->part)
		return 0;
	t->part = 0;
	return io_write(t->io, t->buf, (size_t)n * 4, t->at + from * 4, err);
}

static int set_number(struct numbers *t, uint64_t i, uint32_t number, struct bp_error *err)
{
	if (t->part != i / PART + 1) {
		if (end_part(t, err) < 0)
			return -1;
		if (!t->buf)
			t->buf = mem_alloc((size_t)PART * 4);
		for (uint64_t k = 0; k < PART; k++)
			put(t, k, t->nothing);
		t->part = i / PART + 1;
	}
	put(t, i % PART, number);
	return 0;
}

int blocks_writer_number(struct blocks_writer *b, uint64_t block, uint64_t number,
			 struct bp_error *err)
{
	if (number >= UINT32_MAX - 1)		/* those may say that there is nothing */
		return bp_fail(err, BP_FAILED, "the image has become larger than its format can "
			       "tell");
	for (unsigned i = 0; i < b->n_tables; i++)
		if (set_number(&b->tables[i], block, (uint32_t)number, err) < 0)
			return -1;
	return 0;
}

/* ---- places ------------------------------------------------------------------------- */

static struct blocks_writer *of(struct bp_writer *w)
{
	return (struct blocks_writer *)w;
}

/* Blocks have been in their places from the beginning. */
static int place_there(struct bp_writer *w, uint64_t at, uint64_t len, uint64_t *ret,
		       struct bp_error *err)
{
	struct blocks_writer *b = of(w);

	(void)err;
	b->said = at + len;
	*ret = b->data_at + at;
	return 0;
}

/* Where something comes before each, they are not placed more than one at a time. */
static int place_next(struct bp_writer *w, uint64_t at, uint64_t len, uint64_t *ret,
		      struct bp_error *err)
{
	struct blocks_writer *b = of(w);
	uint64_t more = b->stride - w->unit, first = b->next;

	for (uint64_t in = 0; in < len; in += w->unit, b->next += b->stride, b->blocks++)
		if (blocks_writer_number(b, (at + in) / w->unit, b->first + b->blocks * b->step,
					 err) < 0)
			return -1;
	b->said = at + len;
	*ret = first + more;
	return b->before ? io_write(w->io, b->before, (size_t)more, first, err) : 0;
}

/* ---- the end ------------------------------------------------------------------------ */

/* What a device had where the guest sees zeros that nobody has placed: behind the last of
 * its bytes. */
static int clear_rest(struct blocks_writer *b, uint64_t end, struct bp_error *err)
{
	uint64_t unit = b->w.unit, in = b->said % unit, from = end, size;

	if (!b->n_tables)
		from = b->data_at + b->said;
	else if (in)
		from = end - (unit - in);
	if (io_size(b->w.io, &size, err) < 0)
		return -1;
	if (size > end)
		size = end;
	return from < size ? io_zero(b->w.io, from, size - from, err) : 0;
}

int blocks_writer_finish(struct bp_writer *w, struct bp_error *err)
{
	struct blocks_writer *b = of(w);
	uint64_t end = b->n_tables ? b->next : b->data_at + w->capacity;

	for (size_t i = 0; i < array_size(b->tables); i++)
		if (end_part(&b->tables[i], err) < 0)
			return -1;
	return clear_rest(b, end, err) < 0 ? -1 : b->end(b, end, err);
}

void blocks_writer_close(struct bp_writer *w)
{
	struct blocks_writer *b = of(w);

	for (size_t i = 0; i < array_size(b->tables); i++)
		free(b->tables[i].buf);
	free(b);
}

void *blocks_writer_new(size_t size, const struct blocks_writer *like)
{
	static const struct bp_writer_ops there = {
		.place = place_there, .place_zeros = place_there,
		.finish = blocks_writer_finish, .close = blocks_writer_close,
	}, next = {
		.place = place_next, .finish = blocks_writer_finish, .close = blocks_writer_close,
	};
	struct blocks_writer *b = mem_alloc(size);

	*b = *like;
	b->next = b->data_at;
	if (!b->w.ops)
		b->w.ops = b->n_tables ? &next : &there;
	for (size_t i = 0; i < array_size(b->tables); i++)
		b->tables[i].io = b->w.io;
	return b;
}

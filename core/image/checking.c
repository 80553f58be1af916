/* checking.c - see checking.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/checking.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

/* ---- numbers that were used ---------------------------------------------------------- */

/* Where a row is, or the place it gets. */
static struct used_row *find(const struct used *u, uint64_t row)
{
	size_t i = (size_t)((row * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (u->room - 1);

	while (u->rows[i].row && u->rows[i].row != row)
		i = (i + 1) & (u->room - 1);
	return &u->rows[i];
}

static void make_room(struct used *u)
{
	struct used old = *u;

	u->room = old.room ? old.room * 2 : 64;
	u->rows = mem_alloc(u->room * sizeof *u->rows);
	for (size_t i = 0; i < old.room; i++)
		if (old.rows[i].row)
			*find(u, old.rows[i].row) = old.rows[i];
	free(old.rows);
}

static struct used_row *row_of(struct used *u, uint64_t number)
{
	struct used_row *r;

	if (u->n >= u->room / 2)
		make_room(u);
	r = find(u, number / 64 + 1);
	if (!r->row) {
		r->row = number / 64 + 1;
		u->n++;
	}
	return r;
}

bool used_add(struct used *u, uint64_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64;

	/* Most follow the one before. */
	if (!u->last || u->last->row != number / 64 + 1)
		u->last = row_of(u, number);
	if (u->last->bits & bit)
		return false;
	u->last->bits |= bit;
	return true;
}

void used_done(struct used *u)
{
	free(u->rows);
	*u = (struct used){ 0 };
}

/* ---- a table ------------------------------------------------------------------------- */

void entries_init(struct entries *e, struct bp_io *io, uint64_t file_size, uint64_t at, uint64_t n,
		  unsigned width)
{
	*e = (struct entries){ .at = at, .n = n, .width = width };
	window_init(&e->w, io, file_size);
}

void entries_done(struct entries *e)
{
	window_done(&e->w);
}

/* To where the file has space again. */
static int skip_holes(struct entries *e, struct bp_error *err)
{
	uint64_t at = e->at + e->next * e->width, from, to;

	e->skip = e->n;
	if (at >= e->w.file_size)		/* this is told when it is read */
		return 0;
	if (io_next_data(e->w.io, at, &from, &to, err) < 0)
		return -1;
	if (from > at)
		e->next += (from - at) / e->width;
	if (from < to)
		e->skip = (to - e->at + e->width - 1) / e->width;
	else
		e->next = e->n;
	return 0;
}

int entries_next(struct entries *e, uint64_t *ret_i, uint64_t *ret, struct bp_error *err)
{
	while (e->next < e->n) {
		if (e->next >= e->skip && skip_holes(e, err) < 0)
			return -1;
		if (e->next >= e->n)
			break;
		if (window_number(&e->w, e->at + e->next * e->width, e->width, true, ret,
				  err) < 0)
			return -1;
		*ret_i = e->next++;
		if (*ret)
			return 1;
	}
	return 0;
}

/* ---- what was found ------------------------------------------------------------------ */

void checking_init(struct checking *c, struct bp_io *io, uint64_t size,
		   const struct bp_teller *teller, const struct bp_progress *progress)
{
	*c = (struct checking){
		.io = io, .size = size, .teller = teller, .progress = progress,
		.end = size + (IMAGE_SECTOR - size % IMAGE_SECTOR) % IMAGE_SECTOR,
	};
}

void checking_done(struct checking *c)
{
	used_done(&c->used);
}

void checking_tell(const struct checking *c, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (!c->teller)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	c->teller->tell(c->teller->arg, line);
}

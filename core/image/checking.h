/* checking.h - private: what the checks of formats share that have tables and count nothing.
 *
 * A check goes over the tables of an image and notes which units of the file they lead to.
 * Tables are read through a window, and what of them has no space in the file is skipped:
 * an image may say that it has many millions of entries, and have a few KiB.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CHECKING_H
#define BP_IMAGE_CHECKING_H

#include "core/base/progress.h"
#include "core/image/blocks.h"

/* ---- numbers that were used ---------------------------------------------------------- */

/* Many in a row take little memory, and one alone not much more. */
struct used {
	struct used_row {
		uint64_t row;		/* of 64 numbers; + 1, 0: none */
		uint64_t bits;
	} *rows, *last;
	size_t room, n;
};

bool used_add(struct used *u, uint64_t number);		/* false: it was there */
void used_done(struct used *u);

/* ---- a table ------------------------------------------------------------------------- */

struct entries {
	struct window w;
	uint64_t at, n;
	unsigned width;			/* bytes of each, of which the first is the smallest */
	uint64_t next, skip;		/* skip: up to here there is space for them */
};

void entries_init(struct entries *e, struct bp_io *io, uint64_t file_size, uint64_t at, uint64_t n,
		  unsigned width);
void entries_done(struct entries *e);

/* The next that is not 0: 1, 0 if there is none, -1. */
int entries_next(struct entries *e, uint64_t *ret_i, uint64_t *ret, struct bp_error *err);

/* ---- what was found ------------------------------------------------------------------ */

struct checking {
	struct bp_io *io;
	uint64_t size;			/* of the file, */
	uint64_t end;			/* and in whole sectors, as QEMU sees it */
	const struct bp_teller *teller;
	const struct bp_progress *progress;
	struct bp_vol_check sum;
	struct used used;
};

void checking_init(struct checking *c, struct bp_io *io, uint64_t size,
		   const struct bp_teller *teller, const struct bp_progress *progress);
void checking_done(struct checking *c);

void checking_tell(const struct checking *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* One thing more is wrong, which is told. */
#define checking_wrong(c, ...)	((void)(c)->sum.corruptions++, checking_tell((c), __VA_ARGS__))

/* Of n entries i have been seen; asked now and then, whoever waits is told. */
static inline int checking_progress(const struct checking *c, uint64_t i, uint64_t n,
				    struct bp_error *err)
{
	return i % 4096 == 0 ? progress_tell(c->progress, i, n, err) : 0;
}

#endif

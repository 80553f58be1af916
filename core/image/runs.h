/* runs.h - private: tables of numbers, written through one buffer.
 *
 * Tables of an image are mostly runs of numbers, and mostly stand one behind the
 * other.  What is all zero is not written, as a new file is so.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_RUNS_H
#define BP_IMAGE_RUNS_H

#include "core/base/io.h"

struct runs {
	struct bp_io *io;
	uint64_t at;			/* of the buffer's first byte */
	size_t fill;
	unsigned char buf[256 << 10];
};

struct runs *runs_new(struct bp_io *io);	/* the caller frees */

/* Go on at a later place; a gap is left as it is, or filled if it is small
 * enough to save a write. */
int runs_seek(struct runs *w, uint64_t at, struct bp_error *err);

/* n entries of width bytes (8, or 16 of which the first 8 count) that begin with the
 * numbers v, v + step, v + 2 * step ... */
int runs_numbers(struct runs *w, uint64_t v, uint64_t step, uint64_t n, unsigned width,
		 struct bp_error *err);

/* n numbers 1 of 1 << order bits each, as refcounts are written. */
int runs_ones(struct runs *w, uint64_t n, unsigned order, struct bp_error *err);

int runs_flush(struct runs *w, struct bp_error *err);

#endif

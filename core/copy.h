/* copy.h - bytes from one place to another, the fastest way both allow. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_COPY_H
#define BP_COPY_H

#include "core/base/io.h"
#include "core/base/progress.h"

struct copy {
	struct bp_io *from, *to;
	uint64_t from_at, to_at, len;
	bool holes;			/* follow the holes of from: what is a hole there
					 * will read as zeros, and takes no space where it
					 * did not before */
	bool fresh;			/* to reads as zeros already: holes need no work */
	bool resume;			/* bytes that are there already are not written again */
	bool verify;			/* copy_verify() afterwards: progress counts twice len */
	const struct bp_progress *progress;
};

/* copy_file_range where the kernel offers it, else through a buffer.  To resume,
 * both sides are read, from the beginning: whatever is there, and however it
 * came there, the result is that of a whole copy. */
int copy_bytes(const struct copy *c, struct bp_error *err);

/* What the copy does not reach reads as zeros, as in a file: for what keeps its size. */
int copy_clear_rest(const struct copy *c, struct bp_error *err);

/* Nothing without verify.  Else make the copy durable, have it forgotten in
 * memory, and compare what the storage gives back with the source, byte by byte.
 * BP_FAILED names the first that differs. */
int copy_verify(const struct copy *c, struct bp_error *err);

/* Make all of to share the blocks of from.  1 done, 0 cannot, with the reason in
 * *ret_sys. */
int copy_reflink(struct bp_io *from, struct bp_io *to, int *ret_sys);

#endif

/* convert.h - the guest's bytes of images into a new one, on all processors.
 *
 * The guest is cut into pieces, always the same ones.  Who is free takes the
 * next, reads it, looks for zeros and compresses it; when all pieces before have
 * their places in the new image it gets its own, and is written there.  While
 * it is not its turn, or somebody else writes, the next one is read.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CONVERT_H
#define BP_IMAGE_CONVERT_H

#include "core/image/chain.h"
#include "core/image/writer.h"

#define BP_CONVERT_THREADS 64
#define BP_CONVERT_SPARSE  4096u	/* zeros worth a hole, where nobody says so */

struct bp_convert {
	struct bp_chain *sources;	/* one behind the other */
	size_t n_sources;
	uint64_t skip, len;		/* which of their bytes */
	struct bp_writer *to;		/* of at least len bytes */
	bool fresh;			/* what is not written there reads as zeros */
	bool fill;			/* zeros that have a place are written */
	bool backed;			/* what only a backing file of the source has is left to
					 * that of the new image */
	uint32_t sparse;		/* so many zeros are worth a hole; 0: none are, and the
					 * holes of the source are written, too */
	bool reflink;			/* share what can be shared */
	bool offload;			/* let the kernel copy, and do not look for zeros */
	bool pack;
	int level;			/* of compression; 0: the usual one */
	bool salvage;			/* what cannot be read is zeros */
	const struct bp_teller *teller;	/* of that */
	unsigned threads;		/* 0: one for each processor, up to 16 */
	bool count;			/* what is read is counted first: progress is its */
	const struct bp_progress *progress;	/* called by one thread at a time */
};

/* All but the end of it: the writer is to be finished. */
int bp_convert(const struct bp_convert *c, struct bp_error *err);

/* Does to, read now, show what the n images one behind the other show?  BP_FAILED: no. */
int bp_convert_compare(struct bp_chain *from, size_t n, struct bp_chain *to,
		       struct bp_error *err);

#endif

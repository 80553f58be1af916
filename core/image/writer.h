/* writer.h - a new image, written from its guest's first byte to its last.
 *
 * A writer says where bytes of the guest go, and keeps the tables that lead
 * there; who fills it writes them to that place himself, later and from another
 * thread if he likes.  Places are asked for in the order of the guest, one at a
 * time, so what comes out depends on what goes in and on nothing else.  Until
 * the end of it there is no image.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_WRITER_H
#define BP_IMAGE_WRITER_H

#include <stdbool.h>

#include "core/base/io.h"
#include "core/image/codec.h"

struct bp_writer;

struct bp_writer_ops {
	/* len bytes at at, whole units, or up to the capacity; within one span. */
	int (*place)(struct bp_writer *w, uint64_t at, uint64_t len, uint64_t *ret,
		     struct bp_error *err);
	/* NULL: what is not placed reads as zeros.  Else these bytes must be said to be so:
	 * *ret is where zeros are to be written, or BP_NOWHERE. */
	int (*place_zeros)(struct bp_writer *w, uint64_t at, uint64_t len, uint64_t *ret,
			   struct bp_error *err);
	/* NULL: nothing can be compressed.  A unit that has become len bytes. */
	int (*place_packed)(struct bp_writer *w, uint64_t at, size_t len, uint64_t *ret,
			    struct bp_error *err);
	/* Everything is written: let it be an image.  Its last write is not synced. */
	int (*finish)(struct bp_writer *w, struct bp_error *err);
	void (*close)(struct bp_writer *w);	/* the io stays open */
};

struct bp_writer {
	const struct bp_writer_ops *ops;
	struct bp_io *io;
	uint64_t capacity;
	uint64_t unit;			/* a power of two */
	uint64_t span;			/* whole units; a power of two */
	enum codec_kind packing;	/* of what is compressed */
	size_t packed_most;		/* not 0: all units are compressed, and have to be, even if
					 * that makes them longer; but to no more than this */
	bool unaligned;			/* places are not where file systems can share blocks */
};

static inline void writer_closep(struct bp_writer **w)
{
	if (*w)
		(*w)->ops->close(*w);
}

#endif

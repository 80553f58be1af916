/* guest.h - an image as its guest sees it.
 *
 * Somebody who reads opens a guest on the image's bytes and asks where data is
 * and what it is.  Nothing is written, and no second file is opened: what the
 * image leaves to its backing file is a hole (chain.h puts them together, and
 * opens the files that have an image's data).
 *
 * A guest keeps tables it has read, so one thread uses it at a time; several
 * may be open on one io.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_GUEST_H
#define BP_IMAGE_GUEST_H

#include <stdbool.h>

#include "core/base/io.h"

enum bp_guest_kind {
	BP_GUEST_HOLE,			/* nothing here: the backing file, or zeros */
	BP_GUEST_ZERO,			/* zeros, whatever the backing file has */
	BP_GUEST_DATA,
	BP_GUEST_COMPRESSED,		/* data that stands nowhere as it is */
};

#define BP_NOWHERE UINT64_MAX

struct bp_guest_extent {
	enum bp_guest_kind kind;
	uint64_t at, len;		/* bytes of the guest; len is not 0 */
	uint64_t file_at;		/* where these bytes stand in the image's file, or the
					 * space that is kept for them (zeros, holes); else
					 * BP_NOWHERE */
	struct bp_io *io;		/* in this file instead, if it is not NULL */
};

struct bp_guest;

struct bp_guest_ops {
	/* What begins at at, which lies before the capacity.  As long as can be told
	 * without much reading; two in a row may be of one kind. */
	int (*extent)(struct bp_guest *g, uint64_t at, struct bp_guest_extent *ret,
		      struct bp_error *err);
	/* Bytes before the capacity; holes are zeros. */
	int (*read)(struct bp_guest *g, void *buf, size_t len, uint64_t at,
		    struct bp_error *err);
	void (*close)(struct bp_guest *g);	/* the io stays open */
};

struct bp_guest {
	const struct bp_guest_ops *ops;
	struct bp_io *io;		/* the caller's */
	uint64_t capacity;
	uint64_t step;			/* not 0, for who reads what is data: up to a multiple of
					 * this it may be told to be that, though it is not */
};

static inline int guest_extent(struct bp_guest *g, uint64_t at, struct bp_guest_extent *ret,
			       struct bp_error *err)
{
	return g->ops->extent(g, at, ret, err);
}

static inline int guest_read(struct bp_guest *g, void *buf, size_t len, uint64_t at,
			     struct bp_error *err)
{
	return g->ops->read(g, buf, len, at, err);
}

static inline void guest_close(struct bp_guest *g)	/* NULL is fine */
{
	if (g)
		g->ops->close(g);
}

static inline void guest_closep(struct bp_guest **g)
{
	guest_close(*g);
}

#endif

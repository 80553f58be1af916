/* bounded.h - memory with an end: images may ask for more than there is on earth. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_FUZZ_BOUNDED_H
#define BP_TESTS_FUZZ_BOUNDED_H

#include <stdlib.h>

#include "core/base/io.h"

#define MOST (2u << 20)
#define REPLAY_MOST MOST

static const struct bp_io_ops *memory;

static inline int bounded_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	return size > MOST ? bp_fail(err, BP_SYSTEM, "full") : memory->resize(io, size, err);
}

static inline int bounded_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
				struct bp_error *err)
{
	if (at > MOST || len > MOST - at)
		return bp_fail(err, BP_SYSTEM, "full");
	return memory->write(io, buf, len, at, err);
}

static inline struct bp_io *bounded(const unsigned char *data, size_t len)
{
	static struct bp_io_ops ops;
	struct bp_io *io = io_of_memory(len);
	struct bp_error err = { 0 };

	memory = io->ops;
	ops = *memory;
	ops.resize = bounded_resize;
	ops.write = bounded_write;
	io->ops = &ops;
	if (len && io_write(io, data, len, 0, &err) < 0)
		abort();
	return io;
}

static inline void must(bool so)
{
	if (!so)
		abort();
}

/* Who fails says why, and nobody else says anything.  r is returned. */
static inline int done(int r, const struct bp_error *err)
{
	must(r == (err->code ? -1 : 0) && (!err->code || *err->text));
	return r;
}

#endif

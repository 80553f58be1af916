/* io.h - bytes at offsets, wherever they live: a file, a block device, a LUN,
 * a file on an NFS server, memory in a test.
 *
 * Whoever makes one says in ops what it can do.  A slot left NULL is something
 * it cannot; the io_*() functions below supply what can be done without.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_IO_H
#define BP_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct bp_io;

struct bp_io_ops {
	/* required; read and write do all of it or fail.  A read past the end
	 * is a failure: whoever may meet the end asks size() first. */
	int (*size)(struct bp_io *io, uint64_t *ret, struct bp_error *err);
	int (*read)(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err);
	int (*write)(struct bp_io *io, const void *buf, size_t len, uint64_t at,
		     struct bp_error *err);
	int (*sync)(struct bp_io *io, struct bp_error *err);
	void (*close)(struct bp_io *io);
	/* optional */
	int (*resize)(struct bp_io *io, uint64_t size, struct bp_error *err);
	/* make a range read as zeros, space kept or not */
	int (*zero)(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);
	/* make sure a range has space */
	int (*reserve)(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);
	/* give a range's space back */
	int (*discard)(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);
	/* the next range with data at or after at; none: *ret_from == *ret_to == size */
	int (*next_data)(struct bp_io *io, uint64_t at, uint64_t *ret_from, uint64_t *ret_to,
			 struct bp_error *err);
	/* only where they begin, where the end of them takes long to be found */
	int (*data_from)(struct bp_io *io, uint64_t at, uint64_t *ret, struct bp_error *err);
};

struct bp_io {
	const struct bp_io_ops *ops;
	int fd;				/* -1: no descriptor stands behind it, and one thread at a
					 * time may use it */
	const char *name;		/* for messages; lives as long as the io */
	bool exclusive;			/* the kernel lets nobody else claim the device meanwhile */
	bool sparse;			/* a device that takes space as it is written, and of which
					 * blocks that are given back read as zeros */
	struct bp_io *data;		/* of an image, if they are elsewhere: its guest's bytes, as
					 * far as somebody has opened that; closed with it */
};

static inline int io_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	return io->ops->size(io, ret, err);
}

static inline int io_read(struct bp_io *io, void *buf, size_t len, uint64_t at,
			  struct bp_error *err)
{
	return io->ops->read(io, buf, len, at, err);
}

static inline int io_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			   struct bp_error *err)
{
	return io->ops->write(io, buf, len, at, err);
}

static inline int io_sync(struct bp_io *io, struct bp_error *err)
{
	return io->ops->sync(io, err);
}

/* Without the slot, or where the storage cannot: BP_UNSUPPORTED. */
int io_resize(struct bp_io *io, uint64_t size, struct bp_error *err);
int io_discard(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);
int io_reserve(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);

/* The same, and then zeros are written.  The second is for ranges that hold
 * nothing yet: it keeps their space, and would destroy what is there. */
int io_zero(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);
int io_reserve_empty(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);

/* The same for what is sparse: it takes no more space for that, and gives back what it can. */
int io_zero_sparse(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);

/* The same, and space is given back where what has none reads as zeros. */
int io_clear(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);

/* Zeros are written, whatever else there is for that. */
int io_fill(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err);

/* Without the slot everything up to the end is data. */
int io_next_data(struct bp_io *io, uint64_t at, uint64_t *ret_from, uint64_t *ret_to,
		 struct bp_error *err);

/* The same for who reads what there is: the end of the data is not looked for, but told to
 * be at the next multiple of step at most, whatever is before that. */
int io_data_near(struct bp_io *io, uint64_t at, uint64_t step, uint64_t *ret_from,
		 uint64_t *ret_to, struct bp_error *err);

/* What is read from now on comes from the storage, not from memory, where the
 * kernel can be asked for that.  What was written is synced first. */
void io_forget(struct bp_io *io);

void io_close(struct bp_io *io);	/* NULL is fine */
void io_closep(struct bp_io **io);

/* A file or block device.  The descriptor is the io's from now on; the name is copied. */
struct bp_io *io_of_fd(int fd, const char *name);
bool io_is_block(const struct bp_io *io);	/* is it on a block device? */

/* A look at bytes whose number is known already: nothing is asked, allocated,
 * changed or closed.  The caller keeps descriptor, name and view. */
struct io_view {
	struct bp_io io;
	uint64_t size;
};
void io_view(struct io_view *v, int fd, uint64_t size, const char *name);

/* len bytes of memory, zeroed, that can be resized. */
struct bp_io *io_of_memory(size_t len);

bool is_zero(const void *buf, size_t len);

#endif

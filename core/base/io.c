/* io.c - what can be done with an io that lacks a slot. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/io.h"

#include <fcntl.h>
#include <string.h>

int io_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	if (!io->ops->resize)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' cannot be resized", io->name);
	return io->ops->resize(io, size, err);
}

int io_discard(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	if (!io->ops->discard)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' cannot give space back", io->name);
	return io->ops->discard(io, at, len, err);
}

int io_fill(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	static char zeros[64 * 1024];	/* not const, or the program would bring them along */

	while (len) {
		size_t n = len < sizeof zeros ? (size_t)len : sizeof zeros;

		if (io_write(io, zeros, n, at, err) < 0)
			return -1;
		at += n;
		len -= n;
	}
	return 0;
}

int io_reserve(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	if (!io->ops->reserve)
		return bp_fail(err, BP_UNSUPPORTED, "cannot reserve space in '%s'", io->name);
	return len ? io->ops->reserve(io, at, len, err) : 0;
}

/* What could not be done because nothing here knows how is done by writing. */
static int or_write_zeros(struct bp_io *io, int r, const struct bp_error *why, uint64_t at,
			  uint64_t len, struct bp_error *err)
{
	if (r == 0)
		return 0;
	if (why->code == BP_UNSUPPORTED)
		return io_fill(io, at, len, err);
	*err = *why;
	return -1;
}

int io_zero(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	struct bp_error why = { .code = BP_OK };
	int r = -1;

	if (!len)
		return 0;
	if (io->sparse)
		return io_zero_sparse(io, at, len, err);
	if (io->ops->zero)
		r = io->ops->zero(io, at, len, &why);
	else
		why.code = BP_UNSUPPORTED;
	return or_write_zeros(io, r, &why, at, len, err);
}

/* What a device gives back may read as anything. */
int io_clear(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	struct bp_error cannot = { 0 };

	if (!len || (!io_is_block(io) && io_discard(io, at, len, &cannot) == 0))
		return 0;
	return io_zero(io, at, len, err);
}

int io_reserve_empty(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	struct bp_error why = { .code = BP_OK };

	return or_write_zeros(io, io_reserve(io, at, len, &why), &why, at, len, err);
}

int io_next_data(struct bp_io *io, uint64_t at, uint64_t *ret_from, uint64_t *ret_to,
		 struct bp_error *err)
{
	uint64_t size;

	if (io->ops->next_data)
		return io->ops->next_data(io, at, ret_from, ret_to, err);
	if (io_size(io, &size, err) < 0)
		return -1;
	*ret_from = at < size ? at : size;
	*ret_to = size;
	return 0;
}

int io_data_near(struct bp_io *io, uint64_t at, uint64_t step, uint64_t *ret_from,
		 uint64_t *ret_to, struct bp_error *err)
{
	uint64_t from, to, end;

	if (!io->ops->data_from)
		return io_next_data(io, at, ret_from, ret_to, err);
	if (io_size(io, &to, err) < 0 || io->ops->data_from(io, at, &from, err) < 0)
		return -1;
	end = from - from % step + step;
	*ret_from = from;
	*ret_to = to < end ? to : end;
	return 0;
}

void io_forget(struct bp_io *io)
{
	if (io->fd >= 0)
		(void)posix_fadvise(io->fd, 0, 0, POSIX_FADV_DONTNEED);
}

void io_close(struct bp_io *io)
{
	if (!io)
		return;
	io_close(io->data);
	io->ops->close(io);
}

void io_closep(struct bp_io **io)
{
	io_close(*io);
}

bool is_zero(const void *buf, size_t len)
{
	const char *p = buf;

	/* The first bytes by hand, the rest by comparing the buffer with itself. */
	for (size_t i = 0; i < 16; i++, p++) {
		if (i == len)
			return true;
		if (*p)
			return false;
	}
	return memcmp(buf, p, len - 16) == 0;
}

/* copy.c - see copy.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define CHUNK (32u << 20)	/* between two looks at the progress */
#define BUFFER (1u << 20)

struct state {
	const struct copy *c;
	uint64_t done;		/* bytes, holes included */
	bool by_hand;		/* the kernel will not copy between these two */
	char *buffer;
};

int copy_reflink(struct bp_io *from, struct bp_io *to, int *ret_sys)
{
	*ret_sys = EOPNOTSUPP;
	if (from->fd < 0 || to->fd < 0)
		return 0;
	if (ioctl(to->fd, FICLONE, from->fd) == 0)
		return 1;
	*ret_sys = errno;
	return 0;
}

static bool means_other_way(int sys)
{
	return sys == EXDEV || sys == EINVAL || sys == EOPNOTSUPP || sys == ENOSYS ||
	       sys == EBADF || sys == ETXTBSY || sys == EPERM;
}

/* Up to len bytes at an offset of the range; what was copied, or -1. */
static ssize_t copy_in_kernel(struct state *st, size_t len, struct bp_error *err)
{
	const struct copy *c = st->c;
	loff_t from = (loff_t)(c->from_at + st->done), to = (loff_t)(c->to_at + st->done);
	ssize_t n;

	do
		n = copy_file_range(c->from->fd, &from, c->to->fd, &to, len, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0 && !means_other_way(errno))
		return bp_fail_sys(err, errno, "failed writing to file '%s'", c->to->name);
	st->by_hand = true;	/* 0: some file systems say so for files they do not know */
	return 0;
}

static ssize_t copy_by_hand(struct state *st, size_t len, struct bp_error *err)
{
	const struct copy *c = st->c;
	size_t n = len < BUFFER ? len : BUFFER;

	if (!st->buffer)
		st->buffer = mem_resize(NULL, BUFFER, 1);
	if (io_read(c->from, st->buffer, n, c->from_at + st->done, err) < 0)
		return -1;
	/* A source that cannot tell its holes may still be mostly zeros. */
	if (c->holes && c->fresh && is_zero(st->buffer, n))
		return (ssize_t)n;
	if (io_write(c->to, st->buffer, n, c->to_at + st->done, err) < 0)
		return -1;
	return (ssize_t)n;
}

static int copy_up_to(struct state *st, uint64_t end, struct bp_error *err)
{
	while (st->done < end) {
		size_t len = end - st->done < CHUNK ? (size_t)(end - st->done) : CHUNK;
		ssize_t n = st->by_hand ? copy_by_hand(st, len, err) : copy_in_kernel(st, len, err);

		if (n < 0)
			return -1;
		st->done += (size_t)n;
		if (progress_tell(st->c->progress, st->done, st->c->len, err) < 0)
			return -1;
	}
	return 0;
}

static int skip_hole(struct state *st, uint64_t end, struct bp_error *err)
{
	struct bp_error cannot = { 0 };
	uint64_t at = st->c->to_at + st->done, len = end - st->done;

	st->done = end;
	if (!len || st->c->fresh || io_discard(st->c->to, at, len, &cannot) == 0)
		return 0;
	return io_zero(st->c->to, at, len, err);
}

int copy_bytes(const struct copy *c, struct bp_error *err)
{
	auto_free char *buffer = NULL;
	struct state st = { .c = c, .by_hand = c->from->fd < 0 || c->to->fd < 0 };
	int r = 0;

	while (r == 0 && st.done < c->len) {
		uint64_t from = c->from_at + st.done, to = c->from_at + c->len;

		if (c->holes)
			r = io_next_data(c->from, c->from_at + st.done, &from, &to, err);
		if (r == 0 && from > c->from_at + c->len)
			from = c->from_at + c->len;
		if (r == 0 && (from == to || to > c->from_at + c->len))
			to = c->from_at + c->len;
		if (r == 0)
			r = skip_hole(&st, from - c->from_at, err);
		if (r == 0)
			r = copy_up_to(&st, to - c->from_at, err);
	}
	buffer = st.buffer;
	return r;
}

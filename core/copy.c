/* copy.c - see copy.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define CHUNK (32u << 20)	/* between two looks at the progress */
#define BUFFER (1u << 20)
#define ZEROS (256u << 20)	/* the same, where the storage makes them */

struct state {
	const struct copy *c;
	uint64_t done;		/* bytes, holes included */
	uint64_t old_end;	/* to resume: what may be there already ends here */
	bool by_hand;		/* the kernel will not copy between these two */
	char *buffer, *there;	/* of the source, of what is there */
};

int copy_reflink(struct bp_io *from, struct bp_io *to, int *ret_sys)
{
	*ret_sys = EOPNOTSUPP;
	if (from->fd < 0 || to->fd < 0)
		return 0;
	if (retry(ioctl(to->fd, FICLONE, from->fd)) == 0)
		return 1;
	*ret_sys = errno;
	return 0;
}

static int tell(const struct copy *c, uint64_t done, struct bp_error *err)
{
	return progress_tell(c->progress, done, c->verify ? 2 * c->len : c->len, err);
}

/* Up to len bytes at an offset of the range; what was copied, or 0.  Whatever
 * was in the way, reading and writing does it, or tells what is wrong and with
 * which of the two: the kernel says the same of a full disk, of two file systems
 * and of a failing source. */
static ssize_t copy_in_kernel(struct state *st, size_t len)
{
	const struct copy *c = st->c;
	loff_t from = (loff_t)(c->from_at + st->done), to = (loff_t)(c->to_at + st->done);
	ssize_t n = retry(copy_file_range(c->from->fd, &from, c->to->fd, &to, len, 0));

	st->by_hand = n <= 0;	/* 0: some file systems say so for files they do not know */
	return n > 0 ? n : 0;
}

static bool is_there(struct state *st, size_t n)
{
	uint64_t at = st->c->to_at + st->done;
	struct bp_error ignored = { 0 };

	if (at >= st->old_end || n > st->old_end - at)
		return false;
	if (!st->there)
		st->there = mem_resize(NULL, BUFFER, 1);
	return io_read(st->c->to, st->there, n, at, &ignored) == 0 &&
	       memcmp(st->there, st->buffer, n) == 0;
}

static ssize_t copy_by_hand(struct state *st, size_t len, uint64_t *moved, struct bp_error *err)
{
	const struct copy *c = st->c;
	size_t n = len < BUFFER ? len : BUFFER;

	if (!st->buffer)
		st->buffer = mem_pages(BUFFER);
	if (io_read(c->from, st->buffer, n, c->from_at + st->done, err) < 0)
		return -1;
	/* A source that cannot tell its holes may still be mostly zeros. */
	if ((c->holes && c->fresh && is_zero(st->buffer, n)) || is_there(st, n))
		return (ssize_t)n;
	if (c->holes && c->to->sparse && is_zero(st->buffer, n))
		return io_zero(c->to, c->to_at + st->done, n, err) < 0 ? -1 : (ssize_t)n;
	*moved = n;
	if (io_write(c->to, st->buffer, n, c->to_at + st->done, err) < 0)
		return -1;
	return (ssize_t)n;
}

static int copy_up_to(struct state *st, uint64_t end, struct bp_error *err)
{
	const struct copy *c = st->c;

	while (st->done < end) {
		uint64_t left = end - st->done < CHUNK ? end - st->done : CHUNK, moved = 0;
		size_t len = (size_t)progress_piece(c->progress, left);
		ssize_t n;

		if (st->by_hand || c->to_at + st->done < st->old_end)
			n = copy_by_hand(st, len, &moved, err);
		else
			n = (ssize_t)(moved = (uint64_t)copy_in_kernel(st, len));
		if (n < 0)
			return -1;
		st->done += (size_t)n;
		progress_pace(c->progress, moved);
		if (tell(c, st->done, err) < 0)
			return -1;
	}
	return 0;
}

/* Who stops the work does not wait for all of a large device. */
static int clear(const struct copy *c, uint64_t at, uint64_t end, struct bp_error *err)
{
	uint64_t done;

	for (uint64_t n; at < end; at += n) {
		n = end - at < ZEROS ? end - at : ZEROS;
		done = at + n - c->to_at;
		if (io_clear(c->to, at, n, err) < 0 ||
		    tell(c, done < c->len ? done : c->len, err) < 0)
			return -1;
	}
	return 0;
}

static int skip_hole(struct state *st, uint64_t end, struct bp_error *err)
{
	uint64_t at = st->c->to_at + st->done, len = end - st->done;

	st->done = end;
	if (!len)
		return 0;
	if (!st->c->fresh && clear(st->c, at, at + len, err) < 0)
		return -1;
	return tell(st->c, end, err);
}

int copy_clear_rest(const struct copy *c, struct bp_error *err)
{
	uint64_t size;

	if (io_size(c->to, &size, err) < 0)
		return -1;
	return clear(c, c->to_at + c->len, size, err);
}

static void state_done(struct state *st)
{
	free(st->buffer);
	free(st->there);
}

int copy_bytes(const struct copy *c, struct bp_error *err)
{
	cleanup(state_done) struct state st = {
		.c = c, .by_hand = c->from->fd < 0 || c->to->fd < 0,
	};
	int r = 0;

	if (c->resume && io_size(c->to, &st.old_end, err) < 0)
		return -1;
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
	return r;
}

/* ---- reading back ------------------------------------------------------------------ */

/* One of the two, and where in the range its next data are. */
struct side {
	struct bp_io *io;
	uint64_t at, from, to;
	char *buffer;
};

static void side_done(struct side *s)
{
	free(s->buffer);
}

static int find_data(struct side *s, uint64_t done, struct bp_error *err)
{
	uint64_t from, to;

	if (done < s->to)
		return 0;
	if (io_next_data(s->io, s->at + done, &from, &to, err) < 0)
		return -1;
	s->from = from == to ? UINT64_MAX : from - s->at;
	s->to = from == to ? UINT64_MAX : to - s->at;
	return 0;
}

static int differs(const struct side *a, const struct side *b, uint64_t done, struct bp_error *err)
{
	size_t i = 0;

	while (a->buffer[i] == b->buffer[i])
		i++;
	return bp_fail(err, BP_FAILED, "verifying failed: byte %llu of '%s' does not read back as "
		       "byte %llu of '%s'; the storage is faulty, or somebody has changed one of "
		       "them meanwhile", (unsigned long long)(b->at + done + i), b->io->name,
		       (unsigned long long)(a->at + done + i), a->io->name);
}

/* Either side's holes tell where there is nothing to be read on both. */
static int compare(const struct copy *c, struct side *a, struct side *b, struct bp_error *err)
{
	for (uint64_t done = 0; done < c->len;) {
		uint64_t next;
		size_t n;

		if (find_data(a, done, err) < 0 || find_data(b, done, err) < 0)
			return -1;
		next = a->from < b->from ? a->from : b->from;
		done = next < done ? done : next < c->len ? next : c->len;
		n = c->len - done < BUFFER ? (size_t)(c->len - done) : BUFFER;
		if (io_read(a->io, a->buffer, n, a->at + done, err) < 0 ||
		    io_read(b->io, b->buffer, n, b->at + done, err) < 0)
			return -1;
		if (memcmp(a->buffer, b->buffer, n) != 0)
			return differs(a, b, done, err);
		done += n;
		if (tell(c, c->len + done, err) < 0)
			return -1;
	}
	return 0;
}

int copy_verify(const struct copy *c, struct bp_error *err)
{
	cleanup(side_done) struct side a = { .io = c->from, .at = c->from_at };
	cleanup(side_done) struct side b = { .io = c->to, .at = c->to_at };

	if (!c->verify)
		return 0;
	if (io_sync(c->to, err) < 0)
		return -1;
	io_forget(c->to);
	a.buffer = mem_resize(NULL, BUFFER, 1);
	b.buffer = mem_resize(NULL, BUFFER, 1);
	return compare(c, &a, &b, err);
}

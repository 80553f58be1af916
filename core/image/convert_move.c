/* convert_move.c - bytes of a piece to where they go. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/image/convert_job.h"

/* ---- written ----------------------------------------------------------------- */

/* Zeros between data are left out where that makes a hole. */
static int write_bytes(const struct bp_convert *c, const unsigned char *p, uint64_t len,
		       uint64_t to, struct bp_error *err)
{
	uint64_t grain = c->fresh && !c->fill ? c->sparse : 0, i, j;

	if (!grain || grain >= len)
		return io_write(c->to->io, p, (size_t)len, to, err);
	for (i = 0; i < len; i = j) {
		uint64_t n = grain;
		bool zero;

		if (n > len - i)
			n = len - i;
		zero = is_zero(p + i, (size_t)n);
		for (j = i + n; j < len; j += n) {
			n = len - j < grain ? len - j : grain;
			if (is_zero(p + j, (size_t)n) != zero)
				break;
		}
		if (!zero && io_write(c->to->io, p + i, (size_t)(j - i), to + i, err) < 0)
			return -1;
	}
	return 0;
}

int convert_write(struct job *job, const struct range *r, struct bp_error *err)
{
	struct bp_io *io = job->c->to->io;

	if (r->bytes)
		return write_bytes(job->c, r->bytes, r->len, r->to, err);
	return job->c->fill ? io_fill(io, r->to, r->len, err) : io_clear(io, r->to, r->len, err);
}

/* What is not whole grains at the end of a file can be shared, too, but only at the end
 * of another: so it is copied. */
static bool share(const struct piece *p, struct bp_io *to, uint64_t at, uint64_t *ret_len)
{
	struct file_clone_range range = {
		.src_fd = p->from->fd, .src_offset = p->from_at,
		.src_length = p->len & ~(uint64_t)(GRAIN - 1), .dest_offset = at,
	};

	*ret_len = range.src_length;
	return !range.src_length || retry(ioctl(to->fd, FICLONERANGE, &range)) == 0;
}

/* So many bytes from the front, as the kernel likes. */
static uint64_t copy_in_kernel(const struct piece *p, struct bp_io *to, uint64_t at)
{
	loff_t from = (loff_t)p->from_at, where = (loff_t)at;
	uint64_t done = 0;

	while (done < p->len) {
		ssize_t n = retry(copy_file_range(p->from->fd, &from, to->fd, &where,
						  (size_t)(p->len - done), 0));

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return done;
}

static int copy_by_hand(struct worker *w, const struct load *l, uint64_t done, uint64_t to,
			struct bp_error *err)
{
	const struct piece *p = &l->piece;
	uint64_t most = w->job->piece;

	for (; done < p->len; done += most) {
		uint64_t n = p->len - done < most ? p->len - done : most;

		if (convert_read(w, l->buf, n, p->at + done, err) < 0 ||
		    write_bytes(w->job->c, l->buf, n, to + done, err) < 0)
			return -1;
	}
	return 0;
}

int convert_share(struct worker *w, const struct load *l, const struct range *r,
		  struct bp_error *err)
{
	const struct piece *p = &l->piece;
	struct job *job = w->job;
	struct bp_io *to = job->c->to->io;
	uint64_t done = 0;

	if (job->c->reflink && !share(p, to, r->to, &done))
		done = 0;
	if (!done && job->c->offload)
		done = copy_in_kernel(p, to, r->to);
	return copy_by_hand(w, l, done, r->to, err);
}

/* Tried behind the end of it, and taken back. */
bool convert_can_share(const struct bp_convert *c, dev_t *ret_dev)
{
	struct bp_io *to = c->to->io, *from = layer_bytes(&c->sources[0].layers[0]);
	struct file_clone_range range = { .src_fd = from->fd, .src_length = GRAIN };
	struct bp_error ignored = { 0 };
	struct stat a, b;
	uint64_t size;

	if (!c->reflink || c->to->unaligned || c->to->unit % GRAIN || to->fd < 0 ||
	    fstat(to->fd, &a) < 0 || fstat(from->fd, &b) < 0 || a.st_dev != b.st_dev ||
	    b.st_size < (off_t)GRAIN || io_size(to, &size, &ignored) < 0)
		return false;
	*ret_dev = a.st_dev;
	range.dest_offset = (size + GRAIN - 1) & ~(uint64_t)(GRAIN - 1);
	return retry(ioctl(to->fd, FICLONERANGE, &range)) == 0 &&
	       io_resize(to, size, &ignored) == 0;
}


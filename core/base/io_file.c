/* io_file.c - bytes in a file or on a block device. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/io.h"
#include "core/base/mem.h"

struct file_io {
	struct bp_io io;
	bool block;
	pthread_mutex_t lock;	/* threads may write to one io */
	bool asked, refused;
	int direct;		/* of a block device: past the page cache; -1: not that way */
};

static bool on_block(struct bp_io *io)
{
	return ((struct file_io *)io)->block;
}

/* What the kernel or the file system does not know is told apart from what
 * went wrong: for the first there is another way. */
static int cannot(struct bp_io *io, const char *what, struct bp_error *err)
{
	if (errno == EOPNOTSUPP || errno == ENOSYS || errno == ENOTTY || errno == ENODEV)
		return bp_fail(err, BP_UNSUPPORTED, "cannot %s '%s'", what, io->name);
	return bp_fail_sys(err, errno, "cannot %s '%s'", what, io->name);
}

static int file_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	struct stat st;

	if (on_block(io)) {
		if (ioctl(io->fd, BLKGETSIZE64, ret) < 0)
			return bp_fail_sys(err, errno, "cannot find the size of '%s'", io->name);
		return 0;
	}
	if (fstat(io->fd, &st) < 0)
		return bp_fail_sys(err, errno, "cannot stat file '%s'", io->name);
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int file_read_at(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	char *p = buf;

	while (len) {
		ssize_t n = retry(pread(io->fd, p, len, (off_t)at));

		if (n < 0)
			return bp_fail_sys(err, errno, "cannot read file '%s'", io->name);
		if (n == 0)
			return bp_fail(err, BP_CORRUPT, "'%s' ends at %llu, where more is expected",
				       io->name, (unsigned long long)at);
		p += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- past the page cache ------------------------------------------------------------
 *
 * A device is written without copying each byte to memory first: that takes half
 * the time or less, pushes nothing out of memory that guests read, and what fails
 * fails here and not in the sync.  Small pieces are better gathered by the kernel,
 * which also keeps both ways coherent.  Reading is left to it too: it reads ahead.
 */

#define DIRECT_LEAST (512u << 10)
#define PAGE	     4096u

static void open_direct(struct file_io *f)
{
	unsigned sector = 0;
	char self[32];

	if (!f->block || ioctl(f->io.fd, BLKPBSZGET, &sector) < 0 || !sector || PAGE % sector)
		return;
	snprintf(self, sizeof self, "/proc/self/fd/%d", f->io.fd);
	f->direct = retry(open(self, O_WRONLY | O_DIRECT | O_CLOEXEC));
}

/* Where to; -1: not that way, and if the kernel has refused it once, never. */
static int direct_fd(struct file_io *f, bool refused)
{
	int fd;

	pthread_mutex_lock(&f->lock);
	if (!f->asked)
		open_direct(f);
	f->asked = true;
	f->refused |= refused;
	fd = f->refused ? -1 : f->direct;
	pthread_mutex_unlock(&f->lock);
	return fd;
}

/* What was written, maybe not all; EINVAL: not that way.  Whole pages of the cache, so that
 * nobody writes to the rest of one by the other way meanwhile. */
static ssize_t write_direct(struct bp_io *io, const char *p, size_t len, uint64_t at)
{
	struct file_io *f = (struct file_io *)io;
	ssize_t n = -1;
	int fd = -1;

	if (f->block && len >= DIRECT_LEAST && (uintptr_t)p % PAGE == 0 && at % PAGE == 0)
		fd = direct_fd(f, false);
	errno = EINVAL;
	if (fd >= 0)
		n = retry(pwrite(fd, p, len - len % PAGE, (off_t)at));
	if (fd >= 0 && n < 0 && errno == EINVAL) {
		(void)direct_fd(f, true);
		errno = EINVAL;
	}
	return n;
}

static int file_write_at(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			 struct bp_error *err)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write_direct(io, p, len, at);

		if (n < 0 && errno == EINVAL)
			n = retry(pwrite(io->fd, p, len, (off_t)at));
		if (n < 0)
			return bp_fail_sys(err, errno, "failed writing to file '%s'", io->name);
		p += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int file_sync(struct bp_io *io, struct bp_error *err)
{
	if (retry(fsync(io->fd)) < 0)
		return bp_fail_sys(err, errno, "cannot sync data to file '%s'", io->name);
	return 0;
}

static int file_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	if (on_block(io))
		return bp_fail(err, BP_UNSUPPORTED, "'%s' is a block device and keeps its size",
			       io->name);
	if (retry(ftruncate(io->fd, (off_t)size)) < 0)
		return bp_fail_sys(err, errno, "Failed to truncate file '%s'", io->name);
	return 0;
}

static int file_zero(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	uint64_t range[2] = { at, len };

	if (on_block(io) ? ioctl(io->fd, BLKZEROOUT, range) < 0 :
	    retry(fallocate(io->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			    (off_t)at, (off_t)len)) < 0)
		return cannot(io, "zero a part of", err);
	return 0;
}

static int file_reserve(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	if (on_block(io))
		return 0;
	if (retry(fallocate(io->fd, FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len)) == 0)
		return 0;
	if (errno == EOPNOTSUPP || errno == ENOSYS)
		return cannot(io, "reserve space in", err);
	return bp_fail_sys(err, errno, "cannot allocate %llu bytes in file '%s'",
			   (unsigned long long)len, io->name);
}

static int file_discard(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	uint64_t range[2] = { at, len };

	if (on_block(io) ? ioctl(io->fd, BLKDISCARD, range) < 0 :
	    retry(fallocate(io->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    (off_t)at, (off_t)len)) < 0)
		return cannot(io, "give back space of", err);
	return 0;
}

/* To find a hole in memory the kernel looks at each page, which takes a part of the
 * time of a copy.  What has a block for each of its bytes is taken to have none. */
static bool is_full_in_memory(struct bp_io *io)
{
	struct statfs fs;
	struct stat st;

	return fstat(io->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size &&
	       fstatfs(io->fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static int file_data_from(struct bp_io *io, uint64_t at, uint64_t *ret, struct bp_error *err)
{
	uint64_t size;
	off_t from;

	if (file_size(io, &size, err) < 0)
		return -1;
	*ret = at < size ? at : size;
	if (at >= size || on_block(io))
		return 0;
	from = lseek(io->fd, (off_t)at, SEEK_DATA);
	if (from < 0 && errno == ENXIO)		/* a hole up to the end */
		*ret = size;
	else if (from >= 0)
		*ret = (uint64_t)from;
	else if (errno != EINVAL)		/* a file system that does not know holes */
		return bp_fail_sys(err, errno, "cannot look for data in '%s'", io->name);
	return 0;
}

static int file_next_data(struct bp_io *io, uint64_t at, uint64_t *ret_from, uint64_t *ret_to,
			  struct bp_error *err)
{
	uint64_t size, from;
	off_t to;

	if (file_size(io, &size, err) < 0)
		return -1;
	if (at < size && is_full_in_memory(io)) {
		*ret_from = at;
		*ret_to = size;
		return 0;
	}
	if (file_data_from(io, at, &from, err) < 0)
		return -1;
	to = from < size && !on_block(io) ? lseek(io->fd, (off_t)from, SEEK_HOLE) : -1;
	*ret_from = from;
	*ret_to = to < 0 ? size : (uint64_t)to;
	return 0;
}

static void file_close(struct bp_io *io)
{
	closep(&((struct file_io *)io)->direct);
	pthread_mutex_destroy(&((struct file_io *)io)->lock);
	close(io->fd);
	free((char *)io->name);
	free(io);
}

static const struct bp_io_ops file_ops = {
	.size	   = file_size,
	.read	   = file_read_at,
	.write	   = file_write_at,
	.sync	   = file_sync,
	.close	   = file_close,
	.resize	   = file_resize,
	.zero	   = file_zero,
	.reserve   = file_reserve,
	.discard   = file_discard,
	.next_data = file_next_data,
	.data_from = file_data_from,
};

struct bp_io *io_of_fd(int fd, const char *name)
{
	struct file_io *f = mem_alloc(sizeof *f);
	struct stat st;

	f->io = (struct bp_io){ .ops = &file_ops, .fd = fd, .name = mem_dup(name) };
	f->direct = -1;
	pthread_mutex_init(&f->lock, NULL);
	f->block = fstat(fd, &st) == 0 && S_ISBLK(st.st_mode);
	return &f->io;
}

bool io_is_block(const struct bp_io *io)
{
	struct stat st;

	/* asked of the kernel: a pool type that is a module has its own file_ops */
	return io->fd >= 0 && fstat(io->fd, &st) == 0 && S_ISBLK(st.st_mode);
}

static int view_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)err;
	*ret = ((const struct io_view *)io)->size;
	return 0;
}

static int view_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
		      struct bp_error *err)
{
	(void)buf;
	(void)len;
	(void)at;
	return bp_fail(err, BP_INTERNAL, "'%s' is only looked at", io->name);
}

static int view_sync(struct bp_io *io, struct bp_error *err)
{
	(void)io;
	(void)err;
	return 0;
}

static void view_close(struct bp_io *io)
{
	(void)io;
}

void io_view(struct io_view *v, int fd, uint64_t size, const char *name)
{
	static const struct bp_io_ops ops = {
		.size = view_size, .read = file_read_at, .write = view_write, .sync = view_sync,
		.close = view_close,
	};

	v->io = (struct bp_io){ .ops = &ops, .fd = fd, .name = name };
	v->size = size;
}

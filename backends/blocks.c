/* blocks.c - see blocks.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define MIB (1ull << 20)

/* ---- the device ----------------------------------------------------------------- */

/* 1 MiB, or the next multiple of the size the device likes best.  What is no
 * multiple of a sector, or is larger than any stripe, is a device that errs. */
static uint64_t alignment(unsigned best, unsigned physical)
{
	if (!best || best % physical || best > 64 * MIB)
		return MIB;
	return (MIB + best - 1) / best * best;
}

int blocks_shape(int fd, const char *path, struct blocks_shape *ret, struct bp_error *err)
{
	unsigned sector = 0, physical = 0, best = 0;
	int logical = 0, shift = 0;

	if (ioctl(fd, BLKGETSIZE64, &ret->size) < 0 || ioctl(fd, BLKSSZGET, &logical) < 0)
		return bp_fail_sys(err, errno, "cannot tell the size of device '%s'", path);
	sector = logical < 512 ? 512 : (unsigned)logical;
	if (ioctl(fd, BLKPBSZGET, &physical) < 0 || physical < sector || physical % sector)
		physical = sector;
	if (ioctl(fd, BLKIOOPT, &best) < 0)
		best = 0;
	if (ioctl(fd, BLKALIGNOFF, &shift) < 0 || shift < 0 || (unsigned)shift % sector)
		shift = 0;
	ret->sector = sector;
	ret->physical = physical;
	ret->shift = (unsigned)shift;
	ret->align = alignment(best, physical);
	if (ret->size < 4 * ret->align)	/* not half of a small device for alignment's sake */
		ret->align = physical;
	if (!ret->size)
		return bp_fail(err, BP_FAILED, "device '%s' has no size: nothing is behind it "
			       "(any more)", path);
	return 0;
}

uint64_t blocks_align(const struct blocks_shape *shape, uint64_t at)
{
	uint64_t shift = shape->shift % shape->align;

	if (at <= shift)
		return shift;
	return (at - shift + shape->align - 1) / shape->align * shape->align + shift;
}

int blocks_find(const char *path, dev_t *ret, struct bp_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ?
			bp_fail(err, BP_INVALID, "device path '%s' doesn't exist", path) :
			bp_fail_sys(err, errno, "cannot find source device '%s'", path);
	if (S_ISREG(st.st_mode))
		return bp_fail(err, BP_INVALID, "source device '%s' is a file; make it a device "
			       "first (losetup --find --show '%s')", path, path);
	if (!S_ISBLK(st.st_mode))
		return bp_fail(err, BP_INVALID, "source device '%s' is no block device", path);
	*ret = st.st_rdev;
	return 0;
}

void blocks_pause(void)
{
	const struct timespec t = { .tv_nsec = 10000000 };

	(void)nanosleep(&t, NULL);
}

int blocks_lock(int fd, const char *path, struct bp_error *err)
{
	for (int i = 0; i < BLOCKS_WAITS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return bp_fail_sys(err, errno, "cannot lock device '%s'", path);
		blocks_pause();
	}
	return bp_fail(err, BP_BUSY, "device '%s' is locked by another program, which changes it, "
		       "too", path);
}

/* ---- names ------------------------------------------------------------------------ */

bool blocks_has_names(const char *target)
{
	return target && starts_with(target, "/dev/");
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct blocks_name *)a)->path, ((const struct blocks_name *)b)->path);
}

void blocks_names_read(struct blocks_names *names, const char *target)
{
	cleanup(closedirp) DIR *dir = NULL;
	struct dirent *e;
	struct stat st;

	*names = (struct blocks_names){ .target = target };
	if (!blocks_has_names(target) || !(dir = opendir(target)))
		return;
	while ((e = readdir(dir))) {
		struct blocks_name *name;

		if (*e->d_name == '.' || fstatat(dirfd(dir), e->d_name, &st, 0) < 0 ||
		    !S_ISBLK(st.st_mode))
			continue;
		name = array_add(names->all, names->n);
		name->dev = st.st_rdev;
		name->path = mem_printf("%s/%s", target, e->d_name);
	}
	if (names->n)
		qsort(names->all, names->n, sizeof *names->all, by_path);
}

void blocks_names_done(struct blocks_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->all[i].path);
	free(names->all);
	*names = (struct blocks_names){ 0 };
}

const char *blocks_name_of(const struct blocks_names *names, dev_t dev)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->all[i].dev == dev)
			return names->all[i].path;
	return NULL;
}

bool blocks_have_udev(void)
{
	return access("/run/udev/control", F_OK) == 0;
}

bool blocks_wait_for(const char *path, bool there)
{
	for (int i = 0; (access(path, F_OK) == 0) != there; i++) {
		if (i == BLOCKS_WAITS || !blocks_have_udev())
			return false;
		blocks_pause();
	}
	return true;
}

/* ---- bytes -------------------------------------------------------------------------- */

int blocks_open(const char *path, enum bp_vol_access access, struct bp_io **ret,
		struct bp_error *err)
{
	int flags = (access == BP_VOL_WRITE ? O_RDWR | O_EXCL : O_RDONLY) | O_NONBLOCK | O_CLOEXEC;
	int fd = open(path, flags);
	bool exclusive = fd >= 0 && access == BP_VOL_WRITE;
	struct stat st;

	if (fd < 0 && errno == EBUSY)
		fd = open(path, flags & ~O_EXCL);
	if (fd < 0)
		return bp_fail_sys(err, errno, "cannot open device '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode)) {
		close(fd);
		return bp_fail(err, BP_INVALID, "'%s' is no block device", path);
	}
	*ret = io_of_fd(fd, path);
	(*ret)->exclusive = exclusive;
	return 0;
}

struct window {
	struct bp_io io;
	struct bp_io *device;
	uint64_t start, size;
};

static struct window *window_of(struct bp_io *io)
{
	return (struct window *)io;
}

/* Nothing beyond it may be touched: there is somebody else's data. */
static int check_range(struct window *w, uint64_t at, uint64_t len, struct bp_error *err)
{
	if (at <= w->size && len <= w->size - at)
		return 0;
	return bp_fail(err, BP_FAILED, "'%s' has %llu bytes, and more are written or read",
		       w->io.name, (unsigned long long)w->size);
}

static int window_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)err;
	*ret = window_of(io)->size;
	return 0;
}

static int window_read(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	struct window *w = window_of(io);

	return check_range(w, at, len, err) < 0 ? -1 :
	       io_read(w->device, buf, len, w->start + at, err);
}

static int window_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			struct bp_error *err)
{
	struct window *w = window_of(io);

	return check_range(w, at, len, err) < 0 ? -1 :
	       io_write(w->device, buf, len, w->start + at, err);
}

static int window_zero(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	struct window *w = window_of(io);

	return check_range(w, at, len, err) < 0 ? -1 : io_zero(w->device, w->start + at, len, err);
}

static int window_reserve(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	return check_range(window_of(io), at, len, err);
}

static int window_sync(struct bp_io *io, struct bp_error *err)
{
	return io_sync(window_of(io)->device, err);
}

static void window_close(struct bp_io *io)
{
	io_close(window_of(io)->device);
	free((char *)io->name);
	free(io);
}

static const struct bp_io_ops window_ops = {
	.size	 = window_size,
	.read	 = window_read,
	.write	 = window_write,
	.sync	 = window_sync,
	.close	 = window_close,
	.zero	 = window_zero,
	.reserve = window_reserve,
};

struct bp_io *blocks_window(int fd, const char *name, uint64_t start, uint64_t size)
{
	struct window *w = mem_alloc(sizeof *w);

	w->io = (struct bp_io){ .ops = &window_ops, .fd = -1, .name = mem_dup(name) };
	w->device = io_of_fd(fcntl(fd, F_DUPFD_CLOEXEC, 0), name);
	w->start = start;
	w->size = size;
	return &w->io;
}

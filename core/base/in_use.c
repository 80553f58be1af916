/* in_use.c - see in_use.h; and locks. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/in_use.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/vfs.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/holder.h"

struct lock_range {
	off_t at, len;
};

/* The bytes that QEMU locks of an image it writes to: "I read, write, resize" from
 * 100 on, and from 200 on what nobody else may do, which is write and resize. */
static const struct lock_range writer_bytes[] = { { 100, 2 }, { 103, 1 }, { 201, 1 }, { 203, 1 } };
static const struct lock_range reader_bytes[] = { { 100, 1 }, { 201, 1 }, { 203, 1 } };

/* What keeps a reader away, in QEMU's words. */
static const struct {
	off_t byte;
	bool of_raw;
	const char *lock;
} reader_asks[] = {
	{ 200, true, "\"consistent read\"" },
	{ 101, false, "shared \"write\"" },
	{ 103, false, "shared \"resize\"" },
};

bool in_use_locks_forbid(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	       ((unsigned)fs.f_type == 0xff534d42 || (unsigned)fs.f_type == 0xfe534d42);
}

static void lock_bytes(int fd, const struct lock_range *bytes, size_t n, short type)
{
	if (in_use_locks_forbid(fd))
		return;
	for (size_t i = 0; i < n; i++) {
		struct flock lock = {
			.l_type = type, .l_whence = SEEK_SET,
			.l_start = bytes[i].at, .l_len = bytes[i].len,
		};

		(void)fcntl(fd, F_OFD_SETLK, &lock);
	}
}

int in_use_read(const char *path, struct bp_io *io, bool raw, struct bp_error *err)
{
	size_t n = raw ? 1 : array_size(reader_bytes);

	if (io->fd < 0)
		return 0;
	lock_bytes(io->fd, reader_bytes, n, F_RDLCK);
	for (size_t i = 0; i < array_size(reader_asks); i++) {
		auto_free char *who = raw && !reader_asks[i].of_raw ? NULL :
				      holder_of(io->fd, reader_asks[i].byte, 1);

		if (!who)
			continue;
		lock_bytes(io->fd, reader_bytes, n, F_UNLCK);
		return bp_fail(err, BP_BUSY, "Failed to get %s lock\n"
			       "Is another process using the image [%s]?\nIt is %s.",
			       reader_asks[i].lock, path, who);
	}
	return 0;
}

/* Nobody locks a file he does not use; so any byte will do, and other
 * hypervisors are found as well. */
static int in_use_by_lock(const struct in_use *u, struct bp_error *err)
{
	auto_free char *who = holder_of(u->fd, 0, 0);

	return who ? bp_fail(err, BP_BUSY, "%s '%s' is in use by %s", u->what, u->name, who) : 0;
}

/* Whoever the others could not name: md, btrfs on several devices, a program.
 * The name of a volume may lead elsewhere by now. */
static int in_use_exclusively(const struct in_use *u, struct bp_error *err)
{
	bool ask = S_ISBLK(u->st.st_mode) && !u->itself && !u->ours;
	auto_close int fd = ask ?
		open(u->path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC) : -1;
	struct stat st;

	if (fd >= 0 || !ask || errno != EBUSY ||
	    stat(u->path, &st) < 0 || st.st_rdev != u->st.st_rdev)
		return 0;
	return bp_fail(err, BP_BUSY, "%s '%s' is held by the kernel or a program that has it "
		       "for itself", u->what, u->name);
}

static int (*const checks[])(const struct in_use *u, struct bp_error *err) = {
	in_use_by_lock, in_use_by_loop, in_use_by_swap, in_use_by_mount, in_use_by_device,
	in_use_exclusively,
};

static int in_use(struct in_use *u, struct bp_error *err)
{
	int r = 0;

	if (fstat(u->fd, &u->st) < 0)
		return 0;
	if (S_ISBLK(u->st.st_mode))
		u->parts = device_parts(u->st.st_rdev);
	if (u->itself)
		u->parts.n = 1;
	for (size_t i = 0; r == 0 && i < array_size(checks); i++)
		r = checks[i](u, err);
	device_parts_done(&u->parts);
	return r;
}

int in_use_claim(const char *vol, struct bp_io *io, bool force, struct bp_error *err)
{
	struct in_use u = {
		.what = "volume", .name = vol, .path = io->name, .fd = io->fd,
		.ours = io->exclusive,
	};

	if (io->fd < 0)
		return 0;
	/* first: whoever comes now sees us, as we shall see him */
	lock_bytes(io->fd, writer_bytes, array_size(writer_bytes), F_RDLCK);
	return force ? 0 : in_use(&u, err);
}

int in_use_device(const char *path, int fd, struct bp_error *err)
{
	struct in_use u = { .what = "device", .name = path, .path = path, .fd = fd };

	return in_use(&u, err);
}

int in_use_disk(const char *path, int fd, struct bp_error *err)
{
	struct in_use u = {
		.what = "device", .name = path, .path = path, .fd = fd, .itself = true,
	};

	return in_use(&u, err);
}

/* Of a link only itself would be removed. */
int in_use_directory(const char *vol, const char *path, struct bp_error *err)
{
	struct in_use u = { .what = "volume", .name = vol, .path = path, .fd = -1 };

	if (lstat(path, &u.st) < 0 || !S_ISDIR(u.st.st_mode))
		return 0;
	return in_use_by_mount(&u, err);
}

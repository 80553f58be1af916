/* device_write.c - much that is written to a device goes past the page cache, and is the same. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/mem.h"
#include "core/copy.h"
#include "tests/device.h"
#include "tests/tap.h"

#define MIB  (1u << 20)
#define SIZE (16u << 20)

/* Of a range: the pages the kernel has in memory. */
static size_t kept(int fd, uint64_t at, size_t len)
{
	unsigned char in[SIZE / 4096];
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)at);
	size_t n = 0;

	if (map == MAP_FAILED || mincore(map, len, in) < 0)
		return SIZE_MAX;
	for (size_t i = 0; i < len / 4096; i++)
		n += in[i] & 1;
	munmap(map, len);
	return n;
}

static void forget(int fd)
{
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* Bytes of which each tells where it is. */
static char *some_bytes(size_t len, unsigned salt)
{
	char *p = mem_pages(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (char)(i * 7 + i / 251 + salt);
	return p;
}

static struct bp_io *open_device(const char *path)
{
	return io_of_fd(open(path, O_RDWR | O_CLOEXEC), path);
}

static bool holds(struct bp_io *io, const char *bytes, size_t len, uint64_t at)
{
	auto_free char *there = mem_resize(NULL, len, 1);
	struct bp_error err = { 0 };

	return io_read(io, there, len, at, &err) == 0 && memcmp(there, bytes, len) == 0;
}

/* With an odd tail, an odd beginning, and memory that begins at no page. */
static void odd_pieces(const char *path)
{
	static const struct { uint64_t at; size_t len, skip; } pieces[] = {
		{ 0, 4 * MIB, 0 }, { 5 * MIB, 3 * MIB + 777, 0 }, { 9 * MIB + 1, 2 * MIB, 0 },
		{ 12 * MIB, 2 * MIB, 16 }, { 15 * MIB + 512, MIB - 512, 0 },
	};
	cleanup(io_closep) struct bp_io *io = open_device(path);
	auto_free char *bytes = some_bytes(5 * MIB, 1);
	struct bp_error err = { 0 };

	for (size_t i = 0; i < array_size(pieces); i++) {
		const char *p = bytes + pieces[i].skip;

		forget(io->fd);
		CHECK(io_write(io, p, pieces[i].len, pieces[i].at, &err) == 0);
		CHECK(holds(io, p, pieces[i].len, pieces[i].at));
		CHECK(io_sync(io, &err) == 0);
		forget(io->fd);
		CHECK(holds(io, p, pieces[i].len, pieces[i].at));
	}
}

TEST(much_is_not_kept_in_memory)
{
	const char *path = device_make("disk", SIZE);
	cleanup(io_closep) struct bp_io *io = NULL, *from = io_of_memory(0);
	auto_free char *bytes = some_bytes(8 * MIB + 100, 2);
	struct bp_error err = { 0 };
	struct copy copy = { .to_at = MIB, .len = 8 * MIB + 100 };

	if (!path)
		SKIP("needs root and loop devices");
	io = open_device(path);
	CHECK(io_write(from, bytes, 8 * MIB + 100, 0, &err) == 0);
	forget(io->fd);
	copy.from = from;
	copy.to = io;
	CHECK(copy_bytes(&copy, &err) == 0);
	SAME_N(kept(io->fd, MIB, 8 * MIB), 0);
	CHECK(kept(io->fd, 9 * MIB, 4096) == 1);	/* but the end, which is no sector */
	CHECK(holds(io, bytes, 8 * MIB + 100, MIB));
}

TEST(what_is_in_memory_and_what_goes_past_it_are_one)
{
	const char *path = device_make("disk", SIZE);
	cleanup(io_closep) struct bp_io *io = NULL;
	auto_free char *bytes = some_bytes(4 * MIB, 3), *small = some_bytes(5000, 4);
	struct bp_error err = { 0 };

	if (!path)
		SKIP("needs root and loop devices");
	io = open_device(path);
	CHECK(holds(io, bytes, 4 * MIB, 0) == false);		/* all of it is in memory now */
	CHECK(io_write(io, small, 5000, 2 * MIB + 3, &err) == 0);	/* and some is dirty */
	CHECK(io_write(io, bytes, 4 * MIB, 0, &err) == 0);
	CHECK(holds(io, bytes, 4 * MIB, 0));
	CHECK(io_write(io, small, 5000, MIB + 3, &err) == 0);
	memcpy(bytes + MIB + 3, small, 5000);
	CHECK(holds(io, bytes, 4 * MIB, 0));
	forget(io->fd);
	CHECK(holds(io, bytes, 4 * MIB, 0));
}

TEST(odd_pieces_are_whole)
{
	const char *path = device_make("disk", SIZE);

	if (!path)
		SKIP("needs root and loop devices");
	odd_pieces(path);
}

TEST(odd_pieces_are_whole_in_sectors_of_4096)
{
	const char *path = device_make("disk", SIZE);
	auto_close int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	int sector = 0;

	if (fd < 0)
		SKIP("needs root and loop devices");
	(void)ioctl(fd, LOOP_SET_BLOCK_SIZE, 4096UL);
	if (ioctl(fd, BLKSSZGET, &sector) < 0 || sector != 4096)
		SKIP("this device has other sectors");
	odd_pieces(path);
}

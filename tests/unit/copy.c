/* copy.c - bytes arrive whole whatever the kernel says, and what does not is found. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"

#define IO cleanup(io_closep) struct bp_io
#define SIZE (3u << 20)

/* What the kernel is made to answer instead: call number `when`, from 1 on,
 * fails with `sys` or, if that is 0, says that nothing was copied; each call
 * copies at most `most`. */
static struct { unsigned calls, when; int sys; size_t most; } kernel;

ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t len,
			unsigned flags)
{
	auto_free char *buffer = mem_alloc(len);
	ssize_t n;

	(void)flags;
	if (++kernel.calls >= kernel.when) {
		errno = kernel.sys;
		return kernel.sys ? -1 : 0;
	}
	n = pread(in, buffer, kernel.most && kernel.most < len ? kernel.most : len, *in_at);
	return n < 0 ? n : pwrite(out, buffer, (size_t)n, *out_at);
}

static char *some_bytes(size_t len)
{
	char *bytes = mem_alloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 31 + (i >> 9) + 1);
	return bytes;
}

static struct bp_io *file_of(const char *name, const char *bytes, size_t len)
{
	int fd = open(tap_path(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct bp_io *io = io_of_fd(fd, name);
	struct bp_error err = { 0 };

	if (len && io_write(io, bytes, len, 0, &err) < 0)
		printf("# %s\n", err.text);
	return io;
}

static bool holds(struct bp_io *io, const char *bytes, size_t len)
{
	auto_free char *there = mem_alloc(len);
	struct bp_error err = { 0 };
	uint64_t size = 0;

	return io_size(io, &size, &err) == 0 && size == len &&
	       io_read(io, there, len, 0, &err) == 0 && memcmp(there, bytes, len) == 0;
}

static const struct { unsigned when; int sys; size_t most; } answers[] = {
	{ 1, EXDEV, 0 }, { 1, EINVAL, 0 }, { 1, EOPNOTSUPP, 0 }, { 1, ENOSYS, 0 }, { 1, EBADF, 0 },
	{ 1, ETXTBSY, 0 }, { 1, EPERM, 0 }, { 1, ENOSPC, 0 }, { 1, EIO, 0 }, { 1, 0, 0 },
	{ 3, EXDEV, 70000 }, { 3, EIO, 70000 }, { 2, ENOSPC, 1 }, { 4, 0, 4097 }, { 99, 0, 70001 },
};

TEST(bytes_arrive_whatever_the_kernel_says)
{
	auto_free char *bytes = some_bytes(SIZE);

	for (size_t i = 0; i < array_size(answers); i++) {
		IO *from = file_of("from", bytes, SIZE), *to = file_of("to", NULL, 0);
		struct copy c = { .from = from, .to = to, .len = SIZE, .verify = true };
		struct bp_error err = { 0 };

		kernel.calls = 0;
		kernel.when = answers[i].when;
		kernel.sys = answers[i].sys;
		kernel.most = answers[i].most;
		CHECK(copy_bytes(&c, &err) == 0);
		CHECK(holds(to, bytes, SIZE));
		CHECK(copy_verify(&c, &err) == 0);
		CHECK(kernel.calls >= (answers[i].when < 99 ? answers[i].when : 1));
	}
}

TEST(a_source_that_ends_early_is_told)
{
	auto_free char *bytes = some_bytes(5000);
	IO *from = file_of("from", bytes, 5000), *to = file_of("to", NULL, 0);
	struct copy c = { .from = from, .to = to, .len = 6000 };
	struct bp_error err = { 0 };

	kernel.calls = 0;
	kernel.when = 99;
	CHECK(copy_bytes(&c, &err) == -1);
	SAME_N(err.code, BP_CORRUPT);
}

/* ---- storage that notes, and that lies ------------------------------------------ */

static struct {
	uint64_t written;
	uint64_t flip;		/* the byte here is written wrong, + 1 */
	bool synced, full;
} noted;

static struct storage { struct bp_io io; struct bp_io *real; } storage;

static int s_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	return io_size(((struct storage *)io)->real, ret, err);
}

static int s_read(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	return io_read(((struct storage *)io)->real, buf, len, at, err);
}

static int s_write(struct bp_io *io, const void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	auto_free char *bytes = mem_alloc(len);

	if (noted.full)
		return bp_fail_sys(err, ENOSPC, "failed writing to file 'x'");
	memcpy(bytes, buf, len);
	if (noted.flip && at < noted.flip && noted.flip <= at + len)
		bytes[noted.flip - 1 - at] ^= 1;
	noted.written += len;
	noted.synced = false;
	return io_write(((struct storage *)io)->real, bytes, len, at, err);
}

static int s_sync(struct bp_io *io, struct bp_error *err)
{
	(void)io;
	(void)err;
	noted.synced = true;
	return 0;
}

static void s_close(struct bp_io *io)
{
	(void)io;
}

static struct bp_io *storage_on(struct bp_io *real)
{
	static const struct bp_io_ops ops = { s_size, s_read, s_write, s_sync, s_close };

	memset(&noted, 0, sizeof noted);
	storage.io = (struct bp_io){ .ops = &ops, .fd = -1, .name = "storage" };
	storage.real = real;
	return &storage.io;
}

TEST(verifying_names_the_first_byte_that_differs)
{
	static const uint64_t at[] = { 0, 1, 65535, 1048575, 1048576, 2500000, SIZE - 1 };
	auto_free char *bytes = some_bytes(SIZE);

	for (size_t i = 0; i < array_size(at); i++) {
		IO *from = file_of("from", bytes, SIZE), *real = io_of_memory(SIZE);
		struct copy c = { .from = from, .to = storage_on(real), .len = SIZE,
				  .verify = true };
		struct bp_error err = { 0 };
		char words[60];

		noted.flip = at[i] + 1;
		CHECK(copy_bytes(&c, &err) == 0);
		CHECK(copy_verify(&c, &err) == -1);
		CHECK(noted.synced);
		SAME_N(err.code, BP_FAILED);
		snprintf(words, sizeof words, "byte %llu of 'storage' ", (unsigned long long)at[i]);
		CHECK(strstr(err.text, words));
	}
}

TEST(verifying_counts_from_where_the_range_begins)
{
	auto_free char *bytes = some_bytes(SIZE);
	IO *from = file_of("from", bytes, SIZE), *real = io_of_memory(SIZE);
	struct copy c = { .from = from, .from_at = 1000, .to = storage_on(real), .to_at = 77,
			  .len = 5000, .verify = true };
	struct bp_error err = { 0 };

	noted.flip = 100 + 1;
	CHECK(copy_bytes(&c, &err) == 0 && copy_verify(&c, &err) == -1);
	CHECK(strstr(err.text, "byte 100 of 'storage' "));
	CHECK(strstr(err.text, "byte 1023 of 'from'"));
}

TEST(without_verify_nothing_is_read_back)
{
	IO *from = io_of_memory(10), *real = io_of_memory(10);
	struct copy c = { .from = from, .to = storage_on(real), .len = 10 };
	struct bp_error err = { 0 };

	noted.flip = 1;
	CHECK(copy_bytes(&c, &err) == 0 && copy_verify(&c, &err) == 0);
	CHECK(!noted.synced);
}

TEST(a_full_disk_is_told)
{
	IO *from = io_of_memory(10), *real = io_of_memory(10);
	struct copy c = { .from = from, .to = storage_on(real), .len = 10 };
	struct bp_error err = { 0 };

	noted.full = true;
	CHECK(copy_bytes(&c, &err) == -1);
	SAME_N(err.sys, ENOSPC);
}

/* Data at 1 MiB and at 700 MiB of a gigabyte. */
TEST(holes_stay_holes_and_are_verified_at_once)
{
	IO *from = file_of("from", NULL, 0), *to = file_of("to", NULL, 0);
	struct copy c = { .from = from, .to = to, .len = 1u << 30, .holes = true, .fresh = true,
			  .verify = true };
	struct bp_error err = { 0 };
	struct stat st;

	kernel.calls = 0;
	kernel.when = 99;
	CHECK(io_resize(from, 1u << 30, &err) == 0 && io_resize(to, 1u << 30, &err) == 0);
	CHECK(io_write(from, "data", 4, 1u << 20, &err) == 0);
	CHECK(io_write(from, "data", 4, 700u << 20, &err) == 0);
	CHECK(copy_bytes(&c, &err) == 0 && copy_verify(&c, &err) == 0);
	CHECK(fstat(to->fd, &st) == 0);
	CHECK(st.st_blocks * 512 < 1 << 20);
	CHECK(io_write(to, "x", 1, 300u << 20, &err) == 0);
	CHECK(copy_verify(&c, &err) == -1);
	CHECK(strstr(err.text, "byte 314572800 of 'to'"));
}

/* ---- somebody who watches ------------------------------------------------------- */

static struct { uint64_t done, total, stop_at, paced, most; bool backwards; } seen;

static bool report(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	seen.backwards = seen.backwards || done < seen.done;
	seen.done = done;
	seen.total = total;
	return seen.stop_at && done >= seen.stop_at;
}

static void pace(void *arg, uint64_t bytes)
{
	(void)arg;
	seen.paced += bytes;
	if (bytes > seen.most)
		seen.most = bytes;
}

static const struct bp_progress watched = { report, NULL, pace, 100000 };
static const struct bp_progress watched_whole = { report, NULL, pace, 0 };

/* ---- going on ------------------------------------------------------------------------ */

/* How much of what is there is right, how long it is, how much is written. */
static const struct { size_t good, there, written; } resumed[] = {
	{ 0, 0, SIZE }, { SIZE, SIZE, 0 }, { 2u << 20, 2u << 20, 1u << 20 },
	{ 1u << 20, SIZE, 2u << 20 }, { 0, SIZE, SIZE }, { 1500000, 1500000, SIZE - (1u << 20) },
	{ (1u << 20) + 5, SIZE, SIZE - (1u << 20) },
};

TEST(what_is_there_is_not_written_again)
{
	auto_free char *bytes = some_bytes(SIZE);

	for (size_t i = 0; i < array_size(resumed); i++) {
		auto_free char *old = mem_alloc(SIZE);
		IO *from = file_of("from", bytes, SIZE), *real = file_of("to", NULL, 0);
		struct copy c = { .from = from, .to = storage_on(real), .len = SIZE, .resume = true,
				  .progress = &watched_whole };
		struct bp_error err = { 0 };

		memset(&seen, 0, sizeof seen);
		memcpy(old, bytes, resumed[i].good);
		CHECK(!resumed[i].there || io_write(real, old, resumed[i].there, 0, &err) == 0);
		CHECK(copy_bytes(&c, &err) == 0);
		CHECK(holds(real, bytes, SIZE));
		SAME_N(noted.written, resumed[i].written);
		SAME_N(seen.paced, resumed[i].written);
	}
}

/* ---- how far, how fast, no further ------------------------------------------------------ */

TEST(pace_is_told_what_was_written_and_nothing_else)
{
	auto_free char *bytes = some_bytes(SIZE);
	IO *from = file_of("from", NULL, 0), *to = file_of("to", NULL, 0);
	struct copy c = { .from = from, .to = to, .len = SIZE, .holes = true, .fresh = true,
			  .verify = true, .progress = &watched };
	struct bp_error err = { 0 };

	memset(&seen, 0, sizeof seen);
	kernel.calls = 0;
	kernel.when = 3;
	kernel.sys = EXDEV;
	kernel.most = 0;
	CHECK(io_resize(from, SIZE, &err) == 0 && io_resize(to, SIZE, &err) == 0);
	CHECK(io_write(from, bytes, 1u << 20, 1u << 20, &err) == 0);
	CHECK(copy_bytes(&c, &err) == 0);
	SAME_N(seen.paced, 1u << 20);
	SAME_N(seen.most, 100000);
	SAME_N(seen.done, SIZE);
	SAME_N(seen.total, 2 * SIZE);
	CHECK(copy_verify(&c, &err) == 0);
	SAME_N(seen.paced, 1u << 20);
	SAME_N(seen.done, 2 * SIZE);
	CHECK(!seen.backwards);
}

TEST(copying_and_verifying_can_be_stopped)
{
	static const uint64_t stops[] = { 1, 1u << 20, SIZE - 1, SIZE + 1, 2 * SIZE };
	auto_free char *bytes = some_bytes(SIZE);

	for (size_t i = 0; i < array_size(stops); i++) {
		IO *from = file_of("from", bytes, SIZE), *to = file_of("to", NULL, 0);
		struct copy c = { .from = from, .to = to, .len = SIZE, .verify = true,
				  .progress = &watched };
		struct bp_error err = { 0 };

		memset(&seen, 0, sizeof seen);
		seen.stop_at = stops[i];
		CHECK(copy_bytes(&c, &err) < 0 || copy_verify(&c, &err) < 0);
		SAME_N(err.code, BP_CANCELLED);
		CHECK(seen.done < stops[i] + (2u << 20));
	}
}

/* transfer.c - upload and download: bounds, streams, holes; and the passes of a wipe. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/fake.h"
#include "tests/tap.h"

#define STORE cleanup(bp_store_closep) struct bp_store *s

static struct bp_store *pool_with_volume(void)
{
	struct bp_store *s = fake_store_with_pool();
	struct bp_error err = { 0 };

	if (bp_pool_start(s, "p", 0, &err) < 0)
		printf("# %s\n", err.text);
	fake_volume("v", "0123456789", 10);
	did[0] = '\0';
	return s;
}

static int file_with(const char *text)
{
	int fd = open(tap_path("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		printf("# cannot write\n");
	return fd;
}

static int pipe_with(const char *text)
{
	int fds[2];

	if (pipe(fds) < 0 || write_all(fds[1], text, strlen(text)) < 0)
		printf("# cannot write\n");
	close(fds[1]);
	return fds[0];
}

/* what is in the file, where in the volume, how much; then the volume or the error */
static const struct upload_case {
	const char *file;
	uint64_t offset, length;
	const char *after;
} uploads[] = {
	{ "abc", 0, 0,	 "abc3456789" },
	{ "abc", 7, 0,	 "0123456abc" },
	{ "abc", 2, 2,	 "01ab456789" },
	{ "abc", 0, 99,	 "abc3456789" },
	{ "",	 0, 0,	 "0123456789" },
	{ "abc", 8, 0,	 NULL },
	{ "abc", 10, 0,	 NULL },
	{ "abc", 11, 0,	 NULL },
	{ "abc", UINT64_MAX, 0, NULL },
	{ "0123456789x", 0, 0, NULL },
	{ "0123456789x", 0, 10, "0123456789" },
};

static int upload(struct bp_store *s, const struct upload_case *c, int fd, struct bp_error *err)
{
	auto_close int from = fd;

	return bp_vol_write(s, "p", "v", from, c->offset, c->length, 0, NULL, err);
}

TEST(uploads_files_by_the_table)
{
	for (size_t i = 0; i < array_size(uploads); i++) {
		const struct upload_case *c = &uploads[i];
		STORE = pool_with_volume();
		struct bp_error err = { 0 };
		char bytes[20] = "";
		int r = upload(s, c, file_with(c->file), &err);

		SAME_N(r, c->after ? 0 : -1);
		CHECK(c->after || err.code == BP_FAILED);
		SAME_N(fake_bytes("v", bytes, sizeof bytes), 10);
		SAME(bytes, c->after ? c->after : "0123456789");
	}
}

TEST(a_stream_ends_at_the_end_of_the_volume)
{
	for (size_t i = 0; i < array_size(uploads); i++) {
		const struct upload_case *c = &uploads[i];
		STORE = pool_with_volume();
		struct bp_error err = { 0 };
		char bytes[20] = "";
		bool empty = !*c->file;

		SAME_N(upload(s, c, pipe_with(c->file), &err), c->after || empty ? 0 : -1);
		SAME_N(fake_bytes("v", bytes, sizeof bytes), 10);
		SAME(bytes, c->after ? c->after : "0123456789");
	}
}

TEST(an_upload_is_synced)
{
	STORE = pool_with_volume();
	struct bp_error err = { 0 };

	CHECK(upload(s, &uploads[0], file_with("abc"), &err) == 0);
	CHECK(strstr(did, "open_write sync "));
	fake_fail = "sync";
	CHECK(upload(s, &uploads[0], file_with("abc"), &err) == -1);
}

TEST(a_directory_is_no_file)
{
	STORE = pool_with_volume();
	struct bp_error err = { 0 };

	CHECK(upload(s, &uploads[0], open(tap_dir(), O_RDONLY | O_CLOEXEC), &err) == -1);
	CHECK(strstr(err.text, "Is a directory"));
}

/* offset, length; then what comes out */
static const struct download_case {
	uint64_t offset, length;
	const char *text;
} downloads[] = {
	{ 0, 0, "0123456789" }, { 3, 0, "3456789" }, { 3, 4, "3456" }, { 3, 99, "3456789" },
	{ 10, 0, "" }, { 11, 5, "" }, { UINT64_MAX, 1, "" },
};

TEST(downloads_by_the_table)
{
	for (size_t i = 0; i < array_size(downloads); i++) {
		const struct download_case *c = &downloads[i];
		STORE = pool_with_volume();
		auto_close int fd = file_with("");
		struct bp_error err = { 0 };
		char bytes[20] = "";

		CHECK(bp_vol_read(s, "p", "v", fd, c->offset, c->length, 0, NULL, &err) == 0);
		CHECK(pread(fd, bytes, sizeof bytes, 0) == (ssize_t)strlen(c->text));
		SAME(bytes, c->text);
	}
}

TEST(downloads_into_a_pipe)
{
	STORE = pool_with_volume();
	struct bp_error err = { 0 };
	char bytes[20] = "";
	int fds[2];

	CHECK(pipe(fds) == 0);
	CHECK(bp_vol_read(s, "p", "v", fds[1], 2, 5, 0, NULL, &err) == 0);
	close(fds[1]);
	SAME_N(read(fds[0], bytes, sizeof bytes), 5);
	SAME(bytes, "23456");
	close(fds[0]);
}

TEST(a_sparse_download_keeps_holes)
{
	STORE = pool_with_volume();
	auto_free char *bytes = mem_alloc(8u << 20);
	auto_close int fd = file_with("");
	struct bp_error err = { 0 };
	struct stat st;

	memset(bytes + (4u << 20), 'x', 4096);
	fake_volume("big", bytes, 8u << 20);
	CHECK(bp_vol_read(s, "p", "big", fd, 0, 0, BP_VOL_SPARSE, NULL, &err) == 0);
	CHECK(fstat(fd, &st) == 0);
	SAME_N(st.st_size, 8u << 20);
	CHECK(st.st_blocks * 512 < 4 << 20);
}

TEST(a_sparse_upload_empties_what_is_under_the_holes)
{
	STORE = pool_with_volume();
	auto_close int fd = file_with("");
	struct bp_error err = { 0 };
	char bytes[16];
	auto_free char *old = mem_alloc(65536 * 2);

	memset(old, 'o', 65536 * 2);
	fake_volume("big", old, 65536 * 2);
	CHECK(ftruncate(fd, 65536) == 0 && pwrite(fd, "data", 4, 65536) == 4);
	CHECK(bp_vol_write(s, "p", "big", fd, 0, 0, BP_VOL_SPARSE, NULL, &err) == 0);
	SAME_N(fake_bytes("big", bytes, sizeof bytes), 65536 * 2);
	SAME_MEM(bytes, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

/* What is passed for the file, and whether it can be read again. */
TEST(only_files_that_can_be_read_again_are_verified_and_resumed)
{
	static const unsigned flags[] = { BP_VOL_VERIFY, BP_VOL_RESUME };

	for (size_t i = 0; i < array_size(flags); i++) {
		STORE = pool_with_volume();
		auto_close int good = file_with("abc"), pipe_end = pipe_with("abc");
		auto_close int blind = open(tap_path("file"), O_WRONLY | O_CLOEXEC);
		struct bp_error err = { 0 };
		char bytes[20] = "";

		CHECK(bp_vol_write(s, "p", "v", good, 0, 0, flags[i], NULL, &err) == 0);
		CHECK(bp_vol_read(s, "p", "v", blind, 0, 0, flags[i], NULL, &err) == -1);
		SAME_N(err.code, BP_INVALID);
		err = (struct bp_error){ 0 };
		CHECK(bp_vol_write(s, "p", "v", pipe_end, 4, 0, flags[i], NULL, &err) == -1);
		SAME_N(err.code, BP_INVALID);
		(void)fake_bytes("v", bytes, sizeof bytes);
		SAME(bytes, "abc3456789");
	}
}

/* What is in the file, where it is used from; then what is in it. */
static const struct { const char *before; off_t at; const char *after; } resumed[] = {
	{ "", 0, "0123456789" }, { "0123", 0, "0123456789" }, { "other", 0, "0123456789" },
	{ "0123456789 and more", 0, "0123456789" }, { "0123456789", 0, "0123456789" },
	{ "ab0123 and more", 2, "ab0123456789" },
};

TEST(a_resumed_download_ends_as_a_whole_one)
{
	for (size_t i = 0; i < array_size(resumed); i++) {
		STORE = pool_with_volume();
		auto_close int fd = file_with(resumed[i].before);
		struct bp_error err = { 0 };
		char bytes[40] = "";

		CHECK(lseek(fd, resumed[i].at, SEEK_SET) == resumed[i].at);
		CHECK(bp_vol_read(s, "p", "v", fd, 0, 0, BP_VOL_RESUME, NULL, &err) == 0);
		CHECK(pread(fd, bytes, sizeof bytes, 0) == (ssize_t)strlen(resumed[i].after));
		SAME(bytes, resumed[i].after);
	}
}

/* The flag for a read, where the file is used from; then what is in it. */
static const struct { unsigned flags; off_t at; const char *after; } emptied[] = {
	{ 0, 0, "0123456789 and more" }, { BP_VOL_EMPTY, 0, "0123456789" },
	{ BP_VOL_EMPTY | BP_VOL_SPARSE, 2, "an0123456789" },
};

TEST(a_file_is_emptied_once_there_is_something_to_read)
{
	for (size_t i = 0; i < array_size(emptied); i++) {
		STORE = pool_with_volume();
		auto_close int fd = file_with("any number and more");
		struct bp_error err = { 0 };
		char bytes[40] = "";

		CHECK(lseek(fd, emptied[i].at, SEEK_SET) == emptied[i].at);
		CHECK(bp_vol_read(s, "p", "none", fd, 0, 0, emptied[i].flags, NULL, &err) < 0);
		CHECK(pread(fd, bytes, sizeof bytes, 0) == 19);
		err = (struct bp_error){ 0 };
		CHECK(bp_vol_read(s, "p", "v", fd, 0, 0, emptied[i].flags, NULL, &err) == 0);
		memset(bytes, 0, sizeof bytes);
		CHECK(pread(fd, bytes, sizeof bytes, 0) == (ssize_t)strlen(emptied[i].after));
		SAME(bytes, emptied[i].after);
	}
}

TEST(a_resumed_upload_ends_as_a_whole_one)
{
	for (size_t i = 0; i < array_size(uploads); i++) {
		const struct upload_case *c = &uploads[i];
		STORE = pool_with_volume();
		auto_close int fd = file_with(c->file);
		struct bp_error err = { 0 };
		char bytes[20] = "";

		CHECK((bp_vol_write(s, "p", "v", fd, c->offset, c->length, BP_VOL_RESUME, NULL,
				    &err) == 0) == (c->after != NULL));
		(void)fake_bytes("v", bytes, sizeof bytes);
		SAME(bytes, c->after ? c->after : "0123456789");
	}
}

/* ---- wipe ------------------------------------------------------------------------ */

TEST(a_wiped_volume_holds_the_last_pattern)
{
	static const struct { enum bp_wipe how; const char *bytes; } cases[] = {
		{ BP_WIPE_ZERO, "\0\0\0\0\0\0\0\0\0\0" },
		{ BP_WIPE_NNSA, "\0\0\0\0\0\0\0\0\0\0" },
		{ BP_WIPE_DOD, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
		{ BP_WIPE_BSI, "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		STORE = pool_with_volume();
		struct bp_error err = { 0 };
		char bytes[10];

		CHECK(bp_vol_wipe(s, "p", "v", cases[i].how, 0, NULL, &err) == 0);
		SAME_N(fake_bytes("v", bytes, sizeof bytes), 10);
		SAME_MEM(bytes, cases[i].bytes, 10);
	}
}

TEST(random_passes_leave_nothing_of_what_was)
{
	static const enum bp_wipe how[] = { BP_WIPE_GUTMANN, BP_WIPE_SCHNEIER, BP_WIPE_PFITZNER7,
					    BP_WIPE_PFITZNER33, BP_WIPE_RANDOM };

	for (size_t i = 0; i < array_size(how); i++) {
		STORE = pool_with_volume();
		struct bp_error err = { 0 };
		char bytes[10];

		CHECK(bp_vol_wipe(s, "p", "v", how[i], 0, NULL, &err) == 0);
		(void)fake_bytes("v", bytes, sizeof bytes);
		CHECK(memcmp(bytes, "0123456789", 10) != 0);
	}
}

static bool count(void *arg, uint64_t done, uint64_t total)
{
	(void)done;
	*(uint64_t *)arg = total;
	return false;
}

TEST(each_algorithm_has_its_number_of_passes)
{
	static const unsigned passes[BP_WIPES] = {
		[BP_WIPE_ZERO] = 1, [BP_WIPE_NNSA] = 4, [BP_WIPE_DOD] = 4, [BP_WIPE_BSI] = 9,
		[BP_WIPE_GUTMANN] = 35, [BP_WIPE_SCHNEIER] = 7, [BP_WIPE_PFITZNER7] = 7,
		[BP_WIPE_PFITZNER33] = 33, [BP_WIPE_RANDOM] = 1,
	};

	for (unsigned how = 0; how < BP_WIPE_TRIM; how++) {
		STORE = pool_with_volume();
		uint64_t total = 0;
		struct bp_progress progress = { count, &total };
		struct bp_error err = { 0 };

		CHECK(bp_vol_wipe(s, "p", "v", how, 0, &progress, &err) == 0);
		SAME_N(total, 10 * passes[how]);
	}
}

TEST(what_cannot_give_space_back_says_so)
{
	STORE = pool_with_volume();
	struct bp_error err = { 0 };

	CHECK(bp_vol_wipe(s, "p", "v", BP_WIPE_TRIM, 0, NULL, &err) == -1);
	SAME_N(err.code, BP_UNSUPPORTED);
}

TEST(algorithms_by_their_words)
{
	SAME_N(bp_wipe_find("zero"), 0);
	SAME_N(bp_wipe_find("trim"), 9);
	SAME_N(bp_wipe_find("Zero"), -1);
	for (int i = 0; i < BP_WIPES; i++)
		SAME_N(bp_wipe_find(bp_wipe_word((enum bp_wipe)i)), i);
}

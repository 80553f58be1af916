/* base_io.c - bytes at offsets, in files and in memory; small files replaced whole. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/io.h"
#include "core/base/mem.h"
#include "tests/tap.h"

static struct bp_io *new_file(void)
{
	int fd = open(tap_path("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return io_of_fd(fd, "file");
}

static struct bp_io *new_memory(void)
{
	return io_of_memory(0);
}

static struct bp_io *(*const kinds[])(void) = { new_file, new_memory };

TEST(bytes_come_back)
{
	for (size_t i = 0; i < array_size(kinds); i++) {
		cleanup(io_closep) struct bp_io *io = kinds[i]();
		struct bp_error err = { 0 };
		char bytes[8] = "";
		uint64_t size;

		CHECK(io_write(io, "abc", 3, 5, &err) == 0);
		CHECK(io_size(io, &size, &err) == 0);
		SAME_N(size, 8);
		CHECK(io_read(io, bytes, 8, 0, &err) == 0);
		SAME_MEM(bytes, "\0\0\0\0\0abc", 8);
		CHECK(io_sync(io, &err) == 0);
	}
}

TEST(reading_past_the_end_is_a_failure)
{
	for (size_t i = 0; i < array_size(kinds); i++) {
		cleanup(io_closep) struct bp_io *io = kinds[i]();
		struct bp_error a = { 0 }, b = { 0 }, none = { 0 };
		char bytes[8];

		CHECK(io_write(io, "abc", 3, 0, &none) == 0);
		CHECK(io_read(io, bytes, 4, 0, &a) == -1);
		SAME_N(a.code, BP_CORRUPT);
		CHECK(io_read(io, bytes, 1, 100, &b) == -1);
	}
}

TEST(resizing_cuts_and_fills_with_zeros)
{
	for (size_t i = 0; i < array_size(kinds); i++) {
		cleanup(io_closep) struct bp_io *io = kinds[i]();
		struct bp_error err = { 0 };
		char bytes[4];

		CHECK(io_write(io, "abcd", 4, 0, &err) == 0);
		CHECK(io_resize(io, 2, &err) == 0);
		CHECK(io_resize(io, 4, &err) == 0);
		CHECK(io_read(io, bytes, 4, 0, &err) == 0);
		SAME_MEM(bytes, "ab\0\0", 4);
	}
}

TEST(zeroed_one_way_or_the_other)
{
	for (size_t i = 0; i < array_size(kinds); i++) {
		cleanup(io_closep) struct bp_io *io = kinds[i]();
		struct bp_error err = { 0 };
		char bytes[6];

		CHECK(io_write(io, "abcdef", 6, 0, &err) == 0);
		CHECK(io_zero(io, 1, 4, &err) == 0);
		CHECK(io_read(io, bytes, 6, 0, &err) == 0);
		SAME_MEM(bytes, "a\0\0\0\0f", 6);
	}
}

TEST(only_an_empty_range_is_reserved_by_writing)
{
	cleanup(io_closep) struct bp_io *io = new_memory();
	struct bp_error err = { 0 }, none = { 0 };
	uint64_t size;

	CHECK(io_reserve(io, 0, 100, &err) == -1);
	SAME_N(err.code, BP_UNSUPPORTED);
	CHECK(io_reserve_empty(io, 0, 100, &none) == 0);
	CHECK(io_size(io, &size, &none) == 0);
	SAME_N(size, 100);
}

TEST(holes_are_found_in_files)
{
	cleanup(io_closep) struct bp_io *io = new_file();
	struct bp_error err = { 0 };
	uint64_t from, to;

	CHECK(io_write(io, "x", 1, 1 << 20, &err) == 0);
	CHECK(io_resize(io, 4 << 20, &err) == 0);
	CHECK(io_next_data(io, 0, &from, &to, &err) == 0);
	CHECK(from <= 1 << 20 && from > 0 && to > 1 << 20 && to < 4 << 20);
	CHECK(io_next_data(io, to, &from, &to, &err) == 0);
	SAME_N(from, 4 << 20);
	SAME_N(to, 4 << 20);
	CHECK(io_next_data(io, 100 << 20, &from, &to, &err) == 0);
	SAME_N(from, 4 << 20);
}

TEST(data_begin_where_they_do_and_end_at_a_step)
{
	cleanup(io_closep) struct bp_io *io = new_file();
	cleanup(io_closep) struct bp_io *memory = io_of_memory(10);
	struct bp_error err = { 0 };
	uint64_t from, to;

	CHECK(io_write(io, "x", 1, 3 << 20, &err) == 0);
	CHECK(io_resize(io, (10 << 20) + 1, &err) == 0);
	CHECK(io_data_near(io, 0, 2 << 20, &from, &to, &err) == 0);
	CHECK(from > 2 << 20 && from <= 3 << 20);
	SAME_N(to, 4 << 20);
	CHECK(io_data_near(io, 4 << 20, 2 << 20, &from, &to, &err) == 0);
	SAME_N(from, (10 << 20) + 1);
	SAME_N(to, (10 << 20) + 1);
	CHECK(io_write(io, "x", 1, 10 << 20, &err) == 0);
	CHECK(io_data_near(io, 5 << 20, 4 << 20, &from, &to, &err) == 0);
	SAME_N(to, (10 << 20) + 1);		/* not past the end */
	CHECK(io_data_near(memory, 3, 4, &from, &to, &err) == 0);
	SAME_N(from, 3);
	SAME_N(to, 10);				/* it is known */
}

TEST(memory_is_all_data)
{
	cleanup(io_closep) struct bp_io *io = io_of_memory(10);
	struct bp_error err = { 0 };
	uint64_t from, to;

	CHECK(io_next_data(io, 3, &from, &to, &err) == 0);
	SAME_N(from, 3);
	SAME_N(to, 10);
}

TEST(zeros_are_known_at_every_length)
{
	char bytes[100] = { 0 };

	for (size_t len = 0; len < sizeof bytes; len++)
		CHECK(is_zero(bytes, len));
	for (size_t at = 0; at < sizeof bytes; at++) {
		bytes[at] = 1;
		CHECK(!is_zero(bytes, sizeof bytes) && is_zero(bytes, at));
		bytes[at] = 0;
	}
}

/* ---- files ---------------------------------------------------------------------- */

TEST(a_file_is_replaced_whole)
{
	auto_close int dir = open(tap_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *text = NULL;
	struct bp_error err = { 0 };
	struct stat st;
	size_t len;

	CHECK(file_replace(dir, "f", "old", 3, 0600, &err) == 0);
	CHECK(file_replace(dir, "f", "newer", 5, 0600, &err) == 0);
	CHECK(file_read(dir, "f", 100, &text, &len, &err) == 0);
	SAME(text, "newer");
	SAME_N(len, 5);
	CHECK(fstatat(dir, "f", &st, 0) == 0);
	SAME_N(st.st_mode & 0777, 0600);
	CHECK(faccessat(dir, "f.new", F_OK, 0) < 0);
}

TEST(a_file_that_cannot_be_replaced_stays)
{
	auto_close int dir = open(tap_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bp_error err = { 0 };

	CHECK(mkdirat(dir, "f", 0700) == 0);	/* rename will not go over it */
	CHECK(file_replace(dir, "f", "x", 1, 0600, &err) == -1);
	CHECK(strstr(err.text, "Failed to write file 'f'"));
	CHECK(faccessat(dir, "f.new", F_OK, 0) < 0);
}

TEST(a_link_in_the_way_is_not_followed)
{
	auto_close int dir = open(tap_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bp_error err = { 0 };

	CHECK(symlinkat("elsewhere", dir, "f.new") == 0);
	CHECK(file_replace(dir, "f", "x", 1, 0600, &err) == -1);
	CHECK(faccessat(dir, "elsewhere", F_OK, 0) < 0);
}

TEST(too_much_is_refused_before_it_is_read)
{
	auto_close int dir = open(tap_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *text = NULL;
	struct bp_error err = { 0 }, endless = { 0 };
	size_t len;

	CHECK(file_replace(dir, "f", "12345", 5, 0600, &err) == 0);
	CHECK(file_read(dir, "f", 4, &text, &len, &err) == -1);
	SAME(err.text, "'f' is larger than 4 bytes");
	CHECK(file_read(AT_FDCWD, "/dev/zero", 1000, &text, &len, &endless) == -1);
	SAME(endless.text, "'/dev/zero' is larger than 1000 bytes");
}

TEST(a_file_without_a_size_is_read_to_its_end)
{
	auto_free char *text = NULL;
	struct bp_error err = { 0 };
	size_t len = 0;

	CHECK(file_read(AT_FDCWD, "/proc/self/status", 1 << 20, &text, &len, &err) == 0);
	CHECK(len > 100 && strlen(text) == len);
}

TEST(removing_nothing_is_success)
{
	auto_close int dir = open(tap_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bp_error err = { 0 };

	CHECK(file_remove(dir, "nothing", &err) == 0);
	CHECK(file_replace(dir, "f", "x", 1, 0600, &err) == 0);
	CHECK(file_remove(dir, "f", &err) == 0);
	CHECK(faccessat(dir, "f", F_OK, 0) < 0);
}

TEST(directories_are_made_with_their_parents)
{
	struct bp_error err = { 0 }, in_the_way = { 0 };
	struct stat st;

	CHECK(dir_make(tap_path("a/b/c"), 0755, &err) == 0);
	CHECK(dir_make(tap_path("a/b/c"), 0755, &err) == 0);
	CHECK(stat(tap_path("a/b/c"), &st) == 0 && S_ISDIR(st.st_mode));
	fclose(fopen(tap_path("file"), "w"));
	CHECK(dir_make(tap_path("file/x"), 0755, &in_the_way) == -1);
	CHECK(strstr(in_the_way.text, "Not a directory"));
}

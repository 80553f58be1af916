/* tap.c - the test harness: it must see what is wrong, and leave nothing behind. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Run f as a test of its own in a child, and give back what it printed. */
static const char *printed_by(void (*f)(void))
{
	static char out[1000];
	size_t len = 0;
	ssize_t got;
	int fd[2];

	if (pipe(fd) < 0)
		return NULL;
	if (fork() == 0) {
		dup2(fd[1], 1);
		f();
		fflush(stdout);
		_exit(0);
	}
	close(fd[1]);
	while ((got = read(fd[0], out + len, sizeof out - 1 - len)) > 0)
		len += (size_t)got;
	close(fd[0]);
	wait(NULL);
	out[len] = 0;
	return out;
}

static void a_false_condition(void) { CHECK(1 > 2); printf("went on\n"); }
static void another_text(void) { SAME("a\nb", "a\nc"); printf("went on\n"); }
static void no_text(void) { SAME(NULL, "c"); printf("went on\n"); }
static void another_number(void) { SAME_N(6 * 7, 43); printf("went on\n"); }
static void another_byte(void) { SAME_MEM("abcd", "abXd", 4); printf("went on\n"); }
static void all_well(void) { CHECK(1); SAME("a", "a"); SAME_N(1, 1); SAME_MEM("a", "a", 1); }

TEST(says_what_is_not_so_and_leaves_the_test)
{
	CHECK(strstr(printed_by(a_false_condition), "not so: 1 > 2\n"));
	CHECK(!strstr(printed_by(a_false_condition), "went on"));
	CHECK(strstr(printed_by(another_text), " got: a\n#       b\n"));
	CHECK(!strstr(printed_by(another_text), "went on"));
	CHECK(strstr(printed_by(no_text), "(nothing)"));
	CHECK(strstr(printed_by(another_number), "6 * 7 is 42, not 43"));
	CHECK(!strstr(printed_by(another_number), "went on"));
	CHECK(strstr(printed_by(another_byte), "byte 2 of 4 is 63, not 58"));
	CHECK(!strstr(printed_by(another_byte), "went on"));
}

TEST(says_nothing_when_all_is_well)
{
	SAME(printed_by(all_well), "");
}

static char before[200];

TEST(gives_a_directory)
{
	struct stat st;

	snprintf(before, sizeof before, "%s", tap_dir());
	SAME(tap_dir(), before);
	CHECK(stat(before, &st) == 0 && S_ISDIR(st.st_mode));
	CHECK(mkdir(tap_path("sub"), 0700) == 0);
	CHECK(close(open(tap_path("sub/file"), O_CREAT | O_WRONLY, 0)) == 0);
	CHECK(chmod(tap_path("sub"), 0) == 0);
}

TEST(takes_the_directory_away_after_the_test)
{
	struct stat st;

	CHECK(before[0] && stat(before, &st) < 0);
}

TEST(counts_open_files)
{
	int n = tap_open_files(), fd = open("/dev/null", O_RDONLY);

	SAME_N(tap_open_files(), n + 1);
	close(fd);
	SAME_N(tap_open_files(), n);
}

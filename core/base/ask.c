/* ask.c - see ask.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"

#define SLICE 60000		/* milliseconds of one poll() */

int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the end, or the time. */
static int read_answer(int fd, int64_t until, struct text *ret)
{
	char some[512];

	for (;;) {
		int64_t left = until - clock_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (left <= 0 || poll(&p, 1, left > SLICE ? SLICE : (int)left) == 0) {
			if (clock_ms() < until)
				continue;
			errno = ETIMEDOUT;
			return -1;
		}
		n = retry(read(fd, some, sizeof some));
		if (n <= 0)
			return n < 0 ? -1 : 0;
		text_add_n(ret, some, (size_t)n);
	}
}

static void be_child(void (*ask)(const void *arg, struct text *answer), const void *arg, int out,
		     pid_t parent) __attribute__((noreturn));
static void be_child(void (*ask)(const void *arg, struct text *answer), const void *arg, int out,
		     pid_t parent)
{
	struct text answer = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	ask(arg, &answer);
	(void)write_all(out, answer.s, answer.len);
	_exit(0);
}

int ask_child(void (*ask)(const void *arg, struct text *answer), const void *arg, int64_t until,
	      struct text *ret)
{
	auto_close int in = -1, out = -1;
	pid_t pid, parent = getpid();
	int ends[2], r, sys;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	in = ends[0];
	out = ends[1];
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0)
		be_child(ask, arg, out, parent);
	closep(&out);
	out = -1;
	r = read_answer(in, until, ret);
	sys = errno;
	if (r < 0)
		(void)kill(pid, SIGKILL);
	(void)retry(waitpid(pid, NULL, 0));
	errno = sys;
	return r;
}

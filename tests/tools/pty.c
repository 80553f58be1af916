/* pty.c - pty COMMAND ANSWER...: run a command on a terminal and type an answer at each question.
 *
 * What the terminal shows goes to standard output.  A
 * question is a last line that ends with ": " or "# ".  When a question is
 * left and no answer, the command is ended with SIGTERM.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"

/* Nothing more comes within this time: whoever asked waits for us. */
enum { QUIET_MS = 300 };

static char shown[65536];
static size_t nshown;

static bool is_question(void)
{
	return nshown >= 2 && shown[nshown - 1] == ' ' && strchr(":#>", shown[nshown - 2]);
}

static void keep(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n && nshown < sizeof shown; i++)
		shown[nshown++] = bytes[i];
}

/* Read until it is quiet: 1, or until the terminal is closed: 0. */
static int read_some(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];

	for (;;) {
		int ready = poll(&p, 1, is_question() ? QUIET_MS : 20000);
		ssize_t n;

		if (ready <= 0)
			return 1;
		n = read(fd, buf, sizeof buf);
		if (n <= 0)
			return 0;
		keep(buf, (size_t)n);
	}
}

static int converse(int fd, char **answers)
{
	char typed[200];

	while (read_some(fd) > 0) {
		if (!*answers)
			return -1;
		/* In one piece, or the terminal may be in another mode for the second. */
		snprintf(typed, sizeof typed, "%s\n", *answers++);
		if (write_all(fd, typed, strlen(typed)) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fd, status;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = forkpty(&fd, NULL, NULL, NULL);
	if (pid < 0) {
		perror("pty");
		return 2;
	}
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", argv[1], (char *)NULL);
		_exit(127);
	}
	if (converse(fd, argv + 2) < 0)
		kill(pid, SIGTERM);
	(void)read_some(fd);
	waitpid(pid, &status, 0);
	(void)write_all(1, shown, nshown);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

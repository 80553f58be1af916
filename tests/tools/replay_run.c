/* replay_run.c - give a case to a shell, and keep what comes out. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"

enum { LIMIT_MS = 60000 };

/* What is read from a pipe cannot be read twice or measured, as at a prompt. */
static int pipe_with(const void *bytes, size_t len)
{
	int fd[2];

	if (len > 60000 || pipe2(fd, O_CLOEXEC) < 0 || write_all(fd[1], bytes, len) < 0)
		die("input of %zu bytes", len);
	close(fd[1]);
	return fd[0];
}

static int memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		die("a file in memory: %s", strerror(errno));
	return fd;
}

static void in_child(const char *command, const struct one_case *c, const int fd[3])
{
	char *eq = c->env ? strchr(c->env, '=') : NULL;

	setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(fd[i], i) < 0)
			_exit(126);
	if (eq) {
		*eq = '\0';
		setenv(c->env, eq + 1, 1);
	}
	if (c->cwd && chdir(c->cwd) < 0) {
		perror(c->cwd);
		_exit(126);
	}
	signal(SIGPIPE, SIG_DFL);
	execlp("bash", "bash", "-c", command, (char *)NULL);	/* as the recordings were made */
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	bool late = pidfd < 0 || poll(&p, 1, LIMIT_MS) != 1;
	int status;

	if (late)
		kill(-pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		die("wait: %s", strerror(errno));
	if (pidfd >= 0)
		close(pidfd);
	if (late)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(const char *command, const struct one_case *c, const int fd[3])
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		in_child(command, c, fd);
	return wait_for(pid);
}

static struct lines read_lines(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *bytes = mem_alloc((size_t)len + 1);
	struct lines l;

	if (pread(fd, bytes, (size_t)len, 0) != len)
		die("reading back: %s", strerror(errno));
	l = lines_of(bytes, (size_t)len);
	free(bytes);
	close(fd);
	return l;
}

int run_quietly(const char *command, const struct one_case *c)
{
	int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd[3] = { null, null, null };

	status = run(command, c, fd);
	close(null);
	return status;
}

struct outcome run_case(const struct one_case *c)
{
	struct outcome o = { 0 };
	int fd[3];

	fd[0] = c->input ? pipe_with(c->input, c->input_len)
			 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd[1] = memory_file("out");
	fd[2] = memory_file("err");
	o.status = run(c->command, c, fd);
	close(fd[0]);
	o.out = read_lines(fd[1]);
	o.err = read_lines(fd[2]);
	return o;
}

/* run.c - see run.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define SAID 1024	/* of what it prints, the end */
#define DIRS "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"

static char *in_list(const char *dirs, const char *program)
{
	while (*dirs) {
		size_t n = strcspn(dirs, ":");
		auto_free char *dir = mem_dup_n(dirs, n);
		auto_free char *path = mem_printf("%s/%s", dir, program);

		if (*dir == '/' && access(path, X_OK) == 0)
			return steal(path);
		dirs += n + (dirs[n] == ':');
	}
	return NULL;
}

char *program_find(const char *program)
{
	const char *path = getenv("PATH");
	char *found = path ? in_list(path, program) : NULL;

	return found ? found : in_list(DIRS, program);
}

/* Reads to the end, so that it can go on printing, and keeps the last bytes. */
static void listen_to(int fd, char said[static SAID])
{
	char more[SAID / 2];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, more, sizeof more)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		if (len + (size_t)n > SAID - 1) {
			size_t drop = len + (size_t)n - (SAID - 1);

			memmove(said, said + drop, len - drop);
			len -= drop;
		}
		memcpy(said + len, more, (size_t)n);
		len += (size_t)n;
	}
	said[len] = '\0';
}

/* The last line that says something; where to read more is none. */
static const char *last_words(char *said)
{
	size_t n = strlen(said);
	char *line;

	for (;;) {
		while (n && (said[n - 1] == '\n' || said[n - 1] == ' '))
			said[--n] = '\0';
		line = strrchr(said, '\n');
		if (!line || !starts_with(line + 1, "Refer to "))
			return line ? line + 1 : said;
		n = (size_t)(line - said);
		said[n] = '\0';
	}
}

static char lang[] = "LC_ALL=C", way[] = "PATH=" DIRS;
static char *const environment[] = { lang, way, NULL };

static int start(const char *path, const char *const argv[], const char *variable, int out,
		 int complaints, pid_t *ret)
{
	char *const with[] = { lang, way, (char *)variable, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	sigemptyset(&none);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, out, 1);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, complaints, 2);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attr, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = posix_spawn(ret, path, &files, &attr, (char *const *)argv, with);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

/* The same; but it is told when who started it dies, by the signal to terminate.  In
 * a child nothing may be called but what the kernel does itself. */
static int start_bound(const char *path, const char *const argv[], int out, int complaints,
		       pid_t *ret)
{
	pid_t parent = getpid(), pid = fork();
	sigset_t none;
	int null;

	if (pid != 0) {
		*ret = pid;
		return pid < 0 ? errno : 0;
	}
	sigemptyset(&none);
	null = open("/dev/null", O_RDONLY);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent && null >= 0 &&
	    dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(complaints, 2) == 2 &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(path, (char *const *)argv, environment);
	_exit(127);
}

static int judge(const char *program, int status, char *said, struct bp_error *err)
{
	if (WIFSIGNALED(status))
		return bp_fail(err, BP_FAILED, "%s died by signal %d", program, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return bp_fail(err, BP_FAILED, "%s ended with status %d: %s", program,
			       WEXITSTATUS(status), last_words(said));
	return 0;
}

int run_program(const char *const argv[], struct bp_error *err)
{
	return run_program_with(argv, NULL, err);
}

int run_program_with(const char *const argv[], const char *variable, struct bp_error *err)
{
	auto_free char *path = program_find(argv[0]);
	auto_close int from = -1, to = -1;
	char said[SAID] = "";
	int pipe_ends[2], status, r;
	pid_t pid;

	if (!path)
		return bp_fail(err, BP_UNSUPPORTED, "there is no program '%s' here", argv[0]);
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return bp_fail_sys(err, errno, "cannot run '%s'", path);
	from = pipe_ends[0];
	to = pipe_ends[1];
	r = start(path, argv, variable, to, to, &pid);
	if (r != 0)
		return bp_fail_sys(err, r, "cannot run '%s'", path);
	close(steal_fd(to));
	listen_to(from, said);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return bp_fail_sys(err, errno, "cannot wait for '%s'", path);
	return judge(argv[0], status, said, err);
}

/* ---- a program whose words matter ------------------------------------------------- */

#define COMPLAINTS 16384	/* bytes of them, at the most */

/* One of the two ends that are read; closed at its end. */
static int read_more(int *fd, struct text *t, size_t max, bool cut, const char *program,
		     struct bp_error *err)
{
	char more[16384];
	ssize_t n = read(*fd, more, sizeof more);

	if (n < 0)
		return errno == EINTR ? 0 :
		       bp_fail_sys(err, errno, "cannot read from '%s'", program);
	if (n == 0)
		close(steal_fd(*fd));
	else if (t->len + (size_t)n <= max)
		text_add_n(t, more, (size_t)n);
	else if (!cut)
		return bp_fail(err, BP_CORRUPT, "'%s' prints more than %zu bytes", program, max);
	return 0;
}

/* Both at once: a program that waits for one to be read would not go on with the other. */
static int read_both(int *from, int *complaints, size_t max, struct text *out, struct text *said,
		     const char *program, struct bp_error *err)
{
	while (*from >= 0 || *complaints >= 0) {
		struct pollfd fds[] = { { *from, POLLIN, 0 }, { *complaints, POLLIN, 0 } };

		if (poll(fds, array_size(fds), -1) < 0 && errno != EINTR)
			return bp_fail_sys(err, errno, "cannot wait for '%s'", program);
		if (fds[0].revents && read_more(from, out, max, false, program, err) < 0)
			return -1;
		if (fds[1].revents &&
		    read_more(complaints, said, COMPLAINTS, true, program, err) < 0)
			return -1;
	}
	return 0;
}

int run_program_text(const char *const argv[], size_t max, struct text *out, struct text *said,
		     int *ret_status, struct bp_error *err)
{
	auto_free char *path = program_find(argv[0]);
	auto_close int from = -1, to = -1, complaints = -1, complain = -1;
	int ends[2], more[2], status, r;
	pid_t pid;

	if (!path)
		return bp_fail(err, BP_UNSUPPORTED, "there is no program '%s' here", argv[0]);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return bp_fail_sys(err, errno, "cannot run '%s'", path);
	from = ends[0];
	to = ends[1];
	if (pipe2(more, O_CLOEXEC) < 0)
		return bp_fail_sys(err, errno, "cannot run '%s'", path);
	complaints = more[0];
	complain = more[1];
	r = start_bound(path, argv, to, complain, &pid);
	if (r != 0)
		return bp_fail_sys(err, r, "cannot run '%s'", path);
	close(steal_fd(to));
	close(steal_fd(complain));
	r = read_both(&from, &complaints, max, out, said, argv[0], err);
	closep(&from);			/* it need not wait for us any more */
	from = -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return r < 0 ? -1 :
			       bp_fail_sys(err, errno, "cannot wait for '%s'", path);
	if (r == 0 && WIFSIGNALED(status))
		return bp_fail(err, BP_FAILED, "%s died by signal %d", argv[0], WTERMSIG(status));
	*ret_status = WEXITSTATUS(status);
	return r;
}

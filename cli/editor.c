/* editor.c - see editor.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/words.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

int editor_file(const char *prefix, const char *text, char **ret_file, struct bp_error *err)
{
	const char *dir = getenv("TMPDIR");
	auto_free char *name = mem_printf("%s/%sXXXXXX.xml", dir && *dir ? dir : "/tmp", prefix);
	auto_close int fd = mkostemps(name, 4, O_CLOEXEC);
	int sys;

	if (fd < 0)
		return bp_fail_sys(err, errno, "cannot create a temporary file '%s'", name);
	if (write_all(fd, text, strlen(text)) < 0) {
		sys = errno;
		(void)unlink(name);
		return bp_fail_sys(err, sys, "%s: failed to write temporary file", name);
	}
	*ret_file = steal(name);
	return 0;
}

/* argv of a process, and the text of it for messages. */
struct process {
	char **argv;
	size_t n;
	char *text;
};

static void process_done(struct process *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->argv[i]);
	free(p->argv);
	free(p->text);
}

static void add_arg(struct process *p, const char *arg)
{
	*array_add(p->argv, p->n) = mem_dup(arg);
}

static void editor_process(const char *file, struct process *ret)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-./_+,:=@% ";
	const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
	const char *command = visual && *visual ? visual : editor && *editor ? editor : "vi";
	auto_free char *word = shell_word(file), *line = NULL;

	if (!command[strspn(command, plain)]) {
		while (*(command += strspn(command, " "))) {
			size_t len = strcspn(command, " ");

			*array_add(ret->argv, ret->n) = mem_dup_n(command, len);
			command += len;
		}
		add_arg(ret, file);
		ret->text = mem_printf("%s %s", ret->argv[0], file);
	} else {
		line = mem_printf("%s %s", command, word);
		add_arg(ret, "sh");
		add_arg(ret, "-c");
		add_arg(ret, line);
		ret->text = mem_printf("sh -c '%s'", line);
	}
	*array_add(ret->argv, ret->n) = NULL;
}

static void on_child(int signal_number)
{
	(void)signal_number;	/* waking up is all */
}

/* What is meant for us ends the editor first.  Signals come only while we wait
 * for them, so none can slip in between looking and waiting. */
static int wait_for(pid_t pid, const sigset_t *usual)
{
	int status;
	pid_t r;

	while ((r = waitpid(pid, &status, WNOHANG)) == 0) {
		if (interrupt_seen())
			(void)kill(pid, interrupt_seen());
		sigsuspend(usual);
	}
	return r < 0 ? -1 : status;
}

/* What is meant for the editor does not concern us. */
static int start(const struct process *p, const sigset_t *usual, pid_t *ret)
{
	posix_spawnattr_t attr;
	sigset_t defaults;
	int sys;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setsigmask(&attr, usual);
	sys = posix_spawnp(ret, p->argv[0], NULL, &attr, p->argv, environ);
	posix_spawnattr_destroy(&attr);
	return sys;
}

static int spawn(const struct process *p, int *ret_status, struct bp_error *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, was_int, was_quit, was_child;
	struct sigaction wake = { .sa_handler = on_child };
	sigset_t held, usual;
	pid_t pid;
	int sys;

	sigemptyset(&held);
	sigaddset(&held, SIGCHLD);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_BLOCK, &held, &usual);
	sigaction(SIGINT, &ignore, &was_int);
	sigaction(SIGQUIT, &ignore, &was_quit);
	sigaction(SIGCHLD, &wake, &was_child);
	sys = start(p, &usual, &pid);
	if (sys == 0)
		*ret_status = wait_for(pid, &usual);
	sigaction(SIGCHLD, &was_child, NULL);
	sigaction(SIGQUIT, &was_quit, NULL);
	sigaction(SIGINT, &was_int, NULL);
	sigprocmask(SIG_SETMASK, &usual, NULL);
	if (sys)
		return bp_fail_sys(err, sys, "cannot execute binary %s", p->argv[0]);
	return 0;
}

int editor_run(const char *file, struct bp_error *err)
{
	cleanup(process_done) struct process p = { 0 };
	int status;

	editor_process(file, &p);
	if (spawn(&p, &status, err) < 0)
		return -1;
	if (WIFSIGNALED(status))
		return bp_fail(err, BP_INTERNAL, "Child process (%s) unexpected fatal signal %d",
			       p.text, WTERMSIG(status));
	if (WEXITSTATUS(status))
		return bp_fail(err, BP_INTERNAL, "Child process (%s) unexpected exit status %d",
			       p.text, WEXITSTATUS(status));
	return 0;
}

char ask_letter(const char *question, const char *letters)
{
	struct termios usual, raw;
	char c = '\0';
	ssize_t n;

	if (tcgetattr(STDIN_FILENO, &usual) < 0)
		return '\0';
	raw = usual;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	do {
		printf("%s", question);
		fflush(stdout);
		do
			n = read(STDIN_FILENO, &c, 1);
		while (n < 0 && errno == EINTR && !interrupt_seen());
	} while (n == 1 && (!c || !strchr(letters, c)));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &usual);
	return n == 1 ? c : '\0';
}

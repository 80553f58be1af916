/* timing.c - run commands in turn, several times, and print the medians of their times and memory.
 *
 *	timing [-n RUNS] [-p PREPARE]... -- COMMAND ARG... [-- COMMAND ARG...]...
 *
 * The first PREPARE is given to a shell before each run of the first command,
 * the second before each of the second, and so on; it is not timed.  A line a
 * command comes out: milliseconds from fork to exit, and the most memory it
 * had, in KiB.  Commands take turns, so that a slow moment hits all of them.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 8, MAX_RUNS = 99 };

struct command {
	char **argv;
	const char *prepare;
	double ms[MAX_RUNS];
	long kib[MAX_RUNS];
};

static struct command commands[MAX_COMMANDS];
static int ncommands, nprepares, runs = 7;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "timing: %s: %s\n", what, why);
	exit(1);
}

static int spawn(char **argv, struct rusage *ret)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		fail("fork", strerror(errno));
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (wait4(pid, &status, 0, ret) < 0)
		fail("wait", strerror(errno));
	return status;
}

static void prepare(const char *script)
{
	char sh[] = "sh", c[] = "-c", *argv[] = { sh, c, NULL, NULL };
	struct rusage unused;
	char *copy;

	if (!script || !*script)
		return;
	copy = strdup(script);
	argv[2] = copy;
	if (spawn(argv, &unused) != 0)
		fail(script, "failed");
	free(copy);
}

static void run_once(struct command *c, int i)
{
	struct rusage use;
	double start;

	prepare(c->prepare);
	start = now_ms();
	if (spawn(c->argv, &use) != 0)
		fail(c->argv[0], "failed");
	c->ms[i] = now_ms() - start;
	c->kib[i] = use.ru_maxrss;
}

static int by_ms(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int by_kib(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static void parse(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+n:p:")) != -1) {
		if (opt == 'n')
			runs = (int)strtol(optarg, NULL, 10);
		else if (opt == 'p' && nprepares < MAX_COMMANDS)
			commands[nprepares++].prepare = optarg;
		else
			exit(2);
	}
	if (runs < 1 || runs > MAX_RUNS)
		fail("runs", "from 1 to 99");
	for (int i = optind; i < argc && ncommands < MAX_COMMANDS; i++) {
		commands[ncommands++].argv = argv + i;
		while (i < argc && strcmp(argv[i], "--") != 0)
			i++;
		argv[i] = NULL;
	}
	if (!ncommands)
		fail("usage", "timing [-n RUNS] [-p PREPARE]... -- COMMAND... [-- COMMAND...]...");
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	/* Once without a clock: what is cached is cached for all. */
	for (int k = 0; k < ncommands; k++)
		run_once(&commands[k], 0);
	for (int i = 0; i < runs; i++)
		for (int k = 0; k < ncommands; k++)
			run_once(&commands[k], i);
	for (int k = 0; k < ncommands; k++) {
		struct command *c = &commands[k];

		qsort(c->ms, (size_t)runs, sizeof *c->ms, by_ms);
		qsort(c->kib, (size_t)runs, sizeof *c->kib, by_kib);
		printf("%.3f %ld\n", c->ms[runs / 2], c->kib[runs / 2]);
	}
	return 0;
}

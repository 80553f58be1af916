/* replay.c - replay [--peer] [--only ID]... DIFFERENCES TRANSCRIPT...: TAP, a line a case. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { MAX_DIFFERENCES = 20 };

static bool peer;			/* the real thing: prove that we can repeat it */
static int ntests, nfailed;

/* The recording started and stopped a daemon; so do we for the real peer.  For
 * ours there is none; what a daemon does at its start, a service does at boot. */
static const char *daemon_command(const char *setup)
{
	if (starts_with(setup, "kill -15 <libvirtd>"))
		return peer ? "peer-daemon stop" : "";
	if (starts_with(setup, "kill -9 <libvirtd>"))
		return peer ? "peer-daemon kill" : "";
	if (starts_with(setup, "libvirtd "))
		return peer ? "peer-daemon start" : "barepool autostart";
	if (starts_with(setup, "(libvirtd started with "))
		return "";
	return setup;
}

static void write_lines(const char *path, const struct outcome *o)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die("%s: %s", path, strerror(errno));
	fprintf(f, "exit: %d\n--- stdout\n", o->status);
	for (size_t i = 0; i < o->out.n; i++)
		fprintf(f, "%s\n", o->out.at[i]);
	fputs("--- stderr\n", f);
	for (size_t i = 0; i < o->err.n; i++)
		fprintf(f, "%s\n", o->err.at[i]);
	fclose(f);
}

static void show(const struct one_case *c, const struct outcome *want, const struct outcome *got)
{
	char line[4000];
	FILE *diff;

	printf("# command: %s\n", c->command);
	fflush(stdout);
	write_lines("want", want);
	write_lines("got", got);
	diff = popen("diff -a -U 2 -L want -L got want got", "r");
	while (diff && fgets(line, sizeof line, diff))
		printf("# %s%s", line, strchr(line, '\n') ? "" : "\n");
	if (diff)
		pclose(diff);
}

/* Compare with the differences of the list; without: one of them left out, or
 * NULL.  With tell, learn from what came out, and show it where it is wrong. */
static bool alike(const struct one_case *c, const struct outcome *got, struct difference **d,
		  size_t n, const struct difference *without, bool tell)
{
	struct outcome want = outcome_copy(&c->recorded), ours = outcome_copy(got);
	bool same;

	mask(c->command, &want);
	mask(c->command, &ours);
	for (size_t i = 0; i < n; i++)
		if (d[i] != without)
			difference_apply(d[i], &want, &ours);
	if (tell)
		learn_uuids(&want, &ours);
	rename_uuids(&want, &ours);
	same = outcome_same(&want, &ours);
	if (!same && tell)
		show(c, &want, &ours);
	outcome_done(&want);
	outcome_done(&ours);
	return same;
}

/* Every difference listed for a case must be one, or the list rots. */
static const char *unneeded(const struct one_case *c, const struct outcome *got,
			    struct difference **d, size_t n)
{
	const char *why = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!alike(c, got, d, n, d[i], false))
			difference_was_needed(d[i]);
		else if (!difference_is_pattern(d[i]))
			why = difference_reason(d[i]);
	}
	return why;
}

static void report(bool good, const char *name, const char *note)
{
	nfailed += !good;
	printf("%sok %d - %s%s\n", good ? "" : "not ", ++ntests, name, note);
}

static void setup(const struct one_case *c)
{
	for (size_t i = 0; i < c->nsetup; i++) {
		const char *command = daemon_command(c->setup[i]);

		if (*command)
			(void)run_quietly(command, c);
	}
}

static void play(const struct one_case *c)
{
	struct difference *d[MAX_DIFFERENCES];
	size_t n = differences_of(c, d, MAX_DIFFERENCES);
	struct outcome got;
	const char *rotten;
	char note[600] = "";

	for (size_t i = 0; i < n; i++)
		if (difference_skips(d[i])) {
			setup(c);
			snprintf(note, sizeof note, " # SKIP %s", difference_reason(d[i]));
			report(true, c->name, note);
			return;
		}
	setup(c);
	got = run_case(c);
	if (!alike(c, &got, d, n, NULL, true)) {
		for (size_t i = 0; i < n; i++)
			difference_was_needed(d[i]);	/* as far as we know */
		report(false, c->name, "");
	} else if ((rotten = unneeded(c, &got, d, n))) {
		printf("# listed as different, but it is not: %s\n", rotten);
		report(false, c->name, "");
	} else {
		report(true, c->name, "");
	}
	outcome_done(&got);
}

static bool chosen(const struct one_case *c, char **only, int nonly)
{
	for (int i = 0; i < nonly; i++)
		if (strcmp(c->id, only[i]) == 0)
			return true;
	return nonly == 0;
}

/* Cases depend on those before them: all are run, the chosen are reported. */
static void play_group(const char *file, char **only, int nonly)
{
	size_t n;
	struct one_case *cases = cases_read(file, &n);

	forget_uuids();
	if (run_quietly("sandbox-reset", &cases[0]) != 0)
		die("the sandbox cannot be emptied");
	for (size_t i = 0; i < n; i++) {
		if (chosen(&cases[i], only, nonly)) {
			play(&cases[i]);
		} else {
			struct outcome o;

			setup(&cases[i]);
			o = run_case(&cases[i]);
			outcome_done(&o);
		}
	}
	cases_free(cases, n);
}

static void report_stale(void)
{
	const char *stale;
	size_t at = 0;
	bool good = true;

	while ((stale = difference_stale(&at))) {
		printf("# no longer needed: %s\n", stale);
		good = false;
	}
	report(good, "every difference listed is one", "");
}

int main(int argc, char **argv)
{
	char *only[100];
	int nonly = 0, i = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (i < argc && strcmp(argv[i], "--peer") == 0) {
		peer = true;
		i++;
	}
	for (; i + 1 < argc && strcmp(argv[i], "--only") == 0 && nonly < 100; i += 2)
		only[nonly++] = argv[i + 1];
	if (i + 1 >= argc)
		die("usage: replay [--peer] [--only ID]... DIFFERENCES TRANSCRIPT...");
	differences_read(argv[i++], peer);
	for (; i < argc; i++)
		play_group(argv[i], only, nonly);
	if (!nonly && !peer)
		report_stale();
	differences_free();
	forget_uuids();
	printf("1..%d\n", ntests);
	return nfailed != 0;
}

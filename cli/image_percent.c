/* image_percent.c - how far it is, in percent; see image_read.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdio.h>

#include "cli/image_read.h"

/* A handler has no other way to say anything. */
static volatile sig_atomic_t asked;

static void note(int signal_number)
{
	asked = signal_number;
}

static void show(struct image_percent *p, double percent)
{
	printf("    (%3.2f/100%%)\r", percent);
	fflush(stdout);
	p->told = percent;
}

static bool report(void *arg, uint64_t done, uint64_t total)
{
	struct image_percent *p = arg;
	double percent = total ? 100.0 * (double)done / (double)total : 0;

	if (asked) {
		asked = 0;
		fprintf(stderr, "    (%3.2f/100%%)\n", percent);
	}
	if (p->shown &&
	    (percent - p->told >= 1 || (total && done == total && p->told < 100)))
		show(p, percent);
	return false;
}

const struct bp_progress *image_percent(struct image_percent *p, bool wanted)
{
	struct sigaction catch = { .sa_handler = note, .sa_flags = SA_RESTART };

	asked = 0;
	sigaction(SIGUSR1, &catch, &p->before);
	p->hook = (struct bp_progress){ .report = report, .arg = p };
	p->shown = wanted;
	if (wanted)
		show(p, 0);
	return &p->hook;
}

void image_percent_end(struct image_percent *p, bool done)
{
	if (p->shown && done && (p->told < 100 || p->twice))
		show(p, 100);
	if (p->shown)
		putchar('\n');
	if (p->hook.report)
		sigaction(SIGUSR1, &p->before, NULL);
}

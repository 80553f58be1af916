/* interrupt.c - signals that ask us to end; see progress.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>

#include "cli/progress.h"
#include "core/base/mem.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

/* A handler has no other way to say anything. */
static volatile sig_atomic_t seen;

static struct sigaction before[array_size(signals)];

static void note(int signal_number)
{
	seen = signal_number;
}

void interrupt_catch(bool ignored_too)
{
	struct sigaction catch = { .sa_handler = note, .sa_flags = (int)SA_RESETHAND };

	seen = 0;
	for (size_t i = 0; i < array_size(signals); i++) {
		sigaction(signals[i], NULL, &before[i]);
		if (ignored_too || before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &catch, NULL);
	}
}

int interrupt_seen(void)
{
	return seen;
}

void interrupt_release(void)
{
	for (size_t i = 0; i < array_size(signals); i++)
		sigaction(signals[i], &before[i], NULL);
}

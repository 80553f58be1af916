/* progress.h - long work, seen and stopped.
 *
 *	cleanup(progress_end) struct progress p = { .cli = cli };
 *
 *	bp_vol_wipe(cli->store, pool, vol, algorithm, 0, progress_begin(&p), err);
 *
 * Work that lasts over a second is told on a terminal's standard error, in one
 * line that is gone when the work is done.  Ctrl-C, and the other signals that
 * ask a program to end, stop the work where it may be stopped; the work is
 * undone, and the program then ends as that signal ends programs.  Whoever
 * asks a second time is not made to wait.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_PROGRESS_H
#define BP_CLI_PROGRESS_H

#include <time.h>

#include "cli/command.h"

struct progress {
	struct cli *cli;
	struct bp_progress hook;
	struct timespec began, told;
	bool visible;		/* somebody could see it */
	bool on_screen;		/* there is a line to be cleared */
	bool moved;		/* bytes have gone through */
};

const struct bp_progress *progress_begin(struct progress *p);
void progress_end(struct progress *p);

/* Catch the signals that ask us to end, also those that were to be ignored if
 * so wanted; which one has come, or 0; and let them be as they were. */
void interrupt_catch(bool ignored_too);
int interrupt_seen(void);
void interrupt_release(void);

#endif

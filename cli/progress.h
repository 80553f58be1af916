/* progress.h - long work, seen, slowed down and stopped.
 *
 *	cleanup(progress_end) struct progress p = { .cli = cli };
 *
 *	if (progress_wanted(&p, &a->wish) < 0)
 *		return -1;
 *	bp_vol_wipe(cli->store, pool, vol, algorithm, 0, progress_begin(&p), err);
 *
 * Work that lasts over a second is told on a terminal's standard error, in one
 * line that is gone when the work is done.  Ctrl-C, and the other signals that
 * ask a program to end, stop the work where it may be stopped, also while it
 * waits; the work is undone, and the program then ends as that signal ends
 * programs.  Whoever asks a second time is not made to wait.
 *
 * A command that moves bytes has a struct progress_wish among its own, and the
 * rows for it; one that can verify what it wrote has a bool verify.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_PROGRESS_H
#define BP_CLI_PROGRESS_H

#include "cli/command.h"

struct progress_wish {
	const char *how;		/* "none", "terminal", "json"; NULL: as it fits */
	struct cli_size rate;		/* bytes written in a second, at the most */
};

#define PROGRESS_ROWS							\
	{ "progress", OPT_STRING, ROW_NAMED | ROW_OURS, AT(wish.how),	\
	  "how to tell how far it is: none, terminal or json", COMPLETE_PROGRESS }, \
	{ "limit-rate", OPT_SIZE, ROW_NAMED | ROW_OURS, AT(wish.rate),	\
	  "bytes to write in a second at the most, as scaled integer (default bytes)", \
	  COMPLETE_NOTHING }

#define VERIFY_ROW							\
	{ "verify", OPT_FLAG, ROW_OURS, AT(verify),			\
	  "read back what was written, and compare it", COMPLETE_NOTHING }

/* The words for --progress; ends with NULL. */
extern const char *const progress_words[];

/* Where seconds come from.  pause() may end early. */
struct progress_clock {
	double (*now)(void);
	void (*pause)(double seconds);
};

struct progress {
	struct cli *cli;
	const struct progress_clock *clock;	/* NULL: the real one */
	struct bp_progress hook;
	int how;		/* index of progress_words, + 1; 0: not said */
	uint64_t rate;		/* 0: no limit */
	double began, told, free_at;	/* when the bytes so far were due */
	uint64_t done, total;
	bool on_screen;		/* there is a line to be cleared */
	bool untold;		/* the last is still to be told */
	bool moved;		/* bytes have gone through */
};

/* Take over what was asked for; -1 when it makes no sense. */
int progress_wanted(struct progress *p, const struct progress_wish *wish);

const struct bp_progress *progress_begin(struct progress *p);
void progress_end(struct progress *p);

/* Catch the signals that ask us to end, also those that were to be ignored if
 * so wanted; which one has come, or 0; and let them be as they were. */
void interrupt_catch(bool ignored_too);
int interrupt_seen(void);
void interrupt_release(void);

#endif

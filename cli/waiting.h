/* waiting.h - events as they come: until it is enough, time is up, or somebody interrupts. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_WAITING_H
#define BP_CLI_WAITING_H

#include "cli/command.h"

enum waiting_end { WAITING_ENOUGH, WAITING_TIMEOUT, WAITING_INTERRUPTED };

/* take() is given each event, and says whether it wants more.  Without a timeout
 * there is none. */
int wait_for_events(struct bp_events *events, const struct cli_number *timeout,
		    bool (*take)(void *arg, const struct bp_event *ev), void *arg,
		    enum waiting_end *ret, struct bp_error *err);

/* A timeout of zero seconds, or of more than can be waited for, makes no sense. */
int check_timeout(struct cli *cli, const struct cli_number *timeout);

/* "2026-11-21 02:15:40.799+0000" */
#define NOW_TEXT 64
const char *now_text(char buf[static NOW_TEXT]);

/* One lower-case word for what happened. */
const char *event_word(enum bp_event_kind kind);

#endif

/* watch_told.h - what is to be told, in order; zeroed it is empty. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_WATCH_TOLD_H
#define BP_WATCH_TOLD_H

#include <stdbool.h>

#include "core/barepool.h"

struct told {
	struct bp_event *events;
	size_t n, next;
};

/* pool and vol are copied; either may be NULL. */
void told_add(struct told *t, enum bp_event_kind kind, const char *pool, const char *vol);

/* False: no more.  The strings live until then. */
bool told_next(struct told *t, struct bp_event *ret);
void told_done(struct told *t);

#endif

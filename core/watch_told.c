/* watch_told.c - see watch_told.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/watch_told.h"

#include <stdlib.h>

#include "core/base/mem.h"

void told_add(struct told *t, enum bp_event_kind kind, const char *pool, const char *vol)
{
	*array_add(t->events, t->n) = (struct bp_event){ kind, mem_dup(pool), mem_dup(vol) };
}

void told_done(struct told *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free((char *)t->events[i].pool);
		free((char *)t->events[i].vol);
	}
	free(t->events);
	*t = (struct told){ 0 };
}

bool told_next(struct told *t, struct bp_event *ret)
{
	if (t->next == t->n) {
		told_done(t);
		return false;
	}
	*ret = t->events[t->next++];
	return true;
}

/* watch_names.h - a set of names, each of which it owns; empty it is NULL. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_WATCH_NAMES_H
#define BP_WATCH_NAMES_H

#include <stdbool.h>

void names_add(void **names, char *name);	/* one that is not in it */
bool names_has(void *const *names, const char *name);

/* Out of it, for the caller to free; NULL if it is not in it, or nothing is. */
char *names_take(void **names, const char *name);
char *names_take_any(void **names);

#endif

/* watch_names.c - see watch_names.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/watch_names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

void names_add(void **names, char *name)
{
	if (!tsearch(name, names, compare))
		abort();	/* as everywhere when memory is gone */
}

bool names_has(void *const *names, const char *name)
{
	return tfind(name, names, compare);
}

char *names_take(void **names, const char *name)
{
	void *found = tfind(name, names, compare);
	char *taken = found ? *(char **)found : NULL;

	if (taken)
		tdelete(name, names, compare);
	return taken;
}

/* The root's key is what its pointer points at. */
char *names_take_any(void **names)
{
	return *names ? names_take(names, **(char ***)names) : NULL;
}

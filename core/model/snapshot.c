/* snapshot.c - see snapshot.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/model/snapshot.h"

#include <stdlib.h>
#include <string.h>

static int by_age(const void *a, const void *b)
{
	const struct bp_snapshot *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcmp(x->name, y->name);
}

void bp_snapshots_sort(struct bp_snapshot *snaps, size_t n)
{
	if (n)
		qsort(snaps, n, sizeof *snaps, by_age);
}

void bp_snapshots_free(struct bp_snapshot *snaps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(snaps[i].name);
		free(snaps[i].id);
	}
	free(snaps);
}

/* watch_coming.c - see watch_coming.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/watch_coming.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void coming_add(struct coming *c, const char *name, uint64_t inode)
{
	*array_add(c->files, c->n) = (struct coming_file){ mem_dup(name), inode };
}

void coming_forget(struct coming *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->files[i].name, name) == 0) {
			free(c->files[i].name);
			c->files[i] = c->files[--c->n];
			return;
		}
}

const char *coming_find(const struct coming *c, uint64_t inode)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->files[i].inode == inode)
			return c->files[i].name;
	return NULL;
}

void coming_done(struct coming *c)
{
	while (c->n)
		free(c->files[--c->n].name);
	free(c->files);
	*c = (struct coming){ 0 };
}

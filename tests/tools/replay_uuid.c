/* replay_uuid.c - which UUID of the recording is which of ours. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/replay.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { LEN = 36 };

struct pair {
	char theirs[LEN + 1], ours[LEN + 1];
};

static struct pair *pairs;
static size_t npairs;

static bool is_uuid(const char *s)
{
	for (int i = 0; i < LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

static bool known(const char *theirs, const char *ours)
{
	for (size_t i = 0; i < npairs; i++)
		if (memcmp(pairs[i].theirs, theirs, LEN) == 0 ||
		    memcmp(pairs[i].ours, ours, LEN) == 0)
			return true;
	return false;
}

static void learn_line(const char *theirs, const char *ours)
{
	while (*theirs && *ours) {
		if (is_uuid(theirs) && is_uuid(ours)) {
			if (!known(theirs, ours)) {
				struct pair *p = array_add(pairs, npairs);

				memcpy(p->theirs, theirs, LEN);
				memcpy(p->ours, ours, LEN);
			}
			theirs += LEN;
			ours += LEN;
		} else if (*theirs++ != *ours++) {
			return;
		}
	}
}

static void rename_one(char *s)
{
	bool taken = false;

	for (size_t i = 0; i < npairs; i++) {
		if (memcmp(pairs[i].theirs, s, LEN) == 0) {
			memcpy(s, pairs[i].ours, LEN);
			return;
		}
		taken = taken || memcmp(pairs[i].ours, s, LEN) == 0;
	}
	if (taken)			/* two of theirs are not one of ours */
		*s = '?';
}

static void rename_in_line(char *s)
{
	for (; *s; s++) {
		if (!is_uuid(s))
			continue;
		rename_one(s);
		s += LEN - 1;
	}
}

static void learn_lines(const struct lines *theirs, const struct lines *ours)
{
	for (size_t i = 0; i < theirs->n && i < ours->n; i++)
		learn_line(theirs->at[i], ours->at[i]);
}

void learn_uuids(const struct outcome *recorded, const struct outcome *ours)
{
	learn_lines(&recorded->out, &ours->out);
	learn_lines(&recorded->err, &ours->err);
}

static void rename_in(struct lines *theirs, const struct lines *ours)
{
	for (size_t i = 0; i < theirs->n; i++)
		if (i >= ours->n || strcmp(theirs->at[i], ours->at[i]) != 0)
			rename_in_line(theirs->at[i]);
}

void rename_uuids(struct outcome *recorded, const struct outcome *ours)
{
	rename_in(&recorded->out, &ours->out);
	rename_in(&recorded->err, &ours->err);
}

void forget_uuids(void)
{
	free(pairs);
	pairs = NULL;
	npairs = 0;
}

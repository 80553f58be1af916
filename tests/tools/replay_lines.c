/* replay_lines.c - output as lines that can be changed and compared. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/replay.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

struct lines lines_of(const char *bytes, size_t len)
{
	struct lines l = { 0 };
	const char *end = bytes + len;

	while (l.n < MAX_LINE_COUNT) {
		const char *nl = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = nl ? nl : end;

		*array_add(l.at, l.n) = mem_dup_n(bytes, (size_t)(stop - bytes));
		if (!nl)
			break;
		bytes = nl + 1;
	}
	return l;
}

struct lines lines_copy(const struct lines *l)
{
	struct lines copy = { 0 };

	for (size_t i = 0; i < l->n; i++)
		*array_add(copy.at, copy.n) = mem_dup(l->at[i]);
	return copy;
}

bool lines_same(const struct lines *a, const struct lines *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return true;
}

void lines_drop(struct lines *l, size_t i)
{
	free(l->at[i]);
	memmove(l->at + i, l->at + i + 1, (l->n - i - 1) * sizeof *l->at);
	l->n--;
}

void lines_insert(struct lines *l, size_t i, const char *line)
{
	*array_add(l->at, l->n) = NULL;
	memmove(l->at + i + 1, l->at + i, (l->n - i - 1) * sizeof *l->at);
	l->at[i] = mem_dup(line);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void lines_sort(struct lines *l, size_t from, size_t to)
{
	qsort(l->at + from, to - from, sizeof *l->at, by_text);
}

void lines_done(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
	*l = (struct lines){ 0 };
}

struct outcome outcome_copy(const struct outcome *o)
{
	return (struct outcome){
		.status = o->status,
		.out = lines_copy(&o->out),
		.err = lines_copy(&o->err),
	};
}

bool outcome_same(const struct outcome *a, const struct outcome *b)
{
	return a->status == b->status && lines_same(&a->out, &b->out) &&
	       lines_same(&a->err, &b->err);
}

void outcome_done(struct outcome *o)
{
	lines_done(&o->out);
	lines_done(&o->err);
}

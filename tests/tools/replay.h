/* replay.h - play recorded cases again and compare what happens.
 *
 * A transcript file is a group of cases in the order they ran; a case is what
 * a shell was given and what came out.  Both sides pass the masks, which blank
 * what no two runs can share, and then the differences, which say where ours
 * is meant to differ; after that they must be equal, line by line.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_REPLAY_H
#define BP_TESTS_REPLAY_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define MAX_LINE_COUNT 100000

/* "a\nb\n" is "a", "b", "": what is missing at the end shows. */
struct lines {
	char **at;
	size_t n;
};

struct lines lines_of(const char *bytes, size_t len);
struct lines lines_copy(const struct lines *l);
bool lines_same(const struct lines *a, const struct lines *b);
void lines_drop(struct lines *l, size_t i);
void lines_insert(struct lines *l, size_t i, const char *line);
void lines_sort(struct lines *l, size_t from, size_t to);
void lines_done(struct lines *l);

struct outcome {
	int status;			/* 128 + N for a signal, -1 for a time-out */
	struct lines out, err;
};

struct outcome outcome_copy(const struct outcome *o);
bool outcome_same(const struct outcome *a, const struct outcome *b);
void outcome_done(struct outcome *o);

struct one_case {
	char *name;			/* GROUP/NNN-SLUG */
	char id[16];			/* "03/014" */
	char **setup;
	size_t nsetup;
	char *command, *cwd, *env;
	char *input;			/* NULL: none */
	size_t input_len;
	struct outcome recorded;
};

/* replay_read.c */
struct one_case *cases_read(const char *file, size_t *ret_n);
void cases_free(struct one_case *cases, size_t n);

/* replay_run.c */
int run_quietly(const char *command, const struct one_case *c);
struct outcome run_case(const struct one_case *c);

/* replay_mask.c */
void mask(const char *command, struct outcome *o);
/* Two runs make different UUIDs.  Learn which of the recorded ones is which of
 * ours from lines that are alike but for them, and write ours for theirs. */
void learn_uuids(const struct outcome *recorded, const struct outcome *ours);
void rename_uuids(struct outcome *recorded, const struct outcome *ours);
void forget_uuids(void);
/* The first match in s replaced, or all, with \1 to \9; NULL if there is none. */
char *regex_replace(const regex_t *re, const char *s, const char *with, bool all);
bool regex_found(const regex_t *re, const char *s);
void regex_make(regex_t *re, const char *pattern);

/* replay_differences.c: the list, see tests/peer/differences. */
struct difference;
void differences_read(const char *file, bool peer);
void differences_free(void);
/* Which entries speak of a case; at most max are written to ret. */
size_t differences_of(const struct one_case *c, struct difference **ret, size_t max);
/* Change both sides as an entry says. */
void difference_apply(const struct difference *d, struct outcome *recorded, struct outcome *ours);
bool difference_skips(const struct difference *d);
/* An entry that names its cases is about each of them; one with a pattern, about some. */
bool difference_is_pattern(const struct difference *d);
void difference_was_needed(struct difference *d);
const char *difference_reason(const struct difference *d);
/* Entries that spoke of a case, and were needed in none; NULL at the end. */
const char *difference_stale(size_t *at);

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif

/* replay_differences.c - the list of places where ours is meant to differ; tests/peer/differences
 * explains its form. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/replay.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum verb { REPLACE, DELETE, APPEND, BE, IGNORE };
enum stream { OUT, ERR, STATUS };

struct edit {
	enum stream stream;
	enum verb verb;
	bool recorded, ours;		/* what is changed */
	regex_t re;
	char *with;
	bool all;			/* not only the first match in a line */
	struct lines text;
	int status;
};

struct difference {
	char **cases;			/* "03/014", "03/014-020", "04/1*" */
	size_t ncases;
	char *reason, *command;
	struct edit *edits;
	size_t nedits;
	bool skip, host, peer, off, met, needed;
	int line;
};

static struct difference *list;
static size_t nlist;
static const char *file_name;

/* "s/PATTERN/WITH/" with any character for the slash; then "g" for all of a line. */
static void parse_replace(struct edit *e, const char *s, int line)
{
	const char *mid = strchr(s + 2, s[1]);
	const char *end = mid ? strchr(mid + 1, s[1]) : NULL;
	char *pattern;

	if (!end)
		die("%s:%d: s/PATTERN/WITH/ it is not: %s", file_name, line, s);
	pattern = mem_dup_n(s + 2, (size_t)(mid - s - 2));
	regex_make(&e->re, pattern);
	free(pattern);
	e->with = mem_dup_n(mid + 1, (size_t)(end - mid - 1));
	e->verb = REPLACE;
	e->all = end[1] == 'g';
}

static void parse_delete(struct edit *e, const char *s, int line)
{
	size_t len = strlen(s);
	char *pattern;

	if (len < 4 || s[len - 1] != s[1])
		die("%s:%d: d/PATTERN/ it is not: %s", file_name, line, s);
	pattern = mem_dup_n(s + 2, len - 3);
	regex_make(&e->re, pattern);
	free(pattern);
	e->verb = DELETE;
}

static void parse_edit(struct difference *d, const char *s, int line)
{
	struct edit *e = array_add(d->edits, d->nedits);

	e->ours = starts_with(s, "ours ") || starts_with(s, "both ");
	e->recorded = !starts_with(s, "ours ");
	s += e->ours ? 5 : 0;
	e->stream = starts_with(s, "err ") ? ERR : OUT;
	s += 4;
	if (*s == 's') {
		parse_replace(e, s, line);
	} else if (*s == 'd') {
		parse_delete(e, s, line);
	} else if (starts_with(s, "+ ")) {
		e->verb = APPEND;
		e->with = mem_dup(s + 2);
	} else if (starts_with(s, "=") && !e->ours) {
		e->verb = BE;
		*array_add(e->text.at, e->text.n) = mem_dup("");
	} else if (strcmp(s, "ignored") == 0) {
		e->verb = IGNORE;
	} else {
		die("%s:%d: not understood: %s", file_name, line, s);
	}
}

static void parse_exit(struct difference *d, const char *s)
{
	struct edit *e = array_add(d->edits, d->nedits);

	e->stream = STATUS;
	e->verb = strcmp(s, "ignored") ? BE : IGNORE;
	e->status = (int)strtol(s, NULL, 10);
}

/* A line of the text that "out =" begins, with "| " or "~ " before it; it
 * stands before the empty last one. */
static void parse_text(struct difference *d, const char *s, int line)
{
	struct edit *e = d->nedits ? &d->edits[d->nedits - 1] : NULL;

	if (!e || e->verb != BE || e->stream == STATUS)
		die("%s:%d: text that belongs to nothing", file_name, line);
	lines_insert(&e->text, e->text.n - 1, s);
}

static void parse_cases(struct difference *d, const char *s, int line)
{
	d->line = line;
	while (*s) {
		size_t len = strcspn(s, " ");

		if (len)
			*array_add(d->cases, d->ncases) = mem_dup_n(s, len);
		s += len + (s[len] == ' ');
	}
}

static bool have_program(const char *name)
{
	char *path = mem_dup(getenv("PATH")), *rest = path, *dir;
	bool have = false;

	while (!have && (dir = strsep(&rest, ":"))) {
		char *file = mem_printf("%s/%s", dir, name);

		have = access(file, X_OK) == 0;
		free(file);
	}
	free(path);
	return have;
}

static void parse_line(const char *s, int line)
{
	struct difference *d = nlist ? &list[nlist - 1] : NULL;

	if (!*s || *s == '#')
		return;
	if (*s != '\t') {
		parse_cases(array_add(list, nlist), s, line);
		return;
	}
	s++;
	if (!d)
		die("%s:%d: for no case", file_name, line);
	if (starts_with(s, "why "))
		d->reason = mem_dup(s + 4);
	else if (starts_with(s, "command "))
		d->command = mem_dup(s + 8);
	else if (strcmp(s, "host") == 0)
		d->host = true;
	else if (strcmp(s, "peer") == 0)
		d->peer = true;
	else if (starts_with(s, "without "))
		d->off = d->off || have_program(s + 8);
	else if (strcmp(s, "skip") == 0)
		d->skip = true;
	else if (starts_with(s, "exit "))
		parse_exit(d, s + 5);
	else if (*s == '|' || *s == '~')
		parse_text(d, s, line);
	else if (starts_with(s, "out ") || starts_with(s, "err ") || starts_with(s, "ours ") ||
		 starts_with(s, "both "))
		parse_edit(d, s, line);
	else
		die("%s:%d: not understood: %s", file_name, line, s);
}

void differences_read(const char *file, bool peer)
{
	struct bp_error err = { 0 };
	struct lines l;
	char *bytes;
	size_t len;

	file_name = file;
	if (file_read(AT_FDCWD, file, 4 << 20, &bytes, &len, &err) < 0)
		die("%s", err.text);
	l = lines_of(bytes, len);
	for (size_t i = 0; i < l.n; i++)
		parse_line(l.at[i], (int)i + 1);
	lines_done(&l);
	free(bytes);
	for (size_t i = 0; i < nlist; i++) {
		if (!list[i].reason)
			die("%s:%d: without a reason", file, list[i].line);
		if (!list[i].nedits && !list[i].skip)
			die("%s:%d: nothing differs", file, list[i].line);
		/* The peer itself differs from the recording by what the host is, no more. */
		if (peer ? !list[i].host && !list[i].peer : list[i].peer)
			list[i].off = true;
	}
}

void differences_free(void)
{
	for (size_t i = 0; i < nlist; i++) {
		struct difference *d = &list[i];

		for (size_t k = 0; k < d->nedits; k++) {
			struct edit *e = &d->edits[k];

			if (e->verb == REPLACE || e->verb == DELETE)
				regfree(&e->re);
			free(e->with);
			lines_done(&e->text);
		}
		for (size_t k = 0; k < d->ncases; k++)
			free(d->cases[k]);
		free(d->cases);
		free(d->edits);
		free(d->reason);
		free(d->command);
	}
	free(list);
}

static bool names(const char *word, const char *id)
{
	const char *dash = strchr(word, '-');

	if (!dash)
		return fnmatch(word, id, 0) == 0;
	return strncmp(word, id, 3) == 0 && strncmp(id + 3, word + 3, 3) >= 0 &&
	       strncmp(id + 3, dash + 1, 3) <= 0;
}

static bool speaks_of(struct difference *d, const struct one_case *c)
{
	bool yes = false;
	regex_t re;

	for (size_t i = 0; i < d->ncases && !yes; i++)
		yes = names(d->cases[i], c->id);
	if (!yes || !d->command)
		return yes;
	regex_make(&re, d->command);
	yes = regex_found(&re, c->command);
	regfree(&re);
	return yes;
}

size_t differences_of(const struct one_case *c, struct difference **ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < nlist; i++) {
		if (list[i].off || !speaks_of(&list[i], c))
			continue;
		if (n == max)
			die("%s: too many differences", c->name);
		list[i].met = true;
		ret[n++] = &list[i];
	}
	return n;
}

static void replace_in(const struct edit *e, char **line)
{
	char *new = regex_replace(&e->re, *line, e->with, e->all);

	if (!new)
		return;
	free(*line);
	*line = new;
}

/* What a line of the text stands for, beside what came out: itself after "| ",
 * and after "~ " any line that the pattern matches whole. */
static char *stands_for(const char *text, const char *came_out)
{
	const char *rest = *text && text[1] == ' ' ? text + 2 : "";
	char *pattern;
	bool found;
	regex_t re;

	if (*text != '~' || !came_out)
		return mem_dup(rest);
	pattern = mem_printf("^(%s)$", rest);
	regex_make(&re, pattern);
	found = regex_found(&re, came_out);
	regfree(&re);
	free(pattern);
	return mem_dup(found ? came_out : text);
}

static void be_text(const struct lines *text, struct lines *l, const struct lines *came_out)
{
	lines_done(l);
	for (size_t i = 0; i < text->n; i++)
		*array_add(l->at, l->n) = stands_for(text->at[i],
						     i < came_out->n ? came_out->at[i] : NULL);
}

static void edit_lines(const struct edit *e, struct lines *l, const struct lines *came_out)
{
	if (e->verb == BE) {
		be_text(&e->text, l, came_out);
	} else if (e->verb == APPEND) {
		lines_insert(l, l->n - 1, e->with);
	} else if (e->verb == REPLACE) {
		for (size_t i = 0; i < l->n; i++)
			replace_in(e, &l->at[i]);
	} else if (e->verb == DELETE) {
		for (size_t i = l->n; i-- > 0;)
			if (regex_found(&e->re, l->at[i]))
				lines_drop(l, i);
	}
}

void difference_apply(const struct difference *d, struct outcome *recorded, struct outcome *ours)
{
	for (size_t i = 0; i < d->nedits; i++) {
		const struct edit *e = &d->edits[i];
		if (e->stream == STATUS) {
			recorded->status = e->verb == IGNORE ? ours->status : e->status;
		} else if (e->verb == IGNORE) {
			lines_done(e->stream == OUT ? &ours->out : &ours->err);
			lines_done(e->stream == OUT ? &recorded->out : &recorded->err);
		} else {
			struct lines *theirs = e->stream == OUT ? &recorded->out : &recorded->err;
			struct lines *came_out = e->stream == OUT ? &ours->out : &ours->err;

			if (e->recorded)
				edit_lines(e, theirs, came_out);
			if (e->ours)
				edit_lines(e, came_out, came_out);
		}
	}
}

bool difference_skips(const struct difference *d)
{
	return d->skip;
}

bool difference_is_pattern(const struct difference *d)
{
	if (d->host || d->peer)		/* this host may be like the one recorded on */
		return true;
	for (size_t i = 0; i < d->ncases; i++)
		if (strpbrk(d->cases[i], "*?["))
			return true;
	return d->command;
}

void difference_was_needed(struct difference *d)
{
	d->needed = true;
}

const char *difference_reason(const struct difference *d)
{
	return d->reason;
}

const char *difference_stale(size_t *at)
{
	static char text[400];

	while (*at < nlist) {
		const struct difference *d = &list[(*at)++];

		if (!d->met || d->needed || d->skip || d->host || d->peer ||
		    !difference_is_pattern(d))
			continue;
		snprintf(text, sizeof text, "%s:%d: %s", file_name, d->line, d->reason);
		return text;
	}
	return NULL;
}

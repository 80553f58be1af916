/* replay_read.c - transcript files: text headers, then bytes counted by them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/tools/replay.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Where the reader stands. */
struct place {
	const char *file, *at, *end;
};

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("replay: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static char *next_line(struct place *p)
{
	const char *nl = memchr(p->at, '\n', (size_t)(p->end - p->at));
	char *line;

	if (!nl)
		die("%s: cut off", p->file);
	line = mem_dup_n(p->at, (size_t)(nl - p->at));
	p->at = nl + 1;
	return line;
}

static void expect_line(struct place *p, const char *want)
{
	char *line = next_line(p);

	if (strcmp(line, want) != 0)
		die("%s: '%s' where '%s' should be", p->file, line, want);
	free(line);
}

static const char *counted(struct place *p, size_t n)
{
	const char *bytes = p->at;

	if ((size_t)(p->end - p->at) <= n || bytes[n] != '\n')
		die("%s: fewer bytes than counted", p->file);
	p->at += n + 1;
	return bytes;
}

static void add_text(char **field, const char *more)
{
	char *old = *field;

	*field = old ? mem_printf("%s\n%s", old, more) : mem_dup(more);
	free(old);
}

static void set_name(struct one_case *c, const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash || strlen(name) < 2 || strlen(slash) < 4)
		die("a case called '%s'", name);
	c->name = mem_dup(name);
	snprintf(c->id, sizeof c->id, "%.2s/%.3s", name, slash + 1);
}

struct counts {
	size_t in, out, err;
	bool has_input;
};

static void read_header(struct one_case *c, const char *line, struct counts *n, char ***last)
{
	const char *colon = strstr(line, ": ");
	const char *value = colon ? colon + 2 : "";

	if (starts_with(line, "  | ")) {
		add_text(*last, line + 4);
	} else if (starts_with(line, "case: ")) {
		set_name(c, value);
	} else if (starts_with(line, "setup: ")) {
		*array_add(c->setup, c->nsetup) = mem_dup(value);
		*last = &c->setup[c->nsetup - 1];
	} else if (starts_with(line, "command: ")) {
		add_text(&c->command, value);
		*last = &c->command;
	} else if (starts_with(line, "cwd: ")) {
		add_text(&c->cwd, value);
	} else if (starts_with(line, "env: ")) {
		add_text(&c->env, value);
	} else if (starts_with(line, "exit: ")) {
		c->recorded.status = strcmp(value, "timeout") ? (int)strtol(value, NULL, 10) : -1;
	} else if (starts_with(line, "stdin-bytes: ")) {
		n->in = strtoul(value, NULL, 10);
		n->has_input = true;
	} else if (starts_with(line, "stdout-bytes: ")) {
		n->out = strtoul(value, NULL, 10);
	} else if (starts_with(line, "stderr-bytes: ")) {
		n->err = strtoul(value, NULL, 10);
	} else if (!starts_with(line, "note: ") && !starts_with(line, "seconds: ") &&
		   !starts_with(line, "daemon: ")) {
		die("%s: a header nobody knows: %s", c->name ? c->name : "?", line);
	}
}

static void read_one(struct place *p, struct one_case *c)
{
	struct counts n = { 0 };
	char **last = &c->command, *line;
	bool header = true;

	while (header) {
		line = next_line(p);
		header = !starts_with(line, "----- ");
		if (header)
			read_header(c, line, &n, &last);
		free(line);
	}
	if (!c->name || !c->command)
		die("%s: a case without a name or a command", p->file);
	if (n.has_input) {
		c->input = mem_dup_n(counted(p, n.in), n.in);
		c->input_len = n.in;
		expect_line(p, "----- stdout -----");
	}
	c->recorded.out = lines_of(counted(p, n.out), n.out);
	expect_line(p, "----- stderr -----");
	c->recorded.err = lines_of(counted(p, n.err), n.err);
	expect_line(p, "----- end -----");
}

struct one_case *cases_read(const char *file, size_t *ret_n)
{
	struct bp_error err = { 0 };
	struct one_case *cases = NULL;
	struct place p = { .file = file };
	size_t n = 0, len;
	char *bytes;

	if (file_read(AT_FDCWD, file, 64 << 20, &bytes, &len, &err) < 0)
		die("%s", err.text);
	p.at = bytes;
	p.end = bytes + len;
	while (p.at < p.end)
		read_one(&p, array_add(cases, n));
	free(bytes);
	*ret_n = n;
	return cases;
}

void cases_free(struct one_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < cases[i].nsetup; k++)
			free(cases[i].setup[k]);
		free(cases[i].setup);
		free(cases[i].name);
		free(cases[i].command);
		free(cases[i].cwd);
		free(cases[i].env);
		free(cases[i].input);
		outcome_done(&cases[i].recorded);
	}
	free(cases);
}

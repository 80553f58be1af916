/* line.c - a line from the user, edited where a library for that is found.
 *
 * Both libedit and readline offer these functions and variables; whichever of
 * the libraries is there is opened when somebody sits at a terminal, so that
 * nothing else needs them.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/shell.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define HISTORY_LINES 500

/* Their callbacks are told nothing of ours, so it is kept here. */
static struct editor {
	bool looked;
	struct cli *cli;
	char *history_file;
	char *(*readline)(const char *prompt);
	void (*add_history)(const char *line);
	int (*write_history)(const char *file);
	char **(*matches)(const char *text, char *(*generate)(const char *, int));
	char **line_buffer;		/* what has been typed, */
	int *attempted_over;		/* and no, it is not a file */
	char **found;			/* candidates, and the next to hand out */
	size_t n_found, at;
} editor;

/* ---- completion --------------------------------------------------------- */

static void keep_candidate(void *arg, const char *candidate)
{
	const char *text = arg;

	/* Only what begins as typed can be put in its place. */
	if (strncmp(candidate, text, strlen(text)) == 0)
		*array_add(editor.found, editor.n_found) = shell_word(candidate);
}

static void forget_candidates(void)
{
	while (editor.n_found)
		free(editor.found[--editor.n_found]);
	free(editor.found);
	editor.found = NULL;
	editor.at = 0;
}

/* The library frees what it is given. */
static char *next_candidate(const char *text, int state)
{
	(void)text;
	if (!state)
		editor.at = 0;
	return editor.at < editor.n_found ? strdup(editor.found[editor.at++]) : NULL;
}

/* The words of the last command up to where the cursor is. */
static char **words_up_to(const char *line, int end, size_t *ret_n)
{
	auto_free char *typed = mem_dup_n(line, (size_t)end);
	struct words w = { .line = typed, .unfinished = true };
	bool touched = false;		/* the cursor is in the last word, or at its end */
	char **words = NULL, *word;
	const char *why;
	enum word_kind kind;

	*ret_n = 0;
	while ((kind = words_next(&w, &word, &why)) == WORD || kind == WORD_END_COMMAND) {
		touched = kind == WORD && !*w.line;
		if (kind == WORD)
			*array_add(words, *ret_n) = word;
		while (kind == WORD_END_COMMAND && *ret_n)
			free(words[--*ret_n]);
	}
	if (!touched)
		*array_add(words, *ret_n) = mem_dup("");
	return words;
}

static char **complete_line(const char *text, int start, int end)
{
	struct cli quiet = *editor.cli;
	char **words, **result;
	size_t n;
	bool ours;

	(void)start;
	if (!editor.line_buffer || !*editor.line_buffer)
		return NULL;
	words = words_up_to(*editor.line_buffer, end, &n);
	ours = complete_words(&quiet, words, n, keep_candidate, (void *)text);
	editor.cli->store = quiet.store;
	while (n)
		free(words[--n]);
	free(words);
	if (editor.attempted_over)
		*editor.attempted_over = ours;
	result = editor.n_found ? editor.matches(text, next_candidate) : NULL;
	forget_candidates();
	return result;
}

/* ---- opening ------------------------------------------------------------ */

static void set_text(void *dl, const char *variable, const char *value)
{
	const char **p = dlsym(dl, variable);

	if (p)
		*p = value;
}

static void offer_completion(void *dl)
{
	char **(**attempt)(const char *, int, int) = dlsym(dl, "rl_attempted_completion_function");

	editor.line_buffer = dlsym(dl, "rl_line_buffer");
	editor.attempted_over = dlsym(dl, "rl_attempted_completion_over");
	*(void **)&editor.matches = dlsym(dl, "rl_completion_matches");
	if (!attempt || !editor.matches || !editor.line_buffer)
		return;
	*attempt = complete_line;
	set_text(dl, "rl_readline_name", "barepool");
	set_text(dl, "rl_basic_word_break_characters", " \t;");
}

static char *history_file(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	auto_free char *dir = cache && *cache == '/' ? mem_printf("%s/barepool", cache) :
			      home && *home ? mem_printf("%s/.cache/barepool", home) : NULL;
	struct bp_error ignored = { 0 };

	if (!dir || dir_make(dir, 0700, &ignored) < 0)
		return NULL;
	return mem_printf("%s/history", dir);
}

static void open_history(void *dl)
{
	void (*using_history)(void);
	int (*read_history)(const char *file);
	void (*stifle_history)(int n);

	*(void **)&using_history = dlsym(dl, "using_history");
	*(void **)&read_history = dlsym(dl, "read_history");
	*(void **)&stifle_history = dlsym(dl, "stifle_history");
	*(void **)&editor.write_history = dlsym(dl, "write_history");
	if (!read_history || !editor.write_history)
		return;
	editor.history_file = history_file();
	if (!editor.history_file)
		return;
	if (using_history)
		using_history();
	if (stifle_history)
		stifle_history(HISTORY_LINES);
	(void)read_history(editor.history_file);
}

static bool open_library(const char *name)
{
	void *dl = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	if (!dl)
		return false;
	*(void **)&editor.readline = dlsym(dl, "readline");
	*(void **)&editor.add_history = dlsym(dl, "add_history");
	if (!editor.readline || !editor.add_history) {
		editor.readline = NULL;
		dlclose(dl);
		return false;
	}
	offer_completion(dl);
	open_history(dl);
	return true;
}

static void look_for_editor(struct cli *cli)
{
	const char *p = LINE_EDITORS;

	editor.looked = true;
	editor.cli = cli;
	while (*(p += strspn(p, " "))) {
		size_t len = strcspn(p, " ");
		auto_free char *name = mem_dup_n(p, len);

		if (open_library(name))
			return;
		p += len;
	}
}

/* ---- reading ------------------------------------------------------------ */

static char *plain_line(const char *prompt)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	fputs(prompt, stdout);
	fflush(stdout);
	len = getline(&line, &size, stdin);
	if (len < 0) {
		free(line);
		return NULL;
	}
	if (len && line[len - 1] == '\n')
		line[--len] = '\0';
	return line;
}

char *line_read(struct cli *cli, const char *prompt)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	char *line;

	if (terminal && !editor.looked)
		look_for_editor(cli);
	if (!editor.readline)
		return plain_line(prompt);
	fflush(stdout);
	line = editor.readline(prompt);
	if (line && *line)
		editor.add_history(line);
	return line;
}

void line_done(void)
{
	if (editor.history_file)
		(void)editor.write_history(editor.history_file);
	free(steal(editor.history_file));
}

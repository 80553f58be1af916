/* complete_image.c - see complete_image.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/complete_image.h"

#include <string.h>

#include "cli/image.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct typing {
	const struct image_command *cmd;
	const char *begun, *before;	/* before: what is certain of the word, as "--format=" */
	const char *format;		/* of what is made, as said so far */
	void (*offer)(void *arg, const char *candidate);
	void *arg;
};

static void offer(const struct typing *t, const char *s)
{
	auto_free char *whole = mem_printf("%s%s", t->before, s);

	t->offer(t->arg, whole);
}

static const struct image_row *row_of(const struct image_command *c, const char *word)
{
	size_t len = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;

	for (const struct image_row *r = c->rows; r->letter || r->name; r++)
		if (len ? r->name && strlen(r->name) == len &&
			  strncmp(word + 2, r->name, len) == 0 :
			  r->letter && *word == '-' && word[1] == r->letter)
			return r;
	return NULL;
}

/* ---- values ------------------------------------------------------------------- */

static void offer_words(const struct typing *t, const char *const *words)
{
	for (; *words; words++)
		offer(t, *words);
}

/* Those that can be made, for what is. */
static void offer_formats(const struct typing *t, bool to_make)
{
	const char *word;
	bool made;

	for (size_t i = 0; (word = bp_image_format_word(i, &made)); i++)
		if (made || !to_make)
			offer(t, word);
}

/* "nocow=on" and "nocow=off" for "nocow=" and "<bool (on/off)> - ...", or what stands in
 * "(allowed values: off, full)". */
static void offer_settings(const struct typing *t, const char *name, const char *about)
{
	static const char on_off[] = "<bool ", allowed[] = "(allowed values: ";
	bool is_switch = strncmp(about, on_off, strlen(on_off)) == 0;
	auto_free char *line = is_switch ? mem_dup("on,off") :
			       mem_dup_n(about, strcspn(about, "\n"));
	char *words = is_switch ? line : strstr(line, allowed), *word;

	if (words && !is_switch)
		words += strlen(allowed);
	while ((word = strsep(&words, ", )"))) {
		auto_free char *whole = mem_printf("%s%s", name, word);

		if (*word)
			offer(t, whole);
	}
}

/* "cluster_size=" of a line "cluster_size=<size> - ..."; where that is typed, what may follow. */
static void offer_option(const struct typing *t, const char *line, const char *typed)
{
	size_t len = strcspn(line, "=\n");
	auto_free char *name = mem_dup_n(line, len + 1);

	if (line[len] != '=')
		return;
	if (!strchr(typed, '='))
		offer(t, name);
	else if (strncmp(typed, name, len + 1) == 0)
		offer_settings(t, name, line + len + 1);
}

/* Those before the last comma are certain. */
static void offer_options(struct typing *t)
{
	const char *comma = strrchr(t->begun, ','), *typed = comma ? comma + 1 : t->begun;
	auto_free char *help = NULL, *before = NULL;
	struct bp_error ignored = { 0 };

	if (bp_image_options_help(t->format ? t->format : "raw", &help, &ignored) < 0)
		return;
	before = mem_printf("%s%.*s", t->before, (int)(typed - t->begun), t->begun);
	t->before = before;
	for (const char *line = help; line; line = strchr(line, '\n')) {
		line += strspn(line, "\n ");
		offer_option(t, line, typed);
	}
	t->before = "";
}

/* Is it the format of a new image? */
static bool makes(const struct image_command *c, const struct image_row *r)
{
	return r->letter == 'O' || (r->letter == 'f' && c == &image_create);
}

/* ... of what its options are about. */
static bool says_format(const struct image_command *c, const struct image_row *r)
{
	return r->letter == 'O' || (r->letter == 'f' && !row_of(c, "-O"));
}

/* False: it may be a file. */
static bool offer_values(struct typing *t, const struct image_row *r)
{
	static const char *const outputs[] = { "human", "json", NULL };
	static const char *const repairs[] = { "leaks", "all", NULL };
	static const char *const modes[] = { "off", "metadata", "falloc", "full", NULL };
	static const char *const caches[] = {
		"none", "writeback", "writethrough", "directsync", "unsafe", NULL
	};
	static const char *const engines[] = { "native", "qemu", NULL };
	const struct {
		const char *value;
		const char *const *words;
	} fixed[] = { { "WHAT", repairs }, { "CACHE", caches }, { "ENGINE", engines } };

	for (size_t i = 0; i < array_size(fixed); i++)
		if (strcmp(r->value, fixed[i].value) == 0)
			offer_words(t, fixed[i].words);
	if (r->type == IMG_OUTPUT)
		offer_words(t, outputs);
	else if (strcmp(r->value, "FORMAT") == 0)
		offer_formats(t, makes(t->cmd, r));
	else if (strcmp(r->value, "OPTIONS") == 0)
		offer_options(t);
	else if (r->name && strcmp(r->name, "preallocation") == 0)
		offer_words(t, modes);
	return strcmp(r->value, "FILE") != 0;
}

/* ---- words -------------------------------------------------------------------- */

static void offer_rows(const struct typing *t)
{
	for (const struct image_row *r = t->cmd->rows; r->letter || r->name; r++) {
		char letter[] = { '-', r->letter, 0 };
		auto_free char *name = r->name ? mem_printf("--%s", r->name) : NULL;

		if (r->type == IMG_REFUSED)
			continue;
		if (r->letter)
			offer(t, letter);
		if (name)
			offer(t, name);
	}
	offer(t, "--help");
}

/* The words that are finished.  Returns the option whose value has to follow. */
static const struct image_row *read_before(struct typing *t, char *const *words, size_t n,
					   bool *ret_files_only)
{
	const struct image_row *pending = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct image_row *r = pending;
		const char *value = words[i];

		pending = NULL;
		if (!r && strcmp(words[i], "--") == 0) {
			*ret_files_only = true;
			return NULL;
		}
		if (!r && (r = row_of(t->cmd, words[i])) && r->value) {
			value = strncmp(words[i], "--", 2) != 0 ? words[i] + 2 :
				strchr(words[i], '=') ? strchr(words[i], '=') + 1 : "";
			pending = *value ? NULL : r;
		}
		if (r && !pending && r->value && says_format(t->cmd, r))
			t->format = value;
	}
	return pending;
}

static bool complete_command(struct typing *t, char *const *words, size_t n)
{
	bool files_only = false;
	const struct image_row *r = read_before(t, words, n - 1, &files_only);
	auto_free char *before = NULL;
	const char *value;

	if (files_only)
		return false;
	if (!r && *t->begun == '-' && (value = strchr(t->begun, '=')) &&
	    (r = row_of(t->cmd, t->begun)) && r->value) {
		before = mem_dup_n(t->begun, (size_t)(value + 1 - t->begun));
		t->before = before;
		t->begun = value + 1;
	}
	if (r && r->value)
		return offer_values(t, r);
	if (*t->begun != '-')
		return false;
	offer_rows(t);
	return true;
}

bool complete_image(char *const *words, size_t n,
		    void (*each)(void *arg, const char *candidate), void *arg)
{
	struct typing t = { .before = "", .offer = each, .arg = arg };

	if (!n)
		return true;
	t.begun = words[n - 1];
	for (const struct image_command *const *c = image_commands; *c; c++) {
		if (n == 1)
			offer(&t, (*c)->name);
		else if (strcmp((*c)->name, words[0]) == 0)
			t.cmd = *c;
	}
	if (n == 1)
		offer(&t, "--help");
	return t.cmd ? complete_command(&t, words + 1, n - 1) : true;
}

/* cli_words.c - how a line falls into words, and a word is quoted. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli/words.h"
#include "core/base/text.h"
#include "tests/tap.h"

/* All words of a line in brackets; ';' between commands; "!why" for what is wrong. */
static char *all_words(const char *line)
{
	struct words w = { .line = line };
	struct text out = { 0 };
	const char *why = NULL;
	char *word;

	for (;;) {
		switch (words_next(&w, &word, &why)) {
		case WORD:
			text_addf(&out, "[%s]", word);
			free(word);
			continue;
		case WORD_END_COMMAND:
			text_add(&out, ";");
			continue;
		case WORD_BROKEN:
			text_addf(&out, "!%s", why);
			break;
		case WORD_END:
			break;
		}
		return text_steal(&out);
	}
}

static const char *const lines[][2] = {
	{ "", "" },
	{ "  \t ", "" },
	{ "pool-list", "[pool-list]" },
	{ " pool-info\t d1 ", "[pool-info][d1]" },
	{ "a; b", "[a];[b]" },
	{ "a;b;", "[a];[b];" },
	{ ";", ";" },
	{ "a\nb", "[a];[b]" },
	{ "'a;b' \"c;d\" e\\;f", "[a;b][c;d][e;f]" },
	{ "'a b'c\"d e\"", "[a bcd e]" },
	{ "'a\\b' \"a\\b\" a\\b", "[a\\b][ab][ab]" },
	{ "\"a\\\"b\\\\c\"", "[a\"b\\c]" },
	{ "'it\"s' \"it's\"", "[it\"s][it's]" },
	{ "'' \"\" a", "[][][a]" },
	{ "'a", "[a]" },			/* virsh lets this one through */
	{ "\"a", "!missing \"" },
	{ "a b\\", "[a]!dangling \\" },
	{ "a\\\nb", "[ab]" },
	{ "a # b", "[a]" },
	{ "a#b #c\nd", "[a#b];[d]" },
	{ "# a; b", "" },
	{ "d\303\266 \377", "[d\303\266][\377]" },
};

TEST(lines_fall_into_words)
{
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char *got = all_words(lines[i][0]);

		SAME(got, lines[i][1]);
		free(got);
	}
}

TEST(words_of_a_vector_are_not_cut)
{
	char *const argv[] = { (char *)"a b", (char *)";", (char *)"", (char *)"'x'", NULL };
	struct words w = { .argv = argv };
	const char *why;
	char *word;

	for (size_t i = 0; i < 4; i++) {
		CHECK(words_next(&w, &word, &why) == WORD);
		SAME(word, argv[i]);
		free(word);
	}
	CHECK(words_next(&w, &word, &why) == WORD_END);
}

TEST(a_line_being_typed_may_end_anywhere)
{
	static const char *const typed[][2] = {
		{ "a \"b c", "b c" }, { "a 'b c", "b c" }, { "a b\\", "b" },
	};

	for (size_t i = 0; i < 3; i++) {
		struct words w = { .line = typed[i][0], .unfinished = true };
		const char *why;
		char *word;

		CHECK(words_next(&w, &word, &why) == WORD);
		free(word);
		CHECK(words_next(&w, &word, &why) == WORD);
		SAME(word, typed[i][1]);
		free(word);
	}
}

/* What a shell makes of it is the word again; so does our own reader. */
TEST(a_quoted_word_is_read_as_itself)
{
	static const char *const texts[] = {
		"plain", "", "a b", "it's", "'", "''", "a\"b", "$(id)", "a;b", "#a", "a\\b", "~",
		"d\303\266", "a\tb", "*?[x]",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *quoted = shell_word(texts[i]);
		struct words w = { .line = quoted };
		const char *why;
		char *word;

		CHECK(words_next(&w, &word, &why) == WORD);
		SAME(word, texts[i]);
		CHECK(!*w.line);
		free(word);
		free(quoted);
	}
}

TEST(what_needs_no_quotes_gets_none)
{
	char *quoted = shell_word("/srv/a-b_c.qcow2,x=1:2");

	SAME(quoted, "/srv/a-b_c.qcow2,x=1:2");
	free(quoted);
}

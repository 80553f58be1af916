/* words.h - what somebody typed, word by word.
 *
 * Words come from an argument vector, where each is one already, or from a
 * line, where they stand between blanks and ';' or a new line ends a command:
 *
 *	'as it is'	"with \" and \\"	one\ word	# to the end of the line
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_WORDS_H
#define BP_CLI_WORDS_H

#include <stdbool.h>

struct words {
	char *const *argv;	/* either this, ended by NULL ... */
	const char *line;	/* ... or what is left of this */
	bool unfinished;	/* the line is being typed: a quote may be open at its end */
};

enum word_kind {
	WORD,			/* there is one */
	WORD_END_COMMAND,	/* another command may follow */
	WORD_END,
	WORD_BROKEN,		/* see *ret_why */
};

/* The next word, for the caller to free. */
enum word_kind words_next(struct words *w, char **ret, const char **ret_why);

/* A text as one word of a shell's command line, quoted if it must be.  The
 * caller frees. */
char *shell_word(const char *s);

/* Does s begin with \xNN, which is how tables show a byte that cannot be shown? */
bool is_escape(const char *s, unsigned char *ret);

/* A text as it was before it was shown; NULL: it is what it was.  The caller frees. */
char *unescape(const char *s);

#endif

/* options.h - words against rows.
 *
 * It happens in two steps, as virsh does it.  Parsing finds out which command
 * and which option each word belongs to; if that fails, nothing has been run
 * and no blank line is printed.  Filling makes typed values of the texts; if
 * that fails, it is the command that has failed.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_OPTIONS_H
#define BP_CLI_OPTIONS_H

#include "cli/command.h"
#include "cli/words.h"

/* One command, ready to run.  Texts belong to it. */
struct parsed {
	const struct command *cmd;
	const char **values;	/* one for each row: NULL where it is not given */
	char **words;		/* all there were */
	size_t n_words;
	struct cli_words rest;	/* for OPT_WORDS */
	enum cli_format format;
	bool help;		/* its help is wanted */
};

struct parsed_list {
	struct parsed *commands;
	size_t n;
};

/* All commands there are; what is wrong is printed. */
int options_parse(struct cli *cli, struct words *words, struct parsed_list *ret);
void parsed_list_done(struct parsed_list *list);

/* Values into args, which are the command's args_size bytes, zeroed. */
int options_fill(struct cli *cli, const struct parsed *parsed, void *args, struct bp_error *err);

/* How many rows a command has. */
size_t options_count(const struct command *cmd);

/* The row with this name, if it is there for who calls, or NULL. */
const struct option_row *option_find(const struct cli *cli, const struct command *cmd,
				     const char *name, size_t len);

/* The first row that may take a bare word and has no value yet, or NULL. */
const struct option_row *option_for_word(const struct cli *cli, const struct command *cmd,
					 const char *const *values);

/* May it be given again to whoever calls? */
bool option_again(const struct cli *cli, const struct option_row *row);

/* Is this word "--name" or "--name=value"?  "-x", "--" and "---" are not. */
bool is_option_word(const char *word);

/* "text" or "json", or -1. */
int format_find(const char *word);

/* Does every command understand --format, or has this one its own? */
bool takes_output_format(const struct cli *cli, const struct command *cmd);

#endif

/* shell.h - from words to work. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_SHELL_H
#define BP_CLI_SHELL_H

#include "cli/command.h"
#include "cli/words.h"

/* Read and run all commands of words; 0 if the last one succeeded, else 1. */
int run_words(struct cli *cli, struct words *words);

/* Commands from standard input until its end or "quit"; always 0. */
int run_session(struct cli *cli);

/* Global options, from argv[1] on.  0: *ret_next is the first word after them;
 * 1: they were all there was to do, successfully; -1: what is wrong is printed.
 * With a silent cli nothing is printed, and what cannot be understood skipped. */
int global_options(struct cli *cli, int argc, char **argv, bool silent, int *ret_next);

/* Call each() with every candidate for the last of n words.  False when it is
 * a file's name that is wanted, for which whoever asks has better means. */
bool complete_words(struct cli *cli, char *const *words, size_t n,
		    void (*each)(void *arg, const char *candidate), void *arg);

/* Help as a whole, with the global options; of a command. */
void help_usage(const struct cli *cli);
void help_command(const struct cli *cli, const struct command *cmd);

/* What this is, in a line and in full. */
void version_short(const struct cli *cli);
void version_long(const struct cli *cli);

/* A line from the user; NULL at the end.  With a terminal it is edited, with
 * history and completion, where a library for that is found. */
char *line_read(struct cli *cli, const char *prompt);
void line_done(void);

#endif

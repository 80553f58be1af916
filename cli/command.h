/* command.h - a command is a row in a table.
 *
 * Its options are rows too, and say where in the command's own struct a value
 * goes.  The parser fills the struct, typed and checked, before the command
 * runs; no command looks up an option by name or parses a number.  Help,
 * completion and the manual's tables are printed from the same rows.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_COMMAND_H
#define BP_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/barepool.h"

enum option_type {
	OPT_STRING,		/* const char * */
	OPT_SIZE,		/* struct cli_size: "10G" */
	OPT_NUMBER,		/* struct cli_number: plain decimal */
	OPT_FLAG,		/* bool */
};

struct cli_size {
	bool given, negative;
	uint64_t bytes;
	const char *text;	/* as typed, without the sign */
};

struct cli_number {
	bool given;
	long long value;
};

enum {
	ROW_REQUIRED = 1 << 0,
	ROW_NAMED    = 1 << 1,	/* never taken from a bare word */
	ROW_OURS     = 1 << 2,	/* not virsh's: not shown when called by that name */
	ROW_EMPTY_OK = 1 << 3,
	ROW_SIGNED   = 1 << 4,	/* a size or number that may be negative */
};

/* What a value is, for completion. */
enum complete_as {
	COMPLETE_NOTHING, COMPLETE_POOL, COMPLETE_POOL_UUID, COMPLETE_VOL, COMPLETE_VOL_KEY,
	COMPLETE_FILE, COMPLETE_POOL_TYPE, COMPLETE_WIPE, COMPLETE_EVENT, COMPLETE_FORMAT,
	COMPLETE_COMMAND,
};

struct option_row {
	const char *name;	/* "--name"; bare words fill the rows in their order */
	enum option_type type;
	unsigned flags;		/* ROW_* */
	size_t at;		/* offsetof() in the command's own struct */
	const char *help;
	enum complete_as complete;
};

enum cli_format { FORMAT_TEXT, FORMAT_JSON };

struct cli {
	const char *program;	/* as called, without the directory */
	bool virsh;		/* called by that name: its words, none of ours */
	bool quiet, readonly, timing, interactive;
	enum cli_format format;
	struct bp_store *store;
};

struct command {
	const char *name;
	const char *help;			/* one line */
	const char *description;		/* more of it, or NULL */
	const char *example;			/* a line one could type, without the program's name */
	const struct option_row *options;	/* ends with a NULL name; may be NULL */
	size_t args_size;			/* of the struct the options fill */
	int (*run)(struct cli *cli, const void *args, struct bp_error *err);
	unsigned flags;
};

enum {
	COMMAND_NO_STORE = 1 << 0,	/* works without one */
	COMMAND_OURS	 = 1 << 1,	/* not virsh's */
	COMMAND_FIRST	 = 1 << 2,	/* one of those a newcomer needs */
};

struct command_group {
	const char *title, *keyword;	/* "Storage Pool", "pool" */
	const struct command *commands;	/* ends with a NULL name */
};

/* Ends with a NULL title. */
extern const struct command_group command_groups[];

const struct command *command_find(const struct cli *cli, const char *name);

/* virsh says what the command could not do, then, on a second line, why.
 * This prints the first line and returns -1; whoever runs the command prints
 * the second, from err, unless err is empty. */
int cli_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

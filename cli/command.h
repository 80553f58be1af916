/* command.h - a command is a row in a table.
 *
 * Its options are rows too, and say where in the command's own struct a value
 * goes.  The parser fills the struct, typed and checked, before the command
 * runs; no command looks up an option by name or parses a number.  Help,
 * completion and the manual's tables are printed from the same rows.
 *
 * The file that has a command's function has its row; cli/groups.c lists the
 * rows of each group in the order help shows them.
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
	OPT_WORDS,		/* struct cli_words: all bare words that are left */
};

struct cli_size {
	bool given, negative;
	uint64_t bytes;
	const char *text;	/* as typed, without the sign */
};

struct cli_number {
	bool given;
	uint64_t value;		/* a negative one, where ROW_SIGNED allows it, wraps around */
	const char *text;	/* as typed */
};

struct cli_words {
	char **words;
	size_t n;
};

enum {
	ROW_REQUIRED = 1 << 0,
	ROW_NAMED    = 1 << 1,	/* never taken from a bare word */
	ROW_OURS     = 1 << 2,	/* not virsh's: not there when called by that name */
	ROW_EMPTY_OK = 1 << 3,
	ROW_SIGNED   = 1 << 4,	/* a size or number that may be negative */
	ROW_HIDDEN   = 1 << 5,	/* takes bare words, and nobody is told */
	ROW_AGAIN    = 1 << 6,	/* may be given several times, but not when called virsh:
				 * the values are the lines of one string */
};

/* What a value is, for completion. */
enum complete_as {
	COMPLETE_NOTHING, COMPLETE_POOL, COMPLETE_POOL_UUID, COMPLETE_VOL, COMPLETE_VOL_KEY,
	COMPLETE_FILE, COMPLETE_POOL_TYPE, COMPLETE_WIPE, COMPLETE_EVENT, COMPLETE_FORMAT,
	COMPLETE_COMMAND, COMPLETE_OUTPUT, COMPLETE_PROGRESS, COMPLETE_SOURCE_FORMAT,
	COMPLETE_MKFS_FORMAT, COMPLETE_DEVICE, COMPLETE_REPAIR, COMPLETE_SNAPSHOT,
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
	bool qemu_img;		/* called by that name: what "barepool image" is */
	bool quiet, readonly, timing;
	bool session;		/* commands come from a terminal or standard input */
	bool ended;		/* "quit" was said */
	int debug;		/* 0, much, to 4, little */
	int log_fd;		/* where errors are noted too, or -1 */
	enum cli_format format;
	struct bp_store_paths paths;	/* as somebody asked for */
	const struct store_place *place;	/* which of the usual ones; NULL: not said */
	struct bp_store *store;	/* opened when the first command needs it */
	char *failure, *hint;	/* of the command that runs */
	bool misused;		/* it was called as it cannot be */
	int caught;		/* the signal that stopped the last command, or 0 */
};

struct command {
	const char *name;
	const char *help;			/* one line */
	const char *description;		/* more of it, or NULL */
	const char *example;			/* a line to type after the program's name */
	const struct option_row *options;	/* ends with a NULL name; may be NULL */
	size_t args_size;			/* of the struct the options fill */
	int (*run)(struct cli *cli, const void *args, struct bp_error *err);
	unsigned flags;				/* COMMAND_* */
	const char *const (*exclusive)[2];	/* options that exclude each other; ends with a
						 * NULL; may be NULL */
};

enum {
	COMMAND_NO_STORE = 1 << 0,	/* works without one */
	COMMAND_OURS	 = 1 << 1,	/* not virsh's */
	COMMAND_FIRST	 = 1 << 2,	/* one of those a newcomer needs */
	COMMAND_HIDDEN	 = 1 << 3,	/* not listed by help */
	COMMAND_BARE	 = 1 << 4,	/* prints all there is to print: no blank line after it */
	COMMAND_LENIENT	 = 1 << 5,	/* lets options pass that nobody knows */
	COMMAND_RAW	 = 1 << 6,	/* all words are its own, options too */
};

struct command_group {
	const char *title, *keyword;	/* "Storage Pool", "pool" */
	const struct command *const *commands;	/* ends with NULL */
};

/* Ends with a NULL title. */
extern const struct command_group command_groups[];

/* A command by its name, if there is one for who calls. */
const struct command *command_find(const struct cli *cli, const char *name);

/* Is it there, for who calls? */
bool command_shown(const struct cli *cli, const struct command *cmd);
bool option_shown(const struct cli *cli, const struct option_row *row);

/* Is this one of virsh's commands that are about something else? */
bool command_is_elsewhere(const char *name);


/* ---- what a command says (cli/report.c) --------------------------------- */

/* virsh says what the command could not do, then, on a second line, why.
 * This notes the first and returns -1; when the command has returned, both are
 * printed, the second from its err, unless that is empty. */
int cli_failed(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A third line, which says what to do about it.  Not for who calls us virsh. */
void cli_hint(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line at once, of what is done but should be known.  NULL, and who calls us virsh:
 * none. */
void cli_warn(struct cli *cli, const char *warning);

/* Print what was noted, with the reason, and forget it. */
void cli_report(struct cli *cli, const struct bp_error *err);

/* One line for who asked for --debug, and for the log. */
void cli_debug(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One line of error, at once. */
void cli_complain(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The work is done: the sentence that says so, unless it is to be quiet. */
void cli_done(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The only fact asked for: by itself on a line, or an object with one member. */
void cli_answer(struct cli *cli, const char *key, const char *value);

/* A document: as it is, or an object with its name and its text. */
void cli_document(struct cli *cli, const char *key, const char *name, const char *text);


/* ---- finding things (cli/lookup.c) -------------------------------------- */

/* The name of the pool somebody means; how: BP_BY_*.  The caller frees. */
int pool_lookup(struct cli *cli, const char *text, unsigned how, char **ret,
		struct bp_error *err);

/* The pool and the name of the volume somebody means; pool_text may be NULL.
 * pool_option: which option says the pool, to be recommended when there is
 * none; may be NULL.  The caller frees both. */
int vol_lookup(struct cli *cli, const char *pool_text, const char *text,
	       const char *pool_option, char **ret_pool, char **ret_vol, struct bp_error *err);

/* A pool that could not be started because its directory is not there can be
 * built: say so. */
void hint_build(struct cli *cli, const char *type, const struct bp_error *err);

/* A format that pools of the type do not have: say which they have. */
void hint_formats(struct cli *cli, const char *type, const struct bp_error *err);

/* An option of commands that write to a source's device, with AT() as in all tables:
 * the device that may be changed though another pool or the system has it. */
#define DEVICE_ROW							\
	{ "force-device", OPT_STRING, ROW_NAMED | ROW_OURS, AT(device),	\
	  "device to change though another pool, or this system, has it or its disk", \
	  COMPLETE_DEVICE }
int allow_device(struct cli *cli, const char *device, struct bp_error *err);
void hint_device(struct cli *cli, const struct bp_error *err);

/* Options of commands that change what a volume holds, with AT() as in all tables, and the
 * flags they stand for. */
#define FORCE_BACKING_ROW						\
	{ "force-backing", OPT_FLAG, ROW_NAMED | ROW_OURS, AT(force_backing), \
	  "even if other volumes of the pool have it as their backing store", COMPLETE_NOTHING }
unsigned force_flags(bool force, bool force_backing);

/* A pool that is not active can be started: say so. */
void hint_start(struct cli *cli, const char *pool, const struct bp_error *err);

/* A volume as XML.  The caller frees. */
int vol_xml(struct cli *cli, const char *pool, const char *vol, char **ret, struct bp_error *err);

/* A volume that somebody uses can be changed all the same: say how, unless it is the
 * kernel that refuses. */
void hint_force(struct cli *cli, const struct bp_error *err);

/* The type of a pool, for who reads or writes XML of its volumes. */
int type_of_pool(struct cli *cli, const char *pool, const struct bp_pool_type **ret,
		 struct bp_error *err);

/* A file the user names, whole. */
int file_of_user(const char *name, char **ret_text, size_t *ret_len, struct bp_error *err);

/* The name a document has in messages: virsh says none. */
const char *document_name(const struct cli *cli, const char *file);


/* ---- the store (cli/connect.c) ------------------------------------------ */

/* Open what cli describes, unless it is open already. */
int cli_open_store(struct cli *cli, struct bp_error *err);

/* The store with this name, from now on; "" is the usual one. */
int cli_connect(struct cli *cli, const char *uri, bool readonly, struct bp_error *err);

/* What the store is called. */
const char *cli_uri(const struct cli *cli);

#endif

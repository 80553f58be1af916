/* help.c - what can be done, and how: printed from the rows. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/options.h"
#include "cli/shell.h"
#include "core/base/text.h"

static const char usage_options[] =
	"  options:\n"
	"    -c | --connect=URI      hypervisor connection URI\n"
	"    -d | --debug=NUM        debug level [0-4]\n"
	"    -e | --escape <char>    set escape sequence for console\n"
	"    -h | --help             this help\n"
	"    -k | --keepalive-interval=NUM\n"
	"                            keepalive interval in seconds, 0 for disable\n"
	"    -K | --keepalive-count=NUM\n"
	"                            number of possible missed keepalive messages\n"
	"    -l | --log=FILE         output logging to file\n"
	"    -q | --quiet            quiet mode\n"
	"    -r | --readonly         connect readonly\n"
	"    -t | --timing           print timing information\n"
	"    -v                      short version\n"
	"    -V                      long version\n"
	"         --version[=TYPE]   version, TYPE is short or long (default short)\n";

static const char our_usage_options[] =
	"  options:\n"
	"    -c | --connect=URI      storage:///system or storage:///session\n"
	"    -d | --debug=NUM        debug level [0-4]\n"
	"    -h | --help             this help\n"
	"    -l | --log=FILE         write errors to a file as well\n"
	"    -q | --quiet            only data: no titles, no sentences of success\n"
	"    -r | --readonly         change nothing\n"
	"    -t | --timing           print how long each command took\n"
	"    -v                      short version\n"
	"    -V                      long version\n"
	"         --version[=TYPE]   version, TYPE is short or long (default short)\n"
	"         --format=FORMAT    text or json; also after a command\n"
	"         --timeout=SECONDS  how long a server may take to answer (default 10)\n"
	"         --root=DIR         the store of a system that is mounted there\n"
	"         --config-dir=DIR   where definitions are (BAREPOOL_CONFIG_DIR)\n"
	"         --run-dir=DIR      where the state of pools is (BAREPOOL_RUN_DIR)\n"
	"       -e, -k and -K are taken and do nothing.\n";

/* The group of the shell has the name of whoever has the shell. */
static const char *title_of(const struct cli *cli, const struct command_group *g)
{
	if (cli->virsh || strcmp(g->keyword, "virsh") != 0)
		return cli->virsh || strcmp(g->keyword, "host") != 0 ? g->title : "Host";
	return "Barepool itself";
}

static const char *keyword_of(const struct cli *cli, const struct command_group *g)
{
	return cli->virsh || strcmp(g->keyword, "virsh") != 0 ? g->keyword : "barepool";
}

static void print_line(const struct command *cmd)
{
	printf("    %-30s %s\n", cmd->name, cmd->help);
}

/* All commands of a group but those with one of these flags. */
static void print_group(const struct cli *cli, const struct command_group *g, const char *end,
			unsigned without)
{
	printf(" %s (help keyword '%s')%s\n", title_of(cli, g), keyword_of(cli, g), end);
	for (const struct command *const *c = g->commands; *c; c++)
		if (command_shown(cli, *c) && !((*c)->flags & without))
			print_line(*c);
}

/* In the order in which somebody needs them who has nothing yet. */
static void print_first(void)
{
	static const struct command *const first[] = {
		&cmd_init, &cmd_pool_list, &cmd_pool_define_as, &cmd_pool_start, &cmd_vol_list,
		&cmd_vol_create_as, &cmd_vol_info, &cmd_vol_clone, &cmd_vol_upload,
		&cmd_vol_delete, NULL
	};

	puts(" First steps");
	for (const struct command *const *c = first; *c; c++)
		print_line(*c);
	putchar('\n');
}

static void print_groups(const struct cli *cli, const char *end)
{
	unsigned without = COMMAND_HIDDEN | (cli->virsh ? 0 : COMMAND_FIRST);

	if (!cli->virsh)
		print_first();
	for (const struct command_group *g = command_groups; g->title; g++) {
		print_group(cli, g, end, without);
		putchar('\n');
	}
}

void help_usage(const struct cli *cli)
{
	const char *p = cli->program;

	printf("\n%s [options]... [<command_string>]\n"
	       "%s [options]... <command> [args...]\n\n", p, p);
	fputs(cli->virsh ? usage_options : our_usage_options, stdout);
	printf("  commands (non interactive mode):\n\n");
	print_groups(cli, "");
	printf("\n  (specify help <group> for details about the commands in the group)\n"
	       "\n  (specify help <command> for details about the command)\n\n");
}

/* ---- one command -------------------------------------------------------- */

static const char *type_word(const struct option_row *row)
{
	return row->type == OPT_NUMBER ? "number" : "string";
}

static void print_synopsis(const struct cli *cli, const struct command *cmd)
{
	const struct option_row *row = cmd->options;

	printf("    %s", cmd->name);
	for (; row && row->name; row++) {
		if (!option_shown(cli, row))
			continue;
		if (row->type == OPT_WORDS)
			printf(" [<%s>]...", row->name);
		else if (row->type == OPT_FLAG)
			printf(" [--%s]", row->name);
		else if (row->flags & ROW_REQUIRED)
			printf(row->flags & ROW_NAMED ? " --%s <%s>" : " <%s>", row->name,
			       type_word(row));
		else
			printf(" [--%s <%s>]%s", row->name, type_word(row),
			       option_again(cli, row) ? "..." : "");
	}
	putchar('\n');
}

static void print_row(const struct option_row *row)
{
	struct text form = { 0 };

	if (row->type == OPT_WORDS)
		text_addf(&form, "<%s>", row->name);
	else if (row->type == OPT_FLAG)
		text_addf(&form, "--%s", row->name);
	else if (row->flags & ROW_REQUIRED && !(row->flags & ROW_NAMED))
		text_addf(&form, "[--%s] <%s>", row->name, type_word(row));
	else
		text_addf(&form, "--%s <%s>", row->name, type_word(row));
	printf("    %-15s  %s\n", form.s, row->help);
	text_done(&form);
}

static bool has_options(const struct cli *cli, const struct command *cmd)
{
	for (const struct option_row *row = cmd->options; row && row->name; row++)
		if (option_shown(cli, row))
			return true;
	return false;
}

void help_command(const struct cli *cli, const struct command *cmd)
{
	printf("  NAME\n    %s - %s\n", cmd->name, cmd->help);
	printf("\n  SYNOPSIS\n");
	print_synopsis(cli, cmd);
	if (cmd->description)
		printf("\n  DESCRIPTION\n    %s\n", cmd->description);
	if (has_options(cli, cmd)) {
		printf("\n  OPTIONS\n");
		for (const struct option_row *row = cmd->options; row->name; row++)
			if (option_shown(cli, row))
				print_row(row);
	}
	if (!cli->virsh)
		printf("\n  EXAMPLES\n    %s %s\n", cli->program, cmd->example);
	putchar('\n');
}

/* ---- help --------------------------------------------------------------- */

struct help {
	const char *command;
	struct cli_words rest;
};

static const struct option_row help_options[] = {
	{ "command", OPT_STRING, ROW_EMPTY_OK, offsetof(struct help, command),
	  "Prints global help, command specific help, or help for a group of related commands",
	  COMPLETE_COMMAND },
	{ "more", OPT_WORDS, ROW_HIDDEN, offsetof(struct help, rest), NULL, COMPLETE_NOTHING },
	{ NULL }
};

static int help(struct cli *cli, const void *args, struct bp_error *err)
{
	const char *name = ((const struct help *)args)->command;
	const struct command *cmd;

	(void)err;
	if (!name || !*name) {
		printf("Grouped commands:\n\n");
		print_groups(cli, ":");
		return 0;
	}
	for (const struct command_group *g = command_groups; g->title; g++) {
		if (strcmp(title_of(cli, g), name) == 0 || strcmp(keyword_of(cli, g), name) == 0) {
			print_group(cli, g, ":", COMMAND_HIDDEN);
			return 0;
		}
	}
	cmd = command_find(cli, name);
	if (!cmd)
		return cli_failed(cli, "command or command group '%s' doesn't exist", name);
	help_command(cli, cmd);
	return 0;
}

const struct command cmd_help = {
	"help", "print help",
	"Prints global help, command specific help, or help for a\n    group of related commands",
	"help pool-list",
	help_options, sizeof(struct help), help, COMMAND_NO_STORE | COMMAND_LENIENT, NULL
};

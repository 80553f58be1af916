/* cli_help.c - the rows of all commands, held to what help and the manual say of them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/options.h"
#include "cli/shell.h"
#include "tests/tap.h"
#include "tests/unit/cli_capture.h"

/* Call for every command; stops at the first that is not as it should be. */
static const struct command *first_bad(bool (*good)(const struct command *cmd))
{
	for (const struct command_group *g = command_groups; g->title; g++)
		for (const struct command *const *c = g->commands; *c; c++)
			if (!good(*c))
				return *c;
	return NULL;
}

#define ALL(good) do {							\
	const struct command *bad_ = first_bad(good);			\
									\
	SAME(bad_ ? bad_->name : "none", "none");			\
} while (0)

static bool is_described(const struct command *cmd)
{
	return cmd->name && cmd->help && *cmd->help && cmd->run && cmd->example;
}

TEST(every_command_has_a_name_help_and_an_example)
{
	ALL(is_described);
}

static bool example_parses(const struct command *cmd)
{
	struct cli cli = test_cli();
	struct words w = { .line = cmd->example };
	struct parsed_list list;
	bool good;

	if (options_parse(&cli, &w, &list) < 0)
		return false;
	good = list.n == 1 && list.commands[0].cmd == cmd;
	parsed_list_done(&list);
	return good;
}

TEST(every_example_can_be_typed)
{
	ALL(example_parses);
}

static bool rows_are_sound(const struct command *cmd)
{
	bool optional = false;

	for (const struct option_row *r = cmd->options; r && r->name; r++) {
		bool required = r->flags & ROW_REQUIRED;

		if (required && optional && !(r->flags & ROW_NAMED))
			return false;		/* bare words could not reach it */
		if (r->type != OPT_FLAG && !required)
			optional = true;
		if (!(r->flags & ROW_HIDDEN) && (!r->help || !*r->help))
			return false;
		if (r->at >= cmd->args_size)
			return false;
		for (const struct option_row *s = cmd->options; s != r; s++)
			if (strcmp(r->name, s->name) == 0 || r->at == s->at)
				return false;
		for (const char *p = r->name; *p; p++)
			if (!isalnum((unsigned char)*p) && *p != '-')
				return false;
	}
	return true;
}

TEST(rows_are_reachable_and_have_a_place_each)
{
	ALL(rows_are_sound);
}

static bool pairs_name_options(const struct command *cmd)
{
	struct cli cli = test_cli();
	const char *const (*pair)[2] = cmd->exclusive;

	for (; pair && (*pair)[0]; pair++)
		for (int i = 0; i < 2; i++)
			if (!option_find(&cli, cmd, (*pair)[i], strlen((*pair)[i])))
				return false;
	return true;
}

TEST(exclusive_options_exist)
{
	ALL(pairs_name_options);
}

static bool is_found_by_name(const struct command *cmd)
{
	struct cli cli = test_cli();

	return command_find(&cli, cmd->name) == cmd;
}

TEST(names_are_unique)
{
	ALL(is_found_by_name);
}

static bool is_elsewhere_only_if_not_virsh(const struct command *cmd)
{
	return !command_is_elsewhere(cmd->name) || cmd->flags & COMMAND_OURS;
}

TEST(what_we_have_is_not_said_to_be_elsewhere)
{
	ALL(is_elsewhere_only_if_not_virsh);
	CHECK(command_is_elsewhere("list"));
	CHECK(command_is_elsewhere("allocpages"));
	CHECK(command_is_elsewhere("vncdisplay"));
	CHECK(!command_is_elsewhere("nonsense"));
}

TEST(under_the_other_name_ours_are_not_there)
{
	struct cli cli = test_cli();

	cli.virsh = true;
	CHECK(!command_find(&cli, "init"));
	CHECK(!command_find(&cli, "xml"));
	CHECK(command_find(&cli, "pool-list"));
}

/* The ten a newcomer needs come first, and are not told twice. */
TEST(help_names_every_command_once)
{
	struct cli cli = test_cli();
	struct capture c = capture_begin(stdout);
	unsigned first = 0;
	char *help, *steps;

	help_usage(&cli);
	help = capture_end(&c);
	steps = strstr(help, " First steps\n");
	CHECK(steps);
	*strstr(steps, "\n\n") = '\0';
	for (const struct command_group *g = command_groups; g->title; g++) {
		for (const struct command *const *p = g->commands; *p; p++) {
			char line[64];
			const char *at, *rest = steps + strlen(steps) + 1;

			snprintf(line, sizeof line, "\n    %s ", (*p)->name);
			at = strstr((*p)->flags & COMMAND_FIRST ? steps : rest, line);
			if ((*p)->flags & COMMAND_HIDDEN) {
				CHECK(!at);
				continue;
			}
			CHECK(at);
			CHECK(!strstr((*p)->flags & COMMAND_FIRST ? rest : steps, line));
			first += !!((*p)->flags & COMMAND_FIRST);
		}
	}
	SAME_N(first, 10);
	free(help);
}

TEST(help_of_a_command_shows_all_its_options)
{
	struct cli cli = test_cli();
	struct capture c = capture_begin(stdout);
	char *help;

	help_command(&cli, &cmd_vol_resize);
	help = capture_end(&c);
	SAME(help,
	     "  NAME\n    vol-resize - resize a vol\n"
	     "\n  SYNOPSIS\n"
	     "    vol-resize <vol> <capacity> [--pool <string>] [--allocate] [--delta] [--shrink] "
	     "[--force] [--force-backing]\n"
	     "\n  DESCRIPTION\n"
	     "    Resizes a storage volume. This is safe only for storage volumes not in use by an "
	     "active guest.\nSee blockresize for live resizing.\n"
	     "\n  OPTIONS\n"
	     "    [--vol] <string>  vol name, key or path\n"
	     "    [--capacity] <string>  new capacity for the vol, "
	     "as scaled integer (default bytes)\n"
	     "    --pool <string>  pool name or uuid\n"
	     "    --allocate       allocate the new capacity, rather than leaving it sparse\n"
	     "    --delta          use capacity as a delta to current size, "
	     "rather than the new size\n"
	     "    --shrink         allow the resize to shrink the volume\n"
	     "    --force          even if somebody uses the volume\n"
	     "    --force-backing  even if other volumes of the pool have it as their backing "
	     "store\n"
	     "\n  EXAMPLES\n    barepool vol-resize disk1 20G default\n\n");
	free(help);
}

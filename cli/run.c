/* run.c - run what was parsed, and say what virsh says around it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <time.h>

#include "cli/options.h"
#include "cli/shell.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

static int run_command(struct cli *cli, const struct parsed *p, struct bp_error *err)
{
	auto_free void *args = mem_alloc(p->cmd->args_size);

	if (options_fill(cli, p, args, err) < 0)
		return -1;
	if (!(p->cmd->flags & COMMAND_NO_STORE) && cli_open_store(cli, err) < 0)
		return -1;
	/* what one command was allowed the next is not */
	if (cli->store && bp_store_allow_device(cli->store, NULL, err) < 0)
		return -1;
	return p->cmd->run(cli, args, err);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* virsh ends what a command prints with an empty line, also when it failed. */
static void print_end(const struct cli *cli, const struct parsed *p, double started)
{
	if (cli->timing)
		fprintf(cli->format == FORMAT_JSON ? stderr : stdout, "\n(Time: %.3f ms)\n\n",
			now_ms() - started);
	else if (!cli->quiet && cli->format == FORMAT_TEXT && !(p->cmd->flags & COMMAND_BARE))
		putchar('\n');
}

static int run_one(struct cli *cli, const struct parsed *p)
{
	enum cli_format usual = cli->format;
	double started = cli->timing ? now_ms() : 0;
	struct bp_error err = { 0 };
	int result = 0;

	cli->format = p->format;
	if (p->help)
		help_command(cli, p->cmd);
	else
		result = run_command(cli, p, &err);
	cli_report(cli, &err);
	if (!cli->ended && !cli->caught)
		print_end(cli, p, started);
	cli->format = usual;
	return result;
}

int run_words(struct cli *cli, struct words *words)
{
	cleanup(parsed_list_done) struct parsed_list list = { 0 };
	int result = 0;

	if (options_parse(cli, words, &list) < 0)
		return 1;
	for (size_t i = 0; i < list.n && !cli->ended && !cli->caught; i++)
		result = run_one(cli, &list.commands[i]);
	return result < 0 ? 1 : result;
}

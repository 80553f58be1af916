/* session.c - commands typed one after the other, or read from standard input. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/shell.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

static void greet(const struct cli *cli)
{
	if (cli->quiet)
		return;
	if (cli->virsh)
		printf("Welcome to virsh, the virtualization interactive terminal.\n\n"
		       "Type:  'help' for help with commands\n"
		       "       'quit' to quit\n\n");
	else
		printf("barepool %s.  Type 'help' for the commands, 'quit' to leave.\n\n",
		       bp_version());
}

/* virsh shows what it reads even when nobody types it. */
static char *next_line(struct cli *cli, bool terminal)
{
	auto_free char *prompt = mem_printf("%s %c ", cli->virsh ? "virsh" : "barepool",
					    cli->readonly ? '>' : '#');
	bool shown = terminal || cli->virsh;
	char *line = line_read(cli, shown ? prompt : "");

	if (line && shown && !terminal)
		printf("%s\n", line);
	return line;
}

/* Ctrl-C ends the command; what else asks us to end means all of us. */
static bool must_end(struct cli *cli)
{
	if (cli->caught == SIGINT)
		cli->caught = 0;
	return cli->ended || cli->caught;
}

int run_session(struct cli *cli)
{
	bool terminal = isatty(STDIN_FILENO);

	cli->session = true;
	if (terminal || cli->virsh)
		greet(cli);
	while (!must_end(cli)) {
		auto_free char *line = next_line(cli, terminal);
		struct words words = { .line = line };

		if (!line)
			break;
		if (*line)
			run_words(cli, &words);
		fflush(stdout);
	}
	if (terminal || cli->virsh)
		putchar('\n');
	line_done();
	return 0;
}

/* autostart.c - autostart: all that is marked for it, after a boot. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdio.h>

#include "cli/groups.h"
#include "cli/json.h"

struct autostart {
	struct cli_number timeout;
	bool again;
};

static const struct option_row autostart_options[] = {
#define AT(m) offsetof(struct autostart, m)
	{ "timeout", OPT_NUMBER, 0, AT(timeout),
	  "seconds in which storage that is late is tried again (default: one try)",
	  COMPLETE_NOTHING },
	{ "again", OPT_FLAG, 0, AT(again), "also if it has been done since the boot",
	  COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static void print_json(const char *pool, bool started, const struct bp_error *why)
{
	struct json j = { stdout };

	json_open(&j, NULL, '{');
	json_text(&j, "pool", pool);
	json_bool(&j, "active", !why);
	json_bool(&j, "started", started);
	json_text(&j, "problem", why ? why->text : NULL);
	json_close(&j, '}');
	putchar('\n');
}

static void tell(void *arg, const char *pool, bool started, const struct bp_error *why)
{
	struct cli *cli = arg;

	if (cli->format == FORMAT_JSON)
		print_json(pool, started, why);
	else if (!why)
		cli_done(cli, "Pool %s %s", pool, started ? "started" : "already active");
	fflush(stdout);		/* the next one may take a while */
	if (!why)
		return;
	cli_failed(cli, "Failed to autostart pool %s", pool);
	if (why->code == BP_WRONG_STATE)
		cli_hint(cli, "with --again it is started");
	cli_report(cli, why);
}

static int autostart(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct autostart *a = args;
	struct bp_autostart how = { .again = a->again, .tell = tell, .arg = cli };
	unsigned down;

	if (a->timeout.value > INT_MAX / 1000)
		return cli_failed(cli, "Numeric value '%s' for <timeout> option is malformed or "
				  "out of range", a->timeout.text);
	how.timeout = (unsigned)a->timeout.value;
	if (bp_store_autostart(cli->store, &how, &down, err) < 0)
		return cli_failed(cli, "Failed to start the pools marked for it");
	return down ? -1 : 0;
}

const struct command cmd_autostart = {
	"autostart", "start the pools that are marked for it, once per boot",
	"Start every pool that pool-autostart has marked, the first time this is run after\n"
	"    the host has started.  All are started at once, but a pool whose target lies in\n"
	"    another's after that one.  The status is 0 if all of them are active at the end.",
	"autostart --timeout 60",
	autostart_options, sizeof(struct autostart), autostart, COMMAND_OURS, NULL
};

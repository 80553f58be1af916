/* watch.c - watch: pools and volumes as they come, change and go. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cell.h"
#include "cli/groups.h"
#include "cli/json.h"
#include "cli/waiting.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

struct watch {
	struct cli_words pools;
	bool timestamp;
	struct cli_number timeout, count;
};

static const struct option_row watch_options[] = {
#define AT(m) offsetof(struct watch, m)
	{ "timestamp", OPT_FLAG, ROW_NAMED, AT(timestamp), "show the time of each change",
	  COMPLETE_NOTHING },
	{ "timeout", OPT_NUMBER, ROW_NAMED, AT(timeout), "end after so many seconds",
	  COMPLETE_NOTHING },
	{ "count", OPT_NUMBER, ROW_NAMED, AT(count), "end after so many changes",
	  COMPLETE_NOTHING },
	{ "pool", OPT_WORDS, 0, AT(pools), "pools of interest (default: all)", COMPLETE_POOL },
	{ NULL }
#undef AT
};

/* After "Pool NAME", or between "Vol NAME" and the name of its pool. */
static const char *const sentences[] = {
	[BP_EVENT_DEFINED]     = "defined",
	[BP_EVENT_UNDEFINED]   = "undefined",
	[BP_EVENT_STARTED]     = "started",
	[BP_EVENT_STOPPED]     = "stopped",
	[BP_EVENT_CREATED]     = "built",
	[BP_EVENT_DELETED]     = "deleted",
	[BP_EVENT_REFRESHED]   = "refreshed",
	[BP_EVENT_MARKED]      = "marked as autostarted",
	[BP_EVENT_UNMARKED]    = "unmarked as autostarted",
	[BP_EVENT_TARGET_GONE] = "has lost its target",
	[BP_EVENT_TARGET_BACK] = "has its target again",
	[BP_EVENT_VOL_CREATED] = "created in pool",
	[BP_EVENT_VOL_CHANGED] = "changed in pool",
	[BP_EVENT_VOL_DELETED] = "deleted from pool",
};

struct watching {
	const struct cli *cli;
	const struct watch *a;
	char **pools;		/* the names of those of interest; none: all */
	size_t n;
	struct cell_printer names;
	uint64_t count;
};

static void watching_done(struct watching *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->pools[i]);
	free(w->pools);
	cell_printer_done(&w->names);
}

/* Names are anybody's: they must not steer a terminal, nor look like a line. */
static void print_name(struct watching *w, const char *before, const char *name)
{
	struct shown s = cell_show(&w->names, name);

	printf("%s%.*s", before, (int)s.len, s.text);
}

static void print_text(struct watching *w, const struct bp_event *ev)
{
	if (ev->kind == BP_EVENT_LOST) {
		puts("More has happened than could be noted; what has come and gone follows");
		return;
	}
	print_name(w, ev->vol ? "Vol " : "Pool ", ev->vol ? ev->vol : ev->pool);
	printf(" %s", sentences[ev->kind]);
	if (ev->vol)
		print_name(w, " ", ev->pool);
	putchar('\n');
}

/* ev is NULL for the line that says that we have begun. */
static void print(struct watching *w, const struct bp_event *ev)
{
	struct json j = { stdout };
	char now[NOW_TEXT];

	now_text(now);
	if (w->cli->format == FORMAT_JSON) {
		json_open(&j, NULL, '{');
		json_text(&j, "time", now);
		json_text(&j, "kind", ev ? event_word(ev->kind) : "watching");
		json_text(&j, "pool", ev ? ev->pool : NULL);
		json_text(&j, "volume", ev ? ev->vol : NULL);
		json_close(&j, '}');
		putchar('\n');
	} else {
		if (w->a->timestamp)
			printf("%s: ", now);
		if (ev)
			print_text(w, ev);
		else
			puts("Watching");
	}
	fflush(stdout);		/* whoever reads it is waiting */
}

static bool is_wanted(const struct watching *w, const struct bp_event *ev)
{
	for (size_t i = 0; i < w->n; i++)
		if (!ev->pool || strcmp(w->pools[i], ev->pool) == 0)
			return true;
	return w->n == 0;
}

static bool take(void *arg, const struct bp_event *ev)
{
	struct watching *w = arg;

	if (!is_wanted(w, ev))
		return true;
	print(w, ev);
	return ++w->count != w->a->count.value;
}

static int find_pools(struct cli *cli, struct watching *w, struct bp_error *err)
{
	const struct cli_words *typed = &w->a->pools;

	for (size_t i = 0; i < typed->n; i++)
		if (pool_lookup(cli, typed->words[i], BP_BY_UUID | BP_BY_NAME,
				array_add(w->pools, w->n), err) < 0)
			return -1;
	return 0;
}

static int watch(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct watch *a = args;
	cleanup(watching_done) struct watching w = { .cli = cli, .a = a, .names = { .cli = cli } };
	cleanup(bp_events_closep) struct bp_events *events = NULL;
	enum waiting_end end;

	if (check_timeout(cli, &a->timeout) < 0 || find_pools(cli, &w, err) < 0)
		return -1;
	if (a->count.given && a->count.value == 0)
		return cli_failed(cli, "--count must be 1 or more");
	cell_printer_open(&w.names);
	if (bp_events_open(cli->store, BP_EVENTS_ALL, &events, err) < 0)
		return cli_failed(cli, "failed to watch for changes");
	if (!cli->quiet)
		print(&w, NULL);
	if (wait_for_events(events, &a->timeout, take, &w, &end, err) < 0)
		return -1;
	return a->count.given && end == WAITING_TIMEOUT ? -1 : 0;
}

const struct command cmd_watch = {
	"watch", "tell what happens to pools and their volumes",
	"Print a line for each change of a pool, and for each volume of an active pool that\n"
	"    is made, changed or deleted, whoever does it, until interrupted.  A first line\n"
	"    says that from then on nothing is missed.",
	"watch default --timestamp",
	watch_options, sizeof(struct watch), watch, COMMAND_OURS | COMMAND_BARE, NULL
};

/* pool_event.c - pool-event: wait for what happens to pools, and tell it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/json.h"
#include "cli/waiting.h"
#include "core/base/cleanup.h"

struct event {
	const char *pool, *event;
	bool loop, list, timestamp;
	struct cli_number timeout;
};

static const struct option_row event_options[] = {
#define AT(m) offsetof(struct event, m)
	{ "pool", OPT_STRING, 0, AT(pool), "filter by storage pool name or uuid", COMPLETE_POOL },
	{ "event", OPT_STRING, 0, AT(event), "which event type to wait for", COMPLETE_EVENT },
	{ "loop", OPT_FLAG, 0, AT(loop), "loop until timeout or interrupt, rather than one-shot",
	  COMPLETE_NOTHING },
	{ "timeout", OPT_NUMBER, 0, AT(timeout), "timeout seconds", COMPLETE_NOTHING },
	{ "list", OPT_FLAG, 0, AT(list), "list valid event types", COMPLETE_NOTHING },
	{ "timestamp", OPT_FLAG, 0, AT(timestamp), "show timestamp for each printed event",
	  COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

/* virsh has two types of events; the first has words for what happened. */
static const char *const kinds[] = {
	[BP_EVENT_DEFINED]   = "Defined",
	[BP_EVENT_UNDEFINED] = "Undefined",
	[BP_EVENT_STARTED]   = "Started",
	[BP_EVENT_STOPPED]   = "Stopped",
	[BP_EVENT_CREATED]   = "Created",
	[BP_EVENT_DELETED]   = "Deleted",
	[BP_EVENT_REFRESHED] = NULL,
};

static void print_event(const struct cli *cli, const struct event *a, const struct bp_event *ev)
{
	struct json j = { stdout };
	char now[NOW_TEXT];

	now_text(now);
	if (cli->format == FORMAT_JSON) {
		json_open(&j, NULL, '{');
		json_text(&j, "time", now);
		json_text(&j, "event", kinds[ev->kind] ? "lifecycle" : "refresh");
		json_text(&j, "pool", ev->pool);
		json_text(&j, "kind", event_word(ev->kind));
		json_close(&j, '}');
		putchar('\n');
	} else {
		if (a->timestamp)
			printf("%s: ", now);
		if (kinds[ev->kind])
			printf("event 'lifecycle' for storage pool %s: %s\n", ev->pool,
			       kinds[ev->kind]);
		else
			printf("event 'refresh' for storage pool %s\n", ev->pool);
	}
	fflush(stdout);		/* whoever reads it is waiting */
}

struct wish {
	const struct cli *cli;
	const struct event *a;
	const char *pool;	/* the only one of interest, or NULL */
	bool refresh;		/* that type of event; else the other one */
	unsigned count;
};

static bool take(void *arg, const struct bp_event *ev)
{
	struct wish *w = arg;

	if (w->refresh != (ev->kind == BP_EVENT_REFRESHED) ||
	    (w->pool && strcmp(w->pool, ev->pool) != 0))
		return true;
	print_event(w->cli, w->a, ev);
	w->count++;
	return w->a->loop;
}

static int watch(struct cli *cli, const struct event *a, const char *pool, struct bp_error *err)
{
	static const char *const ends[] = {
		[WAITING_TIMEOUT] = "event loop timed out\n",
		[WAITING_INTERRUPTED] = "event loop interrupted\n",
		[WAITING_ENOUGH] = "",
	};
	cleanup(bp_events_closep) struct bp_events *events = NULL;
	struct wish w = { cli, a, pool, strcmp(a->event, "refresh") == 0, 0 };
	enum waiting_end end;

	if (bp_events_open(cli->store, 0, &events, err) < 0)
		return cli_failed(cli, "failed to watch for events");
	if (wait_for_events(events, &a->timeout, take, &w, &end, err) < 0)
		return -1;
	if (cli->format == FORMAT_TEXT)
		printf("%sevents received: %u\n", ends[end], w.count);
	return w.count ? 0 : -1;
}

static int pool_event(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct event *a = args;
	auto_free char *pool = NULL;

	if (a->list) {
		puts(cli->format == FORMAT_JSON ? "[\"lifecycle\", \"refresh\"]" :
		     "lifecycle\nrefresh");
		return 0;
	}
	if (!a->event)
		return cli_failed(cli, "either --list or --event <type> is required");
	if (strcmp(a->event, "lifecycle") != 0 && strcmp(a->event, "refresh") != 0)
		return cli_failed(cli, "unknown event type %s", a->event);
	if (check_timeout(cli, &a->timeout) < 0)
		return -1;
	if (a->pool && pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &pool, err) < 0)
		return -1;
	return watch(cli, a, pool, err);
}

const struct command cmd_pool_event = {
	"pool-event", "Storage Pool Events",
	"List event types, or wait for storage pool events to occur",
	"pool-event --event lifecycle --loop --timestamp",
	event_options, sizeof(struct event), pool_event, 0, NULL
};

/* pool_event.c - pool-event: wait for what happens to pools, and tell it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/groups.h"
#include "cli/json.h"
#include "cli/progress.h"
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

static const char *const json_kinds[] = {
	[BP_EVENT_DEFINED]   = "defined",
	[BP_EVENT_UNDEFINED] = "undefined",
	[BP_EVENT_STARTED]   = "started",
	[BP_EVENT_STOPPED]   = "stopped",
	[BP_EVENT_CREATED]   = "created",
	[BP_EVENT_DELETED]   = "deleted",
	[BP_EVENT_REFRESHED] = "refreshed",
};

/* "2026-11-21 02:15:40.799+0000" */
static void format_now(char *buf, size_t size)
{
	struct timespec ts;
	struct tm tm;
	char day[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf, size, "%s.%03ld+0000", day, ts.tv_nsec / 1000000);
}

static void print_event(const struct cli *cli, const struct event *a, const struct bp_event *ev)
{
	struct json j = { stdout };
	char now[64];

	format_now(now, sizeof now);
	if (cli->format == FORMAT_JSON) {
		json_open(&j, NULL, '{');
		json_text(&j, "time", now);
		json_text(&j, "event", kinds[ev->kind] ? "lifecycle" : "refresh");
		json_text(&j, "pool", ev->pool);
		json_text(&j, "kind", json_kinds[ev->kind]);
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

/* One wait from its beginning to its end. */
struct wait {
	struct cli *cli;
	const struct event *a;
	const char *pool;	/* the only one of interest, or NULL */
	bool refresh;		/* that type of event; else the other one */
	struct bp_events *events;
	struct timespec until;	/* if there is a timeout */
	sigset_t open;		/* signals let through while waiting, and only then */
	unsigned count;
};

static bool is_wanted(const struct wait *w, const struct bp_event *ev)
{
	return w->refresh == (ev->kind == BP_EVENT_REFRESHED) &&
	       (!w->pool || strcmp(w->pool, ev->pool) == 0);
}

/* What is left of the timeout; false when nothing is. */
static bool time_left(const struct wait *w, struct timespec *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ret->tv_sec = w->until.tv_sec - now.tv_sec;
	ret->tv_nsec = w->until.tv_nsec - now.tv_nsec;
	if (ret->tv_nsec < 0) {
		ret->tv_sec--;
		ret->tv_nsec += 1000000000;
	}
	return ret->tv_sec >= 0;
}

/* 1: go on; 0: the end has come; -1: a failure. */
static int next_events(struct wait *w, struct bp_error *err)
{
	struct bp_event ev;
	int r;

	while ((r = bp_events_next(w->events, &ev, err)) > 0) {
		if (!is_wanted(w, &ev))
			continue;
		print_event(w->cli, w->a, &ev);
		w->count++;
		if (!w->a->loop)
			return 0;
	}
	return r < 0 ? -1 : 1;
}

static int wait_for_events(struct wait *w, const char **ret_end, struct bp_error *err)
{
	struct pollfd pfd = { .fd = bp_events_fd(w->events), .events = POLLIN };
	int r;

	while ((r = next_events(w, err)) > 0) {
		struct timespec left;

		if (w->a->timeout.given && !time_left(w, &left)) {
			*ret_end = "event loop timed out";
			return 0;
		}
		if (ppoll(&pfd, 1, w->a->timeout.given ? &left : NULL, &w->open) < 0 &&
		    errno != EINTR)
			return bp_fail_sys(err, errno, "cannot wait for events");
		if (interrupt_seen()) {
			*ret_end = "event loop interrupted";
			return 0;
		}
	}
	return r;
}

/* A signal between two looks must not be missed: they come in only while we wait. */
static int wait_safely(struct wait *w, const char **ret_end, struct bp_error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t shut, before;
	int r;

	sigemptyset(&shut);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaddset(&shut, signals[i]);
	sigprocmask(SIG_BLOCK, &shut, &before);
	w->open = before;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigdelset(&w->open, signals[i]);
	interrupt_catch(true);
	r = wait_for_events(w, ret_end, err);
	interrupt_release();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int watch(struct cli *cli, const struct event *a, const char *pool, struct bp_error *err)
{
	cleanup(bp_events_closep) struct bp_events *events = NULL;
	const char *end = NULL;
	struct wait w = { .cli = cli, .a = a, .pool = pool };

	w.refresh = strcmp(a->event, "refresh") == 0;
	clock_gettime(CLOCK_MONOTONIC, &w.until);
	w.until.tv_sec += (time_t)a->timeout.value;
	if (bp_events_open(cli->store, &events, err) < 0)
		return cli_failed(cli, "failed to watch for events");
	w.events = events;
	if (wait_safely(&w, &end, err) < 0)
		return -1;
	if (cli->format == FORMAT_TEXT) {
		if (end)
			printf("%s\n", end);
		printf("events received: %u\n", w.count);
	}
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
	if (a->timeout.given && (a->timeout.value < 1 || a->timeout.value > INT_MAX / 1000))
		return cli_failed(cli, "Numeric value '%s' for <timeout> option is malformed or "
				  "out of range", a->timeout.text);
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

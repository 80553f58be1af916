/* waiting.c - see waiting.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/waiting.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "cli/progress.h"

const char *event_word(enum bp_event_kind kind)
{
	static const char *const words[] = {
		[BP_EVENT_DEFINED]     = "defined",
		[BP_EVENT_UNDEFINED]   = "undefined",
		[BP_EVENT_STARTED]     = "started",
		[BP_EVENT_STOPPED]     = "stopped",
		[BP_EVENT_CREATED]     = "created",
		[BP_EVENT_DELETED]     = "deleted",
		[BP_EVENT_REFRESHED]   = "refreshed",
		[BP_EVENT_MARKED]      = "marked",
		[BP_EVENT_UNMARKED]    = "unmarked",
		[BP_EVENT_TARGET_GONE] = "target-gone",
		[BP_EVENT_TARGET_BACK] = "target-back",
		[BP_EVENT_VOL_CREATED] = "created",
		[BP_EVENT_VOL_CHANGED] = "changed",
		[BP_EVENT_VOL_DELETED] = "deleted",
		[BP_EVENT_LOST]	       = "lost",
	};

	return words[kind];
}

const char *now_text(char buf[static NOW_TEXT])
{
	struct timespec ts;
	struct tm tm;
	char day[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf, NOW_TEXT, "%s.%03ld+0000", day, ts.tv_nsec / 1000000);
	return buf;
}

int check_timeout(struct cli *cli, const struct cli_number *timeout)
{
	if (!timeout->given || (timeout->value >= 1 && timeout->value <= INT_MAX / 1000))
		return 0;
	return cli_failed(cli, "Numeric value '%s' for <timeout> option is malformed or out of "
			  "range", timeout->text);
}

/* One wait from its beginning to its end. */
struct wait {
	struct bp_events *events;
	bool (*take)(void *arg, const struct bp_event *ev);
	void *arg;
	bool ends;
	struct timespec until;	/* if it ends by itself */
	sigset_t open;		/* signals let through while waiting, and only then */
};

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

/* 1: go on; 0: it is enough; -1: a failure. */
static int take_events(const struct wait *w, struct bp_error *err)
{
	struct bp_event ev;
	int r;

	while ((r = bp_events_next(w->events, &ev, err)) > 0)
		if (!w->take(w->arg, &ev))
			return 0;
	return r < 0 ? -1 : 1;
}

static int wait_and_take(const struct wait *w, enum waiting_end *ret, struct bp_error *err)
{
	struct pollfd pfd = { .fd = bp_events_fd(w->events), .events = POLLIN };
	int r;

	while ((r = take_events(w, err)) > 0) {
		struct timespec left;

		if (w->ends && !time_left(w, &left)) {
			*ret = WAITING_TIMEOUT;
			return 0;
		}
		if (ppoll(&pfd, 1, w->ends ? &left : NULL, &w->open) < 0 && errno != EINTR)
			return bp_fail_sys(err, errno, "cannot wait for events");
		if (interrupt_seen()) {
			*ret = WAITING_INTERRUPTED;
			return 0;
		}
	}
	*ret = WAITING_ENOUGH;
	return r;
}

/* A signal between two looks must not be missed: they come in only while we wait. */
int wait_for_events(struct bp_events *events, const struct cli_number *timeout,
		    bool (*take)(void *arg, const struct bp_event *ev), void *arg,
		    enum waiting_end *ret, struct bp_error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct wait w = { .events = events, .take = take, .arg = arg, .ends = timeout->given };
	sigset_t shut, before;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &w.until);
	w.until.tv_sec += (time_t)timeout->value;
	sigemptyset(&shut);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaddset(&shut, signals[i]);
	sigprocmask(SIG_BLOCK, &shut, &before);
	w.open = before;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigdelset(&w.open, signals[i]);
	interrupt_catch(true);
	r = wait_and_take(&w, ret, err);
	interrupt_release();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

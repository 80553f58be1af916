/* events.c - what happens to the pools of a store, seen from its two directories.
 *
 * A definition or a state that appears or goes is a file that does; what
 * changes no file is told by one that comes and goes (state_signal()).  So
 * whatever program does it, a libvirt daemon included, is seen.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/state.h"
#include "core/store.h"
#include "core/watch.h"

struct bp_events {
	int fd;
	int config_watch, run_watch;
	struct watch *all;	/* NULL: pools only */
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	size_t len, at;
	char pool[NAME_MAX + 1];
};

/* By the directory, the kind of change, and how the file's name ends. */
static const struct event_rule {
	bool config;
	uint32_t mask;
	const char *suffix;
	enum bp_event_kind kind;
} rules[] = {
	{ true,	 IN_MOVED_TO,	 ".xml",	   BP_EVENT_DEFINED },
	{ true,	 IN_DELETE,	 ".xml",	   BP_EVENT_UNDEFINED },
	{ false, IN_MOVED_TO,	 ".xml",	   BP_EVENT_STARTED },
	{ false, IN_DELETE,	 ".xml",	   BP_EVENT_STOPPED },
	{ false, IN_CLOSE_WRITE, SIGNAL_STOPPED,   BP_EVENT_STOPPED },
	{ false, IN_CLOSE_WRITE, SIGNAL_BUILT,	   BP_EVENT_CREATED },
	{ false, IN_CLOSE_WRITE, SIGNAL_ERASED,	   BP_EVENT_DELETED },
	{ false, IN_CLOSE_WRITE, SIGNAL_REFRESHED, BP_EVENT_REFRESHED },
};

/* There is nothing to watch in a directory that is not there, so it is made;
 * who may only look must do with what is. */
static int watch(struct bp_store *s, int fd, const char *dir, int *ret, struct bp_error *err)
{
	struct bp_error ignored = { 0 };

	if (!(s->flags & BP_STORE_READONLY))
		(void)dir_make(dir, 0755, &ignored);
	*ret = inotify_add_watch(fd, dir, IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR);
	if (*ret < 0)
		return bp_fail_sys(err, errno, "cannot watch directory '%s'", dir);
	return 0;
}

int bp_events_open(struct bp_store *s, unsigned flags, struct bp_events **ret,
		   struct bp_error *err)
{
	cleanup(bp_events_closep) struct bp_events *ev = mem_alloc(sizeof *ev);

	ev->fd = -1;
	if (refuse_flags(flags, BP_EVENTS_ALL, "bp_events_open", err) < 0)
		return -1;
	ev->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (ev->fd < 0)
		return bp_fail_sys(err, errno, "cannot watch for events");
	if (watch(s, ev->fd, s->config_dir, &ev->config_watch, err) < 0 ||
	    watch(s, ev->fd, s->run_dir, &ev->run_watch, err) < 0 ||
	    (flags & BP_EVENTS_ALL && watch_open(s, ev->fd, &ev->all, err) < 0))
		return -1;
	*ret = steal(ev);
	return 0;
}

int bp_events_fd(const struct bp_events *ev)
{
	return ev->fd;
}

static bool match(struct bp_events *ev, const struct inotify_event *e, struct bp_event *ret)
{
	for (size_t i = 0; e->len && i < array_size(rules); i++) {
		const struct event_rule *r = &rules[i];
		size_t n = strlen(e->name);

		if (e->wd != (r->config ? ev->config_watch : ev->run_watch) ||
		    !(e->mask & r->mask) || !ends_with(e->name, r->suffix) ||
		    n == strlen(r->suffix))
			continue;
		n -= strlen(r->suffix);
		memcpy(ev->pool, e->name, n);
		ev->pool[n] = '\0';
		*ret = (struct bp_event){ .kind = r->kind, .pool = ev->pool };
		return true;
	}
	return false;
}

/* 1: there are some; 0: not now. */
static int read_some(struct bp_events *ev, struct bp_error *err)
{
	ssize_t n = retry(read(ev->fd, ev->buffer, sizeof ev->buffer));

	if (n < 0)
		return errno == EAGAIN ? 0 : bp_fail_sys(err, errno, "cannot read events");
	ev->len = (size_t)n;
	ev->at = 0;
	return 1;
}

int bp_events_next(struct bp_events *ev, struct bp_event *ret, struct bp_error *err)
{
	for (;;) {
		const struct inotify_event *e = (const void *)(ev->buffer + ev->at);
		bool is_pools;
		int r;

		if (ev->all && watch_next(ev->all, ret))
			return 1;
		if (ev->at >= ev->len) {
			r = read_some(ev, err);
			if (r <= 0)
				return r;
			continue;
		}
		ev->at += sizeof *e + e->len;
		is_pools = match(ev, e, ret);
		if (ev->all && watch_see(ev->all, e, is_pools ? ret : NULL, err) < 0)
			return -1;
		if (is_pools)
			return 1;
	}
}

void bp_events_close(struct bp_events *ev)
{
	if (!ev)
		return;
	watch_close(ev->all);
	closep(&ev->fd);
	free(ev);
}

void bp_events_closep(struct bp_events **ev)
{
	bp_events_close(*ev);
}

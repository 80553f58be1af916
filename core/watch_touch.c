/* watch_touch.c - see watch_touch.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/watch_touch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "core/away.h"
#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define ABOVE (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

bool touch_may_hang(const char *type)
{
	struct bp_error ignored = { 0 };
	const struct bp_backend *be = bp_backend_find(type, &ignored);

	return be && be->caps & BP_CAP_REMOTE;
}

/* What is to be done: a number, or -1 and errno; bytes beside it. */
struct work {
	int (*run)(const struct touch *t, const struct work *w, struct text *more);
	int fd;
	uint32_t mask;
	const char *name;
};

static int watch_it(const struct touch *t, const struct work *w, struct text *more)
{
	(void)more;
	return inotify_add_watch(w->fd, t->target, w->mask);
}

static int look_at_it(const struct touch *t, const struct work *w, struct text *more)
{
	auto_free char *path = mem_printf("%s/%s", t->target, w->name);
	struct stat st;

	if (lstat(path, &st) < 0)
		return -1;
	text_add_n(more, (const char *)&st, sizeof st);
	return 0;
}

static int watch_above(const struct touch *t, const struct work *w, struct text *more)
{
	auto_free char *dir = mem_dup(t->target);
	char *slash;

	while ((slash = strrchr(dir, '/'))) {
		const char *rest;
		int wd;

		*slash = '\0';
		wd = inotify_add_watch(w->fd, slash == dir ? "/" : dir,
				       ABOVE | IN_MASK_ADD | IN_ONLYDIR);
		if (wd < 0)
			continue;
		rest = t->target + (slash + 1 - dir);
		text_add_n(more, rest, strcspn(rest, "/"));
		return wd;
	}
	return -1;
}

/* What comes back begins with the number. */
static void run_in_child(struct away *a, const struct touch *t, const struct work *w)
{
	cleanup(text_done) struct text more = { 0 }, all = { 0 };
	struct bp_error err = { 0 };
	int r = w->run(t, w, &more);

	if (r < 0)
		bp_fail_sys(&err, errno, "cannot touch '%s'", t->target);
	text_add_n(&all, (const char *)&r, sizeof r);
	text_add_n(&all, more.s ? more.s : "", more.len);
	away_answer(a, r < 0 ? -1 : 0, &all, &err);
}

static int ask_child(struct away *a, const struct touch *t, const struct work *w,
		     struct text *more, struct bp_error *err)
{
	cleanup(text_done) struct text all = { 0 };
	int r;

	if (away_is_child(a, err))
		run_in_child(a, t, w);
	if (err->code || away_wait(a, &all, err) < 0 || away_take(&all, &r, sizeof r, err) < 0)
		return -1;
	text_add_n(more, all.s + sizeof r, all.len - sizeof r);
	return r;
}

static int run(const struct touch *t, const struct work *w, struct text *more)
{
	struct away a = AWAY_INIT(t->store, NULL);
	struct bp_error err = { 0 };
	int r;

	if (!t->remote)
		return w->run(t, w, more);
	a.pool = mem_dup(t->pool);
	a.short_work = true;
	r = ask_child(&a, t, w, more, &err);
	away_done(&a);
	errno = err.sys;
	return r;
}

int touch_watch(const struct touch *t, int fd, uint32_t mask)
{
	const struct work w = { .run = watch_it, .fd = fd, .mask = mask };
	cleanup(text_done) struct text more = { 0 };

	return run(t, &w, &more);
}

int touch_file(const struct touch *t, const char *name, struct stat *ret)
{
	const struct work w = { .run = look_at_it, .name = name };
	cleanup(text_done) struct text more = { 0 };

	if (run(t, &w, &more) < 0)
		return -1;
	memcpy(ret, more.s, sizeof *ret);
	return 0;
}

int touch_above(const struct touch *t, int fd, char **ret_name)
{
	const struct work w = { .run = watch_above, .fd = fd };
	cleanup(text_done) struct text more = { 0 };
	int wd = run(t, &w, &more);

	if (wd >= 0)
		*ret_name = text_steal(&more);
	return wd;
}

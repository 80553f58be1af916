/* watch.c - see watch.h.
 *
 * Like autostart.c it uses public functions, and holds no session meanwhile: at most it
 * looks.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/session.h"
#include "core/state.h"
#include "core/store.h"
#include "core/watch_coming.h"
#include "core/watch_names.h"
#include "core/watch_told.h"
#include "core/watch_touch.h"

#define MARKS_MASK  (IN_CREATE | IN_DELETE | IN_MOVE)
#define TARGET_MASK (IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE | IN_ATTRIB | GONE_MASK)
#define GONE_MASK   (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)

struct pool {
	char *name;
	bool defined, active, marked;	/* as last told */
	int wd;				/* of its target, or -1 */
	int above_wd;			/* of a directory above it, while it is not there */
	char *target, *awaited;		/* what has to come into that directory */
	bool remote, silent;		/* on a server; it has not answered */
	void *volumes;			/* their names (core/watch_names.h) */
	struct coming coming;
};

struct watch {
	struct bp_store *store;		/* of our own */
	int fd;
	int config_wd, marks_wd;	/* -1: there is no directory of marks */
	struct pool *pools;
	size_t n;
	struct told told;
};

static void tell(struct watch *w, enum bp_event_kind kind, const char *pool, const char *vol)
{
	told_add(&w->told, kind, pool, vol);
}

bool watch_next(struct watch *w, struct bp_event *ret)
{
	return told_next(&w->told, ret);
}

/* ---- volumes --------------------------------------------------------------------- */

static void forget_volumes(struct pool *p)
{
	char *name;

	while ((name = names_take_any(&p->volumes)))
		free(name);
	coming_done(&p->coming);
}

/* What has come and gone since they were last seen; a pool that cannot be
 * listed tells nothing.  False: its server is silent. */
static bool see_volumes(struct watch *w, struct pool *p, bool telling)
{
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;
	struct bp_error ignored = { 0 };
	struct bp_vol_info v;
	void *before = steal(p->volumes);
	char *name;
	int r = bp_vols_open(w->store, p->name, BP_VOL_NAME, &it, &ignored);

	while (r == 0 && (r = bp_vols_next(it, &v, &ignored)) > 0) {
		name = names_take(&before, v.name);
		if (!name && telling)
			tell(w, BP_EVENT_VOL_CREATED, p->name, v.name);
		names_add(&p->volumes, name ? name : mem_dup(v.name));
		coming_forget(&p->coming, v.name);
		r = 0;
	}
	while ((name = names_take_any(&before))) {
		if (r < 0) {
			names_add(&p->volumes, name);
			continue;
		}
		if (telling)
			tell(w, BP_EVENT_VOL_DELETED, p->name, name);
		free(name);
	}
	return ignored.sys != ETIMEDOUT;
}

/* ---- what happens in a target ------------------------------------------------------ */

static bool is_volume(struct watch *w, const struct pool *p, const char *vol)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_error ignored = { 0 };

	return bp_vol_info(w->store, p->name, vol, BP_VOL_NAME, &info, &ignored) == 0;
}

static struct touch touching(const struct watch *w, const struct pool *p)
{
	return (struct touch){ w->store, p->name, p->target, p->remote };
}

/* A new file with one name only has just been opened to be written, or was
 * without a name until it was complete; then its maker has still to close it.  One
 * that was made under another name is complete. */
static bool is_being_made(struct watch *w, struct pool *p, const char *vol)
{
	const struct touch t = touching(w, p);
	struct stat st;

	if (touch_file(&t, vol, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    coming_find(&p->coming, st.st_ino))
		return false;
	coming_add(&p->coming, vol, st.st_ino);
	return true;
}

static void complete(struct watch *w, struct pool *p, const char *vol)
{
	if (is_volume(w, p, vol)) {
		names_add(&p->volumes, mem_dup(vol));
		tell(w, BP_EVENT_VOL_CREATED, p->name, vol);
	}
	coming_forget(&p->coming, vol);
}

/* A file without a name is closed as "#INODE", also when it has one by now. */
static bool complete_unnamed(struct watch *w, struct pool *p, const char *name)
{
	auto_free char *vol = NULL;
	uint64_t inode;

	if (*name != '#' || !parse_number(name + 1, 10, &inode))
		return false;
	vol = mem_dup(coming_find(&p->coming, inode));
	if (vol)
		complete(w, p, vol);
	return vol;
}

static void see_unknown(struct watch *w, struct pool *p, const char *vol, uint32_t mask)
{
	if (mask & IN_CREATE && is_being_made(w, p, vol))
		return;
	if (mask & IN_CLOSE_WRITE && complete_unnamed(w, p, vol))
		return;
	if (mask & (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE))
		complete(w, p, vol);
}

static void see_volume(struct watch *w, struct pool *p, const char *vol, uint32_t mask)
{
	if (mask & (IN_DELETE | IN_MOVED_FROM)) {
		auto_free char *name = names_take(&p->volumes, vol);

		coming_forget(&p->coming, vol);
		if (name)
			tell(w, BP_EVENT_VOL_DELETED, p->name, vol);
	} else if (!names_has(&p->volumes, vol)) {
		see_unknown(w, p, vol, mask);
	} else if (mask & (IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB)) {
		tell(w, BP_EVENT_VOL_CHANGED, p->name, vol);
	}
}

/* ---- pools ------------------------------------------------------------------------- */

static struct pool *pool_of(struct watch *w, const char *name)
{
	struct pool *p;

	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->pools[i].name, name) == 0)
			return &w->pools[i];
	p = array_add(w->pools, w->n);
	p->name = mem_dup(name);
	p->wd = p->above_wd = -1;
	return p;
}

/* Two targets can be one directory, or the store's. */
static bool is_used(const struct watch *w, int wd)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->pools[i].wd == wd || w->pools[i].above_wd == wd)
			return true;
	return wd == w->config_wd || wd == w->marks_wd;
}

static void forget_watch(struct watch *w, int *wd)
{
	int old = *wd;

	*wd = -1;
	if (old >= 0 && !is_used(w, old))
		(void)inotify_rm_watch(w->fd, old);
}

static void detach(struct watch *w, struct pool *p)
{
	forget_watch(w, &p->wd);
	forget_watch(w, &p->above_wd);
	forget_volumes(p);
	free(steal(p->target));
	free(steal(p->awaited));
	p->silent = false;
}

/* Watched first and listed then, or something could come in between.  1: it is;
 * 0: it is not there, or its server is silent. */
static int watch_target(struct watch *w, struct pool *p, struct bp_error *err)
{
	const struct touch t = touching(w, p);

	p->wd = touch_watch(&t, w->fd, TARGET_MASK | IN_MASK_ADD | IN_ONLYDIR);
	p->silent = p->wd < 0 && errno == ETIMEDOUT;
	if (p->wd < 0 && errno == ENOSPC)
		return bp_fail_sys(err, errno, "cannot watch '%s' too: see "
				   "/proc/sys/fs/inotify/max_user_watches", p->target);
	if (p->wd < 0)
		return 0;
	forget_watch(w, &p->above_wd);
	p->silent = !see_volumes(w, p, false);
	if (p->silent)
		forget_watch(w, &p->wd);
	return !p->silent;
}

/* Or wait for it in the nearest directory that is there; asked again, for something
 * may have come before that was watched. */
static int find_target(struct watch *w, struct pool *p, struct bp_error *err)
{
	const struct touch t = touching(w, p);

	for (;;) {
		auto_free char *name = NULL;
		int r = watch_target(w, p, err), above;

		if (r != 0 || p->silent)
			return r;
		above = touch_above(&t, w->fd, &name);
		if (above == p->above_wd)
			return 0;
		forget_watch(w, &p->above_wd);
		p->above_wd = above;
		mem_set(&p->awaited, name);
	}
}

static int find_again(struct watch *w, struct pool *p, struct bp_error *err)
{
	int r = find_target(w, p, err);

	if (r > 0)
		tell(w, BP_EVENT_TARGET_BACK, p->name, NULL);
	return r < 0 ? -1 : 0;
}

/* Also if somebody else has made it so, which no file tells. */
static bool is_active(struct watch *w, const char *pool)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	return state_has(w->store, STATE_RUN, pool) ||
	       (pool_look(w->store, pool, &ses) && ses.by_itself);
}

static int attach(struct watch *w, struct pool *p, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	enum state_dir d = state_has(w->store, STATE_RUN, p->name) ? STATE_RUN : STATE_CONFIG;
	struct bp_error ignored = { 0 };
	int r;

	detach(w, p);
	if (!p->active || state_load(w->store, d, p->name, &def, &ignored) < 0 ||
	    !def->target_path)
		return 0;
	p->target = steal(def->target_path);
	p->remote = touch_may_hang(def->type);
	r = find_target(w, p, err);
	if (r == 0)
		tell(w, BP_EVENT_TARGET_GONE, p->name, NULL);
	return r < 0 ? -1 : 0;
}

/* What differs from what was told last. */
static bool differs(struct watch *w, const struct pool *p, bool *known, bool now, bool telling,
		    enum bp_event_kind on, enum bp_event_kind off)
{
	if (*known == now)
		return false;
	*known = now;
	if (telling)
		tell(w, now ? on : off, p->name, NULL);
	return true;
}

static void see_mark(struct watch *w, struct pool *p, bool telling)
{
	(void)differs(w, p, &p->marked, state_autostart(w->store, p->name), telling,
		      BP_EVENT_MARKED, BP_EVENT_UNMARKED);
}

static int see_pool(struct watch *w, struct pool *p, bool telling, struct bp_error *err)
{
	(void)differs(w, p, &p->defined, state_has(w->store, STATE_CONFIG, p->name), telling,
		      BP_EVENT_DEFINED, BP_EVENT_UNDEFINED);
	see_mark(w, p, telling);
	if (differs(w, p, &p->active, is_active(w, p->name), telling,
		    BP_EVENT_STARTED, BP_EVENT_STOPPED))
		return attach(w, p, err);
	if (p->wd >= 0)
		(void)see_volumes(w, p, telling);
	return p->above_wd >= 0 ? find_again(w, p, err) : 0;
}

static int see_pools(struct watch *w, bool telling, struct bp_error *err)
{
	char **names;
	size_t n;
	int r = 0;

	if (store_look(w->store, err) < 0 || state_names(w->store, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		(void)pool_of(w, names[i]);
	state_names_free(names, n);
	for (size_t i = 0; r == 0 && i < w->n; i++)
		r = see_pool(w, &w->pools[i], telling, err);
	return r;
}

/* The directory of marks is made with the first of them. */
static void watch_marks(struct watch *w)
{
	auto_free char *dir = mem_printf("%s/autostart", w->store->config_dir);

	w->marks_wd = inotify_add_watch(w->fd, dir, MARKS_MASK | IN_MASK_ADD | IN_ONLYDIR);
}

static int see_marks(struct watch *w, struct bp_error *err)
{
	watch_marks(w);
	if (store_look(w->store, err) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++)
		see_mark(w, &w->pools[i], true);
	return 0;
}

static void see_link(struct watch *w, const struct inotify_event *e)
{
	auto_free char *name = NULL;
	struct pool *p;

	if (e->mask & IN_IGNORED)
		w->marks_wd = -1;
	if (!e->len || !ends_with(e->name, ".xml"))
		return;
	name = mem_dup_n(e->name, strlen(e->name) - 4);
	p = pool_of(w, name);
	(void)differs(w, p, &p->marked, e->mask & (IN_CREATE | IN_MOVED_TO), true,
		      BP_EVENT_MARKED, BP_EVENT_UNMARKED);
}

/* ---- all of it ---------------------------------------------------------------------- */

/* A pool that starts again may be elsewhere; one that is refreshed has a server again. */
static int see_life(struct watch *w, const struct bp_event *ev, struct bp_error *err)
{
	struct pool *p = pool_of(w, ev->pool);

	if (ev->kind == BP_EVENT_DEFINED || ev->kind == BP_EVENT_UNDEFINED)
		p->defined = ev->kind == BP_EVENT_DEFINED;
	if (ev->kind == BP_EVENT_REFRESHED && p->silent)
		return find_again(w, p, err);
	if (ev->kind != BP_EVENT_STARTED && ev->kind != BP_EVENT_STOPPED)
		return 0;
	p->active = ev->kind == BP_EVENT_STARTED;
	return store_look(w->store, err) < 0 ? -1 : attach(w, p, err);
}

/* What is unmounted comes back by a start, which is seen. */
static int see_target(struct watch *w, struct pool *p, const struct inotify_event *e,
		      struct bp_error *err)
{
	if (e->mask & GONE_MASK) {
		forget_watch(w, &p->wd);
		forget_volumes(p);
		tell(w, BP_EVENT_TARGET_GONE, p->name, NULL);
		return e->mask & IN_UNMOUNT ? 0 : find_again(w, p, err);
	}
	if (e->len)
		see_volume(w, p, e->name, e->mask);
	return 0;
}

/* Something in a directory above a target that is not there, or of that directory. */
static int see_above(struct watch *w, struct pool *p, const struct inotify_event *e,
		     struct bp_error *err)
{
	if (e->mask & GONE_MASK)
		forget_watch(w, &p->above_wd);
	else if (!e->len || strcmp(e->name, p->awaited) != 0)
		return 0;
	return find_again(w, p, err);
}

static int see_in_pool(struct watch *w, struct pool *p, const struct inotify_event *e,
		       struct bp_error *err)
{
	return p->wd == e->wd ? see_target(w, p, e, err) :
	       p->above_wd == e->wd ? see_above(w, p, e, err) : 0;
}

int watch_see(struct watch *w, const struct inotify_event *e, const struct bp_event *pool,
	      struct bp_error *err)
{
	if (e->mask & IN_Q_OVERFLOW) {
		tell(w, BP_EVENT_LOST, NULL, NULL);
		return see_pools(w, true, err);
	}
	for (size_t i = 0; i < w->n; i++)
		if (see_in_pool(w, &w->pools[i], e, err) < 0)
			return -1;
	if (pool && see_life(w, pool, err) < 0)
		return -1;
	if (e->wd == w->marks_wd)
		see_link(w, e);
	else if (e->wd == w->config_wd && e->mask & IN_ISDIR)
		return see_marks(w, err);
	return 0;
}

static void watch_closep(struct watch **w)
{
	watch_close(*w);
}

int watch_open(const struct bp_store *s, int fd, struct watch **ret, struct bp_error *err)
{
	cleanup(watch_closep) struct watch *w = mem_alloc(sizeof *w);

	w->fd = fd;
	if (store_again(s, &w->store, err) < 0)
		return -1;
	w->config_wd = inotify_add_watch(fd, s->config_dir, IN_CREATE | IN_MASK_ADD | IN_ONLYDIR);
	if (w->config_wd < 0)
		return bp_fail_sys(err, errno, "cannot watch directory '%s'", s->config_dir);
	watch_marks(w);
	if (see_pools(w, false, err) < 0)
		return -1;
	*ret = steal(w);
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++) {
		forget_volumes(&w->pools[i]);
		free(w->pools[i].name);
		free(w->pools[i].target);
		free(w->pools[i].awaited);
	}
	free(w->pools);
	told_done(&w->told);
	bp_store_close(w->store);
	free(w);
}

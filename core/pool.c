/* pool.c - the life of a pool: define, create, build, start, stop, erase, forget. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/guard.h"
#include "core/session.h"
#include "core/state.h"
#include "core/validate.h"

#define BUILD_FLAGS (BP_BUILD | BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE)

static int check_build_flags(unsigned flags, const char *function, struct bp_error *err)
{
	if (refuse_flags(flags, BUILD_FLAGS, function, err) < 0)
		return -1;
	if ((flags & BP_BUILD_OVERWRITE) && (flags & BP_BUILD_NO_OVERWRITE))
		return bp_fail(err, BP_BAD_FLAGS, "Flags 'VIR_STORAGE_POOL_BUILD_OVERWRITE' and "
			       "'VIR_STORAGE_POOL_BUILD_NO_OVERWRITE' are mutually exclusive");
	return 0;
}

/* The name becomes the name of files. */
static int check_new_name(const struct bp_pool_def *def, struct bp_error *err)
{
	if (strlen(def->name) > POOL_NAME_MAX)
		return bp_fail_part(err, BP_XML, "name", "a pool's name can have %d bytes, not %zu",
				    POOL_NAME_MAX, strlen(def->name));
	if (strchr(def->name, '\n'))
		return bp_fail_part(err, BP_XML, "name", "invalid char in name: \\n");
	return 0;
}

int bp_pool_define(struct bp_store *s, struct bp_pool_def *def, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	auto_close int store_lock = -1;

	if (store_change(s, "virStoragePoolDefineXML", err) < 0 ||
	    bp_pool_def_complete(def, err) < 0 || check_new_name(def, err) < 0)
		return -1;
	store_lock = lock_store(s->run_fd, err);
	if (store_lock < 0 || check_conflicts(s, def, false, err) < 0)
		return -1;
	/* Shared: a definition counts from the next start on, so it need not wait
	 * for those who use the pool, only for those who change its life. */
	if (session_begin(s, def, LOCK_SHARED, &ses, err) < 0)
		return -1;
	if (state_save(s, STATE_CONFIG, def, err) == 0)
		return 0;
	if (!state_has(s, STATE_RUN, def->name) && !state_has(s, STATE_CONFIG, def->name))
		lock_remove(s->run_fd, def->name);
	return -1;
}

int bp_pool_undefine(struct bp_store *s, const char *pool, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	bool marked;		/* or perhaps so */

	if (store_change(s, "virStoragePoolUndefine", err) < 0 ||
	    session_open(s, pool, NEED_ANY, LOCK_ALONE, &ses, err) < 0)
		return -1;
	if (ses.active && ses.be)
		return bp_fail(err, BP_WRONG_STATE, "storage pool '%s' is still active", pool);
	/* A state that nobody can act on (no such type here, or unreadable) would
	 * otherwise keep the pool for ever. */
	if (state_remove(s, STATE_RUN, pool, err) < 0)
		return -1;
	/* The mark goes last: without the pool it is nothing, and is swept. */
	marked = state_mark(s, pool) != 0;
	if (state_remove(s, STATE_CONFIG, pool, err) < 0)
		return -1;
	return marked ? state_set_autostart(s, pool, false, err) : 0;
}

static void mend(struct session *ses)
{
	if (ses->be->pool_mend)
		ses->be->pool_mend(&ses->pool);
}

static int build(struct session *ses, unsigned flags, struct bp_error *err)
{
	if (!ses->be->pool_build)	/* then there is nothing to make */
		return 0;
	mend(ses);
	if (guard_build(ses, flags, err) < 0)
		return -1;
	return ses->be->pool_build(&ses->pool, flags, err);
}

/* What is in force from now on: with what the start has decided. */
static int save_started(struct session *ses, struct bp_error *err)
{
	struct bp_pool_def def = *ses->pool.def;

	if (ses->pool.unmounted)
		def.mount = BP_NO;
	return state_save(ses->store, STATE_RUN, &def, err);
}

/* After a failure nothing is left running that was not running before. */
static int bring_up(struct session *ses, unsigned flags, struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	struct bp_pool_space space;
	int was_running = 0;

	if (flags && build(ses, flags & ~BP_BUILD, err) < 0)
		return -1;
	if (ses->be->pool_start)
		was_running = ses->be->pool_start(&ses->pool, err);
	if (was_running < 0)
		return -1;

	/* A pool is active from the moment its run file is there, and that is
	 * written only after the pool has answered once. */
	if (session_connect(ses, err) == 0 &&
	    ses->be->pool_space(&ses->pool, &space, err) == 0 &&
	    save_started(ses, err) == 0)
		return 0;
	if (err->code == BP_MAY_NOT_LAST)	/* it is active */
		return -1;

	session_disconnect(ses);	/* or the type would keep itself busy */
	if (ses->be->pool_stop && !was_running)
		(void)ses->be->pool_stop(&ses->pool, &ignored);
	return -1;
}

static int pool_create_here(struct bp_store *s, struct bp_pool_def *def, unsigned flags,
			    struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	auto_close int store_lock = -1;

	if (store_change(s, "virStoragePoolCreateXML", err) < 0 ||
	    check_build_flags(flags, "virStoragePoolCreateXML", err) < 0 ||
	    bp_pool_def_complete(def, err) < 0 || check_new_name(def, err) < 0)
		return -1;
	/* Held to the end: until the run file is there, nobody else could see
	 * that name and source are taken.  Whoever starts a pool that is defined
	 * holds only its own lock, and may have had it before us. */
	store_lock = lock_store(s->run_fd, err);
	if (store_lock < 0 || check_conflicts(s, def, true, err) < 0 ||
	    session_begin(s, def, LOCK_ALONE, &ses, err) < 0 ||
	    check_conflicts(s, def, true, err) < 0)
		return -1;
	if (!ses.be) {
		*err = ses.problem;
		return -1;
	}
	return bring_up(&ses, flags, err);
}

int bp_pool_create(struct bp_store *s, struct bp_pool_def *def, unsigned flags,
		   struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_create_here(s, def, flags, err));
}

static int pool_build_here(struct bp_store *s, const char *pool, unsigned flags,
			   struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_change(s, "virStoragePoolBuild", err) < 0 ||
	    check_build_flags(flags, "virStoragePoolBuild", err) < 0 ||
	    session_open(s, pool, NEED_INACTIVE, LOCK_ALONE, &ses, err) < 0 ||
	    build(&ses, flags & ~BP_BUILD, err) < 0)
		return -1;
	state_signal(s, pool, SIGNAL_BUILT);
	return 0;
}

int bp_pool_build(struct bp_store *s, const char *pool, unsigned flags, struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_build_here(s, pool, flags, err));
}

static int pool_start_here(struct bp_store *s, const char *pool, unsigned flags,
			   struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_change(s, "virStoragePoolCreate", err) < 0 ||
	    check_build_flags(flags, "virStoragePoolCreate", err) < 0 ||
	    session_open(s, pool, NEED_STARTABLE, LOCK_ALONE, &ses, err) < 0)
		return -1;
	return bring_up(&ses, flags, err);
}

int bp_pool_start(struct bp_store *s, const char *pool, unsigned flags, struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_start_here(s, pool, flags, err));
}

static int take_down(struct session *ses, bool by_force, struct bp_error *err)
{
	int (*stop)(struct bp_pool *p, struct bp_error *err) =
		!ses->be ? NULL : by_force && ses->be->pool_abandon ? ses->be->pool_abandon :
		ses->be->pool_stop;

	if (!ses->be && ses->def) {
		*err = ses->problem;
		return bp_within(err, "pool '%s' can only be forgotten (pool-undefine)", ses->name);
	}
	if (stop && stop(&ses->pool, err) < 0)
		return -1;
	return state_remove(ses->store, STATE_RUN, ses->name, err);
}

static int pool_stop_here(struct bp_store *s, const char *pool, bool by_force,
			  struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_change(s, "virStoragePoolDestroy", err) < 0 ||
	    session_open(s, pool, NEED_ANY, LOCK_ALONE, &ses, err) < 0)
		return -1;
	/* With a run file there is something to tidy up, though the storage may
	 * have gone by itself. */
	if (!ses.by_itself && !state_has(s, STATE_RUN, pool))
		return bp_fail(err, BP_WRONG_STATE, "storage pool '%s' is not active", pool);
	if (take_down(&ses, by_force, err) < 0)
		return -1;
	if (ses.by_itself)	/* there was no file whose end would have told it */
		state_signal(s, pool, SIGNAL_STOPPED);
	return 0;
}

int bp_pool_stop(struct bp_store *s, const char *pool, struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_stop_here(s, pool, false, err));
}

int bp_pool_abandon(struct bp_store *s, const char *pool, struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_stop_here(s, pool, true, err));
}

static int pool_erase_here(struct bp_store *s, const char *pool, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_change(s, "virStoragePoolDelete", err) < 0 ||
	    session_open(s, pool, NEED_DEFINED, LOCK_ALONE, &ses, err) < 0)
		return -1;
	if (ses.active)
		return bp_fail(err, BP_WRONG_STATE, "storage pool '%s' is still active", pool);
	if (!ses.be) {
		*err = ses.problem;
		return -1;
	}
	if (!ses.be->pool_erase)
		return bp_fail(err, BP_UNSUPPORTED, "pool does not support pool deletion");
	mend(&ses);
	if (guard_erase(&ses, err) < 0 || ses.be->pool_erase(&ses.pool, err) < 0)
		return -1;
	state_signal(s, pool, SIGNAL_ERASED);
	return 0;
}

int bp_pool_erase(struct bp_store *s, const char *pool, struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_erase_here(s, pool, err));
}

static int pool_refresh_here(struct bp_store *s, const char *pool, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	struct bp_pool_space space;

	if (store_change(s, "virStoragePoolRefresh", err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    (ses.be->pool_refresh && ses.be->pool_refresh(&ses.pool, err) < 0) ||
	    ses.be->pool_space(&ses.pool, &space, err) < 0)
		return -1;
	state_signal(s, pool, SIGNAL_REFRESHED);
	return 0;
}

int bp_pool_refresh(struct bp_store *s, const char *pool, struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_refresh_here(s, pool, err));
}

static int pool_grow_here(struct bp_store *s, const char *pool, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_change(s, "bp_pool_grow", err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0)
		return -1;
	if (!ses.be->pool_grow)
		return bp_fail(err, BP_UNSUPPORTED, "pools of type '%s' cannot be made larger: "
			       "they are as large as what they are on", ses.def->type);
	if (ses.be->pool_grow(&ses.pool, err) < 0)
		return -1;
	state_signal(s, pool, SIGNAL_REFRESHED);
	return 0;
}

int bp_pool_grow(struct bp_store *s, const char *pool, struct bp_error *err)
{
	return AWAY(s, NULL, err, pool_grow_here(s, pool, err));
}

int bp_pool_set_autostart(struct bp_store *s, const char *pool, bool on, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_change(s, "virStoragePoolSetAutostart", err) < 0 ||
	    session_open(s, pool, NEED_ANY, LOCK_SHARED, &ses, err) < 0)
		return -1;
	if (!state_has(s, STATE_CONFIG, pool))
		return bp_fail(err, BP_INTERNAL, "pool has no config file");
	return state_set_autostart(s, pool, on, err);
}

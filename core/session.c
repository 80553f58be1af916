/* session.c - see session.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/session.h"

#include <stdlib.h>
#include <string.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/secret.h"
#include "core/state.h"

static bool known(struct bp_store *s, const char *pool)
{
	return state_has(s, STATE_RUN, pool) || state_has(s, STATE_CONFIG, pool);
}

static int no_pool(const char *pool, struct bp_error *err)
{
	return bp_fail(err, BP_NO_POOL, "no storage pool with matching name '%s'", pool);
}

static void use_definition(struct session *ses, enum state_dir d)
{
	bp_pool_def_free(steal(ses->def));
	ses->be = NULL;
	ses->problem = (struct bp_error){ 0 };
	if (state_load(ses->store, d, ses->name, &ses->def, &ses->problem) < 0)
		return;
	ses->pool.def = ses->def;
	ses->pool.limit = ses->store->limit;
	ses->pool.secrets = secrets_of(ses->store);
	ses->be = bp_backend_find(ses->def->type, &ses->problem);
}

/* Whoever looks without a lock may find that a pool is stopped or forgotten between
 * two looks. */
static bool use_what_is_there(struct session *ses)
{
	enum state_dir d;

	do {
		d = state_has(ses->store, STATE_RUN, ses->name) ? STATE_RUN : STATE_CONFIG;
		use_definition(ses, d);
	} while (!ses->def && !state_has(ses->store, d, ses->name) &&
		 known(ses->store, ses->name));
	return d == STATE_RUN;
}

bool session_is_remote(const struct session *ses)
{
	return ses->be && ses->be->caps & BP_CAP_REMOTE;
}

/* Has it a way to be active without a run file? */
static bool knows(const struct session *ses)
{
	return ses->be && ses->be->caps & BP_CAP_KNOWS_ACTIVE;
}

/* Active is what has a run file, unless the pool type knows better: somebody
 * may have unmounted it behind our back, and then the configuration counts
 * again; or mounted it, and then it is active by that. */
static int find_out(struct session *ses, struct bp_error *err)
{
	bool started = use_what_is_there(ses), active = started;
	struct bp_error unknown = { 0 };

	ses->pool.started = started;
	if (started && ses->be && ses->be->pool_check &&
	    ses->be->pool_check(&ses->pool, &active, err) < 0)
		return -1;
	if (!started && knows(ses) && ses->be->pool_check(&ses->pool, &active, &unknown) < 0)
		active = false;
	ses->active = active;
	ses->by_itself = active && !started;
	if (!active && state_has(ses->store, STATE_RUN, ses->name) &&
	    state_has(ses->store, STATE_CONFIG, ses->name))
		use_definition(ses, STATE_CONFIG);
	return 0;
}

static int check_need(struct session *ses, enum session_need need, struct bp_error *err)
{
	if (need == NEED_ANY)
		return 0;
	if (!ses->def) {
		*err = ses->problem;
		return bp_within(err, "the definition of pool '%s' cannot be used", ses->name);
	}
	if (ses->active &&
	    (need == NEED_INACTIVE || (need == NEED_STARTABLE && !ses->by_itself)))
		return bp_fail(err, BP_WRONG_STATE, "storage pool '%s' is already active",
			       ses->name);
	if (need >= NEED_ACTIVE && !ses->active)
		return bp_fail(err, BP_WRONG_STATE, "storage pool '%s' is not active", ses->name);
	if (!ses->be && need != NEED_DEFINED) {
		*err = ses->problem;
		return -1;
	}
	return need == NEED_CONNECTED ? session_connect(ses, err) : 0;
}

/* What may hang is not for this process; see core/away.h. */
static int stay_or_go(const struct session *ses, struct bp_error *err)
{
	if (!ses->store->may_go || !session_is_remote(ses))
		return 0;
	return bp_fail(err, BP_ELSEWHERE, "%s\n%s", ses->name,
		       ses->pool.def->target_path ? ses->pool.def->target_path : "");
}

static int take_lock(struct bp_store *s, const char *pool, enum lock_mode mode, int *ret_fd,
		     struct bp_error *err)
{
	if (s->flags & BP_STORE_READONLY) {
		*ret_fd = lock_pool_readonly(s->run_fd, pool, err);
		return err->code ? -1 : 0;
	}
	/* Only an inactive pool can be without a run directory: there is nobody
	 * to wait for, and a reader makes no directories. */
	if (s->run_fd < 0)
		return 0;
	*ret_fd = lock_pool(s->run_fd, pool, mode, err);
	return *ret_fd < 0 ? -1 : 0;
}

/* The lock file may be one that we made anew for a pool that had just gone: whoever
 * lets go of it last takes it away. */
static void let_go_of_nothing(struct session *ses)
{
	if (ses->lock_fd < 0 || ses->alone || ses->store->flags & BP_STORE_READONLY)
		return;
	closep(&ses->lock_fd);
	ses->lock_fd = lock_pool_now(ses->store->run_fd, ses->name);
	ses->alone = true;
}

int session_open(struct bp_store *s, const char *pool, enum session_need need,
		 enum lock_mode mode, struct session *ret, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	/* Look before locking, so that asking for a pool nobody has leaves no
	 * lock file; look again after, because it may have gone. */
	if (!known(s, pool))
		return no_pool(pool, err);
	ses.store = s;
	ses.name = mem_dup(pool);
	if (take_lock(s, pool, mode, &ses.lock_fd, err) < 0)
		return -1;
	ses.alone = mode == LOCK_ALONE;
	if (!known(s, pool)) {
		let_go_of_nothing(&ses);
		return no_pool(pool, err);
	}
	if (find_out(&ses, err) < 0 || stay_or_go(&ses, err) < 0 || check_need(&ses, need, err) < 0)
		return -1;
	*ret = ses;
	ses = (struct session)SESSION_INIT;
	return 0;
}

int session_begin(struct bp_store *s, const struct bp_pool_def *def, enum lock_mode mode,
		  struct session *ret, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	ses.store = s;
	ses.name = mem_dup(def->name);
	if (take_lock(s, def->name, mode, &ses.lock_fd, err) < 0)
		return -1;
	ses.alone = mode == LOCK_ALONE;
	ses.pool.def = def;
	ses.pool.limit = s->limit;
	ses.pool.secrets = secrets_of(s);
	ses.be = bp_backend_find(def->type, &ses.problem);
	if (stay_or_go(&ses, err) < 0)
		return -1;
	*ret = ses;
	ses = (struct session)SESSION_INIT;
	return 0;
}

int session_connect(struct session *ses, struct bp_error *err)
{
	if (ses->be->pool_open && ses->be->pool_open(&ses->pool, err) < 0)
		return -1;
	ses->connected = true;
	if (ses->store->changing && ses->be->pool_sweep)
		ses->be->pool_sweep(&ses->pool, ses->alone);
	return 0;
}

void session_disconnect(struct session *ses)
{
	if (ses->connected && ses->be->pool_close)
		ses->be->pool_close(&ses->pool);
	ses->connected = false;
}

/* Where changes exclude each other, all volumes share one lock. */
static const char *lock_name(const struct session *ses, const char *vol)
{
	return ses->be->caps & BP_CAP_ONE_AT_A_TIME ? "" : vol;
}

int session_lock_volume(struct session *ses, const char *vol, enum lock_mode mode,
			struct bp_error *err)
{
	if (ses->lock_fd < 0)
		return 0;
	return lock_volume(ses->lock_fd, lock_name(ses, vol), mode, err);
}

int session_lock_order(const struct session *ses, const char *vol, const char *other)
{
	return lock_order(lock_name(ses, vol), lock_name(ses, other));
}

int session_take_volume(struct session *ses, const char *vol, unsigned flags,
			struct bp_error *err)
{
	struct bp_error busy = { 0 };

	if (ses->lock_fd < 0 || ses->be->caps & BP_CAP_ONE_AT_A_TIME)
		return session_lock_volume(ses, vol, LOCK_ALONE, err);
	if (lock_volume_now(ses->lock_fd, vol, &busy) == 0 ||
	    (busy.code == BP_BUSY && flags & BP_VOL_FORCE))
		return 0;
	*err = busy;
	return -1;
}

void session_close(struct session *ses)
{
	session_disconnect(ses);
	if (ses->alone && ses->lock_fd >= 0 && !known(ses->store, ses->name))
		lock_remove(ses->store->run_fd, ses->name);
	bp_pool_def_free(ses->def);
	closep(&ses->lock_fd);
	free(ses->name);
	*ses = (struct session)SESSION_INIT;
}

bool pool_may_be_active(struct bp_store *s, const char *pool)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	ses.store = s;
	ses.name = mem_dup(pool);
	return use_what_is_there(&ses) || knows(&ses);
}

int pool_look(struct bp_store *s, const char *pool, struct session *ret)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	struct bp_error err = { 0 };

	if (!known(s, pool))
		return 0;
	ses.store = s;
	ses.name = mem_dup(pool);
	if (find_out(&ses, &err) < 0)
		ses.problem = err;
	if (!ses.def && !known(s, pool))
		return 0;
	*ret = ses;
	ses = (struct session)SESSION_INIT;
	return 1;
}

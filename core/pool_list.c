/* pool_list.c - looking at pools: one, all, by name or UUID. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/uuid.h"
#include "core/session.h"
#include "core/state.h"

struct bp_pool_iter {
	struct bp_store *store;
	unsigned flags;
	const char *const *types;
	char **names;
	size_t n, next;
	struct session now;	/* the strings of the last pool given */
	struct away *asked;	/* for each name: servers, all asked at once */
};

const char *bp_pool_state_word(enum bp_pool_state state)
{
	static const char *const words[] = {
		[BP_POOL_INACTIVE]     = "inactive",
		[BP_POOL_BUILDING]     = "building",
		[BP_POOL_RUNNING]      = "running",
		[BP_POOL_DEGRADED]     = "degraded",
		[BP_POOL_INACCESSIBLE] = "inaccessible",
	};

	return words[state];
}

static int find_space(struct session *ses, struct bp_pool_space *ret, struct bp_error *err)
{
	int r = session_connect(ses, err);

	if (r == 0)
		r = ses->be->pool_space(&ses->pool, ret, err);
	session_disconnect(ses);
	return r;
}

/* Begin to ask a server how much space there is. */
static void ask_space(struct away *a, struct session *ses, struct bp_error *err)
{
	struct text numbers = { 0 };
	struct bp_pool_space space = { 0 };
	int r;

	*a = (struct away)AWAY_INIT(ses->store, NULL);
	a->short_work = true;
	a->pool = mem_dup(ses->name);
	if (!away_is_child(a, err))
		return;
	r = find_space(ses, &space, err);
	text_add_n(&numbers, (const char *)&space, sizeof space);
	away_answer(a, r, &numbers, err);
}

static int answered_space(struct away *a, struct bp_pool_space *ret, struct bp_error *err)
{
	cleanup(text_done) struct text numbers = { 0 };

	return err->code || away_wait(a, &numbers, err) < 0 ? -1 :
	       away_take(&numbers, ret, sizeof *ret, err);
}

static int find_space_anywhere(struct session *ses, struct away *asked, struct bp_pool_space *ret,
			       struct bp_error *err)
{
	cleanup(away_done) struct away now = AWAY_INIT(ses->store, NULL);

	if (!session_is_remote(ses))
		return find_space(ses, ret, err);
	if (asked && asked->pid)
		return answered_space(asked, ret, err);
	ask_space(&now, ses, err);
	return answered_space(&now, ret, err);
}

static void tell_problem(struct session *ses, struct bp_pool_info *info,
			 const struct bp_error *why)
{
	ses->problem = *why;
	info->problem = ses->problem.text;
}

static void add_problem(struct session *ses, struct bp_pool_info *info)
{
	struct bp_error why = { 0 };

	if (ses->be->pool_problem(&ses->pool, &why) < 0)
		tell_problem(ses, info, &why);
}

static void add_thin(struct session *ses, struct bp_pool_info *info)
{
	struct bp_error why = { 0 };

	info->thin = ses->pool.def->thin.name;
	if (ses->be->pool_thin(&ses->pool, &info->thin_state, &why) < 0)
		tell_problem(ses, info, &why);
}

static bool has_thin(const struct session *ses)
{
	return ses->be->pool_thin && ses->pool.def->thin.name;
}

/* All in one session: no type that has more to tell is on a server. */
static int find_space_and_more(struct session *ses, struct bp_pool_info *info,
			       struct bp_error *err)
{
	int r = session_connect(ses, err);

	if (r == 0)
		r = ses->be->pool_space(&ses->pool, &info->space, err);
	if (r == 0 && ses->be->pool_problem)
		add_problem(ses, info);
	if (r == 0 && has_thin(ses))
		add_thin(ses, info);
	session_disconnect(ses);
	return r;
}

/* A pool whose life is being changed is not waited for: lists answer at once. */
static void add_space(struct session *ses, struct away *asked, struct bp_pool_info *info)
{
	struct bp_error why = { 0 };

	if (info->state != BP_POOL_RUNNING)
		return;
	if (lock_pool_taken(ses->store->run_fd, ses->name)) {
		info->state = BP_POOL_BUILDING;
		return;
	}
	if (ses->be->pool_problem || has_thin(ses))
		info->has_space = find_space_and_more(ses, info, &why) == 0;
	else
		info->has_space = find_space_anywhere(ses, asked, &info->space, &why) == 0;
	if (!info->has_space) {
		info->state = BP_POOL_INACCESSIBLE;
		tell_problem(ses, info, &why);
	}
}

/* The info borrows from the session. */
static void describe(struct session *ses, bool space, struct away *asked,
		     struct bp_pool_info *ret)
{
	struct bp_store *s = ses->store;
	int marked = state_mark(s, ses->name);

	if (marked < 0 && !ses->problem.code)
		bp_fail_sys(&ses->problem, errno, "cannot tell whether it is autostarted");
	*ret = (struct bp_pool_info){
		.name	    = ses->name,
		.uuid	    = ses->def ? ses->def->uuid : NULL,
		.type	    = ses->def ? ses->def->type : NULL,
		.state	    = ses->active ? BP_POOL_RUNNING : BP_POOL_INACTIVE,
		.persistent = state_has(s, STATE_CONFIG, ses->name),
		.autostart  = marked > 0,
	};
	if (!ses->def || (ses->active && !ses->be))
		ret->state = BP_POOL_INACCESSIBLE;
	if (ses->problem.code)
		ret->problem = ses->problem.text;
	if (space)
		add_space(ses, asked, ret);
}

/* A server that is away keeps nobody waiting longer than one does. */
static void ask_servers(struct bp_pool_iter *it)
{
	it->asked = mem_resize(NULL, it->n + 1, sizeof *it->asked);
	for (size_t i = 0; i < it->n; i++) {
		cleanup(session_close) struct session ses = SESSION_INIT;
		struct bp_error later = { 0 };

		it->asked[i] = (struct away)AWAY_INIT(it->store, NULL);
		if (pool_look(it->store, it->names[i], &ses) && ses.active &&
		    session_is_remote(&ses) && !lock_pool_taken(it->store->run_fd, ses.name))
			ask_space(&it->asked[i], &ses, &later);
	}
}

int bp_pools_open(struct bp_store *s, unsigned flags, const char *const *types,
		  struct bp_pool_iter **ret, struct bp_error *err)
{
	cleanup(bp_pools_closep) struct bp_pool_iter *it = mem_alloc(sizeof *it);

	it->store = s;
	it->flags = flags;
	it->types = types;
	it->now = (struct session)SESSION_INIT;
	if (refuse_flags(flags, (BP_POOLS_SPACE << 1) - 1, "bp_pools_open", err) < 0 ||
	    store_look(s, err) < 0 || state_names(s, &it->names, &it->n, err) < 0)
		return -1;
	if (flags & BP_POOLS_SPACE)
		ask_servers(it);
	*ret = steal(it);
	return 0;
}

/* With no bit of a group set, all pass. */
static bool passes(unsigned flags, unsigned yes_bit, unsigned no_bit, bool fact)
{
	return !(flags & (yes_bit | no_bit)) || (flags & (fact ? yes_bit : no_bit));
}

static bool wanted(const struct bp_pool_iter *it, const struct session *ses)
{
	struct bp_store *s = it->store;

	return passes(it->flags, BP_POOLS_ACTIVE, BP_POOLS_INACTIVE, ses->active) &&
	       passes(it->flags, BP_POOLS_PERSISTENT, BP_POOLS_TRANSIENT,
		      state_has(s, STATE_CONFIG, ses->name)) &&
	       passes(it->flags, BP_POOLS_AUTOSTART, BP_POOLS_NO_AUTOSTART,
		      state_autostart(s, ses->name)) &&
	       (!it->types || (ses->def && bp_word_in(it->types, ses->def->type)));
}

int bp_pools_next(struct bp_pool_iter *it, struct bp_pool_info *ret, struct bp_error *err)
{
	(void)err;
	while (it->next < it->n) {
		struct away *asked = it->asked ? &it->asked[it->next] : NULL;

		session_close(&it->now);
		if (!pool_look(it->store, it->names[it->next++], &it->now) ||
		    !wanted(it, &it->now))
			continue;
		describe(&it->now, it->flags & BP_POOLS_SPACE, asked, ret);
		return 1;
	}
	return 0;
}

void bp_pools_close(struct bp_pool_iter *it)
{
	if (!it)
		return;
	session_close(&it->now);
	for (size_t i = 0; it->asked && i < it->n; i++)
		away_done(&it->asked[i]);
	free(it->asked);
	state_names_free(it->names, it->n);
	free(it);
}

void bp_pools_closep(struct bp_pool_iter **it)
{
	bp_pools_close(*it);
}

static char *find_uuid(struct bp_store *s, const char *uuid, struct bp_error *err)
{
	char **names = NULL, *found = NULL;
	size_t n = 0;

	if (state_names(s, &names, &n, err) < 0)
		return NULL;
	for (size_t i = 0; !found && i < n; i++) {
		cleanup(session_close) struct session ses = SESSION_INIT;

		if (pool_look(s, names[i], &ses) && ses.def && strcmp(ses.def->uuid, uuid) == 0)
			found = mem_dup(names[i]);
	}
	state_names_free(names, n);
	return found;
}

int bp_pool_resolve(struct bp_store *s, const char *text, unsigned how, char **ret_name,
		    struct bp_error *err)
{
	char uuid[UUID_TEXT];
	char *found;

	if (store_look(s, err) < 0)
		return -1;
	if ((how & BP_BY_UUID) && strlen(text) == UUID_TEXT - 1 && uuid_normalize(text, uuid)) {
		found = find_uuid(s, uuid, err);
		if (err->code)
			return -1;
		if (!found && !(how & BP_BY_NAME))
			return bp_fail(err, BP_NO_POOL, "no storage pool with matching uuid '%s'",
				       text);
		if (found) {
			*ret_name = found;
			return 0;
		}
	}
	if (!(how & BP_BY_NAME))
		return bp_fail(err, BP_INVALID, "'%s' is not a UUID", text);
	if (!state_has(s, STATE_RUN, text) && !state_has(s, STATE_CONFIG, text))
		return bp_fail(err, BP_NO_POOL, "no storage pool with matching name '%s'", text);
	*ret_name = mem_dup(text);
	return 0;
}

int bp_pool_info(struct bp_store *s, const char *pool, struct bp_pool_info **ret,
		 struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	struct bp_pool_info info, *copy;

	if (store_look(s, err) < 0)
		return -1;
	if (!pool_look(s, pool, &ses))
		return bp_fail(err, BP_NO_POOL, "no storage pool with matching name '%s'", pool);
	describe(&ses, true, NULL, &info);
	copy = mem_alloc(sizeof *copy);
	*copy = info;
	copy->name = mem_dup(info.name);
	copy->uuid = mem_dup(info.uuid);
	copy->type = mem_dup(info.type);
	copy->problem = mem_dup(info.problem);
	copy->thin = mem_dup(info.thin);
	*ret = copy;
	return 0;
}

void bp_pool_info_free(struct bp_pool_info *info)
{
	if (!info)
		return;
	free((char *)info->name);
	free((char *)info->uuid);
	free((char *)info->type);
	free((char *)info->problem);
	free((char *)info->thin);
	free(info);
}

void bp_pool_info_freep(struct bp_pool_info **info)
{
	bp_pool_info_free(*info);
}

/* What the kernel says now, in place of what somebody once wrote. */
static int find_present(struct session *ses, struct bp_error *err)
{
	struct bp_perms perms = { 0 };
	struct bp_error ignored = { 0 };

	if (session_connect(ses, err) < 0 ||
	    ses->be->pool_space(&ses->pool, &ses->def->space, err) < 0 ||
	    (ses->be->pool_source &&
	     ses->be->pool_source(&ses->pool, &ses->def->source, err) < 0))
		return -1;
	if (ses->be->pool_thin)	/* where it is missing, the rest is told all the same */
		(void)ses->be->pool_thin(&ses->pool, &ses->def->thin_state, &ignored);
	if (!ses->be->pool_perms)
		return 0;
	if (ses->be->pool_perms(&ses->pool, &perms, err) < 0)
		return -1;
	bp_perms_done(&ses->def->perms);
	ses->def->perms = perms;
	return 0;
}

/* From a child come space and rights; the label is behind them. */
struct present {
	struct bp_pool_space space;
	struct bp_perms perms;
};

static int ask_present(struct session *ses, struct bp_error *err)
{
	cleanup(away_done) struct away a = AWAY_INIT(ses->store, NULL);
	cleanup(text_done) struct text answer = { 0 };
	struct bp_pool_def *def = ses->def;
	struct present now;
	int r;

	a.pool = mem_dup(ses->name);
	a.target = mem_dup(ses->def->target_path);
	if (away_is_child(&a, err)) {
		r = find_present(ses, err);
		now = (struct present){ def->space, def->perms };
		text_add_n(&answer, (const char *)&now, sizeof now);
		text_add(&answer, def->perms.label ? def->perms.label : "");
		away_answer(&a, r, &answer, err);
	}
	if (err->code || away_wait(&a, &answer, err) < 0 ||
	    away_take(&answer, &now, sizeof now, err) < 0)
		return -1;
	now.perms.label = answer.len > sizeof now ? mem_dup(answer.s + sizeof now) : NULL;
	bp_perms_done(&def->perms);
	def->perms = now.perms;
	def->space = now.space;
	return 0;
}

static int add_present(struct session *ses, struct bp_error *err)
{
	if (session_is_remote(ses) && !ses->store->away)
		return ask_present(ses, err);
	return find_present(ses, err);
}

int bp_pool_get_def(struct bp_store *s, const char *pool, unsigned flags,
		    struct bp_pool_def **ret, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (refuse_flags(flags, BP_DEF_INACTIVE, "virStoragePoolGetXMLDesc", err) < 0 ||
	    store_look(s, err) < 0)
		return -1;
	if ((flags & BP_DEF_INACTIVE) && state_has(s, STATE_CONFIG, pool)) {
		if (state_load(s, STATE_CONFIG, pool, ret, err) == 0)
			return 0;
		if (state_has(s, STATE_CONFIG, pool))
			return -1;
		*err = (struct bp_error){ 0 };	/* it was forgotten meanwhile */
	}
	if (session_open(s, pool, NEED_DEFINED, LOCK_SHARED, &ses, err) < 0)
		return -1;
	if (ses.active && ses.be && add_present(&ses, err) < 0)
		return -1;
	session_disconnect(&ses);
	*ret = steal(ses.def);
	return 0;
}

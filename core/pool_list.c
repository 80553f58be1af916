/* pool_list.c - looking at pools: one, all, by name or UUID. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* A pool whose life is being changed is not waited for: lists answer at once. */
static void add_space(struct session *ses, struct bp_pool_info *info)
{
	struct bp_error why = { 0 };

	if (info->state != BP_POOL_RUNNING)
		return;
	if (lock_pool_taken(ses->store->run_fd, ses->name)) {
		info->state = BP_POOL_BUILDING;
		return;
	}
	if (session_connect(ses, &why) == 0 &&
	    ses->be->pool_space(&ses->pool, &info->space, &why) == 0)
		info->has_space = true;
	session_disconnect(ses);
	if (!info->has_space) {
		info->state = BP_POOL_INACCESSIBLE;
		ses->problem = why;
		info->problem = ses->problem.text;
	}
}

/* The info borrows from the session. */
static void describe(struct session *ses, bool space, struct bp_pool_info *ret)
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
		add_space(ses, ret);
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
		session_close(&it->now);
		if (!pool_look(it->store, it->names[it->next++], &it->now) ||
		    !wanted(it, &it->now))
			continue;
		describe(&it->now, it->flags & BP_POOLS_SPACE, ret);
		return 1;
	}
	return 0;
}

void bp_pools_close(struct bp_pool_iter *it)
{
	if (!it)
		return;
	session_close(&it->now);
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
	describe(&ses, true, &info);
	copy = mem_alloc(sizeof *copy);
	*copy = info;
	copy->name = mem_dup(info.name);
	copy->uuid = mem_dup(info.uuid);
	copy->type = mem_dup(info.type);
	copy->problem = mem_dup(info.problem);
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
	free(info);
}

void bp_pool_info_freep(struct bp_pool_info **info)
{
	bp_pool_info_free(*info);
}

/* What the kernel says now, in place of what somebody once wrote. */
static int add_present(struct session *ses, struct bp_error *err)
{
	struct bp_perms perms = { 0 };

	if (session_connect(ses, err) < 0 ||
	    ses->be->pool_space(&ses->pool, &ses->def->space, err) < 0 ||
	    (ses->be->pool_source &&
	     ses->be->pool_source(&ses->pool, &ses->def->source, err) < 0))
		return -1;
	if (!ses->be->pool_perms)
		return 0;
	if (ses->be->pool_perms(&ses->pool, &perms, err) < 0)
		return -1;
	bp_perms_done(&ses->def->perms);
	ses->def->perms = perms;
	return 0;
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

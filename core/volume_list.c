/* volume_list.c - the walk over the volumes of a pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/away.h"
#include "core/away_volume.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/session.h"

struct bp_vol_iter {
	struct session ses;
	void *cursor;
	bool walking;
	struct away away;	/* of a pool on a server: a child walks, and tells */
	struct text told;	/* the volume it told of last */
};

static int walk_open(struct bp_vol_iter *it, struct bp_store *s, const char *pool, unsigned want,
		     struct bp_error *err)
{
	if (store_look(s, err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &it->ses, err) < 0 ||
	    it->ses.be->vols_open(&it->ses.pool, want, &it->cursor, err) < 0)
		return -1;
	it->walking = true;
	return 0;
}

static int walk_next(struct bp_vol_iter *it, struct bp_vol_info *ret, struct bp_error *err)
{
	return it->ses.be->vols_next(&it->ses.pool, it->cursor, ret, err);
}

static void walk_close(struct bp_vol_iter *it)
{
	if (it->walking)
		it->ses.be->vols_close(&it->ses.pool, it->cursor);
	session_close(&it->ses);
	it->walking = false;
}

/* The first piece says that the walk has begun. */
static void walk_away(struct bp_vol_iter *it, struct bp_store *s, const char *pool, unsigned want,
		      struct bp_error *err)
{
	struct text none = { 0 }, one = { 0 };
	struct bp_vol_info info;
	int r = walk_open(it, s, pool, want, err);

	if (r == 0)
		away_send(&it->away, &none);
	while (r == 0 && (r = walk_next(it, &info, err)) > 0) {
		one.len = 0;
		volume_pack(&info, &one);
		away_send(&it->away, &one);
		r = 0;
	}
	walk_close(it);
	away_answer(&it->away, r, NULL, err);
}

int bp_vols_open(struct bp_store *s, const char *pool, unsigned want,
		 struct bp_vol_iter **ret, struct bp_error *err)
{
	cleanup(bp_vols_closep) struct bp_vol_iter *it = mem_alloc(sizeof *it);
	int r;

	it->ses = (struct session)SESSION_INIT;
	it->away = (struct away)AWAY_INIT(s, NULL);
	if (refuse_flags(want, BP_VOL_ALL | BP_VOL_BACKING, "bp_vols_open", err) < 0)
		return -1;
	away_begin(&it->away);
	r = walk_open(it, s, pool, want, err);
	if (away_wanted(&it->away, r, err)) {
		if (away_is_child(&it->away, err))
			walk_away(it, s, pool, want, err);
		r = away_next(&it->away, NULL, err);
	}
	if (r < 0)
		return -1;
	*ret = steal(it);
	return 0;
}

int bp_vols_next(struct bp_vol_iter *it, struct bp_vol_info *ret, struct bp_error *err)
{
	int r;

	if (it->walking)
		return walk_next(it, ret, err);
	if (!it->away.pid)	/* it has ended */
		return 0;
	it->told.len = 0;
	r = away_next(&it->away, &it->told, err);
	return r > 0 && volume_unpack(&it->told, ret, err) < 0 ? -1 : r;
}

void bp_vols_close(struct bp_vol_iter *it)
{
	if (!it)
		return;
	walk_close(it);
	away_done(&it->away);
	text_done(&it->told);
	free(it);
}

void bp_vols_closep(struct bp_vol_iter **it)
{
	bp_vols_close(*it);
}

/* volume_list.c - the walk over the volumes of a pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/session.h"

struct bp_vol_iter {
	struct session ses;
	void *cursor;
	bool walking;
};

int bp_vols_open(struct bp_store *s, const char *pool, unsigned want,
		 struct bp_vol_iter **ret, struct bp_error *err)
{
	cleanup(bp_vols_closep) struct bp_vol_iter *it = mem_alloc(sizeof *it);

	it->ses = (struct session)SESSION_INIT;
	if (refuse_flags(want, BP_VOL_ALL, "bp_vols_open", err) < 0 || store_look(s, err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &it->ses, err) < 0 ||
	    it->ses.be->vols_open(&it->ses.pool, want, &it->cursor, err) < 0)
		return -1;
	it->walking = true;
	*ret = steal(it);
	return 0;
}

int bp_vols_next(struct bp_vol_iter *it, struct bp_vol_info *ret, struct bp_error *err)
{
	return it->ses.be->vols_next(&it->ses.pool, it->cursor, ret, err);
}

void bp_vols_close(struct bp_vol_iter *it)
{
	if (!it)
		return;
	if (it->walking)
		it->ses.be->vols_close(&it->ses.pool, it->cursor);
	session_close(&it->ses);
	free(it);
}

void bp_vols_closep(struct bp_vol_iter **it)
{
	bp_vols_close(*it);
}

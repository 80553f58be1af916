/* delete.c - volumes deleted. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/away.h"
#include "core/barepool.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/dependants.h"
#include "core/volume.h"

/* Where its data are, which stay: whoever deletes an image does not always know that. */
static void tell_data(struct session *ses, const char *vol, struct text *ret)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_error ignored = { 0 };

	if (ses->be->caps & BP_CAP_BACKING_FILES &&
	    volume_find(ses, vol, BP_VOL_FORMAT, &info, &ignored) == 0 && info->data_store)
		text_add(ret, info->data_store->path);
}

static int vol_delete_here(struct bp_store *s, const char *pool, const char *vol,
			   unsigned flags, struct text *ret_data, struct bp_error *err)
{
	const unsigned known = BP_VOL_SNAPSHOTS | BP_VOL_FORCE | BP_VOL_FORCE_BACKING;
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(io_closep) struct bp_io *claim = NULL;

	if (store_change(s, "virStorageVolDelete", err) < 0 ||
	    refuse_flags(flags, known, "virStorageVolDelete", err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0)
		return -1;
	if (!ses.be->vol_delete)
		return bp_fail(err, BP_UNSUPPORTED, "storage pool does not support vol deletion");
	if (session_take_volume(&ses, vol, flags, err) < 0 ||
	    volume_claim(&ses, vol, flags, true, &claim, err) < 0 ||
	    dependants_spared(&ses, vol, DEPENDANTS_LOSE_IT, NULL, flags, err) < 0)
		return -1;
	if (ret_data)
		tell_data(&ses, vol, ret_data);
	/* the kernel lets go of no device that is open, and knows itself whether one is */
	if (claim && io_is_block(claim))
		io_close(steal(claim));
	return ses.be->vol_delete(&ses.pool, vol, flags, err);
}

int bp_vol_delete(struct bp_store *s, const char *pool, const char *vol, unsigned flags,
		  struct bp_error *err)
{
	return AWAY(s, NULL, err, vol_delete_here(s, pool, vol, flags, NULL, err));
}

int bp_vol_delete_told(struct bp_store *s, const char *pool, const char *vol, unsigned flags,
		       char **ret_data, struct bp_error *err)
{
	cleanup(away_done) struct away away = AWAY_INIT(s, NULL);
	cleanup(text_done) struct text data = { 0 };
	int r;

	*ret_data = NULL;
	away_begin(&away);
	r = vol_delete_here(s, pool, vol, flags, &data, err);
	if (away_wanted(&away, r, err)) {
		if (away_is_child(&away, err)) {
			r = vol_delete_here(s, pool, vol, flags, &data, err);
			away_answer(&away, r, &data, err);
		}
		r = away_wait(&away, &data, err);
	}
	if (r == 0 && data.len)
		*ret_data = text_steal(&data);
	return r;
}

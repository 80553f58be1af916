/* snapshot.c - snapshots of a volume: made, listed, gone back to, deleted. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/away.h"
#include "core/barepool.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/dependants.h"
#include "core/volume.h"

/* In the same words for every type that has none. */
static int check_slot(const struct session *ses, bool there, struct bp_error *err)
{
	return there ? 0 : bp_fail(err, BP_UNSUPPORTED, "volumes of pools of type '%s' have no "
				   "snapshots", ses->def->type);
}

static int check_name(const char *snap, struct bp_error *err)
{
	for (const char *s = snap; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return bp_fail(err, BP_INVALID, "a snapshot's name has no control "
				       "characters");
	return *snap ? 0 : bp_fail(err, BP_INVALID, "a snapshot needs a name");
}

/* The volume, for a change: nobody else changes it, and nobody uses it, unless that
 * does not matter. */
static int take(struct session *ses, const char *vol, unsigned flags, bool in_use_too,
		struct bp_io **ret_claim, struct bp_error *err)
{
	if (session_take_volume(ses, vol, flags, err) < 0)
		return -1;
	return in_use_too ? 0 : volume_claim(ses, vol, flags, false, ret_claim, err);
}

static int create_here(struct bp_store *s, const char *pool, const char *vol, const char *snap,
		       unsigned flags, char **ret_warning, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(io_closep) struct bp_io *claim = NULL;

	if (store_change(s, "bp_vol_snapshot_create", err) < 0 ||
	    refuse_flags(flags, BP_VOL_FORCE, "bp_vol_snapshot_create", err) < 0 ||
	    check_name(snap, err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    check_slot(&ses, ses.be->snap_create, err) < 0 ||
	    take(&ses, vol, flags, ses.be->caps & BP_CAP_LIVE_SNAPSHOTS, &claim, err) < 0 ||
	    ses.be->snap_create(&ses.pool, vol, snap, err) < 0)
		return -1;
	if (ret_warning)
		*ret_warning = volume_warning(&ses);
	return 0;
}

/* No type of which the storage can be away has warnings. */
int bp_vol_snapshot_create(struct bp_store *s, const char *pool, const char *vol,
			   const char *snap, unsigned flags, char **ret_warning,
			   struct bp_error *err)
{
	if (ret_warning)
		*ret_warning = NULL;
	return AWAY(s, NULL, err, create_here(s, pool, vol, snap, flags, ret_warning, err));
}

static int list_here(struct bp_store *s, const char *pool, const char *vol,
		     struct bp_snapshot **ret, size_t *ret_n, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_look(s, err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    check_slot(&ses, ses.be->snap_list, err) < 0 ||
	    ses.be->snap_list(&ses.pool, vol, ret, ret_n, err) < 0)
		return -1;
	bp_snapshots_sort(*ret, *ret_n);
	return 0;
}

static void send_snapshot(struct away *away, const struct bp_snapshot *snap)
{
	cleanup(text_done) struct text piece = { 0 };

	text_add_n(&piece, (const char *)snap, sizeof *snap);
	text_add_n(&piece, snap->name, strlen(snap->name) + 1);
	text_add_n(&piece, snap->id ? snap->id : "", snap->id ? strlen(snap->id) + 1 : 1);
	away_send(away, &piece);
}

static int take_snapshot(const struct text *piece, struct bp_snapshot *ret, struct bp_error *err)
{
	struct bp_snapshot snap;
	const char *name, *id;

	if (away_take(piece, &snap, sizeof snap, err) < 0)
		return -1;
	name = piece->s + sizeof snap;
	id = name + strlen(name) + 1;
	if (id >= piece->s + piece->len)
		return away_garbled(err);
	snap.id = snap.id ? mem_dup(id) : NULL;
	snap.name = mem_dup(name);
	*ret = snap;
	return 0;
}

static int take_snapshots(struct away *away, struct bp_snapshot **ret, size_t *ret_n,
			  struct bp_error *err)
{
	cleanup(text_done) struct text piece = { 0 };
	int r;

	*ret = NULL;
	*ret_n = 0;
	while ((r = away_next(away, &piece, err)) > 0) {
		struct bp_snapshot snap;

		r = take_snapshot(&piece, &snap, err);
		if (r < 0)
			break;
		*array_add(*ret, *ret_n) = snap;
		text_done(&piece);
	}
	if (r < 0)
		bp_snapshots_free(*ret, *ret_n);
	return r;
}

int bp_vol_snapshots(struct bp_store *s, const char *pool, const char *vol,
		     struct bp_snapshot **ret, size_t *ret_n, struct bp_error *err)
{
	cleanup(away_done) struct away away = AWAY_INIT(s, NULL);
	int r;

	away_begin(&away);
	r = list_here(s, pool, vol, ret, ret_n, err);
	if (!away_wanted(&away, r, err))
		return r;
	if (away_is_child(&away, err)) {
		r = list_here(s, pool, vol, ret, ret_n, err);
		for (size_t i = 0; r == 0 && i < *ret_n; i++)
			send_snapshot(&away, &(*ret)[i]);
		away_answer(&away, r, NULL, err);
	}
	return take_snapshots(&away, ret, ret_n, err);
}

static int revert_here(struct bp_store *s, const char *pool, const char *vol, const char *snap,
		       unsigned flags, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(io_closep) struct bp_io *claim = NULL;

	if (store_change(s, "bp_vol_snapshot_revert", err) < 0 ||
	    refuse_flags(flags, BP_VOL_FORCE | BP_VOL_FORCE_BACKING, "bp_vol_snapshot_revert",
			 err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    check_slot(&ses, ses.be->snap_revert, err) < 0 ||
	    take(&ses, vol, flags, false, &claim, err) < 0 ||
	    dependants_spared(&ses, vol, DEPENDANTS_SEE_IT, NULL, flags, err) < 0)
		return -1;
	/* as in bp_vol_delete(): of a device the kernel knows itself whether it is used */
	if (claim && io_is_block(claim))
		io_close(steal(claim));
	return ses.be->snap_revert(&ses.pool, vol, snap, err);
}

int bp_vol_snapshot_revert(struct bp_store *s, const char *pool, const char *vol,
			   const char *snap, unsigned flags, struct bp_error *err)
{
	return AWAY(s, NULL, err, revert_here(s, pool, vol, snap, flags, err));
}

static int delete_here(struct bp_store *s, const char *pool, const char *vol, const char *snap,
		       unsigned flags, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(io_closep) struct bp_io *claim = NULL;

	if (store_change(s, "bp_vol_snapshot_delete", err) < 0 ||
	    refuse_flags(flags, BP_VOL_FORCE, "bp_vol_snapshot_delete", err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    check_slot(&ses, ses.be->snap_delete, err) < 0 ||
	    take(&ses, vol, flags, ses.be->caps & BP_CAP_LIVE_SNAPSHOTS, &claim, err) < 0)
		return -1;
	return ses.be->snap_delete(&ses.pool, vol, snap, err);
}

int bp_vol_snapshot_delete(struct bp_store *s, const char *pool, const char *vol,
			   const char *snap, unsigned flags, struct bp_error *err)
{
	return AWAY(s, NULL, err, delete_here(s, pool, vol, snap, flags, err));
}

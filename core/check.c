/* check.c - see whether the image in a volume is whole, and repair it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/image/image.h"
#include "core/volume.h"

static int check_here(struct bp_store *s, const char *pool, const char *vol,
		      enum bp_repair repair, unsigned flags, const struct bp_teller *teller,
		      const struct bp_progress *progress, struct bp_vol_check *ret,
		      struct bp_error *err)
{
	static const char cannot[] = "storage pool does not let volumes be read";
	enum bp_vol_access access = repair == BP_REPAIR_NOTHING ? BP_VOL_READ : BP_VOL_WRITE;
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(io_closep) struct bp_io *claim = NULL, *io = NULL;
	const struct bp_image_format *f;

	if ((access == BP_VOL_READ ? store_look(s, err) :
				     store_change(s, "bp_vol_check", err)) < 0 ||
	    refuse_flags(flags, BP_VOL_FORCE, "bp_vol_check", err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0)
		return -1;
	if (access == BP_VOL_WRITE && session_take_volume(&ses, vol, flags, err) < 0)
		return -1;
	if (volume_find_all(&ses, vol, BP_VOL_FORMAT, &info, err) < 0)
		return -1;
	f = info->format ? bp_image_format_find(info->format) : NULL;
	if (!f || !f->check)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' has format '%s', of which nothing "
			       "can be checked", vol, info->format ? info->format : "none");
	if (repair != BP_REPAIR_NOTHING && !f->repairs)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' has format '%s', which can be "
			       "checked, but not repaired", vol, f->name);
	if (volume_claim(&ses, vol, flags, false, &claim, err) < 0 ||
	    volume_open(&ses, vol, access, cannot, &io, err) < 0)
		return -1;
	if (f->check(io, repair, teller, progress, ret, err) < 0)
		return bp_within(err, "volume '%s'", vol);
	return 0;
}

static void send_line(void *away, const char *line)
{
	cleanup(text_done) struct text piece = { 0 };

	text_add(&piece, line);
	away_send(away, &piece);
}

/* Lines come one by one, the sums with the answer. */
static int take_check(struct away *away, const struct bp_teller *teller, struct bp_vol_check *ret,
		      struct bp_error *err)
{
	cleanup(text_done) struct text piece = { 0 };
	int r;

	while ((r = away_next(away, &piece, err)) > 0) {
		teller->tell(teller->arg, piece.s ? piece.s : "");
		text_done(&piece);
	}
	return r < 0 ? -1 : away_take(&piece, ret, sizeof *ret, err);
}

int bp_vol_check(struct bp_store *s, const char *pool, const char *vol, enum bp_repair repair,
		 unsigned flags, const struct bp_teller *teller,
		 const struct bp_progress *progress, struct bp_vol_check *ret,
		 struct bp_error *err)
{
	cleanup(away_done) struct away away = AWAY_INIT(s, &progress);
	cleanup(text_done) struct text sums = { 0 };
	const struct bp_teller sender = { send_line, &away };
	int r;

	away_begin(&away);
	r = check_here(s, pool, vol, repair, flags, teller, progress, ret, err);
	if (!away_wanted(&away, r, err))
		return r;
	if (away_is_child(&away, err)) {
		r = check_here(s, pool, vol, repair, flags, teller ? &sender : NULL, progress, ret,
			       err);
		text_add_n(&sums, (const char *)ret, sizeof *ret);
		away_answer(&away, r, &sums, err);
	}
	return take_check(&away, teller, ret, err);
}

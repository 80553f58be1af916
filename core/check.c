/* check.c - see whether the image in a volume is whole, and repair it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/image/image.h"
#include "core/volume.h"

int bp_vol_check(struct bp_store *s, const char *pool, const char *vol, enum bp_repair repair,
		 unsigned flags, const struct bp_teller *teller,
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
	if (volume_claim(&ses, vol, flags, false, &claim, err) < 0 ||
	    volume_open(&ses, vol, access, cannot, &io, err) < 0)
		return -1;
	if (f->check(io, repair, teller, progress, ret, err) < 0)
		return bp_within(err, "volume '%s'", vol);
	return 0;
}

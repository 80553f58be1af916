/* volume_below.c - volumes committed into what they are based on, or put on another. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/away.h"
#include "core/barepool.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/dependants.h"
#include "core/image_below.h"
#include "core/volume_layers.h"

static int begin(struct bp_store *s, const char *pool, const char *function, unsigned flags,
		 struct session *ses, struct bp_error *err)
{
	if (store_change(s, function, err) < 0 ||
	    refuse_flags(flags, BP_VOL_FORCE | BP_VOL_FORCE_BACKING, function, err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, ses, err) < 0)
		return -1;
	if (!(ses->be->caps & BP_CAP_BACKING_FILES))
		return bp_fail(err, BP_UNSUPPORTED, "volumes of pools of type '%s' have no backing "
			       "store that could be changed", ses->def->type);
	return 0;
}

/* Who sees what is changed, other than through the volume itself? */
static int spare_others(struct session *ses, const struct bp_chain *chain, size_t depth,
			unsigned flags, struct bp_error *err)
{
	for (size_t i = depth; i > 0; i--)
		if (dependants_spared(ses, chain->layers[i].name, DEPENDANTS_SEE_IT,
				      chain->layers[i - 1].name, flags, err) < 0)
			return -1;
	return 0;
}

static int commit_here(struct bp_store *s, const char *pool, const char *vol, const char *base,
		       bool keep, unsigned flags, const struct bp_progress *progress,
		       struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(volume_layers_done) struct volume_layers layers = {
		.ses = &ses, .flags = flags, .target = base, .first_too = !base,
	};
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };

	if (begin(s, pool, "bp_vol_commit", flags, &ses, err) < 0 ||
	    session_take_volume(&ses, vol, flags, err) < 0 ||
	    volume_layers_open(&layers, vol, &chain, err) < 0)
		return -1;
	if (!layers.depth)
		return base ? bp_fail(err, BP_INVALID, "volume '%s' is not based on '%s'", vol,
				      base) :
			      bp_fail(err, BP_INVALID, "volume '%s' has no backing store", vol);
	if (spare_others(&ses, &chain, layers.depth, flags, err) < 0 ||
	    volume_layers_spare_data(&layers, &chain, err) < 0)
		return -1;
	return image_commit_chain(&chain, layers.depth, keep || base ? BP_COMMIT_KEEP : 0, progress,
				  err);
}

int bp_vol_commit(struct bp_store *s, const char *pool, const char *vol, const char *base,
		  bool keep, unsigned flags, const struct bp_progress *progress,
		  struct bp_error *err)
{
	return AWAY(s, &progress, err, commit_here(s, pool, vol, base, keep, flags, progress,
						   err));
}

/* In the order in which all take their locks. */
static int lock_both(struct session *ses, const char *vol, const char *backing, unsigned flags,
		     struct bp_error *err)
{
	int order = backing ? session_lock_order(ses, vol, backing) : 0;

	if (order > 0 && session_lock_volume(ses, backing, LOCK_SHARED, err) < 0)
		return -1;
	if (session_take_volume(ses, vol, flags, err) < 0)
		return -1;
	return order < 0 ? session_lock_volume(ses, backing, LOCK_SHARED, err) : 0;
}

/* The new one as it is to be written in the image: the path that it has as a volume. */
static int find_new(struct session *ses, const char *vol, char **ret_path, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	*ret_path = NULL;
	if (!vol)
		return 0;
	if (volume_find_all(ses, vol, BP_VOL_PATH, &info, err) < 0)
		return -1;
	*ret_path = mem_dup(info->path);
	return 0;
}

static int rebase_here(struct bp_store *s, const char *pool, const char *vol, const char *backing,
		       const char *format, unsigned flags, const struct bp_progress *progress,
		       struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(volume_layers_done) struct volume_layers layers = { .ses = &ses, .flags = flags };
	cleanup(volume_layers_done) struct volume_layers beside = {
		.ses = &ses, .flags = flags, .never = vol,
	};
	cleanup(bp_chain_done) struct bp_chain old = { 0 }, new = { 0 };
	auto_free char *path = NULL;

	if (begin(s, pool, "bp_vol_rebase", flags, &ses, err) < 0)
		return -1;
	if (backing && strcmp(backing, vol) == 0)
		return bp_fail(err, BP_INVALID, "volume '%s' cannot be its own backing store", vol);
	if (lock_both(&ses, vol, backing, flags, err) < 0 ||
	    find_new(&ses, backing, &path, err) < 0 ||
	    volume_layers_open(&layers, vol, &old, err) < 0 ||
	    image_rebase_check(bp_image_known_find(old.layers[0].info.format), path, format,
			       err) < 0)
		return -1;
	if (volume_layers_spare_data(&layers, &old, err) < 0)
		return -1;
	if (backing && volume_layers_read(&beside, backing, format, &new, err) < 0)
		return -1;
	return image_rebase_chain(&old, &new, path, format, 0, progress, err);
}

int bp_vol_rebase(struct bp_store *s, const char *pool, const char *vol, const char *backing,
		  const char *format, unsigned flags, const struct bp_progress *progress,
		  struct bp_error *err)
{
	return AWAY(s, &progress, err, rebase_here(s, pool, vol, backing, format, flags, progress,
						   err));
}

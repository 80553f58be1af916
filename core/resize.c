/* resize.c - another capacity for a volume. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/dependants.h"
#include "core/image_file.h"
#include "core/volume_layers.h"

/* The size meant: to, by, or down by so much. */
static int new_capacity(const struct bp_vol_info *info, uint64_t capacity, unsigned flags,
			uint64_t *ret, struct bp_error *err)
{
	uint64_t now = info->capacity;

	*ret = capacity;
	if (!(flags & BP_VOL_DELTA))
		return 0;
	if (flags & BP_VOL_SHRINK) {
		*ret = now - capacity;
		return capacity <= now ? 0 :
		       bp_fail(err, BP_INVALID, "volume '%s' has %" PRIu64 " bytes, so it cannot "
			       "be made smaller by %" PRIu64, info->name, now, capacity);
	}
	if (__builtin_add_overflow(now, capacity, ret) || *ret > INT64_MAX)
		return bp_fail(err, BP_OVERFLOW, "value too large: %" PRIu64 " and %" PRIu64
			       " more", now, capacity);
	return 0;
}

static int check_resize(struct session *ses, const struct bp_vol_info *info, uint64_t capacity,
			unsigned flags, struct bp_error *err)
{
	struct bp_pool_space space;

	/* of a device all is allocated, whatever is in it */
	if (capacity < info->capacity && capacity < info->allocation &&
	    info->type != BP_VOL_BLOCK)
		return bp_fail(err, BP_INVALID, "can't shrink capacity below existing allocation");
	if (capacity < info->capacity && !(flags & BP_VOL_SHRINK))
		return bp_fail(err, BP_INVALID, "Can't shrink capacity below current capacity "
			       "unless shrink flag explicitly specified");
	if (!(flags & BP_VOL_ALLOCATE) || capacity <= info->allocation)
		return 0;
	if (ses->be->pool_space(&ses->pool, &space, err) < 0)
		return -1;
	if (capacity - info->allocation > space.available)
		return bp_fail(err, BP_FAILED, "Not enough space left in storage pool");
	return 0;
}

/* Its data are in another volume, which only the engine can open. */
static int resize_with_data(struct session *ses, const struct bp_vol_info *info,
			    uint64_t capacity, unsigned flags, struct bp_error *err)
{
	cleanup(volume_layers_done) struct volume_layers layers = { .ses = ses, .flags = flags };
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	const struct bp_image_format *f;

	if (flags & BP_VOL_ALLOCATE)
		return bp_fail(err, BP_OP_UNSUPPORTED,
			       "preallocate is only supported for raw type volume");
	if (volume_layers_open(&layers, info->name, &chain, err) < 0 ||
	    (capacity < info->capacity && volume_layers_spare_data(&layers, &chain, err) < 0))
		return -1;
	f = bp_image_known_find(chain.layers[0].info.format);
	if ((capacity > info->capacity ?
	     image_grow(&chain, capacity, BP_PREALLOC_OFF, err) :
	     f->resize(layers.io, capacity, err)) < 0)
		return bp_within(err, "volume '%s'", info->name);
	return io_sync(layers.io, err);
}

static int vol_resize_here(struct bp_store *s, const char *pool, const char *vol,
			   uint64_t capacity, unsigned flags, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(io_closep) struct bp_io *claim = NULL;
	const unsigned known = BP_VOL_ALLOCATE | BP_VOL_DELTA | BP_VOL_SHRINK | BP_VOL_FORCE |
			       BP_VOL_FORCE_BACKING;

	if (store_change(s, "virStorageVolResize", err) < 0 ||
	    refuse_flags(flags, known, "virStorageVolResize", err) < 0)
		return -1;
	if (!capacity && !(flags & (BP_VOL_DELTA | BP_VOL_SHRINK)))
		return bp_fail(err, BP_BAD_FLAGS, "capacity in virStorageVolResize cannot be zero "
			       "without 'delta' or 'shrink' flags set");
	if (session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    session_take_volume(&ses, vol, flags, err) < 0 ||
	    volume_find_all(&ses, vol, BP_VOL_SIZE | BP_VOL_FORMAT, &info, err) < 0 ||
	    new_capacity(info, capacity, flags, &capacity, err) < 0 ||
	    check_resize(&ses, info, capacity, flags, err) < 0)
		return -1;
	if (!ses.be->vol_resize)
		return bp_fail(err, BP_UNSUPPORTED,
			       "storage pool does not support changing of volume capacity");
	if (volume_claim(&ses, vol, flags, false, &claim, err) < 0 ||
	    (capacity < info->capacity &&
	     dependants_spared(&ses, vol, DEPENDANTS_SEE_IT, NULL, flags, err) < 0))
		return -1;
	if (!info->data_store)
		return ses.be->vol_resize(&ses.pool, vol, capacity, flags, err);
	io_close(steal(claim));
	return resize_with_data(&ses, info, capacity, flags, err);
}

int bp_vol_resize(struct bp_store *s, const char *pool, const char *vol, uint64_t capacity,
		  unsigned flags, struct bp_error *err)
{
	return AWAY(s, NULL, err, vol_resize_here(s, pool, vol, capacity, flags, err));
}

/* logical.c - <pool type='logical'>: an LVM volume group. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/logical.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

/* ---- the group ---------------------------------------------------------------------- */

const struct vg *logical_vg(struct bp_pool *p, struct bp_error *err)
{
	struct logical *l = p->priv;
	auto_free char *making = NULL;

	if (l->loaded && l->volumes)
		return &l->vg;
	making = making_now();
	logical_forget(p);
	if (vg_load(p->def->source.name, &l->vg, err) < 0)
		return NULL;
	making_look(&l->vg, making);
	l->loaded = l->volumes = true;
	return &l->vg;
}

const struct vg *logical_vg_alone(struct bp_pool *p, struct bp_error *err)
{
	struct logical *l = p->priv;

	if (!l->loaded && vg_look(p->def->source.name, VG_ALONE, &l->vg, err) < 0) {
		vg_explain(p->def->source.name, err);
		return NULL;
	}
	l->loaded = true;
	return &l->vg;
}

void logical_keep(struct bp_pool *p, struct vg *vg)
{
	struct logical *l = p->priv;

	if (!l)
		p->priv = l = mem_alloc(sizeof *l);
	logical_forget(p);
	l->vg = *vg;
	l->loaded = true;
	*vg = (struct vg){ 0 };
}

const struct vg *logical_vg_to_change(struct bp_pool *p, struct bp_error *err)
{
	const struct vg *vg;

	making_sweep(p);
	vg = logical_vg(p, err);
	return vg && vg_check_to_change(vg, err) == 0 ? vg : NULL;
}

void logical_forget(struct bp_pool *p)
{
	struct logical *l = p->priv;

	vg_done(&l->vg);
	l->loaded = l->volumes = false;
}

/* LVM writes without telling the disk that it is to last. */
int device_flush(const char *device, struct bp_error *err)
{
	auto_close int fd = *device == '/' ? open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

	if (fd < 0 || fsync(fd) == 0)
		return 0;		/* or it is gone; then so is what is on it */
	bp_fail_sys(err, errno, "cannot flush device '%s'", device);
	return may_not_last(err);
}

int vg_flush(const struct vg *vg, struct bp_error *err)
{
	for (size_t i = 0; i < vg->n_pvs; i++)
		if (device_flush(vg->pvs[i].name, err) < 0)
			return -1;
	return 0;
}

int logical_changed(struct bp_pool *p, struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	const struct vg *vg = logical_vg(p, &ignored);
	int r = vg ? vg_flush(vg, err) : 0;

	logical_forget(p);
	return r;
}

static int logical_pool_open(struct bp_pool *p, struct bp_error *err)
{
	(void)err;
	if (!p->priv)			/* a start may have left what it has seen */
		p->priv = mem_alloc(sizeof(struct logical));
	return 0;
}

static void logical_pool_close(struct bp_pool *p)
{
	struct logical *l = p->priv;

	if (l)
		vg_done(&l->vg);
	free(l);
	p->priv = NULL;
}

/* Before other changes they do so who know what is there. */
static void logical_pool_sweep(struct bp_pool *p, bool thoroughly)
{
	if (thoroughly)
		making_sweep(p);
}

static int logical_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	const struct vg *vg = logical_vg_alone(p, err);

	if (!vg)
		return -1;
	*ret = (struct bp_pool_space){
		.capacity = vg_number(vg->size), .available = vg_number(vg->free),
	};
	ret->allocation = ret->capacity - ret->available;
	return 0;
}

static int logical_pool_problem(struct bp_pool *p, struct bp_error *err)
{
	const struct vg *vg = logical_vg_alone(p, err);

	return !vg || vg_check(vg, err) < 0 || vg_check_metadata(vg, err) < 0 ? -1 : 0;
}

const struct bp_backend backend_logical = {
	.type	      = "logical",
	.caps	      = BP_CAP_DEVICES | BP_CAP_LIVE_SNAPSHOTS,

	.pool_open    = logical_pool_open,
	.pool_close   = logical_pool_close,
	.pool_mend    = logical_pool_mend,
	.pool_build   = logical_pool_build,
	.pool_start   = logical_pool_start,
	.pool_space   = logical_pool_space,
	.pool_problem = logical_pool_problem,
	.pool_refresh = logical_pool_refresh,
	.pool_sweep   = logical_pool_sweep,
	.pool_thin    = logical_pool_thin,
	.pool_stop    = logical_pool_stop,
	.pool_erase   = logical_pool_erase,

	.vols_open    = logical_vols_open,
	.vols_next    = logical_vols_next,
	.vols_close   = logical_vols_close,
	.vol_find     = logical_vol_find,
	.vol_of_path  = logical_vol_of_path,
	.vol_create   = logical_vol_create,
	.vol_clone    = logical_vol_clone,
	.vol_resize   = logical_vol_resize,
	.vol_delete   = logical_vol_delete,
	.vol_open     = logical_vol_open,
	.vol_room     = logical_vol_room,
	.vol_may_wipe = logical_vol_may_wipe,
	.snap_list    = logical_snap_list,
	.snap_create  = logical_snap_create,
	.snap_revert  = logical_snap_revert,
	.snap_delete  = logical_snap_delete,

	.sources_find = logical_sources_find,
};

/* logical_fill.c - the bytes of volumes. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "backends/blocks.h"
#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

int making_fill(const char *path, bool thin, const struct bp_filler *filler,
		struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;

	if (blocks_open(path, BP_VOL_WRITE, &io, err) < 0)
		return -1;
	io->sparse = thin;
	if (filler->fill(filler->arg, io, err) < 0)
		return -1;
	return io_sync(io, err);
}

/* What nobody has activated is, for as long as the pool is active. */
static int activate(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv,
		    struct bp_error *err)
{
	auto_free char *name = mem_printf("%s/%s", vg->name, lv->name);
	const char *const argv[] = {
		"lvchange", "--ignoreactivationskip", logical_activation(p, vg, lv), name, NULL
	};

	if (started_add(vg, lv->uuid, err) < 0)
		return -1;
	return lvm_run(argv, NULL, err);
}

/* Without udev nobody makes a node again that somebody has removed. */
static void make_node(const struct vg *vg, const char *path)
{
	const char *const argv[] = { "vgmknodes", vg->name, NULL };
	struct bp_error ignored = { 0 };

	if (access(path, F_OK) < 0 && !blocks_have_udev())
		(void)lvm_run(argv, NULL, &ignored);
}

int logical_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		     struct bp_io **ret, struct bp_error *err)
{
	auto_free char *path = mem_printf("%s/%s", p->def->target_path, vol);
	const struct vg_lv *lv;
	const struct vg *vg;
	bool thin;

	making_sweep(p);
	vg = logical_vg(p, err);
	if (!vg)
		return -1;
	lv = vg_find(vg, vol);
	if (!lv)
		return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
	thin = lv_is_thin(lv);
	if (!lv_is_active(lv)) {
		if (activate(p, vg, lv, err) < 0)
			return bp_within(err, "volume '%s' is inactive", vol);
		logical_forget(p);
	} else
		make_node(vg, path);
	if (blocks_open(path, access, ret, err) < 0)
		return -1;
	(*ret)->sparse = thin;
	return 0;
}

int logical_vol_room(struct bp_pool *p, const char *vol, uint64_t bytes, struct bp_error *err)
{
	const struct vg *vg = logical_vg(p, err);

	return vg ? vg_room(vg, vol, bytes, err) : -1;
}

/* logical_start.c - a volume group's volumes activated, and deactivated. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/blocks.h"
#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define AT_ONCE 40		/* volumes named in one command */

/* ---- start -------------------------------------------------------------------------- */

static bool same_device(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 ||
	       (stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISBLK(x.st_mode) &&
		S_ISBLK(y.st_mode) && x.st_rdev == y.st_rdev);
}

static bool has_device(const struct vg *vg, const char *path)
{
	for (size_t i = 0; i < vg->n_pvs; i++)
		if (same_device(vg->pvs[i].name, path))
			return true;
	return false;
}

/* A definition that names devices means the group on them, not another of its name. */
static int check_devices(const struct bp_pool_def *def, const struct vg *vg, struct bp_error *err)
{
	const struct bp_pool_source *src = &def->source;

	for (size_t i = 0; i < src->n_devices; i++)
		if (has_device(vg, src->devices[i].path))
			return 0;
	return !src->n_devices ? 0 :
	       bp_fail(err, BP_CONFIG, "cannot find any matching source devices for logical "
		       "volume group '%s'", vg->name);
}

static bool has_node(const struct vg *vg, const struct vg_lv *lv)
{
	auto_free char *path = mem_printf("/dev/%s/%s", vg->name, lv->name);

	return access(path, F_OK) == 0;
}

/* What is noted: what was noted before and is active still, and what will be. */
static int note(const struct vg *vg, struct bp_error *err)
{
	cleanup(started_done) struct started before = { 0 };
	auto_free const struct vg_lv **lvs = NULL;
	size_t n = 0;

	if (started_load(vg, &before, err) < 0)
		return -1;
	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (lv_is_public(lv) && !lv_is_skipped(lv) &&
		    (!lv_is_active(lv) || started_has(&before, lv)))
			*array_add(lvs, n) = lv;
	}
	return started_save(vg, lvs, n, err);
}

static int activate(const struct vg *vg, struct bp_error *err)
{
	const char *const argv[] = { "vgchange", "-aly", vg->name, NULL };

	return note(vg, err) < 0 ? -1 : lvm_run(argv, NULL, err);
}

/* What was activated in an initramfs may have no nodes here, and no udev to make
 * them.  That some could not be made is found out by whoever needs them. */
static void make_nodes(const struct vg *vg)
{
	const char *const argv[] = { "vgmknodes", vg->name, NULL };
	struct bp_error ignored = { 0 };

	if (!blocks_have_udev())
		(void)lvm_run(argv, NULL, &ignored);
}

int logical_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };
	bool active = true, nodes = true;

	if (vg_load(p->def->source.name, &vg, err) < 0 || vg_check(&vg, err) < 0 ||
	    check_devices(p->def, &vg, err) < 0)
		return -1;
	for (size_t i = 0; i < vg.n_lvs; i++) {
		const struct vg_lv *lv = &vg.lvs[i];

		if (!lv_is_public(lv) || lv_is_skipped(lv))
			continue;
		active = active && lv_is_active(lv);
		nodes = nodes && (!lv_is_active(lv) || has_node(&vg, lv));
	}
	if (!active && activate(&vg, err) < 0)
		return -1;
	if (!nodes)
		make_nodes(&vg);
	return active;
}

/* ---- stop --------------------------------------------------------------------------- */

static int deactivate(const struct vg *vg, const struct vg_lv *const *lvs, size_t n,
		      struct bp_error *err)
{
	char *names[AT_ONCE] = { NULL };
	const char *argv[AT_ONCE + 3] = { "lvchange", "-aln" };
	int r;

	for (size_t i = 0; i < n; i++)
		argv[i + 2] = names[i] = mem_printf("%s/%s", vg->name, lvs[i]->name);
	r = lvm_run(argv, NULL, err);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	return r;
}

/* Ours that are active: those in use, or those that nobody has. */
static size_t ours(const struct vg *vg, const struct started *started, bool open,
		   const struct vg_lv ***ret)
{
	size_t n = 0;

	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (lv_is_public(lv) && lv_is_active(lv) && lv_is_open(lv) == open &&
		    started_has(started, lv))
			*array_add(*ret, n) = lv;
	}
	return n;
}

/* Whoever opens one of them meanwhile keeps it: LVM asks the kernel, and leaves
 * what is open.  What is left because of that, or was open before, stays noted. */
static int deactivate_ours(const struct vg *vg, const struct started *started,
			   struct bp_error *err)
{
	auto_free const struct vg_lv **idle = NULL, **busy = NULL;
	size_t n = ours(vg, started, false, &idle), n_busy = ours(vg, started, true, &busy);
	bool taken = false;

	for (size_t i = 0; i < n; i += AT_ONCE) {
		struct bp_error why = { 0 };

		if (deactivate(vg, idle + i, n - i < AT_ONCE ? n - i : AT_ONCE, &why) == 0)
			continue;
		taken = true;
		if (why.code != BP_BUSY) {
			*err = why;
			return -1;
		}
	}
	return taken ? 0 : started_save(vg, busy, n_busy, err);
}

int logical_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	cleanup(started_done) struct started started = { 0 };
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error gone = { 0 };

	if (vg_load(p->def->source.name, &vg, &gone) < 0) {
		if (gone.code == BP_CONFIG)	/* then there is nothing to ask LVM for */
			return 0;
		*err = gone;
		return -1;
	}
	if (started_load(&vg, &started, err) < 0)
		return -1;
	return deactivate_ours(&vg, &started, err);
}

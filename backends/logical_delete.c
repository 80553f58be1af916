/* logical_delete.c - volumes deleted, with the snapshots that go with them.
 *
 * LVM removes one after the other.  So what goes with others is first hidden, by the tag of
 * one that is not finished, which is the one step in which all are gone; whoever is killed
 * after that leaves the rest to the next change.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/stat.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/process.h"

int logical_remove(const struct vg *vg, const char *lv, struct bp_error *err)
{
	auto_free char *name = mem_printf("%s/%s", vg->name, lv);
	const char *const argv[] = { "lvremove", "--force", name, NULL };

	return lvm_run(argv, NULL, err);
}

/* Snapshots with space of their own cannot live without their origin, and go with it. */
static bool depends_on(const struct vg_lv *snap, const struct vg_lv *lv)
{
	return lv_is_snapshot(snap) && strcmp(snap->origin, lv->name) == 0;
}

static char *dependants(const struct vg *vg, const struct vg_lv *lv)
{
	struct text names = { 0 };

	for (size_t i = 0; i < vg->n_lvs; i++)
		if (depends_on(&vg->lvs[i], lv))
			text_addf(&names, "%s'%s'", names.len ? ", " : "", vg->lvs[i].name);
	return names.len ? text_steal(&names) : NULL;
}

/* The part says that --force is not what helps. */
static int check_snapshots(const struct vg_lv *lv, const char *own, const char *others,
			   struct bp_error *err)
{
	if (own)
		return bp_fail_part(err, BP_BUSY, "snapshots", "volume '%s' has snapshots: %s; "
				    "delete those first, or with it (--delete-snapshots)",
				    lv->name, own);
	if (others)
		return bp_fail_part(err, BP_BUSY, "snapshots", "volume '%s' is the origin of %s; "
				    "delete that first, or with it (--delete-snapshots)",
				    lv->name, others);
	return 0;
}

/* As it was: one that could not be removed is seen again. */
static void show_again(const struct vg *vg, const struct vg_lv *lv, const struct making *making)
{
	cleanup(vg_done) struct vg now = { 0 };
	struct bp_error ignored = { 0 };
	const struct vg_lv *left = vg_load(vg->name, &now, &ignored) < 0 ? NULL :
				   vg_find_hidden(&now, lv->name);

	if (!left || lv_is_snapshot(left) != lv_is_snapshot(lv))
		return;
	if (lv_is_active(lv) && !lv_is_active(left))
		(void)lv_change(vg, lv->name, "--activate", "y", &ignored);
	ignored = (struct bp_error){ 0 };
	(void)making_show(making, vg, lv->name, &ignored);
}

/* Nobody can have it once it is off, nor its snapshots: so nothing has gone if somebody does. */
static int remove_all(const struct vg *vg, const struct vg_lv *lv, bool with_others,
		      struct bp_error *err)
{
	if (with_others && lv_change(vg, lv->name, "--activate", "n", err) < 0)
		return -1;
	return snapshots_remove(vg, lv->name, err) < 0 ? -1 : logical_remove(vg, lv->name, err);
}

/* With the first all are hidden.  LVM makes volumes of snapshots before it removes them,
 * and nobody shall see those either. */
static int hide_all(const struct vg *vg, const struct vg_lv *lv, const struct making *making,
		    struct bp_error *err)
{
	if (making_hide(making, vg, lv->name, err) < 0)
		return -1;
	for (size_t i = 0; i < vg->n_lvs; i++)
		if (depends_on(&vg->lvs[i], lv) &&
		    making_hide(making, vg, vg->lvs[i].name, err) < 0)
			return -1;
	return 0;
}

static void show_all(const struct vg *vg, const struct vg_lv *lv, const struct making *making)
{
	for (size_t i = 0; i < vg->n_lvs; i++)
		if (depends_on(&vg->lvs[i], lv))
			show_again(vg, &vg->lvs[i], making);
	show_again(vg, lv, making);
}

static int remove_hidden(const struct vg *vg, const struct vg_lv *lv, bool with_others,
			 struct bp_error *err)
{
	cleanup(making_end) struct making making = MAKING_INIT;

	if (making_begin(&making, err) < 0)
		return -1;
	if (hide_all(vg, lv, &making, err) == 0 && remove_all(vg, lv, with_others, err) == 0)
		return 0;
	show_all(vg, lv, &making);
	return -1;
}

/* Which of those that go together somebody has, as far as that can be seen. */
static char *path_in_use(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv)
{
	for (size_t i = 0; i < vg->n_lvs; i++) {
		auto_free char *path = mem_printf("%s/%s", p->def->target_path, vg->lvs[i].name);
		auto_free char *who = NULL;
		struct stat st;

		if (depends_on(&vg->lvs[i], lv) && stat(path, &st) == 0 && S_ISBLK(st.st_mode))
			who = processes_with(st.st_rdev);
		if (who)
			return steal(path);
	}
	return mem_printf("%s/%s", p->def->target_path, lv->name);
}

int logical_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err)
{
	auto_free char *path = NULL, *own = NULL, *others = NULL;
	const struct vg_lv *lv;
	const struct vg *vg;
	int r;

	vg = logical_vg_to_change(p, err);
	lv = vg ? logical_existing(vg, vol, err) : NULL;
	if (!lv)
		return -1;
	own = snapshots_of(vg, lv->name);
	others = dependants(vg, lv);
	if (!(flags & BP_VOL_SNAPSHOTS) && check_snapshots(lv, own, others, err) < 0)
		return -1;
	r = own || others || lv_is_snapshot(lv) ? remove_hidden(vg, lv, own || others, err) :
	    logical_remove(vg, lv->name, err);
	if (r == 0)
		return logical_changed(p, err);
	path = path_in_use(p, vg, lv);
	logical_forget(p);
	say_who_has(path, err);
	return bp_within(err, "cannot delete volume '%s'", vol);
}

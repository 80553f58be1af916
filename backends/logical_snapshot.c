/* logical_snapshot.c - snapshots that belong to a thin volume.
 *
 * Each is a thin volume, too, which LVM does not activate and nobody is shown: its
 * name is "VOLUME.snap.NAME", and a tag says that it is one, and since when.  If
 * its volume is taken away by others it is shown, as a volume of this name.
 *
 * To go back to one, "VOLUME.revert" is made of it, which then takes the place of
 * the volume.  LVM can exchange two volumes in no single step, so there is a moment
 * at which only the new one is there, under the name it was made with.  Whoever is
 * killed before it leaves the old state, and after it the new one; the next change
 * tidies up.  Meanwhile the new one is shown under the volume's name, inactive.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

static const struct vg_lv *thin_volume(const struct vg *vg, const char *vol, struct bp_error *err)
{
	const struct vg_lv *lv = logical_existing(vg, vol, err);

	if (lv && !lv_is_thin(lv))
		bp_fail(err, BP_UNSUPPORTED, "volume '%s' is %s, and only thin volumes have "
			"snapshots of their own; another can be the backing store of a volume "
			"(vol-create-as --backing-vol)", vol, lv_kind(vg, lv));
	return lv && lv_is_thin(lv) ? lv : NULL;
}

static char *full_name(const char *vol, const char *snap)
{
	return mem_printf("%s%s%s", vol, LV_SNAPSHOT, snap);
}

static const struct vg_lv *snapshot_of(const struct vg *vg, const char *vol, const char *snap)
{
	auto_free char *name = full_name(vol, snap);
	const struct vg_lv *lv = vg_find_hidden(vg, name);

	return lv && lv_snapshot_name(lv) ? lv : NULL;
}

static const struct vg_lv *existing(const struct vg *vg, const char *vol, const char *snap,
				    struct bp_error *err)
{
	const struct vg_lv *lv = NULL;

	if (thin_volume(vg, vol, err)) {
		lv = snapshot_of(vg, vol, snap);
		if (!lv)
			bp_fail(err, BP_INVALID, "volume '%s' has no snapshot '%s'", vol, snap);
	}
	return lv;
}

/* ---- make, list, delete -------------------------------------------------------------- */

static int check_name(const struct vg *vg, const char *name, const char *snap,
		      struct bp_error *err)
{
	if (lvm_is_name(snap) && !strstr(snap, LV_SNAPSHOT))
		return logical_check_length(vg, name, err);
	return bp_fail(err, BP_INVALID, "'%s' is no name for a snapshot of a logical volume: it "
		       "may have letters, digits and +_.-, begins with no '-' and has no '%s' in "
		       "it", snap, LV_SNAPSHOT);
}

int logical_snap_create(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err)
{
	auto_free char *name = full_name(vol, snap), *origin = NULL, *tag = NULL;
	const struct vg *vg;
	const struct vg_lv *lv;
	cleanup(making_end) struct making making = MAKING_INIT;
	const char *argv[] = {
		"lvcreate", "--snapshot", "--setactivationskip", "y", "--addtag", NULL,
		"--addtag", NULL, "--name", name, NULL, NULL
	};

	vg = logical_vg_to_change(p, err);
	lv = vg ? thin_volume(vg, vol, err) : NULL;
	if (!lv || check_name(vg, name, snap, err) < 0)
		return -1;
	if (snapshot_of(vg, vol, snap))
		return bp_fail(err, BP_FAILED, "volume '%s' has a snapshot '%s' already", vol,
			       snap);
	if (thin_check(p, vg, thin_pool_of(vg, lv), vg_number(lv->size), err) < 0)
		return -1;
	if (making_begin(&making, err) < 0)
		return -1;
	argv[7] = making.tag;
	argv[5] = tag = mem_printf("%s%" PRId64, LV_SNAPSHOT_TAG, (int64_t)time(NULL));
	argv[10] = origin = mem_printf("%s/%s", vg->name, lv->name);
	if (lvm_run(argv, NULL, err) < 0 || making_show(&making, vg, name, err) < 0) {
		logical_forget(p);
		return bp_within(err, "cannot make a snapshot of volume '%s'", vol);
	}
	return logical_changed(p, err);
}

static int64_t created(const struct vg_lv *lv)
{
	const char *at = strstr(lv->tags, LV_SNAPSHOT_TAG) + strlen(LV_SNAPSHOT_TAG), *rest;
	uint64_t seconds;

	return parse_number_prefix(at, 10, &seconds, &rest) ? (int64_t)seconds : 0;
}

int logical_snap_list(struct bp_pool *p, const char *vol, struct bp_snapshot **ret, size_t *ret_n,
		      struct bp_error *err)
{
	const struct vg *vg = logical_vg(p, err);

	if (!vg || !thin_volume(vg, vol, err))
		return -1;
	*ret = NULL;
	*ret_n = 0;
	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];
		struct bp_snapshot *snap;

		if (!lv_is_snapshot_of(lv, vol) || lv_is_unfinished(lv))
			continue;
		snap = array_add(*ret, *ret_n);
		snap->name = mem_dup(lv_snapshot_name(lv));
		snap->created = created(lv);
		snap->capacity = vg_number(lv->size);
		snap->icount = UINT64_MAX;
	}
	return 0;
}

int logical_snap_delete(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err)
{
	const struct vg_lv *lv;
	const struct vg *vg;
	int r;

	vg = logical_vg_to_change(p, err);
	lv = vg ? existing(vg, vol, snap, err) : NULL;
	if (!lv)
		return -1;
	r = logical_remove(vg, lv->name, err);
	if (r == 0)
		return logical_changed(p, err);
	logical_forget(p);
	return bp_within(err, "cannot delete snapshot '%s' of volume '%s'", snap, vol);
}

char *snapshots_of(const struct vg *vg, const char *vol)
{
	struct text names = { 0 };

	for (size_t i = 0; i < vg->n_lvs; i++)
		if (lv_is_snapshot_of(&vg->lvs[i], vol))
			text_addf(&names, "%s'%s'", names.len ? ", " : "",
				  lv_snapshot_name(&vg->lvs[i]));
	return names.len ? text_steal(&names) : NULL;
}

int snapshots_remove(const struct vg *vg, const char *vol, struct bp_error *err)
{
	for (size_t i = 0; i < vg->n_lvs; i++)
		if (lv_is_snapshot_of(&vg->lvs[i], vol) &&
		    logical_remove(vg, vg->lvs[i].name, err) < 0)
			return -1;
	return 0;
}

/* ---- go back to one -------------------------------------------------------------------- */

/* From here on it is the volume. */
static int take_place(struct bp_pool *p, const char *vol, struct bp_error *err)
{
	auto_free char *replacement = mem_printf("%s%s", vol, LV_REVERT);
	const struct vg *vg = logical_vg(p, err);

	if (!vg)
		return -1;
	return lvm_run((const char *const[]){ "lvrename", vg->name, replacement, vol, NULL },
		       NULL, err);
}

static int complete(struct bp_pool *p, const char *vol, bool active, struct bp_error *err)
{
	auto_free char *tags = NULL;
	const struct vg_lv *lv;
	const struct vg *vg;

	logical_forget(p);
	vg = logical_vg(p, err);
	lv = vg ? vg_find(vg, vol) : NULL;
	if (!lv)
		return vg ? bp_fail(err, BP_NO_VOL, "volume '%s' has gone", vol) : -1;
	if (active && !lv_is_active(lv) &&
	    (started_add(vg, lv->uuid, err) < 0 || lv_change(vg, vol, "--activate", "ly", err) < 0))
		return -1;
	tags = lv_tag(lv, LV_REVERT_TAG);
	if (tags && lv_change(vg, vol, "--deltag", tags, err) < 0)
		return -1;
	logical_forget(p);
	return 0;
}

/* What somebody who was killed has left: before the volume went, nothing has happened;
 * after that, all has. */
void reverts_sweep(struct bp_pool *p)
{
	struct bp_error ignored = { 0 };
	const struct vg *vg = logical_vg(p, &ignored);

	for (size_t i = 0; vg && i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];
		auto_free char *vol = NULL;

		if (!strstr(lv->tags, LV_REVERT_TAG) || maker_lives(vg, lv, LV_REVERT_TAG))
			continue;
		if (lv->hidden) {
			(void)logical_remove(vg, lv->name, &ignored);
			logical_forget(p);
		} else {
			vol = mem_dup(lv->name);
			if (!lv->misnamed || take_place(p, vol, &ignored) == 0)
				(void)complete(p, vol, true, &ignored);
		}
		ignored = (struct bp_error){ 0 };
		vg = logical_vg(p, &ignored);	/* the rest is for the next change */
		return;
	}
}

/* The tag has another word before the number whose lock says that we are at work. */
static int make_replacement(const struct vg *vg, const struct vg_lv *lv, const struct vg_lv *snap,
			    const struct making *making, struct bp_error *err)
{
	auto_free char *name = mem_printf("%s%s", lv->name, LV_REVERT);
	auto_free char *origin = mem_printf("%s/%s", vg->name, snap->name);
	auto_free char *tag = mem_printf("%s%s", LV_REVERT_TAG, making->tag + strlen(MAKING_TAG));
	const char *const argv[] = {
		"lvcreate", "--snapshot", "--setactivationskip", "n", "--activate", "n",
		"--addtag", tag, "--name", name, origin, NULL
	};

	return lvm_run(argv, NULL, err);
}

/* A volume in use is not removed: LVM asks the kernel. */
static int replace(struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv,
		   struct bp_error *err)
{
	auto_free char *vol = mem_dup(lv->name), *name = mem_printf("%s%s", vol, LV_REVERT);
	struct bp_error ignored = { 0 };
	bool active = lv_is_active(lv);

	if (logical_remove(vg, vol, err) < 0) {
		(void)logical_remove(vg, name, &ignored);
		logical_forget(p);
		return -1;
	}
	if (take_place(p, vol, err) < 0 || complete(p, vol, active, err) < 0) {
		logical_forget(p);
		return bp_within(err, "it is what it was, but not yet usable");
	}
	return 0;
}

/* The rights of the node are the volume's, as long as it is active. */
int logical_snap_revert(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err)
{
	auto_free char *path = mem_printf("%s/%s", p->def->target_path, vol);
	cleanup(making_end) struct making making = MAKING_INIT;
	const struct vg_lv *lv, *from;
	const struct vg *vg;
	struct stat st;
	bool there = stat(path, &st) == 0;

	vg = logical_vg_to_change(p, err);
	from = vg ? existing(vg, vol, snap, err) : NULL;
	if (!from)
		return -1;
	lv = vg_find(vg, vol);
	if (thin_check(p, vg, thin_pool_of(vg, lv), 0, err) < 0)
		return -1;
	if (making_begin(&making, err) < 0)
		return -1;
	if (make_replacement(vg, lv, from, &making, err) < 0 || replace(p, vg, lv, err) < 0)
		return bp_within(err, "cannot revert volume '%s' to snapshot '%s'", vol, snap);
	if (there && (chown(path, st.st_uid, st.st_gid) < 0 || chmod(path, st.st_mode & 07777) < 0))
		return bp_fail_sys(err, errno, "cannot set the rights of '%s'", path);
	return logical_changed(p, err);
}

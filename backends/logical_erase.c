/* logical_erase.c - volume groups removed, with LVM's marks on their devices.
 *
 * LVM does one after the other.  Of a group that has gone the marks are left when somebody was
 * killed, and are all there is: whoever deletes the pool again removes those.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* What a build has made: the group, and LVM's mark on the devices it was told. */
static int remove_marks(const struct bp_pool *p, const struct vg *vg, struct bp_error *err)
{
	const struct bp_pool_source *src = &p->def->source;

	for (size_t i = 0; i < src->n_devices; i++)
		for (size_t j = 0; j < vg->n_pvs; j++) {
			const char *path = src->devices[i].path;
			const char *const argv[] = { "pvremove", path, NULL };

			if (device_number(vg->pvs[j].name) == device_number(path) &&
			    lvm_run(argv, NULL, err) < 0)
				return -1;
		}
	return 0;
}

/* Where hosts share it, that takes its locks, which go with it. */
static int remove_group(const struct vg *vg, struct bp_error *err)
{
	const char *const argv[] = { "vgremove", vg->name, NULL };
	bool begun = *vg->lock_type && !vg_has_locks(vg);
	struct bp_error ignored = { 0 };

	if (begun && logical_begin_locks(vg, err) < 0)
		return -1;
	if (lvm_run(argv, NULL, err) == 0)
		return 0;
	if (begun)
		(void)logical_end_locks(vg->name, &ignored);
	return -1;
}

/* Is it LVM's, and of no group, or of one that is nowhere any more? */
static bool is_left(const struct lvm_device *d)
{
	auto_close int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return !*d->vg || (strcmp(d->vg, GROUP_UNKNOWN) == 0 && fd >= 0 && label_is_blank(fd));
}

static int remove_left(const struct bp_pool_source *src, const struct lvm_device *d,
		       struct bp_error *err)
{
	const char *const argv[] = { "pvremove", "-ff", d->path, NULL };

	for (size_t i = 0; i < src->n_devices; i++)
		if (device_number(src->devices[i].path) == device_number(d->path) && is_left(d))
			return lvm_run(argv, NULL, err) < 0 || device_flush(d->path, err) < 0 ?
			       -1 : 1;
	return 0;
}

/* There is no group, because of why: but maybe what is left of it. */
static int remove_rest(const struct bp_pool *p, const struct bp_error *why, struct bp_error *err)
{
	cleanup(devices_done) struct devices known = { 0 };
	bool removed = false;
	int r;

	if (why->code == BP_CONFIG && devices_load(&known, err) < 0)
		return -1;
	for (size_t i = 0; i < known.n; i++) {
		r = remove_left(&p->def->source, &known.rows[i], err);
		if (r < 0)
			return bp_within(err, "cannot remove what is left of volume group '%s'",
					 p->def->source.name);
		removed = removed || r;
	}
	if (removed)
		return 0;
	*err = *why;
	return -1;
}

/* What goes with the group does not count.  Thin pools of others are not listed, so whoever
 * has deleted all that is listed is told of them. */
static int check_held(const struct bp_pool *p, const struct vg *vg, struct bp_error *err)
{
	const struct vg_lv *some = NULL;
	size_t held = 0;

	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (*lv->name == '[' || thin_is_built(p, vg, lv))
			continue;
		if (!some || (lv_is_public(lv) && !lv_is_public(some)))
			some = lv;
		held++;
	}
	if (some && !lv_is_public(some))
		return bp_fail(err, BP_BUSY, "volume group '%s' holds '%s' (%s), which is not "
			       "listed as a volume; remove it first (lvremove %s/%s)", vg->name,
			       some->name, lv_kind(vg, some), vg->name, some->name);
	return !some ? 0 :
	       bp_fail(err, BP_BUSY, "volume group '%s' holds %zu volume%s '%s'; delete %s first",
		       vg->name, held, held > 1 ? "s, such as" : ",", some->name,
		       held > 1 ? "them" : "it");
}

int logical_pool_erase(struct bp_pool *p, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error why = { 0 };

	if (vg_load_sound(p->def->source.name, 0, &vg, &why) < 0)
		return remove_rest(p, &why, err);
	if (check_held(p, &vg, err) < 0)
		return -1;
	if (thin_erase(p, &vg, err) < 0 || started_save(&vg, false, NULL, 0, err) < 0 ||
	    remove_group(&vg, err) < 0 || remove_marks(p, &vg, err) < 0)
		return bp_within(err, "cannot remove volume group '%s'", vg.name);
	return vg_flush(&vg, err);
}

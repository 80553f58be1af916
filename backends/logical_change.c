/* logical_change.c - volumes made, resized and deleted. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define SECTOR 512u		/* LVM takes sizes in whole ones */

static uint64_t whole(uint64_t size, uint64_t unit)
{
	return (size + unit - 1) / unit * unit;
}

static char *bytes(uint64_t size)
{
	return mem_printf("%" PRIu64 "b", whole(size, SECTOR));
}

static char *in_group(const struct vg *vg, const char *lv)
{
	return mem_printf("%s/%s", vg->name, lv);
}

static int check_name(const char *name, struct bp_error *err)
{
	if (lvm_is_name(name))
		return 0;
	return bp_fail(err, BP_INVALID, "'%s' is no name for a logical volume: it may have "
		       "letters, digits and +_.-, begins with no '-', and is no longer than 127",
		       name);
}

/* A volume that is there, or BP_NO_VOL. */
static const struct vg_lv *existing(const struct vg *vg, const char *vol, struct bp_error *err)
{
	const struct vg_lv *lv = vg_find(vg, vol);

	if (lv && !lv_is_unfinished(lv))
		return lv;
	bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
	return NULL;
}

/* ---- make --------------------------------------------------------------------------- */

/* What lvcreate is told; the strings are freed with it. */
struct lvcreate {
	const struct vg *vg;
	const struct bp_vol_spec *spec;
	const struct vg_lv *origin;
	const char *argv[20];
	char *owned[4];
	size_t n, n_owned;
};

static void lvcreate_done(struct lvcreate *m)
{
	for (size_t i = 0; i < m->n_owned; i++)
		free(m->owned[i]);
}

static void say(struct lvcreate *m, const char *word)
{
	m->argv[m->n++] = word;
}

static void say_new(struct lvcreate *m, char *word)
{
	m->owned[m->n_owned++] = word;
	say(m, word);
}

/* The backing store of a volume here is a volume here. */
static int find_origin(struct bp_pool *p, struct lvcreate *m, struct bp_error *err)
{
	const struct bp_backing *backing = m->spec->backing;
	const char *dir = p->def->target_path;
	size_t n = strlen(dir);

	if (!backing)
		return 0;
	if (strncmp(backing->path, dir, n) == 0 && backing->path[n] == '/')
		m->origin = vg_find(m->vg, backing->path + n + 1);
	if (!m->origin)
		return bp_fail(err, BP_CONFIG, "backing store '%s' is no volume of pool '%s', and "
			       "only one can be the origin of a snapshot", backing->path,
			       p->def->name);
	return 0;
}

static int check_spec(struct lvcreate *m, struct bp_error *err)
{
	const struct bp_vol_spec *spec = m->spec;
	uint64_t origin;

	if (check_name(spec->name, err) < 0)
		return -1;
	if (spec->encryption)
		return bp_fail(err, BP_UNSUPPORTED, "volumes of pools of type 'logical' cannot be "
			       "made encrypted, since no LUKS header can be written here; encrypt "
			       "inside the guest, or a plain volume with cryptsetup luksFormat");
	if (!m->origin)
		return spec->capacity ? 0 : bp_fail(err, BP_UNSUPPORTED, "volume capacity required "
						    "for this storage pool");
	origin = lv_capacity(m->vg, m->origin);
	if (spec->has_capacity && spec->capacity && spec->capacity != origin)
		return bp_fail(err, BP_INVALID, "a snapshot is as large as its origin '%s', %"
			       PRIu64 " bytes, not %" PRIu64, m->origin->name, origin,
			       spec->capacity);
	return 0;
}

/* A snapshot's own space is what it is allocated; without a word on that, enough
 * for everything to change. */
static void say_sizes(struct lvcreate *m, bool filled)
{
	const struct bp_vol_spec *spec = m->spec;
	uint64_t allocation = spec->has_allocation ? spec->allocation : spec->capacity;

	/* what is copied into a sparse volume could be too much for it */
	if (filled && !m->origin)
		allocation = spec->capacity;

	if (m->origin && (filled || !allocation))
		allocation = snapshot_size(lv_capacity(m->vg, m->origin));
	if (m->origin && lv_is_thin(m->origin)) {
		say(m, "--setactivationskip");
		say(m, "n");
	} else {
		say(m, "--size");
		say_new(m, bytes(allocation ? allocation : 1));
	}
	if (!m->origin && allocation < spec->capacity) {
		say(m, "--type");
		say(m, "snapshot");
		say(m, "--virtualsize");
		say_new(m, bytes(spec->capacity));
	}
	if (m->origin)
		say(m, "--snapshot");
	say_new(m, m->origin ? in_group(m->vg, m->origin->name) : mem_dup(m->vg->name));
}

/* On the node: udev has its own mind the next time the volume is activated. */
static int give_rights(const char *path, const struct bp_perms *perms, struct bp_error *err)
{
	uid_t uid = perms->has_uid ? perms->uid : (uid_t)-1;
	gid_t gid = perms->has_gid ? perms->gid : (gid_t)-1;

	if ((perms->has_uid || perms->has_gid) && chown(path, uid, gid) < 0)
		return bp_fail_sys(err, errno, "cannot set owner of '%s'", path);
	if (chmod(path, perms->has_mode ? perms->mode : 0600) < 0)
		return bp_fail_sys(err, errno, "cannot set mode of '%s'", path);
	return 0;
}

int logical_remove(const struct vg *vg, const char *lv, struct bp_error *err)
{
	auto_free char *name = in_group(vg, lv);
	const char *const argv[] = { "lvremove", "--force", name, NULL };

	return lvm_run(argv, NULL, err);
}

/* It is ours to deactivate from now on.  What LVM has told of the group is from before
 * it was made: for its UUID alone the kernel is asked, which takes nothing. */
static int note(struct bp_pool *p, const char *lv, const char *path, struct bp_error *err)
{
	const struct vg *vg = logical_vg(p, err);
	auto_free char *uuid = vg && !*vg->lock_type ? started_uuid(vg, path) : NULL;
	const struct vg_lv *made;
	int r = uuid ? started_add(vg, uuid, err) : 0;

	logical_forget(p);
	if (uuid)
		return r;
	vg = logical_vg(p, err);
	made = vg ? vg_find(vg, lv) : NULL;
	if (!vg)
		return -1;
	if (!made)
		return 0;
	return started_add(vg, made->uuid, err) < 0 ? -1 : logical_share(p, vg, made, err);
}

static int finish(struct bp_pool *p, const struct bp_vol_spec *spec,
		  const struct bp_filler *filler, const struct making *making,
		  struct bp_error *err)
{
	auto_free char *path = mem_printf("%s/%s", p->def->target_path, spec->name);
	const struct vg *vg;

	if (note(p, spec->name, path, err) < 0 || give_rights(path, &spec->perms, err) < 0)
		return -1;
	if (filler->fill && making_fill(path, filler, err) < 0)
		return -1;
	vg = logical_vg(p, err);
	return vg ? making_show(making, vg, spec->name, err) : -1;
}

static int create(struct bp_pool *p, struct lvcreate *m, bool filled, struct bp_error *err)
{
	if (find_origin(p, m, err) < 0 || check_spec(m, err) < 0)
		return -1;
	say_sizes(m, filled);
	if (lvm_run(m->argv, NULL, err) == 0)
		return 0;
	if (err->code != BP_VOL_EXISTS) {
		say_what_is_free(m->vg, err);
		return bp_within(err, "cannot create volume '%s'", m->spec->name);
	}
	*err = (struct bp_error){ 0 };
	return bp_fail(err, BP_VOL_EXISTS, "storage volume '%s' exists already", m->spec->name);
}

int logical_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		       const struct bp_filler *filler, struct bp_error *err)
{
	cleanup(lvcreate_done) struct lvcreate m = {
		.spec = spec, .argv = { "lvcreate", "--name", spec->name, "--addtag" }, .n = 4,
	};
	cleanup(making_end) struct making making = MAKING_INIT;
	struct bp_error ignored = { 0 };

	if (flags & BP_VOL_PREALLOC)
		return bp_fail(err, BP_BAD_FLAGS, "metadata preallocation is for images of format "
			       "qcow2, not for logical volumes");
	m.vg = logical_vg_to_change(p, err);
	if (!m.vg || making_begin(&making, err) < 0)
		return -1;
	say(&m, making.tag);
	if (create(p, &m, filler->fill != NULL, err) < 0)
		return -1;
	if (finish(p, spec, filler, &making, err) == 0)
		return logical_changed(p, err);
	m.vg = logical_vg(p, &ignored);
	if (m.vg)
		(void)logical_remove(m.vg, spec->name, &ignored);
	logical_forget(p);
	return -1;
}

/* ---- resize ------------------------------------------------------------------------- */

int logical_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		       struct bp_error *err)
{
	const char *argv[6] = { "lvresize", "--force", "--size" };
	auto_free char *size = bytes(capacity), *name = NULL;
	const struct vg_lv *lv;
	const struct vg *vg;

	(void)flags;			/* all of it has its space, or the pool is thin */
	vg = logical_vg_to_change(p, err);
	lv = vg ? existing(vg, vol, err) : NULL;
	if (!lv)
		return -1;
	name = in_group(vg, lv->name);
	if (lv_is_snapshot(lv))
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is a snapshot, which is as large "
			       "as its origin", vol);
	if (whole(capacity, vg->extent_size) == vg_number(lv->size))
		return 0;
	argv[3] = size;
	argv[4] = name;
	if (lvm_run(argv, NULL, err) < 0) {
		say_what_is_free(vg, err);
		return bp_within(err, "cannot resize volume '%s'", vol);
	}
	return logical_changed(p, err);
}

/* ---- delete ------------------------------------------------------------------------- */

/* A snapshot with space of its own cannot live without its origin, and would go
 * with it. */
static int check_snapshots(const struct vg *vg, const struct vg_lv *lv, struct bp_error *err)
{
	cleanup(text_done) struct text names = { 0 };

	for (size_t i = 0; i < vg->n_lvs; i++)
		if (lv_is_snapshot(&vg->lvs[i]) && strcmp(vg->lvs[i].origin, lv->name) == 0)
			text_addf(&names, "%s'%s'", names.len ? ", " : "", vg->lvs[i].name);
	if (!names.len)
		return 0;
	return bp_fail(err, BP_BUSY, "volume '%s' is the origin of %s; delete that first, or with "
		       "it (--delete-snapshots)", lv->name, names.s);
}

/* LVM makes a volume of a snapshot's space before it removes that.  One that could
 * not be removed is seen again. */
static int remove_snapshot(const struct vg *vg, const struct vg_lv *lv, struct bp_error *err)
{
	cleanup(making_end) struct making making = MAKING_INIT;
	cleanup(vg_done) struct vg now = { 0 };
	struct bp_error ignored = { 0 };
	const char *name = lv->name;

	if (making_begin(&making, err) < 0 || making_hide(&making, vg, name, err) < 0)
		return -1;
	if (logical_remove(vg, name, err) == 0)
		return 0;
	lv = vg_load(vg->name, &now, &ignored) < 0 ? NULL : vg_find(&now, name);
	if (lv && lv_is_snapshot(lv))
		(void)making_show(&making, vg, name, &ignored);
	return -1;
}

int logical_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err)
{
	auto_free char *path = mem_printf("%s/%s", p->def->target_path, vol);
	const struct vg_lv *lv;
	const struct vg *vg;
	int r;

	vg = logical_vg_to_change(p, err);
	lv = vg ? existing(vg, vol, err) : NULL;
	if (!lv || (!(flags & BP_VOL_SNAPSHOTS) && check_snapshots(vg, lv, err) < 0))
		return -1;
	r = lv_is_snapshot(lv) ? remove_snapshot(vg, lv, err) : logical_remove(vg, lv->name, err);
	if (r == 0)
		return logical_changed(p, err);
	logical_forget(p);
	say_who_has(path, err);
	return bp_within(err, "cannot delete volume '%s'", vol);
}

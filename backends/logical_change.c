/* logical_change.c - volumes made and resized. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define SECTOR 512u		/* LVM takes sizes in whole ones */
#define KERNEL_NAME 127u	/* characters that device-mapper has for the name of a device */

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

/* How long it is in the kernel, where a '-' is two. */
static size_t kernel_length(const char *name)
{
	size_t n = strlen(name);

	for (; *name; name++)
		n += *name == '-';
	return n;
}

/* The kernel has one name for group and volume, and for what is below a snapshot of nothing
 * "_vorigin-real" after that. */
int logical_check_length(const struct vg *vg, const char *name, struct bp_error *err)
{
	size_t most = KERNEL_NAME - strlen("-") - strlen("_vorigin-real") - kernel_length(vg->name);

	if (kernel_length(name) <= most)
		return 0;
	return bp_fail(err, BP_INVALID, "'%s' is too long a name for a logical volume of group "
		       "'%s': it may have %zu characters, each '-' counted twice", name, vg->name,
		       most);
}

int logical_check_name(const struct vg *vg, const char *name, struct bp_error *err)
{
	auto_free char *snapshots = NULL;

	if (!lvm_is_name(name))
		return bp_fail(err, BP_INVALID, "'%s' is no name for a logical volume: it may "
			       "have letters, digits and +_.-, and begins with no '-'", name);
	if (lv_is_unbuilt(&(struct vg_lv){ .name = name, .tags = "" }, &(uint64_t){ 0 }))
		return bp_fail(err, BP_INVALID, "'%s' is a name for a thin pool that is being made",
			       name);
	if (logical_check_length(vg, name, err) < 0)
		return -1;
	/* snapshots of an earlier one would be the new one's */
	snapshots = snapshots_of(vg, name);
	return !snapshots ? 0 :
	       bp_fail(err, BP_FAILED, "there are snapshots of an earlier volume '%s': %s; "
		       "delete them first, each as volume '%s" LV_SNAPSHOT "NAME'",
		       name, snapshots, name);
}

/* ---- make --------------------------------------------------------------------------- */

/* What lvcreate is told; the strings are freed with it. */
struct lvcreate {
	const struct vg *vg;
	const struct bp_vol_spec *spec;
	const struct vg_lv *origin, *thin;	/* made of, made in; or NULL */
	bool plain;			/* there in one step: see logical_making.c */
	const char *argv[24];
	char *owned[6];
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

	if (logical_check_name(m->vg, spec->name, err) < 0)
		return -1;
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

/* Where the pool names a thin pool, what shall have less space than it shows is thin. */
static int find_thin(struct bp_pool *p, struct lvcreate *m, bool filled, struct bp_error *err)
{
	const struct bp_vol_spec *spec = m->spec;

	if (m->origin && lv_is_thin(m->origin))
		return thin_check(p, m->vg, thin_pool_of(m->vg, m->origin),
				  vg_number(m->origin->size), err);
	if (m->origin || !p->def->thin.name || !spec->has_allocation ||
	    spec->allocation >= spec->capacity)
		return 0;
	m->thin = thin_pool(p, m->vg);
	if (thin_check(p, m->vg, m->thin, spec->capacity, err) < 0)
		return -1;
	return filled ? thin_check_space(m->vg, m->thin, spec->allocation, err) : 0;
}

static void say_thin(struct lvcreate *m)
{
	say(m, "--virtualsize");
	say_new(m, bytes(m->spec->capacity));
	say(m, "--thinpool");
	say_new(m, in_group(m->vg, m->thin->name));
}

/* A snapshot's own space is what it is allocated; without a word on that, enough
 * for everything to change. */
static void say_sizes(struct lvcreate *m, bool filled)
{
	const struct bp_vol_spec *spec = m->spec;
	uint64_t allocation = spec->has_allocation ? spec->allocation : spec->capacity;

	if (m->thin) {
		say_thin(m);
		return;
	}
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

/* It is ours to deactivate from now on.  What LVM has told of the group is from before
 * it was made: for its UUID alone the kernel is asked, which takes nothing. */
static int note(struct bp_pool *p, const char *lv, const char *path, struct bp_error *err)
{
	const struct vg *vg = logical_vg(p, err);
	auto_free char *uuid = vg && !*vg->lock_type ? started_uuid(vg, path) : NULL;
	const struct vg_lv *made;

	if (uuid)
		return started_add(vg, uuid, err);
	logical_forget(p);
	vg = logical_vg(p, err);
	made = vg ? vg_find(vg, lv) : NULL;
	if (!vg)
		return -1;
	if (!made)
		return 0;
	return started_add(vg, made->uuid, err) < 0 ? -1 : logical_share(p, vg, made, err);
}

int logical_finish(struct bp_pool *p, const struct bp_vol_spec *spec, struct bp_error *err)
{
	auto_free char *path = mem_printf("%s/%s", p->def->target_path, spec->name);

	return note(p, spec->name, path, err) < 0 ? -1 : give_rights(path, &spec->perms, err);
}

static int finish(struct bp_pool *p, const struct lvcreate *m, const struct bp_filler *filler,
		  const struct making *making, struct bp_error *err)
{
	const struct bp_vol_spec *spec = m->spec;
	auto_free char *path = mem_printf("%s/%s", p->def->target_path, spec->name);
	const struct vg *vg;

	if (logical_finish(p, spec, err) < 0)
		return -1;
	if (m->plain) {
		making_noted(m->vg, spec->name);
		return 0;
	}
	if (filler->fill && making_fill(path, m->thin, filler, err) < 0)
		return -1;
	vg = logical_vg(p, err);
	return vg ? making_show(making, vg, spec->name, err) : -1;
}

int logical_not_made(const char *name, struct bp_error *err)
{
	if (err->code != BP_VOL_EXISTS)
		return bp_within(err, "cannot create volume '%s'", name);
	*err = (struct bp_error){ 0 };
	return bp_fail(err, BP_VOL_EXISTS, "storage volume '%s' exists already", name);
}

/* The thin pool may have all there is: who is refused may not have known. */
static int not_made(const struct bp_pool *p, const struct lvcreate *m, struct bp_error *err)
{
	struct bp_error why;

	if (err->code != BP_VOL_EXISTS && !m->thin)
		say_what_is_free(m->vg, err);
	why = *err;
	if (p->def->thin.name && !m->thin && !m->origin && strstr(why.text, "free space")) {
		*err = (struct bp_error){ 0 };
		bp_fail(err, why.code, "%s; a thin volume, with an allocation below its capacity "
			"(--allocation 0), would be in thin pool '%s'", why.text,
			p->def->thin.name);
	}
	return logical_not_made(m->spec->name, err);
}

static bool is_plain(const struct lvcreate *m, bool filled)
{
	const struct bp_vol_spec *spec = m->spec;

	return !filled && !m->origin && !m->thin && !*m->vg->lock_type &&
	       (!spec->has_allocation || spec->allocation >= spec->capacity);
}

/* So that it can be told what a maker who dies has left: not what was there before. */
static int mark(struct lvcreate *m, const struct making *making, struct bp_error *err)
{
	if (m->plain && vg_find_hidden(m->vg, m->spec->name))
		return 0;		/* which is for LVM to say */
	if (m->plain)
		return making_note(making, m->vg, m->spec->name, err);
	say(m, "--addtag");
	say(m, making->tag);
	return 0;
}

static int create(struct bp_pool *p, struct lvcreate *m, bool filled,
		  const struct making *making, struct bp_error *err)
{
	if (find_origin(p, m, err) < 0 || check_spec(m, err) < 0 ||
	    find_thin(p, m, filled, err) < 0)
		return -1;
	m->plain = is_plain(m, filled);
	if (mark(m, making, err) < 0)
		return -1;
	say_sizes(m, filled);
	if (lvm_run(m->argv, NULL, err) == 0)
		return 0;
	if (m->plain)
		making_noted(m->vg, m->spec->name);
	return not_made(p, m, err);
}

int logical_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		       const struct bp_filler *filler, struct bp_error *err)
{
	cleanup(lvcreate_done) struct lvcreate m = {
		.spec = spec, .argv = { "lvcreate", "--name", spec->name }, .n = 3,
	};
	cleanup(making_end) struct making making = MAKING_INIT;
	struct bp_error ignored = { 0 };

	if (flags & BP_VOL_PREALLOC)
		return bp_fail(err, BP_BAD_FLAGS, "metadata preallocation is for images of format "
			       "qcow2, not for logical volumes");
	m.vg = logical_vg_to_change(p, err);
	if (!m.vg || making_begin(&making, err) < 0)
		return -1;
	if (create(p, &m, filler->fill != NULL, &making, err) < 0)
		return -1;
	if (finish(p, &m, filler, &making, err) == 0)
		return logical_changed(p, err);
	m.vg = logical_vg(p, &ignored);
	if (m.vg && logical_remove(m.vg, spec->name, &ignored) == 0 && m.plain)
		making_noted(m.vg, spec->name);
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

	vg = logical_vg_to_change(p, err);
	lv = vg ? logical_existing(vg, vol, err) : NULL;
	if (!lv)
		return -1;
	if (lv_is_thin(lv) && (flags & BP_VOL_ALLOCATE))
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is thin: it takes its space as "
			       "it is written, and cannot take it before", vol);
	name = in_group(vg, lv->name);
	if (lv_is_snapshot(lv))
		return bp_fail(err, BP_UNSUPPORTED, strcmp(lv_kind(vg, lv), "sparse") == 0 ?
			       "volume '%s' is sparse, and LVM changes the size of none that is; "
			       "a clone of it can be resized" :
			       "volume '%s' is a snapshot, which is as large as its origin", vol);
	if (whole(capacity, vg->extent_size) == vg_number(lv->size))
		return 0;
	if (lv_is_thin(lv) && capacity > vg_number(lv->size) &&
	    thin_check(p, vg, thin_pool_of(vg, lv), capacity - vg_number(lv->size), err) < 0)
		return -1;
	argv[3] = size;
	argv[4] = name;
	if (lvm_run(argv, NULL, err) < 0) {
		say_what_is_free(vg, err);
		return bp_within(err, "cannot resize volume '%s'", vol);
	}
	return logical_changed(p, err);
}

/* A snapshot with space of its own is lost when more is written than that holds. */
int logical_vol_may_wipe(struct bp_pool *p, const char *vol, struct bp_error *err)
{
	const struct vg *vg = logical_vg(p, err);
	const struct vg_lv *lv = vg ? logical_existing(vg, vol, err) : NULL;

	if (!lv || !lv_is_snapshot(lv))
		return lv ? 0 : -1;
	return bp_fail(err, BP_UNSUPPORTED, "logical volume '%s' is sparse, volume wipe not "
		       "supported: it would be lost when what is written is more than its space",
		       vol);
}

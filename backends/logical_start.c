/* logical_start.c - a volume group's volumes activated, and deactivated. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/blocks.h"
#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define AT_ONCE 40		/* volumes named in one command */

/* Volumes of a group, some of them. */
struct some {
	const struct vg_lv **lvs;
	size_t n;
};

static void some_done(struct some *s)
{
	free(s->lvs);
}

/* A volume, or a thin pool, and no part of another. */
static bool is_whole(const struct vg_lv *lv)
{
	return *lv->name != '[' && (lv_is_public(lv) || lv->attr[0] == 't');
}

static int change(const struct vg *vg, const char *option, const struct vg_lv *const *lvs, size_t n,
		  struct bp_error *err)
{
	char *names[AT_ONCE] = { NULL };
	const char *argv[AT_ONCE + 3] = { "lvchange", option };
	int r;

	for (size_t i = 0; i < n; i++)
		argv[i + 2] = names[i] = mem_printf("%s/%s", vg->name, lvs[i]->name);
	r = lvm_run(argv, NULL, err);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	return r;
}

/* All of them; where that cannot be done with some, with the others all the same. */
static int change_all(const struct vg *vg, const char *option, const struct some *some,
		      struct bp_error *err)
{
	int r = 0;

	for (size_t i = 0; i < some->n; i += AT_ONCE) {
		struct bp_error why = { 0 };

		if (change(vg, option, some->lvs + i, some->n - i < AT_ONCE ? some->n - i : AT_ONCE,
			   &why) == 0)
			continue;
		if (r == 0 || (err->code == BP_BUSY && why.code != BP_BUSY))
			*err = why;
		r = -1;
	}
	return r;
}

/* ---- groups that hosts share -------------------------------------------------------- */

static bool wants_sharing(const struct bp_pool *p)
{
	return p->def->activation && strcmp(p->def->activation, "shared") == 0;
}

/* Snapshots, thin volumes, mirrors and the like can be active on one host only. */
static bool can_be_shared(const struct vg_lv *lv)
{
	return lv->attr[0] == '-';
}

const char *logical_activation(const struct bp_pool *p, const struct vg *vg,
			       const struct vg_lv *lv)
{
	if (!*vg->lock_type)
		return "-aly";
	return wants_sharing(p) && can_be_shared(lv) ? "-asy" : "-aey";
}

int logical_share(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv,
		  struct bp_error *err)
{
	if (!*vg->lock_type || !wants_sharing(p) || !can_be_shared(lv))
		return 0;
	return change(vg, "-asy", &lv, 1, err);
}

static int check_mode(const struct bp_pool *p, const struct vg *vg, struct bp_error *err)
{
	if (*vg->lock_type || !wants_sharing(p))
		return 0;
	return bp_fail(err, BP_CONFIG, "pool '%s' wants shared activation, but volume group '%s' "
		       "is not shared with other hosts; make it so (vgchange --lock-type sanlock "
		       "%s), or leave that out", p->def->name, vg->name, vg->name);
}

/* Without udev lvmlockd comes too early the first time: the node of the volume with
 * the locks is made as this command ends. */
int logical_begin_locks(const struct vg *vg, struct bp_error *err)
{
	const char *const argv[] = { "vgchange", "--lockstart", vg->name, NULL };
	struct bp_error first = { 0 };

	if (lvm_run(argv, NULL, &first) == 0 || lvm_run(argv, NULL, err) == 0)
		return 0;
	return bp_within(err, "cannot start the locks of volume group '%s' (%s)", vg->name,
			 vg->lock_type);
}

int logical_end_locks(const char *group, struct bp_error *err)
{
	const char *const argv[] = { "vgchange", "--lockstop", group, NULL };

	return lvm_run(argv, NULL, err);
}

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
	auto_free char *where = NULL;

	for (size_t i = 0; i < src->n_devices; i++)
		if (has_device(vg, src->devices[i].path))
			return 0;
	if (!src->n_devices)
		return 0;
	where = vg_devices(vg);
	return bp_fail(err, BP_CONFIG, "cannot find any matching source devices for logical volume "
		       "group '%s': it is on %s, and the pool's source names '%s'%s", vg->name,
		       where, src->devices[0].path, src->n_devices > 1 ? " and others" : "");
}

static bool has_node(const struct vg *vg, const struct vg_lv *lv)
{
	auto_free char *path = mem_printf("/dev/%s/%s", vg->name, lv->name);

	return access(path, F_OK) == 0;
}

/* What was activated in an initramfs may have no nodes here, and no udev to make
 * them.  That some could not be made is found out by whoever needs them. */
static void make_nodes(const struct vg *vg)
{
	const char *const argv[] = { "vgmknodes", vg->name, NULL };
	struct bp_error ignored = { 0 };
	bool nodes = blocks_have_udev();

	for (size_t i = 0; i < vg->n_lvs && !nodes; i++)
		if (lv_is_public(&vg->lvs[i]) && lv_is_active(&vg->lvs[i]) &&
		    !has_node(vg, &vg->lvs[i])) {
			(void)lvm_run(argv, NULL, &ignored);
			nodes = true;
		}
}

/* What a start activates; of a group that is shared with others, in the way the pool
 * wants, only what can be. */
static struct some idle_ones(const struct bp_pool *p, const struct vg *vg)
{
	struct some some = { 0 };

	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (!is_whole(lv) || lv_is_skipped(lv) || lv_is_active(lv))
			continue;
		if (*vg->lock_type && wants_sharing(p) && !can_be_shared(lv))
			continue;
		*array_add(some.lvs, some.n) = lv;
	}
	return some;
}

/* What is noted: what was noted before and is active still, and what will be. */
static int note(const struct vg *vg, const struct started *before, bool locks,
		const struct some *idle, struct bp_error *err)
{
	cleanup(some_done) struct some noted = { 0 };

	for (size_t i = 0; i < vg->n_lvs; i++)
		if (lv_is_active(&vg->lvs[i]) && started_has(before, &vg->lvs[i]))
			*array_add(noted.lvs, noted.n) = &vg->lvs[i];
	for (size_t i = 0; i < idle->n; i++)
		*array_add(noted.lvs, noted.n) = idle->lvs[i];
	return started_save(vg, locks, noted.lvs, noted.n, err);
}

static int activate(const struct bp_pool *p, const struct vg *vg, const struct some *idle,
		    struct bp_error *err)
{
	const char *const argv[] = { "vgchange", *vg->lock_type ? "-aey" : "-aly", vg->name, NULL };

	if (*vg->lock_type && wants_sharing(p))
		return change_all(vg, "-asy", idle, err);
	if (lvm_run(argv, NULL, err) == 0)
		return 0;
	thin_explain(vg, err);
	return -1;
}

/* A start that has failed half way: which of these are active now? */
static void take_back(const struct vg *vg, const struct some *idle, bool locks)
{
	struct bp_error ignored = { 0 };

	(void)change_all(vg, "-aln", idle, &ignored);
	ignored = (struct bp_error){ 0 };
	if (locks)
		(void)logical_end_locks(vg->name, &ignored);
}

/* The group, with its locks where it has some; ret_begun: it is us who began with them. */
static int get_locks(const struct bp_pool *p, struct vg *vg, bool *ret_begun, struct bp_error *err)
{
	cleanup(started_done) struct started before = { 0 };
	struct bp_error ignored = { 0 };
	struct some none = { 0 };

	*ret_begun = *vg->lock_type && !vg_has_locks(vg);
	if (!*ret_begun)
		return 0;
	if (started_load(vg, &before, err) < 0 || note(vg, &before, true, &none, err) < 0 ||
	    logical_begin_locks(vg, err) < 0)
		return -1;
	vg_done(vg);			/* others may have changed it since */
	if (vg_load_sound(p->def->source.name, 0, vg, err) == 0)
		return 0;
	(void)logical_end_locks(p->def->source.name, &ignored);
	return -1;
}

static int start(const struct bp_pool *p, const struct vg *vg, bool locks, struct bp_error *err)
{
	cleanup(started_done) struct started before = { 0 };
	cleanup(some_done) struct some idle = idle_ones(p, vg);

	if (started_load(vg, &before, err) < 0)
		return -1;
	if (idle.n && (note(vg, &before, locks || started_has_locks(&before), &idle, err) < 0 ||
		       activate(p, vg, &idle, err) < 0)) {
		take_back(vg, &idle, locks);
		return -1;
	}
	make_nodes(vg);
	return !idle.n;
}

/* LVM knows nothing of the group; of a device that shall be of it, it may say why.  One
 * that is too small, or has no size, is of no group. */
static int explain_devices(const struct bp_pool_source *src, struct bp_error *err)
{
	if (err->code != BP_CONFIG)
		return -1;
	for (size_t i = 0; i < src->n_devices; i++) {
		const char *const argv[] = { "pvs", src->devices[i].path, NULL };
		struct bp_error why = { 0 };

		if (lvm_run(argv, NULL, &why) < 0 && strstr(why.text, "Cannot use ") &&
		    !strstr(why.text, "too small"))
			return bp_within(err, "%s", why.text);
	}
	return -1;
}

int logical_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };
	bool begun;
	int r;

	if (vg_load_sound(p->def->source.name, 0, &vg, err) < 0)
		return explain_devices(&p->def->source, err);
	if (check_devices(p->def, &vg, err) < 0 || check_mode(p, &vg, err) < 0 ||
	    get_locks(p, &vg, &begun, err) < 0)
		return -1;
	r = start(p, &vg, begun, err);
	if (r >= 0)
		logical_keep(p, &vg);	/* its size, which is asked for next */
	return r;
}

int logical_pool_refresh(struct bp_pool *p, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };

	if (vg_load_sound(p->def->source.name, VG_ALONE, &vg, err) < 0 ||
	    vg_check_to_change(&vg, err) < 0)
		return -1;
	logical_keep(p, &vg);
	return 0;
}

/* ---- stop --------------------------------------------------------------------------- */

/* Ours that the kernel has: those in use, or those that nobody has. */
static struct some ours(const struct vg *vg, const struct started *started, bool open)
{
	struct some some = { 0 };

	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (lv_is_public(lv) && lv_is_mapped(lv) && lv_is_open(lv) == open &&
		    started_has(started, lv))
			*array_add(some.lvs, some.n) = lv;
	}
	return some;
}

/* A thin pool is open as long as one of its volumes is active, whoever has it. */
static struct some our_thin_pools(const struct vg *vg, const struct started *started)
{
	struct some some = { 0 };

	for (size_t i = 0; i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (!lv_is_public(lv) && is_whole(lv) && lv_is_mapped(lv) &&
		    started_has(started, lv))
			*array_add(some.lvs, some.n) = lv;
	}
	return some;
}

/* The locks are given back when nothing of the group is active any more. */
static int give_locks_back(const struct vg *old, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { 0 };

	if (vg_look(old->name, VG_OF_OTHERS, &vg, err) < 0)
		return -1;
	for (size_t i = 0; i < vg.n_lvs; i++)
		if (is_whole(&vg.lvs[i]) && lv_is_mapped(&vg.lvs[i]))
			return 1;
	return vg_has_locks(&vg) ? logical_end_locks(vg.name, err) : 0;
}

/* Whoever opens one of them meanwhile keeps it: LVM asks the kernel, and leaves
 * what is open.  What is left because of that, or was open before, stays noted. */
static int deactivate_ours(const struct vg *vg, const struct started *started,
			   struct bp_error *err)
{
	cleanup(some_done) struct some idle = ours(vg, started, false),
				       busy = ours(vg, started, true),
				       pools = our_thin_pools(vg, started);
	bool locks = started_has_locks(started);
	struct bp_error why = { 0 };
	int left = 0;

	if (change_all(vg, "-aln", &idle, &why) < 0) {
		if (why.code == BP_BUSY)
			return 0;
		*err = why;
		return -1;
	}
	if (change_all(vg, "-aln", &pools, &why) < 0)
		for (size_t i = 0; i < pools.n; i++)
			*array_add(busy.lvs, busy.n) = pools.lvs[i];
	if (locks)
		left = give_locks_back(vg, err);
	return left < 0 ? -1 : started_save(vg, locks && left, busy.lvs, busy.n, err);
}

static bool is_in_kernel(const char *group)
{
	cleanup(closedirp) DIR *d = opendir("/sys/block");
	auto_free char *prefix = mapped_prefix(group);
	bool found = false;
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		auto_free char *path = mem_printf("%s/dm/name", e->d_name), *name = NULL;
		struct bp_error ignored = { 0 };
		size_t len;

		found = starts_with(e->d_name, "dm-") &&
			file_read(dirfd(d), path, 4096, &name, &len, &ignored) == 0 &&
			starts_with(name, prefix) && name[strlen(prefix)] != '-';
	}
	return found;
}

/* Whosever it is now: what is active here has to go.  1: nothing is, so it does not
 * matter what LVM has against the group. */
static int look_to_stop(const char *name, struct vg *vg, struct bp_error *err)
{
	if (vg_look(name, VG_OF_OTHERS, vg, err) == 0)
		return 0;
	if (is_in_kernel(name))
		return vg_explain(name, err);
	*err = (struct bp_error){ 0 };
	return 1;
}

int logical_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	cleanup(started_done) struct started started = { 0 };
	cleanup(vg_done) struct vg vg = { 0 };
	int gone = look_to_stop(p->def->source.name, &vg, err);

	if (gone)
		return gone < 0 ? -1 : 0;
	if (started_load(&vg, &started, err) < 0)
		return -1;
	if (left_activate(&vg, &started)) {
		vg_done(&vg);
		if (vg_look(p->def->source.name, VG_OF_OTHERS, &vg, err) < 0)
			return -1;
	}
	if (deactivate_ours(&vg, &started, err) < 0)
		return -1;
	left_nodes(&vg);
	return 0;
}

/* logical_vols.c - the volumes of a group, as they are listed and looked up. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define MORE_THAN_NAMES ~(BP_VOL_NAME | BP_VOL_PATH)

/* One volume, described; what info borrows is here. */
struct shown {
	struct bp_vol_info info;
	struct bp_vol_extent *extents;
	size_t n_extents;
	struct bp_backing backing;
	struct bp_encryption encryption;
	char *path;
};

struct cursor {
	struct vg vg;
	size_t at;
	unsigned want;
	struct shown shown;
};

static void shown_done(struct shown *s)
{
	lv_extents_free(s->extents, s->n_extents);
	bp_perms_done(&s->backing.perms);
	free(s->backing.path);
	free(s->backing.vol);
	free(s->path);
	*s = (struct shown){ 0 };
}

static char *path_of(const struct bp_pool *p, const char *lv)
{
	return mem_printf("%s/%s", p->def->target_path, lv);
}

static bool show_perms(const char *path, struct bp_perms *perms, struct bp_times *times)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*perms = (struct bp_perms){
		.has_mode = true, .mode = st.st_mode & 07777,
		.has_uid = true, .uid = st.st_uid, .has_gid = true, .gid = st.st_gid,
	};
	*times = (struct bp_times){
		.atime = st.st_atim, .mtime = st.st_mtim, .ctime = st.st_ctim,
	};
	return true;
}

static void show_backing(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv,
			 struct shown *s)
{
	const struct vg_lv *origin = lv_origin(vg, lv);

	if (!origin)
		return;
	s->backing.path = path_of(p, origin->name);
	s->backing.vol = mem_dup(origin->name);
	s->backing.has_times = show_perms(s->backing.path, &s->backing.perms, &s->backing.times);
	s->info.backing = &s->backing;
}

/* What LVM has against relying on its bytes.  RAID does without a device. */
static const char *problem_of(const struct vg_lv *lv)
{
	bool whole = strlen(lv->attr) > 8;
	char state = whole ? lv->attr[4] : '-', health = whole ? lv->attr[8] : '-';

	if (state == 's')
		return "is suspended, so whoever reads it waits";
	if (state == 'I' || state == 'S')
		return "is a snapshot that has lost its changes: its space was full";
	if (state == 'm' || state == 'M')
		return "is a snapshot that could not be merged into its origin";
	if (health == 'F')
		return "is of a thin pool that has failed";
	if (health == 'p' && (!strchr("rR", lv->attr[0]) || starts_with(lv->layout, "raid,raid0")))
		return "lacks a device that it is on";
	return NULL;
}

/* An encrypted volume is known by its first bytes; to read a suspended one is to wait. */
static void show_encryption(const struct vg_lv *lv, struct shown *s)
{
	static const char luks[] = "LUKS\xba\xbe";
	static char format[] = "luks";
	auto_close int fd = -1;
	char magic[sizeof luks - 1];

	if (!lv_is_active(lv) || s->info.problem)
		return;
	fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || pread(fd, magic, sizeof magic, 0) != (ssize_t)sizeof magic ||
	    memcmp(magic, luks, sizeof magic) != 0)
		return;
	s->encryption.format = format;
	s->info.encryption = &s->encryption;
}

static void describe(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv,
		     unsigned want, struct shown *s)
{
	struct bp_vol_info *info = &s->info;

	shown_done(s);
	s->path = path_of(p, lv->name);
	*info = (struct bp_vol_info){
		.got = BP_VOL_NAME | BP_VOL_PATH,
		.type = BP_VOL_BLOCK, .name = lv->name, .key = lv->uuid, .path = s->path,
	};
	if (!(want & MORE_THAN_NAMES))
		return;
	info->got |= BP_VOL_SIZE;
	info->capacity = lv_capacity(vg, lv);
	info->allocation = lv_allocation(lv);
	info->kind = lv_kind(vg, lv);
	info->inactive = !lv_is_active(lv);
	info->problem = problem_of(lv);
	info->physical = info->capacity;
	if (want & BP_VOL_PERMS && show_perms(s->path, &info->perms, &info->times))
		info->got |= BP_VOL_PERMS;
	if (!(want & (BP_VOL_FORMAT | BP_VOL_BACKING)))
		return;
	info->got |= BP_VOL_FORMAT;
	lv_extents(vg, lv, &s->extents, &s->n_extents);
	info->extents = s->extents;
	info->n_extents = s->n_extents;
	show_backing(p, vg, lv, s);
}

/* ---- one after the other ------------------------------------------------------------ */

/* A look of its own, which lives as long as the walk. */
int logical_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	struct cursor *c = mem_alloc(sizeof *c);
	auto_free char *making = making_now();
	const char *group = p->def->source.name;
	int r;

	c->want = want;
	r = want & MORE_THAN_NAMES ? vg_load(group, &c->vg, err) :
	    vg_load_names(group, &c->vg, err);
	if (r < 0) {
		free(c);
		return -1;
	}
	making_look(&c->vg, making);
	*ret = c;
	return 0;
}

int logical_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
		      struct bp_error *err)
{
	struct cursor *c = cursor;

	(void)err;
	while (c->at < c->vg.n_lvs) {
		const struct vg_lv *lv = &c->vg.lvs[c->at++];

		if (!lv_is_public(lv) || lv_is_unfinished(lv))
			continue;
		describe(p, &c->vg, lv, c->want, &c->shown);
		*ret = c->shown.info;
		return 1;
	}
	return 0;
}

void logical_vols_close(struct bp_pool *p, void *cursor)
{
	struct cursor *c = cursor;

	(void)p;
	shown_done(&c->shown);
	vg_done(&c->vg);
	free(c);
}

/* ---- one by its name, path or key --------------------------------------------------- */

const struct vg_lv *logical_existing(const struct vg *vg, const char *vol, struct bp_error *err)
{
	const struct vg_lv *lv = vg_find(vg, vol);

	if (lv && !lv_is_unfinished(lv))
		return lv;
	bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
	return NULL;
}

int logical_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		     struct bp_error *err)
{
	cleanup(shown_done) struct shown shown = { 0 };
	const struct vg *vg = logical_vg(p, err);
	const struct vg_lv *lv = vg ? logical_existing(vg, vol, err) : NULL;

	if (!lv)
		return -1;
	describe(p, vg, lv, want, &shown);
	if (want & BP_VOL_FORMAT)
		show_encryption(lv, &shown);
	*ret = bp_vol_info_dup(&shown.info);
	return 0;
}

/* "dcPT24-G5NZ-88l2-KInG-Khpy-AaVP-ejzKNy" */
static bool looks_like_key(const char *s)
{
	return strlen(s) == 38 && s[6] == '-' && s[31] == '-' && !strchr(s, '/');
}

static const char *below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/' && path[n + 1] ? path + n + 1 : NULL;
}

int logical_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err)
{
	const char *name = below(path, p->def->target_path);
	const struct vg *vg = NULL;

	if (name || looks_like_key(path)) {
		vg = logical_vg(p, err);
		if (!vg)
			return -1;
	}
	for (size_t i = 0; vg && i < vg->n_lvs; i++) {
		const struct vg_lv *lv = &vg->lvs[i];

		if (lv_is_public(lv) && !lv_is_unfinished(lv) &&
		    strcmp(name ? lv->name : lv->uuid, name ? name : path) == 0) {
			*ret_vol = mem_dup(lv->name);
			return 0;
		}
	}
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", path);
}

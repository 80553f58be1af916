/* volume.c - create and delete one volume; find it by name, key or path. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/volume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/away.h"
#include "core/away_volume.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/in_use.h"
#include "core/dependants.h"
#include "core/encrypt.h"
#include "core/guard.h"
#include "core/image_qemu.h"
#include "core/qemu_img.h"
#include "core/secret.h"
#include "core/state.h"

static int no_volume(const char *vol, struct bp_error *err)
{
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
}

/* ---- finding ---------------------------------------------------------------- */

/* Walk until match() says so. */
static int search(struct session *ses, unsigned want,
		  bool (*match)(const struct bp_vol_info *info, const char *text), const char *text,
		  struct bp_vol_info **ret, struct bp_error *err)
{
	struct bp_vol_info info;
	void *cursor;
	int r;

	if (ses->be->vols_open(&ses->pool, want, &cursor, err) < 0)
		return -1;
	while ((r = ses->be->vols_next(&ses->pool, cursor, &info, err)) > 0)
		if (match(&info, text))
			break;
	if (r > 0)
		*ret = bp_vol_info_dup(&info);
	ses->be->vols_close(&ses->pool, cursor);
	if (r < 0)
		return -1;
	return r ? 0 : no_volume(text, err);
}

static bool has_name(const struct bp_vol_info *info, const char *name)
{
	return strcmp(info->name, name) == 0;
}

static bool has_key_or_path(const struct bp_vol_info *info, const char *text)
{
	return (info->key && strcmp(info->key, text) == 0) ||
	       (info->path && strcmp(info->path, text) == 0);
}

int volume_find(struct session *ses, const char *vol, unsigned want,
		struct bp_vol_info **ret, struct bp_error *err)
{
	if (ses->be->vol_find)
		return ses->be->vol_find(&ses->pool, vol, want, ret, err);
	return search(ses, want, has_name, vol, ret, err);
}

/* Whoever opens a volume knows best why it cannot be. */
int volume_find_all(struct session *ses, const char *vol, unsigned want,
		    struct bp_vol_info **ret, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(io_closep) struct bp_io *io = NULL;

	if (volume_find(ses, vol, want, &info, err) < 0)
		return -1;
	if (info->problem && (info->got & want) != want)
		return ses->be->vol_open &&
		       ses->be->vol_open(&ses->pool, vol, BP_VOL_READ, &io, err) < 0 ? -1 :
		       bp_fail(err, BP_FAILED, "volume '%s' %s", vol, info->problem);
	*ret = steal(info);
	return 0;
}

int volume_of_path(struct session *ses, const char *path, char **ret_vol, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	if (ses->be->vol_of_path)
		return ses->be->vol_of_path(&ses->pool, path, ret_vol, err);
	if (search(ses, BP_VOL_PATH, has_key_or_path, path, &info, err) < 0)
		return -1;
	*ret_vol = mem_dup(info->name);
	return 0;
}

static int vol_info_here(struct bp_store *s, const char *pool, const char *vol, unsigned want,
			 struct bp_vol_info **ret, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (store_look(s, err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0)
		return -1;
	return volume_find(&ses, vol, want, ret, err);
}

static int look_up(struct bp_store *s, const char *pool, const char *vol, unsigned want,
		   struct bp_vol_info **ret, struct bp_error *err)
{
	cleanup(away_done) struct away away = AWAY_INIT(s, NULL);
	cleanup(text_done) struct text facts = { 0 };
	struct bp_vol_info info;
	int r;

	away_begin(&away);
	r = vol_info_here(s, pool, vol, want, ret, err);
	if (!away_wanted(&away, r, err))
		return r;
	if (away_is_child(&away, err)) {
		r = vol_info_here(s, pool, vol, want, ret, err);
		if (r == 0)
			volume_pack(*ret, &facts);
		away_answer(&away, r, &facts, err);
	}
	if (away_wait(&away, &facts, err) < 0 || volume_unpack(&facts, &info, err) < 0)
		return -1;
	*ret = bp_vol_info_dup(&info);
	return 0;
}

int bp_vol_info(struct bp_store *s, const char *pool, const char *vol, unsigned want,
		struct bp_vol_info **ret, struct bp_error *err)
{
	if (look_up(s, pool, vol, want, ret, err) < 0)
		return -1;
	if (want & BP_VOL_FORMAT)
		secret_attach(s, *ret);
	return 0;
}

static int locate_name(struct bp_store *s, const char *pool, const char *text,
		       struct text *ret_vol, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	if (session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    volume_find(&ses, text, BP_VOL_NAME, &info, err) < 0)
		return -1;
	text_add(ret_vol, info->name);
	return 0;
}

/* A pool that is down or of no use to us holds no volume anybody could mean; why one
 * could not be asked, err has. */
static int locate_path_in(struct bp_store *s, const char *pool, const char *path,
			  struct text *ret_vol, struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	auto_free char *vol = NULL;

	if (!pool_may_be_active(s, pool))
		return no_volume(path, err);
	if (session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    volume_of_path(&ses, path, &vol, err) < 0)
		return -1;
	text_add(ret_vol, vol);
	return 0;
}

/* What is in a pool on a server is below its target, or has a URL where it is not mounted:
 * for anything else it is not asked. */
static bool may_have(struct bp_store *s, const char *pool, const char *path)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	const char *target = pool_look(s, pool, &ses) && ses.def ? ses.def->target_path : NULL;
	size_t len = target ? strlen(target) : 0;

	if (target && ses.def->mount == BP_NO)
		return *path != '/';
	return !target || (strncmp(path, target, len) == 0 && path[len] == '/');
}

/* One of these two, in a child where that is better. */
static int locate_in(struct bp_store *s, const char *pool, const char *text,
		     int (*how)(struct bp_store *s, const char *pool, const char *text,
				struct text *ret_vol, struct bp_error *err),
		     char **ret_vol, struct bp_error *err)
{
	cleanup(away_done) struct away away = AWAY_INIT(s, NULL);
	cleanup(text_done) struct text vol = { 0 };
	int r;

	away_begin(&away);
	r = how(s, pool, text, &vol, err);
	if (away_wanted(&away, r, err)) {
		if (how == locate_path_in && !may_have(s, pool, text))
			return no_volume(text, err);
		if (away_is_child(&away, err)) {
			r = how(s, pool, text, &vol, err);
			away_answer(&away, r, &vol, err);
		}
		r = away_wait(&away, &vol, err);
	}
	if (r == 0)
		*ret_vol = text_steal(&vol);
	return r;
}

static int locate_path(struct bp_store *s, const char *text, char **ret_pool, char **ret_vol,
		       struct bp_error *err)
{
	auto_free char *path = bp_path_tidy(text);
	struct bp_error unasked = { 0 };	/* the first there was */
	char **names = NULL;
	size_t n = 0;
	bool found = false;

	if (state_names(s, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; !found && i < n; i++) {
		struct bp_error why = { 0 };

		found = locate_in(s, names[i], path, locate_path_in, ret_vol, &why) == 0;
		if (found)
			*ret_pool = mem_dup(names[i]);
		if ((why.code == BP_SYSTEM || why.sys == ETIMEDOUT) && !unasked.code) {
			unasked = why;
			bp_within(&unasked, "pool '%s' cannot be asked", names[i]);
		}
	}
	state_names_free(names, n);
	if (found)
		return 0;
	if (!unasked.code)
		return no_volume(text, err);
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s', but %s", text,
		       unasked.text);
}

int bp_vol_locate(struct bp_store *s, const char *pool, const char *text,
		  char **ret_pool, char **ret_vol, struct bp_error *err)
{
	auto_free char *where = NULL, *vol = NULL;

	if (store_look(s, err) < 0)
		return -1;
	if (pool && locate_in(s, pool, text, locate_name, &vol, err) == 0) {
		*ret_pool = mem_dup(pool);
		*ret_vol = steal(vol);
		return 0;
	}
	if (pool && err->code != BP_NO_VOL)
		return -1;
	*err = (struct bp_error){ 0 };
	if (locate_path(s, text, &where, &vol, err) < 0)
		return -1;
	if (pool && strcmp(pool, where) != 0)
		return bp_fail(err, BP_WRONG_POOL, "Requested volume '%s' is not in pool '%s'",
			       text, pool);
	*ret_pool = steal(where);
	*ret_vol = steal(vol);
	return 0;
}

/* ---- changing ----------------------------------------------------------------- */

/* What neither the request nor the pool says is left to the type. */
static void complete_perms(struct bp_vol_spec *spec, const struct bp_perms *usual)
{
	bool is_dir = spec->format && strcmp(spec->format, "dir") == 0;
	struct bp_perms *perms = &spec->perms;

	if (!perms->has_mode) {	/* who may read a directory may enter it */
		perms->has_mode = usual->has_mode;
		perms->mode = usual->mode | (is_dir ? (usual->mode & 0444) >> 2 : 0);
	}
	if (!perms->has_uid) {
		perms->has_uid = usual->has_uid;
		perms->uid = usual->uid;
	}
	if (!perms->has_gid) {
		perms->has_gid = usual->has_gid;
		perms->gid = usual->gid;
	}
	if (!perms->label)
		perms->label = mem_dup(usual->label);
}

int volume_can_create(const struct session *ses, struct bp_error *err)
{
	return ses->be->vol_create ? 0 :
	       bp_fail(err, BP_UNSUPPORTED, "storage pool does not support volume creation");
}

int volume_create(struct session *ses, struct bp_vol_spec *spec, unsigned flags,
		  const struct bp_filler *filler, struct bp_error *err)
{
	if (volume_can_create(ses, err) < 0)
		return -1;
	complete_perms(spec, &ses->pool.def->volume_perms);
	if (session_lock_volume(ses, spec->name, LOCK_ALONE, err) < 0 ||
	    guard_create(ses, err) < 0)
		return -1;
	return ses->be->vol_create(&ses->pool, spec, flags, filler, err);
}

int volume_clone(struct session *ses, struct bp_vol_spec *spec, const char *from,
		 struct bp_error *err)
{
	if (!ses->be->vol_clone)
		return 0;
	complete_perms(spec, &ses->pool.def->volume_perms);
	return guard_create(ses, err) < 0 ? -1 :
	       ses->be->vol_clone(&ses->pool, spec, from, err);
}

/* It is heard of when something has been made, while it can still be helped. */
char *volume_warning(struct session *ses)
{
	struct bp_thin_state state = { 0 };
	struct bp_error ignored = { 0 };

	if (ses->be->pool_thin && ses->be->pool_thin(&ses->pool, &state, &ignored) > 0)
		return bp_thin_warning(ses->pool.def->thin.name, &state);
	return NULL;
}

char *volume_made_warning(struct session *ses, const char *asked)
{
	char *warning = volume_warning(ses);

	if (warning || !asked || bp_pool_type_find(ses->def->type)->vol_formats ||
	    strcmp(asked, "raw") == 0)
		return warning;
	return mem_printf("volumes of a pool of type %s have no format: this one is a plain "
			  "device, and '%s' was not heeded", ses->def->type, asked);
}

/* A volume in a format that QEMU's program writes, and we do not. */
static int make_by_qemu(void *arg, struct bp_io *io, uint64_t capacity, struct bp_error *err)
{
	const struct bp_vol_spec *spec = arg;
	auto_free char *cluster = mem_printf("cluster_size=%" PRIu64, spec->cluster_size);
	const struct bp_backing *below = spec->backing;
	const char *const options[] = { cluster };
	const struct bp_image_wish wish = {
		.format = spec->format, .capacity = capacity,
		.options = options, .n_options = spec->cluster_size ? 1 : 0,
		.backing = below ? below->path : NULL,
		.backing_format = !below ? NULL : below->format ? below->format : "raw",
	};

	return image_qemu_make_into(&wish, io, NULL, err);
}

static int make_plain(struct session *ses, struct bp_vol_spec *spec, unsigned flags,
		      const struct bp_progress *progress, struct bp_error *err)
{
	struct bp_filler filler = { .progress = progress, .arg = spec };

	if (ses->be->caps & BP_CAP_BACKING_FILES && bp_image_qemu_writes(spec->format)) {
		if (qemu_img_find_writer(spec->format, err) < 0)
			return -1;
		filler.make = make_by_qemu;
	}
	return volume_create(ses, spec, flags, &filler, err);
}

static int vol_create_here(struct bp_store *s, const char *pool, struct bp_vol_spec *spec,
			   unsigned flags, const struct bp_progress *progress,
			   struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	auto_free char *format = mem_dup(spec->format);

	if (store_change(s, "virStorageVolCreateXML", err) < 0 ||
	    refuse_flags(flags, BP_VOL_PREALLOC, "virStorageVolCreateXML", err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &ses, err) < 0 ||
	    bp_vol_spec_complete(spec, bp_pool_type_find(ses.def->type), spec->backing, err) < 0 ||
	    dependants_lock_new(&ses, spec, err) < 0)
		return -1;
	if ((spec->encryption ? encrypt_create(&ses, spec, flags, progress, err) :
				make_plain(&ses, spec, flags, progress, err)) < 0)
		return -1;
	spec->warning = volume_made_warning(&ses, format);
	return 0;
}

int bp_vol_create(struct bp_store *s, const char *pool, struct bp_vol_spec *spec,
		  unsigned flags, const struct bp_progress *progress, struct bp_error *err)
{
	return AWAY(s, &progress, err, vol_create_here(s, pool, spec, flags, progress, err));
}

int volume_room(struct session *ses, const char *vol, uint64_t bytes, struct bp_error *err)
{
	return ses->be->vol_room ? ses->be->vol_room(&ses->pool, vol, bytes, err) : 0;
}

int volume_open(struct session *ses, const char *vol, enum bp_vol_access access,
		const char *cannot, struct bp_io **ret, struct bp_error *err)
{
	if (!ses->be->vol_open)
		return bp_fail(err, BP_UNSUPPORTED, "%s", cannot);
	return ses->be->vol_open(&ses->pool, vol, access, ret, err);
}

/* What has no bytes may still have something mounted in it.  What may not be
 * opened cannot be asked, and nobody should find out by losing it. */
int volume_claim(struct session *ses, const char *vol, unsigned flags, bool goes,
		 struct bp_io **ret, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(io_closep) struct bp_io *io = NULL;
	struct bp_error why = { 0 };
	bool force = flags & BP_VOL_FORCE;

	if (!ses->be->vol_open)
		return 0;
	if (ses->be->vol_open(&ses->pool, vol, BP_VOL_READ, &io, &why) == 0) {
		if (in_use_claim(vol, io, force, err) < 0) {
			/* the kernel will not let it go, and then force is no way out */
			if (goes && io_is_block(io) && ses->be->caps & BP_CAP_DEVICES)
				err->sys = EBUSY;
			return -1;
		}
		if (guard_volume(ses, vol, io, flags, err) < 0)
			return -1;
		*ret = steal(io);
		return 0;
	}
	if (force)
		return 0;
	if (why.sys == EACCES || why.sys == EPERM)
		return bp_fail(err, BP_BUSY, "cannot tell whether volume '%s' is in use: %s", vol,
			       why.text);
	why = (struct bp_error){ 0 };
	if (volume_find(ses, vol, BP_VOL_PATH, &info, &why) < 0 || !info->path)
		return 0;
	return in_use_directory(vol, info->path, err);
}

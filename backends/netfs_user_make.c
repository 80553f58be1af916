/* netfs_user_make.c - volumes on a server are made, resized and deleted. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/files.h"
#include "backends/netfs_user.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/image.h"

/* A volume in the making: a part, until it gets its name by a link, which never takes the
 * place of something else, whoever asks for it. */
struct making {
	struct user *u;
	const char *name;
	char *url;		/* for messages: what it will be */
	struct bp_io *io;
	char *part;		/* its name until then, or NULL */
	int claim;
};

/* What is named by two paths: for calls that user_do() makes. */
struct names {
	char *from, *to;
	int mode;
	const struct bp_perms *perms;
};

static void names_done(struct names *n)
{
	free(n->from);
	free(n->to);
}

static int remove_file(struct user *u, void *arg)
{
	struct user_reply reply = { 0 };

	return user_call(u, &reply, nfs_unlink_async, ((struct names *)arg)->from);
}

static int remove_directory(struct user *u, void *arg)
{
	struct user_reply reply = { 0 };

	return user_call(u, &reply, nfs_rmdir_async, ((struct names *)arg)->from);
}

static int link_file(struct user *u, void *arg)
{
	const struct names *n = arg;
	struct user_reply reply = { 0 };

	return user_call(u, &reply, nfs_link_async, n->from, n->to);
}

static void making_done(struct making *m)
{
	cleanup(names_done) struct names n = { .from = m->part ? user_path(m->part) : NULL };

	io_close(m->io);
	if (m->part && m->u)
		(void)user_do(m->u, m->part, remove_file, &n);
	closep(&m->claim);
	free(m->part);
	free(m->url);
}

static int check_writable(struct user *u, struct bp_error *err)
{
	if (!u->read_only)
		return 0;
	errno = EROFS;
	return user_fail(u, err, "pool '%s' is read-only by its options", u->pool.def->name);
}

/* ---- what an image lies on ------------------------------------------------------------- */

/* format: as recorded, or NULL. */
static int look(struct bp_pool *p, const char *backing, const char *format,
		struct bp_image_info *ret, uint64_t *ret_capacity, struct bp_error *err)
{
	bool is_name = *backing != '/' && !files_has_protocol(backing);
	auto_free char *name = is_name ? mem_dup(backing) : user_name_of(p, backing);
	cleanup(io_closep) struct bp_io *io = NULL;

	if (!name || !user_name_is_good(name))
		return bp_fail(err, BP_CONFIG, "backing store volume %s is not a volume of pool "
			       "'%s', and only those are seen without mounting the share", backing,
			       p->def->name);
	if (user_io_open(p, name, backing, O_RDONLY, &io, err) < 0 ||
	    bp_image_probe(io, ret, err) < 0)
		return bp_within(err, "backing store volume %s", backing);
	*ret_capacity = ret->capacity;
	return format && files_is_bytes(format) ? io_size(io, ret_capacity, err) : 0;
}

static int check_backing(struct bp_pool *p, const struct bp_vol_spec *spec, uint64_t *capacity,
			 struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info found = { 0 };
	uint64_t below;

	if (look(p, spec->backing->path, spec->backing->format, &found, &below, err) < 0)
		return -1;
	return files_backing_judge(spec, &found, below, capacity, err);
}

static int check_hidden(struct bp_pool *p, const struct bp_image_info *image, uint64_t capacity,
			struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info found = { 0 };
	uint64_t below;

	if (!image->backing || capacity <= image->capacity)
		return 0;
	if (look(p, image->backing, image->backing_format, &found, &below, err) < 0)
		return -1;
	return files_hidden_judge(image, below, err);
}

/* ---- making ------------------------------------------------------------------------------ */

static int make_content(struct bp_pool *p, struct making *m, const struct bp_vol_spec *spec,
			unsigned flags, const struct bp_filler *filler, struct bp_error *err)
{
	struct bp_perms perms = spec->perms;
	uint64_t capacity = spec->capacity;

	if (spec->nocow)
		return bp_fail_sys(err, ENOSYS, "unable to control COW flag on '%s', not btrfs",
				   m->url);
	if (!perms.has_mode) {
		perms.has_mode = true;
		perms.mode = 0600;
	}
	/* before there is anything that others could not have */
	if (!user_set_perms(m->io, &perms))
		return user_fail(m->u, err, "cannot set owner and mode of '%s'", m->url);
	if (filler && filler->fill ? filler->fill(filler->arg, m->io, err) < 0 :
	    (spec->backing && check_backing(p, spec, &capacity, err) < 0) ||
	    files_make_content(m->io, spec, capacity, flags, filler, err) < 0)
		return -1;
	return io_sync(m->io, err);
}

/* This is the moment from which the volume is there. */
static int publish(struct making *m, struct bp_error *err)
{
	cleanup(names_done) struct names n = {
		.from = user_path(m->part), .to = user_path(m->name),
	};

	if (user_do(m->u, m->part, link_file, &n) == 0)
		return 0;
	if (errno == EEXIST)
		return files_volume_exists(m->name, err);
	return user_fail(m->u, err, "Failed to create file '%s'", m->url);
}

/* ---- a directory --------------------------------------------------------------------------- */

static int set_directory(struct user *u, const struct names *n)
{
	const struct bp_perms *perms = n->perms;
	struct user_reply stat = { 0 }, owner = { 0 }, mode = { 0 };
	struct nfs_stat_64 st;
	uid_t uid;
	gid_t gid;

	stat.into = &st;
	stat.size = sizeof st;
	if (user_call(u, &stat, nfs_lstat64_async, n->from) < 0)
		return -1;
	uid = perms->has_uid ? perms->uid : (uid_t)st.nfs_uid;
	gid = perms->has_gid ? perms->gid : (gid_t)st.nfs_gid;
	if ((uid != st.nfs_uid || gid != st.nfs_gid) &&
	    user_call(u, &owner, nfs_lchown_async, n->from, (int)uid, (int)gid) < 0)
		return -1;
	return (int)(st.nfs_mode & 07777) == n->mode ? 0 :
	       user_call(u, &mode, nfs_lchmod_async, n->from, n->mode);
}

/* Nobody else can make one of the same name; what cannot be set lets it go again. */
static int make_directory(struct user *u, void *arg)
{
	const struct names *n = arg;
	struct user_reply reply = { 0 }, gone = { 0 };
	int sys;

	if (user_call(u, &reply, nfs_mkdir2_async, n->from, n->mode) < 0)
		return -1;
	if (set_directory(u, n) == 0)
		return 0;
	sys = errno;
	(void)user_call(u, &gone, nfs_rmdir_async, n->from);
	errno = sys;
	return -1;
}

static int create_directory(struct user *u, const struct bp_vol_spec *spec, const char *url,
			    struct bp_error *err)
{
	cleanup(names_done) struct names n = {
		.from = user_path(spec->name), .perms = &spec->perms,
		.mode = spec->perms.has_mode ? (int)spec->perms.mode : 0700,
	};

	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED,
			       "backing storage not supported for directories volumes");
	if (user_do(u, NULL, make_directory, &n) == 0)
		return 0;
	if (errno == EEXIST)
		return files_volume_exists(spec->name, err);
	return user_fail(u, err, "cannot create directory '%s'", url);
}

/* ---- the slots ----------------------------------------------------------------------------- */

/* Found out before the work; publish() decides. */
static int check_free(struct user *u, const char *name, const char *url, struct bp_error *err)
{
	struct nfs_stat_64 st;

	if (user_stat(u, name, &st) < 0)
		return u->lost.code ? user_fail(u, err, "cannot stat '%s'", url) : 0;
	if (S_ISREG(st.nfs_mode) || S_ISDIR(st.nfs_mode))
		return files_volume_exists(name, err);
	return bp_fail(err, BP_WRONG_STATE, "volume target path '%s' already exists", url);
}

int user_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		    const struct bp_filler *filler, struct bp_error *err)
{
	struct user *u = user_of(p);
	cleanup(making_done) struct making m = { .u = u, .name = spec->name, .claim = -1 };

	m.url = user_url(p, spec->name);
	u->asked = &spec->perms;
	if (user_connect(p, err) < 0 || check_writable(u, err) < 0 ||
	    files_check_name(spec->name, m.url, err) < 0)
		return -1;
	if (!user_name_is_good(spec->name))
		return bp_fail(err, BP_INVALID, "'%s' is no name for a volume", spec->name);
	if (check_free(u, spec->name, m.url, err) < 0)
		return -1;
	if (strcmp(spec->format, "dir") == 0)
		return create_directory(u, spec, m.url, err);
	if (files_check_spec(spec, flags, filler, err) < 0 ||
	    user_part_make(p, m.url, &m.io, &m.part, &m.claim, err) < 0 ||
	    make_content(p, &m, spec, flags, filler, err) < 0)
		return -1;
	return publish(&m, err);
}

int user_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		    struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	cleanup(io_closep) struct bp_io *io = NULL;

	if (user_vol_open(p, vol, BP_VOL_WRITE, &io, err) < 0 ||
	    bp_image_probe(io, &info, err) < 0 || check_hidden(p, &info, capacity, err) < 0)
		return -1;
	return files_resize_content(io, &info, capacity, flags, err);
}

int user_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err)
{
	cleanup(names_done) struct names n = { .from = user_path(vol) };
	auto_free char *url = user_url(p, vol);
	struct user *u = user_of(p);
	struct nfs_stat_64 st;
	bool is_dir;

	if (flags & BP_VOL_SNAPSHOTS)
		return bp_fail(err, BP_UNSUPPORTED,
			       "this type of pool keeps no snapshots of volumes");
	if (!user_name_is_good(vol))
		return user_no_volume(vol, err);
	if (user_connect(p, err) < 0 || check_writable(u, err) < 0)
		return -1;
	if (user_stat(u, vol, &st) < 0)
		return errno == ENOENT ? user_no_volume(vol, err) :
		       user_fail(u, err, "cannot stat '%s'", url);
	is_dir = S_ISDIR(st.nfs_mode);
	if (!is_dir && !S_ISREG(st.nfs_mode))
		return user_no_volume(vol, err);
	if (user_do(u, vol, is_dir ? remove_directory : remove_file, &n) < 0)
		return user_fail(u, err, is_dir ? "cannot remove directory '%s'" :
				 "cannot unlink file '%s'", url);
	return 0;
}

int user_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		  struct bp_io **ret, struct bp_error *err)
{
	struct user *u = user_of(p);
	struct nfs_stat_64 st;
	auto_free char *url = user_url(p, vol);

	if (!user_name_is_good(vol))
		return user_no_volume(vol, err);
	if (user_connect(p, err) < 0 || (access == BP_VOL_WRITE && check_writable(u, err) < 0))
		return -1;
	if (user_stat(u, vol, &st) < 0)
		return errno == ENOENT ? user_no_volume(vol, err) :
		       user_fail(u, err, "cannot stat '%s'", url);
	if (S_ISDIR(st.nfs_mode))
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is no file and has no bytes", vol);
	if (!S_ISREG(st.nfs_mode))
		return user_no_volume(vol, err);
	return user_io_open(p, vol, url, access == BP_VOL_WRITE ? O_RDWR : O_RDONLY, ret, err);
}

/* netfs_user.c - a pool on a share that is not mounted: its life, and a walk over it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/netfs_user.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct user *user_of(const struct bp_pool *p)
{
	return p->priv;
}

/* ---- life -------------------------------------------------------------------------------- */

static int user_pool_open(struct bp_pool *p, struct bp_error *err)
{
	struct user *u = mem_alloc(sizeof *u);

	(void)err;
	u->pool = *p;
	u->asked = &p->def->volume_perms;
	p->priv = u;
	return 0;
}

static void user_pool_close(struct bp_pool *p)
{
	if (!p->priv)
		return;
	user_disconnect(user_of(p));
	free(p->priv);
	p->priv = NULL;
}

/* Nothing is made for it, here or there. */
static int user_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	if (flags & (BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE))
		return bp_fail(err, BP_WRONG_STATE, "No source device specified when formatting "
			       "pool '%s'", p->def->name);
	return 0;
}

static int user_pool_erase(struct bp_pool *p, struct bp_error *err)
{
	(void)p;
	(void)err;
	return 0;
}

static int statvfs_now(struct user *u, void *arg)
{
	struct user_reply reply = { .into = arg, .size = sizeof(struct nfs_statvfs_64) };

	return user_call(u, &reply, nfs_statvfs64_async, "/");
}

static int user_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	struct nfs_statvfs_64 fs;
	struct nfs_stat_64 st;
	struct user *u = user_of(p);

	if (user_connect(p, err) < 0)
		return -1;
	if (user_stat(u, "", &st) < 0 || user_do(u, NULL, statvfs_now, &fs) < 0)
		return user_fail(u, err, "cannot statvfs '%s'", u->share);
	if (!S_ISDIR(st.nfs_mode))
		return bp_fail(err, BP_CONFIG, "'%s' is no directory", u->share);
	ret->capacity = fs.f_frsize * fs.f_blocks;
	ret->available = fs.f_frsize * fs.f_bavail;
	ret->reserved = fs.f_frsize * fs.f_bfree - ret->available;
	ret->allocation = ret->capacity - ret->available - ret->reserved;
	return 0;
}

static int user_pool_perms(struct bp_pool *p, struct bp_perms *ret, struct bp_error *err)
{
	struct user *u = user_of(p);
	struct nfs_stat_64 st;

	if (user_connect(p, err) < 0)
		return -1;
	if (user_stat(u, "", &st) < 0)
		return user_fail(u, err, "cannot stat '%s'", u->share);
	*ret = (struct bp_perms){
		.has_mode = true, .has_uid = true, .has_gid = true,
		.mode = st.nfs_mode & 07777, .uid = (uid_t)st.nfs_uid, .gid = (gid_t)st.nfs_gid,
	};
	return 0;
}

/* ---- volumes ------------------------------------------------------------------------------- */

#define AHEAD 32	/* files that are looked at ahead of who asks for them */

struct coming {
	char *name;
	struct nfs_stat_64 st;
	struct user_coming *bytes;
};

struct cursor {
	struct nfsdir *dir;
	unsigned want;
	struct coming coming[AHEAD];
	size_t first, n;
	struct user_volume volume;
};

static int open_directory(struct user *u, void *arg)
{
	struct user_reply reply = { 0 };
	int r = user_call(u, &reply, nfs_opendir_async, "/");

	*(struct nfsdir **)arg = reply.data;
	return r;
}

static int user_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	struct user *u = user_of(p);
	struct nfsdir *dir = NULL;
	struct cursor *c;

	if (user_connect(p, err) < 0)
		return -1;
	if (user_do(u, NULL, open_directory, &dir) < 0)
		return user_fail(u, err, "cannot open directory '%s'", u->share);
	c = mem_alloc(sizeof *c);
	c->dir = dir;
	c->want = want;
	*ret = c;
	return 0;
}

/* What came with the list; a server need not have sent it. */
static bool stat_of(struct user *u, const struct nfsdirent *e, struct nfs_stat_64 *ret)
{
	if (!(e->mode & S_IFMT))
		return user_stat(u, e->name, ret) == 0;
	*ret = (struct nfs_stat_64){
		.nfs_mode = e->mode, .nfs_size = e->size, .nfs_used = e->used,
		.nfs_uid = e->uid, .nfs_gid = e->gid,
		.nfs_atime = (uint64_t)e->atime.tv_sec, .nfs_atime_nsec = e->atime_nsec,
		.nfs_mtime = (uint64_t)e->mtime.tv_sec, .nfs_mtime_nsec = e->mtime_nsec,
		.nfs_ctime = (uint64_t)e->ctime.tv_sec, .nfs_ctime_nsec = e->ctime_nsec,
	};
	return true;
}

static void look_ahead(struct bp_pool *p, struct cursor *c)
{
	struct user *u = user_of(p);
	const struct nfsdirent *e;

	while (c->n < AHEAD && !user_is_lost(u) && (e = u->lib.nfs_readdir(u->nfs, c->dir))) {
		struct coming *next = &c->coming[(c->first + c->n) % AHEAD];

		if (!user_name_is_good(e->name) || !stat_of(u, e, &next->st))
			continue;
		next->name = mem_dup(e->name);
		next->bytes = c->want & (BP_VOL_FORMAT | BP_VOL_BACKING) &&
			      S_ISREG(next->st.nfs_mode) ?
			      user_io_begin(p, e->name, next->st.nfs_size) : NULL;
		c->n++;
	}
	user_push(u);
}

static void take(struct cursor *c, struct coming *ret)
{
	*ret = c->coming[c->first];
	c->first = (c->first + 1) % AHEAD;
	c->n--;
}

static int user_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
			  struct bp_error *err)
{
	struct cursor *c = cursor;
	struct user *u = user_of(p);

	for (look_ahead(p, c); c->n; look_ahead(p, c)) {
		struct coming next;
		bool is;

		take(c, &next);
		is = user_describe(p, next.name, &next.st, c->want, next.bytes, &c->volume);
		free(next.name);
		if (user_is_lost(u))
			break;
		if (!is)
			continue;
		*ret = c->volume.info;
		return 1;
	}
	return user_is_lost(u) ? user_fail(u, err, "cannot read '%s'", u->share) : 0;
}

static void user_vols_close(struct bp_pool *p, void *cursor)
{
	struct cursor *c = cursor;

	while (c->n) {
		struct coming next;

		take(c, &next);
		io_close(user_io_end(next.bytes));
		free(next.name);
	}
	user_of(p)->lib.nfs_closedir(user_of(p)->nfs, c->dir);
	user_volume_done(&c->volume);
	free(c);
}

static int user_vol_find(struct bp_pool *p, const char *vol, unsigned want,
			 struct bp_vol_info **ret, struct bp_error *err)
{
	cleanup(user_volume_done) struct user_volume v = { 0 };
	struct user *u = user_of(p);
	struct nfs_stat_64 st;

	if (!user_name_is_good(vol))
		return user_no_volume(vol, err);
	if (user_connect(p, err) < 0)
		return -1;
	if (user_stat(u, vol, &st) < 0)
		return errno == ENOENT ? user_no_volume(vol, err) :
		       user_fail(u, err, "cannot stat volume '%s'", vol);
	if (!user_describe(p, vol, &st, want, NULL, &v))
		return user_no_volume(vol, err);
	if (user_is_lost(u))
		return user_fail(u, err, "cannot read volume '%s'", vol);
	*ret = bp_vol_info_dup(&v.info);
	return 0;
}

static int user_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol,
			    struct bp_error *err)
{
	auto_free char *name = user_name_of(p, path), *url = name ? user_url(p, name) : NULL;
	struct nfs_stat_64 st;

	if (!name || strcmp(url, path) != 0 || !user_name_is_good(name))
		return user_no_volume(path, err);
	if (user_connect(p, err) < 0)
		return -1;
	if (user_stat(user_of(p), name, &st) < 0 ||
	    (!S_ISREG(st.nfs_mode) && !S_ISDIR(st.nfs_mode)))
		return user_is_lost(user_of(p)) ? user_fail(user_of(p), err, "cannot stat '%s'",
							    path) : user_no_volume(path, err);
	*ret_vol = steal(name);
	return 0;
}

const struct bp_backend netfs_unmounted = {
	.pool_open   = user_pool_open,
	.pool_close  = user_pool_close,
	.pool_build  = user_pool_build,
	.pool_space  = user_pool_space,
	.pool_perms  = user_pool_perms,
	.pool_sweep  = user_pool_sweep,
	.pool_erase  = user_pool_erase,

	.vols_open   = user_vols_open,
	.vols_next   = user_vols_next,
	.vols_close  = user_vols_close,
	.vol_find    = user_vol_find,
	.vol_of_path = user_vol_of_path,
	.vol_create  = user_vol_create,
	.vol_resize  = user_vol_resize,
	.vol_delete  = user_vol_delete,
	.vol_open    = user_vol_open,
};

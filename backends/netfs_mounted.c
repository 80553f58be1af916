/* netfs_mounted.c - a pool whose share the kernel has mounted on its target. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/files.h"
#include "backends/mounts.h"
#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* ---- what a server says no with ------------------------------------------------------- */

/* "HOST:DIR": what is mounted, else what the pool says first. */
static char *share_of(const struct bp_pool *p)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	struct bp_error ignored = { 0 };

	if (netfs_mounted_here(p, &m, &ignored) > 0)
		return mem_dup(m.source);
	return netfs_source(netfs_kind_of(p), &p->def->source.hosts[0], p->def->source.dir);
}

/* Whom a change would have been made as, beside this user: whose the volume was to be,
 * or whose the directory is. */
static uid_t other_uid(const struct bp_pool *p, const struct bp_perms *asked)
{
	struct stat st;

	if (asked && asked->has_uid)
		return asked->uid;
	return p->priv && fstat(files_dir(p), &st) == 0 ? st.st_uid : geteuid();
}

static void add_refusal(const char *share, uid_t other, char *end, size_t room)
{
	static const char nobody[] = "(root, which most servers take for nobody)";
	uid_t we = geteuid();

	if (we) {
		snprintf(end, room, "; the server of '%s' does not let uid %u do that: it must be "
			 "allowed there (chown, chmod), or root has to do it", share, we);
		return;
	}
	if (other == we)
		snprintf(end, room, "; the server of '%s' does not let uid %u %s do that", share,
			 we, nobody);
	else
		snprintf(end, room, "; the server of '%s' lets neither uid %u %s nor uid %u do "
			 "that", share, we, nobody, other);
	room -= strlen(end);
	end += strlen(end);
	snprintf(end, room, ": let volumes belong to a user who may (--owner), or export it with "
		 "no_root_squash");
}

int netfs_explain(const char *share, uid_t other, struct bp_error *err)
{
	size_t len = strlen(err->text), room = sizeof err->text - len;
	char *end = err->text + len;

	if (err->sys == EACCES || err->sys == EPERM)
		add_refusal(share, other, end, room);
	else if (err->sys == EROFS)
		snprintf(end, room, "; '%s' is exported or mounted read-only", share);
	else if (err->sys == ESTALE)
		snprintf(end, room, "; the server of '%s' no longer has what was mounted: "
			 "pool-destroy and pool-start mount it anew", share);
	else if (err->sys == ENOTCONN)
		snprintf(end, room, "; the connection to the server of '%s' is lost: when it is "
			 "back, pool-destroy and pool-start mount it anew", share);
	return -1;
}

static int explain(const struct bp_pool *p, const struct bp_perms *asked, struct bp_error *err)
{
	auto_free char *share = share_of(p);

	(void)netfs_explain(share, other_uid(p, asked), err);
	if (err->sys == ESTALE || err->sys == ENOTCONN)
		return bp_within(err, "pool '%s'", p->def->name);
	return -1;
}

/* ---- life -------------------------------------------------------------------------------- */

/* From here on the mount cannot go away: the directory is open. */
static int mounted_pool_open(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r;

	if (files_pool_open(p, err) < 0)
		return explain(p, NULL, err);
	r = netfs_mounted_here(p, &m, err);
	if (r > 0)
		return 0;
	files_pool_close(p);
	return r < 0 ? -1 : bp_fail(err, BP_WRONG_STATE, "the share of pool '%s' is not mounted on "
				    "'%s'", p->def->name, p->def->target_path);
}

/* There is nothing of ours that could be overwritten. */
static int mounted_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	if (flags & (BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE))
		return bp_fail(err, BP_WRONG_STATE, "No source device specified when formatting "
			       "pool '%s'", p->def->name);
	return files_pool_build(p, flags, err);
}

static int mounted_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = netfs_mounted_here(p, &m, err);

	if (r != 0)
		return r;
	return m.target ? mounts_pool_taken(p, &m, false, err) : netfs_mount(p, err);
}

static int mounted_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = netfs_mounted_here(p, &m, err);

	return r <= 0 ? r : mounts_unmount(&m, err);
}

static int mounted_pool_abandon(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = netfs_mounted_here(p, &m, err);

	return r <= 0 ? r : mounts_abandon(&m, err);
}

static int mounted_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	return files_pool_space(p, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

/* ---- volumes ----------------------------------------------------------------------------- */

static int mounted_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	return files_vols_open(p, want, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

static int mounted_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
			   struct bp_error *err)
{
	int r = files_vols_next(p, cursor, ret, err);

	return r < 0 ? explain(p, NULL, err) : r;
}

static int mounted_vol_find(struct bp_pool *p, const char *vol, unsigned want,
			  struct bp_vol_info **ret, struct bp_error *err)
{
	return files_vol_find(p, vol, want, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

static int mounted_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
			    const struct bp_filler *filler, struct bp_error *err)
{
	return files_vol_create(p, spec, flags, filler, err) < 0 ?
	       explain(p, &spec->perms, err) : 0;
}

static int mounted_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity,
			    unsigned flags, struct bp_error *err)
{
	return files_vol_resize(p, vol, capacity, flags, err) < 0 ? explain(p, NULL, err) : 0;
}

static int mounted_vol_delete(struct bp_pool *p, const char *vol, unsigned flags,
			    struct bp_error *err)
{
	return files_vol_delete(p, vol, flags, err) < 0 ? explain(p, NULL, err) : 0;
}

static int mounted_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
			  struct bp_io **ret, struct bp_error *err)
{
	return files_vol_open(p, vol, access, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

const struct bp_backend netfs_mounted = {
	.pool_open   = mounted_pool_open,
	.pool_close  = files_pool_close,
	.pool_build  = mounted_pool_build,
	.pool_start  = mounted_pool_start,
	.pool_space  = mounted_pool_space,
	.pool_perms  = files_pool_perms,
	.pool_sweep  = files_pool_sweep,
	.pool_stop   = mounted_pool_stop,
	.pool_abandon = mounted_pool_abandon,
	.pool_erase  = files_pool_erase,

	.vols_open   = mounted_vols_open,
	.vols_next   = mounted_vols_next,
	.vols_close  = files_vols_close,
	.vol_find    = mounted_vol_find,
	.vol_of_path = files_vol_of_path,
	.vol_create  = mounted_vol_create,
	.vol_resize  = mounted_vol_resize,
	.vol_delete  = mounted_vol_delete,
	.vol_open    = mounted_vol_open,
};

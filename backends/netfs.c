/* netfs.c - <pool type='netfs'>: a directory of a file server, mounted on the target. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/files.h"
#include "backends/mounts.h"
#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/model/pool_type.h"

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static const struct netfs_kind kinds[] = {
	{ "nfs", "nfs", WORDS("nfs", "nfs4"), "nfs-common", 2049, false },
	{ "cifs", "cifs", WORDS("cifs", "smb3"), "cifs-utils", 445, true },
	{ "glusterfs", "glusterfs", WORDS("fuse.glusterfs"), "glusterfs-client", 24007, false },
};

/* What mount(8) takes HOST:DIR for is NFS. */
const struct netfs_kind *netfs_kind_of(const struct bp_pool *p)
{
	const char *format = p->def->source.format;

	for (size_t i = 1; i < array_size(kinds); i++)
		if (format && strcmp(format, kinds[i].format) == 0)
			return &kinds[i];
	return &kinds[0];
}

/* ---- is it there ----------------------------------------------------------------------- */

/* Two addresses, if both are: however they are written. */
static bool same_address(const char *a, const char *b)
{
	struct in6_addr x, y;
	struct in_addr u, v;

	if (inet_pton(AF_INET6, a, &x) == 1 && inet_pton(AF_INET6, b, &y) == 1)
		return memcmp(&x, &y, sizeof x) == 0;
	return inet_pton(AF_INET, a, &u) == 1 && inet_pton(AF_INET, b, &v) == 1 &&
	       u.s_addr == v.s_addr;
}

/* "[::1]" is a name in brackets.  Nobody is asked for names here: that may take long. */
static bool is_host(const struct mounted *m, const char *name, const char *host)
{
	auto_free char *bare = *name == '[' ? mem_dup_n(name + 1, strcspn(name + 1, "]")) :
				mem_dup(name);
	auto_free char *address = mounts_option(m->options, "addr");

	return strcasecmp(bare, host) == 0 || same_address(bare, host) ||
	       (address && same_address(address, host));
}

/* Where the host ends in "[fe80::1]:/srv", "host:/srv" and "//host/srv". */
static const char *end_of_host(const struct netfs_kind *k, const char *source)
{
	const char *bracket = *source == '[' ? strchr(source, ']') : NULL;

	return k->unc ? source + strcspn(source, "/") : strchr(bracket ? bracket : source, ':');
}

/* Is this what is mounted: that directory, of one of the pool's hosts? */
static bool is_share(const struct bp_pool *p, const struct mounted *m)
{
	const struct netfs_kind *k = netfs_kind_of(p);
	const struct bp_pool_source *src = &p->def->source;
	const char *source = m->source + (k->unc ? strspn(m->source, "/\\") : 0);
	const char *end = end_of_host(k, source), *dir = src->dir;
	auto_free char *name = NULL;

	if (!bp_word_in(k->mounted, m->type) || !end || end == source)
		return false;
	name = mem_dup_n(source, (size_t)(end - source));
	end++;
	if (strcmp(k->type, "nfs") != 0) {	/* a share or a volume has a name, not a path */
		end += strspn(end, "/");
		dir += strspn(dir, "/");
	}
	if (strcmp(end, dir) != 0)
		return false;
	for (size_t i = 0; i < src->n_hosts; i++)
		if (is_host(m, name, src->hosts[i].name))
			return true;
	return false;
}

int netfs_mounted_here(const struct bp_pool *p, struct mounted *ret, struct bp_error *err)
{
	int r = mounts_find(p->def->target_path, ret, err);

	return r <= 0 ? r : is_share(p, ret);
}

static int netfs_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = netfs_mounted_here(p, &m, err);

	*ret_active = r > 0;
	return r < 0 ? -1 : 0;
}

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

static void add_refusal(const struct bp_pool *p, const struct bp_perms *asked, const char *share,
			char *end, size_t room)
{
	uid_t other = other_uid(p, asked), we = geteuid();
	const char *nobody = we ? "" : " (root, which most servers take for nobody)";

	if (other == we)
		snprintf(end, room, "; the server of '%s' does not let uid %u%s do that", share, we,
			 nobody);
	else
		snprintf(end, room, "; the server of '%s' lets neither uid %u%s nor uid %u do that",
			 share, we, nobody, other);
	room -= strlen(end);
	end += strlen(end);
	snprintf(end, room, ": let volumes belong to a user who may (--owner), or export it with "
		 "no_root_squash");
}

/* Always -1: what a refusal of the server means is added. */
static int explain(const struct bp_pool *p, const struct bp_perms *asked, struct bp_error *err)
{
	auto_free char *share = share_of(p);
	size_t len = strlen(err->text), room = sizeof err->text - len;
	char *end = err->text + len;

	if (err->sys == EACCES || err->sys == EPERM)
		add_refusal(p, asked, share, end, room);
	else if (err->sys == EROFS)
		snprintf(end, room, "; '%s' is exported or mounted read-only", share);
	else if (err->sys == ESTALE)
		snprintf(end, room, "; the server of '%s' no longer has what was mounted: "
			 "pool-destroy and pool-start mount it anew", share);
	return -1;
}

/* ---- life -------------------------------------------------------------------------------- */

/* From here on the mount cannot go away: the directory is open. */
static int netfs_pool_open(struct bp_pool *p, struct bp_error *err)
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
static int netfs_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	if (flags & (BP_BUILD_OVERWRITE | BP_BUILD_NO_OVERWRITE))
		return bp_fail(err, BP_WRONG_STATE, "No source device specified when formatting "
			       "pool '%s'", p->def->name);
	return files_pool_build(p, flags, err);
}

static int netfs_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = netfs_mounted_here(p, &m, err);

	if (r != 0)
		return r;
	return m.target ? mounts_pool_taken(p, &m, false, err) : netfs_mount(p, err);
}

static int netfs_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = netfs_mounted_here(p, &m, err);

	return r <= 0 ? r : mounts_unmount(&m, err);
}

static int netfs_pool_abandon(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = netfs_mounted_here(p, &m, err);

	return r <= 0 ? r : mounts_abandon(&m, err);
}

static int netfs_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	return files_pool_space(p, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

/* ---- volumes ----------------------------------------------------------------------------- */

static int netfs_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	return files_vols_open(p, want, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

static int netfs_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
			   struct bp_error *err)
{
	int r = files_vols_next(p, cursor, ret, err);

	return r < 0 ? explain(p, NULL, err) : r;
}

static int netfs_vol_find(struct bp_pool *p, const char *vol, unsigned want,
			  struct bp_vol_info **ret, struct bp_error *err)
{
	return files_vol_find(p, vol, want, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

static int netfs_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
			    const struct bp_filler *filler, struct bp_error *err)
{
	return files_vol_create(p, spec, flags, filler, err) < 0 ?
	       explain(p, &spec->perms, err) : 0;
}

static int netfs_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity,
			    unsigned flags, struct bp_error *err)
{
	return files_vol_resize(p, vol, capacity, flags, err) < 0 ? explain(p, NULL, err) : 0;
}

static int netfs_vol_delete(struct bp_pool *p, const char *vol, unsigned flags,
			    struct bp_error *err)
{
	return files_vol_delete(p, vol, flags, err) < 0 ? explain(p, NULL, err) : 0;
}

static int netfs_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
			  struct bp_io **ret, struct bp_error *err)
{
	return files_vol_open(p, vol, access, ret, err) < 0 ? explain(p, NULL, err) : 0;
}

const struct bp_backend backend_netfs = {
	.type	     = "netfs",
	.caps	     = BP_CAP_KNOWS_ACTIVE | BP_CAP_REMOTE,

	.pool_open   = netfs_pool_open,
	.pool_close  = files_pool_close,
	.pool_check  = netfs_pool_check,
	.pool_build  = netfs_pool_build,
	.pool_start  = netfs_pool_start,
	.pool_space  = netfs_pool_space,
	.pool_perms  = files_pool_perms,
	.pool_sweep  = files_pool_sweep,
	.pool_stop   = netfs_pool_stop,
	.pool_abandon = netfs_pool_abandon,
	.pool_erase  = files_pool_erase,

	.vols_open   = netfs_vols_open,
	.vols_next   = netfs_vols_next,
	.vols_close  = files_vols_close,
	.vol_find    = netfs_vol_find,
	.vol_of_path = files_vol_of_path,
	.vol_create  = netfs_vol_create,
	.vol_resize  = netfs_vol_resize,
	.vol_delete  = netfs_vol_delete,
	.vol_open    = netfs_vol_open,
	.snap_list   = files_snap_list,
	.snap_create = files_snap_create,
	.snap_revert = files_snap_revert,
	.snap_delete = files_snap_delete,

	.sources_find = netfs_sources_find,
};

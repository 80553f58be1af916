/* netfs.c - <pool type='netfs'>: a directory of a file server, mounted on the target, or
 * used without (netfs_mounted.c, netfs_user.c): which of the two is decided here. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/files.h"
#include "backends/mounts.h"
#include "backends/netfs.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/resolve.h"
#include "core/model/pool_type.h"

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static const struct netfs_kind kinds[] = {
	{ "nfs", "nfs", WORDS("nfs", "nfs4"), "nfs-common", 2049, false,
	  NETFS_SPEAKS_NFS },
	{ "cifs", "cifs", WORDS("cifs", "smb3"), "cifs-utils", 445, true, NETFS_TAKES },
	{ "glusterfs", "glusterfs", WORDS("fuse.glusterfs"), "glusterfs-client", 24007, false,
	  NETFS_ANSWERS },
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

/* Nobody is asked for names here: that may take long. */
static bool is_host(const struct mounted *m, const char *name, const char *said)
{
	auto_free char *bare = host_without_brackets(name), *host = host_without_brackets(said);
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

/* ---- mounted or not ---------------------------------------------------------------------- */

#define INITIAL 0xeffffffdu	/* the number of the first of all user namespaces */

/* In a namespace of users nobody may mount NFS, whatever he may else. */
static bool may_mount(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct stat users;

	if (syscall(SYS_capget, &head, caps) < 0 || !(caps[0].effective & 1u << CAP_SYS_ADMIN))
		return false;
	return stat("/proc/self/ns/user", &users) < 0 || users.st_ino == INITIAL;
}

/* Asked after it was to mount something, and would have loaded what it can. */
static bool kernel_knows_nfs(void)
{
	struct bp_error ignored = { 0 };
	auto_free char *list = NULL;
	size_t len;

	return file_read(AT_FDCWD, "/proc/filesystems", 1 << 20, &list, &len, &ignored) < 0 ||
	       strstr(list, "\tnfs\n") || strstr(list, "\tnfs4\n");
}

static bool is_open(const struct bp_pool *p)	/* left open by the definition */
{
	return p->def->mount == BP_UNSAID && strcmp(netfs_kind_of(p)->type, "nfs") == 0;
}

static bool is_unmounted(const struct bp_pool *p)
{
	return p->def->mount == BP_NO || p->unmounted;
}

static const struct bp_backend *way(const struct bp_pool *p)
{
	return is_unmounted(p) ? &netfs_unmounted : &netfs_mounted;
}

static int netfs_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = is_unmounted(p) ? p->started : netfs_mounted_here(p, &m, err);

	*ret_active = r > 0;
	return r < 0 ? -1 : 0;
}

/* Nothing is asked of the server yet: whoever starts a pool looks at once how much is
 * in it. */
static int start_unmounted(struct bp_pool *p)
{
	bool was = p->started;

	p->started = true;
	return was;
}

static int netfs_pool_start(struct bp_pool *p, struct bp_error *err)
{
	cleanup(mounted_done) struct mounted m = { 0 };
	int r = 0;

	if (is_unmounted(p))
		return start_unmounted(p);
	if (is_open(p) && !may_mount()) {
		r = netfs_mounted_here(p, &m, err);	/* by somebody else? */
		p->unmounted = r == 0;
	} else {
		r = netfs_mounted.pool_start(p, err);
		p->unmounted = r < 0 && is_open(p) && !kernel_knows_nfs();
	}
	if (!p->unmounted)
		return r;
	*err = (struct bp_error){ 0 };
	return start_unmounted(p);
}

static int netfs_pool_stop(struct bp_pool *p, struct bp_error *err)
{
	p->started = false;
	return is_unmounted(p) ? 0 : netfs_mounted.pool_stop(p, err);
}

static int netfs_pool_abandon(struct bp_pool *p, struct bp_error *err)
{
	p->started = false;
	return is_unmounted(p) ? 0 : netfs_mounted.pool_abandon(p, err);
}

/* What will not be mounted needs no target. */
static const struct bp_backend *future_way(const struct bp_pool *p)
{
	return is_open(p) && !may_mount() ? &netfs_unmounted : way(p);
}

static int netfs_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err)
{
	return future_way(p)->pool_build(p, flags, err);
}

static int netfs_pool_erase(struct bp_pool *p, struct bp_error *err)
{
	return future_way(p)->pool_erase(p, err);
}

/* ---- the rest goes its way ----------------------------------------------------------------- */

static int netfs_pool_open(struct bp_pool *p, struct bp_error *err)
{
	return way(p)->pool_open(p, err);
}

static void netfs_pool_close(struct bp_pool *p)
{
	way(p)->pool_close(p);
}

static int netfs_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	return way(p)->pool_space(p, ret, err);
}

static int netfs_pool_perms(struct bp_pool *p, struct bp_perms *ret, struct bp_error *err)
{
	return way(p)->pool_perms(p, ret, err);
}

static void netfs_pool_sweep(struct bp_pool *p, bool thoroughly)
{
	way(p)->pool_sweep(p, thoroughly);
}

static int netfs_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	return way(p)->vols_open(p, want, ret, err);
}

static int netfs_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
			   struct bp_error *err)
{
	return way(p)->vols_next(p, cursor, ret, err);
}

static void netfs_vols_close(struct bp_pool *p, void *cursor)
{
	way(p)->vols_close(p, cursor);
}

static int netfs_vol_find(struct bp_pool *p, const char *vol, unsigned want,
			  struct bp_vol_info **ret, struct bp_error *err)
{
	return way(p)->vol_find(p, vol, want, ret, err);
}

static int netfs_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol,
			     struct bp_error *err)
{
	return way(p)->vol_of_path(p, path, ret_vol, err);
}

static int netfs_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
			    const struct bp_filler *filler, struct bp_error *err)
{
	return way(p)->vol_create(p, spec, flags, filler, err);
}

static int netfs_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity,
			    unsigned flags, struct bp_error *err)
{
	return way(p)->vol_resize(p, vol, capacity, flags, err);
}

static int netfs_vol_delete(struct bp_pool *p, const char *vol, unsigned flags,
			    struct bp_error *err)
{
	return way(p)->vol_delete(p, vol, flags, err);
}

static int netfs_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
			  struct bp_io **ret, struct bp_error *err)
{
	return way(p)->vol_open(p, vol, access, ret, err);
}

static int netfs_snap_list(struct bp_pool *p, const char *vol, struct bp_snapshot **ret,
			   size_t *ret_n, struct bp_error *err)
{
	return files_snap_list_by(netfs_vol_open, p, vol, ret, ret_n, err);
}

static int netfs_snap_create(struct bp_pool *p, const char *vol, const char *snap,
			     struct bp_error *err)
{
	return files_snap_create_by(netfs_vol_open, p, vol, snap, err);
}

static int netfs_snap_revert(struct bp_pool *p, const char *vol, const char *snap,
			     struct bp_error *err)
{
	return files_snap_revert_by(netfs_vol_open, p, vol, snap, err);
}

static int netfs_snap_delete(struct bp_pool *p, const char *vol, const char *snap,
			     struct bp_error *err)
{
	return files_snap_delete_by(netfs_vol_open, p, vol, snap, err);
}

const struct bp_backend backend_netfs = {
	.type	     = "netfs",
	.caps	     = BP_CAP_KNOWS_ACTIVE | BP_CAP_REMOTE | BP_CAP_BACKING_FILES,

	.pool_open   = netfs_pool_open,
	.pool_close  = netfs_pool_close,
	.pool_check  = netfs_pool_check,
	.pool_build  = netfs_pool_build,
	.pool_start  = netfs_pool_start,
	.pool_space  = netfs_pool_space,
	.pool_perms  = netfs_pool_perms,
	.pool_sweep  = netfs_pool_sweep,
	.pool_stop   = netfs_pool_stop,
	.pool_abandon = netfs_pool_abandon,
	.pool_erase  = netfs_pool_erase,

	.vols_open   = netfs_vols_open,
	.vols_next   = netfs_vols_next,
	.vols_close  = netfs_vols_close,
	.vol_find    = netfs_vol_find,
	.vol_of_path = netfs_vol_of_path,
	.vol_create  = netfs_vol_create,
	.vol_resize  = netfs_vol_resize,
	.vol_delete  = netfs_vol_delete,
	.vol_open    = netfs_vol_open,
	.snap_list   = netfs_snap_list,
	.snap_create = netfs_snap_create,
	.snap_revert = netfs_snap_revert,
	.snap_delete = netfs_snap_delete,

	.sources_find = netfs_sources_find,
};

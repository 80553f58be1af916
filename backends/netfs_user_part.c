/* netfs_user_part.c - volumes in the making, on a server that knows no locks of ours.
 *
 * Their names have a mark of this host since it was booted, its network and the pool, and a
 * number: whoever makes one takes the first that is free.  A socket in the kernel with the
 * same name tells the living from the dead: it ends with its process, however that ends.
 * What other hosts have left, or this one before it was booted, goes when it is old.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "backends/files.h"
#include "backends/netfs_user.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define BOOT	"/proc/sys/kernel/random/boot_id"
#define NETWORK	"/proc/self/ns/net"
#define GAP	8		/* numbers that nobody has before the search ends */
#define MOST	10000		/* there are never so many makers */
#define OLD	86400		/* seconds without a change: nobody makes it any more */

/* ---- names ---------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const char *s)	/* FNV-1a */
{
	for (; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3;
	return (hash ^ '/') * 0x100000001b3;
}

static uint64_t mark_of(const struct bp_pool *p)
{
	const struct bp_pool_source *src = &p->def->source;
	struct bp_error ignored = { 0 };
	auto_free char *boot = NULL;
	uint64_t hash = 0xcbf29ce484222325;
	char network[64] = "";
	size_t len;

	if (file_read(AT_FDCWD, BOOT, 64, &boot, &len, &ignored) == 0)
		hash = mix(hash, boot);
	if (readlink(NETWORK, network, sizeof network - 1) < 0)
		*network = '\0';
	return mix(mix(mix(hash, network), src->hosts[0].name), src->dir);
}

static char *name_of(const struct bp_pool *p, unsigned number)
{
	return mem_printf(".barepool-%016" PRIx64 "-%u.part", mark_of(p), number);
}

/* -1 and EADDRINUSE: somebody has it. */
static int claim(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };	/* a name that begins with NUL */
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(name);

	if (fd < 0 || len >= sizeof a.sun_path)
		return -1;
	memcpy(a.sun_path + 1, name, len);
	if (bind(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) < 0)
		return -1;
	return steal_fd(fd);
}

static int remove_file(struct user *u, void *arg)
{
	struct user_reply reply = { 0 };

	return user_call(u, &reply, nfs_unlink_async, (const char *)arg);
}

static void drop(struct user *u, const char *name)
{
	auto_free char *path = user_path(name);

	(void)user_do(u, name, remove_file, path);
}

/* ---- made ------------------------------------------------------------------------------- */

int user_part_make(struct bp_pool *p, const char *shown, struct bp_io **ret, char **ret_name,
		   int *ret_claim, struct bp_error *err)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL;

	for (unsigned number = 0; number < MOST; number++) {
		auto_free char *name = name_of(p, number);
		auto_close int fd = claim(name);

		if (fd < 0 && errno != EADDRINUSE)
			return bp_fail_sys(err, errno, "cannot make a socket");
		if (fd < 0)
			continue;
		for (int again = 0; again < 2; again++) {
			struct bp_error why = { 0 };

			if (user_io_open(p, name, shown, flags, ret, &why) == 0) {
				*ret_name = steal(name);
				*ret_claim = steal_fd(fd);
				return 0;
			}
			if (why.sys != EEXIST) {
				*err = why;
				return -1;
			}
			drop(user_of(p), name);		/* its maker is dead */
		}
	}
	return bp_fail_sys(err, EEXIST, "cannot make a file in '%s'", user_of(p)->share);
}

/* ---- left --------------------------------------------------------------------------------- */

/* Is there one?  It goes if nobody has it any more. */
static bool sweep_one(struct bp_pool *p, const char *name)
{
	struct nfs_stat_64 st;
	auto_close int fd = -1;

	if (user_stat(user_of(p), name, &st) < 0)
		return false;
	fd = claim(name);
	if (fd >= 0)
		drop(user_of(p), name);
	return true;
}

static void sweep_all(struct bp_pool *p)
{
	auto_free char *ours = mem_printf(".barepool-%016" PRIx64 "-", mark_of(p));
	struct user *u = user_of(p);
	struct user_reply reply = { 0 };
	const struct nfsdirent *e;
	struct nfsdir *dir;

	user_be(u, NULL);
	if (user_call(u, &reply, nfs_opendir_async, "/") < 0)
		return;
	dir = reply.data;
	while ((e = u->lib.nfs_readdir(u->nfs, dir))) {
		if (!files_is_part(e->name) || strchr(e->name, '/'))
			continue;
		if (starts_with(e->name, ours))
			(void)sweep_one(p, e->name);
		else if (e->mtime.tv_sec + OLD < time(NULL) && e->ctime.tv_sec + OLD < time(NULL))
			drop(u, e->name);
	}
	u->lib.nfs_closedir(u->nfs, dir);
}

void user_pool_sweep(struct bp_pool *p, bool thoroughly)
{
	struct bp_error ignored = { 0 };
	unsigned missing = 0;

	if (user_connect(p, &ignored) < 0)
		return;
	if (thoroughly)
		sweep_all(p);
	for (unsigned number = 0; !thoroughly && missing < GAP; number++) {
		auto_free char *name = name_of(p, number);

		missing = sweep_one(p, name) ? 0 : missing + 1;
	}
}

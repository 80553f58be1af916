/* netfs_user_who.c - as whom a server is asked, and what it means when it says no. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/netfs_user.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define GROUPS 16		/* that fit into a request (RFC 5531) */

/* ---- who -------------------------------------------------------------------------------- */

/* Our own groups are those of who we are. */
static struct AUTH *make_auth(struct user *u, const struct as_user *who)
{
	uint32_t groups[GROUPS];
	gid_t *ours;
	int n = who ? 0 : getgroups(0, NULL);
	struct AUTH *auth;

	ours = mem_alloc((size_t)(n > 0 ? n : 1) * sizeof *ours);
	n = n > 0 ? getgroups(n, ours) : 0;
	for (int i = 0; i < n && i < GROUPS; i++)
		groups[i] = ours[i];
	free(ours);
	auth = u->lib.libnfs_authunix_create("barepool", who ? who->uid : geteuid(),
					     who ? who->gid : getegid(),
					     n < 0 ? 0 : n < GROUPS ? (uint32_t)n : GROUPS, groups);
	if (!auth)
		abort();	/* as everywhere when memory is gone */
	return auth;
}

static bool is_us(const struct as_user *who)
{
	return who->uid == geteuid() && who->gid == getegid();
}

void user_be(struct user *u, const struct as_user *who)
{
	struct as_user us = { geteuid(), getegid() };

	if (!who)
		who = &us;
	if (u->mounted && who->uid == u->who.uid && who->gid == u->who.gid)
		return;
	u->who = *who;
	u->lib.nfs_set_auth(u->nfs, make_auth(u, is_us(who) ? NULL : who));
}

static int stat_as_now(struct user *u, const char *name, struct nfs_stat_64 *ret)
{
	auto_free char *path = user_path(name);
	struct user_reply reply = { .into = ret, .size = sizeof *ret };

	return user_call(u, &reply, nfs_lstat64_async, path);
}

/* Whose it shall be, whose it is, and whose directory it is in. */
static void find_users(struct user *u, const char *name, struct as_users *users)
{
	const struct bp_perms *asked = u->asked;
	struct nfs_stat_64 dir, thing;

	if (stat_as_now(u, "", &dir) < 0)
		return;
	if (asked)
		as_users_add(users, asked->has_uid ? asked->uid : (uid_t)dir.nfs_uid,
			 asked->has_gid ? asked->gid : (gid_t)dir.nfs_gid);
	if (name && stat_as_now(u, name, &thing) == 0)
		as_users_add(users, (uid_t)thing.nfs_uid, (gid_t)thing.nfs_gid);
	as_users_add(users, (uid_t)dir.nfs_uid, (gid_t)dir.nfs_gid);
}

static bool is_refusal(int sys)
{
	return sys == EACCES || sys == EPERM;
}

int user_do(struct user *u, const char *name, int (*make)(struct user *u, void *arg), void *arg)
{
	struct as_users users = { 0 };
	int r, sys;

	if (user_is_lost(u)) {
		errno = u->lost.sys;
		return -1;
	}
	user_be(u, NULL);
	r = make(u, arg);
	sys = errno;
	if (r >= 0 || !is_refusal(sys) || geteuid() != 0 || user_is_lost(u)) {
		errno = sys;
		return r;
	}
	find_users(u, name, &users);
	for (unsigned i = 0; i < users.n && !user_is_lost(u); i++) {
		user_be(u, &users.list[i]);
		r = make(u, arg);
		if (r >= 0 || !is_refusal(errno))
			return r;
	}
	errno = sys;
	return -1;
}

struct asking {
	const char *name;
	struct nfs_stat_64 *ret;
};

static int stat_by(struct user *u, void *arg)
{
	const struct asking *a = arg;

	return stat_as_now(u, a->name, a->ret);
}

int user_stat(struct user *u, const char *name, struct nfs_stat_64 *ret)
{
	struct asking a = { name, ret };

	return user_do(u, NULL, stat_by, &a);
}

/* ---- no --------------------------------------------------------------------------------- */

/* Whom a change would have been made as, beside this user. */
static uid_t other_uid(struct user *u)
{
	struct nfs_stat_64 dir;

	if (u->asked && u->asked->has_uid)
		return u->asked->uid;
	return stat_as_now(u, "", &dir) == 0 ? (uid_t)dir.nfs_uid : geteuid();
}

/* It was there when this began: it, or all of the export.  The next command asks for that by
 * its name. */
static int explain_stale(struct user *u, struct bp_error *err)
{
	struct nfs_stat_64 dir;

	if (stat_as_now(u, "", &dir) < 0 && errno == ESTALE)
		return bp_within(err, "pool '%s': '%s' has been removed or made anew on its server "
				 "meanwhile; begin again", u->pool.def->name, u->share);
	return bp_within(err, "somebody else has removed it meanwhile");
}

int user_fail(struct user *u, struct bp_error *err, const char *fmt, ...)
{
	int sys = errno;
	char text[sizeof err->text];
	va_list ap;

	if (u->lost.code) {
		*err = u->lost;
		return -1;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	bp_fail_sys(err, sys, "%s", text);
	if (sys == ESTALE)
		return explain_stale(u, err);
	return netfs_explain(u->share, is_refusal(sys) ? other_uid(u) : geteuid(), err);
}

/* netfs_user_session.c - the connection with a server of NFS.
 *
 * The library does nothing by itself: it is given its bytes here, as long as there is time.
 * A server that says nothing is asked whether it is still there; what takes long, as
 * bringing much to its disk does, may take as long as it answers that.
 *
 * A connection that is lost is not made anew: what was written over it may be lost with the
 * server, and nobody could tell.  Whoever works is told, and begins again.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/mounts.h"
#include "backends/netfs_user.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/resolve.h"
#include "core/base/text.h"

#define SLICE	1000		/* milliseconds, at most, between two looks at the clock */
#define PORT_MAPPER 111

/* ---- waiting ------------------------------------------------------------------------ */

bool user_is_lost(const struct user *u)
{
	return u->lost.code || !u->nfs;
}

/* All that is under way has failed with this. */
static void lose(struct user *u, int sys)
{
	const char *why = u->lib.nfs_get_error(u->nfs);

	if (u->lost.code)
		return;
	if (sys == ETIMEDOUT)
		bp_fail(&u->lost, BP_FAILED, "pool '%s': server not responding: nothing has come "
			"from that of '%s' for %u seconds", u->pool.def->name, u->share,
			u->pool.limit);
	else
		bp_fail(&u->lost, BP_FAILED, "pool '%s': the server of '%s' has ended the "
			"connection%s%s: what was going on has to be done once more",
			u->pool.def->name, u->share, why && *why ? ": " : "", why ? why : "");
	u->lost.sys = sys;
	u->lib.rpc_disconnect(u->lib.nfs_get_rpc_context(u->nfs), "no more");
}

static void has_answered(int status, struct nfs_context *nfs, void *data, void *arg)
{
	struct user *u = arg;

	(void)status;
	(void)nfs;
	(void)data;
	u->asking = false;
}

/* Silent for half the limit: is it there at all? */
static void ask(struct user *u)
{
	if (u->asking || !u->mounted)
		return;
	u->asking = true;
	if (u->lib.nfs_lstat64_async(u->nfs, "/", has_answered, u) != 0)
		u->asking = false;
}

static int exchange(struct user *u, int ms)
{
	struct pollfd p = {
		.fd = u->lib.nfs_get_fd(u->nfs), .events = (short)u->lib.nfs_which_events(u->nfs),
	};
	int r = retry(poll(&p, 1, ms));

	if (r > 0 && p.revents & POLLIN)
		u->heard = clock_ms();
	if (r >= 0 && u->lib.nfs_service(u->nfs, r > 0 ? p.revents : 0) >= 0)
		return 0;
	lose(u, ECONNRESET);
	return -1;
}

void user_push(struct user *u)
{
	if (!user_is_lost(u))
		(void)exchange(u, 0);
}

/* Until something comes, or the limit is near. */
static int turn(struct user *u)
{
	int64_t limit = (int64_t)u->pool.limit * 1000, silent = clock_ms() - u->heard;
	int64_t left = silent < limit / 2 ? limit / 2 - silent : limit - silent;

	if (silent >= limit) {
		lose(u, ETIMEDOUT);
		return -1;
	}
	if (silent >= limit / 2)
		ask(u);
	return exchange(u, (int)(left < SLICE ? left : SLICE));
}

int user_wait(struct user *u, bool (*is_done)(const void *arg), const void *arg)
{
	u->heard = clock_ms();
	while (!is_done(arg))
		if (user_is_lost(u) || turn(u) < 0) {
			errno = u->lost.sys;
			return -1;
		}
	return 0;
}

/* Of a failure to read or write it has words only: "... NFS3ERR_NOSPC(-28)". */
int user_errno(struct user *u, int status)
{
	const char *why = u->nfs ? u->lib.nfs_get_error(u->nfs) : NULL;
	const char *number = why ? strrchr(why, '(') : NULL;
	uint64_t n;

	if (u->lost.code)
		return u->lost.sys;
	if (status == -ERANGE)	/* it has no number for what came: mostly a file that has gone */
		return why && strstr(why, "STALE") ? ESTALE : EIO;
	if (status == -EFAULT && number && number[1] == '-' &&
	    parse_number_prefix(number + 2, 10, &n, &why) && n > 0 && n < 1000)
		return (int)n;
	return status == -EFAULT ? EIO : -status;
}

void user_replied(int status, struct nfs_context *nfs, void *data, void *arg)
{
	struct user_reply *r = arg;

	(void)nfs;
	r->done = true;
	r->status = status;
	if (status >= 0 && r->into && data)
		memcpy(r->into, data, r->size);
	else if (status >= 0)
		r->data = data;
}

static bool has_reply(const void *arg)
{
	return ((const struct user_reply *)arg)->done;
}

int user_finish(struct user *u, struct user_reply *reply, int queued)
{
	if (queued != 0 && user_is_lost(u)) {
		errno = u->lost.sys;
		return -1;
	}
	if (queued != 0)	/* it has not been sent: there was no memory for it */
		abort();
	if (user_wait(u, has_reply, reply) < 0)
		return -1;
	if (reply->status >= 0)
		return reply->status;
	errno = user_errno(u, reply->status);
	return -1;
}

/* ---- a server --------------------------------------------------------------------------- */

struct place {
	const struct bp_host *host;
	char *options;
	unsigned port, limit;
	struct netfs_server server;
};

static void place_done(struct place *l)
{
	free(l->options);
}

/* Two hosts of one name must not be taken for one that has started again. */
static void set_name(struct user *u)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[16];
	char name[2 * sizeof random + 1] = "", verifier[NFS4_VERIFIER_SIZE];

	if (getrandom(random, sizeof random, 0) != sizeof random ||
	    getrandom(verifier, sizeof verifier, 0) != sizeof verifier)
		return;
	for (size_t i = 0; i < sizeof random; i++) {
		name[2 * i] = digits[random[i] >> 4];
		name[2 * i + 1] = digits[random[i] & 15];
	}
	u->lib.nfs4_set_client_name(u->nfs, name);
	u->lib.nfs4_set_verifier(u->nfs, verifier);
}

static void set_options(struct user *u, const struct place *l, int version)
{
	auto_free char *url = mem_printf("nfs://?auto-traverse-mounts=0&nfsport=%u", l->port);
	struct nfs_url *parsed = u->lib.nfs_parse_url_incomplete(u->nfs, url);

	if (parsed)
		u->lib.nfs_destroy_url(parsed);
	u->lib.nfs_set_version(u->nfs, version);
	u->lib.nfs_set_autoreconnect(u->nfs, 0);
	u->lib.nfs_umask(u->nfs, 0);
	if (version == 4)
		set_name(u);
}

static int cannot(struct user *u, int version, int status, struct bp_error *err)
{
	const char *why = u->lib.nfs_get_error(u->nfs);
	bool said = why && *why;

	if (u->lost.code) {
		*err = u->lost;
		return -1;
	}
	snprintf(err->part, sizeof err->part, "source/dir");
	if (status == -EACCES || status == -EPERM || status == -ENOENT)
		return bp_fail_sys(err, -status, "the server does not let us have '%s' by NFS "
				   "version %d: it does not export it to this host%s", u->share,
				   version, geteuid() == 0 ? "" : ", or not to ordinary users "
				   "(option 'insecure')");
	return bp_fail_sys(err, -status, "cannot use '%s' by NFS version %d%s%s%s%s", u->share,
			   version, geteuid() == 0 ? "" : ", which may not be for ordinary users "
			   "(option 'insecure')", said ? " (" : "", said ? why : "",
			   said ? ")" : "");
}

static void drop(struct user *u)
{
	if (u->nfs)
		u->lib.nfs_destroy_context(u->nfs);
	u->nfs = NULL;
	u->lost = (struct bp_error){ 0 };
	u->asking = u->mounted = false;
}

static int try_version(struct user *u, const struct place *l, int version, struct bp_error *err)
{
	const struct bp_pool_def *def = u->pool.def;
	struct user_reply reply = { 0 };
	struct netfs_server mapper;

	if (version == 3 && netfs_server_find(l->server.address, PORT_MAPPER, NETFS_TAKES, l->limit,
					      &mapper, err) < 0)
		return bp_within(err, "NFS version 3 needs the server's port mapper, too");
	u->nfs = u->lib.nfs_init_context();
	if (!u->nfs)
		abort();	/* as everywhere when memory is gone */
	set_options(u, l, version);
	user_be(u, NULL);
	if (user_call(u, &reply, nfs_mount_async, l->server.address, def->source.dir) < 0) {
		cannot(u, version, -errno, err);
		drop(u);
		return -1;
	}
	u->version = version;
	u->mounted = true;
	return 0;
}

/* Version 3 first: it is what QEMU speaks, and keeps no state that could expire. */
static int try_versions(struct user *u, const struct place *l, struct bp_error *err)
{
	auto_free char *vers = mounts_option(l->options, "vers");
	auto_free char *nfsvers = mounts_option(l->options, "nfsvers");
	const char *said = vers ? vers : nfsvers;
	bool three = said ? *said == '3' : l->server.nfs3, four = said ? *said == '4' :
		l->server.nfs4;
	struct bp_error why = { 0 }, other = { 0 };

	if (!three && !four)
		return bp_fail(err, BP_CONFIG, "NFS version '%s' is not spoken here: 3 and 4 are",
			       said);
	if (three && try_version(u, l, 3, &why) == 0)
		return 0;
	if (four && try_version(u, l, 4, &other) == 0)
		return 0;
	if (three && four)
		return bp_fail(err, BP_FAILED, "%s; and %s", why.text, other.text);
	*err = three ? why : other;
	return -1;
}

static int try_host(struct user *u, const struct bp_host *host, unsigned limit,
		    struct bp_error *err)
{
	cleanup(place_done) struct place l = {
		.host = host, .options = netfs_options(&u->pool, host), .limit = limit,
	};
	auto_free char *port = mounts_option(l.options, "port");
	uint64_t n = 2049;

	if (port && (!parse_number(port, 10, &n) || !n || n > 65535))
		return bp_fail(err, BP_CONFIG, "'port=%s' is no port", port);
	l.port = (unsigned)n;
	u->read_only = mounts_read_only(l.options);
	free(u->share);
	u->share = netfs_source(netfs_kind_of(&u->pool), host, u->pool.def->source.dir);
	if (netfs_server_find(host->name, l.port, NETFS_SPEAKS_NFS, limit, &l.server, err) < 0)
		return -1;
	return try_versions(u, &l, err);
}

static int connect_any(struct user *u, struct bp_error *err)
{
	const struct bp_pool_source *src = &u->pool.def->source;
	cleanup(text_done) struct text all = { 0 };
	unsigned n = (unsigned)src->n_hosts, limit = u->pool.limit > n ? u->pool.limit / n : 1;
	struct bp_error why = { 0 };

	for (unsigned i = 0; i < n; i++) {
		why = (struct bp_error){ 0 };
		if (try_host(u, &src->hosts[i], limit, &why) == 0)
			return 0;
		text_addf(&all, "%s%s", i ? "; " : "", why.text);
	}
	*err = why;
	if (n > 1) {
		*err = (struct bp_error){ 0 };
		bp_fail(err, BP_FAILED, "none of %u servers will do: %s", n, all.s);
	}
	return -1;
}

/* Whoever has failed once is not kept waiting again. */
int user_connect(struct bp_pool *p, struct bp_error *err)
{
	struct user *u = user_of(p);

	if (!u->nfs && !u->lost.code &&
	    (library_open(&u->lib, &u->lost) < 0 || connect_any(u, &u->lost) < 0))
		bp_within(&u->lost, "pool '%s'", p->def->name);
	if (!u->lost.code)
		return 0;
	*err = u->lost;
	return -1;
}

void user_disconnect(struct user *u)
{
	drop(u);
	library_done(&u->lib);
	free(u->share);
}

/* netfs_find.c - what a server exports, by the protocol that showmount speaks (libnfs,
 * opened when it is needed).
 *
 * The library waits for ever; so it is given its bytes here, as long as there is time.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <nfsc/libnfs.h>
#include <nfsc/libnfs-raw-mount.h>

#include "backends/netfs.h"
#include "backends/netfs_library.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/resolve.h"

#define SLICE	1000		/* ms, after which the library may want something else */
#define MOST	65536		/* exports, of which it may tell */
#define PORT	111		/* where it says which service is where */

/* ---- the list ------------------------------------------------------------------------ */

struct finding {
	const struct bp_host *host;
	unsigned limit;			/* seconds that it has to answer */
	int64_t end;			/* ... until then, by clock_ms() */
	struct bp_pool_source *sources;
	size_t n;
	bool over;
	int status;
};

static void add_export(struct finding *f, const char *dir)
{
	struct bp_pool_source *src;
	struct bp_host *host;

	if (!dir || *dir != '/')
		return;
	src = array_add(f->sources, f->n);
	host = array_add(src->hosts, src->n_hosts);
	host->name = mem_dup(f->host->name);
	host->port = f->host->port;
	src->dir = bp_path_tidy(dir);
	src->format = mem_dup("nfs");
}

/* The library puts things where they fit: they are copied. */
static void take(struct rpc_context *rpc, int status, void *data, void *arg)
{
	struct finding *f = arg;
	struct exportnode e;
	exports next;

	(void)rpc;
	f->over = true;
	f->status = status;
	if (status != RPC_STATUS_SUCCESS || !data)
		return;
	memcpy(&next, data, sizeof next);
	for (; next && f->n < MOST; next = e.ex_next) {
		memcpy(&e, next, sizeof e);
		add_export(f, e.ex_dir);
	}
}

static int by_dir(const void *a, const void *b)
{
	return strcmp(((const struct bp_pool_source *)a)->dir,
		      ((const struct bp_pool_source *)b)->dir);
}

static int cannot_ask(const struct library *l, const char *host, struct bp_error *err)
{
	const char *why = l->rpc_get_error(l->rpc);

	return bp_fail(err, BP_FAILED, "server '%s' does not tell what it exports: %s", host,
		       why && *why ? why : "it ended the connection");
}

/* One exchange after the other, until the answer is there. */
static int wait_for_list(struct library *l, struct finding *f, struct bp_error *err)
{
	while (!f->over) {
		struct pollfd p = {
			.fd = l->rpc_get_fd(l->rpc), .events = (short)l->rpc_which_events(l->rpc),
		};
		int64_t left = f->end - clock_ms();

		if (left <= 0)
			return bp_fail(err, BP_FAILED, "server not responding: '%s' has not told "
				       "for %u seconds what it exports", f->host->name, f->limit);
		if (retry(poll(&p, 1, left < SLICE ? (int)left : SLICE)) > 0 &&
		    l->rpc_service(l->rpc, p.revents) < 0 && !f->over)
			return cannot_ask(l, f->host->name, err);
	}
	return f->status == RPC_STATUS_SUCCESS ? 0 : cannot_ask(l, f->host->name, err);
}

static int nothing_there(const char *host, int sys, struct bp_error *err)
{
	*err = (struct bp_error){ 0 };
	bp_fail(err, BP_FAILED, "no storage pools were found on host '%s'", host);
	err->sys = sys;
	return -1;
}

static int find(struct finding *f, struct bp_error *err)
{
	cleanup(library_done) struct library l = { 0 };
	struct netfs_server server;

	if (netfs_server_find(f->host->name, PORT, NETFS_TAKES, f->limit, &server, err) < 0)
		return err->sys == ECONNREFUSED || err->sys == ENETUNREACH ?
		       nothing_there(f->host->name, err->sys, err) : -1;
	if (library_open(&l, err) < 0)
		return -1;
	l.rpc = l.rpc_init_context();
	if (!l.rpc)
		abort();	/* as everywhere when memory is gone */
	if (l.mount_getexports_async(l.rpc, server.address, take, f) != 0)
		return cannot_ask(&l, f->host->name, err);
	if (wait_for_list(&l, f, err) < 0)
		return -1;
	return f->n ? 0 : nothing_there(f->host->name, 0, err);
}

int netfs_sources_find(const struct bp_pool_source *hint, unsigned limit,
		       const struct bp_secrets *secrets, struct bp_pool_source **ret,
		       size_t *ret_n, struct bp_error *err)
{
	struct finding f = { .limit = limit, .end = clock_ms() + limit * INT64_C(1000) };

	if (!hint)
		return bp_fail(err, BP_INVALID, "hostname must be specified for netfs sources");
	if (hint->n_hosts != 1 || !hint->hosts[0].name)
		return bp_fail(err, BP_CONFIG, "Expected exactly 1 host for the storage pool");
	if (hint->format && strcmp(hint->format, "cifs") == 0)
		return netfs_shares_find(hint, limit, secrets, ret, ret_n, err);
	if (hint->format && strcmp(hint->format, "nfs") != 0 && strcmp(hint->format, "auto") != 0)
		return bp_fail(err, BP_UNSUPPORTED, "what a server exports is found for 'nfs' and "
			       "'cifs', and not for '%s'", hint->format);
	f.host = &hint->hosts[0];
	if (find(&f, err) < 0) {
		for (size_t i = 0; i < f.n; i++)
			bp_pool_source_done(&f.sources[i]);
		free(f.sources);
		return -1;
	}
	if (f.n)
		qsort(f.sources, f.n, sizeof *f.sources, by_dir);
	*ret = f.sources;
	*ret_n = f.n;
	return 0;
}

/* netfs_user_ahead.c - files that are looked at soon are asked for ahead, many at a time: their
 * first bytes, and where an iso shows itself.
 *
 * By version 3 they are opened.  By version 4 a server takes one file to be opened after the
 * other, but bytes may be read without (RFC 7530, 9.1.4.3): all of them in one request, which
 * finds its way from the root.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/netfs_user_bytes.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define PARTS 2
static const struct { uint64_t at; size_t len; } looked_at[PARTS] = { { 0, 2048 }, { 32768, 64 } };

struct user_coming {
	struct user *u;
	char *path, *shown;
	uint64_t size;
	size_t words;		/* by version 4: of its path from the root */
	bool done;
	struct bp_io *io;	/* NULL: it could not be opened */
};

/* Of this part, how much the file has. */
static size_t part_len(uint64_t size, size_t i)
{
	uint64_t left = looked_at[i].at < size ? size - looked_at[i].at : 0;

	return left < looked_at[i].len ? (size_t)left : looked_at[i].len;
}

static struct user_io *make_io(struct user_coming *c, struct nfsfh *file)
{
	struct user_io *f = user_io_make(c->u, file, c->shown);

	f->size = c->size;
	c->io = &f->io;
	return f;
}

/* ---- opened ------------------------------------------------------------------------------ */

static void has_opened(int status, struct nfs_context *nfs, void *data, void *arg)
{
	struct user_coming *c = arg;
	struct user_io *f;

	(void)nfs;
	c->done = true;
	if (status < 0 || user_is_lost(c->u))
		return;
	f = make_io(c, data);
	for (size_t i = 0; i < PARTS; i++)
		if (part_len(c->size, i))
			user_io_ask(f, looked_at[i].at, part_len(c->size, i));
}

static bool open_ahead(struct user_coming *c)
{
	return c->u->lib.nfs_open_async(c->u->nfs, c->path, O_RDONLY | O_NOFOLLOW, has_opened,
					c) == 0;
}

/* ---- read without being opened ------------------------------------------------------------ */

#define WORDS 64	/* of a path, and no more */

/* The root, and from there one word after the other. */
static size_t add_path(nfs_argop4 *ops, size_t n, char *path)
{
	char *save = NULL;

	for (char *w = strtok_r(path, "/", &save); w; w = strtok_r(NULL, "/", &save)) {
		if (n > WORDS)
			return 0;
		ops[n].argop = OP_LOOKUP;
		ops[n].nfs_argop4_u.oplookup.objname = (component4){ (u_int)strlen(w), w };
		n++;
	}
	return n;
}

/* What is said of one part, if it is what was asked for; copied, since the library puts things
 * where they fit. */
static bool part_of(const COMPOUND4res *res, size_t at, READ4resok *ret)
{
	const char *ops = (const char *)res->resarray.resarray_val;
	nfs_resop4 op;

	if (at >= res->resarray.resarray_len)
		return false;
	memcpy(&op, ops + at * sizeof op, sizeof op);
	*ret = op.nfs_resop4_u.opread.READ4res_u.resok4;
	return op.resop == OP_READ && op.nfs_resop4_u.opread.status == NFS4_OK;
}

static void has_read(struct rpc_context *rpc, int status, void *data, void *arg)
{
	struct user_coming *c = arg;
	const COMPOUND4res *res = data;
	struct user_io *f;

	(void)rpc;
	c->done = true;
	if (status != RPC_STATUS_SUCCESS || !res || res->status != NFS4_OK || user_is_lost(c->u))
		return;
	f = make_io(c, NULL);
	f->late = mem_dup(c->path + 1);
	for (size_t i = 0, at = 1 + c->words; i < PARTS; i++) {
		READ4resok ok;

		if (part_len(c->size, i) && part_of(res, at++, &ok))
			user_io_has(f, looked_at[i].at, part_len(c->size, i), ok.data.data_val,
				    ok.data.data_len);
	}
}

static bool read_ahead(struct bp_pool *p, struct user_coming *c)
{
	auto_free char *path = mem_printf("%s%s", p->def->source.dir, c->path);
	nfs_argop4 ops[1 + WORDS + PARTS] = { { .argop = OP_PUTROOTFH } };
	COMPOUND4args args = { .argarray = { .argarray_val = ops } };
	size_t n = add_path(ops, 1, path);

	if (!n)
		return false;
	c->words = n - 1;
	for (size_t i = 0; i < PARTS; i++) {
		if (!part_len(c->size, i))
			continue;
		ops[n].argop = OP_READ;
		ops[n].nfs_argop4_u.opread.offset = looked_at[i].at;
		ops[n].nfs_argop4_u.opread.count = (count4)part_len(c->size, i);
		n++;
	}
	args.argarray.argarray_len = (u_int)n;
	return c->u->lib.rpc_nfs4_compound_async(c->u->lib.nfs_get_rpc_context(c->u->nfs), has_read,
						 &args, c) == 0;
}

/* ---- either ------------------------------------------------------------------------------- */

struct user_coming *user_io_begin(struct bp_pool *p, const char *name, uint64_t size)
{
	struct user *u = user_of(p);
	struct user_coming *c;

	if (user_is_lost(u))
		return NULL;
	c = mem_alloc(sizeof *c);
	*c = (struct user_coming){ .u = u, .size = size };
	c->path = user_path(name);
	c->shown = user_url(p, name);
	user_be(u, NULL);
	if (!(u->version == 3 ? open_ahead(c) : read_ahead(p, c)))
		c->done = true;
	return c;
}

static bool is_there(const void *arg)
{
	return ((const struct user_coming *)arg)->done;
}

struct bp_io *user_io_end(struct user_coming *c)
{
	struct bp_io *io;

	if (!c)
		return NULL;
	(void)user_wait(c->u, is_there, c);	/* who loses the connection ends all requests */
	io = c->io;
	free(c->path);
	free(c->shown);
	free(c);
	return io;
}

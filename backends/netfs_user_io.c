/* netfs_user_io.c - the bytes of a file on a server, with many requests in flight.
 *
 * What is written is on its way when a call returns; that it went wrong is said by a later
 * call, at the latest by sync.  Who reads on where he has stopped finds the next bytes
 * there.  Requests to the same bytes never overtake each other.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/netfs_user.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define DEPTH 64		/* requests in flight, at the most */
#define CHUNK (256u << 10)	/* bytes of one */
#define FLIGHT (8u << 20)	/* bytes of all */
#define LEAST 512		/* bytes that can be written at once */

enum use { FREE, READING, WRITING };

/* A request, under way or, of a read, done and waiting for whoever wants its bytes. */
struct slot {
	enum use use;
	bool done;
	int status;		/* bytes, or -errno */
	struct user *u;
	uint64_t at;
	size_t len;
	unsigned char *buffer;	/* of a chunk; kept */
};

struct user_io {
	struct bp_io io;
	struct user *u;
	struct nfsfh *file;
	struct as_user who;
	uint64_t size;
	size_t read_most, write_most;	/* bytes of a request */
	struct slot slots[DEPTH];
	uint64_t next, ahead;	/* reading: where it is expected to go on; what is asked for */
	uint64_t window;	/* bytes to be ahead */
	int failed;		/* errno of the first write that went wrong */
};

static struct user_io *of(struct bp_io *io)
{
	return (struct user_io *)io;
}

/* ---- requests ------------------------------------------------------------------------ */

static void slot_replied(int status, struct nfs_context *nfs, void *data, void *arg)
{
	struct slot *s = arg;

	(void)nfs;
	s->done = true;
	s->status = status < 0 ? -user_errno(s->u, status) : status;
	if (s->use == READING && status > 0)
		memcpy(s->buffer, data, (size_t)status < s->len ? (size_t)status : s->len);
}

/* False: it could not even be sent. */
static bool start(struct user_io *f, struct slot *s, enum use use, uint64_t at, size_t len)
{
	struct user *u = f->u;
	int r = -1;

	s->use = use;
	s->u = u;
	s->done = false;
	s->at = at;
	s->len = len;
	if (!user_is_lost(u)) {
		user_be(u, &f->who);
		r = use == READING ?
			u->lib.nfs_pread_async(u->nfs, f->file, at, len, slot_replied, s) :
			u->lib.nfs_pwrite_async(u->nfs, f->file, at, len, s->buffer, slot_replied,
						s);
	}
	if (r != 0) {
		s->done = true;
		s->status = -EIO;
	}
	return r == 0;
}

static void reap(struct user_io *f)
{
	for (size_t i = 0; i < DEPTH; i++) {
		struct slot *s = &f->slots[i];

		if (s->use != WRITING || !s->done)
			continue;
		if (!f->failed && s->status != (int)s->len)
			f->failed = s->status < 0 ? -s->status : EIO;
		s->use = FREE;
	}
}

static bool slot_done(const void *arg)
{
	return ((const struct slot *)arg)->done;
}

static bool any_done(const void *arg)
{
	const struct user_io *f = arg;

	for (size_t i = 0; i < DEPTH; i++)
		if (f->slots[i].use != FREE && f->slots[i].done)
			return true;
	return false;
}

static int cannot(struct user_io *f, int sys, const char *what, struct bp_error *err)
{
	errno = sys;
	return user_fail(f->u, err, "cannot %s '%s'", what, f->io.name);
}

/* Whatever has been written is with the server. */
static int drain(struct user_io *f, struct bp_error *err)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (f->slots[i].use == WRITING && user_wait(f->u, slot_done, &f->slots[i]) < 0)
			return cannot(f, errno, "write", err);
	reap(f);
	return f->failed ? cannot(f, f->failed, "write", err) : 0;
}

/* The library has the buffers as long as requests are under way, however that ends. */
static void drop_reads(struct user_io *f)
{
	for (size_t i = 0; i < DEPTH; i++) {
		struct slot *s = &f->slots[i];

		if (s->use != READING)
			continue;
		if (!s->done)
			(void)user_wait(f->u, slot_done, s);
		s->use = FREE;
	}
	f->ahead = f->next = UINT64_MAX;
	f->window = 0;
}

static struct slot *find_free(struct user_io *f, size_t each)
{
	for (size_t i = 0; i < DEPTH && i * each < FLIGHT; i++)
		if (f->slots[i].use == FREE) {
			if (!f->slots[i].buffer)
				f->slots[i].buffer = mem_resize(NULL, CHUNK, 1);
			return &f->slots[i];
		}
	return NULL;
}

/* ---- writing --------------------------------------------------------------------------- */

static bool overlaps(const struct user_io *f, uint64_t at, uint64_t len)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (f->slots[i].use == WRITING && f->slots[i].at < at + len &&
		    at < f->slots[i].at + f->slots[i].len)
			return true;
	return false;
}

static struct slot *take_free(struct user_io *f, struct bp_error *err)
{
	struct slot *s;

	while (!(s = find_free(f, f->write_most))) {
		if (user_wait(f->u, any_done, f) < 0) {
			cannot(f, errno, "write", err);
			return NULL;
		}
		reap(f);
	}
	if (!f->failed)
		return s;
	cannot(f, f->failed, "write", err);
	return NULL;
}

/* What is more than the library can put into a request (by version 4 that of Debian 12 can
 * 2 KiB) is halved until it can. */
static size_t write_some(struct user_io *f, struct slot *s, const void *buf, size_t len,
			 uint64_t at)
{
	size_t n = len < f->write_most ? len : f->write_most;

	memcpy(s->buffer, buf, n);
	while (!start(f, s, WRITING, at, n) && !user_is_lost(f->u) && n > LEAST)
		n = f->write_most = n / 2;
	return n;
}

static int user_write(struct bp_io *io, const void *data, size_t len, uint64_t at,
		      struct bp_error *err)
{
	struct user_io *f = of(io);
	const unsigned char *buf = data;

	drop_reads(f);
	if (overlaps(f, at, len) && drain(f, err) < 0)
		return -1;
	while (len) {
		struct slot *s = take_free(f, err);
		size_t n;

		if (!s)
			return -1;
		n = write_some(f, s, buf, len, at);
		buf += n;
		at += n;
		len -= n;
		if (at > f->size)
			f->size = at;
	}
	user_push(f->u);
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

static struct slot *find_read(struct user_io *f, uint64_t at)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (f->slots[i].use == READING && f->slots[i].at <= at &&
		    at - f->slots[i].at < f->slots[i].len)
			return &f->slots[i];
	return NULL;
}

/* Ask for what is wanted, and for what may be next. */
static void read_ahead(struct user_io *f, uint64_t at, uint64_t end)
{
	uint64_t until = end;
	struct slot *s;

	if (f->window > end - at)
		until = f->window < f->size - at ? at + f->window : f->size;
	if (f->ahead == UINT64_MAX || f->ahead < at)
		f->ahead = at;
	while (f->ahead < until && (s = find_free(f, f->read_most))) {
		uint64_t left = until - f->ahead;
		size_t n = left < f->read_most ? (size_t)left : f->read_most;

		(void)start(f, s, READING, f->ahead, n);
		f->ahead += n;
	}
}

/* A server may give less than was asked for; the rest is asked for once more. */
static ssize_t take_bytes(struct user_io *f, struct slot *s, unsigned char *buf, size_t len,
			  uint64_t at, struct bp_error *err)
{
	size_t skip = (size_t)(at - s->at), n;

	if (user_wait(f->u, slot_done, s) < 0)
		return cannot(f, errno, "read", err);
	if (s->status < 0)
		return cannot(f, -s->status, "read", err);
	if ((size_t)s->status <= skip) {
		s->use = FREE;
		if (!s->status)
			return bp_fail(err, BP_CORRUPT, "'%s' ends at %" PRIu64 ", where more is "
				       "expected", f->io.name, at);
		drop_reads(f);
		return 0;
	}
	n = (size_t)s->status - skip < len ? (size_t)s->status - skip : len;
	memcpy(buf, s->buffer + skip, n);
	if (skip + n == s->len)
		s->use = FREE;
	return (ssize_t)n;
}

static void expect(struct user_io *f, uint64_t at, size_t len)
{
	uint64_t most = (uint64_t)DEPTH * f->read_most < FLIGHT ? DEPTH * f->read_most : FLIGHT;

	if (at != f->next) {
		drop_reads(f);
		return;
	}
	f->window = f->window ? 2 * f->window : 2 * (uint64_t)len;
	if (f->window > most)
		f->window = most;
}

static int user_read(struct bp_io *io, void *data, size_t len, uint64_t at, struct bp_error *err)
{
	struct user_io *f = of(io);
	uint64_t end = at + len;
	unsigned char *buf = data;

	if (drain(f, err) < 0)
		return -1;
	if (at > f->size || len > f->size - at)
		return bp_fail(err, BP_CORRUPT, "'%s' ends at %" PRIu64 ", where more is expected",
			       io->name, f->size);
	expect(f, at, len);
	while (at < end) {
		struct slot *s;
		ssize_t n;

		read_ahead(f, at, end);
		s = find_read(f, at);
		if (!s) {		/* what is there is not what is wanted */
			drop_reads(f);
			continue;
		}
		n = take_bytes(f, s, buf, (size_t)(end - at), at, err);
		if (n < 0) {
			drop_reads(f);
			return -1;
		}
		buf += n;
		at += (size_t)n;
	}
	f->next = end;
	return 0;
}

/* ---- the rest ----------------------------------------------------------------------------- */

static int user_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)err;
	*ret = of(io)->size;
	return 0;
}

static int user_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	struct user_io *f = of(io);
	struct user_reply reply = { 0 };

	drop_reads(f);
	if (drain(f, err) < 0)
		return -1;
	user_be(f->u, &f->who);
	if (user_call(f->u, &reply, nfs_ftruncate_async, f->file, size) < 0)
		return cannot(f, errno, "change the size of", err);
	f->size = size;
	return 0;
}

static int user_sync(struct bp_io *io, struct bp_error *err)
{
	struct user_io *f = of(io);
	struct user_reply reply = { 0 };

	if (drain(f, err) < 0)
		return -1;
	user_be(f->u, &f->who);
	if (user_call(f->u, &reply, nfs_fsync_async, f->file) < 0)
		return cannot(f, errno, "sync", err);
	return 0;
}

static void user_close(struct bp_io *io)
{
	struct user_io *f = of(io);
	struct bp_error ignored = { 0 };
	struct user_reply reply = { 0 };

	drop_reads(f);
	(void)drain(f, &ignored);
	if (!user_is_lost(f->u))
		user_be(f->u, &f->who);
	(void)user_call(f->u, &reply, nfs_close_async, f->file);
	for (size_t i = 0; i < DEPTH; i++)
		free(f->slots[i].buffer);
	free((char *)io->name);
	free(io);
}

static const struct bp_io_ops user_ops = {
	.size	= user_size,
	.read	= user_read,
	.write	= user_write,
	.sync	= user_sync,
	.close	= user_close,
	.resize	= user_resize,
};

/* ---- opening ------------------------------------------------------------------------------- */

struct opening {
	const char *path;
	int flags;
	struct nfsfh *file;
};

static int open_file(struct user *u, void *arg)
{
	struct opening *o = arg;
	struct user_reply reply = { 0 };
	int r = o->flags & O_CREAT ?
		user_call(u, &reply, nfs_create_async, o->path, o->flags, 0600) :
		user_call(u, &reply, nfs_open_async, o->path, o->flags);

	o->file = reply.data;
	return r;
}

/* Refused for writing: is it everybody who is?  Where anybody may write it is no use to give
 * a file the name that it has. */
static void look_who(struct user *u, const struct opening *o)
{
	struct user_reply reply = { 0 };
	int sys = errno;

	if (sys == EACCES && o->flags & O_RDWR && !user_is_lost(u))
		(void)user_call(u, &reply, nfs_link_async, o->path, o->path);
	if (errno != EROFS)
		errno = sys;
}

static size_t at_most(uint64_t server)
{
	return server && server < CHUNK ? (size_t)server : CHUNK;
}

static struct user_io *make_io(struct user *u, struct nfsfh *file, const char *shown)
{
	struct user_io *f = mem_alloc(sizeof *f);

	f->io = (struct bp_io){ .ops = &user_ops, .fd = -1, .sparse = true };
	f->io.name = mem_dup(shown);
	f->u = u;
	f->file = file;
	f->who = u->who;
	f->read_most = at_most(u->lib.nfs_get_readmax(u->nfs));
	f->write_most = at_most(u->lib.nfs_get_writemax(u->nfs));
	f->ahead = f->next = UINT64_MAX;
	return f;
}

int user_io_open(struct bp_pool *p, const char *name, const char *shown, int flags,
		 struct bp_io **ret, struct bp_error *err)
{
	struct user *u = user_of(p);
	auto_free char *path = user_path(name);
	struct opening o = { path, flags | O_NOFOLLOW, NULL };
	cleanup(io_closep) struct bp_io *io = NULL;
	struct nfs_stat_64 st;
	struct user_reply reply = { .into = &st, .size = sizeof st };

	if (user_do(u, flags & O_CREAT ? NULL : name, open_file, &o) < 0) {
		look_who(u, &o);
		return user_fail(u, err, flags & O_CREAT ? "Failed to create file '%s'" :
				 "cannot open volume '%s'", shown);
	}
	io = &make_io(u, o.file, shown)->io;
	if (user_call(u, &reply, nfs_fstat64_async, o.file) < 0)
		return user_fail(u, err, "cannot stat volume '%s'", shown);
	if (!S_ISREG(st.nfs_mode))
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is no file and has no bytes",
			       name);
	of(io)->size = st.nfs_size;
	*ret = steal(io);
	return 0;
}

struct setting {
	struct user_io *f;
	const struct bp_perms *perms;
};

/* Owner and rights, as who has made it. */
bool user_set_perms(struct bp_io *io, const struct bp_perms *perms)
{
	struct user_io *f = of(io);
	struct user *u = f->u;
	struct user_reply owner = { 0 }, mode = { 0 };
	struct nfs_stat_64 st;
	struct user_reply now = { .into = &st, .size = sizeof st };
	uid_t uid;
	gid_t gid;

	user_be(u, &f->who);
	if (user_call(u, &now, nfs_fstat64_async, f->file) < 0)
		return false;
	uid = perms->has_uid ? perms->uid : (uid_t)st.nfs_uid;
	gid = perms->has_gid ? perms->gid : (gid_t)st.nfs_gid;
	if ((uid != st.nfs_uid || gid != st.nfs_gid) &&
	    user_call(u, &owner, nfs_fchown_async, f->file, (int)uid, (int)gid) < 0)
		return false;
	return !perms->has_mode || (st.nfs_mode & 07777) == perms->mode ||
	       user_call(u, &mode, nfs_fchmod_async, f->file, (int)perms->mode) >= 0;
}

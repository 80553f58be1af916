/* netfs_user_io.c - the bytes of a file on a server, with many requests in flight.
 *
 * What is written is on its way when a call returns; that it went wrong is said by a later
 * call, at the latest by sync.  Who reads on where he has stopped finds the next bytes
 * there.  Requests to the same bytes never overtake each other.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/netfs_user_bytes.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* ---- requests ------------------------------------------------------------------------ */

/* A server may say that it has done more than was asked for. */
static int at_most_len(const struct slot *s, size_t n)
{
	return (int)(n < s->len ? n : s->len);
}

static void slot_replied(int status, struct nfs_context *nfs, void *data, void *arg)
{
	struct slot *s = arg;

	(void)nfs;
	s->done = true;
	s->status = status < 0 ? -user_errno(s->u, status) : at_most_len(s, (size_t)status);
	if (s->use == READING && s->status > 0)
		memcpy(s->buffer, data, (size_t)s->status);
}

/* False: it could not even be sent. */
static bool start(struct user_io *f, struct slot *s, enum slot_use use, uint64_t at, size_t len)
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
	for (size_t i = 0; i < DEPTH && i * each < FLIGHT; i++) {
		struct slot *s = &f->slots[i];

		if (s->use != FREE)
			continue;
		if (s->room < each) {
			s->buffer = mem_resize(s->buffer, each, 1);
			s->room = each;
		}
		return s;
	}
	return NULL;
}

void user_io_ask(struct user_io *f, uint64_t at, size_t len)
{
	struct slot *s = find_free(f, len);

	if (s)
		(void)start(f, s, READING, at, len);
}

void user_io_has(struct user_io *f, uint64_t at, size_t len, const void *data, size_t come)
{
	struct slot *s = find_free(f, len);

	if (!s)
		return;
	*s = (struct slot){
		.use = READING, .done = true, .u = f->u, .at = at, .len = len,
		.buffer = s->buffer, .room = s->room,
	};
	s->status = at_most_len(s, come);
	if (s->status)
		memcpy(s->buffer, data, (size_t)s->status);
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

/* A request of version 4 has one size of buffer in old libraries (4 KiB up to libnfs 4), which
 * its head and the data must fit into.  What does not is made smaller until it does. */
static size_t smaller(size_t n)
{
	return n > 8 * LEAST ? n / 2 : n - LEAST;
}

static size_t write_some(struct user_io *f, struct slot *s, const void *buf, size_t len,
			 uint64_t at)
{
	size_t n = len < f->write_most ? len : f->write_most;

	memcpy(s->buffer, buf, n);
	while (!start(f, s, WRITING, at, n) && !user_is_lost(f->u) && n > LEAST)
		n = f->write_most = smaller(n);
	return n;
}

static int user_write(struct bp_io *io, const void *data, size_t len, uint64_t at,
		      struct bp_error *err)
{
	struct user_io *f = user_io_of(io);
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
static int read_ahead(struct user_io *f, uint64_t at, uint64_t end, struct bp_error *err)
{
	uint64_t until = end;
	struct slot *s;

	if (!f->file && user_io_open_late(f) < 0)
		return cannot(f, errno, "open", err);
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
	return 0;
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

/* Has it been asked for when the file was opened? */
static bool is_coming(struct user_io *f, uint64_t at, uint64_t len)
{
	const struct slot *s = f->window ? NULL : find_read(f, at);

	return s && len <= s->len - (at - s->at);
}

static int user_read(struct bp_io *io, void *data, size_t len, uint64_t at, struct bp_error *err)
{
	struct user_io *f = user_io_of(io);
	uint64_t end = at + len;
	unsigned char *buf = data;
	bool coming = is_coming(f, at, len);

	if (drain(f, err) < 0)
		return -1;
	if (at > f->size || len > f->size - at)
		return bp_fail(err, BP_CORRUPT, "'%s' ends at %" PRIu64 ", where more is expected",
			       io->name, f->size);
	if (!coming)
		expect(f, at, len);
	while (at < end) {
		struct slot *s;
		ssize_t n;

		if (!coming && read_ahead(f, at, end, err) < 0)
			return -1;
		s = find_read(f, at);
		if (!s) {		/* what is there is not what is wanted */
			drop_reads(f);
			coming = false;
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
	*ret = user_io_of(io)->size;
	return 0;
}

static int user_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	struct user_io *f = user_io_of(io);
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
	struct user_io *f = user_io_of(io);
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
	struct user_io *f = user_io_of(io);
	struct bp_error ignored = { 0 };
	struct user_reply reply = { 0 };

	drop_reads(f);
	(void)drain(f, &ignored);
	if (!user_is_lost(f->u))
		user_be(f->u, &f->who);
	if (f->file && user_file_release(f->u, f->file))
		(void)user_call(f->u, &reply, nfs_close_async, f->file);
	for (size_t i = 0; i < DEPTH; i++)
		free(f->slots[i].buffer);
	free(f->late);
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

static size_t at_most(uint64_t server)
{
	return server && server < CHUNK ? (size_t)server : CHUNK;
}

struct user_io *user_io_make(struct user *u, struct nfsfh *file, const char *shown)
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

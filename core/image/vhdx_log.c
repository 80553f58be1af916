/* vhdx_log.c - what stands in the log of a VHDX, laid over the file without writing to it.
 *
 * The log is a ring of entries, each whole only if its checksum is right.  An
 * entry says which pages of the file get which bytes, or zeros; it also says
 * where the oldest entry is that is still needed.  The newest entry from which
 * an unbroken row leads back to its oldest is what counts.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/vhdx.h"

#define MAX_LOG (16u << 20)		/* those that are made have one MiB */

enum { ENTRY_HEADER = 64, DESCRIPTOR = 32 };

/* One that is not whole has no length. */
struct entry {
	uint32_t at, len, tail, descriptors;
	uint64_t sequence, flushed, last;
};

struct log {
	const struct vhdx_header *h;
	unsigned char *bytes;		/* all of it */
	struct entry *entries;		/* one for each page of the ring */
};

static void log_done(struct log *l)
{
	free(l->bytes);
	free(l->entries);
}

/* A part of the file that is not what it says there. */
struct patch {
	uint64_t at, len;
	bool zeros;
	unsigned char page[VHDX_PAGE];
};

struct replayed {
	struct bp_io io;
	struct bp_io *below;
	uint64_t size;
	bool counts;			/* something is to be replayed */
	struct patch **patches;		/* later ones count */
	size_t n;
};

/* ---- reading through it --------------------------------------------------------------- */

static struct replayed *of(struct bp_io *io)
{
	return (struct replayed *)io;
}

static int replayed_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)err;
	*ret = of(io)->size;
	return 0;
}

static void lay_over(const struct patch *p, unsigned char *buf, size_t len, uint64_t at)
{
	uint64_t from = p->at > at ? p->at : at;
	uint64_t to = p->at + p->len < at + len ? p->at + p->len : at + len;

	if (from >= to)
		return;
	if (p->zeros)
		memset(buf + (from - at), 0, (size_t)(to - from));
	else
		memcpy(buf + (from - at), p->page + (from - p->at), (size_t)(to - from));
}

static int replayed_read(struct bp_io *io, void *buf, size_t len, uint64_t at,
			 struct bp_error *err)
{
	struct replayed *r = of(io);
	uint64_t size;
	size_t there;

	if (at > r->size || len > r->size - at)
		return bp_fail(err, BP_SYSTEM, "cannot read %zu bytes at %" PRIu64 " of '%s': "
			       "past the end", len, at, io->name);
	if (io_size(r->below, &size, err) < 0)
		return -1;
	there = at >= size ? 0 : len < size - at ? len : (size_t)(size - at);
	memset((unsigned char *)buf + there, 0, len - there);
	if (there && io_read(r->below, buf, there, at, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		lay_over(r->patches[i], buf, len, at);
	return 0;
}

static int replayed_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			  struct bp_error *err)
{
	(void)buf;
	(void)len;
	(void)at;
	return bp_fail(err, BP_UNSUPPORTED, "'%s' is only read", io->name);
}

static int replayed_sync(struct bp_io *io, struct bp_error *err)
{
	(void)io;
	(void)err;
	return 0;
}

static void replayed_close(struct bp_io *io)
{
	struct replayed *r = of(io);

	for (size_t i = 0; i < r->n; i++)
		free(r->patches[i]);
	free(r->patches);
	free(r);
}

/* ---- entries --------------------------------------------------------------------------- */

/* The ring, from at on.  The caller frees. */
static unsigned char *unroll(const struct log *l, uint32_t at, uint32_t len)
{
	unsigned char *buf = mem_alloc(len);
	uint32_t first = l->h->log_len - at < len ? l->h->log_len - at : len;

	memcpy(buf, l->bytes + at, first);
	memcpy(buf + first, l->bytes, len - first);
	return buf;
}

static uint32_t pages_of(uint32_t descriptors)
{
	return (ENTRY_HEADER + descriptors * DESCRIPTOR + VHDX_PAGE - 1) / VHDX_PAGE;
}

/* Descriptors, then a page for each that has bytes, and no more: so none that is whole
 * lies in another. */
static bool is_whole(const struct entry *e, const unsigned char *buf)
{
	struct bytes b = { buf, e->len };
	uint64_t data = (uint64_t)pages_of(e->descriptors) * VHDX_PAGE;

	for (uint32_t i = 0; i < e->descriptors; i++) {
		uint64_t at = ENTRY_HEADER + (uint64_t)i * DESCRIPTOR;

		if (le64_at(b, at + 24) != e->sequence)
			return false;
		if (memcmp(buf + at, "zero", 4) == 0)
			continue;
		if (memcmp(buf + at, "desc", 4) != 0 || !bytes_has(b, data, VHDX_PAGE) ||
		    memcmp(buf + data, "data", 4) != 0 ||
		    le32_at(b, data + 4) != e->sequence >> 32 ||
		    le32_at(b, data + VHDX_PAGE - 4) != (uint32_t)e->sequence)
			return false;
		data += VHDX_PAGE;
	}
	return data == e->len && vhdx_checksum(buf, e->len, 4) == le32_at(b, 4);
}

static bool is_begun(const struct log *l, uint32_t at)
{
	const unsigned char *p = l->bytes + at;

	return memcmp(p, "loge", 4) == 0 && memcmp(p + 32, l->h->log, VHDX_GUID) == 0;
}

static struct entry entry_at(const struct log *l, uint32_t at)
{
	struct bytes b = { l->bytes + at, ENTRY_HEADER };
	auto_free unsigned char *buf = NULL;
	struct entry e = {
		.at	     = at,
		.len	     = le32_at(b, 8),
		.tail	     = le32_at(b, 12),
		.sequence    = le64_at(b, 16),
		.descriptors = le32_at(b, 24),
		.flushed     = le64_at(b, 48),
		.last	     = le64_at(b, 56),
	};

	if (is_begun(l, at) &&
	    e.len && e.len % VHDX_PAGE == 0 && e.len <= l->h->log_len && e.sequence &&
	    e.descriptors <= e.len / DESCRIPTOR &&
	    (uint64_t)pages_of(e.descriptors) * VHDX_PAGE <= e.len) {
		buf = unroll(l, at, e.len);
		if (is_whole(&e, buf))
			return e;
	}
	return (struct entry){ 0 };
}

static const struct entry *next_of(const struct log *l, const struct entry *e)
{
	return &l->entries[((uint64_t)e->at + e->len) % l->h->log_len / VHDX_PAGE];
}

/* From here on numbers rise by one; the last of the row must need this one, and none
 * before it.  NULL: it does not. */
static const struct entry *last_of_row(const struct log *l, const struct entry *first)
{
	const struct entry *last = first, *next = next_of(l, first);
	uint64_t len = first->len;

	while (next->len && next->sequence == last->sequence + 1 &&
	       (len += next->len) <= l->h->log_len) {
		last = next;
		next = next_of(l, last);
	}
	return last->tail == first->at ? last : NULL;
}

/* The newest row; NULL: there is none. */
static const struct entry *find_row(const struct log *l, const struct entry **ret_last)
{
	const struct entry *found = NULL;

	for (uint32_t i = 0; i < l->h->log_len / VHDX_PAGE; i++) {
		const struct entry *first = &l->entries[i];
		const struct entry *last = first->len ? last_of_row(l, first) : NULL;

		if (!last || (found && last->sequence <= (*ret_last)->sequence))
			continue;
		found = first;
		*ret_last = last;
	}
	return found;
}

/* ---- what they say --------------------------------------------------------------------- */

static int add_patch(struct replayed *r, struct bytes d, const unsigned char *data,
		     struct bp_error *err)
{
	uint64_t at = le64_at(d, 16), len = data ? VHDX_PAGE : le64_at(d, 8);
	struct patch *p;

	if (at % VHDX_PAGE || len % VHDX_PAGE || at > INT64_MAX || len > INT64_MAX - at)
		return bp_fail(err, BP_CORRUPT, "the log of the VHDX leads to %" PRIu64 " bytes at "
			       "%" PRIu64, len, at);
	p = mem_alloc(data ? sizeof *p : offsetof(struct patch, page));
	p->at = at;
	p->len = len;
	p->zeros = !data;
	if (data) {
		memcpy(p->page, data, VHDX_PAGE);
		memcpy(p->page, d.p + 8, 8);
		memcpy(p->page + VHDX_PAGE - 4, d.p + 4, 4);
	}
	*array_add(r->patches, r->n) = p;
	if (r->size < at + len)
		r->size = at + len;
	return 0;
}

static int replay(const struct log *l, const struct entry *e, struct replayed *r,
		  struct bp_error *err)
{
	auto_free unsigned char *buf = unroll(l, e->at, e->len);
	const unsigned char *data = buf + (size_t)pages_of(e->descriptors) * VHDX_PAGE;

	for (uint32_t i = 0; i < e->descriptors; i++) {
		struct bytes d = { buf + ENTRY_HEADER + (size_t)i * DESCRIPTOR, DESCRIPTOR };
		bool zeros = memcmp(d.p, "zero", 4) == 0;

		if (add_patch(r, d, zeros ? NULL : data, err) < 0)
			return -1;
		data += zeros ? 0 : VHDX_PAGE;
	}
	return 0;
}

/* Who was stopped before or while he wrote the first entry has changed nothing yet that it
 * would be needed for. */
static bool none_finished(const struct log *l)
{
	size_t begun = 0;

	for (uint32_t at = 0; at < l->h->log_len; at += VHDX_PAGE)
		begun += is_begun(l, at);
	return begun <= 1;
}

static int replay_row(const struct log *l, struct replayed *r, struct bp_error *err)
{
	const struct entry *last, *e = find_row(l, &last);

	if (!e && none_finished(l))
		return 0;
	if (!e)
		return bp_fail(err, BP_CORRUPT, "the VHDX was not closed, and nothing in its log "
			       "is whole");
	if (last->flushed > r->size)
		return bp_fail(err, BP_CORRUPT, "the VHDX is shorter than its log says: %" PRIu64
			       " of %" PRIu64 " bytes", r->size, last->flushed);
	r->counts = true;
	for (;; e = next_of(l, e)) {
		if (replay(l, e, r, err) < 0)
			return -1;
		if (e == last)
			break;
	}
	if (r->size < last->last && last->last <= INT64_MAX)
		r->size = last->last;
	return 0;
}

static int check_place(const struct vhdx_header *h, uint64_t size, struct bp_error *err)
{
	if (!h->log_len || h->log_len % VHDX_UNIT || h->log_at % VHDX_UNIT || !h->log_at ||
	    h->log_at > size || h->log_len > size - h->log_at)
		return bp_fail(err, BP_CORRUPT, "the log of the VHDX, %" PRIu32 " bytes at %" PRIu64
			       ", is not inside the file", h->log_len, h->log_at);
	if (h->log_len > MAX_LOG)
		return bp_fail(err, BP_UNSUPPORTED, "the log of the VHDX has %" PRIu32
			       " bytes, more than %u", h->log_len, MAX_LOG);
	return 0;
}

int vhdx_log_open(struct bp_io *io, const struct vhdx_header *h, struct bp_io **ret,
		  struct bp_error *err)
{
	static const struct bp_io_ops ops = {
		.size = replayed_size, .read = replayed_read, .write = replayed_write,
		.sync = replayed_sync, .close = replayed_close,
	};
	cleanup(io_closep) struct bp_io *over = NULL;
	cleanup(log_done) struct log l = { h };
	struct replayed *r;
	uint64_t size;

	*ret = NULL;
	if (is_zero(h->log, VHDX_GUID))
		return 0;
	if (io_size(io, &size, err) < 0 || check_place(h, size, err) < 0)
		return -1;
	l.bytes = mem_alloc(h->log_len);
	if (io_read(io, l.bytes, h->log_len, h->log_at, err) < 0)
		return -1;
	l.entries = mem_alloc(h->log_len / VHDX_PAGE * sizeof *l.entries);
	for (uint32_t at = 0; at < h->log_len; at += VHDX_PAGE)
		l.entries[at / VHDX_PAGE] = entry_at(&l, at);
	r = mem_alloc(sizeof *r);
	r->io = (struct bp_io){ .ops = &ops, .fd = -1, .name = io->name };
	r->below = io;
	r->size = size;
	over = &r->io;
	if (replay_row(&l, r, err) < 0)
		return -1;
	*ret = steal(over);
	return 0;
}

/* ---- bringing it to its place ----------------------------------------------------------- */

bool vhdx_log_counts(struct bp_io *replayed)
{
	return of(replayed)->counts;
}

static bool touches(const struct patch *p, uint64_t at, uint64_t len)
{
	return p->at < at + len && at < p->at + p->len;
}

/* What is needed for it to be done again must not change by it. */
static int check_patches(const struct replayed *r, const struct vhdx_header *h,
			 struct bp_error *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (touches(r->patches[i], VHDX_HEADERS_AT, VHDX_HEADERS_END - VHDX_HEADERS_AT) ||
		    touches(r->patches[i], h->log_at, h->log_len))
			return bp_fail(err, BP_CORRUPT, "the log of the VHDX has something for "
				       "its headers, or for itself");
	return 0;
}

int vhdx_log_write(struct bp_io *replayed, const struct vhdx_header *h, struct bp_error *err)
{
	const struct replayed *r = of(replayed);
	uint64_t size;

	if (check_patches(r, h, err) < 0 || io_size(r->below, &size, err) < 0 ||
	    (size < r->size && io_resize(r->below, r->size, err) < 0))
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		const struct patch *p = r->patches[i];

		if ((p->zeros ? io_zero(r->below, p->at, p->len, err) :
				io_write(r->below, p->page, VHDX_PAGE, p->at, err)) < 0)
			return -1;
	}
	return io_sync(r->below, err);
}

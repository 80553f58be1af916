/* qcow2_backing.c - another header for a qcow2 image: lead it to another backing file, or none.
 *
 * Header, extensions and that name share the first cluster.  Only the first sector of it
 * is sure to be written whole, so that all the rest is written where the sector that is
 * there does not lead, and then another sector is put in its place.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2.h"

enum { SECTOR = 512, AREA = QCOW2_EXTENSIONS_MAX + 4096 };

/* The first cluster, as far as it matters. */
struct first {
	unsigned char buf[AREA];
	uint64_t end;			/* of the extensions */
	uint64_t name_at, name_len;	/* 0: none */
	uint64_t len;			/* of all of it */
};

struct change {
	struct qcow2 q;
	uint64_t room;
	struct first old;
	const struct qcow2_rewrite *to;
};

/* How one is made: with or without words that only explain, and where the name is (0: behind
 * the rest). */
struct plan {
	bool new, names;
	uint64_t name_at;
};

static bool put_ext(struct first *f, uint64_t room, uint32_t type, struct bytes data)
{
	if (room < f->end + 16 || room - f->end - 16 < data.len)
		return false;
	put_be32(f->buf + f->end, type);
	put_be32(f->buf + f->end + 4, (uint32_t)data.len);
	memcpy(f->buf + f->end + 8, data.p, data.len);
	f->end += 8 + ((data.len + 7) & ~UINT64_C(7));
	return true;
}

/* Another version has others, or none. */
static bool changes_names(const struct change *c)
{
	return c->to->h.version != c->q.h.version;
}

/* Those that are new come before those that stay. */
static bool put_new(const struct change *c, const struct plan *plan, struct first *f)
{
	const struct qcow2_rewrite *to = c->to;
	unsigned char names[QCOW2_NAMES_MAX];
	struct bytes names_ext = { names, 0 };

	if (!plan->new)
		return true;
	if (to->backing_too && to->backing && to->format &&
	    !put_ext(f, c->room, QCOW2_EXT_BACKING_FORMAT,
		     (struct bytes){ (const unsigned char *)to->format, strlen(to->format) }))
		return false;
	if (to->data_too && *to->data_file &&
	    !put_ext(f, c->room, QCOW2_EXT_DATA_FILE,
		     (struct bytes){ (const unsigned char *)to->data_file,
				     strlen(to->data_file) }))
		return false;
	if (plan->names && changes_names(c))
		names_ext.len = qcow2_feature_names(&to->h, names);
	if (names_ext.len && !put_ext(f, c->room, QCOW2_EXT_FEATURE_NAMES, names_ext))
		return false;
	return !to->bitmaps_too || !to->bitmaps.len ||
	       put_ext(f, c->room, QCOW2_EXT_BITMAPS, to->bitmaps);
}

static bool is_left_out(const struct change *c, const struct plan *plan, uint32_t type)
{
	if (type == QCOW2_EXT_FEATURE_NAMES)
		return !plan->names || changes_names(c);
	if (type == QCOW2_EXT_BITMAPS)
		return plan->new && c->to->bitmaps_too;
	if (type == QCOW2_EXT_DATA_FILE)
		return plan->new && c->to->data_too;
	return type == QCOW2_EXT_BACKING_FORMAT && plan->new && c->to->backing_too;
}

/* All extensions as they are, also those that nobody knows. */
static bool put_all(const struct change *c, const struct plan *plan, struct first *f)
{
	const struct first *old = &c->old;
	struct bytes header = { old->buf, (size_t)old->len };
	uint64_t at = c->q.h.length, end = old->name_at ? old->name_at : c->room;
	struct bp_error ignored = { 0 };
	struct qcow2_ext ext;

	if (!put_new(c, plan, f))
		return false;
	while (qcow2_ext_next(header, end, &at, &ext, &ignored) == 1)
		if (!is_left_out(c, plan, ext.type) && !put_ext(f, c->room, ext.type, ext.data))
			return false;
	f->end += 8;
	return f->end <= c->room;
}

static bool make(const struct change *c, const struct plan *plan, struct first *f)
{
	bool other = plan->new && c->to->backing_too;
	const char *name = other ? c->to->backing : (const char *)c->old.buf + c->old.name_at;
	uint64_t len = other ? (name ? strlen(name) : 0) : c->old.name_len;
	struct qcow2_header h = plan->new ? c->to->h : c->q.h;

	memset(f, 0, sizeof *f);
	memcpy(f->buf, c->old.buf, h.length < c->q.h.length ? h.length : c->q.h.length);
	f->end = h.length;
	h.autoclear &= QCOW2_KNOWN_AUTOCLEAR;
	qcow2_header_numbers(&h, f->buf);
	if (!put_all(c, plan, f))
		return false;
	f->len = f->end;
	f->name_len = len;
	if (len) {
		f->name_at = plan->name_at ? plan->name_at : f->end;
		if (f->name_at < f->end || f->name_at + len > c->room)
			return false;
		memcpy(f->buf + f->name_at, name, len);
		f->len = f->name_at + len;
	}
	put_be64(f->buf + 8, f->name_at);
	put_be32(f->buf + 16, (uint32_t)len);
	return true;
}

static int put_sector(const struct change *c, const struct first *f, struct bp_error *err)
{
	return io_write(c->q.io, f->buf, SECTOR, 0, err) < 0 ? -1 : io_sync(c->q.io, err);
}

static int put_rest(const struct change *c, const struct first *f, uint64_t from,
		    struct bp_error *err)
{
	if (from < SECTOR)
		from = SECTOR;
	if (from >= f->len)
		return 0;
	if (io_write(c->q.io, f->buf + from, (size_t)(f->len - from), from, err) < 0)
		return -1;
	return io_sync(c->q.io, err);
}

/* Nothing that the old sector leads to would be changed by the rest of the new. */
static bool fits_beside(const struct first *old, const struct first *new)
{
	for (uint64_t i = SECTOR; i < new->len; i++) {
		bool in_name = i >= old->name_at && i < old->name_at + old->name_len;

		if ((i < old->end || in_name) && old->buf[i] != new->buf[i])
			return false;
	}
	return true;
}

static int put_old_back(const struct change *c)
{
	struct bp_error ignored = { 0 };

	(void)put_sector(c, &c->old, &ignored);
	return -1;
}

/* What the header has led to, and does not any more. */
static void wipe(const struct change *c, const struct first *new, uint64_t end)
{
	uint64_t from = new->len > SECTOR ? new->len : SECTOR;
	struct bp_error ignored = { 0 };

	if (end > c->room)
		end = c->room;
	if (end > from)
		(void)io_write(c->q.io, new->buf + from, (size_t)(end - from), from, &ignored);
}

static uint64_t end_of(const struct first *f)
{
	uint64_t name_end = f->name_at + f->name_len;

	return name_end > f->end ? name_end : f->end;
}

/* By way of two headers without the explaining words, which fit in a sector. */
static int change_in_steps(const struct change *c, const struct first *new, struct bp_error *err)
{
	auto_free struct first *before = mem_alloc(sizeof *before);
	auto_free struct first *after = mem_alloc(sizeof *after);
	uint64_t old_end = end_of(&c->old), aside;
	struct bp_error ignored = { 0 };

	aside = ((old_end > new->len ? old_end : new->len) + 7) & ~UINT64_C(7);
	if (!make(c, &(struct plan){ .name_at = c->old.name_at }, before) ||
	    !make(c, &(struct plan){ .new = true, .name_at = aside }, after) ||
	    before->end > SECTOR || after->end > SECTOR)
		return bp_fail(err, BP_OP_UNSUPPORTED, "the header of the image has unknown "
			       "extensions, which leave no room to change it safely");
	if (put_sector(c, before, err) < 0 || put_rest(c, after, aside, err) < 0 ||
	    put_sector(c, after, err) < 0)
		return put_old_back(c);
	/* it is done; from now on only the words are missing */
	if (put_rest(c, new, 0, &ignored) == 0 && put_sector(c, new, &ignored) == 0)
		wipe(c, new, after->len > old_end ? after->len : old_end);
	return 0;
}

static int read_first(struct change *c, struct bp_error *err)
{
	const struct qcow2_header *h = &c->q.h;
	struct first *f = &c->old;
	uint64_t at = h->length, end;
	struct qcow2_ext ext;
	struct bytes header;
	int r;

	c->room = qcow2_cluster_size(h) < AREA ? qcow2_cluster_size(h) : AREA;
	f->len = c->room < c->q.file_size ? c->room : c->q.file_size;
	if (io_read(c->q.io, f->buf, (size_t)f->len, 0, err) < 0)
		return -1;
	f->name_at = h->backing_at;
	f->name_len = h->backing_at ? h->backing_len : 0;
	if (f->name_at + f->name_len > f->len)
		return bp_fail(err, BP_OP_UNSUPPORTED, "the name of the backing file is too far "
			       "from the header");
	header = (struct bytes){ f->buf, (size_t)f->len };
	end = f->name_at ? f->name_at : f->len;
	while ((r = qcow2_ext_next(header, end, &at, &ext, err)) == 1)
		;
	f->end = at + 8;
	return r != QCOW2_EXT_CUT ? r :
	       bp_fail(err, BP_OP_UNSUPPORTED, "the extensions of the header are too long");
}

static int check(const struct change *c, struct bp_error *err)
{
	const struct qcow2_header *h = &c->q.h;

	if (qcow2_check_features(h, err) < 0)
		return -1;
	if (h->incompatible & QCOW2_CORRUPT)
		return bp_fail(err, BP_CORRUPT, "the image is marked as corrupt: repair it first");
	if (!c->to->backing_too)
		return 0;
	if (c->to->backing && h->autoclear & QCOW2_RAW_DATA_FILE)
		return bp_fail(err, BP_OP_UNSUPPORTED, "the data of the image is a raw file, which "
			       "has no backing file");
	if (c->to->backing && (!*c->to->backing || strlen(c->to->backing) > IMAGE_NAME_MAX))
		return bp_fail(err, BP_INVALID, "the name of a backing file has 1 to %d bytes",
			       IMAGE_NAME_MAX);
	return 0;
}

int qcow2_rewrite(struct bp_io *io, const struct qcow2_rewrite *to, struct bp_error *err)
{
	auto_free struct change *c = mem_alloc(sizeof *c);
	auto_free struct first *new = mem_alloc(sizeof *new);

	c->to = to;
	if (qcow2_open(io, &c->q, err) < 0 || check(c, err) < 0 || read_first(c, err) < 0)
		return -1;
	if (!make(c, &(struct plan){ .new = true, .names = true }, new) &&
	    !make(c, &(struct plan){ .new = true }, new))
		return bp_fail(err, BP_OP_UNSUPPORTED, "the name of the backing file has %zu "
			       "bytes, more than fit beside the header in a cluster of %" PRIu64,
			       to->backing ? strlen(to->backing) : (size_t)c->old.name_len,
			       qcow2_cluster_size(&c->q.h));
	if (!fits_beside(&c->old, new))
		return change_in_steps(c, new, err);
	if (put_rest(c, new, 0, err) < 0)
		return -1;
	if (put_sector(c, new, err) < 0)
		return put_old_back(c);
	wipe(c, new, end_of(&c->old));
	return 0;
}

int qcow2_set_backing(struct bp_io *io, const char *backing, const char *format,
		      struct bp_error *err)
{
	struct qcow2_rewrite to = { .backing_too = true, .backing = backing, .format = format };
	struct qcow2 q;

	if (qcow2_open(io, &q, err) < 0)
		return -1;
	to.h = q.h;
	return qcow2_rewrite(io, &to, err);
}

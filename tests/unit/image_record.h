/* image_record.h - an io that notes every change, so that a power cut can be replayed.
 *
 * What a disk may hold after a power cut: everything up to the last sync, and
 * of what came after it any part, in any order, cut at any sector.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_IMAGE_RECORD_H
#define BP_TESTS_IMAGE_RECORD_H

#include "tests/unit/image_judge.h"

enum change_kind { CHANGE_WRITE, CHANGE_RESIZE, CHANGE_SYNC };

struct change {
	enum change_kind kind;
	uint64_t at;
	size_t len;
	unsigned char *data;
};

struct record {
	struct bp_io io;
	struct bp_io *now;		/* what the image has become */
	struct change *changes;
	size_t n;
	size_t fail_at;			/* the change, from 1 on, that fails once; 0: none does */
};

static inline int record_note(struct bp_io *io, enum change_kind kind, const void *data, size_t len,
			      uint64_t at, struct bp_error *err)
{
	struct record *r = (struct record *)io;
	struct change *c;

	if (r->n + 1 == r->fail_at) {
		r->fail_at = 0;
		return bp_fail(err, BP_SYSTEM, "no space left, it is pretended");
	}
	c = array_add(r->changes, r->n);
	*c = (struct change){ .kind = kind, .at = at, .len = len };
	if (len) {
		c->data = mem_alloc(len);
		memcpy(c->data, data, len);
	}
	return 0;
}

static inline int record_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	return io_size(((struct record *)io)->now, ret, err);
}

static inline int record_read(struct bp_io *io, void *buf, size_t len, uint64_t at,
			      struct bp_error *err)
{
	return io_read(((struct record *)io)->now, buf, len, at, err);
}

static inline int record_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			       struct bp_error *err)
{
	if (record_note(io, CHANGE_WRITE, buf, len, at, err) < 0)
		return -1;
	return io_write(((struct record *)io)->now, buf, len, at, err);
}

static inline int record_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	if (record_note(io, CHANGE_RESIZE, NULL, 0, size, err) < 0)
		return -1;
	return io_resize(((struct record *)io)->now, size, err);
}

static inline int record_sync(struct bp_io *io, struct bp_error *err)
{
	return record_note(io, CHANGE_SYNC, NULL, 0, 0, err);
}

static const struct bp_io_ops record_ops = {
	.size = record_size, .read = record_read, .write = record_write, .resize = record_resize,
	.sync = record_sync,
};

static inline struct bp_io *memory_copy(struct bp_io *from)
{
	struct bp_error err = { 0 };
	struct bp_io *to;
	uint64_t size;
	char *buf;

	if (io_size(from, &size, &err) < 0)
		abort();
	buf = mem_alloc(size);
	to = io_of_memory(size);
	if (io_read(from, buf, size, 0, &err) < 0 || (size && io_write(to, buf, size, 0, &err) < 0))
		abort();
	free(buf);
	return to;
}

static inline struct bp_io *memory_of_file(const char *path)
{
	struct bp_io *file = open_image(path, 0), *io;

	if (!file)
		abort();
	io = memory_copy(file);
	io_close(file);
	return io;
}

static inline void file_of_memory(const char *path, struct bp_io *io)
{
	struct bp_io *file = open_image(path, O_CREAT | O_TRUNC);
	struct bp_error err = { 0 };
	char buf[4096];
	uint64_t size;

	if (!file || io_size(io, &size, &err) < 0 || io_resize(file, size, &err) < 0)
		abort();
	for (uint64_t at = 0; at < size; at += sizeof buf) {	/* holes where it can */
		size_t n = size - at < sizeof buf ? (size_t)(size - at) : sizeof buf;

		if (io_read(io, buf, n, at, &err) < 0 ||
		    (!is_zero(buf, n) && io_write(file, buf, n, at, &err) < 0))
			abort();
	}
	io_close(file);
}

static inline void record_start(struct record *r, struct bp_io *from)
{
	*r = (struct record){ .io = { .ops = &record_ops, .fd = -1, .name = "image" } };
	r->now = memory_copy(from);
}

static inline void record_done(struct record *r)
{
	io_close(r->now);
	for (size_t i = 0; i < r->n; i++)
		free(r->changes[i].data);
	free(r->changes);
}

/* Make one change; of a write only so many bytes. */
static inline void change_apply(const struct change *c, size_t len, struct bp_io *io)
{
	struct bp_error err = { 0 };
	int r = 0;

	if (c->kind == CHANGE_RESIZE)
		r = io_resize(io, c->at, &err);
	else if (c->kind == CHANGE_WRITE && len)
		r = io_write(io, c->data, len, c->at, &err);
	if (r < 0)
		abort();
}

static uint64_t record_seed = 1;	/* what the dice show next */

static inline unsigned record_dice(unsigned sides)
{
	record_seed = record_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(record_seed >> 33) % sides;
}

/* A disk after a power cut before change number cut: all that came before it,
 * or what chance left of the changes since the last sync. */
static inline struct bp_io *record_cut(const struct record *r, struct bp_io *from, size_t cut,
				       bool by_chance)
{
	struct bp_io *io = memory_copy(from);
	size_t sure = 0;

	for (size_t i = 0; i < cut; i++)
		if (r->changes[i].kind == CHANGE_SYNC)
			sure = i;
	for (size_t i = 0; i < cut; i++) {
		const struct change *c = &r->changes[i];
		size_t len = c->len;

		if (by_chance && i > sure) {
			if (record_dice(2))
				continue;
			if (len > 512 && record_dice(4) == 0)	/* torn at a sector */
				len = 512 - c->at % 512;
		}
		change_apply(c, len, io);
	}
	return io;
}

#endif

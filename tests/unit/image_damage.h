/* image_damage.h - images of which some bytes of what leads to the data are others. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_IMAGE_DAMAGE_H
#define BP_TESTS_IMAGE_DAMAGE_H

#include "core/base/file.h"
#include "tests/seal_image.h"
#include "tests/unit/image_agree.h"

enum { ROW = 16, ROWS = 200, MOST = 64 << 20 };
enum { DAMAGED = 2, LEAKS = 3 };		/* what qemu-img check ends with */

/* A file in memory, and where it has rows that are not all one byte: what a disk full of the
 * same has of them leads to it, or packs it. */
struct base {
	unsigned char *sound, *bytes;	/* as it is, and with damage */
	size_t len;
	size_t rows[ROWS], n;
};

static void base_done(struct base *b)
{
	free(b->sound);
	free(b->bytes);
}

static bool is_row(const unsigned char *p)
{
	for (size_t i = 1; i < ROW; i++)
		if (p[i] != p[0])
			return true;
	return false;
}

/* What is at path is the base. */
static bool base_read(struct base *ret, const char *path)
{
	struct bp_error err = { 0 };
	char *text;

	if (file_read(AT_FDCWD, path, MOST, &text, &ret->len, &err) < 0)
		return false;
	ret->sound = (unsigned char *)text;
	ret->bytes = mem_alloc(ret->len);
	memcpy(ret->bytes, ret->sound, ret->len);
	for (size_t at = 0; at + ROW <= ret->len && ret->n < ROWS; at += ROW)
		if (is_row(ret->sound + at))
			ret->rows[ret->n++] = at;
	return true;
}

/* How many images of each kind, and where their row begins: as BP_SEED says, or the usual ones. */
static unsigned how_many(uint32_t *ret_seed)
{
	const char *said = getenv("BP_SEED");

	*ret_seed = said ? (uint32_t)strtoul(said, NULL, 10) : 1;
	return said ? 200 : 30;
}

static void damage(const char *format, struct base *b, uint32_t *seed)
{
	static const unsigned char odd[] = { 0, 1, 2, 3, 4, 8, 16, 0x7f, 0x80, 0xff };

	memcpy(b->bytes, b->sound, b->len);
	for (uint32_t i = next(seed) % 3; i < 3; i++) {
		unsigned char *p = b->bytes + b->rows[next(seed) % b->n] + next(seed) % ROW;

		switch (next(seed) % 3) {
		case 0:	*p ^= (unsigned char)(1u << next(seed) % 8); break;
		case 1:	*p = odd[next(seed) % sizeof odd]; break;
		default: *p = (unsigned char)(*p + next(seed) % 5 - 2); break;
		}
	}
	seal_image(format, b->bytes, b->len);
}

static bool write_file(const char *path, const unsigned char *p, size_t len)
{
	struct bp_io *io;
	struct bp_error err = { 0 };
	bool written;

	unlink(path);
	io = open_image(path, O_CREAT | O_TRUNC);
	written = io && io_write(io, p, len, 0, &err) == 0;
	io_close(io);
	return written;
}

/* All of it, and of the files that it leads to. */
static bool all_read(const struct image_file *f, uint64_t *ret_capacity)
{
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	auto_free unsigned char *buf = mem_alloc(PIECE);
	struct bp_error err = { 0 };

	if (image_file_chain(f, 0, &chain, &err) < 0 || chain.capacity > MOST)
		return false;
	for (uint64_t at = 0; at < chain.capacity; at += PIECE) {
		uint64_t left = chain.capacity - at;

		if (bp_chain_read(&chain, buf, left < PIECE ? (size_t)left : PIECE, at, &err) < 0)
			return false;
	}
	*ret_capacity = chain.capacity;
	return true;
}

/* UNSEEN: QEMU does not look at it, as it is encrypted, or a bitmap has extra data. */
enum { UNSEEN = -1 };

static int qemu_check(const char *format, const char *path)
{
	int status = judge("qemu-img", "check", "-f", format, path, NULL);

	return status == 1 && (strstr(judged, "encrypt.key-secret") ||
			       strstr(judged, "extra data is not supported")) ? UNSEEN : status;
}

#endif

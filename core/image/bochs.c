/* bochs.c - growing disks of Bochs: a catalog of extents, each with a bitmap of its sectors. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/blocks.h"

#define MAGIC	 "Bochs Virtual HD Image"
#define TYPE	 "Redolog"
#define SUBTYPE	 "Growing"
#define VERSION1 0x00010000u
#define VERSION2 0x00020000u
#define UNUSED	 0xffffffffu
#define MAX_CATALOG 0x100000u		/* entries; QEMU's */

enum { HEADER = 512, MAGIC_LEN = 32, WORD_LEN = 16 };

struct bochs {
	uint64_t catalog_at, entries, extent_size, bitmap_sectors, extent_sectors, capacity;
	uint64_t data_at;
};

static bool has_word(struct bytes b, size_t at, size_t len, const char *word)
{
	return strnlen((const char *)b.p + at, len) == strlen(word) &&
	       memcmp(b.p + at, word, strlen(word)) == 0;
}

static int bochs_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	struct bytes b = head->first;
	uint32_t version = le32_at(b, 64);

	(void)trailer;
	(void)err;
	return bytes_has(b, 0, HEADER) && has_word(b, 0, MAGIC_LEN, MAGIC) &&
	       has_word(b, 32, WORD_LEN, TYPE) && has_word(b, 48, WORD_LEN, SUBTYPE) &&
	       (version == VERSION1 || version == VERSION2);
}

static int check(const struct bochs *b, const struct bp_image_head *head, struct bp_error *err)
{
	if (b->extent_size < IMAGE_SECTOR || b->extent_size > 0x800000 ||
	    b->extent_size & (b->extent_size - 1))
		return bp_fail(err, BP_CORRUPT, "the Bochs image has extents of %" PRIu64
			       " bytes", b->extent_size);
	if (b->entries > MAX_CATALOG || b->capacity > INT64_MAX ||
	    b->entries < (b->capacity + b->extent_size - 1) / b->extent_size)
		return bp_fail(err, BP_CORRUPT, "the catalog of the Bochs image has %" PRIu64
			       " entries for %" PRIu64 " bytes", b->entries, b->capacity);
	if (b->data_at > head->size)
		return bp_fail(err, BP_CORRUPT, "the catalog of the Bochs image is longer than the "
			       "file");
	if (b->bitmap_sectors * IMAGE_SECTOR * 8 < b->extent_sectors)
		return bp_fail(err, BP_CORRUPT, "the bitmaps of the Bochs image are too short");
	return 0;
}

static int read_header(const struct bp_image_head *head, struct bochs *ret, struct bp_error *err)
{
	struct bytes h = head->first;
	uint64_t bitmap = le32_at(h, 76);
	struct bochs b = {
		.catalog_at  = le32_at(h, 68),
		.entries     = le32_at(h, 72),
		.extent_size = le32_at(h, 80),
		.capacity    = le64_at(h, le32_at(h, 64) == VERSION1 ? 84 : 88),
	};

	b.capacity &= ~(uint64_t)(IMAGE_SECTOR - 1);
	b.bitmap_sectors = bitmap ? 1 + (bitmap - 1) / IMAGE_SECTOR : 1;
	b.extent_sectors = b.extent_size / IMAGE_SECTOR;
	b.data_at = b.catalog_at + b.entries * 4;
	if (!bytes_has(h, 0, HEADER))
		return bp_fail(err, BP_CORRUPT, "the Bochs header is cut off after %zu bytes",
			       h.len);
	if (check(&b, head, err) < 0)
		return -1;
	*ret = b;
	return 0;
}

static int bochs_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		       struct bp_error *err)
{
	struct bochs b;

	if (read_header(head, &b, err) < 0)
		return -1;
	ret->capacity = b.capacity;
	ret->knows_dirty = false;
	return 0;
}

/* ---- what its guest sees: sectors, each by itself --------------------------------- */

struct bochs_guest {
	struct blocks b;
	struct bochs h;
	struct window catalog, bitmap;
};

static int find(struct blocks *b, uint64_t sector, struct block_place *ret, struct bp_error *err)
{
	struct bochs_guest *g = (struct bochs_guest *)b;
	uint64_t extent = sector / g->h.extent_sectors, in = sector % g->h.extent_sectors;
	uint64_t entry, bits, at;

	if (window_number(&g->catalog, g->h.catalog_at + extent * 4, 4, true, &entry, err) < 0)
		return -1;
	if (entry == UNUSED)
		return 0;
	at = g->h.data_at +
	     entry * (g->h.extent_sectors + g->h.bitmap_sectors) * IMAGE_SECTOR;
	if (window_number(&g->bitmap, at + in / 8, 1, true, &bits, err) < 0)
		return -1;
	if (!(bits >> in % 8 & 1))
		return 0;
	ret->kind = BP_GUEST_DATA;
	ret->at = at + (g->h.bitmap_sectors + in) * IMAGE_SECTOR;
	return 0;
}

static void bochs_done(struct blocks *b)
{
	struct bochs_guest *g = (struct bochs_guest *)b;

	window_done(&g->catalog);
	window_done(&g->bitmap);
}

static int bochs_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, NULL, bochs_done };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct bochs_guest *g;
	struct bochs h;

	if (image_head_read(io, buf, &head, err) < 0 || read_header(&head, &h, err) < 0)
		return -1;
	g = blocks_new(sizeof *g, &ops, io, head.size, h.capacity, IMAGE_SECTOR);
	g->h = h;
	window_init(&g->catalog, io, head.size);
	window_init(&g->bitmap, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_bochs = {
	.name  = "bochs",
	.seen  = bochs_seen,
	.facts = bochs_facts,
	.open  = bochs_open,
};

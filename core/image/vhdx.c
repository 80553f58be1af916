/* vhdx.c - the format of Hyper-V: headers, regions, metadata, and a table of blocks. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/vhdx.h"

#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/blocks.h"

enum {
	HEADER = 4096, REGIONS = 64 << 10, ENTRY = 32,
	MAX_REGIONS = 2047,
	METADATA_HEADER = 32,
	METADATA_MAX = 1 << 20,
	REQUIRED = 1 << 0,			/* of a region */
	METADATA_REQUIRED = 1 << 2,
	HAS_PARENT = 1 << 1,
};

#define REGIONS_AT  VHDX_HEADERS_END	/* two of them */
#define MAX_CAPACITY (UINT64_C(64) << 40)
#define MIN_BLOCK   (UINT32_C(1) << 20)
#define MAX_BLOCK   (UINT32_C(256) << 20)

static const char bat_guid[] =
	"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08";
static const char metadata_guid[] =
	"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";

/* What is in the metadata; pages of disk identity and the parent say nothing here. */
enum { PARAMETERS, CAPACITY, LOGICAL_SECTOR, PHYSICAL_SECTOR, DISK_ID, PARENT, ITEMS };
static const struct {
	const char *guid;
	uint32_t len;
} items[ITEMS] = {
	[PARAMETERS] = {
		"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b", 8 },
	[CAPACITY] = {
		"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8", 8 },
	[LOGICAL_SECTOR] = {
		"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f", 4 },
	[PHYSICAL_SECTOR] = {
		"\xc7\x48\xa3\xcd\x5d\x44\x71\x44\x9c\xc9\xe9\x88\x52\x51\xc5\x56", 4 },
	[DISK_ID] = {
		"\xab\x12\xca\xbe\xe6\xb2\x23\x45\x93\xef\xc3\x09\xe0\x00\xc7\x46", 16 },
	[PARENT] = {
		"\x2d\x5f\xd3\xa8\x0b\xb3\x4d\x45\xab\xf7\xd3\xd8\x48\x34\xab\x0c", 0 },
};

/* CRC-32C.  There are some KiB of it, once. */
uint32_t vhdx_checksum(const unsigned char *p, size_t len, size_t field)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= i >= field && i < field + 4 ? 0 : p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

/* 1 it is whole, 0 it is not, -1 it could not be read. */
static int read_one_header(struct bp_io *io, uint64_t size, uint64_t at, struct vhdx_header *ret,
			   struct bp_error *err)
{
	unsigned char buf[HEADER];
	struct bytes b = { buf, sizeof buf };

	if (size < at + HEADER)
		return 0;
	if (io_read(io, buf, sizeof buf, at, err) < 0)
		return -1;
	if (memcmp(buf, "head", 4) != 0 || vhdx_checksum(buf, sizeof buf, VHDX_SUM_AT) !=
	    le32_at(b, VHDX_SUM_AT) ||
	    le16_at(b, 66) != 1)
		return 0;
	ret->at = at;
	ret->sequence = le64_at(b, VHDX_SEQUENCE_AT);
	memcpy(ret->log, buf + VHDX_LOG_AT, VHDX_GUID);
	ret->log_len = le32_at(b, 68);
	ret->log_at = le64_at(b, 72);
	return 1;
}

static bool same_log(const struct vhdx_header *a, const struct vhdx_header *b)
{
	return memcmp(a->log, b->log, sizeof a->log) == 0 && a->log_at == b->log_at &&
	       a->log_len == b->log_len;
}

static int read_headers(const struct bp_image_head *head, struct vhdx_header *ret,
			struct bp_error *err)
{
	struct vhdx_header h[2];
	int first = read_one_header(head->io, head->size, VHDX_HEADERS_AT, &h[0], err);
	int second = first < 0 ? -1 :
		     read_one_header(head->io, head->size, 2 * VHDX_HEADERS_AT, &h[1], err);

	if (second < 0)
		return -1;
	if (!first && !second)
		return bp_fail(err, BP_CORRUPT, "neither header of the VHDX is whole");
	if (first && second && h[0].sequence == h[1].sequence && !same_log(&h[0], &h[1]))
		return bp_fail(err, BP_CORRUPT, "both headers of the VHDX are the newer one, and "
			       "they differ");
	*ret = !second || (first && h[0].sequence > h[1].sequence) ? h[0] : h[1];
	return 0;
}

/* ---- regions ----------------------------------------------------------------------- */

struct region {
	uint64_t at;
	uint32_t len;
};

static int take_region(const struct bp_image_head *head, struct bytes e, struct region *bat,
		       struct region *metadata, struct bp_error *err)
{
	struct region r = { le64_at(e, 16), le32_at(e, 24) };

	if (!r.len || r.at < VHDX_UNIT || r.at % VHDX_UNIT || r.at > head->size ||
	    r.len > head->size - r.at)
		return bp_fail(err, BP_CORRUPT, "a region of the VHDX, %" PRIu32 " bytes at %"
			       PRIu64 ", is not inside the file", r.len, r.at);
	if (vhdx_guid_is(e.p, bat_guid) && !bat->len)
		*bat = r;
	else if (vhdx_guid_is(e.p, metadata_guid) && !metadata->len)
		*metadata = r;
	else if (le32_at(e, 28) & REQUIRED)
		return bp_fail(err, BP_UNSUPPORTED, "the VHDX has a region that nobody knows, "
			       "or one twice");
	return 0;
}

static int take_regions(const struct bp_image_head *head, struct bytes table, struct region *bat,
			struct region *metadata, struct bp_error *err)
{
	uint32_t n = le32_at(table, 8);

	if (n > MAX_REGIONS)
		return bp_fail(err, BP_CORRUPT, "the VHDX has %" PRIu32 " regions", n);
	for (uint32_t i = 0; i < n; i++) {
		struct bytes e = { table.p + 16 + (size_t)i * ENTRY, ENTRY };

		if (take_region(head, e, bat, metadata, err) < 0)
			return -1;
	}
	if (!bat->len || !metadata->len)
		return bp_fail(err, BP_CORRUPT, "the VHDX has no block table, or no metadata");
	return 0;
}

static int read_regions(const struct bp_image_head *head, struct region *bat,
			struct region *metadata, struct bp_error *err)
{
	auto_free unsigned char *buf = mem_alloc(REGIONS);
	struct bytes table = { buf, REGIONS };

	for (uint64_t at = REGIONS_AT; at <= REGIONS_AT + REGIONS; at += REGIONS) {
		if (head->size < at + REGIONS)
			break;
		if (io_read(head->io, buf, REGIONS, at, err) < 0)
			return -1;
		if (memcmp(buf, "regi", 4) == 0 &&
		    vhdx_checksum(buf, REGIONS, 4) == le32_at(table, 4))
			return take_regions(head, table, bat, metadata, err);
	}
	return bp_fail(err, BP_CORRUPT, "neither region table of the VHDX is whole");
}

/* ---- metadata ---------------------------------------------------------------------- */

static int take_item(struct bytes all, struct bytes e, struct bytes ret[ITEMS],
		     struct bp_error *err)
{
	uint64_t at = le32_at(e, 16), len = le32_at(e, 20);
	size_t i = 0;

	while (i < ITEMS && !vhdx_guid_is(e.p, items[i].guid))
		i++;
	if (i == ITEMS)
		return le32_at(e, 24) & METADATA_REQUIRED ?
		       bp_fail(err, BP_UNSUPPORTED, "the VHDX has metadata that nobody knows") : 0;
	if (ret[i].p || len < items[i].len || !bytes_has(all, at, len))
		return bp_fail(err, BP_CORRUPT, "metadata of the VHDX, %" PRIu64 " bytes at %"
			       PRIu64 ", is not inside, or is there twice", len, at);
	ret[i] = (struct bytes){ all.p + at, (size_t)len };
	return 0;
}

static int take_items(struct bytes all, struct bytes ret[ITEMS], struct bp_error *err)
{
	uint64_t n = le16_at(all, 10);

	if (!bytes_has(all, 0, METADATA_HEADER + n * ENTRY) || memcmp(all.p, "metadata", 8) != 0 ||
	    n > MAX_REGIONS)
		return bp_fail(err, BP_CORRUPT, "the VHDX has no metadata where it should be");
	for (uint64_t i = 0; i < n; i++) {
		struct bytes e = { all.p + METADATA_HEADER + i * ENTRY, ENTRY };

		if (take_item(all, e, ret, err) < 0)
			return -1;
	}
	if (!ret[PARAMETERS].p || !ret[CAPACITY].p || !ret[LOGICAL_SECTOR].p)
		return bp_fail(err, BP_CORRUPT, "metadata of the VHDX is missing");
	return 0;
}

static int check(const struct vhdx *v, struct bp_error *err)
{
	uint64_t blocks, ratio;

	if (v->block_size < MIN_BLOCK || v->block_size > MAX_BLOCK ||
	    v->block_size & (v->block_size - 1))
		return bp_fail(err, BP_CORRUPT, "the VHDX has blocks of %" PRIu32 " bytes",
			       v->block_size);
	if (v->sector_size != 512 && v->sector_size != 4096)
		return bp_fail(err, BP_CORRUPT, "the VHDX has sectors of %" PRIu32 " bytes",
			       v->sector_size);
	if (v->capacity % v->sector_size || v->capacity > MAX_CAPACITY)
		return bp_fail(err, BP_CORRUPT, "the capacity of the VHDX, %" PRIu64
			       " bytes, is absurd", v->capacity);
	blocks = (v->capacity + v->block_size - 1) / v->block_size;
	ratio = (UINT64_C(1) << 23) * v->sector_size / v->block_size;
	if (blocks && (blocks + (blocks - 1) / ratio) * 8 > v->bat_len)
		return bp_fail(err, BP_CORRUPT, "the block table of the VHDX, %" PRIu64
			       " bytes, is too short for %" PRIu64, v->bat_len, blocks);
	return 0;
}

static int read_metadata(struct bp_io *io, const struct region *r, struct vhdx *v,
			 struct bp_error *err)
{
	size_t len = r->len < METADATA_MAX ? r->len : METADATA_MAX;
	auto_free unsigned char *buf = mem_alloc(len);
	struct bytes found[ITEMS] = { { 0 } };

	if (io_read(io, buf, len, r->at, err) < 0 ||
	    take_items((struct bytes){ buf, len }, found, err) < 0)
		return -1;
	v->block_size = le32_at(found[PARAMETERS], 0);
	v->has_parent = le32_at(found[PARAMETERS], 4) & HAS_PARENT;
	v->capacity = le64_at(found[CAPACITY], 0);
	v->sector_size = le32_at(found[LOGICAL_SECTOR], 0);
	return check(v, err);
}

static int read_all(const struct bp_image_head *head, struct vhdx *ret, struct bp_error *err)
{
	struct region bat = { 0 }, metadata = { 0 };
	struct vhdx v = { 0 };

	if (read_headers(head, &v.h, err) < 0 || read_regions(head, &bat, &metadata, err) < 0)
		return -1;
	v.bat_at = bat.at;
	v.bat_len = bat.len;
	v.metadata_at = metadata.at;
	v.metadata_len = metadata.len;
	if (read_metadata(head->io, &metadata, &v, err) < 0)
		return -1;
	*ret = v;
	return 0;
}

static int vhdx_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		      struct bp_error *err)
{
	struct vhdx v;

	if (read_all(head, &v, err) < 0)
		return -1;
	ret->capacity = v.capacity;
	return 0;
}

static int vhdx_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		      struct bp_error *err)
{
	struct vhdx v;

	if (read_all(head, &v, err) < 0)
		return -1;
	ret->capacity = v.capacity;
	ret->cluster_size = v.block_size;
	return 0;
}

/* ---- what its guest sees --------------------------------------------------------- */

struct vhdx_guest {
	struct blocks b;
	struct vhdx v;
	struct bp_io *replayed;		/* or NULL */
	struct window bat;
	uint64_t ratio;			/* after so many blocks comes another kind of entry */
};

static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct vhdx_guest *g = (struct vhdx_guest *)b;
	uint64_t entry, at = g->v.bat_at + (block + block / g->ratio) * 8;

	if (window_number(&g->bat, at, 8, true, &entry, err) < 0)
		return -1;
	if ((entry & VHDX_STATE) == VHDX_PARTLY_PRESENT)
		return bp_fail(err, BP_CORRUPT, "block %" PRIu64 " of the VHDX needs a parent, "
			       "and there is none", block);
	if ((entry & VHDX_STATE) != VHDX_FULLY_PRESENT)
		return 0;
	ret->kind = BP_GUEST_DATA;
	ret->at = entry & ~(VHDX_UNIT - 1);
	return 0;
}

static void vhdx_done(struct blocks *b)
{
	struct vhdx_guest *g = (struct vhdx_guest *)b;

	window_done(&g->bat);
	io_close(g->replayed);
}

/* What the log holds counts for metadata, too. */
static int reread(struct bp_image_head *head, struct bp_io *replayed, struct vhdx *v,
		  struct bp_error *err)
{
	head->io = replayed;
	return io_size(replayed, &head->size, err) < 0 ? -1 : read_all(head, v, err);
}

int vhdx_load(struct bp_io *io, struct vhdx *ret, uint64_t *ret_size, struct bp_io **ret_replayed,
	      struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *replayed = NULL;
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct vhdx v;

	if (image_head_read(io, buf, &head, err) < 0 || read_headers(&head, &v.h, err) < 0 ||
	    vhdx_log_open(io, &v.h, &replayed, err) < 0 ||
	    (replayed ? reread(&head, replayed, &v, err) : read_all(&head, &v, err)) < 0)
		return -1;
	*ret = v;
	*ret_size = head.size;
	*ret_replayed = steal(replayed);
	return 0;
}

static int vhdx_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, NULL, vhdx_done };
	cleanup(io_closep) struct bp_io *replayed = NULL;
	struct vhdx_guest *g;
	uint64_t size;
	struct vhdx v;

	if (vhdx_load(io, &v, &size, &replayed, err) < 0)
		return -1;
	if (v.has_parent)
		return bp_fail(err, BP_UNSUPPORTED, "this VHDX holds the differences from another "
			       "one, and cannot be read alone");
	g = blocks_new(sizeof *g, &ops, replayed ? replayed : io, size, v.capacity,
		       v.block_size);
	g->v = v;
	g->ratio = (UINT64_C(1) << 23) * v.sector_size / v.block_size;
	g->replayed = steal(replayed);
	window_init(&g->bat, g->b.guest.io, size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_vhdx = {
	.name	= "vhdx",
	.sign	= { .magic = VHDX_MAGIC, .len = 8 },
	.probe	= vhdx_probe,
	.facts	= vhdx_facts,
	.open	= vhdx_open,
	.check	= vhdx_check,
	.repairs = true,
};

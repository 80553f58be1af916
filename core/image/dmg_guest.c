/* dmg_guest.c - what the guest of a dmg sees: chunks, each of a length and kind of its own.
 *
 * Tables of them are named by the trailer: pieces in Base64 of an XML text, or
 * of the resource fork of older ones.  All of them together are the disk.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/hidden.h"
#include "core/base/mem.h"
#include "core/image/codec.h"
#include "core/image/dmg.h"

#define MISH	   0x6d697368u
#define MAX_TABLES (16u << 20)		/* bytes of text or fork; QEMU's */
#define MAX_CHUNK  (64u << 20)		/* bytes, packed or not; QEMU's */
#define MAX_RATIO  1040			/* deflate makes nothing smaller than by that */

enum { TABLE_HEADER = 204, ENTRY = 40 };

struct chunk {
	uint64_t at, len;		/* of the guest, in bytes */
	uint64_t from, packed;		/* in the file */
	enum bp_guest_kind kind;
};

struct dmg_guest {
	struct bp_guest g;
	uint64_t file_size, data_at;
	struct chunk *chunks;		/* by their places */
	size_t n;
	struct codec *codec;
	unsigned char *cache;
	const struct chunk *unpacked;	/* what is in it; or NULL */
};

/* ---- tables of chunks --------------------------------------------------------------- */

static const struct kind {
	uint32_t type;
	enum bp_guest_kind kind;
	const char *refused;		/* who has compressed it */
} kinds[] = {
	{ 0, BP_GUEST_ZERO, NULL },
	{ 1, BP_GUEST_DATA, NULL },
	{ 2, BP_GUEST_ZERO, NULL },
	{ 0x80000005, BP_GUEST_COMPRESSED, NULL },
	{ 0x80000004, BP_GUEST_COMPRESSED, "ADC" },
	{ 0x80000006, BP_GUEST_COMPRESSED, "bzip2" },
	{ 0x80000007, BP_GUEST_COMPRESSED, "LZFSE" },
	{ 0x80000008, BP_GUEST_COMPRESSED, "LZMA" },
};

static int check_chunk(const struct dmg_guest *g, const struct chunk *c, struct bp_error *err)
{
	if (c->kind == BP_GUEST_ZERO)
		return 0;
	if (c->from > g->file_size || c->packed > g->file_size - c->from)
		return bp_fail(err, BP_CORRUPT, "a chunk of the dmg, %" PRIu64 " bytes at %" PRIu64
			       ", is not inside the file", c->packed, c->from);
	if (c->len > MAX_CHUNK || c->packed > MAX_CHUNK)
		return bp_fail(err, BP_CORRUPT, "a chunk of the dmg has %" PRIu64 " bytes, and %"
			       PRIu64 " in the file, more than %u", c->len, c->packed, MAX_CHUNK);
	if (c->packed < (c->kind == BP_GUEST_DATA ? c->len : c->len / MAX_RATIO))
		return bp_fail(err, BP_CORRUPT, "a chunk of the dmg has %" PRIu64 " bytes, which "
			       "%" PRIu64 " in the file cannot be", c->len, c->packed);
	return 0;
}

/* An entry that is no chunk, as a comment or the end, is passed over. */
static int take_chunk(struct dmg_guest *g, struct bytes e, uint64_t first, uint64_t data_at,
		      struct bp_error *err)
{
	uint64_t sector = be64_at(e, 8), sectors = be64_at(e, 16), most = INT64_MAX / IMAGE_SECTOR;
	struct chunk c = { .packed = be64_at(e, 32) };
	const struct kind *k = NULL;

	for (size_t i = 0; i < array_size(kinds); i++)
		if (kinds[i].type == be32_at(e, 0))
			k = &kinds[i];
	if (!k || !sectors)
		return 0;
	if (k->refused)
		return bp_fail(err, BP_UNSUPPORTED, "the dmg is compressed with %s, which cannot "
			       "be read here: only what is not compressed, or with zlib",
			       k->refused);
	if (sector > most || first > most - sector || sectors > most - sector - first)
		return bp_fail(err, BP_CORRUPT, "a chunk of the dmg, %" PRIu64 " sectors at %"
			       PRIu64 ", is absurd", sectors, sector);
	if (__builtin_add_overflow(be64_at(e, 24), data_at, &c.from))
		c.from = UINT64_MAX;
	c.kind = k->kind;
	c.at = (first + sector) * IMAGE_SECTOR;
	c.len = sectors * IMAGE_SECTOR;
	if (check_chunk(g, &c, err) < 0)
		return -1;
	*array_add(g->chunks, g->n) = c;
	return 0;
}

/* What is no such table is something else. */
static int take_table(struct dmg_guest *g, struct bytes t, struct bp_error *err)
{
	uint64_t data_at;

	if (t.len < TABLE_HEADER + ENTRY || be32_at(t, 0) != MISH)
		return 0;
	if (__builtin_add_overflow(be64_at(t, 24), g->data_at, &data_at))
		data_at = UINT64_MAX;
	for (size_t at = TABLE_HEADER; bytes_has(t, at, ENTRY); at += ENTRY)
		if (take_chunk(g, (struct bytes){ t.p + at, ENTRY }, be64_at(t, 8), data_at,
			       err) < 0)
			return -1;
	return 0;
}

static int take_text(struct dmg_guest *g, char *text, size_t len, struct bp_error *err)
{
	static const char begin[] = "<data>", end[] = "</data>";

	(void)len;
	while ((text = strstr(text, begin))) {
		char *data = text + sizeof begin - 1, *stop = strstr(data, end);
		size_t n = stop ? (size_t)(stop - data) : 0;

		if (!stop || base64_decode(data, &n) < 0)
			return bp_fail(err, BP_CORRUPT, "a table in the text of the dmg is not "
				       "Base64");
		if (take_table(g, (struct bytes){ (unsigned char *)data, n }, err) < 0)
			return -1;
		text = stop + sizeof end - 1;
	}
	return 0;
}

/* Each with its length before it. */
static int take_fork(struct dmg_guest *g, char *fork, size_t len, struct bp_error *err)
{
	struct bytes b = { (unsigned char *)fork, len };
	uint64_t at = be32_at(b, 0), n = be32_at(b, 8), end = at + n;

	if (!n || !bytes_has(b, at, n))
		return bp_fail(err, BP_CORRUPT, "the resource fork of the dmg has %" PRIu64
			       " bytes at %" PRIu64 " of %zu", n, at, len);
	for (; at < end; at += n) {
		n = be32_at(b, at);
		at += 4;
		if (!n || at > end || n > end - at)
			return bp_fail(err, BP_CORRUPT, "a resource of the dmg has %" PRIu64
				       " bytes", n);
		if (take_table(g, (struct bytes){ b.p + at, (size_t)n }, err) < 0)
			return -1;
	}
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int sort(struct dmg_guest *g, struct bp_error *err)
{
	if (g->n)
		qsort(g->chunks, g->n, sizeof *g->chunks, by_place);
	for (size_t i = 1; i < g->n; i++)
		if (g->chunks[i].at - g->chunks[i - 1].at < g->chunks[i - 1].len)
			return bp_fail(err, BP_CORRUPT, "the dmg has two chunks for byte %" PRIu64,
				       g->chunks[i].at);
	return 0;
}

static int read_chunks(struct dmg_guest *g, const struct bp_image_head *head, struct bp_error *err)
{
	unsigned char buf[DMG_TRAILER];
	struct bytes b = { buf, sizeof buf };
	auto_free char *tables = NULL;
	bool fork;
	uint64_t at, len;

	if (dmg_trailer_read(head, buf, err) < 0)
		return -1;
	g->data_at = be64_at(b, DMG_DATA_AT);
	fork = be64_at(b, DMG_RESOURCE_AT + 8);
	at = be64_at(b, fork ? DMG_RESOURCE_AT : DMG_PLIST_AT);
	len = be64_at(b, (fork ? DMG_RESOURCE_AT : DMG_PLIST_AT) + 8);
	if (!len || len > MAX_TABLES || at > head->size || len > head->size - at)
		return bp_fail(err, BP_CORRUPT, "the tables of the dmg, %" PRIu64 " bytes at %"
			       PRIu64 ", are not inside the file, or more than %u", len, at,
			       MAX_TABLES);
	tables = mem_alloc((size_t)len + 1);
	if (io_read(head->io, tables, (size_t)len, at, err) < 0)
		return -1;
	return (fork ? take_fork : take_text)(g, tables, (size_t)len, err) < 0 ? -1 : sort(g, err);
}

/* ---- what its guest sees ------------------------------------------------------------ */

static struct dmg_guest *of(struct bp_guest *g)
{
	return (struct dmg_guest *)g;
}

static const struct chunk *find(const struct dmg_guest *g, uint64_t at, struct bp_error *err)
{
	size_t from = 0, to = g->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct chunk *c = &g->chunks[mid];

		if (at >= c->at && at - c->at < c->len)
			return c;
		if (at < c->at)
			to = mid;
		else
			from = mid + 1;
	}
	bp_fail(err, BP_CORRUPT, "the dmg has no chunk for byte %" PRIu64, at);
	return NULL;
}

static int dmg_extent(struct bp_guest *bg, uint64_t at, struct bp_guest_extent *ret,
		      struct bp_error *err)
{
	const struct chunk *c = find(of(bg), at, err);
	uint64_t end;

	if (!c)
		return -1;
	end = c->at + c->len < bg->capacity ? c->at + c->len : bg->capacity;
	*ret = (struct bp_guest_extent){
		c->kind, at, end - at,
		c->kind == BP_GUEST_DATA ? c->from + (at - c->at) : BP_NOWHERE,
	};
	return 0;
}

static int unpack(struct dmg_guest *g, const struct chunk *c, struct bp_error *err)
{
	auto_free unsigned char *packed = NULL;

	if (g->unpacked == c)
		return 0;
	packed = mem_alloc((size_t)c->packed);
	if (!g->codec && codec_open(CODEC_ZLIB, &g->codec, err) < 0)
		return -1;
	g->unpacked = NULL;
	free(g->cache);
	g->cache = mem_alloc((size_t)c->len);
	if (io_read(g->g.io, packed, (size_t)c->packed, c->from, err) < 0)
		return -1;
	if (codec_unpack(g->codec, packed, (size_t)c->packed, g->cache, (size_t)c->len, err) < 0)
		return bp_within(err, "the chunk at byte %" PRIu64, c->at);
	g->unpacked = c;
	return 0;
}

static int dmg_read(struct bp_guest *bg, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	struct dmg_guest *g = of(bg);
	unsigned char *to = buf;

	while (len) {
		const struct chunk *c = find(g, at, err);
		uint64_t in = c ? at - c->at : 0;
		size_t n = !c || c->len - in > len ? len : (size_t)(c->len - in);

		if (!c || (c->kind == BP_GUEST_COMPRESSED && unpack(g, c, err) < 0) ||
		    (c->kind == BP_GUEST_DATA && io_read(bg->io, to, n, c->from + in, err) < 0))
			return -1;
		if (c->kind == BP_GUEST_COMPRESSED)
			memcpy(to, g->cache + in, n);
		else if (c->kind == BP_GUEST_ZERO)
			memset(to, 0, n);
		to += n;
		at += n;
		len -= n;
	}
	return 0;
}

static void dmg_close(struct bp_guest *bg)
{
	struct dmg_guest *g = of(bg);

	codec_close(g->codec);
	free(g->cache);
	free(g->chunks);
	free(g);
}

int dmg_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct bp_guest_ops ops = { dmg_extent, dmg_read, dmg_close };
	cleanup(guest_closep) struct bp_guest *guest = NULL;
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct dmg_guest *g;
	uint64_t capacity;

	if (image_head_read(io, buf, &head, err) < 0 || dmg_capacity(&head, &capacity, err) < 0)
		return -1;
	g = mem_alloc(sizeof *g);
	*g = (struct dmg_guest){ .g = { &ops, io, capacity }, .file_size = head.size };
	guest = &g->g;
	if (read_chunks(g, &head, err) < 0)
		return -1;
	*ret = steal(guest);
	return 0;
}

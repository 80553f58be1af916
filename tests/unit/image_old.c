/* image_old.c - images that nothing here makes any more: bochs, cloop and dmg, made by hand and
 * judged by qemu-img convert.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/bytes.h"
#include "core/image/codec.h"
#include "tests/unit/image_agree.h"

/* ---- what all are made of ------------------------------------------------------------ */

static void write_at(struct bp_io *io, const void *p, size_t len, uint64_t at)
{
	struct bp_error err = { 0 };

	if (io_write(io, p, len, at, &err) < 0)
		abort();
}

/* Bytes that differ from sector to sector, and pack well. */
static void pattern(unsigned char *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(i / 512 * 7 + seed + i % 5);
}

static struct bp_io *begin(const char *path)
{
	struct bp_io *io = open_image(path, O_CREAT | O_TRUNC);

	if (!io)
		abort();
	return io;
}

static size_t pack(const void *in, size_t len, unsigned char *out, size_t most)
{
	struct bp_error err = { 0 };
	struct codec *c;
	size_t n;

	if (codec_open(CODEC_ZLIB, &c, &err) < 0)
		abort();
	n = codec_pack(c, 0, in, len, out, most);
	codec_close(c);
	if (!n)
		abort();
	return n;
}

static bool have_zlib(void)
{
	struct bp_error err = { 0 };
	struct codec *c = NULL;
	int r = codec_open(CODEC_ZLIB, &c, &err);

	codec_close(c);
	return r == 0;
}

/* ---- bochs ----------------------------------------------------------------------------- */

enum { EXTENT = 32768, CATALOG_AT = 512, BITMAP = 512 };

/* Extents stand in another order than the guest's; of each some sectors were written. */
static void make_bochs(const char *path, uint32_t version, uint64_t capacity,
		       const uint32_t *catalog, uint32_t n)
{
	cleanup(io_closep) struct bp_io *io = begin(path);
	unsigned char h[512] = "Bochs Virtual HD Image", entry[4], sector[512];
	uint64_t data_at = CATALOG_AT + 4 * (uint64_t)n;

	memcpy(h + 32, "Redolog", 7);
	memcpy(h + 48, "Growing", 7);
	put_le32(h + 64, version);
	put_le32(h + 68, CATALOG_AT);
	put_le32(h + 72, n);
	put_le32(h + 76, EXTENT / 512 / 8);
	put_le32(h + 80, EXTENT);
	put_le64(h + (version == 0x10000 ? 84 : 88), capacity);
	write_at(io, h, sizeof h, 0);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = data_at + (uint64_t)catalog[i] * (BITMAP + EXTENT);
		unsigned char bitmap[BITMAP] = { 0 };

		put_le32(entry, catalog[i]);
		write_at(io, entry, 4, CATALOG_AT + 4 * (uint64_t)i);
		if (catalog[i] == UINT32_MAX)
			continue;
		for (unsigned s = 0; s < EXTENT / 512; s++) {
			pattern(sector, sizeof sector, i * 64 + s);
			if (s % (i + 2) == 0)
				bitmap[s / 8] |= (unsigned char)(1 << s % 8);
			write_at(io, sector, sizeof sector, at + BITMAP + s * UINT64_C(512));
		}
		write_at(io, bitmap, sizeof bitmap, at);
	}
}

TEST(reads_bochs)
{
	static const uint32_t catalog[] = { 2, UINT32_MAX, 0, 1, UINT32_MAX, 3 };
	const uint64_t extent = EXTENT;
	auto_free char *path = here("image");

	NEED_QEMU();
	make_bochs(path, 0x20000, 6 * extent, catalog, 6);
	AGREES("bochs", "version 2", path);
	make_bochs(path, 0x20000, 5 * extent + 1536, catalog, 6);
	AGREES("bochs", "an end within an extent", path);
	make_bochs(path, 0x10000, 6 * extent, catalog, 6);
	AGREES("bochs", "version 1", path);
	make_bochs(path, 0x20000, 3 * extent, catalog, 6);
	AGREES("bochs", "a catalog that is too long", path);
}

/* ---- cloop ------------------------------------------------------------------------------- */

static void make_cloop(const char *path, uint32_t block, uint32_t n)
{
	static const char magic[] = "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r "
				    "-t iso9660 /dev/cloop $1\n";
	cleanup(io_closep) struct bp_io *io = begin(path);
	auto_free unsigned char *data = mem_alloc(block), *packed = mem_alloc(2 * block + 64);
	unsigned char h[136] = { 0 }, number[8];
	uint64_t at = sizeof h + 8 * (uint64_t)(n + 1);

	memcpy(h, magic, sizeof magic - 1);
	put_be32(h + 128, block);
	put_be32(h + 132, n);
	write_at(io, h, sizeof h, 0);
	for (uint32_t i = 0; i <= n; i++) {
		size_t len;

		put_be64(number, at);
		write_at(io, number, 8, sizeof h + 8 * (uint64_t)i);
		if (i == n)
			break;
		pattern(data, block, i * 3);
		if (i % 3 == 1)
			memset(data, 0, block);
		len = pack(data, block, packed, 2 * block + 64);
		write_at(io, packed, len, at);
		at += len;
	}
}

TEST(reads_cloop)
{
	static const struct {
		uint32_t block, n;
	} sizes[] = { { 512, 1 }, { 512, 9000 }, { 65536, 13 }, { 66048, 5 }, { 2 << 20, 3 } };
	auto_free char *path = here("image");

	NEED_QEMU();
	if (!have_zlib())
		SKIP("this build has no zlib");
	for (size_t i = 0; i < array_size(sizes); i++) {
		make_cloop(path, sizes[i].block, sizes[i].n);
		AGREES("cloop", NULL, path);
	}
}

TEST(refuses_a_cloop_that_is_cut_off)
{
	auto_free char *path = here("image"), *raw = here("raw.out"), *why = NULL;

	NEED_QEMU();
	if (!have_zlib())
		SKIP("this build has no zlib");
	make_cloop(path, 65536, 13);
	SAME_N(truncate(path, 700), 0);
	why = read_as("cloop", path, raw);
	CHECK(strcmp(why, "the same") != 0 && *why);
}

/* ---- dmg --------------------------------------------------------------------------------- */

enum { ZERO, RAW, IGNORED, ADC = 0x80000004, ZLIB, BZIP2, LZFSE, LZMA, COMMENT = 0x7ffffffe,
       END = -1 };

struct piece {
	uint32_t type;
	uint32_t sectors;
};

struct dmg {
	struct bp_io *io;
	uint64_t at;			/* in the data fork */
	uint64_t data_at;
	uint64_t sector;
};

static void put_entry(unsigned char *e, uint32_t type, uint64_t sector, uint64_t n, uint64_t at,
		      uint64_t len)
{
	put_be32(e, type);
	put_be64(e + 8, sector);
	put_be64(e + 16, n);
	put_be64(e + 24, at);
	put_be64(e + 32, len);
}

/* A table, of sectors that count from its first; and what they have, into the file. */
static size_t make_table(struct dmg *d, const struct piece *p, unsigned char *table)
{
	uint64_t in = 0, base = d->at;
	size_t n = 0;

	memset(table, 0, 204);
	put_be32(table, 0x6d697368);
	put_be32(table + 4, 1);
	put_be64(table + 8, d->sector);
	put_be64(table + 24, base);
	for (;; p++, n++) {
		size_t len = (size_t)p->sectors * 512;
		auto_free unsigned char *data = mem_alloc(len + 1);
		auto_free unsigned char *packed = mem_alloc(2 * len + 64);
		unsigned char *e = table + 204 + n * 40;

		memset(e, 0, 40);
		pattern(data, len, (unsigned)(d->sector + in));
		if (p->type == ZLIB || p->type > ZLIB)
			len = p->sectors ? pack(data, len, packed, 2 * len + 64) : 0;
		else
			memcpy(packed, data, len);
		if (p->type == ZERO || p->type == IGNORED)
			len = 0;
		put_entry(e, p->type, in, p->sectors, d->at - base, len);
		write_at(d->io, packed, len, d->data_at + d->at);
		d->at += len;
		in += p->sectors;
		if (p->type == (uint32_t)END)
			break;
	}
	put_be64(table + 16, in);
	put_be32(table + 200, (uint32_t)n + 1);
	d->sector += in;
	return 204 + (n + 1) * 40;
}

static void add_base64(struct text *t, const unsigned char *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? p[i + 1] << 8 : 0) |
			     (i + 2 < len ? p[i + 2] : 0);

		text_addf(t, "%s%c%c%c%c", i % 45 ? "" : "\n\t\t", digits[v >> 18],
			  digits[v >> 12 & 63], i + 1 < len ? digits[v >> 6 & 63] : '=',
			  i + 2 < len ? digits[v & 63] : '=');
	}
}

static void end_dmg(struct dmg *d, const void *tables, size_t len, bool fork)
{
	unsigned char koly[512] = "koly";
	uint64_t at = d->data_at + d->at;

	put_be32(koly + 4, 4);
	put_be32(koly + 8, 512);
	put_be64(koly + 24, d->data_at);
	put_be64(koly + 32, d->at);
	put_be64(koly + (fork ? 40 : 216), at);
	put_be64(koly + (fork ? 48 : 224), len);
	put_be64(koly + 492, d->sector);
	write_at(d->io, tables, len, at);
	write_at(d->io, koly, sizeof koly, at + len);
}

/* Several tables, the sectors of each from 0: in a text, or in a resource fork. */
static void make_dmg(const char *path, const struct piece *const *tables, uint64_t data_at,
		     bool fork)
{
	cleanup(io_closep) struct bp_io *io = begin(path);
	static unsigned char table[64 << 10];
	struct dmg d = { .io = io, .data_at = data_at };
	struct text t = { 0 };
	unsigned char number[4], head[16] = { 0 };

	if (fork)
		text_add_n(&t, (const char *)head, sizeof head);
	else
		text_add(&t, "<?xml version=\"1.0\"?>\n<plist><dict><key>blkx</key><array>\n"
			 "<data>bm90IG9uZQ==</data>");
	for (; *tables; tables++) {
		size_t len = make_table(&d, *tables, table);

		put_be32(number, (uint32_t)len);
		if (fork) {
			text_add_n(&t, (const char *)number, 4);
			text_add_n(&t, (const char *)table, len);
			continue;
		}
		text_add(&t, "<dict><data>");
		add_base64(&t, table, len);
		text_add(&t, "\n\t\t</data></dict>\n");
	}
	if (fork) {
		put_be32((unsigned char *)t.s, sizeof head);
		put_be32((unsigned char *)t.s + 8, (uint32_t)(t.len - sizeof head));
	} else {
		text_add(&t, "</array></dict></plist>\n");
	}
	end_dmg(&d, t.s, t.len, fork);
	text_done(&t);
}

static const struct piece plain[] = {
	{ RAW, 1 }, { ZERO, 63 }, { RAW, 512 }, { IGNORED, 9 }, { COMMENT, 0 }, { END, 0 }
}, packed[] = {
	{ ZLIB, 512 }, { ZLIB, 1 }, { ZERO, 3000 }, { ZLIB, 4096 }, { RAW, 17 }, { END, 0 }
}, only_zeros[] = { { ZERO, 1 << 20 }, { END, 0 } };

TEST(reads_dmg)
{
	static const struct piece *const one[] = { plain, NULL },
				 *const all[] = { packed, plain, only_zeros, packed, NULL };
	auto_free char *path = here("image.dmg");

	NEED_QEMU();
	if (!have_zlib())
		SKIP("this build has no zlib");
	for (int fork = 0; fork < 2; fork++) {
		make_dmg(path, one, 0, fork);
		AGREES("dmg", "not compressed", path);
		make_dmg(path, all, 0, fork);
		AGREES("dmg", "several tables", path);
		make_dmg(path, all, 512, fork);
		AGREES("dmg", "data further on", path);
	}
}

/* Nothing of it is read, as part of it could not be. */
TEST(names_the_compression_it_cannot)
{
	static const struct {
		uint32_t type;
		const char *name;
	} others[] = { { ADC, "ADC" }, { BZIP2, "bzip2" }, { LZFSE, "LZFSE" }, { LZMA, "LZMA" } };
	auto_free char *path = here("image.dmg");

	if (!have_zlib())
		SKIP("this build has no zlib");
	for (size_t i = 0; i < array_size(others); i++) {
		const struct piece pieces[] = { { RAW, 1 }, { others[i].type, 8 }, { END, 0 } };
		const struct piece *const tables[] = { plain, pieces, NULL };
		struct bp_error err;

		make_dmg(path, tables, 0, false);
		CHECK(strstr(refusal("dmg", path, &err), others[i].name));
		SAME_N(err.code, BP_UNSUPPORTED);
	}
}

/* A number in the first entry of its only table is another one, or the trailer's is. */
TEST(refuses_a_dmg_that_makes_no_sense)
{
	static const struct {
		const char *why;
		unsigned at, n;
		uint64_t v;
	} bad[] = {
		{ "absurd", 204 + 8, 8, UINT64_MAX },
		{ "absurd", 204 + 16, 8, UINT64_C(1) << 60 },
		{ "absurd", 8, 8, UINT64_C(1) << 60 },
		{ "two chunks", 204 + 40 + 8, 8, 0 },
		{ "not inside the file", 204 + 24, 8, 1 << 30 },
		{ "not inside the file", 204 + 24, 8, UINT64_MAX },
		{ "not inside the file", 24, 8, UINT64_MAX },
		{ "not inside the file", 204 + 32, 8, UINT64_MAX },
		{ "cannot be", 204 + 32, 8, 511 },
		{ "cannot be", 204 + 40 + 16, 8, 100000 },
		{ "more than", 204 + 40 + 16, 8, 1000000 },
	};
	static const struct piece pieces[] = { { RAW, 1 }, { ZLIB, 64 }, { RAW, 64 }, { END, 0 } };
	auto_free char *path = here("image.dmg");
	static unsigned char table[4096];

	if (!have_zlib())
		SKIP("this build has no zlib");
	for (size_t i = 0; i < array_size(bad); i++) {
		cleanup(io_closep) struct bp_io *io = begin(path);
		struct dmg d = { .io = io };
		size_t len = make_table(&d, pieces, table + 20);
		unsigned char *at = table + 20 + bad[i].at;
		struct bp_error err;
		const char *told;

		memset(table, 0, 20);
		put_be32(table, 16);
		put_be32(table + 8, (uint32_t)len + 4);
		put_be32(table + 16, (uint32_t)len);
		put_be64(at, bad[i].v);
		end_dmg(&d, table, len + 20, true);
		told = refusal("dmg", path, &err);
		if (!strstr(told, bad[i].why))
			SAME(told, bad[i].why);
		SAME_N(err.code, BP_CORRUPT);
	}
}

TEST(refuses_tables_of_a_dmg_that_are_not_there)
{
	static const struct {
		const char *why, *tables;
		size_t len;
		bool fork;
	} bad[] = {
		{ "not inside the file", "", 0, false },
		{ "not Base64", "<data>!</data>", 14, false },
		{ "not Base64", "<data>AAAA", 10, false },
		{ "resource fork", "\0\0\0\20\0\0\0\0\377\377\377\377\0\0\0\0", 16, true },
		{ "resource fork", "\377\377\377\377\0\0\0\0\0\0\0\1\0\0\0\0", 16, true },
		{ "resource fork", "\0", 1, true },
		{ "a resource", "\0\0\0\20\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\0", 21, true },
		{ "a resource", "\0\0\0\20\0\0\0\0\0\0\0\5\0\0\0\0\377\377\377\377\0", 21, true },
		{ "a resource", "\0\0\0\20\0\0\0\0\0\0\0\1\0\0\0\0\0", 17, true },
	};
	auto_free char *path = here("image.dmg");

	for (size_t i = 0; i < array_size(bad); i++) {
		cleanup(io_closep) struct bp_io *io = begin(path);
		struct dmg d = { .io = io, .sector = 8 };
		struct bp_error err;
		const char *told;

		end_dmg(&d, bad[i].tables, bad[i].len, bad[i].fork);
		told = refusal("dmg", path, &err);
		if (!strstr(told, bad[i].why))
			SAME(told, bad[i].why);
		SAME_N(err.code, BP_CORRUPT);
	}
}

/* image_hostile.c - images that were made to harm who reads them: a clear refusal, no memory
 * for what is not there, and an end.
 *
 * The recipes are those of the holes that were found in QEMU in 2014: sizes, counts
 * and offsets that nobody had looked at.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/empty.h"
#include "tests/seal_image.h"
#include "tests/unit/image_judge.h"

#define READ (64u << 10)

/* What comes of opening it and reading some of it: "opened", or why not.  The caller
 * frees. */
static char *open_and_read(struct bp_io *io, const char *format)
{
	static unsigned char buf[READ];
	const struct bp_image_format *f = bp_image_known_find(format);
	struct bp_image_facts facts = { 0 };
	struct bp_image_info info = { 0 };
	struct bp_error err = { 0 };
	struct bp_guest *g = NULL;
	uint64_t at = 0;

	if (bp_image_facts(io, f, &facts, &(struct bp_error){ 0 }) == 0)
		bp_image_facts_done(&facts);
	(void)bp_image_describe(io, f, &info, &(struct bp_error){ 0 });
	bp_image_info_done(&info);
	if (f->open(io, &g, &err) < 0)
		return mem_dup(err.text);
	for (int i = 0; i < 20 && at < g->capacity; i++) {
		struct bp_guest_extent e;

		if (guest_extent(g, at, &e, &err) < 0 ||
		    guest_read(g, buf, e.len < READ ? (size_t)e.len : READ, at, &err) < 0)
			break;
		at += e.len;
	}
	guest_close(g);
	return mem_dup(err.code ? err.text : "opened");
}

/* A good one, small, in memory: made here, or put together. */
static struct bp_io *good(const char *format)
{
	const struct bp_image_spec spec = { .capacity = 8 << 20 };
	const struct bp_image_format *f = bp_image_known_find(format);
	struct bp_io *io = io_of_memory(f->create ? 0 : 64 << 10);
	unsigned char h[4096] = { 0 };
	struct bp_error err = { 0 };
	size_t len = sizeof h;

	if (strcmp(format, "qcow") == 0) {
		memcpy(h, "QFI\xfb", 4);
		put_be32(h + 4, 1);
		put_be64(h + 24, 8 << 20);
		h[32] = 12;
		h[33] = 9;
		put_be64(h + 40, 48);
	} else if (strcmp(format, "qed") == 0) {
		memcpy(h, "QED", 4);
		put_le32(h + 4, 4096);
		put_le32(h + 8, 2);
		put_le32(h + 12, 1);
		put_le64(h + 40, 4096);
		put_le64(h + 48, 8 << 20);
	} else if (strcmp(format, "parallels") == 0) {
		memcpy(h, "WithouFreSpacExt", 16);
		put_le32(h + 16, 2);
		put_le32(h + 28, 128);
		put_le32(h + 32, 128);
		put_le64(h + 36, 16384);
	} else if (strcmp(format, "bochs") == 0) {
		memcpy(h, "Bochs Virtual HD Image", 22);
		memcpy(h + 32, "Redolog", 7);
		memcpy(h + 48, "Growing", 7);
		put_le32(h + 64, 0x20000);
		put_le32(h + 68, 512);
		put_le32(h + 72, 4);
		put_le32(h + 76, 64);
		put_le32(h + 80, 32768);
		put_le64(h + 88, 4 * 32768);
		memset(h + 512, 0xff, 16);
	} else if (strcmp(format, "cloop") == 0) {
		static const char magic[] = "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && "
					    "mount -r -t iso9660 /dev/cloop $1\n";

		memcpy(h, magic, sizeof magic - 1);
		put_be32(h + 128, 4096);
		put_be32(h + 132, 1);
		put_be64(h + 136, 152);
		put_be64(h + 144, 160);
	} else if (f->create(io, &spec, &err) < 0) {
		abort();
	} else {
		len = 0;
	}
	if (len && io_write(io, h, len, 0, &err) < 0)
		abort();
	return io;
}

static const struct recipe {
	const char *format, *why;	/* words of the refusal */
	unsigned at, n;
	uint64_t v;			/* as it is written, little-endian or big */
	bool big;
} recipes[] = {
	/* qcow: CVE-2014-0222, -0223 */
	{ "qcow", "tables of 2^255 entries", 33, 1, 255, false },
	{ "qcow", "tables of 2^3 entries", 33, 1, 3, false },
	{ "qcow", "clusters of 2^8 bytes", 32, 1, 8, false },
	{ "qcow", "clusters of 2^40 bytes", 32, 1, 40, false },
	{ "qcow", "absurd", 24, 8, UINT64_MAX, true },
	{ "qcow", "absurd", 24, 8, INT64_MAX, true },
	{ "qcow", "absurd", 24, 8, 1, true },
	{ "qcow", "encryption 2", 36, 4, 2, true },
	{ "qcow", "encrypted", 36, 4, 1, true },
	{ "qcow", "past the end", 40, 8, INT64_MAX, true },
	{ "qcow", "past the end", 48, 8, UINT64_C(1) << 62, true },	/* an L1 entry */
	{ "qcow", "no sector begins", 48, 8, 48, true },	/* a table that leads to itself */
	/* qed */
	{ "qed", "clusters of 4294967295", 4, 4, UINT32_MAX, false },
	{ "qed", "clusters of 3000", 4, 4, 3000, false },
	{ "qed", "tables of 0", 8, 4, 0, false },
	{ "qed", "tables of 32", 8, 4, 32, false },
	{ "qed", "Unsupported QED features: 80", 16, 8, 0x80, false },
	{ "qed", "L1 table", 40, 8, UINT64_C(1) << 62, false },
	{ "qed", "L1 table", 40, 8, 4097, false },
	{ "qed", "absurd", 48, 8, UINT64_MAX & ~UINT64_C(511), false },
	{ "qed", "absurd", 48, 8, UINT64_C(1) << 40, false },
	{ "qed", "past the end", 4096, 8, UINT64_C(1) << 40, false },	/* an L1 entry */
	{ "qed", "start of a cluster", 4096, 8, 4095, false },
	/* parallels: CVE-2014-0142, -0143 */
	{ "parallels", "blocks of 0 sectors", 28, 4, 0, false },
	{ "parallels", "blocks of 4294967295", 28, 4, UINT32_MAX, false },
	{ "parallels", "longer than the file", 32, 4, 0x40000000, false },
	{ "parallels", "absurd", 36, 8, UINT64_MAX, false },
	{ "parallels", "past the end", 64, 4, UINT32_MAX, false },
	/* bochs: CVE-2014-0142, -0147 */
	{ "bochs", "catalog", 72, 4, UINT32_MAX, false },
	{ "bochs", "catalog", 72, 4, 0, false },
	{ "bochs", "extents of 0", 80, 4, 0, false },
	{ "bochs", "extents of 513", 80, 4, 513, false },
	{ "bochs", "extents of 4294966784", 80, 4, 0xfffffe00, false },
	{ "bochs", "bitmaps", 80, 4, 0x800000, false },
	{ "bochs", "catalog", 88, 8, UINT64_MAX, false },
	{ "bochs", "longer than the file", 68, 4, UINT32_MAX, false },
	{ "bochs", "past the end", 512, 4, 0x7fffffff, false },
	/* cloop: CVE-2014-0144 */
	{ "cloop", "blocks of 0", 128, 4, 0, true },
	{ "cloop", "blocks of 513", 128, 4, 513, true },
	{ "cloop", "blocks of 4294966784", 128, 4, 0xfffffe00, true },
	{ "cloop", "more than there can be", 132, 4, UINT32_MAX, true },
	{ "cloop", "longer than the file", 132, 4, 0x100000, true },
	{ "cloop", "begins at", 144, 8, 0, true },
	{ "cloop", "begins at", 144, 8, UINT64_MAX, true },
	{ "cloop", "begins at", 136, 8, UINT64_MAX, true },
	{ "cloop", "block 0: ", 152, 8, 0, true },
	/* vdi: CVE-2014-0144 */
	{ "vdi", "map", 340, 4, 0xfffffe00, false },
	{ "vdi", "start of sectors", 340, 4, 513, false },
	{ "vdi", "sectors of 1", 360, 4, 1, false },
	{ "vdi", "blocks for", 368, 8, UINT64_C(1) << 40, false },
	{ "vdi", "blocks of 0", 376, 4, 0, false },
	{ "vdi", "blocks of 4096", 376, 4, 4096, false },
	{ "vdi", "blocks for", 384, 4, 0, false },
	{ "vdi", "blocks for", 384, 4, UINT32_MAX, false },
	{ "vdi", "not inside the file", 384, 4, 0x1fffff00, false },
	{ "vdi", "differences", 424, 4, 1, false },
	{ "vdi", "differences", 440, 4, 1, false },
	{ "vdi", "past the end", 512, 4, 0x7fffffff, false },
	/* vpc: CVE-2014-0142, -0144, -0145 */
	{ "vpc", "differences", 60, 4, 4, true },
	{ "vpc", "fixed size", 60, 4, 2, true },
	{ "vpc", "no VHD header", 16, 8, 0, true },
	{ "vpc", "past the end", 16, 8, UINT64_MAX, true },
	{ "vpc", "blocks of 0", 512 + 32, 4, 0, true },
	{ "vpc", "blocks of 513", 512 + 32, 4, 513, true },
	{ "vpc", "0 blocks of", 512 + 28, 4, 0, true },
	{ "vpc", "not inside the file", 512 + 28, 4, UINT32_MAX, true },
	{ "vpc", "not inside the file", 512 + 16, 8, UINT64_MAX, true },
	{ "vpc", "past the end", 1536, 4, 0x7fffffff, true },
	/* vmdk: CVE-2014-0144 */
	{ "vmdk", "tables of 1024", 44, 4, 1024, false },
	{ "vmdk", "tables of 0", 44, 4, 0, false },
	{ "vmdk", "grains of 0", 20, 8, 0, false },
	{ "vmdk", "grains of 9223372036854775807", 20, 8, INT64_MAX, false },
	{ "vmdk", "absurd", 12, 8, UINT64_MAX, false },
	{ "vmdk", "cut off", 64, 8, UINT64_C(1) << 40, false },
	{ "vmdk", "past the end", 56, 8, UINT64_C(1) << 40, false },
	{ "vmdk", "no footer", 56, 8, UINT64_MAX, false },
	{ "vmdk", "Unsupported VMDK version 9", 4, 4, 9, false },
};

static void poke(struct bp_io *io, const struct recipe *r)
{
	unsigned char bytes[8];
	struct bp_error err = { 0 };

	for (unsigned i = 0; i < r->n; i++)
		bytes[i] = (unsigned char)(r->v >> 8 * (r->big ? r->n - 1 - i : i));
	if (io_write(io, bytes, r->n, r->at, &err) < 0)
		abort();
}

/* Its footer, by itself. */
static void seal(struct bp_io *io, const char *format)
{
	unsigned char f[VPC_FOOTER];
	struct bp_error err = { 0 };

	if (strcmp(format, "vpc") != 0 || io_read(io, f, sizeof f, 0, &err) < 0)
		return;
	seal_image(format, f, sizeof f);
	if (io_write(io, f, sizeof f, 0, &err) < 0)
		abort();
}

TEST(what_lies_is_refused)
{
	for (size_t i = 0; i < array_size(recipes); i++) {
		const struct recipe *r = &recipes[i];
		struct bp_io *io = good(r->format);
		auto_free char *sound = open_and_read(io, r->format), *why = NULL;

		poke(io, r);
		seal(io, r->format);
		why = open_and_read(io, r->format);
		io_close(io);
		if (strcmp(r->format, "cloop") != 0)
			SAME(sound, "opened");
		if (!strstr(why, r->why))
			SAME(why, r->why);
	}
}

static const char *const formats[] = { "qcow", "qed", "parallels", "bochs", "cloop", "vdi", "vpc",
				       "vmdk" };

TEST(any_bytes_come_to_an_end)
{
	const uint32_t starts[] = { 0, 0, 512, 64, 1536 };
	uint32_t seed = 7;

	for (size_t k = 0; k < array_size(formats) * 40; k++) {
		const char *format = formats[k % array_size(formats)];
		struct bp_io *io = good(format);
		struct bp_error err = { 0 };

		for (uint32_t i = next(&seed) % 6; i < 6; i++) {
			const unsigned char odd[] = { 0, 1, 0x7f, 0x80, 0xff, (unsigned char)i };
			uint32_t at = starts[next(&seed) % array_size(starts)] +
				      next(&seed) % 160;

			(void)io_write(io, &odd[next(&seed) % sizeof odd], 1, at, &err);
		}
		seal(io, format);
		free(open_and_read(io, format));
		io_close(io);
	}
}

TEST(what_is_cut_off_is_told)
{
	for (size_t k = 0; k < array_size(formats); k++)
		for (size_t len = 0; len < 1600; len += 37) {
			struct bp_io *io = good(formats[k]);
			struct bp_error err = { 0 };
			auto_free char *why = NULL;

			CHECK(io_resize(io, len, &err) == 0);
			why = open_and_read(io, formats[k]);
			io_close(io);
			CHECK(*why);
			if (len && len < 64 && strcmp(formats[k], "cloop") != 0 &&
			    strcmp(formats[k], "vpc") != 0)
				CHECK(strstr(why, "cut off"));
		}
}

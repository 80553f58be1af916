/* image_guest.c - what a guest sees of qcow2 images that QEMU does not write. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/codec.h"
#include "core/image/qcow2.h"
#include "tests/tap.h"
#include "tests/unit/image_judge.h"

enum { CLUSTER = 64 << 10, L1_AT = 3 * CLUSTER, L2_AT = 4 * CLUSTER, DATA_AT = 5 * CLUSTER };

/* ---- codecs ------------------------------------------------------------------------------ */

/* Frames of zstd and blocks of deflate that hold len bytes as they are. */
static size_t zstd_frame(unsigned char *p, unsigned char byte, unsigned char len)
{
	const unsigned char head[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, len,
				       (unsigned char)(len << 3 | 1), len >> 5, 0 };

	memcpy(p, head, sizeof head);
	memset(p + sizeof head, byte, len);
	return sizeof head + len;
}

static size_t deflate_block(unsigned char *p, unsigned char byte, unsigned char len, bool last)
{
	const unsigned char head[] = { last, len, 0, (unsigned char)~len, 0xff };

	memcpy(p, head, sizeof head);
	memset(p + sizeof head, byte, len);
	return sizeof head + len;
}

static enum bp_code unpack(enum codec_kind kind, const void *in, size_t len, void *out,
			   size_t out_len)
{
	cleanup(codec_closep) struct codec *c = NULL;
	struct bp_error err = { 0 };

	if (codec_open(kind, &c, &err) == 0)
		(void)codec_unpack(c, in, len, out, out_len, &err);
	return err.code;
}

static bool known(enum codec_kind kind)
{
	cleanup(codec_closep) struct codec *c = NULL;
	struct bp_error err = { 0 };

	return codec_open(kind, &c, &err) == 0;
}

TEST(a_cluster_may_be_several_frames_of_zstd)
{
	unsigned char in[700] = { 0 }, out[300];
	size_t len = zstd_frame(in, 'a', 200);

	if (!known(CODEC_ZSTD))
		SKIP("this build has no libzstd");
	len += zstd_frame(in + len, 'b', 100);
	SAME_N(unpack(CODEC_ZSTD, in, sizeof in, out, sizeof out), BP_OK);
	CHECK(out[0] == 'a' && out[199] == 'a' && out[200] == 'b' && out[299] == 'b');
	SAME_N(unpack(CODEC_ZSTD, in, len - 1, out, sizeof out), BP_CORRUPT);
	SAME_N(unpack(CODEC_ZSTD, in, sizeof in, out, 250), BP_CORRUPT);
	SAME_N(unpack(CODEC_ZSTD, in, len, out, 199), BP_CORRUPT);
	SAME_N(unpack(CODEC_ZSTD, "garbage", 7, out, sizeof out), BP_CORRUPT);
}

TEST(a_stream_of_deflate_may_go_on_past_the_cluster)
{
	unsigned char in[400], out[200];
	size_t len = deflate_block(in, 'a', 120, false);

	len += deflate_block(in + len, 'b', 80, false);
	len += deflate_block(in + len, 'c', 10, true);
	if (!known(CODEC_DEFLATE))
		SKIP("this build has neither libdeflate nor zlib");
	SAME_N(unpack(CODEC_DEFLATE, in, len, out, sizeof out), BP_OK);
	CHECK(out[119] == 'a' && out[120] == 'b' && out[199] == 'b');
	SAME_N(unpack(CODEC_DEFLATE, in, 150, out, sizeof out), BP_CORRUPT);
	len = deflate_block(in, 'a', 199, true);
	SAME_N(unpack(CODEC_DEFLATE, in, len, out, sizeof out), BP_CORRUPT);
	SAME_N(unpack(CODEC_DEFLATE, in, len, out, 199), BP_OK);
	memset(in, 0xff, sizeof in);
	SAME_N(unpack(CODEC_DEFLATE, in, sizeof in, out, sizeof out), BP_CORRUPT);
}

TEST(a_stream_of_zlib_is_all_of_a_block_and_has_its_checksum)
{
	unsigned char in[400] = { 0x78, 0x01 }, out[200];
	uint32_t a = 1, b = 0;
	size_t len = 2;

	len += deflate_block(in + len, 'a', 120, false);
	len += deflate_block(in + len, 'b', 80, true);
	for (size_t i = 0; i < sizeof out; i++) {
		a = (a + (i < 120 ? 'a' : 'b')) % 65521;
		b = (b + a) % 65521;
	}
	put_be32(in + len, b << 16 | a);
	len += 4;
	if (!known(CODEC_ZLIB))
		SKIP("this build has neither libdeflate nor zlib");
	SAME_N(unpack(CODEC_ZLIB, in, len, out, sizeof out), BP_OK);
	CHECK(out[119] == 'a' && out[120] == 'b' && out[199] == 'b');
	SAME_N(unpack(CODEC_ZLIB, in, len + 20, out, sizeof out), BP_OK);
	SAME_N(unpack(CODEC_ZLIB, in, len - 1, out, sizeof out), BP_CORRUPT);
	SAME_N(unpack(CODEC_ZLIB, in, len, out, 199), BP_CORRUPT);
	SAME_N(unpack(CODEC_ZLIB, in, len, out, 120), BP_CORRUPT);
	in[len - 1] ^= 1;
	SAME_N(unpack(CODEC_ZLIB, in, len, out, sizeof out), BP_CORRUPT);
}

/* ---- images ------------------------------------------------------------------------------ */

struct image {
	struct bp_io *io;
	struct bp_guest *g;
};

static void image_done(struct image *i)
{
	guest_close(i->g);
	io_close(i->io);
}

static void put(struct bp_io *io, uint64_t at, uint64_t value, unsigned bytes)
{
	unsigned char buf[8];
	struct bp_error err = { 0 };

	put_be64(buf, value);
	CHECK(io_write(io, buf + 8 - bytes, bytes, at, &err) == 0);
}

/* An image of 1 MiB, with an L2 table and a cluster of data at the end of the file. */
static struct bp_io *image(void)
{
	const struct bp_image_spec spec = { .capacity = 1 << 20 };
	struct bp_io *io = io_of_memory(0);
	struct bp_error err = { 0 };

	if (image_qcow2.create(io, &spec, &err) < 0 || io_resize(io, DATA_AT + 700, &err) < 0)
		abort();
	put(io, L1_AT, L2_AT | QCOW2_COPIED, 8);
	put(io, L2_AT, DATA_AT | QCOW2_COPIED, 8);
	put(io, DATA_AT, 0x11, 1);
	put(io, DATA_AT + 699, 0x22, 1);
	return io;
}

static char *open_says(struct bp_io *io)
{
	struct bp_guest *g = NULL;
	struct bp_error err = { 0 };

	(void)image_qcow2.open(io, &g, &err);
	guest_close(g);
	return mem_dup(g ? "" : err.text);
}

static const struct header {
	const char *name;
	uint64_t at, value;
	unsigned bytes;
	const char *says;		/* a part of it; "": can be read */
} headers[] = {
	{ "as it is", 0, 0x514649fb, 4, "" },
	{ "dirty", 72, QCOW2_DIRTY, 8, "" },
	{ "corrupt", 72, QCOW2_CORRUPT, 8, "" },
	{ "unknown feature", 72, UINT64_C(1) << 60, 8, "not known here (incompatible bits 0x1" },
	{ "data file", 72, QCOW2_DATA_FILE, 8, "is in another file" },
	{ "AES", 32, 1, 4, "is encrypted" },
	{ "LUKS", 32, 2, 4, "is encrypted" },
	{ "zstd without its feature", 104, QCOW2_ZSTD, 1, "feature bit must be set" },
	{ "feature without zstd", 72, QCOW2_COMPRESSION, 8, "feature bit must not be set" },
	{ "an L1 table too short", 36, 0, 4, "has 0 entries" },
	{ "an L1 table past the end", 40, 1 << 30, 8, "is not inside the file" },
	{ "an L1 table within a cluster", 40, L1_AT + 512, 8, "not at the start of a cluster" },
};

TEST(what_cannot_be_read_is_refused)
{
	for (size_t i = 0; i < array_size(headers); i++) {
		const struct header *h = &headers[i];
		struct bp_io *io = image();
		auto_free char *says = NULL;

		put(io, h->at, h->value, h->bytes);
		says = open_says(io);
		if (*h->says ? !strstr(says, h->says) : *says)
			SAME(says, h->says);
		io_close(io);
	}
}

static const struct entry {
	const char *name;
	uint64_t at, value;
	const char *says;		/* "": can be read */
} entries[] = {
	{ "bits that mean nothing", L2_AT, UINT64_C(0x3f000000000001fe) | DATA_AT, "" },
	{ "bits that mean nothing in L1", L1_AT, UINT64_C(0x7f000000000001ff) | L2_AT, "" },
	{ "L2 past the end", L1_AT, 1 << 30, "is not inside the file" },
	{ "L2 within a cluster", L1_AT, L2_AT + 512, "begins within a cluster" },
	{ "data within a cluster", L2_AT, DATA_AT + 512, "begins inside another" },
	{ "nothing compressed", L2_AT, UINT64_C(1) << 62 | DATA_AT, "compressed with deflate are" },
	{ "compressed past the end", L2_AT, UINT64_C(1) << 62 | 1 << 30, "are not" },
};

TEST(a_tree_that_leads_nowhere_is_told_where_it_is_read)
{
	for (size_t i = 0; i < array_size(entries); i++) {
		const struct entry *e = &entries[i];
		cleanup(image_done) struct image m = { .io = image() };
		struct bp_error err = { 0 };
		unsigned char buf[1024];

		put(m.io, e->at, e->value, 8);
		CHECK(image_qcow2.open(m.io, &m.g, &err) == 0);
		(void)guest_read(m.g, buf, sizeof buf, 0, &err);
		if (*e->says ? !strstr(err.text, e->says) : err.code)
			SAME(err.text, e->says);
	}
}

TEST(a_file_that_ends_within_a_cluster_goes_on_with_zeros)
{
	cleanup(image_done) struct image m = { .io = image() };
	unsigned char buf[CLUSTER + 8];
	struct bp_guest_extent e;
	struct bp_error err = { 0 };

	put(m.io, L2_AT + 8, 1 << 30, 8);	/* data that was never written */
	CHECK(image_qcow2.open(m.io, &m.g, &err) == 0);
	memset(buf, 0x55, sizeof buf);
	CHECK(guest_read(m.g, buf, sizeof buf, 0, &err) == 0);
	CHECK(buf[0] == 0x11 && buf[699] == 0x22 && is_zero(buf + 700, sizeof buf - 700));
	CHECK(guest_extent(m.g, 100, &e, &err) == 0);
	CHECK(e.kind == BP_GUEST_DATA && e.at == 100 && e.len == CLUSTER - 100 &&
	      e.file_at == DATA_AT + 100);
	CHECK(guest_extent(m.g, 2 * CLUSTER + 5, &e, &err) == 0);
	CHECK(e.kind == BP_GUEST_HOLE && e.len == (1 << 20) - 2 * CLUSTER - 5);
}

TEST(what_is_wrong_further_on_is_told_there)
{
	cleanup(image_done) struct image m = { .io = image() };
	struct bp_guest_extent e;
	struct bp_error err = { 0 };

	put(m.io, L2_AT + 8, (DATA_AT + CLUSTER) | 512, 8);
	CHECK(image_qcow2.open(m.io, &m.g, &err) == 0);
	CHECK(guest_extent(m.g, 0, &e, &err) == 0 && e.len == CLUSTER);
	CHECK(guest_extent(m.g, e.len, &e, &err) < 0);
	SAME_N(err.code, BP_CORRUPT);
}

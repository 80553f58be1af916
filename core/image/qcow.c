/* qcow.c - the first version of qcow: two levels of tables, and compressed clusters. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/image/blocks.h"

enum {
	HEADER = 48,
	CAPACITY_AT = 24,
	AES = 1,
};

#define COMPRESSED (UINT64_C(1) << 63)

struct qcow {
	unsigned cluster_bits, l2_bits;
	uint32_t encryption;
	uint64_t capacity, l1_at;
};

static int qcow_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		      struct bp_error *err)
{
	uint64_t at = be64_at(head->first, 8);

	if (!bytes_has(head->first, 0, HEADER))
		return bp_fail(err, BP_CORRUPT, "the qcow header is cut off after %zu bytes",
			       head->first.len);
	if (be32_at(head->first, 36) == AES)
		ret->encryption = "qcow";
	if (!at)
		return 0;
	return image_name(head, "backing file", at, be32_at(head->first, 16), IMAGE_NAME_MAX,
			  &ret->backing, err);
}

/* As many as lead to the whole capacity. */
static uint64_t l1_entries(const struct qcow *q)
{
	uint64_t behind = UINT64_C(1) << (q->cluster_bits + q->l2_bits);

	return q->capacity / behind + !!(q->capacity % behind);
}

static int check(const struct qcow *q, const struct bp_image_head *head, struct bp_error *err)
{
	if (q->cluster_bits < 9 || q->cluster_bits > 16 || q->l2_bits < 6 || q->l2_bits > 13)
		return bp_fail(err, BP_CORRUPT, "the qcow header asks for clusters of 2^%u bytes, "
			       "and tables of 2^%u entries", q->cluster_bits, q->l2_bits);
	if (q->encryption > AES)
		return bp_fail(err, BP_CORRUPT, "the qcow header tells of encryption %" PRIu32,
			       q->encryption);
	if (q->capacity < 2 || q->capacity > INT64_MAX || l1_entries(q) > INT32_MAX / 8)
		return bp_fail(err, BP_CORRUPT, "the capacity in the qcow header, %" PRIu64
			       " bytes, is absurd", q->capacity);
	if (q->l1_at > head->size)
		return bp_fail(err, BP_CORRUPT, "the L1 table of the qcow image is at %" PRIu64
			       ", past the end of the file", q->l1_at);
	return 0;
}

static int read_header(const struct bp_image_head *head, struct qcow *ret, struct bp_error *err)
{
	struct bytes b = head->first;
	struct qcow q = {
		.capacity     = be64_at(b, CAPACITY_AT),
		.cluster_bits = (unsigned)be_at(b, 32, 1),
		.l2_bits      = (unsigned)be_at(b, 33, 1),
		.encryption   = be32_at(b, 36),
		.l1_at	      = be64_at(b, 40),
	};

	if (!bytes_has(b, 0, HEADER))
		return bp_fail(err, BP_CORRUPT, "the qcow header is cut off after %zu bytes",
			       b.len);
	if (check(&q, head, err) < 0)
		return -1;
	q.capacity &= ~(uint64_t)(IMAGE_SECTOR - 1);
	*ret = q;
	return 0;
}

static int qcow_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	(void)trailer;
	(void)err;
	return bytes_has(head->first, 0, 8) && memcmp(head->first.p, "QFI\xfb", 4) == 0 &&
	       be32_at(head->first, 4) == 1;
}

static int qcow_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		      struct bp_error *err)
{
	struct qcow q = { 0 };

	if (read_header(head, &q, err) < 0)
		return -1;
	ret->capacity = q.capacity;
	ret->cluster_size = UINT64_C(1) << q.cluster_bits;
	ret->encrypted = q.encryption;
	return 0;
}

/* ---- what its guest sees --------------------------------------------------------- */

struct qcow_guest {
	struct blocks b;
	struct qcow q;
	struct window l1, l2;
};

/* What is compressed says how many bytes it has, above where they begin. */
static void take_entry(const struct qcow *q, uint64_t entry, struct block_place *ret)
{
	unsigned bits = 63 - q->cluster_bits;

	if (!entry)
		return;
	if (entry & COMPRESSED) {
		ret->kind = BP_GUEST_COMPRESSED;
		ret->at = entry & ((UINT64_C(1) << bits) - 1);
		ret->len = entry >> bits & ((UINT64_C(1) << q->cluster_bits) - 1);
	} else {
		ret->kind = BP_GUEST_DATA;
		ret->at = entry;
	}
}

static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct qcow_guest *g = (struct qcow_guest *)b;
	uint64_t table, entry, in = block & ((UINT64_C(1) << g->q.l2_bits) - 1);

	if (window_number(&g->l1, g->q.l1_at + (block >> g->q.l2_bits) * 8, 8, false, &table,
			  err) < 0)
		return -1;
	if (!table)
		return 0;
	if (table > b->file_size)
		return bp_fail(err, BP_CORRUPT, "an L2 table of the qcow image is at %" PRIu64
			       ", past the end of the file", table);
	if (window_number(&g->l2, table + in * 8, 8, false, &entry, err) < 0)
		return -1;
	take_entry(&g->q, entry, ret);
	if (ret->kind == BP_GUEST_DATA && ret->at % IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "a cluster of the qcow image is at %" PRIu64
			       ", where no sector begins", ret->at);
	return 0;
}

/* A stream has a whole cluster, also the last. */
static int unpack(struct blocks *b, const struct block_place *place, unsigned char *buf, size_t len,
		  struct bp_error *err)
{
	(void)len;
	return blocks_inflate(b, CODEC_DEFLATE, place->at, place->len, buf, (size_t)b->block_size,
			      err);
}

static void qcow_done(struct blocks *b)
{
	struct qcow_guest *g = (struct qcow_guest *)b;

	window_done(&g->l1);
	window_done(&g->l2);
}

static int qcow_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, unpack, qcow_done };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct qcow q = { 0 };
	struct qcow_guest *g;

	if (image_head_read(io, buf, &head, err) < 0 || read_header(&head, &q, err) < 0)
		return -1;
	if (q.encryption)
		return bp_fail(err, BP_UNSUPPORTED, "the qcow image is encrypted");
	g = blocks_new(sizeof *g, &ops, io, head.size, q.capacity, UINT64_C(1) << q.cluster_bits);
	g->q = q;
	window_init(&g->l1, io, head.size);
	window_init(&g->l2, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_qcow = {
	.name	= "qcow",
	.sign	= { .magic = "QFI", .len = 3,
		    .version_at = 4, .version_size = 4, .version_min = 1, .version_max = 1,
		    .capacity_at = CAPACITY_AT, .capacity_unit = 1 },
	.seen	= qcow_seen,
	.probe	= qcow_probe,
	.facts	= qcow_facts,
	.open	= qcow_open,
};

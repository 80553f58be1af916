/* qed.c - QEMU's enhanced disk format: qcow2 without refcounts. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/image/blocks.h"
#include "core/image/qed.h"

#define FEATURES_KNOWN (QED_HAS_BACKING | QED_NEED_CHECK | QED_BACKING_IS_RAW)
#define MIN_CLUSTER (4u << 10)
#define MAX_CLUSTER (64u << 20)
#define MAX_TABLE   16u			/* clusters */

static int qed_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		     struct bp_error *err)
{
	uint64_t features = le64_at(head->first, QED_FEATURES_AT);

	if (!bytes_has(head->first, 0, QED_HEADER))
		return bp_fail(err, BP_CORRUPT, "the qed header is cut off after %zu bytes",
			       head->first.len);
	if (!(features & QED_HAS_BACKING))
		return 0;
	if (image_name(head, "backing file", le32_at(head->first, 56), le32_at(head->first, 60),
		       IMAGE_NAME_MAX, &ret->backing, err) < 0)
		return -1;
	if (features & QED_BACKING_IS_RAW)
		ret->backing_format = mem_dup("raw");
	return 0;
}

static bool is_power(uint64_t v, uint64_t min, uint64_t max)
{
	return v >= min && v <= max && !(v & (v - 1));
}

/* False: more than two levels of tables hold, or no whole sectors. */
static bool fits(const struct qed *q)
{
	uint64_t most;

	if (q->capacity % IMAGE_SECTOR || q->capacity > INT64_MAX)
		return false;
	return __builtin_mul_overflow(q->entries * q->entries, q->cluster, &most) ||
	       q->capacity <= most;
}

int qed_header_read(const struct bp_image_head *head, struct qed *ret, struct bp_error *err)
{
	struct bytes b = head->first;
	uint32_t table = le32_at(b, 8);
	struct qed q = {
		.cluster  = le32_at(b, 4),
		.features = le64_at(b, QED_FEATURES_AT),
		.table	  = table,
		.header	  = le32_at(b, 12),
		.l1_at	  = le64_at(b, 40),
		.capacity = le64_at(b, QED_CAPACITY_AT),
	};

	if (!bytes_has(b, 0, QED_HEADER))
		return bp_fail(err, BP_CORRUPT, "the qed header is cut off after %zu bytes", b.len);
	if (q.features & ~(uint64_t)FEATURES_KNOWN)
		return bp_fail(err, BP_UNSUPPORTED, "Unsupported QED features: %" PRIx64,
			       q.features & ~(uint64_t)FEATURES_KNOWN);
	if (!is_power(q.cluster, MIN_CLUSTER, MAX_CLUSTER) || !is_power(table, 1, MAX_TABLE))
		return bp_fail(err, BP_CORRUPT, "the qed header asks for clusters of %" PRIu64
			       " bytes, and tables of %" PRIu32, q.cluster, table);
	q.entries = q.cluster * table / 8;
	if (!fits(&q))
		return bp_fail(err, BP_CORRUPT, "the capacity in the qed header, %" PRIu64
			       " bytes, is absurd", q.capacity);
	if (q.l1_at % q.cluster || !q.l1_at || q.l1_at > head->size)
		return bp_fail(err, BP_CORRUPT, "the L1 table of the qed image is at %" PRIu64
			       ", where none can be", q.l1_at);
	*ret = q;
	return 0;
}

static int qed_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	(void)trailer;
	(void)err;
	return bytes_has(head->first, 0, 4) && memcmp(head->first.p, "QED", 4) == 0;
}

static int qed_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		     struct bp_error *err)
{
	struct qed q;

	if (qed_header_read(head, &q, err) < 0)
		return -1;
	ret->capacity = q.capacity;
	ret->cluster_size = q.cluster;
	ret->dirty = q.features & QED_NEED_CHECK;
	return 0;
}

/* ---- what its guest sees --------------------------------------------------------- */

struct qed_guest {
	struct blocks b;
	struct qed q;
	struct window l1, l2;
};

/* 0: it leads nowhere. */
static int check_target(const struct qed_guest *g, uint64_t at, struct bp_error *err)
{
	if (at % g->q.cluster)
		return bp_fail(err, BP_CORRUPT, "a table of the qed image leads to %" PRIu64
			       ", not to the start of a cluster", at);
	return 0;
}

static int find(struct blocks *b, uint64_t block, struct block_place *ret, struct bp_error *err)
{
	struct qed_guest *g = (struct qed_guest *)b;
	uint64_t table, at, i = block / g->q.entries, k = block % g->q.entries;

	if (window_number(&g->l1, g->q.l1_at + i * 8, 8, true, &table, err) < 0 ||
	    check_target(g, table, err) < 0)
		return -1;
	if (!table)
		return 0;
	if (table > b->file_size)
		return bp_fail(err, BP_CORRUPT, "an L2 table of the qed image is at %" PRIu64
			       ", past the end of the file", table);
	if (window_number(&g->l2, table + k * 8, 8, true, &at, err) < 0)
		return -1;
	if (at == QED_ZERO_CLUSTER) {
		ret->kind = BP_GUEST_ZERO;
	} else if (at) {
		ret->kind = BP_GUEST_DATA;
		ret->at = at;
		return check_target(g, at, err);
	}
	return 0;
}

static void qed_done(struct blocks *b)
{
	struct qed_guest *g = (struct qed_guest *)b;

	window_done(&g->l1);
	window_done(&g->l2);
}

static int qed_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	static const struct blocks_ops ops = { find, NULL, qed_done };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct qed_guest *g;
	struct qed q;

	if (image_head_read(io, buf, &head, err) < 0 || qed_header_read(&head, &q, err) < 0)
		return -1;
	g = blocks_new(sizeof *g, &ops, io, head.size, q.capacity, q.cluster);
	g->q = q;
	window_init(&g->l1, io, head.size);
	window_init(&g->l2, io, head.size);
	*ret = &g->b.guest;
	return 0;
}

const struct bp_image_format image_qed = {
	.name	= "qed",
	.sign	= { .magic = "QED", .len = 3, .little = true,
		    .capacity_at = QED_CAPACITY_AT, .capacity_unit = 1 },
	.seen	= qed_seen,
	.probe	= qed_probe,
	.facts	= qed_facts,
	.open	= qed_open,
	.check	= qed_check,
	.repairs = true,
};

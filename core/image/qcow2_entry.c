/* qcow2_entry.c - what the entries of L1 and L2 tables say. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

#define ENTRY_OFFSET	UINT64_C(0x00fffffffffffe00)
#define ENTRY_PACKED	(UINT64_C(1) << 62)
#define ENTRY_RESERVED	UINT64_C(0x3f000000000001fe)

/* Compressed bytes begin anywhere, and are counted in sectors after the first.  parts: the second
 * word of an extended entry. */
static struct qcow2_entry packed(const struct qcow2_header *h, uint64_t entry, uint64_t parts)
{
	unsigned bits = 62 - (h->cluster_bits - 8);
	uint64_t sectors = entry >> bits & ((UINT64_C(1) << (h->cluster_bits - 8)) - 1);
	struct qcow2_entry e = { .kind = QCOW2_COMPRESSED };

	e.at = entry & ((UINT64_C(1) << bits) - 1);
	e.len = (sectors + 1) * 512 - e.at % 512;
	e.copied = entry & QCOW2_COPIED;
	if (e.at >= QCOW2_MAX_OFFSET) {
		e.wrong = "a compressed cluster is too far away";
	} else if (e.copied) {
		e.wrong = "a compressed cluster is marked as nobody else's";
		e.harmless = true;
	} else if (parts) {
		e.wrong = "parts of a compressed cluster are marked";
		e.harmless = true;
	}
	return e;
}

/* The second word of an extended entry: bits of parts that are there, and of zeros. */
static const char *parts_wrong(uint64_t word, bool kept)
{
	uint32_t there = (uint32_t)word, zero = (uint32_t)(word >> 32);

	if (there & zero)
		return "parts of a cluster are there and zero at once";
	if (there && !kept)
		return "parts of a cluster are there, but the cluster is not";
	return NULL;
}

struct qcow2_entry qcow2_entry_slow(const struct qcow2_header *h, struct bytes table, uint64_t i)
{
	bool extended = h->incompatible & QCOW2_EXTENDED_L2;
	uint64_t entry = be64_at(table, i * qcow2_entry_size(h));
	uint64_t parts = extended ? be64_at(table, i * 16 + 8) : 0;
	struct qcow2_entry e = { .at = entry & ENTRY_OFFSET, .len = qcow2_cluster_size(h) };
	bool zero = entry & QCOW2_ENTRY_ZERO && !extended, kept;

	if (entry & ENTRY_PACKED)
		return packed(h, entry, parts);
	/* in a file of its own the guest's bytes may begin at the start */
	kept = e.at || (h->incompatible & QCOW2_DATA_FILE && entry & QCOW2_COPIED);
	e.copied = entry & QCOW2_COPIED;
	if (kept)
		e.kind = zero ? QCOW2_ZERO_KEPT : QCOW2_DATA;
	else
		e.kind = zero ? QCOW2_ZERO : QCOW2_HOLE;
	if (zero && h->version < 3)
		e.wrong = "a cluster is marked as zero, which version 2 does not know";
	else if (kept && e.at & (qcow2_cluster_size(h) - 1))
		e.wrong = "a cluster begins inside another";
	else if (extended)
		e.wrong = parts_wrong(parts, kept);
	e.spare = kept && e.at & (qcow2_cluster_size(h) - 1) &&
		  (extended ? !(uint32_t)parts : zero && h->version >= 3);
	if (!e.wrong && entry & (ENTRY_RESERVED | (extended ? QCOW2_ENTRY_ZERO : 0))) {
		e.wrong = "bits are set that mean nothing";
		e.harmless = true;
	}
	return e;
}

/* Four at a time. */
uint64_t qcow2_entry_run(const struct qcow2_header *h, uint64_t odd, struct bytes table,
			 uint64_t i)
{
	uint64_t size = qcow2_cluster_size(h), n = 1, most, entry, differ = 0;

	if (odd == UINT64_MAX)
		return 0;
	entry = be64_at(table, i * 8);
	most = table.len / 8 - i;
	if (entry & odd || !(entry & ~QCOW2_COPIED))
		return 0;
	if ((entry + (most - 1) * size) & odd)
		return 1;
	for (; n + 4 <= most && !differ; n += 4)
		for (uint64_t j = n; j < n + 4; j++)
			differ |= be64_at(table, (i + j) * 8) ^ (entry + j * size);
	if (differ)
		n -= 4;
	while (n < most && be64_at(table, (i + n) * 8) == entry + n * size)
		n++;
	return n;
}

int qcow2_read_entries(struct bp_io *io, uint64_t at, uint64_t n, uint64_t **ret,
		       struct bp_error *err)
{
	uint64_t *entries = mem_resize(NULL, n ? n : 1, sizeof *entries);

	if (n && io_read(io, entries, n * sizeof *entries, at, err) < 0) {
		free(entries);
		return -1;
	}
	for (uint64_t i = 0; i < n; i++)
		entries[i] = be64toh(entries[i]);
	*ret = entries;
	return 0;
}

bool qcow2_table_possible(const struct qcow2 *q, uint64_t at)
{
	uint64_t size = qcow2_cluster_size(&q->h);

	return !(at & (size - 1)) && at <= q->file_size && size <= q->file_size - at;
}

int qcow2_l2_read(struct qcow2_l2 *l2, uint64_t at, struct bytes *ret, struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&l2->q->h);

	if (!qcow2_table_possible(l2->q, at))
		return bp_fail(err, BP_CORRUPT, "the L2 table at %" PRIu64
			       " is not inside the file: repair the image first", at);
	if (!l2->buf)
		l2->buf = mem_resize(NULL, size, 1);
	*ret = (struct bytes){ l2->buf, 0 };
	if ((at < l2->from || at + size > l2->to) &&
	    io_next_data(l2->q->io, at, &l2->from, &l2->to, err) < 0)
		return -1;
	if (l2->from >= at + size)
		return 0;
	ret->len = size;
	return io_read(l2->q->io, l2->buf, size, at, err);
}

void qcow2_l2_done(struct qcow2_l2 *l2)
{
	free(l2->buf);
	l2->buf = NULL;
}

/* qcow2_extra.c - what extensions of the header lead to: bitmaps, and a LUKS header. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_bitmaps.h"

/* What may be where it is said to be is counted; else *ret_whole is false. */
static int walk_bitmap(struct qcow2_walk *w, uint64_t at, uint64_t n, bool *ret_whole,
		       struct bp_error *err)
{
	uint64_t cluster = qcow2_cluster_size(&w->q->h);
	auto_free uint64_t *table = NULL;

	if (qcow2_bitmap_nowhere(w->q, at)) {
		*ret_whole = false;
		return 0;
	}
	if (at > w->q->file_size || n * 8 > w->q->file_size - at) {
		qcow2_wrong(w, "the table of a bitmap is at %" PRIu64 ", where none can be", at);
		return 0;
	}
	qcow2_refer(w, "table of a bitmap", at, n * 8, 1);
	if (qcow2_read_entries(w->q->io, at, n, &table, err) < 0)
		return -1;
	for (uint64_t i = 0; i < n; i++) {
		at = qcow2_l1_target(table[i]);
		if (!qcow2_bitmap_entry_right(w->q, table[i]))
			*ret_whole = false;
		else if (at)
			qcow2_refer(w, "cluster of a bitmap", at, cluster, 1);
	}
	return 0;
}

/* QEMU does not open an image that has others. */
static bool is_possible(const struct qcow2_walk *w, const struct qcow2_bitmap_told *b)
{
	const struct qcow2_header *h = &w->q->h;
	unsigned bits = b->granularity_bits;

	if (!b->entries || b->flags & ~(uint32_t)QCOW2_BITMAP_FLAGS ||
	    b->type != QCOW2_BITMAP_DIRTY || !b->name.len || bits < QCOW2_GRANULARITY_MIN ||
	    bits > QCOW2_GRANULARITY_MAX)
		return false;
	return b->flags & QCOW2_BITMAP_IN_USE ||
	       (h->capacity &&
		b->entries - 1 == (h->capacity - 1) >> (bits + h->cluster_bits + 3));
}

static int walk_directory(struct qcow2_walk *w, struct bytes dir, uint64_t n, struct bp_error *err)
{
	struct qcow2_bitmap_told told;
	uint64_t at = 0;

	for (uint64_t i = 0; i < n; i++) {
		bool whole;

		if (!qcow2_bitmap_next(dir, &at, &told)) {
			qcow2_wrong(w, "the directory of bitmaps ends within bitmap %" PRIu64,
				    i + 1);
			return 0;
		}
		whole = is_possible(w, &told);
		if (walk_bitmap(w, told.table_at, told.entries, &whole, err) < 0)
			return -1;
		if (!whole) {
			qcow2_wrong(w, "bitmap %" PRIu64 " is damaged: it can only be removed",
				    i + 1);
			w->incomplete++;
		}
	}
	return 0;
}

/* Without its bit among the features nobody keeps them, nor what they use. */
static int walk_bitmaps(struct qcow2_walk *w, struct bytes ext, struct bp_error *err)
{
	struct qcow2_bitmap_directory d = qcow2_bitmap_directory(ext);
	auto_free unsigned char *buf = NULL;

	if (!(w->q->h.autoclear & QCOW2_BITMAPS))
		return 0;
	if (ext.len != QCOW2_EXT_BITMAPS_LEN || be32_at(ext, 4) ||
	    qcow2_bitmap_nowhere(w->q, d.at) ||
	    !qcow2_bitmap_directory_fits(&d, w->q->file_size)) {
		qcow2_wrong(w, "the directory of bitmaps, %" PRIu64 " bytes at %" PRIu64
			    ", cannot be there", d.len, d.at);
		return 0;
	}
	qcow2_refer(w, "directory of bitmaps", d.at, d.len, 1);
	buf = mem_alloc((size_t)d.len);
	if (io_read(w->q->io, buf, (size_t)d.len, d.at, err) < 0)
		return -1;
	return walk_directory(w, (struct bytes){ buf, (size_t)d.len }, d.n, err);
}

/* It does no harm, but QEMU opens no such image.  Any change puts it right. */
static void raw_data_file(struct qcow2_walk *w)
{
	const struct qcow2_header *h = &w->q->h;

	if (!(h->autoclear & QCOW2_RAW_DATA_FILE) || qcow2_data_elsewhere(h))
		return;
	if (!w->rescue) {
		qcow2_wrong(w, "the image says that its data file is raw, and has none");
		w->incomplete++;
		return;
	}
	qcow2_tell(w, "forgetting that a data file is raw: there is none");
	w->sum.corruptions++;
	w->sum.corruptions_fixed++;
}

int qcow2_walk_extensions(struct qcow2_walk *w, struct bp_error *err)
{
	const struct qcow2_header *h = &w->q->h;
	uint64_t end = qcow2_ext_end(h, w->q->file_size), at = h->length;
	auto_free unsigned char *buf = NULL;
	struct bytes header;
	bool has_luks = h->encryption != QCOW2_LUKS;
	struct qcow2_ext ext;
	int r;

	raw_data_file(w);
	if (qcow2_ext_read(w->q->io, end, &buf, &header, err) < 0)
		return -1;
	while ((r = qcow2_ext_next(header, end, &at, &ext, err)) == 1) {
		if (ext.type == QCOW2_EXT_BITMAPS && walk_bitmaps(w, ext.data, err) < 0)
			return -1;
		if (ext.type == QCOW2_EXT_LUKS && ext.data.len == 16) {
			qcow2_refer(w, "LUKS header", be64_at(ext.data, 0), be64_at(ext.data, 8),
				    1);
			has_luks = true;
		}
	}
	if (r == 0 && !has_luks)
		qcow2_wrong(w, "the image is encrypted by LUKS, but has no LUKS header");
	return r < 0 ? -1 : 0;
}

/* qcow2_extra.c - what extensions of the header lead to: bitmaps, and a LUKS header. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2_bitmaps.h"

/* QEMU has the same limits. */
#define DIRECTORY_MAX	(64u << 20)
#define EXTRA_MAX	1024

/* An entry of the directory: numbers, extra data, name, up to a multiple of 8. */
enum { NUMBERS = 24 };

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
static bool is_possible(const struct qcow2_walk *w, struct bytes dir, uint64_t at)
{
	const struct qcow2_header *h = &w->q->h;
	uint64_t entries = be32_at(dir, at + 8), flags = be32_at(dir, at + 12);
	uint64_t bits = be_at(dir, at + 17, 1);

	if (!entries || flags & ~(uint64_t)QCOW2_BITMAP_FLAGS ||
	    be_at(dir, at + 16, 1) != QCOW2_BITMAP_DIRTY || !be16_at(dir, at + 18) ||
	    bits < QCOW2_GRANULARITY_MIN || bits > QCOW2_GRANULARITY_MAX)
		return false;
	return flags & QCOW2_BITMAP_IN_USE ||
	       (h->capacity &&
		entries - 1 == (h->capacity - 1) >> (bits + h->cluster_bits + 3));
}

static int walk_directory(struct qcow2_walk *w, struct bytes dir, uint64_t n, struct bp_error *err)
{
	uint64_t at = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t name = be16_at(dir, at + 18), extra = be32_at(dir, at + 20);
		bool whole;

		if (!bytes_has(dir, at, NUMBERS) || name > QCOW2_BITMAP_NAME_MAX ||
		    extra > EXTRA_MAX || !bytes_has(dir, at, NUMBERS + name + extra)) {
			qcow2_wrong(w, "the directory of bitmaps ends within bitmap %" PRIu64,
				    i + 1);
			return 0;
		}
		whole = is_possible(w, dir, at);
		if (walk_bitmap(w, be64_at(dir, at), be32_at(dir, at + 8), &whole, err) < 0)
			return -1;
		if (!whole) {
			qcow2_wrong(w, "bitmap %" PRIu64 " is damaged: it can only be removed",
				    i + 1);
			w->incomplete++;
		}
		at += (NUMBERS + name + extra + 7) & ~UINT64_C(7);
	}
	return 0;
}

/* Without its bit among the features nobody keeps them, nor what they use. */
static int walk_bitmaps(struct qcow2_walk *w, struct bytes ext, struct bp_error *err)
{
	uint64_t n = be32_at(ext, 0), len = be64_at(ext, 8), at = be64_at(ext, 16);
	auto_free unsigned char *buf = NULL;

	if (!(w->q->h.autoclear & QCOW2_BITMAPS))
		return 0;
	if (ext.len != 24 || be32_at(ext, 4) || !n || n > QCOW2_BITMAPS_MAX ||
	    len > DIRECTORY_MAX || qcow2_bitmap_nowhere(w->q, at) || at > w->q->file_size ||
	    len > w->q->file_size - at) {
		qcow2_wrong(w, "the directory of bitmaps, %" PRIu64 " bytes at %" PRIu64
			    ", cannot be there", len, at);
		return 0;
	}
	qcow2_refer(w, "directory of bitmaps", at, len, 1);
	buf = mem_alloc((size_t)len);
	if (io_read(w->q->io, buf, (size_t)len, at, err) < 0)
		return -1;
	return walk_directory(w, (struct bytes){ buf, (size_t)len }, n, err);
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
	uint64_t end = h->backing_at ? h->backing_at : qcow2_cluster_size(h), at = h->length;
	auto_free unsigned char *buf = NULL;
	struct bytes header = { 0 };
	bool has_luks = h->encryption != QCOW2_LUKS;
	struct qcow2_ext ext;
	int r;

	raw_data_file(w);
	if (end > w->q->file_size)
		end = w->q->file_size;
	header.len = end < QCOW2_EXTENSIONS_MAX ? (size_t)end : QCOW2_EXTENSIONS_MAX;
	header.p = buf = mem_alloc(header.len);
	if (io_read(w->q->io, buf, header.len, 0, err) < 0)
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

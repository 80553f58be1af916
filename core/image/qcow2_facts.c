/* qcow2_facts.c - everything that a qcow2 image says of itself. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/luks.h"
#include "core/image/qcow2_bitmaps.h"

enum { FEATURE = 48 };			/* an entry of their names: kind, bit, padded name */

struct extensions {
	struct bytes bitmaps, luks, names;	/* into header */
	unsigned char *header;		/* where what a probe reads ends before they do */
};

static void extensions_done(struct extensions *e)
{
	free(e->header);
}

static int find_extensions(struct bytes header, uint64_t at, uint64_t end,
			   struct extensions *ret, struct bp_error *err)
{
	struct qcow2_ext ext;
	int r;

	while ((r = qcow2_ext_next(header, end, &at, &ext, err)) == 1) {
		if (ext.type == QCOW2_EXT_BITMAPS && ext.data.len == QCOW2_EXT_BITMAPS_LEN)
			ret->bitmaps = ext.data;
		if (ext.type == QCOW2_EXT_LUKS && ext.data.len == 16)
			ret->luks = ext.data;
		if (ext.type == QCOW2_EXT_FEATURE_NAMES)
			ret->names = ext.data;
	}
	return r;
}

/* A probe has found them whole. */
static int read_extensions(const struct bp_image_head *head, const struct qcow2_header *h,
			   struct extensions *ret, struct bp_error *err)
{
	uint64_t end = qcow2_ext_end(h, head->size);
	struct bytes header;
	int r;

	r = find_extensions(head->first, h->length, end, ret, err);
	if (r != QCOW2_EXT_CUT)
		return r;
	if (qcow2_ext_read(head->io, end, &ret->header, &header, err) < 0)
		return -1;
	return find_extensions(header, h->length, end, ret, err) < 0 ? -1 : 0;
}

/* ---- bitmaps ------------------------------------------------------------------------- */

static void add_bitmap(const struct qcow2_bitmap_told *b, struct bp_fact *list)
{
	auto_free char *name = mem_dup_n((const char *)b->name.p, b->name.len);
	struct bp_fact *bitmap = bp_fact_add(list, NULL, BP_FACT_GROUP);
	struct bp_fact *flags = bp_fact_add(bitmap, "flags", BP_FACT_LIST);

	if (b->flags & QCOW2_BITMAP_IN_USE)
		bp_fact_text(flags, NULL, "in-use");
	if (b->flags & QCOW2_BITMAP_AUTO)
		bp_fact_text(flags, NULL, "auto");
	bp_fact_text(bitmap, "name", name);
	bp_fact_number(bitmap, "granularity", UINT64_C(1) << (b->granularity_bits & 63));
}

static int add_directory(struct bytes dir, uint64_t n, struct bp_fact *list, struct bp_error *err)
{
	struct qcow2_bitmap_told told;
	uint64_t at = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (!qcow2_bitmap_next(dir, &at, &told))
			return bp_fail(err, BP_CORRUPT, "the directory of bitmaps ends within "
				       "bitmap %" PRIu64, i + 1);
		add_bitmap(&told, list);
	}
	return 0;
}

/* Without its bit among the features nobody keeps them. */
static int add_bitmaps(const struct bp_image_head *head, const struct qcow2_header *h,
		       struct bytes ext, struct bp_fact *to, struct bp_error *err)
{
	struct qcow2_bitmap_directory d = qcow2_bitmap_directory(ext);
	auto_free unsigned char *buf = NULL;

	if (!ext.p || !(h->autoclear & QCOW2_BITMAPS))
		return 0;
	if (!qcow2_bitmap_directory_fits(&d, head->size))
		return bp_fail(err, BP_CORRUPT, "the directory of bitmaps, %" PRIu64 " bytes at %"
			       PRIu64 ", cannot be there", d.len, d.at);
	buf = mem_alloc((size_t)d.len);
	if (io_read(head->io, buf, (size_t)d.len, d.at, err) < 0)
		return -1;
	return add_directory((struct bytes){ buf, (size_t)d.len }, d.n,
			     bp_fact_add(to, "bitmaps", BP_FACT_LIST), err);
}

/* ---- encryption ----------------------------------------------------------------------- */

static int add_encryption(const struct bp_image_head *head, const struct qcow2_header *h,
			  struct bytes ext, struct bp_fact *to, struct bp_error *err)
{
	unsigned char buf[LUKS_HEADER];
	struct bp_fact *group;

	if (!h->encryption)
		return 0;
	group = bp_fact_add(to, "encrypt", BP_FACT_GROUP);
	if (h->encryption != 2) {
		bp_fact_text(group, "format", "aes");
		return 0;
	}
	if (be64_at(ext, 8) < LUKS_HEADER)
		return bp_fail(err, BP_CORRUPT, "there is no LUKS header in the qcow2 image");
	if (image_bytes(head, "LUKS header", buf, sizeof buf, be64_at(ext, 0), err) < 0)
		return -1;
	luks_facts((struct bytes){ buf, sizeof buf }, true, group);
	return 0;
}

/* ---- all of it -------------------------------------------------------------------------- */

static const char *compression_of(const struct bp_image_head *head, const struct qcow2_header *h)
{
	if (!(h->incompatible & QCOW2_COMPRESSION) || h->length <= QCOW2_V3_LENGTH)
		return "zlib";
	return be_at(head->first, QCOW2_V3_LENGTH, 1) == 1 ? "zstd" : "zlib";
}

/* In QEMU's order.  What is damaged is not all there is to tell. */
static void add_all(const struct bp_image_head *head, const struct qcow2_header *h,
		    const struct extensions *e, const char *data_file,
		    struct bp_image_facts *ret)
{
	struct bp_error why = { 0 };
	struct bp_fact *to = &ret->more;
	bool v3 = h->version >= 3;

	bp_fact_text(to, "compat", v3 ? "1.1" : "0.10");
	bp_fact_text(to, "compression-type", compression_of(head, h));
	if (v3)
		bp_fact_bool(to, "lazy-refcounts", h->compatible & QCOW2_LAZY);
	(void)add_bitmaps(head, h, e->bitmaps, to, &why);
	bp_fact_number(to, "refcount-bits", UINT64_C(1) << (h->refcount_order & 63));
	if (!why.code)
		(void)add_encryption(head, h, e->luks, to, &why);
	if (data_file)
		bp_fact_text(to, "data-file", data_file);
	if (h->incompatible & QCOW2_DATA_FILE)
		bp_fact_bool(to, "data-file-raw", h->autoclear & QCOW2_RAW_DATA_FILE);
	if (v3) {
		bp_fact_bool(to, "corrupt", h->incompatible & QCOW2_CORRUPT);
		bp_fact_bool(to, "extended-l2", h->incompatible & QCOW2_EXTENDED_L2);
	}
	if (why.code && !ret->damage)
		ret->damage = mem_dup(why.text);
}

/* By the words that the image has for them, for whoever made it knew more than we do. */
static int check_features(const struct qcow2_header *h, struct bytes names, struct bp_error *err)
{
	uint64_t unknown = h->incompatible & ~(uint64_t)QCOW2_KNOWN_INCOMPATIBLE;
	cleanup(text_done) struct text words = { 0 };

	if (h->version > 3)
		return bp_fail(err, BP_UNSUPPORTED, "Unsupported qcow2 version %" PRIu32,
			       h->version);
	if (!unknown)
		return 0;
	for (uint64_t at = 0; bytes_has(names, at, 3); at += FEATURE) {
		uint64_t bit = UINT64_C(1) << (names.p[at + 1] & 63);
		size_t len = names.len - at < FEATURE ? names.len - at : FEATURE;

		if (names.p[at] || !(unknown & bit))
			continue;
		text_addf(&words, "%s%.*s", words.len ? ", " : "", (int)len - 2,
			  (const char *)names.p + at + 2);
		unknown &= ~bit;
	}
	if (unknown)
		text_addf(&words, "%sUnknown incompatible feature: %" PRIx64,
			  words.len ? ", " : "", unknown);
	return bp_fail(err, BP_UNSUPPORTED, "Unsupported qcow2 feature(s): %s", words.s);
}

int qcow2_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	cleanup(extensions_done) struct extensions e = { 0 };
	struct qcow2_header h;

	if (qcow2_header_parse(head->first, head->size, &h, err) < 0 ||
	    image_qcow2.probe(head, &info, err) < 0 || read_extensions(head, &h, &e, err) < 0 ||
	    check_features(&h, e.names, err) < 0 || qcow2_check_compression(&h, err) < 0)
		return -1;
	ret->capacity = h.capacity & ~(uint64_t)(IMAGE_SECTOR - 1);
	ret->cluster_size = info.cluster_size;
	ret->encrypted = h.encryption;
	ret->dirty = h.incompatible & QCOW2_DIRTY;
	ret->damage = steal(info.damage);
	add_all(head, &h, &e, info.data_file, ret);
	return 0;
}

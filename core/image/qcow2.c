/* qcow2.c - what a probe tells of a qcow2 image, and the format's table. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/qcow2.h"
#include "core/model/volume.h"

#define FORMAT_WORD_MAX 15
#define DATA_FILE_MAX	4095

/* A word may be padded with NULs; QEMU reads up to the first of them too. */
static int read_format_word(struct bytes word, char **ret, struct bp_error *err)
{
	size_t len = strnlen((const char *)word.p, word.len);

	if (word.len > FORMAT_WORD_MAX)
		return bp_fail(err, BP_CORRUPT, "the word for the backing format has %zu bytes, "
			       "more than %d", word.len, FORMAT_WORD_MAX);
	if (!len)
		return 0;
	free(*ret);
	*ret = mem_dup_n((const char *)word.p, len);
	return 0;
}

static int read_data_file(struct bytes name, char **ret, struct bp_error *err)
{
	if (!name.len || name.len > DATA_FILE_MAX || memchr(name.p, '\0', name.len))
		return bp_fail(err, BP_CORRUPT, "the name of the data file is empty, too long "
			       "or has a NUL byte inside (%zu bytes)", name.len);
	free(*ret);
	*ret = mem_dup_n((const char *)name.p, name.len);
	return 0;
}

static int take_extension(const struct qcow2_ext *ext, struct bp_image_info *ret,
			  struct bp_error *err)
{
	if (ext->type == QCOW2_EXT_BACKING_FORMAT)
		return read_format_word(ext->data, &ret->backing_format, err);
	if (ext->type == QCOW2_EXT_DATA_FILE)
		return read_data_file(ext->data, &ret->data_file, err);
	return 0;
}

static int read_extensions(const struct bp_image_head *head, const struct qcow2_header *h,
			   struct bp_image_info *ret, struct bp_error *err)
{
	uint64_t end = qcow2_ext_end(h, head->size), at = h->length;
	auto_free unsigned char *more = NULL;
	struct bytes header = head->first;
	struct qcow2_ext ext;
	int r;

	while ((r = qcow2_ext_next(header, end, &at, &ext, err)) == 1)
		if (take_extension(&ext, ret, err) < 0)
			return -1;
	if (r != QCOW2_EXT_CUT)
		return r;

	if (qcow2_ext_read(head->io, end, &more, &header, err) < 0)
		return -1;
	while ((r = qcow2_ext_next(header, end, &at, &ext, err)) == 1)
		if (take_extension(&ext, ret, err) < 0)
			return -1;
	return r != QCOW2_EXT_CUT ? r :
	       bp_fail(err, BP_CORRUPT, "the extensions of the qcow2 header reach past %u bytes",
		       QCOW2_EXTENSIONS_MAX);
}

static void tell_features(const struct qcow2_header *h, struct bp_image_info *ret)
{
	if (h->version < 3)
		return;
	ret->compat = "1.1";
	ret->has_features = true;
	if (h->compatible & QCOW2_LAZY)
		ret->features |= BP_FEATURE_LAZY_REFCOUNTS;
	if (h->incompatible & QCOW2_EXTENDED_L2)
		ret->features |= BP_FEATURE_EXTENDED_L2;
	if (h->incompatible & QCOW2_DATA_FILE)
		ret->features |= BP_FEATURE_DATA_FILE;
	ret->data_raw = qcow2_data_raw(h);
}

/* Much of the image can be missing: what its header says is told all the same. */
static void tell_damage(const struct qcow2_header *h, uint64_t file_size,
			struct bp_image_info *ret)
{
	struct qcow2 q = { .file_size = file_size, .h = *h };
	struct bp_error why = { 0 };

	if (qcow2_check_tables(&q, &why) < 0 || qcow2_check_reftable(&q, &why) < 0 ||
	    qcow2_check_snapshots(&q, &why) < 0)
		ret->damage = mem_dup(why.text);
}

static void drop(char **text)
{
	free(*text);
	*text = NULL;
}

static int qcow2_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		       struct bp_error *err)
{
	struct qcow2_header h;

	if (qcow2_header_parse(head->first, head->size, &h, err) < 0)
		return -1;
	ret->cluster_size = qcow2_cluster_size(&h);
	ret->encryption = h.encryption == QCOW2_AES ? "qcow" :
			  h.encryption == QCOW2_LUKS ? "luks" : NULL;
	tell_features(&h, ret);
	if (h.backing_at && image_name(head, "backing file", h.backing_at, h.backing_len,
				       IMAGE_NAME_MAX, &ret->backing, err) < 0)
		return -1;
	if (read_extensions(head, &h, ret, err) < 0)
		return -1;
	if (!ret->backing)		/* words that stayed behind say nothing */
		drop(&ret->backing_format);
	if (!(ret->features & BP_FEATURE_DATA_FILE))
		drop(&ret->data_file);
	tell_damage(&h, head->size, ret);
	return 0;
}

static int qcow2_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	(void)trailer;
	(void)err;
	return bytes_has(head->first, 0, 8) && memcmp(head->first.p, "QFI\xfb", 4) == 0 &&
	       be32_at(head->first, 4) >= 2;
}

/* The fourth byte of the magic is not compared: the peer does not either. */
const struct bp_image_format image_qcow2 = {
	.name	= "qcow2",
	.sign	= { .magic = "QFI", .len = 3,
		    .version_at = 4, .version_size = 4, .version_min = 2, .version_max = 3,
		    .capacity_at = QCOW2_SIZE_AT, .capacity_unit = 1 },
	.seen	= qcow2_seen,
	.probe	= qcow2_probe,
	.facts	= qcow2_facts,
	.create = qcow2_create,
	.measure = qcow2_measure,
	.write	= qcow2_write,
	.resize = qcow2_resize,
	.grow	= qcow2_grow,
	.set_backing = qcow2_set_backing,
	.patch	= qcow2_patch,
	.forget	= qcow2_forget,
	.amend	= qcow2_amend,
	.bitmap	= qcow2_bitmap,
	.bitmap_merge = qcow2_bitmap_merge,
	.bitmaps_copy = qcow2_bitmaps_copy,
	.bitmaps_note = qcow2_bitmaps_note,
	.empty	= qcow2_empty,
	.open	= qcow2_open_guest,
	.open_snapshot = qcow2_open_snapshot,
	.sparse = qcow2_sparse,
	.check	= qcow2_check,
	.repairs = true,
	.snapshot_list	 = qcow2_snapshot_list,
	.snapshot_create = qcow2_snapshot_create,
	.snapshot_revert = qcow2_snapshot_revert,
	.snapshot_delete = qcow2_snapshot_delete,
};

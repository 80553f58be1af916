/* qcow2_format.c - a new header, written down. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/image/qcow2.h"

/* Clusters this small have no room to spare for words that only explain. */
#define NAMES_MIN_CLUSTER_BITS 13

enum { INCOMPATIBLE, COMPATIBLE, AUTOCLEAR };

/* So that a tool that does not know a feature can name it.  The words are
 * QEMU's, as they are what people find when they search for them. */
static const struct {
	unsigned char kind, bit;
	const char *name;
} feature_names[] = {
	{ INCOMPATIBLE, 0, "dirty bit" },
	{ INCOMPATIBLE, 1, "corrupt bit" },
	{ INCOMPATIBLE, 2, "external data file" },
	{ INCOMPATIBLE, 3, "compression type" },
	{ INCOMPATIBLE, 4, "extended L2 entries" },
	{ COMPATIBLE, 0, "lazy refcounts" },
	{ AUTOCLEAR, 0, "bitmaps" },
	{ AUTOCLEAR, 1, "raw external data" },
};

enum { FEATURE_NAME = 48 };	/* bytes of an entry: kind, bit, padded name */

static void put_ext(unsigned char *buf, size_t *at, uint32_t type, size_t len)
{
	put_be32(buf + *at, type);
	put_be32(buf + *at + 4, (uint32_t)len);
	*at += 8;
}

size_t qcow2_feature_names(const struct qcow2_header *h, unsigned char ret[QCOW2_NAMES_MAX])
{
	size_t at = 0;

	if (h->version < 3 || h->cluster_bits < NAMES_MIN_CLUSTER_BITS)
		return 0;
	memset(ret, 0, QCOW2_NAMES_MAX);
	for (size_t i = 0; i < array_size(feature_names); i++, at += FEATURE_NAME) {
		ret[at] = feature_names[i].kind;
		ret[at + 1] = feature_names[i].bit;
		memcpy(ret + at + 2, feature_names[i].name, strlen(feature_names[i].name));
	}
	return at;
}

static void put_feature_names(const struct qcow2_header *h, unsigned char *buf, size_t *at)
{
	unsigned char names[QCOW2_NAMES_MAX];
	size_t len = qcow2_feature_names(h, names);

	if (!len)
		return;
	put_ext(buf, at, QCOW2_EXT_FEATURE_NAMES, len);
	memcpy(buf + *at, names, len);
	*at += len;
}

void qcow2_header_numbers(const struct qcow2_header *h, unsigned char ret[QCOW2_LENGTH])
{
	memcpy(ret, "QFI\xfb", 4);
	put_be32(ret + 4, h->version);
	put_be64(ret + 8, h->backing_at);
	put_be32(ret + 16, h->backing_len);
	put_be32(ret + 20, h->cluster_bits);
	put_be64(ret + QCOW2_SIZE_AT, h->capacity);
	put_be32(ret + 32, h->encryption);
	put_be32(ret + 36, h->l1_entries);
	put_be64(ret + 40, h->l1_at);
	put_be64(ret + 48, h->reftable_at);
	put_be32(ret + 56, h->reftable_clusters);
	put_be32(ret + 60, h->n_snapshots);
	put_be64(ret + 64, h->snapshots_at);
	if (h->version < 3)
		return;
	put_be64(ret + 72, h->incompatible);
	put_be64(ret + 80, h->compatible);
	put_be64(ret + QCOW2_AUTOCLEAR_AT, h->autoclear);
	put_be32(ret + 96, h->refcount_order);
	put_be32(ret + 100, h->length);
	if (h->length > QCOW2_COMPRESSION_AT)
		ret[QCOW2_COMPRESSION_AT] = h->compression;
}

/* Lengths are the caller's business: names of 1023 bytes and a word of 15
 * fit beside everything else. */
int qcow2_header_format(struct qcow2_header *h, const char *backing, const char *backing_format,
			unsigned char ret[QCOW2_HEADER_MAX], size_t *ret_len,
			struct bp_error *err)
{
	size_t at = h->version < 3 ? QCOW2_V2_LENGTH : QCOW2_LENGTH;

	memset(ret, 0, QCOW2_HEADER_MAX);
	h->length = (uint32_t)at;
	if (backing_format) {
		put_ext(ret, &at, QCOW2_EXT_BACKING_FORMAT, strlen(backing_format));
		memcpy(ret + at, backing_format, strlen(backing_format));
		at += (strlen(backing_format) + 7) & ~(size_t)7;
	}
	if (h->data_file) {
		put_ext(ret, &at, QCOW2_EXT_DATA_FILE, strlen(h->data_file));
		memcpy(ret + at, h->data_file, strlen(h->data_file));
		at += (strlen(h->data_file) + 7) & ~(size_t)7;
	}
	if (h->encryption) {
		put_ext(ret, &at, QCOW2_EXT_LUKS, 16);
		put_be64(ret + at, h->luks_at);
		put_be64(ret + at + 8, h->luks_len);
		at += 16;
	}
	put_feature_names(h, ret, &at);
	put_ext(ret, &at, QCOW2_EXT_END, 0);
	if (backing) {
		h->backing_at = at;
		h->backing_len = (uint32_t)strlen(backing);
		memcpy(ret + at, backing, h->backing_len);
		at += h->backing_len;
	}
	if (at > qcow2_cluster_size(h))
		return bp_fail(err, BP_INVALID, "the name of the %s file has %zu bytes, %zu more "
			       "than fit beside the header in a cluster",
			       backing ? "backing" : "data", backing ? h->backing_len :
			       h->data_file ? strlen(h->data_file) : 0,
			       at - (size_t)qcow2_cluster_size(h));
	qcow2_header_numbers(h, ret);
	*ret_len = at;
	return 0;
}

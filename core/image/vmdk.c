/* vmdk.c - the format of VMware: what its header and its text say. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/vmdk.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define MAX_GRAIN   0x200000u		/* sectors; QEMU's limits */
#define MAX_ENTRIES 512u
#define MAX_TABLES  (32u << 20)

enum { MARKER_FOOTER = 3 };

static bool begins(const struct bp_image_head *head, const char *magic)
{
	return bytes_has(head->first, 0, 4) && memcmp(head->first.p, magic, 4) == 0;
}

static void take_numbers(struct bytes b, struct vmdk_header *h)
{
	*h = (struct vmdk_header){
		.version      = le32_at(b, 4),
		.flags	      = le32_at(b, 8),
		.capacity     = le64_at(b, 12),
		.grain	      = le64_at(b, 20),
		.text_at      = le64_at(b, 28),
		.text_len     = le64_at(b, 36),
		.entries      = le32_at(b, 44),
		.directory_at = le64_at(b, 56),
		.overhead     = le64_at(b, 64),
		.compressed   = le16_at(b, 77) == VMDK_DEFLATE,
	};
}

/* A marker, the header again, and a marker that ends it all. */
static int read_footer(const struct bp_image_head *head, struct vmdk_header *h,
		       struct bp_error *err)
{
	unsigned char buf[3 * IMAGE_SECTOR];
	struct bytes b = { buf, sizeof buf };

	if (head->size < sizeof buf)
		return bp_fail(err, BP_CORRUPT, "the VMDK has no footer");
	if (image_bytes(head, "footer", buf, sizeof buf,
			head->size / IMAGE_SECTOR * IMAGE_SECTOR - sizeof buf, err) < 0)
		return -1;
	if (memcmp(buf + IMAGE_SECTOR, VMDK_MAGIC, 4) != 0 || le32_at(b, 8) ||
	    le32_at(b, 12) != MARKER_FOOTER || !is_zero(buf + 2 * (size_t)IMAGE_SECTOR, 16))
		return bp_fail(err, BP_CORRUPT, "the VMDK has no footer where there should be one");
	take_numbers((struct bytes){ buf + IMAGE_SECTOR, IMAGE_SECTOR }, h);
	return 0;
}

static int check(const struct vmdk_header *h, const struct bp_image_head *head,
		 struct bp_error *err)
{
	uint64_t behind = h->entries * h->grain;

	if (!h->version || h->version > 3)
		return bp_fail(err, BP_UNSUPPORTED, "Unsupported VMDK version %" PRIu32,
			       h->version);
	if (h->entries > MAX_ENTRIES || !h->entries || !h->grain || h->grain > MAX_GRAIN)
		return bp_fail(err, BP_CORRUPT, "the VMDK has grains of %" PRIu64 " sectors, and "
			       "tables of %" PRIu32 " entries", h->grain, h->entries);
	if (h->capacity > INT64_MAX / IMAGE_SECTOR || h->capacity / behind >= MAX_TABLES)
		return bp_fail(err, BP_CORRUPT, "the capacity in the VMDK header, %" PRIu64
			       " sectors, is absurd", h->capacity);
	if (h->overhead > head->size / IMAGE_SECTOR + 1)
		return bp_fail(err, BP_CORRUPT, "the VMDK is cut off: its data begins at %" PRIu64
			       ", and the file has %" PRIu64 " bytes",
			       h->overhead * IMAGE_SECTOR, head->size);
	return 0;
}

int vmdk_header_read(const struct bp_image_head *head, struct vmdk_header *ret,
		     struct bp_error *err)
{
	struct vmdk_header h;

	if (!bytes_has(head->first, 0, VMDK_HEADER))
		return bp_fail(err, BP_CORRUPT, "the VMDK header is cut off after %zu bytes",
			       head->first.len);
	take_numbers(head->first, &h);
	if (h.directory_at == VMDK_GD_AT_END && read_footer(head, &h, err) < 0)
		return -1;
	if (check(&h, head, err) < 0)
		return -1;
	*ret = h;
	return 0;
}

/* ---- probe ------------------------------------------------------------------------- */

static uint64_t hex_value(const char *text, const char *key)
{
	auto_free char *value = vmdk_text_value(text, key);
	const char *rest;
	uint64_t n;

	return value && parse_number_prefix(value, 16, &n, &rest) ? n & UINT32_MAX : 0;
}

/* The backing file is named in a text that follows the header. */
static int probe_backing(const struct bp_image_head *head, uint64_t at, struct bp_image_info *ret,
			 struct bp_error *err)
{
	static const char hint[] = "parentFileNameHint=\"";
	auto_free char *text = NULL;
	const char *name, *end;

	if (head->size <= at)
		return 0;
	if (vmdk_text_read(head, at, &text, err) < 0)
		return -1;
	ret->id = (uint32_t)hex_value(text, "CID=");
	ret->backing_id = (uint32_t)hex_value(text, "parentCID=");
	ret->has_id = ret->id;
	name = strstr(text, hint);
	if (!name)
		return 0;
	name += sizeof hint - 1;
	end = strchr(name, '"');
	if (!end)
		return bp_fail(err, BP_CORRUPT, "the name of the backing file has no end");
	if (end == name)
		return 0;
	return image_name(head, "backing file", at + (uint64_t)(name - text),
			  (uint64_t)(end - name), IMAGE_NAME_MAX, &ret->backing, err);
}

/* All that the extents have. */
static int text_capacity(const char *text, uint64_t *ret, struct bp_error *err)
{
	struct vmdk_extent e;
	uint64_t sectors = 0;
	int r;

	while ((r = vmdk_text_extent(&text, &e, err)) == 1) {
		free(e.name);
		if (__builtin_add_overflow(sectors, e.sectors, &sectors) ||
		    sectors > INT64_MAX / IMAGE_SECTOR)
			return bp_fail(err, BP_CORRUPT, "the extents of the VMDK have an absurd "
				       "size together");
	}
	*ret = sectors * IMAGE_SECTOR;
	return r;
}

/* In a pool, what has no header is no VMDK. */
static int vmdk_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		      struct bp_error *err)
{
	auto_free char *text = NULL;

	if (begins(head, VMDK_MAGIC))
		return probe_backing(head, VMDK_TEXT_AT, ret, err);
	if (begins(head, VMDK_OLD)) {
		ret->capacity = (uint64_t)le32_at(head->first, 12) * IMAGE_SECTOR;
		return 0;
	}
	if (vmdk_text_read(head, 0, &text, err) < 0 ||
	    text_capacity(text, &ret->capacity, err) < 0)
		return -1;
	return probe_backing(head, 0, ret, err);
}

static int vmdk_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	(void)trailer;
	(void)err;
	return begins(head, VMDK_MAGIC) || begins(head, VMDK_OLD) || vmdk_is_text(head->first);
}

/* ---- facts ------------------------------------------------------------------------- */

static void add_extent(struct bp_fact *list, uint64_t capacity, const char *name, uint64_t grain,
		       bool compressed, const char *type)
{
	struct bp_fact *e = bp_fact_add(list, NULL, BP_FACT_GROUP);

	if (compressed)
		bp_fact_bool(e, "compressed", true);
	bp_fact_number(e, "virtual-size", capacity);
	bp_fact_text(e, "filename", name);
	if (grain)
		bp_fact_number(e, "cluster-size", grain);
	bp_fact_text(e, "format", type);
}

static struct bp_fact *add_common(struct bp_fact *to, const char *text, const char *type)
{
	bp_fact_number(to, "cid", hex_value(text, "CID="));
	bp_fact_number(to, "parent-cid", hex_value(text, "parentCID="));
	bp_fact_text(to, "create-type", type);
	return bp_fact_add(to, "extents", BP_FACT_LIST);
}

static int sparse_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
			struct bp_error *err)
{
	auto_free char *text = NULL;
	struct vmdk_header h;
	struct bp_fact *list;

	if (vmdk_header_read(head, &h, err) < 0 ||
	    vmdk_text_read(head, VMDK_TEXT_AT, &text, err) < 0)
		return -1;
	ret->capacity = h.capacity * IMAGE_SECTOR;
	ret->cluster_size = h.grain * IMAGE_SECTOR;
	list = add_common(&ret->more, text, h.compressed ? "streamOptimized" : "monolithicSparse");
	add_extent(list, ret->capacity, head->io->name, ret->cluster_size, h.compressed, "");
	return 0;
}

static int old_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		     struct bp_error *err)
{
	struct bytes b = head->first;

	if (!bytes_has(b, 0, 32))
		return bp_fail(err, BP_CORRUPT, "the VMDK header is cut off after %zu bytes",
			       b.len);
	ret->capacity = (uint64_t)le32_at(b, 12) * IMAGE_SECTOR;
	ret->cluster_size = (uint64_t)le32_at(b, 16) * IMAGE_SECTOR;
	bp_fact_text(&ret->more, "create-type", "vmfsSparse");
	return 0;
}

/* The caller frees. */
static char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	if (!name)
		return mem_dup("");
	return *name == '/' || !slash ? mem_dup(name) :
	       mem_printf("%.*s/%s", (int)(slash - path), path, name);
}

/* Nothing of the files it names is told but what it tells itself. */
static int text_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		      struct bp_error *err)
{
	auto_free char *text = NULL, *type = NULL;
	struct vmdk_extent e;
	struct bp_fact *list;
	const char *p;
	int r;

	if (vmdk_text_read(head, 0, &text, err) < 0 ||
	    text_capacity(text, &ret->capacity, err) < 0)
		return -1;
	type = vmdk_text_value(text, "createType=");
	if (!type)
		return bp_fail(err, BP_CORRUPT, "invalid VMDK image descriptor");
	list = add_common(&ret->more, text, type);
	for (p = text; (r = vmdk_text_extent(&p, &e, err)) == 1; free(e.name)) {
		auto_free char *name = beside(head->io->name, e.name);

		add_extent(list, e.sectors * IMAGE_SECTOR, name, 0, false, e.type);
	}
	return r;
}

static int vmdk_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		      struct bp_error *err)
{
	if (begins(head, VMDK_MAGIC))
		return sparse_facts(head, ret, err);
	return begins(head, VMDK_OLD) ? old_facts(head, ret, err) : text_facts(head, ret, err);
}

const struct bp_image_format image_vmdk = {
	.name	= "vmdk",
	.sign	= { .magic = VMDK_MAGIC, .len = 4, .little = true,
		    .version_at = 4, .version_size = 4, .version_min = 1, .version_max = 3,
		    .capacity_at = 12, .capacity_unit = 512 },
	.seen	= vmdk_seen,
	.own_backing = true,
	.probe	= vmdk_probe,
	.facts	= vmdk_facts,
	.create = vmdk_create,
	.write	= vmdk_write,
	.open	= vmdk_open,
	.parts	= vmdk_parts,
	.open_parts = vmdk_open_parts,
	.check	= vmdk_check,
	.check_parts = vmdk_check_parts,
};

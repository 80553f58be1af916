/* vmdk_create.c - a VMDK in one sparse file, empty or filled. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/blocks_write.h"
#include "core/image/empty.h"
#include "core/image/vmdk.h"

/* In sectors: header, text, and then directory and tables, twice. */
enum { GRAIN = 128, ENTRIES = 512, TABLE = 4, TEXT_LEN = 20, DIRECTORY_AT = 1 + TEXT_LEN };

struct layout {
	bool stream, zeroed;
	uint64_t sectors, tables, directory, second_at, data_at;
};

static struct layout layout_for(uint64_t capacity)
{
	struct layout l = { .sectors = (capacity + IMAGE_SECTOR - 1) / IMAGE_SECTOR };
	uint64_t grains = (l.sectors + GRAIN - 1) / GRAIN;

	l.tables = (grains + ENTRIES - 1) / ENTRIES;
	l.directory = (l.tables * 4 + IMAGE_SECTOR - 1) / IMAGE_SECTOR;
	l.second_at = DIRECTORY_AT + l.directory + l.tables * TABLE;
	l.data_at = (l.second_at + l.directory + l.tables * TABLE + GRAIN - 1) / GRAIN * GRAIN;
	return l;
}

static int write_header(struct bp_io *io, const struct layout *l, struct bp_error *err)
{
	unsigned char h[IMAGE_SECTOR] = { 0 };

	memcpy(h, VMDK_MAGIC, 4);
	put_le32(h + 4, l->stream ? 3 : l->zeroed ? 2 : 1);
	put_le32(h + 8, 1 | VMDK_RGD | (l->stream ? VMDK_COMPRESSED | VMDK_MARKERS : 0) |
		 (l->zeroed ? VMDK_ZERO_GRAIN : 0));
	put_le64(h + 12, l->sectors);
	put_le64(h + 20, GRAIN);
	put_le64(h + 28, 1);
	put_le64(h + 36, TEXT_LEN);
	put_le32(h + 44, ENTRIES);
	put_le64(h + 48, DIRECTORY_AT);
	put_le64(h + 56, l->second_at);
	put_le64(h + 64, l->data_at);
	memcpy(h + 73, "\n \r\n", 4);		/* whether somebody took it for a text */
	put_le16(h + 77, l->stream ? VMDK_DEFLATE : 0);
	return io_write(io, h, sizeof h, 0, err);
}

/* What would end it, or the line, is not in the name. */
static const char *name_in_text(const struct bp_image_spec *spec)
{
	const char *name = spec->name ? spec->name : "disk.vmdk";

	return name[strcspn(name, "\"\r\n")] || strlen(name) > 255 ? "disk.vmdk" : name;
}

static char *format_text(const struct bp_image_spec *spec, const struct layout *l)
{
	const char *adapter = spec->adapter ? spec->adapter : "ide";
	unsigned heads = strcmp(adapter, "ide") == 0 ? 16 : 255;
	uint64_t cylinders = l->sectors / (UINT64_C(63) * heads);
	uint32_t cid = 0;

	if (getrandom(&cid, sizeof cid, 0) != sizeof cid || !~cid)
		cid = 0x12345678;		/* all bits: none */
	return mem_printf("# Disk DescriptorFile\n"
			  "version=1\n"
			  "CID=%08" PRIx32 "\n"
			  "parentCID=ffffffff\n"
			  "createType=\"%s\"\n"
			  "\n"
			  "# Extent description\n"
			  "RW %" PRIu64 " SPARSE \"%s\"\n"
			  "\n"
			  "# The Disk Data Base\n"
			  "#DDB\n"
			  "\n"
			  "ddb.virtualHWVersion = \"%s\"\n"
			  "ddb.geometry.cylinders = \"%" PRIu64 "\"\n"
			  "ddb.geometry.heads = \"%u\"\n"
			  "ddb.geometry.sectors = \"63\"\n"
			  "ddb.adapterType = \"%s\"\n"
			  "ddb.toolsVersion = \"%s\"\n",
			  cid, l->stream ? "streamOptimized" : "monolithicSparse", l->sectors,
			  name_in_text(spec), spec->hardware ? spec->hardware : "4", cylinders,
			  heads, adapter, spec->tools ? spec->tools : "2147483647");
}

static int check(const struct bp_image_spec *spec, bool *ret_stream, struct bp_error *err)
{
	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED, "a vmdk image cannot be made with a backing "
			       "file");
	if (spec->preallocate)
		return bp_fail(err, BP_UNSUPPORTED, "a vmdk image cannot be allocated before");
	*ret_stream = spec->subformat && strcmp(spec->subformat, "streamOptimized") == 0;
	if (spec->subformat && !*ret_stream && strcmp(spec->subformat, "monolithicSparse") != 0)
		return bp_fail(err, BP_UNSUPPORTED, "a vmdk image of subformat '%s' cannot be made",
			       spec->subformat);
	if (!spec->capacity)
		return bp_fail(err, BP_INVALID, "a vmdk image has one sector at least");
	if (spec->capacity / IMAGE_SECTOR > UINT32_MAX)
		return bp_fail(err, BP_INVALID, "a vmdk image has at most %" PRIu64 " bytes",
			       (uint64_t)UINT32_MAX * IMAGE_SECTOR);
	return 0;
}

static int plan(const struct bp_image_spec *spec, struct layout *ret, struct bp_error *err)
{
	bool stream = false;

	if (check(spec, &stream, err) < 0)
		return -1;
	*ret = layout_for(spec->capacity);
	ret->stream = stream;
	ret->zeroed = spec->zeroed_grains;
	return 0;
}

/* All but the header: the text, directories, and tables of nothing. */
static int write_empty(struct bp_io *io, const struct bp_image_spec *spec, const struct layout *l,
		       struct bp_error *err)
{
	auto_free char *text = format_text(spec, l);
	uint64_t end = l->data_at * IMAGE_SECTOR;

	if (image_clear(io, end, end, err) < 0)
		return -1;
	for (int second = 0; second < 2; second++) {
		uint64_t at = second ? l->second_at : DIRECTORY_AT;

		if (image_numbers(io, at * IMAGE_SECTOR, (uint32_t)(at + l->directory), TABLE,
				  l->tables, err) < 0)
			return -1;
	}
	return io_write(io, text, strlen(text), IMAGE_SECTOR, err);
}

int vmdk_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err)
{
	struct layout l = { 0 };

	return plan(spec, &l, err) < 0 || write_empty(io, spec, &l, err) < 0 ? -1 :
	       write_header(io, &l, err);
}

/* ---- filled ------------------------------------------------------------------------- */

#define GRAIN_SIZE ((uint64_t)GRAIN * IMAGE_SECTOR)

struct vmdk_writer {
	struct blocks_writer b;
	struct layout l;
};

static int end(struct blocks_writer *b, uint64_t at, struct bp_error *err)
{
	at = (at + GRAIN_SIZE - 1) / GRAIN_SIZE * GRAIN_SIZE;
	return image_clear(b->w.io, 0, at, err) < 0 || io_sync(b->w.io, err) < 0 ? -1 :
	       write_header(b->w.io, &((struct vmdk_writer *)b)->l, err);
}

/* A marker comes before it, and it ends with a sector. */
static int place_packed(struct bp_writer *w, uint64_t at, size_t len, uint64_t *ret,
			struct bp_error *err)
{
	struct blocks_writer *b = (struct blocks_writer *)w;
	uint64_t to = b->next, sectors = (VMDK_MARKER + len + IMAGE_SECTOR - 1) / IMAGE_SECTOR;
	unsigned char marker[VMDK_MARKER];

	if (blocks_writer_number(b, at / GRAIN_SIZE, to / IMAGE_SECTOR, err) < 0)
		return -1;
	put_le64(marker, at / IMAGE_SECTOR);
	put_le32(marker + 8, (uint32_t)len);
	b->next += sectors * IMAGE_SECTOR;
	*ret = to + VMDK_MARKER;
	return io_write(w->io, marker, sizeof marker, to, err);
}

/* Its tables come before its grains, as in what QEMU makes, so it can be read from both
 * ends. */
int vmdk_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
	       struct bp_error *err)
{
	static const struct bp_writer_ops packed = {
		.place_packed = place_packed, .finish = blocks_writer_finish,
		.close = blocks_writer_close,
	};
	struct blocks_writer b = { .stride = GRAIN_SIZE, .step = GRAIN, .end = end, .n_tables = 2 };
	struct layout l = { 0 };
	struct vmdk_writer *w;

	if (plan(spec, &l, err) < 0 || write_empty(io, spec, &l, err) < 0)
		return -1;
	b.w = (struct bp_writer){
		.ops = l.stream ? &packed : NULL, .io = io,
		.capacity = l.sectors * IMAGE_SECTOR, .unit = GRAIN_SIZE,
		.span = UINT64_C(1) << 62, .packing = CODEC_ZLIB,
		.packed_most = l.stream ? GRAIN_SIZE + GRAIN_SIZE / 8 : 0,
	};
	b.first = l.data_at;
	b.data_at = l.data_at * IMAGE_SECTOR;
	for (int second = 0; second < 2; second++)
		b.tables[second] = (struct numbers){
			.at = ((second ? l.second_at : DIRECTORY_AT) + l.directory) * IMAGE_SECTOR,
			.n = l.tables * ENTRIES,
		};
	w = blocks_writer_new(sizeof *w, &b);
	w->l = l;
	*ret = &w->b.w;
	return 0;
}

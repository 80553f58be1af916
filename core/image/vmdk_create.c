/* vmdk_create.c - an empty VMDK in one sparse file. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/empty.h"
#include "core/image/vmdk.h"

/* In sectors: header, text, and then directory and tables, twice. */
enum { GRAIN = 128, ENTRIES = 512, TABLE = 4, TEXT_LEN = 20, DIRECTORY_AT = 1 + TEXT_LEN };

struct layout {
	uint64_t sectors, tables, directory, second_at, data_at;
};

static struct layout plan(uint64_t capacity)
{
	struct layout l = { .sectors = (capacity + IMAGE_SECTOR - 1) / IMAGE_SECTOR };
	uint64_t grains = (l.sectors + GRAIN - 1) / GRAIN;

	l.tables = (grains + ENTRIES - 1) / ENTRIES;
	l.directory = (l.tables * 4 + IMAGE_SECTOR - 1) / IMAGE_SECTOR;
	l.second_at = DIRECTORY_AT + l.directory + l.tables * TABLE;
	l.data_at = (l.second_at + l.directory + l.tables * TABLE + GRAIN - 1) / GRAIN * GRAIN;
	return l;
}

static void format_header(unsigned char h[IMAGE_SECTOR], const struct layout *l, bool stream)
{
	memcpy(h, VMDK_MAGIC, 4);
	put_le32(h + 4, stream ? 3 : 1);
	put_le32(h + 8, 1 | VMDK_RGD | (stream ? VMDK_COMPRESSED | VMDK_MARKERS : 0));
	put_le64(h + 12, l->sectors);
	put_le64(h + 20, GRAIN);
	put_le64(h + 28, 1);
	put_le64(h + 36, TEXT_LEN);
	put_le32(h + 44, ENTRIES);
	put_le64(h + 48, DIRECTORY_AT);
	put_le64(h + 56, l->second_at);
	put_le64(h + 64, l->data_at);
	memcpy(h + 73, "\n \r\n", 4);		/* whether somebody took it for a text */
	put_le16(h + 77, stream ? VMDK_DEFLATE : 0);
}

/* What would end it, or the line, is not in the name. */
static const char *name_in_text(const struct bp_image_spec *spec)
{
	const char *name = spec->name ? spec->name : "disk.vmdk";

	return name[strcspn(name, "\"\r\n")] || strlen(name) > 255 ? "disk.vmdk" : name;
}

static char *format_text(const struct bp_image_spec *spec, const struct layout *l, bool stream)
{
	uint64_t cylinders = l->sectors / (UINT64_C(63) * 16);
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
			  "ddb.virtualHWVersion = \"4\"\n"
			  "ddb.geometry.cylinders = \"%" PRIu64 "\"\n"
			  "ddb.geometry.heads = \"16\"\n"
			  "ddb.geometry.sectors = \"63\"\n"
			  "ddb.adapterType = \"ide\"\n"
			  "ddb.toolsVersion = \"2147483647\"\n",
			  cid, stream ? "streamOptimized" : "monolithicSparse", l->sectors,
			  name_in_text(spec), cylinders);
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

int vmdk_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err)
{
	struct layout l = plan(spec->capacity);
	unsigned char header[IMAGE_SECTOR] = { 0 };
	auto_free char *text = NULL;
	bool stream = false;

	if (check(spec, &stream, err) < 0)
		return -1;
	text = format_text(spec, &l, stream);
	format_header(header, &l, stream);
	for (int second = 0; second < 2; second++) {
		uint64_t at = second ? l.second_at : DIRECTORY_AT;

		if (!second && image_clear(io, l.data_at * IMAGE_SECTOR, l.data_at * IMAGE_SECTOR,
					   err) < 0)
			return -1;
		if (image_numbers(io, at * IMAGE_SECTOR, (uint32_t)(at + l.directory), TABLE,
				  l.tables, err) < 0)
			return -1;
	}
	if (io_write(io, text, strlen(text), IMAGE_SECTOR, err) < 0)
		return -1;
	return io_write(io, header, sizeof header, 0, err);
}

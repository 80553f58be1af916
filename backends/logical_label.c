/* logical_label.c - what LVM has written on a device that is its own.
 *
 * A label names the areas in which LVM keeps what it knows of the group, and each
 * area has a header that tells where in it that is now, and its checksum: so the
 * header changes with each change to the group.
 *
 * A device is marked as used a moment before the group is written to it.  When that
 * was never done, LVM finds the mark and no group, as it does when the group is on
 * other devices, which are missing, or is damaged.  What is on the device tells.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/bytes.h"

enum {
	SECTOR = 512, LABEL_SECTORS = 4,
	BLOCK = 4096,			/* what can be read past the kernel's memory, of any disk */
	/* of the label, from its beginning */
	LABEL_SUM = 16, LABEL_TYPE = 24, LABEL_CONTENT = 20,
	/* of its content: a UUID, a size, then two lists of areas */
	UUID = 32, AREAS = 40, AREA = 16,
	/* of an area for metadata */
	AREA_MAGIC = 4, AREA_VERSION = 20, AREA_SIZE = 32, AREA_GROUP = 40, AREA_GROUP_LEN = 24,
	/* of where the group is: now, and then, as it is going to be */
	GROUP_SIZE = 8, GROUP_SUM = 16, GROUP_FLAGS = 20,
	GROUP_IGNORED = 1,
};

#define FIRST ((size_t)2 * BLOCK)	/* read at once */

static const char magic[] = " LVM2 x[5A%r0N*>";

/* Areas of either list end with one that begins nowhere. */
static uint64_t end_of_list(struct bytes label, uint64_t at)
{
	while (le64_at(label, at))
		at += AREA;
	return at + AREA;
}

static bool find_label(struct bytes head, struct bytes *ret)
{
	for (size_t at = 0; at + SECTOR <= head.len; at += SECTOR) {
		*ret = (struct bytes){ head.p + at, SECTOR };
		if (memcmp(ret->p, "LABELONE", 8) == 0 &&
		    memcmp(ret->p + LABEL_TYPE, "LVM2 001", 8) == 0)
			return true;
	}
	return false;
}

static bool is_area(struct bytes head)
{
	return memcmp(head.p + AREA_MAGIC, magic, strlen(magic)) == 0 &&
	       le32_at(head, AREA_VERSION) == 1;
}

/* Is this an area for metadata, and no group in it? */
static bool is_blank(int fd, uint64_t at)
{
	static const unsigned char none[AREA_GROUP_LEN];
	unsigned char p[SECTOR];

	if (at > INT64_MAX - SECTOR || pread(fd, p, sizeof p, (off_t)at) != sizeof p)
		return false;
	return is_area((struct bytes){ p, sizeof p }) &&
	       memcmp(p + AREA_GROUP, none, sizeof none) == 0;
}

bool label_is_blank(int fd)
{
	unsigned char p[LABEL_SECTORS * SECTOR];
	struct bytes label;
	uint64_t at, area;
	size_t n = 0;

	if (pread(fd, p, sizeof p, 0) != sizeof p ||
	    !find_label((struct bytes){ p, sizeof p }, &label))
		return false;
	at = end_of_list(label, le32_at(label, LABEL_CONTENT) + AREAS);
	for (; (area = le64_at(label, at)) != 0; at += AREA, n++)
		if (!is_blank(fd, area))
			return false;
	return n > 0;
}

/* ---- whose it is, and whether that has changed ---------------------------------------- */

/* A device opened so that the disk itself is asked; label and header of the first area are
 * in its first blocks, as LVM makes it. */
struct device {
	int fd;
	unsigned char *first;
	struct bytes label;
};

static void device_done(struct device *d)
{
	free(d->first);
}

static bool device_read(struct device *d, int fd)
{
	d->fd = fd;
	d->first = mem_pages(FIRST);
	return pread(fd, d->first, FIRST, 0) == (ssize_t)FIRST &&
	       find_label((struct bytes){ d->first, (size_t)LABEL_SECTORS * SECTOR }, &d->label);
}

/* The block in which this is. */
static bool read_block(const struct device *d, uint64_t at, unsigned char *to)
{
	if (at < FIRST) {
		memcpy(to, d->first + at / BLOCK * BLOCK, BLOCK);
		return true;
	}
	return at < INT64_MAX - BLOCK &&
	       pread(d->fd, to, BLOCK, (off_t)(at / BLOCK * BLOCK)) == BLOCK;
}

static struct bytes from(const unsigned char *block, uint64_t at)
{
	return (struct bytes){ block + at % BLOCK, BLOCK - at % BLOCK };
}

/* The text of a group begins "NAME {\nid = ...\nseqno = N\n". */
static bool has_seqno(struct bytes text, const char *seqno)
{
	auto_free char *line = mem_printf("\nseqno = %s\n", seqno);

	return memmem(text.p, text.len, line, strlen(line)) != NULL;
}

/* The state of one area; while LVM is about to write there, that cannot be told. */
static bool tell_area(const struct device *d, uint64_t at, const char *seqno, unsigned char *block,
		      struct text *to)
{
	struct bytes head;
	uint64_t offset;
	uint32_t flags;

	if (at % SECTOR || !read_block(d, at, block))
		return false;
	head = from(block, at);
	offset = le64_at(head, AREA_GROUP);
	flags = le32_at(head, AREA_GROUP + GROUP_FLAGS);
	if (!is_area(head) || le64_at(head, AREA_GROUP + AREA_GROUP_LEN))
		return false;
	text_addf(to, " %" PRIu64 ":%" PRIu64 "+%" PRIu64 ":%" PRIx32 ":%" PRIu32, at, offset,
		  le64_at(head, AREA_GROUP + GROUP_SIZE), le32_at(head, AREA_GROUP + GROUP_SUM),
		  flags);
	if (!seqno || flags & GROUP_IGNORED)
		return true;
	return offset && at < INT64_MAX / 2 && offset < INT64_MAX / 2 &&
	       read_block(d, at + offset, block) && has_seqno(from(block, at + offset), seqno);
}

bool label_tell(int fd, const char *seqno, struct text *to)
{
	auto_free unsigned char *block = mem_pages(BLOCK);
	cleanup(device_done) struct device d = { 0 };
	uint64_t at, area;

	if (!device_read(&d, fd))
		return false;
	at = le32_at(d.label, LABEL_CONTENT);
	if (!bytes_has(d.label, at, UUID))
		return false;
	text_addf(to, "%.*s %" PRIx32, UUID, (const char *)d.label.p + at,
		  le32_at(d.label, LABEL_SUM));
	at = end_of_list(d.label, at + AREAS);
	for (; (area = le64_at(d.label, at)) != 0; at += AREA)
		if (!tell_area(&d, area, seqno, block, to))
			return false;
	return true;
}

/* ---- what is written there -------------------------------------------------------------- */

#define TEXT_MAX (16u << 20)

/* As LVM computes it: with a beginning of its own, and not turned over at the end. */
static uint32_t checksum(const unsigned char *p, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t sum = 0xf597a6cf;

	while (len--) {
		sum ^= *p++;
		sum = sum >> 4 ^ table[sum & 15];
		sum = sum >> 4 ^ table[sum & 15];
	}
	return sum;
}

/* Of any length and from anywhere, in blocks from the disk itself. */
static bool read_bytes(int fd, uint64_t from_byte, size_t len, char *to)
{
	uint64_t start = from_byte / BLOCK * BLOCK;
	size_t before = (size_t)(from_byte - start);
	size_t n = (before + len + BLOCK - 1) / BLOCK * BLOCK;
	auto_free char *blocks = mem_pages(n);

	if (from_byte > INT64_MAX - TEXT_MAX || pread(fd, blocks, n, (off_t)start) != (ssize_t)n)
		return false;
	memcpy(to, blocks + before, len);
	return true;
}

/* The text goes round: after the area's end comes what is behind its header. */
static char *area_text(int fd, uint64_t at, struct bytes head)
{
	uint64_t offset = le64_at(head, AREA_GROUP), size = le64_at(head, AREA_GROUP + GROUP_SIZE);
	uint64_t area = le64_at(head, AREA_SIZE), first;
	auto_free char *text = NULL;

	if (!size || size > TEXT_MAX || offset < SECTOR || offset >= area ||
	    size > area - SECTOR || area > INT64_MAX / 2 || at > INT64_MAX / 2)
		return NULL;
	text = mem_alloc(size + 1);
	first = size < area - offset ? size : area - offset;
	if (!read_bytes(fd, at + offset, first, text) ||
	    (size > first && !read_bytes(fd, at + SECTOR, size - first, text + first)) ||
	    checksum((unsigned char *)text, size) != le32_at(head, AREA_GROUP + GROUP_SUM))
		return NULL;
	return steal(text);
}

char *label_text(int fd)
{
	auto_free unsigned char *block = mem_pages(BLOCK);
	cleanup(device_done) struct device d = { 0 };
	struct bytes area;
	uint64_t at, area_at;

	if (!device_read(&d, fd))
		return NULL;
	at = end_of_list(d.label, le32_at(d.label, LABEL_CONTENT) + AREAS);
	for (; (area_at = le64_at(d.label, at)) != 0; at += AREA) {
		if (area_at % SECTOR || !read_block(&d, area_at, block))
			return NULL;
		area = from(block, area_at);
		if (!is_area(area))
			return NULL;
		if (!(le32_at(area, AREA_GROUP + GROUP_FLAGS) & GROUP_IGNORED))
			return area_text(fd, area_at, area);
	}
	return NULL;
}

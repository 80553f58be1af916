/* logical_label.c - has a device that is LVM's ever been a part of a group?
 *
 * A device is marked as used a moment before the group is written to it.  When that
 * was never done, LVM finds the mark and no group, as it does when the group is on
 * other devices, which are missing, or is damaged.  What is on the device tells.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "backends/logical.h"
#include "core/image/bytes.h"

enum {
	SECTOR = 512, LABEL_SECTORS = 4,
	/* of the label, from its beginning */
	LABEL_TYPE = 24, LABEL_CONTENT = 20,
	/* of its content: a UUID, a size, then two lists of areas */
	AREAS = 40, AREA = 16,
	/* of an area for metadata */
	AREA_MAGIC = 4, AREA_VERSION = 20, AREA_GROUP = 40, AREA_GROUP_LEN = 24,
};

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

/* Is this an area for metadata, and no group in it? */
static bool is_blank(int fd, uint64_t at)
{
	static const unsigned char none[AREA_GROUP_LEN];
	unsigned char p[SECTOR];

	if (at > INT64_MAX - SECTOR || pread(fd, p, sizeof p, (off_t)at) != sizeof p)
		return false;
	return memcmp(p + AREA_MAGIC, magic, strlen(magic)) == 0 &&
	       le32_at((struct bytes){ p, sizeof p }, AREA_VERSION) == 1 &&
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

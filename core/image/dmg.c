/* dmg.c - disk images of macOS: what their trailer says. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/dmg.h"

#define MAGIC "koly"

enum { TRAILER = DMG_TRAILER, VERSION_AT = 4, LENGTH_AT = 8, SECTORS_AT = 492, VERSION = 4 };

int dmg_trailer_read(const struct bp_image_head *head, unsigned char buf[TRAILER],
		     struct bp_error *err)
{
	if (head->size < TRAILER) {
		memset(buf, 0, TRAILER);
		return 0;
	}
	return image_bytes(head, "trailer", buf, TRAILER, head->size - TRAILER, err);
}

static bool is_trailer(struct bytes b)
{
	return memcmp(b.p, MAGIC, 4) == 0 && be32_at(b, VERSION_AT) == VERSION &&
	       be32_at(b, LENGTH_AT) == TRAILER;
}

static int dmg_seen(const struct bp_image_head *head, bool trailer, struct bp_error *err)
{
	unsigned char buf[TRAILER];

	if (!trailer)
		return 0;
	if (dmg_trailer_read(head, buf, err) < 0)
		return -1;
	return is_trailer((struct bytes){ buf, TRAILER });
}

int dmg_capacity(const struct bp_image_head *head, uint64_t *ret, struct bp_error *err)
{
	unsigned char buf[TRAILER];
	uint64_t sectors;

	if (dmg_trailer_read(head, buf, err) < 0)
		return -1;
	sectors = be64_at((struct bytes){ buf, TRAILER }, SECTORS_AT);
	if (sectors > INT64_MAX / IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "the capacity in the dmg trailer, %" PRIu64
			       " sectors, is absurd", sectors);
	*ret = sectors * IMAGE_SECTOR;
	return 0;
}

static int dmg_probe(const struct bp_image_head *head, struct bp_image_info *ret,
		     struct bp_error *err)
{
	return dmg_capacity(head, &ret->capacity, err);
}

static int dmg_facts(const struct bp_image_head *head, struct bp_image_facts *ret,
		     struct bp_error *err)
{
	ret->knows_dirty = false;
	return dmg_capacity(head, &ret->capacity, err);
}

const struct bp_image_format image_dmg = {
	.name  = "dmg",
	.seen  = dmg_seen,
	.probe = dmg_probe,
	.facts = dmg_facts,
	.open  = dmg_open,
};

/* vdi_check.c - where the blocks of a VDI are, and whether there are as many as it says. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/image/checking.h"
#include "core/image/vdi.h"

/* QEMU knows of no blocks behind as many as the guest has. */
static void check_place(struct checking *c, const struct vdi *v, uint64_t block, uint64_t place)
{
	uint64_t at = v->data_at + place * VDI_BLOCK;

	if (!used_add(&c->used, place))
		checking_wrong(c, "block %" PRIu64 " has place %" PRIu64 ", as another has", block,
			       place);
	else if (at >= c->size)
		checking_wrong(c, "block %" PRIu64 " is at %" PRIu64 ", and the file ends before",
			       block, at);
}

static int check_map(struct checking *c, const struct vdi *v, struct window *map,
		     struct bp_error *err)
{
	uint64_t used = 0, place;

	for (uint64_t i = 0; i < v->blocks; i++) {
		if (window_number(map, v->map_at + i * 4, 4, true, &place, err) < 0 ||
		    checking_progress(c, i, v->blocks, err) < 0)
			return -1;
		if (place >= VDI_DISCARDED)
			continue;
		if (place >= v->blocks) {
			checking_wrong(c, "block %" PRIu64 " has place %" PRIu64 ", where none "
				       "can be", i, place);
			continue;
		}
		used++;
		check_place(c, v, i, place);
	}
	if (used != v->used)
		checking_wrong(c, "%" PRIu64 " blocks have a place, and the header says %" PRIu32,
			       used, v->used);
	return 0;
}

/* Nothing says which of two blocks a place belongs to: what is wrong stays so. */
int vdi_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	      const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err)
{
	cleanup(checking_done) struct checking c = { 0 };
	cleanup(window_done) struct window map = { 0 };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	struct vdi v;

	(void)repair;
	if (image_head_read(io, buf, &head, err) < 0 || vdi_header_read(&head, &v, err) < 0)
		return -1;
	checking_init(&c, io, head.size, teller, progress);
	window_init(&map, io, head.size);
	if (check_map(&c, &v, &map, err) < 0)
		return -1;
	*ret = c.sum;
	return 0;
}

/* parallels_check.c - where the blocks of a Parallels image are, and what is behind them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/image/checking.h"
#include "core/image/parallels.h"

struct parallels_checking {
	struct checking c;		/* used: blocks of the file, each by one that is in it */
	struct parallels p;
	uint64_t block;			/* in bytes */
	uint64_t outside;		/* blocks past the end of the file */
	bool empties;			/* their entries */
};

static void parallels_checking_done(struct parallels_checking *k)
{
	checking_done(&k->c);
}

static uint64_t map_end(const struct parallels_checking *k)
{
	return PARALLELS_MAP_AT + k->p.entries * 4;
}

/* A block that is not there any more reads as zeros, or as what is below, from then on. */
static int take_outside(struct parallels_checking *k, uint64_t i, uint64_t at,
			struct bp_error *err)
{
	static const unsigned char nothing[4];

	checking_wrong(&k->c, "block %" PRIu64 " is past the end of the file, at %" PRIu64, i, at);
	k->outside++;
	return k->empties ? io_write(k->c.io, nothing, sizeof nothing, PARALLELS_MAP_AT + i * 4,
				     err) : 0;
}

/* QEMU counts the space of those that are outside, too. */
static int take_block(struct parallels_checking *k, uint64_t i, uint64_t at, uint64_t follows,
		      struct bp_error *err)
{
	struct bp_vol_check *sum = &k->c.sum;

	sum->allocated++;
	sum->fragmented += follows && at != follows;
	if (sum->end < at + k->block)
		sum->end = at + k->block;
	if (at >= k->c.end)
		return take_outside(k, i, at, err);
	if (at < map_end(k))
		checking_wrong(&k->c, "block %" PRIu64 " is at %" PRIu64 ", where the map is", i,
			       at);
	else if (!used_add(&k->c.used, at / k->block))
		checking_wrong(&k->c, "block %" PRIu64 " is at %" PRIu64 ", where another is", i,
			       at);
	return 0;
}

static int check_map(struct parallels_checking *k, struct bp_error *err)
{
	cleanup(entries_done) struct entries e = { 0 };
	uint64_t i, entry, last = 0, follows = 0;
	int r;

	entries_init(&e, k->c.io, k->c.size, PARALLELS_MAP_AT, k->p.entries, 4);
	while ((r = entries_next(&e, &i, &entry, err)) == 1) {
		uint64_t at = entry * k->p.unit * IMAGE_SECTOR;

		if (take_block(k, i, at, i == last + 1 ? follows : 0, err) < 0 ||
		    checking_progress(&k->c, i, k->p.entries, err) < 0)
			return -1;
		last = i;
		follows = at + k->block;
	}
	return r;
}

/* What is behind the last block is lost, if it is not the map; but not on a device, which has
 * its size, and not where there is more than blocks, of which we know nothing. */
static void count_leaks(struct parallels_checking *k)
{
	struct bp_vol_check *sum = &k->c.sum;

	if (!sum->end)
		sum->end = k->block;
	if (sum->end < map_end(k))
		sum->end = (map_end(k) + IMAGE_SECTOR - 1) / IMAGE_SECTOR * IMAGE_SECTOR;
	if (sum->end >= k->c.end || k->p.extended || io_is_block(k->c.io))
		return;
	sum->leaks = (k->c.end - sum->end + k->block - 1) / k->block;
	checking_tell(&k->c, "%" PRIu64 " bytes at the end are kept for nobody",
		      k->c.end - sum->end);
}

static int look(struct parallels_checking *k, bool empties, const struct bp_teller *teller,
		struct bp_error *err)
{
	struct bp_io *io = k->c.io;
	uint64_t size;

	if (io_size(io, &size, err) < 0)
		return -1;
	checking_done(&k->c);
	checking_init(&k->c, io, size, teller, k->c.progress);
	k->c.sum.total = k->p.entries;
	k->outside = 0;
	k->empties = empties;
	if (k->p.in_use)
		checking_wrong(&k->c, "the image was not closed");
	if (check_map(k, err) < 0)
		return -1;
	count_leaks(k);
	return 0;
}

/* Each entry is one write; that it was closed is noted when they are on the disk. */
static int repair_map(struct parallels_checking *k, struct bp_error *err)
{
	static const unsigned char closed[4];

	if (k->outside && (look(k, true, NULL, err) < 0 || io_sync(k->c.io, err) < 0))
		return -1;
	if (k->p.in_use && (io_write(k->c.io, closed, sizeof closed, PARALLELS_USE_AT, err) < 0 ||
			    io_sync(k->c.io, err) < 0))
		return -1;
	k->p.in_use = false;
	return look(k, false, NULL, err);
}

static int repair_all(struct parallels_checking *k, struct bp_error *err)
{
	uint64_t fixed = k->c.sum.corruptions, leaks;

	if (fixed && repair_map(k, err) < 0)
		return -1;
	leaks = k->c.sum.leaks;
	if (leaks && (io_resize(k->c.io, k->c.sum.end, err) < 0 || io_sync(k->c.io, err) < 0 ||
		      look(k, false, NULL, err) < 0))
		return -1;
	k->c.sum.corruptions_fixed = fixed;
	k->c.sum.leaks_fixed = leaks;
	return 0;
}

int parallels_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
		    const struct bp_progress *progress, struct bp_vol_check *ret,
		    struct bp_error *err)
{
	cleanup(parallels_checking_done) struct parallels_checking k = { .empties = false };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	uint64_t can;

	if (image_head_read(io, buf, &head, err) < 0 ||
	    parallels_header_read(&head, &k.p, err) < 0)
		return -1;
	k.block = k.p.block_sectors * IMAGE_SECTOR;
	k.c.io = io;
	k.c.progress = progress;
	if (look(&k, false, teller, err) < 0)
		return -1;
	can = repair == BP_REPAIR_ALL ? k.outside + k.p.in_use : 0;
	if (repair != BP_REPAIR_NOTHING && k.c.sum.corruptions == can && repair_all(&k, err) < 0)
		return -1;
	*ret = k.c.sum;
	return 0;
}

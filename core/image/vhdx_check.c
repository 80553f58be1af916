/* vhdx_check.c - where the blocks of a VHDX are, and what its log has that is nowhere else.
 *
 * A repair brings the log to where it belongs.  Whoever is killed meanwhile has the log still:
 * it is said to be empty when all of it has arrived, in one header and then in the other.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/image/checking.h"
#include "core/image/empty.h"
#include "core/image/vhdx.h"

struct vhdx_checking {
	struct checking c;		/* used: MiB of the file */
	struct vhdx v;
	struct bp_io *replayed;		/* or NULL */
};

static void vhdx_checking_done(struct vhdx_checking *k)
{
	checking_done(&k->c);
	io_close(k->replayed);
}

/* False: some of it is used already. */
static bool use(struct vhdx_checking *k, uint64_t at, uint64_t len)
{
	bool good = true;

	for (uint64_t i = at / VHDX_UNIT; i * VHDX_UNIT < at + len; i++)
		good &= used_add(&k->c.used, i);
	return good;
}

static void use_regions(struct vhdx_checking *k)
{
	const struct vhdx *v = &k->v;
	bool good = use(k, 0, VHDX_UNIT);

	good &= use(k, v->h.log_at, v->h.log_len);
	good &= use(k, v->bat_at, v->bat_len);
	good &= use(k, v->metadata_at, v->metadata_len);
	if (!good)
		checking_wrong(&k->c, "log, block table and metadata overlap");
}

static void take_entry(struct vhdx_checking *k, uint64_t i, uint64_t entry)
{
	uint64_t at = entry & ~(VHDX_UNIT - 1), len = k->v.block_size, end = k->c.end;

	if ((entry & VHDX_STATE) == VHDX_PARTLY_PRESENT)
		checking_wrong(&k->c, "entry %" PRIu64 " of the block table wants a parent, and "
			       "there is none", i);
	if ((entry & VHDX_STATE) != VHDX_FULLY_PRESENT)
		return;
	if (at >= end)
		checking_wrong(&k->c, "entry %" PRIu64 " of the block table leads to %" PRIu64
			       ", past the end of the file, %" PRIu64, i, at, end);
	else if (len > end - at)
		checking_wrong(&k->c, "the block of entry %" PRIu64 " of the block table reaches "
			       "to %" PRIu64 ", past the end of the file, %" PRIu64, i,
			       at + len - 1, end);
	else if (!use(k, at, len))
		checking_wrong(&k->c, "the block of entry %" PRIu64 " of the block table, at %"
			       PRIu64 ", is where something else is", i, at);
}

/* Behind so many blocks comes an entry of another kind, of which only a parent makes use. */
static int check_table(struct vhdx_checking *k, struct bp_error *err)
{
	const struct vhdx *v = &k->v;
	uint64_t blocks = (v->capacity + v->block_size - 1) / v->block_size;
	uint64_t ratio = (UINT64_C(1) << 23) * v->sector_size / v->block_size, i, entry;
	uint64_t n = blocks ? blocks + (blocks - 1) / ratio : 0;
	cleanup(entries_done) struct entries e = { 0 };
	int r;

	entries_init(&e, k->c.io, k->c.size, v->bat_at, n, 8);
	while ((r = entries_next(&e, &i, &entry, err)) == 1) {
		if (i % (ratio + 1) != ratio)
			take_entry(k, i, entry);
		if (checking_progress(&k->c, i, n, err) < 0)
			return -1;
	}
	return r;
}

static int look(struct vhdx_checking *k, struct bp_io *io, const struct bp_teller *teller,
		const struct bp_progress *progress, struct bp_error *err)
{
	uint64_t size;

	vhdx_checking_done(k);
	k->replayed = NULL;
	if (vhdx_load(io, &k->v, &size, &k->replayed, err) < 0)
		return -1;
	checking_init(&k->c, k->replayed ? k->replayed : io, size, teller, progress);
	if (k->v.has_parent)
		return bp_fail(err, BP_UNSUPPORTED, "this VHDX holds the differences from another "
			       "one, and cannot be checked alone");
	use_regions(k);
	return check_table(k, err);
}

/* Headers take turns: the one that does not count gets what shall count. */
static int close_log(struct bp_io *io, const struct vhdx_header *h, struct bp_error *err)
{
	unsigned char buf[VHDX_PAGE];

	if (h->sequence > UINT64_MAX - 2)
		return bp_fail(err, BP_CORRUPT, "the header of the VHDX was written too often");
	if (io_read(io, buf, sizeof buf, h->at, err) < 0)
		return -1;
	image_uuid(buf + VHDX_WRITTEN_AT);
	memset(buf + VHDX_LOG_AT, 0, VHDX_GUID);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t at = i ? h->at : 3 * VHDX_HEADERS_AT - h->at;

		put_le64(buf + VHDX_SEQUENCE_AT, h->sequence + 1 + i);
		put_le32(buf + VHDX_SUM_AT, vhdx_checksum(buf, sizeof buf, VHDX_SUM_AT));
		if (io_write(io, buf, sizeof buf, at, err) < 0 || io_sync(io, err) < 0)
			return -1;
	}
	return 0;
}

static int repair_log(struct vhdx_checking *k, struct bp_io *io, struct bp_error *err)
{
	const struct bp_progress *progress = k->c.progress;
	struct vhdx_header h = k->v.h;

	if (vhdx_log_write(k->replayed, &h, err) < 0 || close_log(io, &h, err) < 0 ||
	    look(k, io, NULL, progress, err) < 0)
		return -1;
	k->c.sum.corruptions_fixed = 1;
	return 0;
}

int vhdx_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	       const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err)
{
	cleanup(vhdx_checking_done) struct vhdx_checking k = { .replayed = NULL };

	if (look(&k, io, teller, progress, err) < 0)
		return -1;
	if (k.replayed && vhdx_log_counts(k.replayed)) {
		if (repair == BP_REPAIR_NOTHING)
			return bp_fail(err, BP_FAILED, "the VHDX was not closed: its log has what "
				       "is nowhere else, and a repair brings that to its place");
		/* Where there is damage that stays, all of it does. */
		if (k.c.sum.corruptions)
			checking_wrong(&k.c, "the log has what is nowhere else");
		else if (repair_log(&k, io, err) < 0)
			return -1;
	}
	*ret = k.c.sum;
	return 0;
}

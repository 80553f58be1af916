/* vmdk_check.c - where the grains of a VMDK are, and, if they are compressed, whether what
 * stands before them can be.
 *
 * What leads past the end of a file is no damage that is counted, but one that keeps the rest
 * from being known, as for QEMU; it stops at the first, though.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/image/checking.h"
#include "core/image/vmdk.h"

struct vmdk_checking {
	struct checking c;		/* used: sectors where tables begin */
	struct vmdk_header h;
	uint64_t from;			/* the first sector of it, as the guest counts them */
	uint64_t lost;			/* grains and tables past the end */
};

static void vmdk_checking_done(struct vmdk_checking *k)
{
	checking_done(&k->c);
}

static void loses(struct vmdk_checking *k, const char *what, uint64_t sector, uint64_t at)
{
	k->lost++;
	checking_tell(&k->c, "the %s of sector %" PRIu64 " is past the end of the file, at %"
		      PRIu64, what, k->from + sector, at);
}

/* Its first sector, and how long what follows is. */
static int check_marker(struct vmdk_checking *k, uint64_t sector, uint64_t at,
			struct bp_error *err)
{
	unsigned char buf[VMDK_MARKER];
	struct bytes b = { buf, sizeof buf };
	uint64_t left = k->c.size - at, len;

	if (left < sizeof buf) {
		checking_wrong(&k->c, "the grain of sector %" PRIu64 " is cut off",
			       k->from + sector);
		return 0;
	}
	if (io_read(k->c.io, buf, sizeof buf, at, err) < 0)
		return -1;
	len = le32_at(b, 8);
	if (le64_at(b, 0) != sector)
		checking_wrong(&k->c, "the grain of sector %" PRIu64 " says that it is of %" PRIu64,
			       k->from + sector, k->from + le64_at(b, 0));
	else if (!len || len > 2 * k->h.grain * IMAGE_SECTOR || len > left - sizeof buf)
		checking_wrong(&k->c, "the grain of sector %" PRIu64 " says that it has %" PRIu64
			       " bytes", k->from + sector, len);
	return 0;
}

static int check_grain(struct vmdk_checking *k, uint64_t sector, uint64_t entry,
		       struct bp_error *err)
{
	uint64_t at = entry * IMAGE_SECTOR;

	if (entry == VMDK_ZEROS && k->h.flags & VMDK_ZERO_GRAIN)
		return 0;
	if (at >= k->c.size)
		loses(k, "grain", sector, at);
	else if (k->h.compressed && k->h.flags & VMDK_MARKERS)
		return check_marker(k, sector, at, err);
	return 0;
}

/* Entries behind the capacity are nobody's. */
static int check_table(struct vmdk_checking *k, uint64_t sector, uint64_t at,
		       struct bp_error *err)
{
	uint64_t left = (k->h.capacity - sector + k->h.grain - 1) / k->h.grain, i, entry;
	uint64_t n = left < k->h.entries ? left : k->h.entries;
	cleanup(entries_done) struct entries e = { 0 };
	int r;

	if (at >= k->c.size || n * 4 > k->c.size - at) {
		loses(k, "table", sector, at);
		return 0;
	}
	if (!used_add(&k->c.used, at / IMAGE_SECTOR)) {
		checking_wrong(&k->c, "the table of sector %" PRIu64 " is that of others, too",
			       k->from + sector);
		return 0;
	}
	entries_init(&e, k->c.io, k->c.size, at, n, 4);
	while ((r = entries_next(&e, &i, &entry, err)) == 1)
		if (check_grain(k, sector + i * k->h.grain, entry, err) < 0)
			return -1;
	return r;
}

static int check_directory(struct vmdk_checking *k, struct bp_error *err)
{
	uint64_t span = k->h.entries * k->h.grain, i, entry;
	uint64_t n = (k->h.capacity + span - 1) / span;
	cleanup(entries_done) struct entries e = { 0 };
	int r;

	entries_init(&e, k->c.io, k->c.size, k->h.directory_at * IMAGE_SECTOR, n, 4);
	while ((r = entries_next(&e, &i, &entry, err)) == 1)
		if (check_table(k, i * span, entry * IMAGE_SECTOR, err) < 0 ||
		    progress_tell(k->c.progress, i, n, err) < 0)
			return -1;
	return r;
}

/* One sparse file, which has what the guest sees from a sector on; ret is added to. */
static int check_sparse(struct bp_io *io, uint64_t from, const struct bp_teller *teller,
			const struct bp_progress *progress, struct bp_vol_check *ret,
			uint64_t *lost, struct bp_error *err)
{
	cleanup(vmdk_checking_done) struct vmdk_checking k = { .from = from };
	struct bp_image_head head;
	unsigned char buf[IMAGE_HEAD];

	if (vmdk_sparse_read(io, buf, &head, &k.h, err) < 0)
		return -1;
	checking_init(&k.c, io, head.size, teller, progress);
	if (check_directory(&k, err) < 0)
		return -1;
	ret->corruptions += k.c.sum.corruptions;
	*lost += k.lost;
	return 0;
}

static int end(uint64_t lost, const struct bp_vol_check *sum, struct bp_vol_check *ret,
	       struct bp_error *err)
{
	if (lost)
		return bp_fail(err, BP_CORRUPT, "of the VMDK, %" PRIu64 " places are past the end "
			       "of its file", lost);
	*ret = *sum;
	return 0;
}

int vmdk_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	       const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err)
{
	struct bp_vol_check sum = { 0 };
	uint64_t lost = 0;

	(void)repair;
	if (check_sparse(io, 0, teller, progress, &sum, &lost, err) < 0)
		return -1;
	return end(lost, &sum, ret, err);
}

/* Of a flat one, there must be something. */
static int check_flat(const struct bp_image_part *p, uint64_t from, const struct bp_teller *teller,
		      uint64_t *lost, struct bp_error *err)
{
	struct vmdk_checking k = { .c = { .teller = teller }, .from = from };
	uint64_t size;

	if (io_size(p->io, &size, err) < 0)
		return -1;
	if (p->len && p->at >= size)
		loses(&k, "grain", 0, p->at);
	*lost += k.lost;
	return 0;
}

int vmdk_check_parts(const struct bp_image_parts *parts, const struct bp_teller *teller,
		     const struct bp_progress *progress, struct bp_vol_check *ret,
		     struct bp_error *err)
{
	struct bp_vol_check sum = { 0 };
	uint64_t from = 0, lost = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct bp_image_part *p = &parts->parts[i];

		if (p->io && (p->flat ? check_flat(p, from, teller, &lost, err) :
			      check_sparse(p->io, from, teller, progress, &sum, &lost, err)) < 0)
			return bp_within(err, "'%s'", p->name);
		from += p->len / IMAGE_SECTOR;
	}
	return end(lost, &sum, ret, err);
}

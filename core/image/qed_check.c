/* qed_check.c - what the tables of a qed image lead to.
 *
 * There are no counts: a cluster is in use because a table leads to it.  One that leads to
 * where nothing can be has lost what it led to, and is emptied by a repair; of a cluster that
 * is used twice nobody knows whose it is, and no cluster in the middle can be given back.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/checking.h"
#include "core/image/qed.h"

struct qed_checking {
	struct checking c;		/* used: clusters */
	struct qed q;
	uint64_t clusters;		/* of the file, the header's among them */
	uint64_t in_use, behind;	/* behind: the last of them */
	bool empties;			/* entries that lead nowhere */
	uint64_t emptied;
};

static void qed_checking_done(struct qed_checking *k)
{
	checking_done(&k->c);
}

/* n clusters that begin there.  False: not all of them are, or the header is there. */
static bool is_possible(const struct qed_checking *k, uint64_t at, uint64_t n)
{
	uint64_t first = at / k->q.cluster;

	return at % k->q.cluster == 0 && first >= k->q.header && first < k->clusters &&
	       n <= k->clusters - first;
}

/* How many of n clusters are others' already. */
static uint64_t use(struct qed_checking *k, uint64_t at, uint64_t n)
{
	uint64_t first = at / k->q.cluster, twice = 0;

	for (uint64_t i = first; i < first + n; i++) {
		if (used_add(&k->c.used, i))
			k->in_use++;
		else
			twice++;
	}
	if (k->behind < first + n)
		k->behind = first + n;
	k->c.sum.corruptions += twice;
	return twice;
}

/* An entry, at entry_at in the file. */
static int leads_nowhere(struct qed_checking *k, const char *of, uint64_t i, uint64_t entry_at,
			 uint64_t at, struct bp_error *err)
{
	static const unsigned char nothing[8];

	checking_wrong(&k->c, "entry %" PRIu64 " of %s leads to %" PRIu64 ", where nothing can be",
		       i, of, at);
	k->emptied++;
	return k->empties ? io_write(k->c.io, nothing, sizeof nothing, entry_at, err) : 0;
}

static int check_l2(struct qed_checking *k, uint64_t table_at, struct bp_error *err)
{
	cleanup(entries_done) struct entries e = { 0 };
	uint64_t i, at, last = 0;
	int r;

	entries_init(&e, k->c.io, k->c.size, table_at, k->q.entries, 8);
	while ((r = entries_next(&e, &i, &at, err)) == 1) {
		if (at == QED_ZERO_CLUSTER)
			continue;
		k->c.sum.allocated++;
		k->c.sum.fragmented += last && at != last + k->q.cluster;
		last = at;
		if (!is_possible(k, at, 1)) {
			if (leads_nowhere(k, "an L2 table", i, table_at + i * 8, at, err) < 0)
				return -1;
		} else if (use(k, at, 1)) {
			checking_tell(&k->c, "the cluster at %" PRIu64 " is used twice, by entry %"
				      PRIu64 " of an L2 table, too", at, i);
		}
	}
	return r;
}

static int check_l1(struct qed_checking *k, struct bp_error *err)
{
	cleanup(entries_done) struct entries e = { 0 };
	uint64_t i, at;
	int r;

	entries_init(&e, k->c.io, k->c.size, k->q.l1_at, k->q.entries, 8);
	while ((r = entries_next(&e, &i, &at, err)) == 1) {
		if (!is_possible(k, at, k->q.table))
			r = leads_nowhere(k, "the L1 table", i, k->q.l1_at + i * 8, at, err);
		else if (use(k, at, k->q.table))
			checking_tell(&k->c, "the L2 table at %" PRIu64 ", of entry %" PRIu64
				      " of the L1 table, has clusters that are used already", at,
				      i);
		else
			r = check_l2(k, at, err);
		if (r < 0 || progress_tell(k->c.progress, i, k->q.entries, err) < 0)
			return -1;
	}
	return r;
}

/* On a device nobody knows where the image ends. */
static void count_leaks(struct qed_checking *k)
{
	uint64_t end = io_is_block(k->c.io) ? k->behind : k->clusters;

	k->c.sum.leaks = end - k->q.header - k->in_use;
	if (k->c.sum.leaks)
		checking_tell(&k->c, "%" PRIu64 " clusters are kept for nobody", k->c.sum.leaks);
}

static int walk(struct qed_checking *k, bool empties, const struct bp_teller *teller,
		struct bp_error *err)
{
	used_done(&k->c.used);
	k->c.teller = teller;
	k->c.sum = (struct bp_vol_check){
		.total = (k->q.capacity + k->q.cluster - 1) / k->q.cluster,
	};
	k->in_use = k->behind = k->emptied = 0;
	k->empties = empties;
	(void)use(k, k->q.l1_at, k->q.table);
	if (check_l1(k, err) < 0)
		return -1;
	count_leaks(k);
	return 0;
}

/* Each entry is one write, and none that leads nowhere is missed.  That all of it was looked
 * at is noted when the entries are on the disk. */
static int repair_all(struct qed_checking *k, struct bp_error *err)
{
	uint64_t fixed = k->emptied;
	unsigned char features[8];

	if (fixed && (walk(k, true, NULL, err) < 0 || io_sync(k->c.io, err) < 0 ||
		      walk(k, false, NULL, err) < 0))
		return -1;
	k->c.sum.corruptions_fixed = fixed;
	if (!(k->q.features & QED_NEED_CHECK))
		return 0;
	put_le64(features, k->q.features & ~(uint64_t)QED_NEED_CHECK);
	return io_write(k->c.io, features, sizeof features, QED_FEATURES_AT, err) < 0 ? -1 :
	       io_sync(k->c.io, err);
}

int qed_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	      const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err)
{
	cleanup(qed_checking_done) struct qed_checking k = { .empties = false };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	uint64_t can;

	if (image_head_read(io, buf, &head, err) < 0 || qed_header_read(&head, &k.q, err) < 0)
		return -1;
	checking_init(&k.c, io, head.size, teller, progress);
	k.clusters = k.c.end / k.q.cluster;
	if (!is_possible(&k, k.q.l1_at, k.q.table))
		return bp_fail(err, BP_CORRUPT, "the L1 table of the qed image is at %" PRIu64
			       ", where none can be", k.q.l1_at);
	if (walk(&k, false, teller, err) < 0)
		return -1;
	can = repair == BP_REPAIR_ALL ? k.emptied : 0;
	if (repair != BP_REPAIR_NOTHING && k.c.sum.corruptions == can && repair_all(&k, err) < 0)
		return -1;
	*ret = k.c.sum;
	return 0;
}

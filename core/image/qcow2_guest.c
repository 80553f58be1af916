/* qcow2_guest.c - what the guest of a qcow2 image sees. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/codec.h"
#include "core/image/qcow2_tree.h"

/* L2 tables that are kept: so many bytes, and at least two, as of who reads here and there. */
#define KEPT_BYTES (1u << 20)
#define PACKED	   (256u << 10)		/* compressed bytes that are read at once */
#define PARTS	   32			/* of a cluster, with extended L2 entries */

struct qcow2_guest {
	struct bp_guest g;
	struct qcow2 q;
	uint64_t data_size;		/* of the file that the guest's bytes are in */
	uint64_t *l1, n_l1;
	uint64_t odd;			/* qcow2_entry_odd() */
	struct kept {
		uint64_t at, used;	/* in the file, 0: nothing; and when it was wanted last */
		unsigned char *buf;
	} *kept;
	size_t n_kept;
	uint64_t clock;
	enum codec_kind packing;
	struct codec *codec;
	unsigned char *packed;		/* bytes of the file: PACKED, or two clusters */
	uint64_t packed_at, packed_end;	/* from here to there */
	unsigned char *unpacked;	/* the cluster that was unpacked last, in part wanted */
	uint64_t unpacked_at;		/* of the guest, or BP_NOWHERE */
};

/* A place in the tree: an entry of an L2 table. */
struct place {
	struct bytes table;		/* .len 0: there is none */
	uint64_t i;
};

/* ---- tables -------------------------------------------------------------------------- */

static int read_table(struct qcow2_guest *g, uint64_t at, struct bytes *ret, struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&g->q.h);
	struct kept *k = g->kept;

	for (size_t i = 0; i < g->n_kept && k->at != at; i++)
		if (g->kept[i].at == at || g->kept[i].used < k->used)
			k = &g->kept[i];
	if (k->at != at) {
		if (!qcow2_table_possible(&g->q, at))
			return bp_fail(err, BP_CORRUPT, "the L2 table at %" PRIu64
				       " is not inside the file, or begins within a cluster: "
				       "repair the image first", at);
		if (!k->buf)
			k->buf = mem_resize(NULL, size, 1);
		k->at = 0;
		if (io_read(g->q.io, k->buf, size, at, err) < 0)
			return -1;
		k->at = at;
	}
	k->used = ++g->clock;
	*ret = (struct bytes){ k->buf, size };
	return 0;
}

static int find_place(struct qcow2_guest *g, uint64_t at, struct place *ret, struct bp_error *err)
{
	const struct qcow2_header *h = &g->q.h;
	uint64_t l2 = qcow2_l1_target(g->l1[at >> qcow2_l1_bits(h)]);

	*ret = (struct place){ .i = at >> h->cluster_bits & (qcow2_l2_entries(h) - 1) };
	return l2 ? read_table(g, l2, &ret->table, err) : 0;
}

static struct qcow2_entry entry_at(const struct qcow2_guest *g, struct place p)
{
	return qcow2_entry_at(&g->q.h, g->odd, p.table, p.i);
}

/* ---- where data is -------------------------------------------------------------------- */

/* How many parts of a cluster, from this one on, are as the bits of a word say. */
static unsigned parts_alike(uint32_t word, unsigned from)
{
	uint32_t rest = word >> from;

	if (rest & 1)
		rest = ~rest;
	else if (!rest)
		return PARTS - from;
	rest = rest ? (uint32_t)__builtin_ctz(rest) : PARTS;
	return rest < PARTS - from ? rest : PARTS - from;
}

/* A cluster may be there, zero, and left to the backing file in parts. */
static void see_parts(const struct qcow2_guest *g, struct place p, const struct qcow2_entry *e,
		      struct bp_guest_extent *ret)
{
	uint64_t part = qcow2_cluster_size(&g->q.h) / PARTS, word = be64_at(p.table, p.i * 16 + 8);
	uint32_t there = (uint32_t)word, zero = (uint32_t)(word >> 32);
	uint64_t in = ret->at & (qcow2_cluster_size(&g->q.h) - 1);
	unsigned from = (unsigned)(in / part), a = parts_alike(there, from),
		 b = parts_alike(zero, from);

	ret->kind = there >> from & 1 ? BP_GUEST_DATA :
		    zero >> from & 1  ? BP_GUEST_ZERO : BP_GUEST_HOLE;
	ret->len = (from + (a < b ? a : b)) * part - in;
	ret->file_at = e->kind == QCOW2_DATA ? e->at + in : BP_NOWHERE;
}

/* In a file of their own the guest's bytes are where the guest has them, and as they are. */
static int check_elsewhere(const struct qcow2_entry *e, uint64_t at, struct bp_error *err)
{
	if (e->kind == QCOW2_COMPRESSED)
		return bp_fail(err, BP_CORRUPT, "what the guest has at %" PRIu64 " is compressed, "
			       "though the data of the image is in another file", at);
	if ((e->kind == QCOW2_DATA || e->kind == QCOW2_ZERO_KEPT) && e->at != at)
		return bp_fail(err, BP_CORRUPT, "what the guest has at %" PRIu64 " is said to be "
			       "at %" PRIu64 " of the data file, where it cannot be", at, e->at);
	return 0;
}

/* What begins at ret->at, up to the end of its cluster at most. */
static int see(const struct qcow2_guest *g, struct place p, struct bp_guest_extent *ret,
	       struct bp_error *err)
{
	static const enum bp_guest_kind kinds[] = {
		[QCOW2_HOLE] = BP_GUEST_HOLE, [QCOW2_ZERO] = BP_GUEST_ZERO,
		[QCOW2_DATA] = BP_GUEST_DATA, [QCOW2_ZERO_KEPT] = BP_GUEST_ZERO,
		[QCOW2_COMPRESSED] = BP_GUEST_COMPRESSED,
	};
	uint64_t size = qcow2_cluster_size(&g->q.h), in = ret->at & (size - 1);
	struct qcow2_entry e = entry_at(g, p);

	if (e.wrong && !e.harmless)
		return bp_fail(err, BP_CORRUPT, "the L2 entry for what the guest has at %" PRIu64
			       " makes no sense: %s: repair the image first", ret->at, e.wrong);
	if (qcow2_data_elsewhere(&g->q.h) && check_elsewhere(&e, ret->at - in, err) < 0)
		return -1;
	ret->kind = kinds[e.kind];
	ret->len = size - in;
	ret->file_at = e.kind == QCOW2_DATA || e.kind == QCOW2_ZERO_KEPT ? e.at + in : BP_NOWHERE;
	if (g->q.h.incompatible & QCOW2_EXTENDED_L2 && e.kind != QCOW2_COMPRESSED)
		see_parts(g, p, &e, ret);
	return 0;
}

static bool goes_on(const struct bp_guest_extent *e, const struct bp_guest_extent *next)
{
	return e->kind == next->kind &&
	       (e->file_at == BP_NOWHERE ? next->file_at == BP_NOWHERE :
		next->file_at != BP_NOWHERE && e->file_at + e->len == next->file_at);
}

/* What nearly all entries are: whole clusters of data side by side, or nothing. */
static uint64_t skip_plain(const struct qcow2_guest *g, struct place p, uint64_t n,
			   struct bp_guest_extent *e)
{
	uint64_t size = qcow2_cluster_size(&g->q.h), i = p.i;
	uint64_t expected = e->file_at + e->len, start = i;

	if (g->q.h.incompatible & QCOW2_EXTENDED_L2)
		return i;
	if (e->kind == BP_GUEST_DATA && expected < QCOW2_MAX_OFFSET - n * size)
		while (i < n && (be64_at(p.table, i * 8) & ~QCOW2_COPIED) == expected) {
			expected += size;
			i++;
		}
	else if (e->kind == BP_GUEST_HOLE)
		while (i < n && !be64_at(p.table, i * 8))
			i++;
	e->len += (i - start) * size;
	return i;
}

/* Compressed clusters are looked at one by one, so only as far as one who reads wants. */
static bool is_far(const struct qcow2_guest *g, const struct bp_guest_extent *e)
{
	return e->kind == BP_GUEST_COMPRESSED && g->g.step && e->len >= g->g.step;
}

/* As far as this table tells. */
static int see_far(struct qcow2_guest *g, struct place p, struct bp_guest_extent *ret,
		   struct bp_error *err)
{
	uint64_t n = qcow2_l2_entries(&g->q.h), mask = qcow2_cluster_size(&g->q.h) - 1;
	struct bp_error later = { 0 };

	if (see(g, p, ret, err) < 0)
		return -1;
	for (;;) {
		struct bp_guest_extent next;

		if (!((ret->at + ret->len) & mask)) {
			p.i++;
			p.i = skip_plain(g, p, n, ret);
		}
		if (p.i == n || is_far(g, ret))
			return 0;
		next.at = ret->at + ret->len;
		if (see(g, p, &next, &later) < 0 || !goes_on(ret, &next))
			return 0;	/* what is wrong there is told when it is asked for */
		ret->len += next.len;
	}
}

/* Nothing at all behind this entry of L1, and behind the next ones. */
static void see_nothing(const struct qcow2_guest *g, struct bp_guest_extent *ret)
{
	unsigned bits = qcow2_l1_bits(&g->q.h);
	uint64_t i = ret->at >> bits;

	while (++i < g->n_l1 && !qcow2_l1_target(g->l1[i]) && i << bits < g->g.capacity)
		;
	*ret = (struct bp_guest_extent){ BP_GUEST_HOLE, ret->at, (i << bits) - ret->at,
					 BP_NOWHERE };
}

static int guest_extent_at(struct bp_guest *guest, uint64_t at, struct bp_guest_extent *ret,
			   struct bp_error *err)
{
	struct qcow2_guest *g = (struct qcow2_guest *)guest;
	struct bp_guest_extent e = { .at = at };
	struct place p;

	if (find_place(g, at, &p, err) < 0)
		return -1;
	if (!p.table.len)
		see_nothing(g, &e);
	else if (see_far(g, p, &e, err) < 0)
		return -1;
	if (e.len > guest->capacity - at)
		e.len = guest->capacity - at;
	*ret = e;
	return 0;
}

/* ---- bytes ------------------------------------------------------------------------------ */

/* A file that was never written up to its end goes on with zeros. */
static int read_file(struct qcow2_guest *g, unsigned char *buf, size_t len, uint64_t at,
		     struct bp_error *err)
{
	uint64_t there = at < g->data_size ? g->data_size - at : 0;

	if (there < len) {
		memset(buf + there, 0, len - (size_t)there);
		len = (size_t)there;
	}
	return len ? io_read(g->q.data, buf, len, at, err) : 0;
}

/* What the entry leads to; together with what the next ones, so many of them at most, lead to
 * and stands right behind it. */
static int read_streams(struct qcow2_guest *g, struct place p, uint64_t more, struct bp_error *err)
{
	uint64_t n = qcow2_l2_entries(&g->q.h), two = 2 * qcow2_cluster_size(&g->q.h);
	uint64_t most = two > PACKED ? two : PACKED;
	struct qcow2_entry first = entry_at(g, p), next;
	uint64_t end = first.at + first.len;

	for (; more && ++p.i < n; more--) {
		next = entry_at(g, p);
		if (next.kind != QCOW2_COMPRESSED || next.at < first.at || next.at > end ||
		    next.at + next.len > first.at + most)
			break;
		if (end < next.at + next.len)
			end = next.at + next.len;
	}
	g->packed_at = g->packed_end = 0;
	if (!g->packed)
		g->packed = mem_resize(NULL, (size_t)most, 1);
	if (read_file(g, g->packed, (size_t)(end - first.at), first.at, err) < 0)
		return -1;
	g->packed_at = first.at;
	g->packed_end = end;
	return 0;
}

/* The whole cluster that the guest has at at; so many more that follow will be wanted next. */
static int unpack(struct qcow2_guest *g, uint64_t at, unsigned char *buf, uint64_t more,
		  struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&g->q.h);
	struct qcow2_entry e;
	struct place p;

	if (find_place(g, at, &p, err) < 0)
		return -1;
	if (!p.table.len)
		return bp_fail(err, BP_CORRUPT, "the image is changed while it is read");
	e = entry_at(g, p);
	if (!g->codec && codec_open(g->packing, &g->codec, err) < 0)
		return -1;
	if ((e.at < g->packed_at || e.at + e.len > g->packed_end) &&
	    read_streams(g, p, more, err) < 0)
		return -1;
	if (codec_unpack(g->codec, g->packed + (e.at - g->packed_at), (size_t)e.len, buf, size,
			 err) < 0)
		return bp_within(err, "the cluster that the guest has at %" PRIu64, at);
	return 0;
}

/* A part of a cluster is kept, as its next part is often wanted next. */
static int read_part(struct qcow2_guest *g, unsigned char *buf, size_t len, uint64_t at,
		     struct bp_error *err)
{
	uint64_t size = qcow2_cluster_size(&g->q.h), in = at & (size - 1);

	if (!g->unpacked)
		g->unpacked = mem_resize(NULL, (size_t)size, 1);
	if (g->unpacked_at != at - in) {
		g->unpacked_at = BP_NOWHERE;
		if (unpack(g, at - in, g->unpacked, 0, err) < 0)
			return -1;
		g->unpacked_at = at - in;
	}
	memcpy(buf, g->unpacked + in, len);
	return 0;
}

static int read_packed(struct qcow2_guest *g, unsigned char *buf, size_t len, uint64_t at,
		       struct bp_error *err)
{
	size_t size = (size_t)qcow2_cluster_size(&g->q.h), n;

	g->packed_at = g->packed_end = 0;	/* what was there then may be another now */
	for (; len; buf += n, at += n, len -= n) {
		size_t in = (size_t)(at & (size - 1));

		n = size - in < len ? size - in : len;
		if ((n == size ? unpack(g, at, buf, len / size - 1, err) :
				 read_part(g, buf, n, at, err)) < 0)
			return -1;
	}
	return 0;
}

static int guest_read_at(struct bp_guest *guest, void *buf, size_t len, uint64_t at,
			 struct bp_error *err)
{
	struct qcow2_guest *g = (struct qcow2_guest *)guest;
	unsigned char *to = buf;

	while (len) {
		struct bp_guest_extent e;
		int r = 0;
		size_t n;

		if (guest_extent_at(guest, at, &e, err) < 0)
			return -1;
		n = e.len < len ? (size_t)e.len : len;
		if (e.kind == BP_GUEST_DATA)
			r = read_file(g, to, n, e.file_at, err);
		else if (e.kind == BP_GUEST_COMPRESSED)
			r = read_packed(g, to, n, at, err);
		else
			memset(to, 0, n);
		if (r < 0)
			return -1;
		to += n;
		at += n;
		len -= n;
	}
	return 0;
}

/* ---- open and close ------------------------------------------------------------------------ */

static void guest_done(struct bp_guest *guest)
{
	struct qcow2_guest *g = (struct qcow2_guest *)guest;

	for (size_t i = 0; i < g->n_kept; i++)
		free(g->kept[i].buf);
	free(g->kept);
	free(g->l1);
	codec_close(g->codec);
	free(g->packed);
	free(g->unpacked);
	free(g);
}

/* Dirty is fine, for who only reads: refcounts may be wrong then, nothing else.  So is
 * corrupt: what can be read still can. */
static int check_features(const struct qcow2_header *h, struct bp_error *err)
{
	if (qcow2_check_features(h, err) < 0)
		return -1;
	if (h->encryption)
		return bp_fail(err, BP_UNSUPPORTED, "the image is encrypted, and cannot be read");
	return 0;
}

/* The L1 table of a snapshot, and what the disk was then. */
static int find_snapshot(struct qcow2_guest *g, const char *which, uint64_t *ret_l1_at,
			 struct bp_error *err)
{
	cleanup(qcow2_snapshots_done) struct qcow2_snapshots all = { 0 };
	const struct qcow2_snapshot *s;
	size_t i;

	if (qcow2_snapshots_read(&g->q, false, &all, err) < 0 ||
	    qcow2_snapshots_find(&all, which, &i, err) < 0)
		return -1;
	s = &all.list[i];
	g->g.capacity = s->capacity;
	g->n_l1 = s->l1_entries;
	*ret_l1_at = s->l1_at;
	if (g->n_l1 * 8 > QCOW2_MAX_L1 || g->n_l1 < qcow2_l1_needed(&g->q.h, s->capacity) ||
	    s->l1_at > g->q.file_size || g->n_l1 * 8 > g->q.file_size - s->l1_at)
		return bp_fail(err, BP_CORRUPT, "the L1 table of snapshot '%s', %" PRIu64
			       " entries at %" PRIu64 ", cannot be there", which, g->n_l1,
			       s->l1_at);
	return 0;
}

static int open_tree(struct qcow2_guest *g, const char *snapshot, struct bp_error *err)
{
	const struct qcow2_header *h = &g->q.h;
	uint64_t l1_at = h->l1_at;

	g->g.capacity = h->capacity;
	g->n_l1 = h->l1_entries;
	if (check_features(h, err) < 0 || qcow2_need_data(&g->q, err) < 0 ||
	    io_size(g->q.data, &g->data_size, err) < 0 ||
	    (snapshot && find_snapshot(g, snapshot, &l1_at, err) < 0))
		return -1;
	g->g.capacity &= ~UINT64_C(511);	/* what is no whole sector nobody sees */
	g->odd = qcow2_entry_odd(h);
	g->packing = h->compression == QCOW2_ZSTD ? CODEC_ZSTD : CODEC_DEFLATE;
	g->n_kept = KEPT_BYTES >> h->cluster_bits > 2 ? KEPT_BYTES >> h->cluster_bits : 2;
	g->kept = mem_alloc(g->n_kept * sizeof *g->kept);
	return qcow2_read_entries(g->q.io, l1_at, g->n_l1, &g->l1, err);
}

int qcow2_open_snapshot(struct bp_io *io, const char *which, struct bp_guest **ret,
			struct bp_error *err)
{
	static const struct bp_guest_ops ops = { guest_extent_at, guest_read_at, guest_done };
	struct qcow2_guest *g = mem_alloc(sizeof *g);

	g->g = (struct bp_guest){ .ops = &ops, .io = io };
	g->unpacked_at = BP_NOWHERE;
	if (qcow2_open_disk(io, &g->q, err) < 0 || open_tree(g, which, err) < 0) {
		guest_done(&g->g);
		return -1;
	}
	*ret = &g->g;
	return 0;
}

int qcow2_open_guest(struct bp_io *io, struct bp_guest **ret, struct bp_error *err)
{
	return qcow2_open_snapshot(io, NULL, ret, err);
}

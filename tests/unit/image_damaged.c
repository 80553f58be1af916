/* image_damaged.c - images of which some bytes of what leads to the data are others, judged by
 * qemu-img: who reads one reads the same, what was repaired is sound, and what was sound and is
 * changed stays so.
 *
 * Ours may refuse what QEMU's reads: what is past the end, for example, is zeros to it.
 * BP_SEED=N takes other images than the usual ones; what fails says which it was.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <sys/stat.h>

#include "tests/unit/image_damage.h"

enum { REVERT = 8, CHANGES };

static const struct made kinds[] = {
	{ "qcow2", "cluster_size=512", false },
	{ "qcow2", "cluster_size=16k,extended_l2=on", false },
	{ "qcow2", "compat=0.10,cluster_size=4k", true },
	{ "qcow2", "cluster_size=4k,refcount_bits=8", false },
	{ "qcow2", "cluster_size=16k,extended_l2=on", true },
	{ "qcow2", "cluster_size=4k,compression_type=zstd", true },
	{ "qcow", NULL, false },
	{ "qcow", NULL, true },
	{ "qed", "cluster_size=4096,table_size=2", false },
	{ "vmdk", "subformat=monolithicSparse", false },
	{ "vmdk", "subformat=streamOptimized", false },
	{ "vdi", NULL, false },
	{ "vpc", NULL, false },
	{ "vhdx", "block_size=1M,log_size=1M", false },
	{ "parallels", "cluster_size=64k", false },
};

static bool has_snapshot(const struct made *k)
{
	return strcmp(k->format, "qcow2") == 0 && !k->compressed;
}

static bool make(const struct made *k, const char *path, struct base *ret)
{
	auto_free char *raw = here("source");

	if (judge("qemu-img", "create", "-q", "-f", "raw", raw, "1300k", NULL) != 0 ||
	    judge("qemu-io", "-f", "raw", "-c", "write -P 1 0 70k", "-c", "write -P 2 300k 5k",
		  "-c", "write -P 3 1200k 100k", raw, NULL) != 0 || !convert(k, raw, path))
		return false;
	if (has_snapshot(k) &&
	    (judge("qemu-img", "snapshot", "-c", "x", path, NULL) != 0 ||
	     judge("qemu-img", "bitmap", "--add", path, "b", NULL) != 0 ||
	     judge("qemu-io", "-c", "write -P 9 100k 50k", path, NULL) != 0))
		return false;
	return base_read(ret, path) && ret->n;
}

/* ---- judged -------------------------------------------------------------------------------- */

/* It is small, by itself, and all of it can be read. */
static bool is_readable(const struct bp_image_ref *ref, uint64_t *ret_capacity)
{
	cleanup(image_file_done) struct image_file f = { 0 };
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	struct bp_error err = { 0 };

	return image_file_open(ref, false, &f, &err) == 0 &&
	       bp_image_describe(f.io, f.format, &info, &err) == 0 && info.capacity <= MOST &&
	       !info.backing && !info.data_file && all_read(&f, ret_capacity);
}

/* Where both can, raw is what QEMU reads, and *ret_both is true.  That snapshots may have a
 * size of their own qemu-img does not know. */
static char *judge_read(const struct bp_image_ref *ref, const char *raw, bool *ret_both)
{
	const char *name = ref->snapshot;
	auto_free char *snapshot = mem_printf("snapshot.name=%s", name ? name : "");
	uint64_t capacity;
	struct stat st;

	*ret_both = is_readable(ref, &capacity) &&
		    judge("qemu-img", "convert", "-f", ref->format, "-O", "raw", ref->path, raw,
			  name ? "-l" : NULL, snapshot, NULL) == 0 &&
		    (!name || (stat(raw, &st) == 0 && (uint64_t)st.st_size == capacity));
	return *ret_both ? ref_reads_as(ref, raw) : NULL;
}

/* What is wrong with how ours checks and repairs it; NULL: nothing.  status: QEMU's, before. */
static char *judge_check(const struct made *k, const char *path, const char *raw, int status)
{
	const struct bp_image_ref ref = { .path = path, .format = k->format };
	struct bp_vol_check c = { 0 };
	struct bp_error err = { 0 };
	const char *format;

	if (bp_image_check(&ref, BP_REPAIR_NOTHING, NULL, NULL, &c, &format, &err) == 0 &&
	    status == DAMAGED && !c.corruptions)
		return mem_printf("it is sound, but: %s", judged);
	err = (struct bp_error){ 0 };
	if (bp_image_check(&ref, BP_REPAIR_ALL, NULL, NULL, &c, &format, &err) < 0 ||
	    c.corruptions || c.leaks)
		return NULL;
	status = qemu_check(k->format, path);
	if (status == DAMAGED || status == LEAKS || (status > 0 && strcmp(k->format, "qcow2") == 0))
		return mem_printf("it is repaired, but: %s", judged);
	return raw ? reads_as(k->format, path, raw) : NULL;
}

/* ---- changed ------------------------------------------------------------------------------- */

static int change(struct bp_io *io, uint64_t size, unsigned which, struct bp_error *err)
{
	static const struct bp_image_bitmap bitmaps[] = {
		{ BP_BITMAP_ADD, "more", 0 }, { BP_BITMAP_CLEAR, "b", 0 },
		{ BP_BITMAP_REMOVE, "b", 0 }, { BP_BITMAP_DISABLE, "b", 0 },
	};
	static const struct bp_image_amendment lazy = { .lazy_too = true, .lazy = true };
	const struct bp_image_format *qcow2 = bp_image_known_find("qcow2");

	switch (which) {
	case 0:	return qcow2->snapshot_create(io, "another", err);
	case 1:	return qcow2->snapshot_delete(io, "x", err);
	case 2:	return qcow2->resize(io, size + (2 << 20), err);
	case 3:	return qcow2->amend(io, &lazy, NULL, err);
	case REVERT: return qcow2->snapshot_revert(io, "x", err);
	default: return qcow2->bitmap(io, &bitmaps[which % 4], err);
	}
}

/* What changes one that is sound leaves it so, and its guest sees what is in raw. */
static char *judge_change(const struct made *k, const char *path, const char *raw, int before,
			  unsigned which)
{
	auto_free char *now = here("now"), *from = mem_printf("if=%s", path);
	auto_free char *to = mem_printf("of=%s", now), *count = NULL;
	struct bp_error err = { 0 };
	struct stat st;
	struct bp_io *io;
	int r, after;

	if ((before && before != LEAKS) || stat(raw, &st) < 0)
		return NULL;
	count = mem_printf("count=%jd", (intmax_t)st.st_size / 512);
	io = open_image(path, 0);
	r = change(io, (uint64_t)st.st_size, which, &err);
	io_close(io);
	if (r < 0)
		return NULL;
	after = qemu_check(k->format, path);
	if (after && after != before)
		return mem_printf("change %u: %s", which, judged);
	/* Behind its old end a larger disk has what the last cluster has, as with QEMU. */
	return judge("qemu-img", "dd", "-f", "qcow2", "-O", "raw", "bs=512", count, from, to,
		     NULL) == 0 && judge("cmp", now, raw, NULL) == 0 ?
	       NULL : mem_printf("change %u: %s", which, judged);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static char *judge_one(const struct made *k, const struct base *b, unsigned which)
{
	auto_free char *path = here("image"), *raw = here("raw"), *raw_x = here("raw.x");
	const struct bp_image_ref ref = { .path = path, .format = k->format };
	const struct bp_image_ref x = { .path = path, .format = k->format, .snapshot = "x" };
	bool both, both_x = false;
	int status;
	char *why;

	if (!write_file(path, b->bytes, b->len))
		return mem_dup("cannot write");
	why = judge_read(&ref, raw, &both);
	if (!why && has_snapshot(k))
		why = judge_read(&x, raw_x, &both_x);
	status = qemu_check(k->format, path);
	if (!why)
		why = judge_check(k, path, both ? raw : NULL, status);
	if (!why && strcmp(k->format, "qcow2") == 0 && (which == REVERT ? both_x : both) &&
	    write_file(path, b->bytes, b->len))
		why = judge_change(k, path, which == REVERT ? raw_x : raw, status, which);
	return why;
}

static void judge_kind(const struct made *k, unsigned n, uint32_t seed)
{
	auto_free char *path = here("image");
	cleanup(base_done) struct base base = { 0 };

	if (!make(k, path, &base))
		SAME(judged, k->format);
	for (unsigned i = 0; i < n; i++) {
		auto_free char *why = NULL;
		uint32_t this = seed;

		damage(k->format, &base, &seed);
		why = judge_one(k, &base, this % CHANGES);
		if (why)
			printf("# %s %s, BP_SEED=%u: %s\n", k->format, k->options ? k->options : "",
			       this, why);
		CHECK(!why);
	}
}

TEST(who_reads_a_damaged_image_reads_what_qemu_does)
{
	uint32_t seed;
	unsigned n = how_many(&seed);

	NEED_QEMU();
	for (size_t i = 0; i < array_size(kinds); i++)
		judge_kind(&kinds[i], n, seed);
}

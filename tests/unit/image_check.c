/* image_check.c - what is wrong with qcow2 images, and repairs, judged by qemu-img. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/qcow2.h"
#include "tests/unit/image_agree.h"
#include "tests/unit/image_record.h"

static const struct bp_image_format *qcow2(void)
{
	return bp_image_format_find("qcow2");
}

static const struct sound {
	const char *options;
	const char *commands[6];	/* of qemu-io, or of qemu-img if they begin with "!" */
} sounds[] = {
	{ "compat=1.1", { "write -P 1 0 300k", "write -P 2 3M 1M" } },
	{ "compat=0.10,cluster_size=512", { "write -P 1 0 300k", "!snapshot -c a",
					    "write -P 2 100k 10k" } },
	{ "cluster_size=4k", { "write -c 0 64k", "write -P 3 1M 64k", "write -c 2M 256k",
			       "!snapshot -c a", "write -P 4 0 4k", "write -z 1M 64k" } },
	{ "cluster_size=16k,extended_l2=on", { "write -P 1 5k 1M", "write -z 100k 2k",
					       "!bitmap --add b", "write -P 7 6M 1k" } },
	{ "refcount_bits=1,cluster_size=2M", { "write -P 1 1M 2M" } },
	{ "refcount_bits=64,cluster_size=1k", { "write -P 1 1M 2M", "!snapshot -c a",
						"!snapshot -c b", "write -P 3 1M 5k" } },
	{ "preallocation=metadata,lazy_refcounts=on", { "write -P 1 1M 2M" } },
	{ "compression_type=zstd", { "write -c -P 1 1M 2M" } },
};

static const struct sound with_snapshots = {
	"compat=1.1", { "write -P 1 0 300k", "!snapshot -c a", "write -P 2 0 100k",
			"!snapshot -c b", "write -P 3 3M 100k" }
};

/* The last word of a command for qemu-img is the image. */
static bool run(const char *command, const char *path)
{
	auto_free char *line = mem_printf("qemu-img %s '%s'%s", command + 1, path,
					  strstr(command, "bitmap") ? " b" : "");

	if (*command != '!')
		return judge("qemu-io", "-c", command, path, NULL) == 0;
	if (strstr(command, "bitmap"))
		return judge("qemu-img", "bitmap", "--add", path, "b", NULL) == 0;
	return judge("sh", "-c", line, NULL) == 0;
}

static bool make(const struct sound *s, const char *path)
{
	bool made;

	unlink(path);
	made = judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", s->options, path, "8M",
		     NULL) == 0;
	for (size_t i = 0; made && i < array_size(s->commands) && s->commands[i]; i++)
		made = run(s->commands[i], path);
	return made && judge("truncate", "-s", "+4M", path, NULL) == 0;
}

static void print(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

static int check(const char *path, enum bp_repair repair, struct bp_vol_check *ret)
{
	const struct bp_teller teller = { print, NULL };
	struct bp_io *io = open_image(path, 0);
	struct bp_error err = { 0 };
	int r;

	*ret = (struct bp_vol_check){ 0 };
	r = qcow2()->check(io, repair, &teller, NULL, ret, &err);
	if (r < 0)
		printf("# %s\n", err.text);
	io_close(io);
	return r;
}

/* A number in what qemu-img said; 0 if it said none. */
static uint64_t number(const char *key)
{
	const char *at = strstr(judged, key);

	return at ? strtoull(at + strlen(key) + 2, NULL, 10) : 0;
}

TEST(a_sound_image_is_described_as_qemu_does)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(sounds); i++) {
		const char *path = tap_path("image");
		struct bp_vol_check c;

		printf("# %s\n", sounds[i].options);
		CHECK(make(&sounds[i], path));
		CHECK(judge("qemu-img", "check", "--output=json", path, NULL) == 0);
		CHECK(check(path, BP_REPAIR_NOTHING, &c) == 0);
		SAME_N(c.corruptions, 0);
		SAME_N(c.leaks, 0);
		SAME_N(c.end, number("\"image-end-offset\""));
		SAME_N(c.total, number("\"total-clusters\""));
		SAME_N(c.allocated, number("\"allocated-clusters\""));
		SAME_N(c.fragmented, number("\"fragmented-clusters\""));
		SAME_N(c.compressed, number("\"compressed-clusters\""));
	}
}

/* Where a number of the image stands: the n-th entry of a table. */
enum table { T_HEADER, T_REFTABLE, T_REFBLOCK, T_L1, T_L2 };

static const struct damage {
	const char *name;
	enum table table;
	unsigned entry;
	unsigned size;			/* of the entry, bytes */
	uint64_t xor;
	bool for_good;			/* no repair brings it back */
	bool unread;			/* the disk, or the list of snapshots, is not as it was */
} damages[] = {
	{ "a cluster that nobody uses is counted", T_REFBLOCK, 60, 2, 1, false, false },
	{ "a cluster is counted twice", T_REFBLOCK, 6, 2, 3, false, false },
	{ "a cluster is not counted", T_REFBLOCK, 7, 2, 1, false, false },
	{ "the header is not counted", T_REFBLOCK, 0, 2, 1, false, false },
	{ "refcounts are lost", T_REFTABLE, 0, 8, 0x20000, false, false },
	{ "refcounts are nowhere", T_REFTABLE, 0, 8, UINT64_C(1) << 40, false, false },
	{ "refcounts begin inside a cluster", T_REFTABLE, 0, 8, 0x800, false, false },
	{ "a second block is nowhere", T_REFTABLE, 5, 8, UINT64_C(1) << 40, false, false },
	{ "a mark of L1", T_L1, 0, 8, UINT64_C(1) << 63, false, false },
	{ "a mark of L2", T_L2, 1, 8, UINT64_C(1) << 63, false, false },
	{ "a bit that means nothing", T_L2, 1, 8, 1 << 3, true, false },
	{ "a bit of L1 that means nothing", T_L1, 0, 8, 1 << 3, true, false },
	{ "a cluster inside another", T_L2, 1, 8, 0x1000, true, true },
	{ "a cluster past the end", T_L2, 1, 8, UINT64_C(1) << 40, true, true },
	{ "an L2 table past the end", T_L1, 0, 8, UINT64_C(1) << 40, true, true },
	{ "two entries of L2 for one cluster", T_L2, 1, 8, 0x10000, false, true },
	{ "it was not closed", T_HEADER, 79, 1, 1, false, false },
	{ "it is marked as corrupt", T_HEADER, 79, 1, 2, false, false },
	{ "a raw data file, and none", T_HEADER, 95, 1, 2, false, false },
	{ "no snapshots are nowhere", T_HEADER, 8, 8, UINT64_C(1) << 63, false, true },
	{ "the refcount table is nowhere", T_HEADER, 6, 8, UINT64_C(1) << 40, false, false },
	{ "it is inside a cluster", T_HEADER, 6, 8, 0x800, false, false },
	{ "it has no clusters", T_HEADER, 14, 4, 1, false, false },
	{ "it has too many", T_HEADER, 14, 4, 0x10000, false, false },
};

static bool damage(const char *path, const struct damage *d)
{
	struct bp_io *io = open_image(path, 0);
	struct bp_error err = { 0 };
	unsigned char buf[8];
	struct bytes b = { buf, sizeof buf };
	struct qcow2 q;
	uint64_t at, value;

	if (qcow2_open(io, &q, &err) < 0)
		abort();
	at = d->table == T_HEADER ? 0 : d->table == T_REFTABLE ? q.h.reftable_at : q.h.l1_at;
	if (d->table == T_REFBLOCK)
		at = q.h.reftable_at;
	if (d->table == T_REFBLOCK || d->table == T_L2) {
		if (io_read(io, buf, 8, at, &err) < 0)
			abort();
		at = be64_at(b, 0) & UINT64_C(0x00fffffffffffe00);
	}
	at += (uint64_t)d->entry * d->size;
	if (io_read(io, buf, d->size, at, &err) < 0)
		abort();
	value = be_at(b, 0, d->size) ^ d->xor;
	for (unsigned i = d->size; i-- > 0; value >>= 8)
		buf[i] = (unsigned char)value;
	if (io_write(io, buf, d->size, at, &err) < 0)
		abort();
	io_close(io);
	return true;
}

static bool copy(const char *from, const char *to)
{
	return judge("cp", from, to, NULL) == 0;
}

TEST(what_is_wrong_is_found_and_repaired)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(damages); i++) {
		const struct damage *d = &damages[i];
		const char *path = tap_path("image"), *before = tap_path("before");
		struct bp_vol_check c, again;
		int status;

		printf("# %s\n", d->name);
		CHECK(make(&sounds[0], path) && copy(path, before) && damage(path, d));
		status = judge("qemu-img", "check", path, NULL);
		CHECK(check(path, BP_REPAIR_NOTHING, &c) == 0);
		CHECK(status != 1 || c.corruptions > 0);
		if (d->table != T_HEADER) {
			CHECK((c.corruptions > 0) == (status == 1 || status == 2));
			CHECK(status != 3 || c.leaks > 0);
		}
		CHECK(check(path, BP_REPAIR_ALL, &c) == 0);
		CHECK((c.corruptions > 0) == d->for_good);
		CHECK(check(path, BP_REPAIR_NOTHING, &again) == 0);
		SAME_N(again.corruptions, c.corruptions);
		SAME_N(again.leaks, c.leaks);
		if (d->for_good) {
			CHECK(damage(path, d) && judge("cmp", path, before, NULL) == 0);
			continue;
		}
		SAME_N(c.leaks, 0);
		CHECK(judge("qemu-img", "check", path, NULL) == 0);
		CHECK(strstr(d->name, "two entries") ||
		      judge("qemu-img", "compare", path, before, NULL) == 0);
	}
}

/* Neither the disk nor the list of snapshots is reached by way of refcounts. */
TEST(who_only_reads_needs_no_refcounts)
{
	const char *path = tap_path("image"), *raw = tap_path("raw");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(damages); i++) {
		struct bp_snapshot *list = NULL;
		struct bp_error err = { 0 };
		auto_free char *why = NULL;
		struct bp_io *io;
		size_t n = 0;

		if (damages[i].unread)
			continue;
		CHECK(make(&with_snapshots, path) &&
		      judge("qemu-img", "convert", "-O", "raw", path, raw, NULL) == 0);
		CHECK(damage(path, &damages[i]));
		why = reads_as("qcow2", path, raw);
		if (why)
			printf("# %s: %s\n", damages[i].name, why);
		CHECK(!why);
		io = open_image(path, 0);
		CHECK(qcow2()->snapshot_list(io, &list, &n, &err) == 0);
		io_close(io);
		bp_snapshots_free(list, n);
		SAME_N(n, 2);
	}
}

TEST(a_compressed_cluster_has_no_parts)
{
	static const struct sound packed = {
		"cluster_size=16k,extended_l2=on", { "write -c 0 64k" },
	};
	static const struct damage parts = { "parts of it", T_L2, 1, 8, 1, true, true };
	const char *path = tap_path("image");
	struct bp_vol_check c;

	NEED_QEMU();
	CHECK(make(&packed, path) && damage(path, &parts));
	SAME_N(judge("qemu-img", "check", path, NULL), 2);
	CHECK(check(path, BP_REPAIR_ALL, &c) == 0);
	CHECK(c.corruptions == 1 && !c.corruptions_fixed);
}

TEST(leaks_are_repaired_where_nothing_else_is_wrong)
{
	const char *path = tap_path("image");
	struct bp_vol_check c;

	NEED_QEMU();
	CHECK(make(&sounds[0], path) && damage(path, &damages[0]) && damage(path, &damages[2]));
	CHECK(copy(path, tap_path("before")));
	CHECK(check(path, BP_REPAIR_LEAKS, &c) == 0);
	CHECK(c.leaks == 1 && c.corruptions > 0);
	CHECK(judge("cmp", path, tap_path("before"), NULL) == 0);
	CHECK(damage(path, &damages[2]) && check(path, BP_REPAIR_LEAKS, &c) == 0);
	CHECK(c.leaks == 0 && c.leaks_fixed == 1 && c.corruptions == 0);
	CHECK(judge("qemu-img", "check", path, NULL) == 0);
}

/* Killed after each write: it can still be repaired, and is as good as if it had not been. */
static bool survives(const char *path, const char *good, const char *name)
{
	struct bp_io *old = memory_of_file(path);
	struct bp_error err = { 0 };
	struct bp_vol_check c;
	struct record r;
	bool whole;

	record_start(&r, old);
	whole = qcow2()->check(&r.io, BP_REPAIR_ALL, NULL, NULL, &c, &err) == 0;
	for (size_t cut = 0; whole && cut <= r.n; cut++) {
		struct bp_io *io = record_cut(&r, old, cut, true);

		whole = qcow2()->check(io, BP_REPAIR_ALL, NULL, NULL, &c, &err) == 0 &&
			!c.corruptions;
		file_of_memory(path, io);
		io_close(io);
		whole = whole && judge("qemu-img", "check", path, NULL) == 0 &&
			judge("qemu-img", "compare", path, good, NULL) == 0;
		if (!whole)
			printf("# %s: change %zu of %zu\n", name, cut, r.n);
	}
	record_done(&r);
	io_close(old);
	return whole;
}

TEST(a_repair_that_is_interrupted_harms_nothing)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(damages); i++) {
		const char *path = tap_path("image"), *good = tap_path("good");

		if (damages[i].for_good || strstr(damages[i].name, "two entries"))
			continue;
		CHECK(make(&sounds[0], path) && copy(path, good) && damage(path, &damages[i]));
		CHECK(survives(path, good, damages[i].name));
	}
}

/* Nothing is in a cluster that is kept for later, so an entry can do without. */
TEST(what_is_kept_inside_another_cluster_is_given_up)
{
	static const struct sound kept[] = {
		{ "compat=1.1", { "write -P 1 0 300k", "write -z 64k 64k" } },
		{ "preallocation=metadata,extended_l2=on", { "write -P 1 512k 100k" } },
	};
	const struct damage inside[] = {
		{ "zeros", T_L2, 1, 8, 0x1200, false, true },
		{ "parts", T_L2, 2, 8, 0x1200, false, true },
	};

	NEED_QEMU();
	for (size_t i = 0; i < array_size(kept); i++) {
		const char *path = tap_path("image"), *before = tap_path("before");
		struct bp_vol_check c;

		CHECK(make(&kept[i], path) && copy(path, before) && damage(path, &inside[i]));
		CHECK(copy(path, tap_path("bad")));
		CHECK(check(path, BP_REPAIR_LEAKS, &c) == 0 && c.corruptions);
		CHECK(judge("cmp", path, tap_path("bad"), NULL) == 0);
		CHECK(check(path, BP_REPAIR_ALL, &c) == 0 && !c.corruptions && !c.leaks);
		CHECK(c.corruptions_fixed && c.leaks_fixed);
		CHECK(judge("qemu-img", "check", path, NULL) == 0);
		CHECK(judge("qemu-img", "compare", path, before, NULL) == 0);
		CHECK(copy(tap_path("bad"), path) && survives(path, before, inside[i].name));
	}
}

/* ---- the table of snapshots ------------------------------------------------------------ */

enum { COUNT_AT = 60, TABLE_AT = 64, ENTRY = 72, L1_ENTRIES = 8, EXTRA_LEN = 36 };

/* Two snapshots, and a number in their table, or of the header. */
static const struct bad_table {
	const char *name;
	uint64_t at;
	uint32_t value;
	bool in_header;
	bool unread;			/* nothing can be said of it until it is repaired */
	uint64_t wrong;			/* corruptions */
	unsigned left;			/* snapshots, after a repair */
} bad_tables[] = {
	{ "an entry without its extra data", COUNT_AT, 3, true, false, 1, 3 },
	{ "three of them", COUNT_AT, 5, true, false, 3, 5 },
	{ "too much that nobody knows", ENTRY + EXTRA_LEN, 2000, false, true, 1, 2 },
	{ "more of that than the table can have", EXTRA_LEN, UINT32_C(0xfffffff0), false, true,
	  2, 0 },
	{ "that, with the second", ENTRY + EXTRA_LEN, 64 << 20, false, true, 1, 1 },
	{ "the file ends within the first", EXTRA_LEN, 8 << 20, false, true, 2, 0 },
	{ "the file ends within the second", ENTRY + EXTRA_LEN, 8 << 20, false, true, 1, 1 },
	{ "the table is nowhere", TABLE_AT, 1, true, true, 2, 0 },
	{ "it is inside a cluster", TABLE_AT + 4, 0x12345, true, true, 2, 0 },
	{ "an L1 table that is too large", L1_ENTRIES, 0x400001, false, false, 1, 2 },
};

static void put(const char *path, const struct bad_table *t)
{
	struct bp_io *io = open_image(path, 0);
	struct bp_error err = { 0 };
	unsigned char buf[8];
	uint64_t at = 0;

	if (!t->in_header && io_read(io, buf, 8, TABLE_AT, &err) == 0)
		at = be64_at((struct bytes){ buf, 8 }, 0);
	put_be32(buf, t->value);
	if (io_write(io, buf, 4, at + t->at, &err) < 0)
		abort();
	io_close(io);
}

static uint32_t count(const char *path)
{
	unsigned char buf[4] = { 0 };
	struct bp_io *io = open_image(path, 0);
	struct bp_error err = { 0 };

	if (io_read(io, buf, 4, COUNT_AT, &err) < 0)
		abort();
	io_close(io);
	return be32_at((struct bytes){ buf, 4 }, 0);
}

TEST(a_table_of_snapshots_is_put_right)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(bad_tables); i++) {
		const struct bad_table *t = &bad_tables[i];
		const char *path = tap_path("image"), *before = tap_path("before");
		const char *raw = tap_path("raw");
		bool for_good = strstr(t->name, "L1");
		auto_free char *why = NULL;
		struct bp_vol_check c;

		printf("# %s\n", t->name);
		CHECK(make(&with_snapshots, path) && copy(path, before) &&
		      judge("qemu-img", "convert", "-O", "raw", path, raw, NULL) == 0);
		put(path, t);
		CHECK(copy(path, tap_path("bad")));
		why = reads_as("qcow2", path, raw);
		SAME(why ? why : "as before", "as before");
		CHECK((check(path, BP_REPAIR_NOTHING, &c) < 0) == t->unread);
		SAME_N(c.corruptions, t->unread ? 0 : t->wrong);
		CHECK((check(path, BP_REPAIR_LEAKS, &c) < 0) == t->unread);
		CHECK(t->unread || c.corruptions == t->wrong);
		CHECK(!t->unread || judge("cmp", path, tap_path("bad"), NULL) == 0);
		CHECK(check(path, BP_REPAIR_ALL, &c) == 0);
		if (for_good) {
			CHECK(c.corruptions == 1 && count(path) == 2);
			continue;
		}
		CHECK(!c.corruptions && c.corruptions_fixed >= t->wrong);
		SAME_N(count(path), t->left);
		CHECK(judge("qemu-img", "check", path, NULL) == 0);
		CHECK(judge("qemu-img", "compare", path, before, NULL) == 0);
		CHECK(copy(tap_path("bad"), path) && survives(path, before, t->name));
	}
}

/* A table of nothing but zeros, where the file has nothing else. */
TEST(more_snapshots_than_there_can_be_are_dropped)
{
	const char *path = tap_path("image"), *before = tap_path("before");
	struct bad_table place = { .at = TABLE_AT + 4, .in_header = true };
	const struct bad_table many = { .at = COUNT_AT, .value = 65537, .in_header = true };
	struct bp_error err = { 0 };
	struct bp_vol_check c;
	struct bp_io *io;
	uint64_t size;

	NEED_QEMU();
	CHECK(make(&sounds[0], path) && copy(path, before));
	io = open_image(path, 0);
	CHECK(io_size(io, &size, &err) == 0);
	io_close(io);
	place.value = (uint32_t)(size - (3u << 20)) & ~UINT32_C(0xffff);
	put(path, &place);
	put(path, &many);
	CHECK(check(path, BP_REPAIR_LEAKS, &c) < 0);
	CHECK(check(path, BP_REPAIR_ALL, &c) == 0 && !c.corruptions);
	CHECK(c.corruptions_fixed >= 65537);
	SAME_N(count(path), 65536);
	CHECK(judge("qemu-img", "check", path, NULL) == 0);
	CHECK(judge("qemu-img", "compare", path, before, NULL) == 0);
}

/* Older tools than QEMU 4.2 left such images: they are none that must not be changed. */
TEST(an_entry_without_its_extra_data_is_completed_by_a_change)
{
	const char *path = tap_path("image");
	struct bp_error err = { 0 };
	struct bp_vol_check c;
	struct bp_io *io;

	NEED_QEMU();
	CHECK(make(&with_snapshots, path));
	put(path, &bad_tables[0]);
	io = open_image(path, 0);
	CHECK(qcow2()->snapshot_create(io, "c", &err) == 0);
	io_close(io);
	CHECK(check(path, BP_REPAIR_NOTHING, &c) == 0 && !c.corruptions);
	CHECK(judge("qemu-img", "check", path, NULL) == 0);
	SAME_N(count(path), 4);
}

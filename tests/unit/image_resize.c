/* image_resize.c - growing qcow2 images, with the power cut at every moment. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_record.h"

#define M (UINT64_C(1) << 20)
#define G (UINT64_C(1) << 30)
#define T (UINT64_C(1) << 40)

static const struct bp_image_format *qcow2(void)
{
	return bp_image_format_find("qcow2");
}

/* What is grown: made by qemu-img, and written to, if it is large enough. */
static const struct growth {
	const char *name, *options;
	uint64_t from, to;
	const char *before;	/* "write" some data, "snapshot" it too, leave "junk" behind L1 */
} growths[] = {
	{ "inside the last L1 entry", "compat=1.1", 1 * M, 100 * M, "write" },
	{ "L1 inside its cluster", "compat=1.1", 1 * G, 100 * G, "write" },
	{ "L1 to new clusters", "compat=1.1", 1 * G, 9 * T, "write" },
	{ "version 2", "compat=0.10", 1 * G, 9 * T, "write" },
	{ "no L1 before", "compat=1.1", 0, 1 * G, "" },
	{ "small clusters, many blocks", "cluster_size=512", 10 * M, 8 * G, "write" },
	{ "blocks of blocks", "cluster_size=512,refcount_bits=64", 10 * M, 1 * G, "write" },
	{ "one bit", "cluster_size=4096,refcount_bits=1", 1 * G, 256 * G, "write" },
	{ "four bits", "cluster_size=1024,refcount_bits=4", 64 * M, 16 * G, "write" },
	{ "extended L2", "extended_l2=on,cluster_size=16k", 1 * G, 300 * G, "write" },
	{ "preallocated", "preallocation=metadata,cluster_size=4k", 20 * M, 40 * G, "write" },
	{ "lazy", "lazy_refcounts=on,cluster_size=8k", 1 * G, 300 * G, "write" },
	{ "with a snapshot", "cluster_size=4k", 1 * G, 90 * G, "snapshot" },
	{ "large clusters", "cluster_size=2M", 1 * G, 500 * T, "write" },
	{ "junk behind L1", "compat=1.1", 1 * G, 100 * G, "junk" },
	{ "not a multiple of a sector", "compat=1.1", 1 * G, 2 * G + 1, "write" },
};

static bool leave_junk(const char *path, uint64_t at, size_t len)
{
	struct bp_io *io = open_image(path, 0);
	struct bp_error err = { 0 };
	char *junk = mem_alloc(len);
	int r;

	memset(junk, 0xa5, len);
	r = io_write(io, junk, len, at, &err);
	free(junk);
	io_close(io);
	return r == 0;
}

static bool make(const char *path, const struct growth *g)
{
	char size[32];

	snprintf(size, sizeof size, "%llu", (unsigned long long)g->from);
	unlink(path);
	if (judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", g->options, path, size,
		  NULL) != 0)
		return false;
	if (!*g->before)
		return true;
	if (judge("qemu-io", "-c", "write -P 0x5a 1000 70000", path, NULL) != 0)
		return false;
	if (strcmp(g->before, "junk") == 0)
		return leave_junk(path, 3 * 65536 + 16, 65536 - 16);
	if (strcmp(g->before, "snapshot") != 0)
		return true;
	return judge("qemu-img", "snapshot", "-c", "s1", path, NULL) == 0 &&
	       judge("qemu-io", "-c", "write -P 0x5b 200000 9", path, NULL) == 0;
}

static uint64_t rounded(uint64_t capacity)
{
	return (capacity + 511) / 512 * 512;
}

static uint64_t capacity_of(struct bp_io *io)
{
	struct bp_error err = { 0 };
	unsigned char field[8];
	struct bytes b = { field, sizeof field };

	return io_read(io, field, sizeof field, 24, &err) < 0 ? UINT64_MAX : be64_at(b, 0);
}

/* 0 clean, 3 leaks only: what qemu-img says of it, if the data is still there. */
static int verdict(struct bp_io *io, const struct growth *g)
{
	const char *path = tap_path("judged");
	int r;

	file_of_memory(path, io);
	r = judge("qemu-img", "check", path, NULL);
	if ((r != 0 && r != 3) || !*g->before)
		return r;
	if (judge("qemu-io", "-r", "-c", "read -P 0x5a 1000 70000", path, NULL) != 0 ||
	    strstr(judged, "verification failed"))
		return 100;
	return r;
}

TEST(grows_images_as_qemu_img_does)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(growths); i++) {
		const struct growth *g = &growths[i];
		const char *ours = tap_path("ours"), *theirs = tap_path("theirs");
		auto_free char *a = NULL, *b = NULL;
		struct bp_error err = { 0 };
		struct bp_io *io;
		char size[32];
		int r;

		CHECK(make(ours, g) && judge("cp", ours, theirs, NULL) == 0);
		io = open_image(ours, 0);
		r = qcow2()->resize(io, g->to, &err);
		io_close(io);
		if (r < 0)
			printf("# %s: %s\n", g->name, err.text);
		SAME_N(r, 0);
		r = judge("qemu-img", "check", ours, NULL);
		if (r != 0)
			printf("# %s: %s\n", g->name, judged);
		SAME_N(r, 0);
		snprintf(size, sizeof size, "%llu", (unsigned long long)rounded(g->to));
		CHECK(judge("qemu-img", "resize", "-q", theirs, size, NULL) == 0);
		a = qemu_info(ours);
		b = qemu_info(theirs);
		SAME(a, b);
		CHECK(judge("qemu-io", "-c", "write -P 0x77 0 1M", "-c", "write -P 0x78 50M 64k",
			    ours, NULL) == 0);
		SAME_N(judge("qemu-img", "check", ours, NULL), 0);
	}
}

static bool holds(struct bp_io *io, const struct growth *g, uint64_t before, bool done,
		  const char *where, size_t at)
{
	uint64_t after = rounded(g->to), capacity = capacity_of(io);
	int r = verdict(io, g);

	if ((r == 0 || (r == 3 && !done)) &&
	    (capacity == after || (capacity == before && !done)))
		return true;
	printf("# '%s', %s %zu: verdict %d, capacity %llu\n# %.1000s\n", g->name, where, at,
	       r, (unsigned long long)capacity, judged);
	return false;
}

TEST(is_whole_whenever_the_power_is_cut)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(growths); i++) {
		const struct growth *g = &growths[i];
		struct bp_error err = { 0 };
		struct bp_io *from;
		struct record r;
		uint64_t before;

		CHECK(make(tap_path("image"), g));
		from = memory_of_file(tap_path("image"));
		before = capacity_of(from);
		record_start(&r, from);
		SAME_N(qcow2()->resize(&r.io, g->to, &err), 0);
		for (size_t cut = 0; cut <= r.n; cut++) {
			struct bp_io *disk = record_cut(&r, from, cut, false);

			CHECK(holds(disk, g, before, cut == r.n, "cut at", cut));
			io_close(disk);
		}
		for (size_t cut = 1; cut <= r.n; cut++) {
			if (cut < r.n && r.changes[cut].kind != CHANGE_SYNC)
				continue;
			for (int n = 0; n < 8; n++) {
				struct bp_io *disk = record_cut(&r, from, cut, true);

				CHECK(holds(disk, g, before, false, "torn at", cut));
				io_close(disk);
			}
		}
		record_done(&r);
		io_close(from);
	}
}

TEST(can_be_repeated_after_a_power_cut)
{
	NEED_QEMU();
	for (size_t i = 2; i < array_size(growths); i += 3) {
		const struct growth *g = &growths[i];
		struct bp_error err = { 0 };
		struct bp_io *from;
		struct record r;

		CHECK(make(tap_path("image"), g));
		from = memory_of_file(tap_path("image"));
		record_start(&r, from);
		SAME_N(qcow2()->resize(&r.io, g->to, &err), 0);
		for (size_t cut = 0; cut <= r.n; cut++) {
			struct bp_io *disk = record_cut(&r, from, cut, true);
			struct bp_error again = { 0 };
			int v;

			if (qcow2()->resize(disk, g->to, &again) < 0)
				printf("# '%s', cut %zu: %s\n", g->name, cut, again.text);
			SAME_N(again.code, BP_OK);
			v = verdict(disk, g);
			if (v != 0 && v != 3)
				printf("# '%s', cut %zu: %.1000s\n", g->name, cut, judged);
			CHECK(v == 0 || v == 3);
			SAME_N(capacity_of(disk), rounded(g->to));
			io_close(disk);
		}
		record_done(&r);
		io_close(from);
	}
}

/* Nothing that was there before has been touched. */
static bool only_new(const struct record *r, uint64_t end)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->changes[i].kind == CHANGE_WRITE && r->changes[i].at < end)
			return false;
	return true;
}

TEST(is_whole_after_any_failure)
{
	const struct growth *g = &growths[5];
	size_t failures = 0, undone = 0;
	bool failed = true;
	struct bp_io *from;
	struct record r;

	NEED_QEMU();
	CHECK(make(tap_path("image"), g));
	from = memory_of_file(tap_path("image"));
	for (; failed; failures += failed) {
		struct bp_error err = { 0 }, none = { 0 };
		uint64_t size, was;

		record_start(&r, from);
		r.fail_at = failures + 1;
		failed = qcow2()->resize(&r.io, g->to, &err) < 0;
		CHECK(failed == (err.code == BP_SYSTEM));
		CHECK(holds(r.now, g, g->from, !failed, "failed at", failures));
		CHECK(io_size(r.now, &size, &none) == 0 && io_size(from, &was, &none) == 0);
		if (only_new(&r, was)) {
			SAME_N(size, was);
			undone++;
		}
		record_done(&r);
	}
	CHECK(undone > 10 && failures > undone);
	io_close(from);
}

TEST(counts_few_writes_and_barriers)
{
	static const struct {
		size_t growth, writes, syncs;
	} rows[] = { { 0, 1, 1 }, { 1, 2, 2 }, { 2, 6, 3 } };

	NEED_QEMU();
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct growth *g = &growths[rows[i].growth];
		struct bp_error err = { 0 };
		size_t writes = 0, syncs = 0;
		struct bp_io *from;
		struct record r;

		CHECK(make(tap_path("image"), g));
		from = memory_of_file(tap_path("image"));
		record_start(&r, from);
		SAME_N(qcow2()->resize(&r.io, g->to, &err), 0);
		for (size_t n = 0; n < r.n; n++) {
			writes += r.changes[n].kind == CHANGE_WRITE;
			syncs += r.changes[n].kind == CHANGE_SYNC;
		}
		SAME_N(writes, rows[i].writes);
		SAME_N(syncs, rows[i].syncs);
		record_done(&r);
		io_close(from);
	}
}

/* The file may end before the clusters do: those are not to be taken twice. */
TEST(takes_no_cluster_that_is_counted_behind_the_end_of_the_file)
{
	struct bp_image_spec s = {
		.capacity = 1 * M, .cluster_size = 4096, .preallocate = BP_PREALLOC_METADATA,
	};
	const char *path = tap_path("image");
	struct bp_io *io = open_image(path, O_CREAT);
	struct bp_error err = { 0 };

	NEED_QEMU();
	SAME_N(qcow2()->create(io, &s, &err), 0);
	SAME_N(io_resize(io, 5 * 4096, &err), 0);	/* header, two tables, L1, L2 */
	SAME_N(qcow2()->resize(io, 40 * G, &err), 0);
	io_close(io);
	SAME_N(judge("qemu-img", "check", path, NULL), 0);
	SAME_N(judge("qemu-io", "-c", "write -P 1 0 1M", "-c", "read -P 1 0 1M", path, NULL), 0);
	SAME_N(judge("qemu-img", "check", path, NULL), 0);
}

static void poke(struct bp_io *io, uint64_t at, unsigned n, uint64_t v)
{
	unsigned char number[8];
	struct bp_error err = { 0 };

	put_be64(number, v);
	if (io_write(io, number + 8 - n, n, at, &err) < 0)
		abort();
}

static struct bp_io *plain_image(uint64_t capacity, uint64_t cluster_size)
{
	struct bp_image_spec s = { .capacity = capacity, .cluster_size = cluster_size };
	struct bp_io *io = io_of_memory(0);
	struct bp_error err = { 0 };

	if (qcow2()->create(io, &s, &err) < 0)
		abort();
	return io;
}

TEST(clears_promises_it_does_not_know_before_anything_else)
{
	struct bp_io *from = plain_image(1 * G, 0);
	struct bp_error err = { 0 };
	struct record r;

	poke(from, 88, 8, UINT64_C(1) << 40 | 2);
	record_start(&r, from);
	SAME_N(qcow2()->resize(&r.io, 2 * G, &err), 0);
	SAME_N(r.changes[0].kind, CHANGE_WRITE);
	SAME_N(r.changes[0].at, 88);
	SAME_N(r.changes[0].len, 8);
	SAME_MEM(r.changes[0].data, "\0\0\0\0\0\0\0\2", 8);
	SAME_N(r.changes[1].kind, CHANGE_SYNC);
	record_done(&r);
	io_close(from);
}

TEST(refuses_what_it_cannot_grow)
{
	static const struct {
		uint64_t to;
		struct { uint64_t at; unsigned n; uint64_t v; } pokes[3];
		enum bp_code code;
		const char *text;
	} rows[] = {
		{ 2 * G, { { 72, 8, 2 } }, BP_OP_UNSUPPORTED,
		  "Can't resize an image that is marked as corrupt: repair it first" },
		{ 2 * G, { { 72, 8, 1 } }, BP_OP_UNSUPPORTED,
		  "Can't resize an image that was not closed (dirty): repair it first" },
		{ 2 * G, { { 72, 8, 4 } }, BP_OP_UNSUPPORTED,
		  "the data of the image is in another file, which is not open" },
		{ 2 * G, { { 72, 8, 0x8000000000000020 } }, BP_OP_UNSUPPORTED,
		  "Can't resize an image with unknown features (incompatible bits "
		  "0x8000000000000020)" },
		{ 2 * G, { { 32, 4, 1 } }, BP_OP_UNSUPPORTED,
		  "Can't resize an image with the old encryption (AES)" },
		{ 2 * G, { { 4, 4, 2 }, { 60, 4, 1 } }, BP_OP_UNSUPPORTED,
		  "Can't resize a v2 image which has snapshots" },
		{ 2 * G, { { 36, 4, 3 }, { 196624, 8, 0x50000 } }, BP_OP_UNSUPPORTED,
		  "Can't resize an image that keeps the state of a machine behind its disk" },
		{ 1 * G - 512, { { 36, 4, 3 }, { 196624, 8, 0x50000 } }, BP_OP_UNSUPPORTED,
		  "Can't resize an image that keeps the state of a machine behind its disk" },
		{ 4096 * T, { { 0 } }, BP_INVALID,
		  "this image has clusters of 65536 bytes and can hold at most 2251799813685248 "
		  "bytes, not 4503599627370496" },
		{ 9 * T, { { 196608, 8, 0 }, { 131072 + 6, 2, 2 } }, BP_CORRUPT,
		  "cluster 3 has refcount 2, not 1: repair the image first" },
		{ 9 * T, { { 65536, 8, 0x20200 } }, BP_CORRUPT,
		  "the refcount table leads to 131584, where no refcount block can be: repair the "
		  "image first" },
		{ 9 * T, { { 65544, 8, 0x7f0000 } }, BP_CORRUPT,
		  "the refcount table leads to 8323072, where no refcount block can be: repair the "
		  "image first" },
		{ 2 * G, { { 40, 8, 196616 } }, BP_CORRUPT,
		  "the L1 table is at 196616, not at the start of a cluster" },
		{ 2 * G, { { 40, 8, 262144 } }, BP_CORRUPT,
		  "the L1 table, 16 bytes at 262144, is not inside the file" },
		{ 2 * G, { { 40, 8, 0 } }, BP_CORRUPT,
		  "the L1 table, 16 bytes at 0, is not inside the file" },
		{ 2 * G, { { 36, 4, 1 } }, BP_CORRUPT,
		  "the L1 table has 1 entries, but the capacity asks for 2" },
		{ 2 * G, { { 36, 4, 0x400001 } }, BP_CORRUPT,
		  "the L1 table has 4194305 entries, but the capacity asks for 2" },
		{ 2 * G, { { 56, 4, 0 } }, BP_CORRUPT, "the refcount table has 0 clusters" },
		{ 2 * G, { { 56, 4, 129 } }, BP_CORRUPT, "the refcount table has 129 clusters" },
		{ 2 * G, { { 56, 4, 3 } }, BP_CORRUPT,
		  "the refcount table, 196608 bytes at 65536, is not inside the file" },
		{ 2 * G, { { 60, 4, 65537 } }, BP_CORRUPT,
		  "the qcow2 header tells of 65537 snapshots, more than 65536: repairing all "
		  "drops the rest" },
		{ 2 * G, { { 96, 4, 7 } }, BP_CORRUPT,
		  "the qcow2 header asks for refcounts of 2^7 bits" },
		{ 2 * G, { { 20, 4, 40 } }, BP_CORRUPT,
		  "the qcow2 header asks for clusters of 2^40 bytes" },
		{ 2 * G, { { 8, 8, 120 } }, BP_CORRUPT, "the name of the backing file is empty" },
		{ 2 * G, { { 112, 8, 0x6803f857000f0000 } }, BP_CORRUPT,
		  "the qcow2 header extension 6803f857 at 112 has 983040 bytes, more than there is "
		  "room for" },
		{ 2 * G, { { 4, 4, 4 } }, BP_CORRUPT, "this is no qcow2 image" },
		{ 2 * G, { { 0, 4, 0 } }, BP_CORRUPT, "this is no qcow2 image" },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct bp_io *from = plain_image(1 * G, 0);
		struct bp_error err = { 0 };
		struct record r;

		for (size_t p = 0; p < array_size(rows[i].pokes); p++)
			poke(from, rows[i].pokes[p].at, rows[i].pokes[p].n, rows[i].pokes[p].v);
		record_start(&r, from);
		SAME_N(qcow2()->resize(&r.io, rows[i].to, &err), -1);
		SAME(err.text, rows[i].text);
		SAME_N(err.code, rows[i].code);
		SAME_N(r.n, 0);
		record_done(&r);
		io_close(from);
	}
}

TEST(says_when_the_refcount_table_is_full)
{
	struct bp_io *from = plain_image(10 * M, 512);
	struct bp_error err = { 0 };

	SAME_N(qcow2()->resize(from, 100 * G, &err), -1);
	SAME(err.text, "the refcount table of the image is full: copy it into a new image, with "
	     "larger clusters");
	io_close(from);
}

/* Refcounts that go on and on must not keep us busy. */
TEST(gives_up_on_refcounts_without_end)
{
	struct bp_io *from = plain_image(1 * G, 0);
	struct bp_error err = { 0 };

	for (uint64_t i = 1; i < 8192; i++)
		poke(from, 65536 + i * 8, 8, 131072);
	SAME_N(qcow2()->resize(from, 9 * T, &err), -1);
	SAME(err.text, "the refcounts go on far past the end of the file: repair the image first");
	io_close(from);
}

TEST(does_nothing_for_the_same_capacity)
{
	struct bp_io *from = plain_image(1000, 0);
	struct bp_error err = { 0 };
	struct record r;

	record_start(&r, from);
	SAME_N(qcow2()->resize(&r.io, 1000, &err), 0);
	SAME_N(qcow2()->resize(&r.io, 1024, &err), 0);
	SAME_N(r.n, 0);
	record_done(&r);
	io_close(from);
}

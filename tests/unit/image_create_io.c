/* image_create_io.c - how images are written: the writes, their failures, what is refused. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_judge.h"

#define K UINT64_C(1024)
#define METADATA BP_PREALLOC_METADATA
#define M (K * K)
#define G (K * M)
#define T (K * G)

static const struct bp_image_format *qcow2(void)
{
	return bp_image_format_find("qcow2");
}

/* Goes through to a file, counts, and fails when told to. */
struct counting {
	struct bp_io io, *file;
	int calls, fail_at;
	uint64_t written;
};

static int may(struct bp_io *io, struct bp_error *err)
{
	struct counting *c = (struct counting *)io;

	return ++c->calls == c->fail_at ? bp_fail(err, BP_SYSTEM, "no space left") : 0;
}

static int counting_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	return io_size(((struct counting *)io)->file, ret, err);
}

static int counting_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			  struct bp_error *err)
{
	((struct counting *)io)->written += len;
	return may(io, err) < 0 ? -1 : io_write(((struct counting *)io)->file, buf, len, at, err);
}

static int counting_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	return may(io, err) < 0 ? -1 : io_resize(((struct counting *)io)->file, size, err);
}

static const struct bp_io_ops counting_ops = {
	.size = counting_size, .write = counting_write, .resize = counting_resize,
};

static int create_counted(const char *path, const struct bp_image_spec *s, struct counting *c,
			  struct bp_error *err)
{
	int r;

	c->io = (struct bp_io){ .ops = &counting_ops, .fd = -1, .name = "counted" };
	c->file = open_image(path, O_CREAT | O_TRUNC);
	c->calls = 0;
	r = qcow2()->create(&c->io, s, err);
	io_close(c->file);
	return r;
}

TEST(writes_an_empty_image_with_a_handful_of_writes)
{
	struct bp_image_spec s = { .capacity = 10 * T };
	struct counting c = { 0 };
	struct bp_error err = { 0 };

	SAME_N(create_counted(tap_path("i"), &s, &c, &err), 0);
	SAME_N(c.calls, 4);			/* the length, two tables, the header */
	CHECK(c.written < 1024);
	s = (struct bp_image_spec){ .capacity = G, .cluster_size = 512 };
	SAME_N(create_counted(tap_path("i"), &s, &c, &err), 0);
	SAME_N(c.calls, 3);
}

TEST(writes_the_header_last_and_nothing_after_a_failure)
{
	struct bp_image_spec s = { .capacity = G, .cluster_size = 4 * K, .preallocate = METADATA };
	struct counting c = { 0 };
	const char *path = tap_path("i");
	struct bp_error none = { 0 };
	int calls;

	SAME_N(create_counted(path, &s, &c, &none), 0);
	calls = c.calls;
	CHECK(calls > 10);
	for (c.fail_at = 1; c.fail_at <= calls; c.fail_at++) {
		struct bp_error err = { 0 };
		auto_free char *told = NULL;
		struct bp_io *io;

		SAME_N(create_counted(path, &s, &c, &err), -1);
		SAME_N(c.calls, c.fail_at);
		io = open_image(path, 0);
		told = describe_image(io);
		io_close(io);
		CHECK(starts_with(told, "raw "));
	}
}

TEST(wipes_what_was_on_a_device)
{
	static const struct bp_io_ops fixed = { .size = counting_size, .write = counting_write };
	struct bp_image_spec s = { .capacity = 20 * G };
	struct counting c = { .io = { .ops = &fixed, .fd = -1, .name = "device" } };
	const char *path = tap_path("device");
	struct bp_error err = { 0 };
	char *junk = mem_alloc(M);

	NEED_QEMU();
	memset(junk, 0xa5, M);
	c.file = open_image(path, O_CREAT | O_TRUNC);
	SAME_N(io_write(c.file, junk, M, 0, &err), 0);
	free(junk);
	SAME_N(qcow2()->create(&c.io, &s, &err), 0);
	io_close(c.file);
	CHECK(judge("qemu-img", "check", "-q", path, NULL) == 0);
	CHECK(judge("qemu-io", "-c", "read -P 0 0 1G", "-c", "read -P 0 19G 1G", path, NULL) == 0);
	CHECK(!strstr(judged, "verification failed"));

	c.file = open_image(path, 0);
	s.preallocate = METADATA;
	SAME_N(qcow2()->create(&c.io, &s, &err), -1);
	SAME_N(err.code, BP_UNSUPPORTED);
	io_close(c.file);
}

TEST(refuses_what_cannot_be_made)
{
	static char long_name[1025];
	static const struct {
		struct bp_image_spec spec;
		enum bp_code code;
		const char *text;
	} rows[] = {
		{ { .cluster_size = 3072 }, BP_INVALID,
		  "Cluster size must be a power of two between 512 and 2048k" },
		{ { .cluster_size = 256 }, BP_INVALID,
		  "Cluster size must be a power of two between 512 and 2048k" },
		{ { .cluster_size = 4 * M }, BP_INVALID,
		  "Cluster size must be a power of two between 512 and 2048k" },
		{ { .cluster_size = UINT64_C(1) << 63 }, BP_INVALID,
		  "Cluster size must be a power of two between 512 and 2048k" },
		{ { .compat = "0.10", .features = BP_FEATURE_LAZY_REFCOUNTS }, BP_CONFIG,
		  "lazy_refcounts not supported with compat level 0.10" },
		{ { .compat = "0.10", .features = BP_FEATURE_EXTENDED_L2 }, BP_CONFIG,
		  "extended_l2 not supported with compat level 0.10" },
		{ { .compat = "9.9" }, BP_CONFIG,
		  "unknown qcow2 compat level '9.9': there are 0.10 and 1.1" },
		{ { .features = BP_FEATURE_DATA_FILE }, BP_CONFIG,
		  "a qcow2 image with its data in another file needs the name of that file" },
		{ { .data_raw = true }, BP_INVALID, "data-file-raw requires data-file" },
		{ { .data_file = "d", .data_raw = true, .backing = "b" }, BP_INVALID,
		  "Backing file and data-file-raw cannot be used at the same time" },
		{ { .data_file = "d", .compat = "0.10" }, BP_CONFIG,
		  "a data file not supported with compat level 0.10" },
		{ { .data_file = "" }, BP_INVALID,
		  "the name of the data file must have 1 to 1023 bytes, not 0" },
		{ { .data_file = "d" }, BP_INTERNAL, "the data file 'd' is not open" },
		{ { .features = BP_FEATURE_EXTENDED_L2, .cluster_size = 8 * K }, BP_CONFIG,
		  "extended_l2 needs clusters of at least 16 KiB, not 8192 bytes" },
		{ { .capacity = UINT64_MAX }, BP_INVALID,
		  "a qcow2 image with clusters of 65536 bytes can hold at most 2251799813685248 "
		  "bytes, not 18446744073709551615" },
		{ { .capacity = UINT64_C(1) << 51, .features = BP_FEATURE_EXTENDED_L2 }, BP_INVALID,
		  "a qcow2 image with clusters of 65536 bytes and extended_l2 can hold at most "
		  "1125899906842624 bytes, not 2251799813685248" },
		{ { .capacity = UINT64_C(1) << 51, .preallocate = METADATA }, BP_INVALID,
		  "2251799813685248 bytes are too many to preallocate with clusters of 65536 "
		  "bytes" },
		{ { .capacity = UINT64_C(1) << 57, .cluster_size = 2 * M, .preallocate = METADATA },
		  BP_INVALID,
		  "144115188075855872 bytes are too many to preallocate with clusters of 2097152 "
		  "bytes" },
		{ { .backing = "" }, BP_INVALID,
		  "the name of the backing file must have 1 to 1023 bytes, not 0" },
		{ { .backing = long_name }, BP_INVALID,
		  "the name of the backing file must have 1 to 1023 bytes, not 1024" },
		{ { .backing = long_name + 424, .cluster_size = 512 }, BP_INVALID,
		  "the name of the backing file has 600 bytes, 208 more than fit beside the "
		  "header in a cluster" },
		{ { .backing = "b", .backing_format = "a-very-long-word" }, BP_INVALID,
		  "backing format 'a-very-long-word' is longer than 15 bytes" },
		{ { .backing_format = "raw" }, BP_INVALID,
		  "backing format 'raw' without a backing file" },
		{ { .backing = "b", .preallocate = METADATA }, BP_CONFIG,
		  "metadata preallocation conflicts with backing store" },
	};

	memset(long_name, 'n', 1024);
	for (size_t i = 0; i < array_size(rows); i++) {
		struct bp_io *io = io_of_memory(0);
		struct bp_error err = { 0 };
		uint64_t size;

		SAME_N(qcow2()->create(io, &rows[i].spec, &err), -1);
		SAME(err.text, rows[i].text);
		SAME_N(err.code, rows[i].code);
		SAME_N(io_size(io, &size, &err), 0);
		SAME_N(size, 0);
		io_close(io);
	}
}

TEST(fits_the_longest_name_into_the_smallest_cluster)
{
	char name[393] = { 0 };
	struct bp_image_spec s = { .capacity = M, .cluster_size = 512, .backing = name };
	struct bp_io *io = io_of_memory(0);
	struct bp_error err = { 0 };
	auto_free char *told = NULL, *want = NULL;

	memset(name, 'n', 392);
	SAME_N(qcow2()->create(io, &s, &err), 0);
	told = describe_image(io);
	io_close(io);
	want = mem_printf("qcow2 1048576 backing=%s compat=1.1 cluster=512 features", name);
	SAME(told, want);
}

TEST(makes_and_resizes_raw_images)
{
	static const char *const names[] = { "raw", "iso" };

	for (size_t i = 0; i < array_size(names); i++) {
		const struct bp_image_format *f = bp_image_format_find(names[i]);
		struct bp_image_spec s = { .capacity = 12345 };
		struct bp_io *io = io_of_memory(0);
		struct bp_error err = { 0 }, why = { 0 };
		uint64_t size;

		CHECK(f->create(io, &s, &err) == 0 && io_size(io, &size, &err) == 0);
		SAME_N(size, 12345);
		CHECK(f->resize(io, 54321, &err) == 0 && io_size(io, &size, &err) == 0);
		SAME_N(size, 54321);
		s.backing = "b";
		SAME_N(f->create(io, &s, &err), -1);
		SAME(err.text, "backing storage not supported for raw volumes");
		s = (struct bp_image_spec){ .preallocate = METADATA };
		SAME_N(f->create(io, &s, &why), -1);
		SAME(why.text, "metadata preallocation is not supported for raw volumes");
		SAME_N(why.code, BP_CONFIG);
		io_close(io);
	}
}

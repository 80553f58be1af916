/* image_shrink.c - qcow2 images made smaller, beside qemu-img, with the power cut at every
 * moment and each write failing. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_record.h"

static const struct bp_image_format *qcow2(void)
{
	return bp_image_format_find("qcow2");
}

static const struct shrink {
	const char *options, *before;	/* "snapshot" it */
	uint64_t to;
} shrinks[] = {
	{ "compat=1.1", "", 1 << 20 },
	{ "compat=1.1", "", 1114624 },
	{ "compat=0.10,cluster_size=4k", "", 1000448 },
	{ "compat=1.1,cluster_size=512", "", 1000448 },
	{ "compat=1.1,cluster_size=512", "snapshot", 1000448 },
	{ "compat=1.1,cluster_size=2M", "", 3 << 20 },
	{ "extended_l2=on,cluster_size=16k", "", 1000960 },
	{ "extended_l2=on,cluster_size=64k", "snapshot", 1000960 },
	{ "refcount_bits=1,cluster_size=4k", "", 1000960 },
	{ "refcount_bits=64,cluster_size=1k", "snapshot", 1000960 },
	{ "preallocation=metadata,cluster_size=4k", "", 1001472 },
	{ "lazy_refcounts=on", "snapshot", 2 << 20 },
	{ "compression_type=zstd,cluster_size=8k", "compressed", 1000960 },
	{ "compression_type=zlib,cluster_size=64k", "compressed", 1000960 },
};

static bool make(const char *path, const struct shrink *s)
{
	static const char *const writes[] = {
		"write -P 1 0 1000", "write -P 2 100000 70000", "write -P 3 990000 40000",
		"write -P 4 1100000 30000", "write -z 500000 100000", "write -P 5 9M 512k",
	};

	unlink(path);
	if (judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", s->options, path, "10M",
		  NULL) != 0)
		return false;
	if (strcmp(s->before, "compressed") == 0 &&
	    judge("qemu-io", "-c", "write -c -P 9 917504 192k", path, NULL) != 0)
		return false;
	for (size_t i = 0; i < array_size(writes); i++) {
		if (i == 3 && strcmp(s->before, "snapshot") == 0 &&
		    judge("qemu-img", "snapshot", "-c", "s", path, NULL) != 0)
			return false;
		if (strcmp(s->before, "compressed") != 0 &&
		    judge("qemu-io", "-c", writes[i], path, NULL) != 0)
			return false;
	}
	return true;
}

static int shrink(struct bp_io *io, const struct shrink *s, struct bp_error *err)
{
	int r = qcow2()->resize(io, s->to, err);

	if (r < 0)
		printf("# %s to %llu: %s\n", s->options, (unsigned long long)s->to, err->text);
	return r;
}

static bool shrink_by_qemu(const char *path, const struct shrink *s)
{
	auto_free char *to = mem_printf("%llu", (unsigned long long)s->to);

	if (judge("qemu-img", "resize", "-q", "--shrink", path, to, NULL) == 0)
		return true;
	printf("# %s to %s: %s\n", s->options, to, judged);
	return false;
}

static bool same(const char *a, const char *b)
{
	int r = judge("qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", "-s", a, b, NULL);

	if (r != 0 && judge("qemu-img", "compare", a, b, NULL) == 0)
		return true;	/* allocated otherwise: zeros in a cluster are as good as none */
	if (r != 0)
		printf("# %s", judged);
	return r == 0;
}

static bool clean(const char *path)
{
	int r = judge("qemu-img", "check", path, NULL);

	if (r != 0)
		printf("# %s\n", judged);
	return r == 0;
}

static bool reads(const char *path, const char *command)
{
	int r = judge("qemu-io", "-r", "-c", command, path, NULL);

	if (r == 0 && !strstr(judged, "verification failed"))
		return true;
	printf("# %s: %s\n", command, judged);
	return false;
}

TEST(the_disk_is_as_qemu_img_leaves_it)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(shrinks); i++) {
		const struct shrink *s = &shrinks[i];
		const char *ours = tap_path("ours"), *theirs = tap_path("theirs");
		struct bp_error err = { 0 };
		struct bp_io *io;

		CHECK(make(ours, s) && judge("cp", ours, theirs, NULL) == 0);
		io = open_image(ours, 0);
		SAME_N(shrink(io, s, &err), 0);
		io_close(io);
		CHECK(shrink_by_qemu(theirs, s));
		CHECK(clean(ours) && same(ours, theirs));
		if (strcmp(s->before, "snapshot") != 0)
			continue;
		CHECK(judge("qemu-img", "snapshot", "-a", "s", ours, NULL) == 0 &&
		      judge("qemu-img", "snapshot", "-a", "s", theirs, NULL) == 0);
		CHECK(clean(ours) && same(ours, theirs));
	}
}

/* A disk that was cut inside a cluster, and has grown again: QEMU shows what was there. */
TEST(what_was_cut_off_does_not_come_back)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(shrinks); i++) {
		const struct shrink *s = &shrinks[i];
		const char *ours = tap_path("ours");
		struct bp_error err = { 0 };
		struct bp_io *io;
		auto_free char *read = mem_printf("read -P 0 %llu %llu", (unsigned long long)s->to,
						  (unsigned long long)((10u << 20) - s->to));

		CHECK(make(ours, s));
		io = open_image(ours, 0);
		SAME_N(shrink(io, s, &err), 0);
		SAME_N(qcow2()->resize(io, 10u << 20, &err), 0);
		io_close(io);
		CHECK(clean(ours) && reads(ours, read));
	}
}

/* What is in it: a whole image, as before or as after. */
static bool is_one_of(struct bp_io *io, const char *before, const char *after, const char *where,
		      size_t at)
{
	const char *path = tap_path("judged");

	file_of_memory(path, io);
	if (judge("qemu-img", "check", path, NULL) == 0 &&
	    ((before && judge("qemu-img", "compare", path, before, NULL) == 0 &&
	      !strstr(judged, "Warning")) ||
	     (after && judge("qemu-img", "compare", path, after, NULL) == 0 &&
	      !strstr(judged, "Warning"))))
		return true;
	printf("# %s %zu: %.500s\n", where, at, judged);
	return false;
}

TEST(is_the_old_or_the_new_whenever_the_power_is_cut)
{
	static const size_t which[] = { 1, 5, 8 };

	NEED_QEMU();
	for (size_t i = 0; i < array_size(which); i++) {
		const struct shrink *s = &shrinks[which[i]];
		const char *before = tap_path("before"), *after = tap_path("after");
		struct bp_error err = { 0 };
		struct bp_io *from;
		struct record r;

		CHECK(make(before, s) && judge("cp", before, after, NULL) == 0);
		CHECK(shrink_by_qemu(after, s));
		from = memory_of_file(before);
		record_start(&r, from);
		SAME_N(shrink(&r.io, s, &err), 0);
		for (size_t cut = 0; cut <= r.n; cut++)
			for (int chance = 0; chance < 3; chance++) {
				struct bp_io *disk = record_cut(&r, from, cut, chance > 0);

				CHECK(is_one_of(disk, before, after, "cut at", cut));
				io_close(disk);
			}
		record_done(&r);
		io_close(from);
	}
}

TEST(is_the_old_one_after_any_failure)
{
	const struct shrink *s = &shrinks[5];
	const char *before = tap_path("before");
	size_t failures = 0;
	bool failed = true;
	struct bp_io *from;
	struct record r;

	NEED_QEMU();
	CHECK(make(before, s));
	from = memory_of_file(before);
	for (; failed; failures += failed) {
		struct bp_error err = { 0 };

		record_start(&r, from);
		r.fail_at = failures + 1;
		failed = qcow2()->resize(&r.io, 1000448, &err) < 0;
		if (failed)
			CHECK(is_one_of(r.now, before, NULL, "failed at", failures));
		record_done(&r);
	}
	CHECK(failures > 5);
	io_close(from);
}

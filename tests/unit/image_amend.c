/* image_amend.c - other versions, features and refcounts of qcow2 images, judged by QEMU. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_record.h"

enum { SIZE = 600 << 10 };

static const struct {
	const char *options;
	bool backed;
	unsigned bits;			/* that its refcounts can become */
} kinds[] = {
	{ "compat=1.1,lazy_refcounts=on", false, 32 },
	{ "compat=1.1,cluster_size=4k", true, 2 },
	{ "compat=1.1,cluster_size=512", true, 64 },
	{ "compat=0.10,cluster_size=1k", true, 4 },
};

static const struct bp_image_format *qcow2(void)
{
	return bp_image_known_find("qcow2");
}

static bool told(int r, const struct bp_error *err)
{
	if (r < 0)
		printf("# %s\n", err->text);
	return r == 0;
}

static bool io_command(const char *path, const char *command)
{
	return judge("qemu-io", "-f", "qcow2", "-c", command, path, NULL) == 0;
}

/* Zeros in the disk, in a snapshot, in both, with and without clusters kept for them. */
static bool make(const char *path, size_t k)
{
	const char *below = tap_path("below");
	auto_free char *size = mem_printf("%d", SIZE);
	bool zeros = !strstr(kinds[k].options, "0.10"), made;

	unlink(path);
	made = judge("qemu-img", "create", "-q", "-f", "raw", below, size, NULL) == 0 &&
	       judge("qemu-io", "-f", "raw", "-c", "write -P 9 0 600k", below, NULL) == 0 &&
	       judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", kinds[k].options,
		     kinds[k].backed ? "-F" : "-q", kinds[k].backed ? "raw" : "-q",
		     kinds[k].backed ? "-b" : "-q", kinds[k].backed ? below : "-q", path, size,
		     NULL) == 0;
	return made && io_command(path, "write -P 1 0 300k") &&
	       (!zeros || (io_command(path, "write -z 64k 64k") &&
			   io_command(path, "write -z -u 192k 64k") &&
			   io_command(path, "write -z 400k 50k"))) &&
	       judge("qemu-img", "snapshot", "-c", "one", path, NULL) == 0 &&
	       io_command(path, "write -P 2 70k 10k") &&
	       (!zeros || io_command(path, "write -z 130k 40k")) &&
	       judge("qemu-img", "snapshot", "-c", "two", path, NULL) == 0 &&
	       io_command(path, "write -P 3 500k 30k");
}

/* What is in the disk and in both snapshots, and that QEMU finds nothing wrong. */
static char *look(const char *path)
{
	static const char *const which[] = { NULL, "snapshot.name=one", "snapshot.name=two" };
	const char *raw = tap_path("raw");
	struct text t = { 0 };

	if (judge("qemu-img", "check", "-q", path, NULL) & ~3) {
		text_add(&t, judged);
		return text_steal(&t);
	}
	for (size_t i = 0; i < array_size(which); i++) {
		if (judge("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, raw,
			  which[i] ? "-l" : NULL, which[i], NULL) != 0 ||
		    judge("sha256sum", raw, NULL) != 0)
			text_add(&t, judged);
		text_add_n(&t, judged, strcspn(judged, " "));
	}
	return text_steal(&t);
}

static int amend(struct bp_io *io, struct bp_image_amendment a, struct bp_error *err)
{
	return qcow2()->amend(io, &a, NULL, err);
}

static bool says(const char *path, const char *line)
{
	return judge("qemu-img", "info", path, NULL) == 0 && strstr(judged, line);
}

TEST(what_the_guest_sees_stays)
{
	const char *path = tap_path("image");

	NEED_QEMU();
	for (size_t k = 0; k < array_size(kinds); k++) {
		unsigned bits = kinds[k].bits;
		auto_free char *line = mem_printf("refcount bits: %u", bits);
		auto_free char *before = NULL, *after = NULL, *at_last = NULL;
		struct bp_error err = { 0 };
		struct bp_io *io;

		CHECK(make(path, k));
		before = look(path);
		CHECK(strlen(before) == 3 * 64);
		io = open_image(path, 0);
		CHECK(told(amend(io, (struct bp_image_amendment){ .version = 3 }, &err), &err));
		CHECK(told(amend(io, (struct bp_image_amendment){ .refcount_bits = bits }, &err),
			   &err));
		CHECK(told(amend(io, (struct bp_image_amendment){
				.lazy_too = true, .lazy = k % 2 }, &err), &err));
		io_close(io);
		CHECK(says(path, "compat: 1.1") && strstr(judged, line));
		CHECK(strstr(judged, k % 2 ? "lazy refcounts: true" : "lazy refcounts: false"));
		after = look(path);
		SAME(after, before);
		io = open_image(path, 0);
		CHECK(amend(io, (struct bp_image_amendment){ .version = 2 }, &err) < 0);
		err = (struct bp_error){ 0 };
		CHECK(told(amend(io, (struct bp_image_amendment){ .refcount_bits = 16 }, &err),
			   &err));
		CHECK(told(amend(io, (struct bp_image_amendment){ .version = 2 }, &err), &err));
		io_close(io);
		CHECK(says(path, "compat: 0.10"));
		at_last = look(path);
		SAME(at_last, before);
		CHECK(judge("qemu-img", "check", path, NULL) == 0);
	}
}

static const struct bp_image_amendment steps[] = {
	{ .version = 3 }, { .version = 2 }, { .refcount_bits = 2 },
	{ .lazy_too = true, .lazy = true },
};

TEST(at_every_moment_it_is_whole)
{
	const char *path = tap_path("image"), *cut_path = tap_path("cut");

	NEED_QEMU();
	for (size_t s = 0; s < array_size(steps); s++) {
		auto_free char *before = NULL;
		struct bp_error err = { 0 };
		struct bp_io *old;
		struct record r;
		bool whole;

		CHECK(make(path, s ? 2 : 3));
		before = look(path);
		old = memory_of_file(path);
		record_start(&r, old);
		whole = told(amend(&r.io, steps[s], &err), &err);
		/* some of many: the edits are the same as for snapshots, and tried there */
		for (size_t cut = 0; whole && cut <= r.n; cut += cut + 12 > r.n ? 1 : 7) {
			struct bp_io *io = record_cut(&r, old, cut, cut % 2);
			auto_free char *now = NULL;

			file_of_memory(cut_path, io);
			io_close(io);
			now = look(cut_path);
			whole = strcmp(now, before) == 0;
			if (!whole)
				printf("# step %zu, change %zu of %zu: %s\n", s, cut, r.n, now);
		}
		record_done(&r);
		io_close(old);
		CHECK(whole);
	}
}

TEST(what_cannot_be_is_refused)
{
	const char *path = tap_path("image");
	struct bp_error err = { 0 };
	struct bp_io *io;

	NEED_QEMU();
	CHECK(make(path, 1));
	io = open_image(path, 0);
	CHECK(amend(io, (struct bp_image_amendment){ .refcount_bits = 1 }, &err) < 0);
	CHECK(strstr(err.text, "has a refcount of"));
	io_close(io);
	err = (struct bp_error){ 0 };
	CHECK(judge("qemu-img", "snapshot", "-d", "one", path, NULL) == 0);
	CHECK(judge("qemu-img", "resize", "-q", path, "2M", NULL) == 0);
	io = open_image(path, 0);
	CHECK(amend(io, (struct bp_image_amendment){ .version = 2 }, &err) < 0);
	SAME(err.text, "Internal snapshots prevent downgrade of image");
	io_close(io);
	err = (struct bp_error){ 0 };
	CHECK(judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", "extended_l2=on", path, "1M",
		    NULL) == 0);
	CHECK(judge("qemu-img", "bitmap", "--add", path, "b", NULL) == 0);
	io = open_image(path, 0);
	CHECK(amend(io, (struct bp_image_amendment){ .version = 2 }, &err) < 0);
	CHECK(strstr(err.text, "bitmaps"));
	io_close(io);
}

/* image_empty.c - taking everything out of a qcow2 image, with the power cut at every moment. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_record.h"

static const struct emptied {
	const char *name, *options, *size;
	const char *backing;
	bool snapshot;
} images[] = {
	{ "as usual", "compat=1.1", "4M", NULL, false },
	{ "version 2, small clusters", "compat=0.10,cluster_size=512", "3M", NULL, false },
	{ "extended L2, a snapshot", "extended_l2=on,cluster_size=16k", "10M", NULL, true },
	{ "an overlay of a large disk", "cluster_size=4k", "30G", "base", false },
};

static bool make(const char *path, const struct emptied *e)
{
	auto_free char *options = mem_printf("%s%s%s", e->options, e->backing ?
					     ",backing_fmt=raw,backing_file=" : "",
					     e->backing ? tap_path(e->backing) : "");

	unlink(path);
	if (e->backing && judge("truncate", "-s", "1M", tap_path(e->backing), NULL) != 0)
		return false;
	return judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, e->size,
		     NULL) == 0 &&
	       judge("qemu-io", "-c", "write -P 0x5a 1000 70000", "-c", "write -P 0x5a 2M 10",
		     path, NULL) == 0 &&
	       (!e->snapshot || judge("qemu-img", "snapshot", "-c", "s1", path, NULL) == 0);
}

/* What wipes. */
struct wiped {
	uint64_t from, to;
	unsigned times;
	bool fail;
};

static int wipe(void *arg, struct bp_io *io, uint64_t from, uint64_t to, struct bp_error *err)
{
	struct wiped *w = arg;
	auto_free char *junk = mem_resize(NULL, to - from, 1);

	w->from = from;
	w->to = to;
	w->times++;
	memset(junk, 0xa5, to - from);
	if (w->fail)
		return bp_fail(err, BP_CANCELLED, "enough");
	return io_write(io, junk, to - from, from, err) < 0 ? -1 : io_sync(io, err);
}

static int empty(struct bp_io *io, struct wiped *w, struct bp_error *err)
{
	const struct bp_image_wiper wiper = { wipe, w };
	const struct bp_image_format *f = bp_image_format_find("qcow2");
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };

	if (bp_image_probe(io, &info, err) < 0)
		return -1;
	return f->empty(io, &(struct bp_image_spec){
		.capacity = info.capacity, .compat = info.compat ? info.compat : "0.10",
		.cluster_size = info.cluster_size, .features = info.features,
	}, &wiper, err);
}

static bool reads(const char *path, const char *pattern)
{
	auto_free char *a = mem_printf("read -P %s 1000 70000", pattern);
	auto_free char *b = mem_printf("read -P %s 2M 10", pattern);

	return judge("qemu-io", "-r", "-c", a, "-c", b, path, NULL) == 0 &&
	       !strstr(judged, "verification failed");
}

/* An image, without a leak even, with all it held or with nothing. */
static bool is_whole(struct bp_io *io)
{
	const char *path = tap_path("judged");

	file_of_memory(path, io);
	return judge("qemu-img", "check", path, NULL) == 0 &&
	       (reads(path, "0") || reads(path, "0x5a"));
}

TEST(an_emptied_image_is_as_a_new_one)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(images); i++) {
		const char *path = tap_path("image"), *new = tap_path("new");
		auto_free char *options = mem_printf("%s", images[i].options);
		struct bp_error err = { 0 };
		struct wiped w = { 0 };
		struct bp_io *io;
		uint64_t size = 0;
		int r;

		CHECK(make(path, &images[i]));
		io = open_image(path, 0);
		r = io_size(io, &size, &err) < 0 ? -1 : empty(io, &w, &err);
		io_close(io);
		if (r < 0)
			printf("# %s: %s\n", images[i].name, err.text);
		CHECK(r == 0);
		CHECK(w.times == 1 && w.from == 512 && w.to >= size);
		CHECK(judge("qemu-img", "check", path, NULL) == 0);
		CHECK(reads(path, "0"));
		CHECK(judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, new,
			    images[i].size, NULL) == 0);
		{
			auto_free char *ours = qemu_info(path), *theirs = qemu_info(new);

			SAME(ours, theirs);
		}
		CHECK(judge("grep", "-qa", "ZZZZ\\|base", path, NULL) == 1);
	}
}

TEST(at_every_moment_it_is_an_image)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(images); i++) {
		struct bp_error err = { 0 };
		struct wiped w = { 0 };
		struct bp_io *before;
		struct record r;
		size_t cut = 0;
		bool whole = true;

		CHECK(make(tap_path("image"), &images[i]));
		before = memory_of_file(tap_path("image"));
		record_start(&r, before);
		if (empty(&r.io, &w, &err) < 0)
			printf("# %s: %s\n", images[i].name, err.text);
		for (; whole && err.code == BP_OK && cut <= r.n; cut++)
			for (int chance = 0; whole && chance < 2; chance++) {
				struct bp_io *io = record_cut(&r, before, cut, chance > 0);

				whole = is_whole(io);
				io_close(io);
			}
		if (!whole)
			printf("# %s: cut before change %zu of %zu: %s\n", images[i].name,
			       cut - 1, r.n, judged);
		record_done(&r);
		io_close(before);
		CHECK(whole && err.code == BP_OK);
	}
}

TEST(what_fails_leaves_an_image)
{
	struct bp_error err = { 0 };
	struct wiped stop = { .fail = true };
	struct bp_io *before;
	size_t n = 1;
	bool failed = true;

	NEED_QEMU();
	CHECK(make(tap_path("image"), &images[0]));
	before = memory_of_file(tap_path("image"));
	for (; failed; n++) {
		struct bp_error no = { 0 };
		struct wiped w = { 0 };
		struct record r;
		bool whole;

		record_start(&r, before);
		r.fail_at = n;
		failed = empty(&r.io, &w, &no) < 0;
		whole = is_whole(r.now);
		record_done(&r);
		CHECK(whole);
	}
	CHECK(n > 10);
	SAME_N(empty(before, &stop, &err), -1);
	CHECK(is_whole(before));
	io_close(before);
}

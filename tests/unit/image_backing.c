/* image_backing.c - another name for the backing file of a qcow2 image, judged by qemu-img,
 * with the power cut at every moment and each write failing. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_record.h"

static const struct bp_image_format *qcow2(void)
{
	return bp_image_format_find("qcow2");
}

/* A name of so many bytes. */
static char *name_of(int len)
{
	char *name = mem_alloc((size_t)len + 1);

	memset(name, 'x', (size_t)len);
	memcpy(name, "/n/", 3);
	return name;
}

static const struct row {
	const char *options;
	int from, to;			/* bytes of the names; 0: none */
	const char *was, *format;	/* NULL: not recorded */
} rows[] = {
	{ "compat=1.1", 20, 25, "qcow2", "qcow2" },
	{ "compat=1.1", 20, 700, "qcow2", "raw" },
	{ "compat=1.1", 900, 1000, "raw", "qcow2" },
	{ "compat=1.1", 0, 30, NULL, "qcow2" },
	{ "compat=1.1", 30, 0, "qcow2", NULL },
	{ "compat=1.1", 1023, 0, "qcow2", NULL },
	{ "compat=0.10", 20, 25, "qcow2", "raw" },
	{ "cluster_size=512", 200, 210, "raw", "qcow2" },
	{ "cluster_size=4k", 800, 900, "raw", "qcow2" },
	{ "compression_type=zstd", 20, 25, "qcow2", "raw" },
};

static bool make_row(const char *path, const struct row *r)
{
	auto_free char *from = name_of(r->from ? r->from : 8);

	unlink(path);
	if (!r->from)
		return judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", r->options, path,
			     "1M", NULL) == 0;
	return judge("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", from, "-F", r->was,
		     "-o", r->options, path, "1M", NULL) == 0;
}

static int change(struct bp_io *io, const struct row *r, struct bp_error *err)
{
	auto_free char *to = name_of(r->to ? r->to : 8);
	int done = qcow2()->set_backing(io, r->to ? to : NULL, r->format, err);

	if (done < 0)
		printf("# %s, %d to %d: %s\n", r->options, r->from, r->to, err->text);
	return done;
}

TEST(the_image_is_as_qemu_img_makes_it)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct row *r = &rows[i];
		const char *ours = tap_path("ours"), *theirs = tap_path("theirs");
		auto_free char *to = name_of(r->to ? r->to : 8), *a = NULL, *b = NULL;
		struct bp_error err = { 0 };
		struct bp_io *io;

		CHECK(make_row(ours, r) && judge("cp", ours, theirs, NULL) == 0);
		io = open_image(ours, 0);
		SAME_N(change(io, r, &err), 0);
		io_close(io);
		SAME_N(judge("qemu-img", "rebase", "-u", "-b", r->to ? to : "", theirs,
			     r->format ? "-F" : NULL, r->format, NULL), 0);
		a = qemu_info(ours);
		b = qemu_info(theirs);
		SAME(a, b);
		SAME_N(judge("cmp", ours, theirs, NULL), 0);	/* to the byte */
	}
}

TEST(it_names_the_old_or_the_new_whenever_the_power_is_cut)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct row *r = &rows[i];
		auto_free char *before = NULL, *after = NULL;
		struct bp_error err = { 0 };
		struct bp_io *from;
		struct record rec;

		CHECK(make_row(tap_path("image"), r));
		from = memory_of_file(tap_path("image"));
		before = describe_image(from);
		record_start(&rec, from);
		SAME_N(change(&rec.io, r, &err), 0);
		after = describe_image(rec.now);
		for (size_t cut = 0; cut <= rec.n; cut++)
			for (int chance = 0; chance < 6; chance++) {
				struct bp_io *disk = record_cut(&rec, from, cut, chance > 0);
				auto_free char *now = describe_image(disk);
				bool whole = strcmp(now, before) == 0 || strcmp(now, after) == 0;

				if (!whole)
					printf("# row %zu, cut at %zu: %s\n", i, cut, now);
				CHECK(whole);
				io_close(disk);
			}
		record_done(&rec);
		io_close(from);
	}
}

TEST(it_names_the_old_one_after_a_failure)
{
	NEED_QEMU();
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct row *r = &rows[i];
		auto_free char *before = NULL;
		struct bp_io *from;
		bool failed = true;

		CHECK(make_row(tap_path("image"), r));
		from = memory_of_file(tap_path("image"));
		before = describe_image(from);
		for (size_t at = 1; failed; at++) {
			auto_free char *to = name_of(r->to ? r->to : 8), *now = NULL;
			struct bp_error err = { 0 };
			struct record rec;

			record_start(&rec, from);
			rec.fail_at = at;
			failed = qcow2()->set_backing(&rec.io, r->to ? to : NULL, r->format,
						      &err) < 0;
			now = describe_image(rec.now);
			if (failed)
				SAME(now, before);
			record_done(&rec);
		}
		io_close(from);
	}
}

TEST(what_nobody_knows_is_kept)
{
	const char *path = tap_path("image");
	static const unsigned char unknown[] = "\x12\x34\x56\x78\0\0\0\5hello\0\0\0\0\0\0\0\0\0\0";
	unsigned char buf[sizeof unknown - 1];
	struct bp_error err = { 0 };
	struct bp_io *io;

	NEED_QEMU();
	unlink(path);
	SAME_N(judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", path, "1M",
		     NULL), 0);
	io = open_image(path, 0);
	SAME_N(io_write(io, unknown, sizeof unknown - 1, 72, &err), 0);
	SAME_N(qcow2()->set_backing(io, "base", "raw", &err), 0);
	SAME_N(qcow2()->set_backing(io, NULL, NULL, &err), 0);
	SAME_N(io_read(io, buf, sizeof buf, 72, &err), 0);
	SAME_MEM(buf, unknown, sizeof buf);
	io_close(io);
}

TEST(what_does_not_fit_is_refused)
{
	const char *path = tap_path("image");
	auto_free char *name = name_of(600);
	struct bp_error err = { 0 };
	struct bp_io *io;

	NEED_QEMU();
	unlink(path);
	SAME_N(judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512", path,
		     "1M", NULL), 0);
	io = open_image(path, 0);
	SAME_N(qcow2()->set_backing(io, name, "raw", &err), -1);
	SAME(err.text, "the name of the backing file has 600 bytes, more than fit beside the "
	     "header in a cluster of 512");
	io_close(io);
	SAME_N(judge("qemu-img", "check", path, NULL), 0);
}

/* image_patch.c - bytes written into qcow2 images that are there, judged by QEMU. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/overwrite.h"
#include "tests/unit/image_record.h"

/* A disk of pieces that are no multiple of any cluster, and an odd end. */
enum { PIECE = 10 << 9, PIECES = 60, END = PIECE * PIECES - 512 };

static const char *const kinds[] = {
	"compat=1.1",
	"compat=0.10,cluster_size=512",
	"cluster_size=16k,extended_l2=on",
	"cluster_size=4k,refcount_bits=8",
	"cluster_size=1k,refcount_bits=64",
	"cluster_size=64k,extended_l2=on,preallocation=metadata",
	"cluster_size=4k,preallocation=metadata",
	"cluster_size=4k,compression_type=zstd",
};

struct model {
	const char *path;
	unsigned char now[PIECES];	/* each piece is full of it */
};

static bool told(int r, const struct bp_error *err)
{
	if (r < 0)
		printf("# %s\n", err->text);
	return r == 0;
}

static bool qemu_io(const char *path, const char *what, unsigned at, unsigned n)
{
	unsigned end = (at + n) * PIECE < END ? (at + n) * PIECE : END;
	auto_free char *command = mem_printf("%s %u %u", what, at * PIECE, end - at * PIECE);

	return judge("qemu-io", "-c", command, path, NULL) == 0;
}

static bool fill(struct model *m, unsigned at, unsigned n, unsigned char byte)
{
	auto_free char *what = mem_printf("write -P %u", byte);

	memset(m->now + at, byte, n);
	return qemu_io(m->path, byte ? what : "write -z", at, n);
}

/* Data, zeros, holes that show a backing file or none, clusters that a snapshot has too, and
 * compressed ones. */
static bool make(struct model *m, const char *options, bool backed)
{
	auto_free char *size = mem_printf("%d", END);
	const char *below = tap_path("below");
	bool made;

	*m = (struct model){ .path = below };
	made = judge("qemu-img", "create", "-q", "-f", "raw", below, size, NULL) == 0;
	if (backed)
		made = made && judge("qemu-io", "-f", "raw", "-c", "write -P 9 0 150k", below,
				     NULL) == 0;
	m->path = tap_path("image");
	unlink(m->path);
	if (backed) {
		memset(m->now, 9, 30);
		return made &&
		       judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "-b", below,
			     "-F", "raw", m->path, NULL) == 0 &&
		       fill(m, 2, 8, 2) && fill(m, 12, 5, 0) &&
		       judge("qemu-img", "snapshot", "-c", "s", m->path, NULL) == 0 &&
		       fill(m, 6, 3, 3) && fill(m, 40, 9, 4);
	}
	made = made && judge("qemu-io", "-f", "raw", "-c", "write -P 5 0 100k", below, NULL) == 0 &&
	       judge("qemu-img", "convert", strstr(options, "prealloc") ? "-q" : "-c", "-O",
		     "qcow2", "-o", options, below, m->path, NULL) == 0;
	memset(m->now, 5, 20);
	return made && fill(m, 22, 4, 6) &&
	       judge("qemu-img", "snapshot", "-c", "s", m->path, NULL) == 0 && fill(m, 24, 4, 7);
}

/* As QEMU reads it.  Each byte of some pieces may also be another. */
static bool holds(const struct model *m, const unsigned char *also)
{
	static unsigned char got[END];
	const char *raw = tap_path("raw");
	int fd, r;

	r = judge("qemu-img", "check", "-q", m->path, NULL);
	if (r != 0 && r != 3) {
		printf("# %s\n", judged);
		return false;
	}
	if (judge("qemu-img", "convert", "-f", "qcow2", "-O", "raw", m->path, raw, NULL) != 0)
		return false;
	fd = open(raw, O_RDONLY | O_CLOEXEC);
	r = read(fd, got, sizeof got) == (ssize_t)sizeof got;
	close(fd);
	for (size_t i = 0; r && i < sizeof got; i++) {
		r = got[i] == m->now[i / PIECE] || (also && got[i] == also[i / PIECE]);
		if (!r)
			printf("# byte %zu is %u\n", i, got[i]);
	}
	return r;
}

/* Who says where the backing file is: the one that was made beside. */
static int open_below(void *arg, const char *from, const struct bp_image_info *info,
		      struct bp_io **ret, char **ret_name, const struct bp_image_format **format,
		      struct bp_error *err)
{
	(void)arg, (void)from, (void)err;
	*ret = open_image(info->backing, 0);
	*ret_name = mem_dup(info->backing);
	*format = bp_image_known_find("raw");
	return *ret ? 0 : -1;
}

struct stroke {
	unsigned at, n;
	unsigned char byte;
};

static int paint(struct bp_io *io, const struct stroke *s, size_t n, struct bp_error *err)
{
	static unsigned char buf[PIECE * PIECES];
	const struct bp_image_format *qcow2 = bp_image_known_find("qcow2");
	const struct bp_opener opener = { .open = open_below };
	cleanup(patch_closep) struct bp_patch *patch = NULL;
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	cleanup(overwrite_done) struct overwrite o = { 0 };

	if (bp_chain_open(io, "image", qcow2, NULL, &opener, &chain, err) < 0 ||
	    qcow2->patch(io, 0, &patch, err) < 0)
		return -1;
	o = (struct overwrite){ .patch = patch, .chain = &chain };
	for (; n; n--, s++) {
		unsigned from = s->at * PIECE, to = (s->at + s->n) * PIECE;

		to = to < END ? to : END;
		memset(buf, s->byte, to - from);
		if (overwrite_put(&o, s->byte ? buf : NULL, to - from, from, err) < 0)
			return -1;
	}
	return overwrite_finish(&o, err);
}

static void expect(struct model *m, const struct stroke *s, size_t n)
{
	for (; n; n--, s++)
		memset(m->now + s->at, s->byte, s->n);
}

static const struct stroke strokes[] = {
	{ 0, 1, 11 }, { 3, 4, 12 }, { 7, 1, 0 }, { 10, 5, 0 }, { 15, 1, 13 }, { 21, 2, 0 },
	{ 23, 3, 14 }, { 28, 3, 0 }, { 41, 3, 15 }, { 45, 2, 0 }, { 50, 2, 0 }, { 56, 4, 16 },
};

static bool ends_with_zeros(const char *path)
{
	return judge("qemu-img", "resize", "-q", path, "1M", NULL) == 0 &&
	       judge("qemu-io", "-c", "read -P 0 306688 500k", path, NULL) == 0 &&
	       !strstr(judged, "ailed");
}

TEST(what_is_written_is_there_and_nothing_else_changes)
{
	NEED_QEMU();
	for (size_t k = 0; k < 2 * array_size(kinds); k++) {
		struct bp_error err = { 0 };
		struct bp_io *io;
		struct model m;
		bool right;

		/* only extended entries let space be kept above a backing file */
		if (k % 2 && strstr(kinds[k / 2], "k,prealloc") && !strstr(kinds[k / 2], "l2"))
			continue;
		CHECK(make(&m, kinds[k / 2], k % 2) && holds(&m, NULL));
		io = open_image(m.path, 0);
		right = told(paint(io, strokes, array_size(strokes), &err), &err);
		io_close(io);
		expect(&m, strokes, array_size(strokes));
		right = right && holds(&m, NULL);
		/* and larger, but for version 2 with snapshots: behind the old end are zeros */
		right = right && (k / 2 == 1 || ends_with_zeros(m.path));
		if (!right)
			printf("# %s, %zu\n", kinds[k / 2], k % 2);
		CHECK(right);
	}
}

TEST(the_snapshot_has_what_it_had)
{
	struct bp_error err = { 0 };
	struct model m, then;
	struct bp_io *io;

	NEED_QEMU();
	CHECK(make(&m, kinds[2], true));
	CHECK(judge("qemu-img", "snapshot", "-c", "t", m.path, NULL) == 0);
	then = m;
	io = open_image(m.path, 0);
	CHECK(told(paint(io, strokes, array_size(strokes), &err), &err));
	io_close(io);
	CHECK(judge("qemu-img", "snapshot", "-a", "t", m.path, NULL) == 0 && holds(&then, NULL));
}

/* What an image is wherever the power goes, as change after change was recorded. */
static bool every_cut(struct record *r, struct bp_io *old, const char *path,
		      bool (*is_good)(const struct model *before, const struct model *after,
				      bool whole),
		      const struct model *before, const struct model *after)
{
	bool good = true;

	for (size_t cut = 0; good && cut <= r->n; cut++) {
		struct bp_io *io = record_cut(r, old, cut, cut % 2);

		file_of_memory(path, io);
		good = is_good(before, after, cut == r->n);
		io_close(io);
		if (!good)
			printf("# change %zu of %zu\n", cut, r->n);
	}
	record_done(r);
	io_close(old);
	return good;
}

static bool is_either(const struct model *before, const struct model *after, bool whole)
{
	(void)whole;
	return holds(before, after->now);
}

static bool is_one(const struct model *before, const struct model *after, bool whole)
{
	return holds(after, NULL) || (!whole && holds(before, NULL));
}

/* At every moment: each byte is the old or the new. */
TEST(a_power_cut_leaves_a_whole_image)
{
	static const struct stroke few[] = { { 3, 3, 12 }, { 14, 1, 0 }, { 42, 2, 0 },
					     { 57, 3, 16 } };

	NEED_QEMU();
	for (size_t k = 1; k < 4; k++) {
		struct bp_error err = { 0 };
		struct model before, after;
		struct bp_io *old;
		struct record r;
		bool whole;

		CHECK(make(&before, kinds[k], true));
		after = before;
		expect(&after, few, array_size(few));
		old = memory_of_file(before.path);
		record_start(&r, old);
		whole = told(paint(&r.io, few, array_size(few), &err), &err);
		before.path = tap_path("judged");
		whole = every_cut(&r, old, before.path, is_either, &before, &after) && whole;
		if (!whole)
			printf("# of %s\n", kinds[k]);
		CHECK(whole);
	}
}

TEST(a_failed_write_leaves_a_whole_image)
{
	static const struct stroke few[] = { { 3, 2, 12 }, { 42, 2, 0 } };

	NEED_QEMU();
	for (size_t k = 2; k < 4; k++) {
		struct model before, after;
		struct bp_io *old;
		bool whole = true, failed = true;

		CHECK(make(&before, kinds[k], true));
		after = before;
		expect(&after, few, array_size(few));
		old = memory_of_file(before.path);
		before.path = tap_path("judged");
		for (size_t at = 1; whole && failed; at++) {
			struct bp_error err = { 0 };
			struct record r;

			record_start(&r, old);
			r.fail_at = at;
			failed = paint(&r.io, few, array_size(few), &err) < 0;
			file_of_memory(before.path, r.now);
			whole = holds(&before, after.now);
			record_done(&r);
			if (!whole)
				printf("# %s: change %zu failed\n", kinds[k], at);
		}
		io_close(old);
		CHECK(whole);
	}
}

/* All of it, or nothing. */
TEST(emptied_it_shows_its_backing_file)
{
	NEED_QEMU();
	for (size_t k = 0; k < 3; k++) {
		struct bp_error err = { 0 };
		struct model before, after;
		struct bp_io *old;
		struct record r;
		bool whole;

		CHECK(make(&before, kinds[k], true));
		after = before;
		memset(after.now, 0, sizeof after.now);
		memset(after.now, 9, 30);
		old = memory_of_file(before.path);
		record_start(&r, old);
		whole = told(bp_image_known_find("qcow2")->forget(&r.io, false, &err), &err);
		before.path = after.path = tap_path("judged");
		whole = every_cut(&r, old, before.path, is_one, &before, &after) && whole;
		if (!whole)
			printf("# of %s\n", kinds[k]);
		CHECK(whole);
		CHECK(judge("qemu-img", "map", "-f", "qcow2", after.path, NULL) == 0);
		CHECK(!strstr(judged, "judged"));
	}
}

TEST(what_cannot_be_written_to_is_refused)
{
	struct bp_error err = { 0 };
	struct bp_io *io;
	struct model m;

	NEED_QEMU();
	CHECK(make(&m, kinds[0], false));
	CHECK(judge("qemu-img", "bitmap", "--add", m.path, "b", NULL) == 0);
	io = open_image(m.path, 0);
	CHECK(paint(io, strokes, 1, &err) < 0 && strstr(err.text, "bitmaps"));
	io_close(io);
	CHECK(holds(&m, NULL));
}

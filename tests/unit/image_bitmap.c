/* image_bitmap.c - dirty bitmaps in qcow2 images, when the power is cut; judged by QEMU. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/patch.h"
#include "core/image/qcow2_bitmaps.h"
#include "tests/unit/image_record.h"

static bool told(int r, const struct bp_error *err)
{
	if (r < 0)
		printf("# %s\n", err->text);
	return r == 0;
}

static bool make(const char *path, const char *options)
{
	unlink(path);
	return judge("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "4M",
		     NULL) == 0 &&
	       judge("qemu-img", "bitmap", "--add", path, "one", NULL) == 0 &&
	       judge("qemu-io", "-c", "write -P 1 64k 1M", path, NULL) == 0 &&
	       judge("qemu-img", "bitmap", "--add", "-g", "512", path, "fine", NULL) == 0 &&
	       judge("qemu-io", "-c", "write -P 1 1M 4k", path, NULL) == 0;
}

/* All that they have, each as numbers of bytes. */
static bool add_parts(struct bp_io *io, struct text *t)
{
	cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };
	struct bp_error err = { 0 };
	struct qcow2 q;
	bool good = true;

	if (qcow2_open(io, &q, &err) == 0)
		text_addf(t, "%ju\n", (uintmax_t)q.h.capacity);
	if (err.code || qcow2_bitmaps_read(&q, &all, &err) < 0)
		return false;
	for (size_t i = 0; good && i < all.n; i++) {
		cleanup(qcow2_bits_done) struct qcow2_bits bits = { 0 };
		uint64_t at = 0, len = 0;

		text_addf(t, "%s %x:", all.list[i].name, all.list[i].flags);
		good = qcow2_bits_open(&bits, &q, &all.list[i], &err) == 0;
		while (good && bits.parts.next(&bits.parts, at, &at, &len, &err) == 1) {
			text_addf(t, " %ju+%ju", (uintmax_t)at, (uintmax_t)len);
			at += len;
		}
		text_add(t, "\n");
	}
	return good && !err.code;
}

/* The names, in order; "?" where something is wrong with the image or what it holds. */
static char *look(const char *path, struct bp_io *io)
{
	struct text t = { 0 };
	int r = judge("qemu-img", "check", "-q", path, NULL);

	if (r != 0 && r != 3)
		text_addf(&t, "? %s", judged);
	if (judge("qemu-io", "-r", "-c", "read -P 1 64k 964k", path, NULL) != 0)
		text_add(&t, "? content");
	if (judge("qemu-img", "info", path, NULL) != 0)
		text_addf(&t, "? %s", judged);
	if (!add_parts(io, &t))
		text_add(&t, "? bitmaps");
	for (const char *p = judged; (p = strstr(p, "name: ")); p++)
		text_add_n(&t, p, strcspn(p, "\n") + 1);
	return text_steal(&t);
}

/* What is done to them: a change, or what another has (of the same image: "") is added. */
struct deed {
	struct bp_image_bitmap change;
	const char *source, *from;
	bool note;			/* they are told of what will be written */
	uint64_t capacity;		/* or the disk gets this size */
};

static int next_write(struct bp_parts *p, uint64_t at, uint64_t *ret_at, uint64_t *ret_len,
		      struct bp_error *err)
{
	(void)p;
	(void)err;
	*ret_at = 2 << 20;
	*ret_len = 100000;
	return at < *ret_at + *ret_len;
}

static int run(struct bp_io *io, const struct deed *d, struct bp_io *other, struct bp_error *err)
{
	const struct bp_image_format *f = bp_image_known_find("qcow2");
	struct bp_parts parts = { next_write };

	if (d->capacity)
		return f->resize(io, d->capacity, err);
	if (d->note)
		return f->bitmaps_note(io, &parts, err) == 1 ? 0 : -1;
	if (!d->source)
		return f->bitmap(io, &d->change, err);
	return f->bitmap_merge(io, d->change.name, *d->from ? other : NULL, d->source, err);
}

TEST(whenever_the_power_is_cut_there_are_the_old_ones_or_the_new)
{
	static const struct deed deeds[] = {
		{ { BP_BITMAP_ADD, "two", 0 } }, { { BP_BITMAP_REMOVE, "one", 0 } },
		{ { BP_BITMAP_CLEAR, "one", 0 } }, { { BP_BITMAP_DISABLE, "one", 0 } },
		{ { .name = "fine" }, "one", "" }, { { .name = "one" }, "fine", "other" },
		{ { 0 }, .note = true }, { { 0 }, .capacity = 9 << 20 },
		{ { 0 }, .capacity = (1 << 20) + 62 * 1024 },
	};
	static const char *const kinds[] = { "cluster_size=4k", "cluster_size=512" };
	const char *path = tap_path("image"), *cut_path = tap_path("cut");
	struct bp_io *other;

	NEED_QEMU();
	CHECK(make(path, "cluster_size=8k") &&
	      judge("qemu-io", "-c", "write 3M 600k", path, NULL) == 0);
	other = memory_of_file(path);
	for (size_t d = 0; d < array_size(deeds) * array_size(kinds); d++) {
		auto_free char *before = NULL, *after = NULL;
		struct bp_error err = { 0 };
		struct bp_io *old;
		struct record r;
		bool whole;

		CHECK(make(path, kinds[d % array_size(kinds)]));
		old = memory_of_file(path);
		before = look(path, old);
		CHECK(!strchr(before, '?'));
		record_start(&r, old);
		whole = told(run(&r.io, &deeds[d / 2], other, &err), &err);
		file_of_memory(cut_path, r.now);
		after = look(cut_path, r.now);
		whole = whole && !strchr(after, '?') && strcmp(before, after) != 0 &&
			judge("qemu-img", "check", cut_path, NULL) == 0;
		for (size_t cut = 0; whole && cut <= r.n; cut++) {
			struct bp_io *io = record_cut(&r, old, cut, cut % 2);
			auto_free char *now = NULL;

			file_of_memory(cut_path, io);
			now = look(cut_path, io);
			io_close(io);
			whole = strcmp(now, before) == 0 || strcmp(now, after) == 0;
			if (!whole)
				printf("# deed %zu, change %zu of %zu: %s\n", d, cut, r.n, now);
		}
		record_done(&r);
		io_close(old);
		CHECK(whole);
	}
	io_close(other);
}

/* Does the guest still see what it saw where it is written to, and has bitmap "one" it? */
static bool as_it_was_or_noted(struct bp_io *io)
{
	static unsigned char buf[100000];
	auto_free char *noted = NULL;
	struct bp_error err = { 0 };
	struct text t = { 0 };
	struct bp_guest *guest;
	bool same;

	if (bp_image_known_find("qcow2")->open(io, &guest, &err) < 0)
		return false;
	same = guest_read(guest, buf, sizeof buf, 2 << 20, &err) == 0 && is_zero(buf, sizeof buf);
	guest_close(guest);
	if (!add_parts(io, &t) || err.code)
		same = false;
	noted = text_steal(&t);
	return same || strstr(noted, "one 2: 65536+1048576 2097152+102400\n");
}

static bool write_it(struct bp_io *io, struct bp_error *err)
{
	cleanup(patch_closep) struct bp_patch *patch = NULL;
	struct bp_parts parts = { next_write };
	static unsigned char buf[102400];

	memset(buf, 7, 100000);
	return qcow2_bitmaps_note(io, &parts, err) == 1 &&
	       qcow2_patch(io, BP_PATCH_NOTED, &patch, err) == 0 &&
	       patch->ops->write(patch, buf, sizeof buf, 2 << 20, err) == 0 &&
	       patch->ops->finish(patch, err) == 0;
}

TEST(whenever_the_power_is_cut_what_was_written_is_in_the_bitmap)
{
	const char *path = tap_path("image"), *cut_path = tap_path("cut");
	struct bp_error err = { 0 };
	bool whole = true;
	struct bp_patch *patch;
	struct bp_io *old;
	struct record r;

	NEED_QEMU();
	/* clusters that are written where they are */
	CHECK(make(path, "cluster_size=4k,preallocation=metadata") &&
	      judge("qemu-img", "bitmap", "--remove", path, "fine", NULL) == 0);
	old = memory_of_file(path);
	CHECK(qcow2_patch(old, 0, &patch, &err) == -1 && strstr(err.text, "bitmaps"));
	err = (struct bp_error){ 0 };
	record_start(&r, old);
	whole = told(write_it(&r.io, &err) ? 0 : -1, &err);
	file_of_memory(cut_path, r.now);
	whole = whole && as_it_was_or_noted(r.now) &&
		judge("qemu-io", "-r", "-c", "read -P 7 2M 100000", cut_path, NULL) == 0;
	for (size_t cut = 0; whole && cut <= r.n; cut++) {
		struct bp_io *io = record_cut(&r, old, cut, cut % 2);

		file_of_memory(cut_path, io);
		whole = as_it_was_or_noted(io) &&
			judge("qemu-img", "check", "-q", cut_path, NULL) % 3 == 0;
		io_close(io);
		if (!whole)
			printf("# change %zu of %zu\n", cut, r.n);
	}
	record_done(&r);
	io_close(old);
	CHECK(whole);
}

/* Some bytes of what leads to the first bitmap are others. */
struct spoiled {
	enum { DIRECTORY, ENTRY } in;
	uint64_t first;			/* 8 bytes */
	uint32_t second;		/* DIRECTORY: 4 more, how many entries its table has */
};

static struct bp_io *spoil(const char *path, const struct spoiled *s)
{
	cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };
	struct bp_io *io = memory_of_file(path);
	unsigned char bytes[12] = { 0 };
	struct bp_error err = { 0 };
	struct qcow2 q;

	put_be64(bytes, s->first);
	put_be32(bytes + 8, s->second);
	if (!told(qcow2_open(io, &q, &err), &err) ||
	    !told(qcow2_bitmaps_read(&q, &all, &err), &err) ||
	    !told(io_write(io, bytes, s->in == ENTRY ? 8 : 12,
			   s->in == ENTRY ? all.list[0].table_at : all.at, &err), &err))
		return NULL;
	return io;
}

static const struct deed removal = { { BP_BITMAP_REMOVE, "one", 0 } };

/* Nor does QEMU open the image. */
static bool is_told(const char *path, struct bp_io *io)
{
	struct bp_vol_check c = { 0 };
	struct bp_error err = { 0 };

	file_of_memory(path, io);
	return judge("qemu-img", "check", path, NULL) == 1 &&
	       bp_image_known_find("qcow2")->check(io, BP_REPAIR_ALL, NULL, NULL, &c, &err) == 0 &&
	       c.corruptions == 1 && !c.corruptions_fixed;
}

TEST(a_damaged_bitmap_can_only_be_removed)
{
	static const struct spoiled places[] = {
		{ DIRECTORY, 0, 1 }, { DIRECTORY, 0, 0 }, { DIRECTORY, 0, 0x3fffffff },
		{ DIRECTORY, 4097, 1 }, { DIRECTORY, UINT64_MAX, 0x3fffffff },
		{ ENTRY, 2, 0 }, { ENTRY, UINT64_C(1) << 63, 0 }, { ENTRY, 4097, 0 },
		{ ENTRY, 4096 + 512, 0 },
	};
	static const struct deed deeds[] = {
		{ { .name = "one" }, "fine", "" }, { { .name = "fine" }, "one", "" },
		{ { 0 }, .note = true },
	};
	static const struct deed clearing = { { BP_BITMAP_CLEAR, "one", 0 } };
	const char *path = tap_path("image");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(places); i++) {
		struct bp_io *io = make(path, "cluster_size=4k") ? spoil(path, &places[i]) : NULL;
		struct bp_error err = { 0 };

		printf("# %zu\n", i);
		CHECK(io && is_told(path, io));
		for (size_t d = 0; d < array_size(deeds); d++) {
			err = (struct bp_error){ 0 };
			CHECK(run(io, &deeds[d], NULL, &err) < 0);
			SAME(err.text, "Bitmap 'one' is damaged: it can only be removed");
		}
		err = (struct bp_error){ 0 };
		CHECK(places[i].in == ENTRY || run(io, &clearing, NULL, &err) < 0);
		err = (struct bp_error){ 0 };
		CHECK(told(run(io, &removal, NULL, &err), &err));
		file_of_memory(path, io);
		io_close(io);
		/* What it was in is lost, as before. */
		CHECK(judge("qemu-img", "check", "-r", "leaks", path, NULL) == 0);
		CHECK(judge("qemu-img", "bitmap", "--merge", "fine", path, "fine", NULL) == 0);
	}
}

/* Where the image says where the directory is. */
static uint64_t extension_at(struct bp_io *io)
{
	unsigned char first[4096];
	struct bp_error err = { 0 };
	struct qcow2_ext ext;
	struct qcow2 q;
	uint64_t at;

	if (qcow2_open(io, &q, &err) < 0 || io_read(io, first, sizeof first, 0, &err) < 0)
		return 0;
	at = q.h.length;
	while (qcow2_ext_next((struct bytes){ first, sizeof first }, sizeof first, &at, &ext,
			      &err) == 1)
		if (ext.type == QCOW2_EXT_BITMAPS)
			return (uint64_t)(ext.data.p - first);
	return 0;
}

TEST(a_directory_that_qemu_does_not_read_is_told)
{
	static const struct {
		unsigned at;
		unsigned char byte;
	} spoils[] = { { 7, 1 }, { 23, 8 }, { 16, 0x80 }, { 12, 1 }, { 3, 0 } };
	const char *path = tap_path("image");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(spoils); i++) {
		struct bp_error err = { 0 };
		struct bp_io *io;

		printf("# %zu\n", i);
		CHECK(make(path, "cluster_size=4k"));
		io = memory_of_file(path);
		CHECK(io_write(io, &spoils[i].byte, 1, extension_at(io) + spoils[i].at,
			       &err) == 0);
		CHECK(is_told(path, io));
		CHECK(run(io, &removal, NULL, &err) < 0);
		io_close(io);
	}
}

/* Extra data that nobody knows say by a flag whether the bitmap may be used without them. */
TEST(a_bitmap_with_unknown_data_is_used_only_if_it_may_be)
{
	static const struct deed deeds[] = {
		{ { BP_BITMAP_CLEAR, "ne", 0 } }, { { .name = "ne" }, "fine", "" },
		{ { .name = "fine" }, "ne", "" }, { { 0 }, .note = true },
		{ { 0 }, .capacity = 9 << 20 },
	};
	static const struct deed gone = { { BP_BITMAP_REMOVE, "ne", 0 } };
	const char *path = tap_path("image");

	NEED_QEMU();
	for (unsigned may = 0; may <= QCOW2_BITMAP_EXTRA; may += QCOW2_BITMAP_EXTRA)
		for (size_t d = 0; d < array_size(deeds); d++) {
			const unsigned char flags = (unsigned char)(QCOW2_BITMAP_AUTO | may);
			cleanup(qcow2_bitmaps_done) struct qcow2_bitmaps all = { 0 };
			struct bp_error err = { 0 };
			struct bp_io *io;
			struct qcow2 q;

			CHECK(make(path, "cluster_size=4k"));
			io = memory_of_file(path);
			CHECK(qcow2_open(io, &q, &err) == 0 &&
			      qcow2_bitmaps_read(&q, &all, &err) == 0);
			/* the first letter of its name becomes such data */
			CHECK(io_write(io, "\1", 1, all.at + 23, &err) == 0 &&
			      io_write(io, &flags, 1, all.at + 15, &err) == 0);
			CHECK((run(io, &deeds[d], NULL, &err) == 0) == (may != 0));
			CHECK(may || strstr(err.text, "Bitmap 'ne' has extra data"));
			err = (struct bp_error){ 0 };
			CHECK(told(run(io, &gone, NULL, &err), &err));
			file_of_memory(path, io);
			io_close(io);
			CHECK(judge("qemu-img", "check", path, NULL) == 0);
		}
}

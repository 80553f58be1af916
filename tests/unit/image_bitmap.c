/* image_bitmap.c - dirty bitmaps in qcow2 images, when the power is cut; judged by QEMU. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
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
	       judge("qemu-io", "-c", "write -P 1 64k 1M", path, NULL) == 0;
}

/* The names, in order; "?" where something is wrong with the image or what it holds. */
static char *look(const char *path)
{
	struct text t = { 0 };
	int r = judge("qemu-img", "check", "-q", path, NULL);

	if (r != 0 && r != 3)
		text_addf(&t, "? %s", judged);
	if (judge("qemu-io", "-r", "-c", "read -P 1 64k 1M", path, NULL) != 0)
		text_add(&t, "? content");
	if (judge("qemu-img", "info", path, NULL) != 0)
		text_addf(&t, "? %s", judged);
	for (const char *p = judged; (p = strstr(p, "name: ")); p++)
		text_add_n(&t, p, strcspn(p, "\n") + 1);
	return text_steal(&t);
}

TEST(whenever_the_power_is_cut_there_are_the_old_ones_or_the_new)
{
	static const struct bp_image_bitmap deeds[] = {
		{ BP_BITMAP_ADD, "two", 0 }, { BP_BITMAP_REMOVE, "one", 0 },
		{ BP_BITMAP_CLEAR, "one", 0 }, { BP_BITMAP_DISABLE, "one", 0 },
	};
	static const char *const kinds[] = { "cluster_size=4k", "cluster_size=1k" };
	const char *path = tap_path("image"), *cut_path = tap_path("cut");

	NEED_QEMU();
	for (size_t d = 0; d < array_size(deeds) * array_size(kinds); d++) {
		auto_free char *before = NULL, *after = NULL;
		struct bp_error err = { 0 };
		struct bp_io *old;
		struct record r;
		bool whole;

		CHECK(make(path, kinds[d % array_size(kinds)]));
		before = look(path);
		CHECK(!strchr(before, '?'));
		old = memory_of_file(path);
		record_start(&r, old);
		whole = told(bp_image_known_find("qcow2")->bitmap(&r.io, &deeds[d / 2], &err),
			     &err);
		file_of_memory(cut_path, r.now);
		after = look(cut_path);
		whole = whole && !strchr(after, '?') &&
			judge("qemu-img", "check", cut_path, NULL) == 0;
		for (size_t cut = 0; whole && cut <= r.n; cut++) {
			struct bp_io *io = record_cut(&r, old, cut, cut % 2);
			auto_free char *now = NULL;

			file_of_memory(cut_path, io);
			io_close(io);
			now = look(cut_path);
			whole = strcmp(now, before) == 0 || strcmp(now, after) == 0;
			if (!whole)
				printf("# deed %zu, change %zu of %zu: %s\n", d, cut, r.n, now);
		}
		record_done(&r);
		io_close(old);
		CHECK(whole);
	}
}

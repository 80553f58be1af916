/* image_empty_others.c - empty images of formats other than qcow2, judged by qemu-img. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_judge.h"

static const struct made {
	const char *format, *subformat;
	uint64_t capacity;
	bool exact, checked;		/* checked: qemu-img can check it */
	const char *option;		/* with which qemu-img makes the same */
} made[] = {
	{ "vdi", NULL, 10 << 20, false, true, "static=off" },
	{ "vdi", NULL, (2100u << 20) + 512, false, true, "static=off" },
	{ "vdi", "static", 3 << 20, false, true, "static=on" },
	{ "vdi", NULL, 0, false, true, "static=off" },
	{ "vpc", NULL, 10 << 20, false, false, "subformat=dynamic" },
	{ "vpc", NULL, 512, false, false, "subformat=dynamic" },
	{ "vpc", "dynamic", UINT64_C(100) << 30, false, false, "subformat=dynamic" },
	{ "vpc", NULL, UINT64_C(300) << 30, false, false, "subformat=dynamic" },
	{ "vpc", NULL, (10 << 20) + 512, true, false, "force_size=on" },
	{ "vpc", "fixed", 10 << 20, false, false, "subformat=fixed" },
	{ "vmdk", NULL, 10 << 20, false, true, "subformat=monolithicSparse" },
	{ "vmdk", "monolithicSparse", (UINT64_C(5) << 30) + 512, false, true,
	  "subformat=monolithicSparse" },
	{ "vmdk", "streamOptimized", 10 << 20, false, true, "subformat=streamOptimized" },
};

static int create(const struct made *m, const char *path, struct bp_error *err)
{
	const struct bp_image_spec spec = {
		.capacity = m->capacity, .subformat = m->subformat, .exact = m->exact,
		.name = "image",
	};
	cleanup(io_closep) struct bp_io *io = open_image(path, O_CREAT | O_TRUNC);

	return bp_image_format_find(m->format)->create(io, &spec, err);
}

/* Without what is random or of the file. */
static char *info_of(const char *format, const char *path)
{
	struct text t = { 0 };

	if (judge("qemu-img", "info", "-f", format, path, NULL) != 0)
		return mem_dup(judged);
	for (char *line = judged, *end; (end = strchr(line, '\n')); line = end + 1)
		if (!strstr(line, " cid:") && !strstr(line, "image:") &&
		    !strstr(line, "filename") && !strstr(line, "disk size"))
			text_add_n(&t, line, (size_t)(end + 1 - line));
	return text_steal(&t);
}

TEST(is_what_qemu_img_makes)
{
	const char *path = tap_path("image"), *theirs = tap_path("theirs");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(made); i++) {
		const struct made *m = &made[i];
		auto_free char *size = mem_printf("%llu", (unsigned long long)m->capacity);
		auto_free char *ours_told = NULL, *theirs_told = NULL;
		struct bp_error err = { 0 };

		if (create(m, path, &err) < 0)
			SAME(err.text, "made");
		SAME_N(judge("qemu-img", "create", "-q", "-f", m->format, "-o", m->option, theirs,
			     size, NULL), 0);
		ours_told = info_of(m->format, path);
		theirs_told = info_of(m->format, theirs);
		SAME(ours_told, theirs_told);
		if (m->checked && judge("qemu-img", "check", "-f", m->format, path, NULL) != 0)
			SAME(judged, m->format);
		if (judge("qemu-img", "compare", "-f", m->format, "-F", m->format, path, theirs,
			  NULL) != 0)
			SAME(judged, m->format);
	}
}

/* QEMU writes to it, and finds it again; so do we. */
TEST(can_be_written_to)
{
	const char *path = tap_path("image");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(made); i++) {
		const struct made *m = &made[i];
		unsigned char buf[512], want[512];
		struct bp_error err = { 0 };
		struct bp_io *io;
		struct bp_guest *g;

		if (m->capacity < 2 << 20 ||
		    (m->subformat && strcmp(m->subformat, "streamOptimized") == 0))
			continue;
		SAME_N(create(m, path, &err), 0);
		if (judge("qemu-io", "-f", m->format, "-c", "write -P 9 1M 512", path, NULL) != 0)
			SAME(judged, m->format);
		if (m->checked)
			SAME_N(judge("qemu-img", "check", "-f", m->format, path, NULL), 0);
		io = open_image(path, 0);
		if (bp_image_known_find(m->format)->open(io, &g, &err) < 0)
			SAME(err.text, "opened");
		memset(want, 9, sizeof want);
		SAME_N(guest_read(g, buf, sizeof buf, 1 << 20, &err), 0);
		guest_close(g);
		io_close(io);
		SAME_MEM(buf, want, sizeof want);
	}
}

TEST(refuses_what_it_cannot)
{
	static const struct {
		struct bp_image_spec spec;
		const char *format, *why;
	} bad[] = {
		{ { .capacity = 512, .backing = "b" }, "vdi", "backing file" },
		{ { .capacity = 512, .backing = "b" }, "vpc", "backing file" },
		{ { .capacity = 512, .backing = "b" }, "vmdk", "backing file" },
		{ { .capacity = 512, .preallocate = BP_PREALLOC_FULL }, "vdi", "static" },
		{ { .capacity = 512, .preallocate = BP_PREALLOC_FULL }, "vpc", "fixed" },
		{ { .capacity = 512, .preallocate = BP_PREALLOC_FULL }, "vmdk", "allocated" },
		{ { .capacity = 512, .subformat = "odd" }, "vdi", "odd" },
		{ { .capacity = 512, .subformat = "odd" }, "vpc", "odd" },
		{ { .capacity = 512, .subformat = "monolithicFlat" }, "vmdk", "monolithicFlat" },
		{ { .capacity = 0 }, "vmdk", "one sector" },
		{ { .capacity = UINT64_C(3) << 40 }, "vpc", "2040 GiB" },
		{ { .capacity = UINT64_C(1) << 50 }, "vdi", "Unsupported VDI image size" },
		{ { .capacity = UINT64_C(3) << 40 }, "vmdk", "at most" },
	};

	for (size_t i = 0; i < array_size(bad); i++) {
		struct bp_io *io = io_of_memory(0);
		struct bp_error err = { 0 };
		uint64_t size;
		int r = bp_image_format_find(bad[i].format)->create(io, &bad[i].spec, &err);

		SAME_N(io_size(io, &size, &(struct bp_error){ 0 }), 0);
		io_close(io);
		SAME_N(r, -1);
		if (!strstr(err.text, bad[i].why))
			SAME(err.text, bad[i].why);
		SAME_N(size, 0);
	}
}

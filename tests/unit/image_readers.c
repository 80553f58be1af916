/* image_readers.c - what guests of other formats see, judged by qemu-img convert. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/vhdx.h"
#include "tests/unit/image_agree.h"

/* A disk with something at odd places, and an end within a block of every format. */
static bool make_source(const char *path)
{
	return judge("qemu-img", "create", "-q", "-f", "raw", path, "9498624", NULL) == 0 &&
	       judge("qemu-io", "-f", "raw", "-c", "write -P 1 512 1024", "-c",
		     "write -P 2 65024 1024", "-c", "write -P 3 1048064 1024", "-c",
		     "write -P 4 2097152 1M", "-c", "write -P 5 5242880 3M", "-c",
		     "write -s /proc/self/exe 3500032 200k", "-c", "write -P 6 9497600 1024", path,
		     NULL) == 0;
}

static const struct made made[] = {
	{ "vdi", NULL, false },
	{ "vdi", "static=on", false },
	{ "vpc", NULL, false },
	{ "vpc", "force_size=on", false },
	{ "vpc", "subformat=fixed", false },
	{ "vmdk", NULL, false },
	{ "vmdk", "zeroed_grain=on", false },
	{ "vmdk", "subformat=streamOptimized", false },
	{ "vhdx", NULL, false },
	{ "vhdx", "block_size=1M", false },
	{ "vhdx", "subformat=fixed", false },
	{ "qed", NULL, false },
	{ "qed", "cluster_size=4096,table_size=2", false },
	{ "qcow", NULL, false },
	{ "qcow", NULL, true },
	{ "parallels", NULL, false },
	{ "parallels", "cluster_size=64k", false },
};

TEST(reads_what_qemu_img_converted)
{
	auto_free char *src = here("src"), *path = here("image");

	NEED_QEMU();
	CHECK(make_source(src));
	for (size_t i = 0; i < array_size(made); i++) {
		const struct made *m = &made[i];

		if (!convert(m, src, path))
			SAME(judged, m->format);
		AGREES(m->format, m->options, path);
	}
}

/* Far behind what 32 bits count in bytes, with nothing in between; then more of it, after
 * it was made. */
TEST(reads_what_is_far_off)
{
	static const char *const formats[] = { "vdi", "vpc", "vmdk", "vhdx", "qed", "qcow",
					       "parallels" };
	auto_free char *path = here("image");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(formats); i++) {
		if (judge("qemu-img", "create", "-q", "-f", formats[i], path, "5G", NULL) != 0 ||
		    judge("qemu-io", "-f", formats[i], "-c", "write -P 7 4294966784 1024", "-c",
			  "write -P 8 5368708608 512", "-c", "write -P 9 0 512", "-c",
			  "write -P 10 1G 65k", path, NULL) != 0)
			SAME(judged, formats[i]);
		AGREES(formats[i], "5G", path);
	}
}

TEST(reads_what_shines_through)
{
	static const char *const formats[] = { "qed", "qcow", "vmdk" };
	auto_free char *base = here("base"), *path = here("image");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(formats); i++) {
		const char *below = i == 2 ? "vmdk" : "raw";

		if (judge("qemu-img", "create", "-q", "-f", below, base, "3M", NULL) != 0 ||
		    judge("qemu-io", "-f", below, "-c", "write -P 1 0 3M", base, NULL) != 0 ||
		    judge("qemu-img", "create", "-q", "-f", formats[i], "-b", base, "-F", below,
			  path, i == 2 ? NULL : "4M", NULL) != 0 ||
		    judge("qemu-io", "-f", formats[i], "-c", "write -P 2 65024 1024", "-c",
			  "write -z 1M 64k", path, NULL) != 0)
			SAME(judged, formats[i]);
		AGREES(formats[i], "over another", path);
	}
}

TEST(refuses_what_is_in_other_files)
{
	auto_free char *path = here("image");
	struct bp_error err;

	NEED_QEMU();
	SAME_N(judge("qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat",
		     path, "1M", NULL), 0);
	CHECK(strstr(refusal("vmdk", path, &err), "names other files"));
	SAME_N(err.code, BP_UNSUPPORTED);
}

/* Some programs write both alike. */
TEST(of_two_headers_of_a_vhdx_one_is_the_newer_or_they_are_the_same)
{
	enum { FIRST = 64 << 10, SECOND = 128 << 10, LOG_LEN_AT = 68 };
	auto_free char *path = here("image");
	struct bp_error err = { 0 };
	unsigned char h[4096];
	struct bp_io *io;

	NEED_QEMU();
	CHECK(judge("qemu-img", "create", "-q", "-f", "vhdx", path, "5M", NULL) == 0);
	io = open_image(path, 0);
	CHECK(io && io_read(io, h, sizeof h, FIRST, &err) == 0);
	CHECK(io_write(io, h, sizeof h, SECOND, &err) == 0);
	SAME(refusal("vhdx", path, &err), "opened");
	CHECK(judge("qemu-img", "info", "-f", "vhdx", path, NULL) == 0);
	put_le32(h + LOG_LEN_AT, 2 << 20);
	put_le32(h + VHDX_SUM_AT, vhdx_checksum(h, sizeof h, VHDX_SUM_AT));
	CHECK(io_write(io, h, sizeof h, SECOND, &err) == 0);
	io_close(io);
	SAME(refusal("vhdx", path, &err),
	     "both headers of the VHDX are the newer one, and they differ");
	CHECK(judge("qemu-img", "info", "-f", "vhdx", path, NULL) != 0);
}

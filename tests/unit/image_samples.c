/* image_samples.c - images as qemu-img makes them, and what we tell of each. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/image_judge.h"

#include <dirent.h>

#include "core/base/file.h"

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A line for each file: its name, and what it is. */
static char *tell_all(const char *dir)
{
	struct dirent **names;
	struct text t = { 0 };
	int n = scandir(dir, &names, NULL, by_name);

	for (int i = 0; i < n; i++) {
		auto_free char *path = mem_printf("%s/%s", dir, names[i]->d_name);
		struct bp_io *io = names[i]->d_name[0] == '.' ? NULL : open_image(path, 0);
		auto_free char *told = io ? describe_image(io) : NULL;

		if (io)
			text_addf(&t, "%s: %s\n", names[i]->d_name, told);
		io_close(io);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return text_steal(&t);
}

TEST(tells_what_images_of_qemu_img_are)
{
	auto_free char *want = NULL, *got = NULL;
	struct bp_error err = { 0 };
	size_t len;

	NEED_QEMU();
	SAME_N(judge("scripts/make-images", tap_path("images"), NULL), 0);
	SAME_N(file_read(AT_FDCWD, "tests/data/images/told", 1 << 20, &want, &len, &err), 0);
	got = tell_all(tap_path("images"));
	SAME(got, want);
}

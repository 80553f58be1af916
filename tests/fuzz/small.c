/* small.c - any bytes as the smaller things that are read: the first says which.
 *
 * What LVM has written on a device, what device-mapper says of paths, the kernel's lines of
 * mounts, names and options that somebody typed or an image holds.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/logical.h"
#include "backends/mpath.h"
#include "core/base/mountinfo.h"
#include "core/base/mountstats.h"
#include "core/base/size.h"
#include "core/base/uuid.h"
#include "core/image_file.h"
#include "core/image_options.h"
#include "tests/fuzz/replay.h"

#define DEVICE (1u << 20)

static void must(bool so)
{
	if (!so)
		abort();
}

/* The bytes and, behind them, zeros up to the end of a small device. */
static void label(const char *bytes, size_t len)
{
	auto_close int fd = memfd_create("device", MFD_CLOEXEC);
	cleanup(text_done) struct text told = { 0 };

	must(fd >= 0 && ftruncate(fd, DEVICE) == 0 &&
	     pwrite(fd, bytes, len, 0) == (ssize_t)len);
	(void)label_is_blank(fd);
	(void)label_tell(fd, "7", &told);
}

static void paths(const char *text, size_t len)
{
	struct mpath_paths p = { 0 };

	(void)len;
	(void)mpath_status(text, &p);
	must(p.failed <= p.n);
	text_done(&p.lost);
}

static void sizes(const char *text, size_t len)
{
	struct bp_error err = { 0 };
	uint64_t n;

	(void)len;
	if (size_parse(text, INT64_MAX, &n, &err) == 0)
		must(n <= INT64_MAX);
	if (size_parse_fraction(text, INT64_MAX, &n) == SIZE_GOOD)
		must(n <= INT64_MAX);
}

static void names(const char *text, size_t len)
{
	auto_free char *name = mem_dup_n(text, len), *path = NULL;
	char uuid[UUID_TEXT];
	struct bp_error err = { 0 };

	if (uuid_normalize(text, uuid))
		must(strlen(uuid) == UUID_TEXT - 1);
	must(strlen(mountinfo_unescape(name)) <= len);
	if (image_file_backing("/a/b", text, &path, &err) == 0)
		must(*path == '/' || starts_with(text, IMAGE_FILE_WORD));
	else
		must(err.code && *err.text);
}

static void mounts(const char *text, size_t len)
{
	cleanup(mountinfo_done) struct mountinfo m = { .text = mem_dup_n(text, len) };
	auto_free char *counted = mem_dup_n(text, len);
	struct mount found;
	uint64_t replies;

	m.rest = m.text;
	while (mountinfo_next(&m, &found))
		must(strlen(found.root) + strlen(found.point) + strlen(found.type) +
		     strlen(found.source) + strlen(found.options) <= len);
	(void)mountstats_find(counted, "/mnt", &replies);
}

/* What is told of again is understood, and says the same. */
static void image_options(const char *text, const char *format)
{
	cleanup(image_options_done) struct image_options o = {
		.format = bp_image_known_find(format),
	};
	struct bp_image_spec spec;
	struct bp_error err = { 0 };

	if (image_options_parse(&o, text, &err) < 0 || image_options_spec(&o, &spec, &err) < 0) {
		must(err.code && *err.text);
		return;
	}
	auto_free char *told = image_options_text(&o);

	must(starts_with(told, "fmt="));
}

static void options_of_image(const char *text, size_t len)
{
	static const char *const formats[] = { "raw", "qcow2", "vmdk", "vdi", "vpc" };

	if (len)
		image_options(text + 1, formats[(unsigned char)*text % array_size(formats)]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(const char *, size_t) = {
		label, paths, sizes, names, options_of_image, mounts,
	};
	auto_free char *text = mem_alloc(len + 1);

	if (!len || len > DEVICE)
		return 0;
	memcpy(text, data + 1, len - 1);
	readers[*data % array_size(readers)](text, len - 1);
	return 0;
}

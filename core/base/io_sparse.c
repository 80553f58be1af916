/* io_sparse.c - zeros on a device that takes space as it is written. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/device.h"
#include "core/base/file.h"
#include "core/base/io.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define LOOK (64u << 10)	/* bytes looked at at once: the smallest block there is */

/* Bytes that are given back together, or 0. */
static uint64_t granularity(const struct bp_io *io)
{
	struct bp_error ignored = { 0 };
	auto_free char *path = NULL, *text = NULL;
	uint64_t n;
	struct stat st;
	const char *rest;
	size_t len;

	if (io->fd < 0 || fstat(io->fd, &st) < 0 || !S_ISBLK(st.st_mode))
		return 0;
	path = device_sysfs(st.st_rdev, "/queue/discard_granularity");
	if (file_read(AT_FDCWD, path, 65536, &text, &len, &ignored) < 0 ||
	    !parse_number_prefix(text, 10, &n, &rest))
		return 0;
	return n;
}

/* What is zero already is left alone, so that it takes no space. */
static int clear(struct bp_io *io, uint64_t at, uint64_t end, struct bp_error *err)
{
	auto_free char *buffer = mem_alloc(LOOK);

	while (at < end) {
		size_t n = end - at < LOOK ? (size_t)(end - at) : LOOK;

		if (io_read(io, buffer, n, at, err) < 0)
			return -1;
		if (!is_zero(buffer, n) && io_fill(io, at, n, err) < 0)
			return -1;
		at += n;
	}
	return 0;
}

/* Whole blocks that are given back read as zeros from then on; a part of one stays what
 * it was. */
int io_zero_sparse(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	uint64_t unit = granularity(io), end = at + len, from, to;
	struct bp_error cannot = { 0 };

	if (!unit || io_discard(io, at, len, &cannot) < 0)
		return clear(io, at, end, err);
	from = (at + unit - 1) / unit * unit;
	to = end / unit * unit;
	if (from >= to)
		return clear(io, at, end, err);
	return clear(io, at, from, err) < 0 ? -1 : clear(io, to, end, err);
}

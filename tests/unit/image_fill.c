/* image_fill.c - images made on what held something else, and read back. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/convert.h"
#include "core/image/image.h"
#include "tests/tap.h"

#define DEVICE (40u << 20)
#define DISK   ((9u << 20) + 512)	/* an end within a block of every format */

/* A device: it keeps its size, and what was there. */
static struct bp_io *make_device(void)
{
	static struct bp_io_ops ops;
	struct bp_io *io = io_of_memory(DEVICE);
	auto_free unsigned char *junk = mem_alloc(DEVICE);
	struct bp_error err = { 0 };

	memset(junk, 0xee, DEVICE);
	if (io_write(io, junk, DEVICE, 0, &err) < 0)
		abort();
	ops = *io->ops;
	ops.resize = NULL;
	io->ops = &ops;
	return io;
}

static struct bp_io *make_disk(void)
{
	struct bp_io *io = io_of_memory(DISK);
	auto_free unsigned char *some = mem_alloc(3 << 20);
	struct bp_error err = { 0 };

	memset(some, 0x5a, 3 << 20);
	if (io_write(io, some, 1 << 20, 70000, &err) < 0 ||
	    io_write(io, some, 3 << 20, (4 << 20) + 512, &err) < 0 ||
	    io_write(io, some, 7, DISK - 400, &err) < 0)
		abort();
	return io;
}

static const struct made {
	const char *format, *subformat;
	bool exact, anywhere;		/* anywhere: it is found whatever is behind it */
} made[] = {
	{ "raw", NULL, false, true },
	{ "qcow2", NULL, false, true },
	{ "vmdk", NULL, false, true },
	{ "vmdk", "streamOptimized", false, true },
	{ "vdi", NULL, false, true },
	{ "vdi", "static", false, true },
	{ "vpc", NULL, false, true },
	{ "vpc", NULL, true, true },
	{ "vpc", "fixed", false, false },
};

static int fill(const struct made *m, struct bp_chain *from, struct bp_io *io, bool fresh,
		uint32_t sparse, struct bp_error *err)
{
	const struct bp_image_spec spec = {
		.capacity = DISK, .subformat = m->subformat, .exact = m->exact,
	};
	cleanup(writer_closep) struct bp_writer *w = NULL;
	struct bp_convert c = {
		.sources = from, .n_sources = 1, .len = DISK, .fresh = fresh, .sparse = sparse,
		.threads = 4,		/* of which memory is for one */
	};

	if (bp_image_format_find(m->format)->write(io, &spec, &w, err) < 0)
		return -1;
	c.to = w;
	return bp_convert(&c, err) < 0 ? -1 : w->ops->finish(w, err);
}

/* What was there before is seen nowhere, behind the source's end neither. */
static const char *show(const struct made *m, struct bp_chain *from, struct bp_io *io,
			struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain to = { 0 };
	unsigned char rest[512];

	if (bp_chain_open(io, "it", bp_image_known_find(m->format), NULL, NULL, &to, err) < 0)
		return err->text;
	for (uint64_t at = DISK; strcmp(m->format, "raw") != 0 && at < to.capacity;
	     at += sizeof rest)
		if (bp_chain_read(&to, rest, sizeof rest, at, err) < 0 ||
		    !is_zero(rest, sizeof rest))
			return "something is behind its end";
	return bp_convert_compare(from, 1, &to, err) == 0 ? "the same" : err->text;
}

static void check_all(bool device)
{
	cleanup(io_closep) struct bp_io *disk = make_disk();
	cleanup(bp_chain_done) struct bp_chain from = { 0 };
	struct bp_error err = { 0 };

	if (bp_chain_open(disk, "disk", bp_image_format_find("raw"), NULL, NULL, &from, &err) < 0)
		abort();
	for (size_t i = 0; i < 2 * array_size(made); i++) {
		const struct made *m = &made[i / 2];
		cleanup(io_closep) struct bp_io *io = device ? make_device() : io_of_memory(0);
		int r;

		if (device && !m->anywhere)
			continue;
		r = fill(m, &from, io, !device, i % 2 ? 0 : BP_CONVERT_SPARSE, &err);
		if (r < 0)
			SAME(err.text, m->format);
		SAME(show(m, &from, io, &err), "the same");
	}
}

TEST(shows_nothing_of_what_a_device_had)
{
	check_all(true);
}

TEST(is_the_same_in_what_grows)
{
	check_all(false);
}

/* What has no descriptor is on a server, or may be: a connection is not for two. */
static pthread_t asker;
static int (*plain_read)(struct bp_io *, void *, size_t, uint64_t, struct bp_error *);
static bool by_others;

static int read_by(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	by_others = by_others || !pthread_equal(pthread_self(), asker);
	return plain_read(io, buf, len, at, err);
}

TEST(asks_a_server_in_one_thread)
{
	cleanup(io_closep) struct bp_io *disk = make_disk();
	cleanup(io_closep) struct bp_io *io = make_device();
	cleanup(bp_chain_done) struct bp_chain from = { 0 };
	struct bp_error err = { 0 };
	static struct bp_io_ops ops;

	ops = *disk->ops;
	asker = pthread_self();
	plain_read = ops.read;
	ops.read = read_by;
	disk->ops = &ops;
	if (bp_chain_open(disk, "disk", bp_image_format_find("raw"), NULL, NULL, &from, &err) < 0)
		abort();
	SAME(fill(&made[0], &from, io, false, 0, &err) < 0 ? err.text : "done", "done");
	CHECK(!by_others);
}

/* Each write fails in its turn, and that is told. */
static int left;

static int failing_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			 struct bp_error *err)
{
	(void)io, (void)buf, (void)len, (void)at;
	return left-- > 0 ? 0 : bp_fail(err, BP_SYSTEM, "no space left");
}

static int zero(struct bp_io *io, uint64_t at, uint64_t len, struct bp_error *err)
{
	(void)at, (void)len;
	return failing_write(io, NULL, 0, 0, err);
}

TEST(tells_of_each_write_that_fails)
{
	cleanup(io_closep) struct bp_io *disk = make_disk();
	cleanup(bp_chain_done) struct bp_chain from = { 0 };
	cleanup(io_closep) struct bp_io *io = io_of_memory(DEVICE);
	struct bp_error err = { 0 };
	static struct bp_io_ops ops;

	ops = *io->ops;
	ops.write = failing_write;
	ops.zero = zero;
	io->ops = &ops;
	if (bp_chain_open(disk, "disk", bp_image_format_find("raw"), NULL, NULL, &from, &err) < 0)
		abort();
	for (size_t i = 0; i < array_size(made); i++)
		for (int n = 0, r = -1; r < 0; n++) {
			err = (struct bp_error){ 0 };
			left = n;
			r = fill(&made[i], &from, io, false, BP_CONVERT_SPARSE, &err);
			if (r < 0)
				SAME(err.text, "no space left");
			CHECK(n < 1000);
		}
}

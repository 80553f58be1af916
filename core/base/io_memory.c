/* io_memory.c - bytes in memory, for tests and small rewrites. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/io.h"
#include "core/base/mem.h"

struct memory_io {
	struct bp_io io;
	char *bytes;
	size_t len;
};

static struct memory_io *of(struct bp_io *io)
{
	return (struct memory_io *)io;
}

static int memory_size(struct bp_io *io, uint64_t *ret, struct bp_error *err)
{
	(void)err;
	*ret = of(io)->len;
	return 0;
}

static int memory_resize(struct bp_io *io, uint64_t size, struct bp_error *err)
{
	struct memory_io *m = of(io);

	(void)err;
	m->bytes = mem_resize(m->bytes, size, 1);
	if (size > m->len)
		memset(m->bytes + m->len, 0, size - m->len);
	m->len = size;
	return 0;
}

static int memory_read(struct bp_io *io, void *buf, size_t len, uint64_t at, struct bp_error *err)
{
	struct memory_io *m = of(io);

	if (at > m->len || len > m->len - at)
		return bp_fail(err, BP_CORRUPT, "'%s' ends at %zu, where more is expected",
			       io->name, m->len);
	memcpy(buf, m->bytes + at, len);
	return 0;
}

static int memory_write(struct bp_io *io, const void *buf, size_t len, uint64_t at,
			struct bp_error *err)
{
	if (at + len > of(io)->len && memory_resize(io, at + len, err) < 0)
		return -1;
	memcpy(of(io)->bytes + at, buf, len);
	return 0;
}

static int memory_sync(struct bp_io *io, struct bp_error *err)
{
	(void)io;
	(void)err;
	return 0;
}

static void memory_close(struct bp_io *io)
{
	free(of(io)->bytes);
	free(io);
}

static const struct bp_io_ops memory_ops = {
	.size	= memory_size,
	.read	= memory_read,
	.write	= memory_write,
	.sync	= memory_sync,
	.close	= memory_close,
	.resize	= memory_resize,
};

struct bp_io *io_of_memory(size_t len)
{
	struct memory_io *m = mem_alloc(sizeof *m);

	m->io = (struct bp_io){ .ops = &memory_ops, .fd = -1, .name = "memory" };
	m->bytes = mem_alloc(len);
	m->len = len;
	return &m->io;
}

/* image_torn.c - new images upon old ones, and the power goes: the old, the new or none at all. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "core/image/convert.h"
#include "tests/unit/image_record.h"

#define DISK  ((300u << 10) + 512)
#define CUTS  4				/* what chance leaves, at each change */
#define PLACE (4u << 20)		/* a device's size */

static const struct made {
	const char *format, *subformat;
	uint32_t cluster;
	bool pack, prepared;
} made[] = {
	{ "qcow2", NULL, 65536, false, false },
	{ "qcow2", NULL, 512, false, false },
	{ "qcow2", NULL, 4096, true, false },
	{ "qcow2", NULL, 16384, false, true },
	{ "vmdk", NULL, 0, false, false },
	{ "vmdk", "streamOptimized", 0, true, false },
	{ "vdi", NULL, 0, false, false },
	{ "vdi", "static", 0, false, false },
	{ "vpc", NULL, 0, false, false },
};

/* Bytes of its own, holes, and some that can be compressed. */
static struct bp_io *make_disk(unsigned char with)
{
	struct bp_io *io = io_of_memory(DISK);
	unsigned char some[20000];
	struct bp_error err = { 0 };

	for (uint64_t at = with * 3000u; at + sizeof some < DISK; at += 70000) {
		for (size_t i = 0; i < sizeof some; i++)
			some[i] = i < 8000 ? with : (unsigned char)record_dice(256);
		if (io_write(io, some, sizeof some, at, &err) < 0)
			abort();
	}
	return io;
}

static void open_raw(struct bp_io *io, struct bp_chain *ret)
{
	struct bp_error err = { 0 };

	if (bp_chain_open(io, "disk", bp_image_format_find("raw"), NULL, NULL, ret, &err) < 0)
		abort();
}

static int convert(const struct made *m, struct bp_chain *from, struct bp_io *io,
		   struct bp_error *err)
{
	const struct bp_image_spec spec = {
		.capacity = DISK, .subformat = m->subformat, .cluster_size = m->cluster,
		.preallocate = m->prepared ? BP_PREALLOC_METADATA : BP_PREALLOC_OFF,
	};
	cleanup(writer_closep) struct bp_writer *w = NULL;
	struct bp_convert c = {
		.sources = from, .n_sources = 1, .len = DISK, .sparse = BP_CONVERT_SPARSE,
		.pack = m->pack, .threads = 1,
	};

	if (bp_image_format_find(m->format)->write(io, &spec, &w, err) < 0)
		return -1;
	c.to = w;
	return bp_convert(&c, err) < 0 || w->ops->finish(w, err) < 0 ? -1 : io_sync(io, err);
}

static bool shows(struct bp_io *io, const struct made *m, struct bp_chain *disk, bool *ret_opens)
{
	cleanup(bp_chain_done) struct bp_chain to = { 0 };
	struct bp_error err = { 0 };
	unsigned char byte;

	*ret_opens = bp_chain_open(io, "it", bp_image_format_find(m->format), NULL, NULL, &to,
				   &err) == 0 && to.capacity >= DISK &&
		     bp_chain_read(&to, &byte, 1, 0, &err) == 0;
	return *ret_opens && bp_convert_compare(disk, 1, &to, &err) == 0;
}

/* What there is after a power cut before that change. */
static const char *after_cut(const struct made *m, const struct record *r, struct bp_io *before,
			     size_t cut, bool by_chance, struct bp_chain *old, struct bp_chain *new)
{
	cleanup(io_closep) struct bp_io *io = record_cut(r, before, cut, by_chance);
	bool opens;

	return shows(io, m, new, &opens) ? "new" :
	       !opens ? "none" : shows(io, m, old, &opens) ? "old" : "neither";
}

static void cut_all(const struct made *m, struct bp_chain *old, struct bp_chain *new,
		    struct bp_io *before)
{
	cleanup(record_done) struct record r;
	struct bp_error err = { 0 };
	size_t seen[3] = { 0 };

	record_start(&r, before);
	SAME(convert(m, new, &r.io, &err) < 0 ? err.text : "", "");
	for (size_t cut = 0; cut <= r.n; cut++)
		for (int i = 0; i <= CUTS; i++) {
			const char *is = after_cut(m, &r, before, cut, i, old, new);

			if (strcmp(is, "neither") == 0)
				printf("# %s %s, cluster %u, seed %d, change %zu of %zu: %s\n",
				       m->format, m->subformat ?: "", m->cluster, i, cut, r.n, is);
			CHECK(strcmp(is, "neither") != 0);
			seen[strcmp(is, "new") == 0 ? 0 : strcmp(is, "old") == 0]++;
			if (cut == r.n)
				SAME(is, "new");
		}
	CHECK(seen[0] && seen[1]);
}

static void try_one(const struct made *m)
{
	cleanup(io_closep) struct bp_io *first = make_disk(3), *second = make_disk(5);
	cleanup(io_closep) struct bp_io *file = io_of_memory(0), *device = io_of_memory(PLACE);
	cleanup(bp_chain_done) struct bp_chain old = { 0 }, new = { 0 };
	struct bp_error err = { 0 };

	open_raw(first, &old);
	open_raw(second, &new);
	if (convert(m, &old, file, &err) < 0 || convert(m, &old, device, &err) < 0)
		SAME(err.text, m->format);
	cut_all(m, &old, &new, file);
	cut_all(m, &old, &new, device);
}

TEST(is_old_or_new_or_no_image_after_a_power_cut)
{
	for (size_t i = 0; i < array_size(made); i++)
		try_one(&made[i]);
}

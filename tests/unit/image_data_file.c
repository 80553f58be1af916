/* image_data_file.c - qcow2 images whose guest's bytes are in another file, as bytes alone. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "core/image/chain.h"
#include "core/image/qcow2.h"
#include "tests/tap.h"
#include "tests/unit/image_judge.h"

enum { CLUSTER = 64 << 10, L1_AT = 3 * CLUSTER, L2_AT = 4 * CLUSTER, M = 1 << 20 };

#define PACKED (UINT64_C(1) << 62)

/* A disk by itself, so there are tables; the data file has 7 everywhere. */
static struct bp_io *image(uint64_t capacity, bool raw, bool extended)
{
	const struct bp_image_spec spec = {
		.capacity = capacity, .data_file = "it.data", .data_raw = raw,
		.features = extended ? BP_FEATURE_EXTENDED_L2 : 0,
	};
	auto_free unsigned char *sevens = mem_alloc((size_t)capacity);
	struct bp_io *io = io_of_memory(0);
	struct bp_error err = { 0 };

	io->data = io_of_memory(0);
	memset(sevens, 7, (size_t)capacity);
	if (image_qcow2.create(io, &spec, &err) < 0 ||
	    io_write(io->data, sevens, (size_t)capacity, 0, &err) < 0)
		abort();
	return io;
}

static void put(struct bp_io *io, uint64_t at, uint64_t value)
{
	unsigned char buf[8];
	struct bp_error err = { 0 };

	put_be64(buf, value);
	CHECK(io_write(io, buf, sizeof buf, at, &err) == 0);
}

TEST(what_is_a_disk_by_itself_shows_all_of_it)
{
	for (int extended = 0; extended < 2; extended++) {
		cleanup(io_closep) struct bp_io *io = image(M + 512, true, extended);
		struct bp_guest *g = NULL;
		struct bp_guest_extent e;
		struct bp_error err = { 0 };
		unsigned char buf[1000];

		CHECK(image_qcow2.open(io, &g, &err) == 0);
		CHECK(guest_extent(g, 100, &e, &err) == 0);
		CHECK(e.kind == BP_GUEST_DATA && e.at == 100 && e.file_at == 100);
		CHECK(guest_read(g, buf, sizeof buf, M - 488, &err) == 0);
		CHECK(buf[0] == 7 && buf[999] == 7);
		guest_close(g);
	}
}

TEST(what_is_not_shows_what_its_tables_say)
{
	cleanup(io_closep) struct bp_io *io = image(M, false, false);
	struct bp_guest *g = NULL;
	struct bp_error err = { 0 };
	struct bp_guest_extent e;
	uint64_t size;

	CHECK(io_size(io->data, &size, &err) == 0 && size == M);
	CHECK(image_qcow2.open(io, &g, &err) == 0);
	CHECK(guest_extent(g, 0, &e, &err) == 0 && e.kind == BP_GUEST_HOLE && e.len == M);
	guest_close(g);
}

TEST(a_data_file_that_ends_early_goes_on_with_zeros)
{
	cleanup(io_closep) struct bp_io *io = image(M, true, false);
	struct bp_guest *g = NULL;
	struct bp_error err = { 0 };
	unsigned char buf[200];

	CHECK(io_resize(io->data, 1000, &err) == 0);
	CHECK(image_qcow2.open(io, &g, &err) == 0);
	CHECK(guest_read(g, buf, sizeof buf, 900, &err) == 0);
	CHECK(buf[0] == 7 && buf[99] == 7 && is_zero(buf + 100, 100));
	CHECK(guest_read(g, buf, sizeof buf, M - 200, &err) == 0 && is_zero(buf, sizeof buf));
	guest_close(g);
}

static const struct entry {
	uint64_t at, value;
	const char *says;		/* "": can be read */
} entries[] = {
	{ L2_AT, QCOW2_COPIED, "" },
	{ L2_AT + 8, QCOW2_COPIED | CLUSTER, "" },
	{ L2_AT + 8, CLUSTER, "" },
	{ L2_AT, 0, "" },
	{ L2_AT + 8, QCOW2_COPIED | 2 * CLUSTER, "what the guest has at 65536 is said to be at "
	  "131072 of the data file, where it cannot be" },
	{ L2_AT + 8, QCOW2_COPIED, "what the guest has at 65536 is said to be at 0 of the data "
	  "file, where it cannot be" },
	{ L2_AT + 8, QCOW2_COPIED | 2 * CLUSTER | 1, "what the guest has at 65536 is said to be "
	  "at 131072 of the data file, where it cannot be" },
	{ L2_AT + 8, PACKED | CLUSTER, "what the guest has at 65536 is compressed, though the data "
	  "of the image is in another file" },
};

TEST(tables_lead_to_the_guests_own_place_or_nowhere)
{
	for (size_t i = 0; i < array_size(entries); i++) {
		cleanup(io_closep) struct bp_io *io = image(M, true, false);
		struct bp_error err = { 0 };
		unsigned char buf[2 * CLUSTER];
		struct bp_guest *g = NULL;

		put(io, entries[i].at, entries[i].value);
		CHECK(image_qcow2.open(io, &g, &err) == 0);
		(void)guest_read(g, buf, sizeof buf, 0, &err);
		SAME(err.text, entries[i].says);
		guest_close(g);
	}
}

/* ---- who opens it ------------------------------------------------------------------------- */

static int open_data(void *arg, const char *from, const struct bp_image_info *info,
		     struct bp_io **ret, char **ret_name, struct bp_error *err)
{
	struct bp_io **data = arg;

	if (!*data)
		return bp_fail(err, BP_DENIED, "'%s' wants '%s'", from, info->data_file);
	*ret = steal(*data);
	*ret_name = mem_printf("./%s", info->data_file);
	return 0;
}

TEST(a_chain_asks_for_it_and_copies_of_that_do_not)
{
	cleanup(io_closep) struct bp_io *io = image(M, true, false);
	struct bp_io *data = steal(io->data);
	const struct bp_opener opener = { .open_data = open_data, .arg = &data, .alone = true };
	cleanup(bp_chain_done) struct bp_chain chain = { 0 }, again = { 0 };
	struct bp_error err = { 0 };
	unsigned char byte;

	CHECK(bp_chain_open(io, "it", &image_qcow2, NULL, NULL, &chain, &err) < 0);
	SAME(err.text, "'it': the data of the image is in another file, which is not open");
	err = (struct bp_error){ 0 };
	CHECK(bp_chain_open(io, "it", &image_qcow2, NULL, &opener, &chain, &err) == 0);
	SAME(chain.layers[0].data_name, "./it.data");
	CHECK(bp_chain_again(&chain, &again, &err) == 0);
	CHECK(bp_chain_read(&again, &byte, 1, M - 1, &err) == 0 && byte == 7);
}

TEST(who_may_not_open_it_says_so)
{
	cleanup(io_closep) struct bp_io *io = image(M, true, false);
	struct bp_io *none = NULL;
	const struct bp_opener opener = { .open_data = open_data, .arg = &none };
	struct bp_error err = { 0 };
	struct bp_chain chain;

	io_close(steal(io->data));
	CHECK(bp_chain_open(io, "it", &image_qcow2, NULL, &opener, &chain, &err) < 0);
	SAME(err.text, "'it' wants 'it.data'");
}

/* image_vhdx_log.c - VHDX that were not closed, with logs made by hand.
 *
 * qemu-img repairs a copy, and what that shows is what we must read.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/vhdx.h"
#include "tests/unit/image_agree.h"
#include "tests/unit/image_record.h"

enum {
	HEADER = 4096, LOG_AT = 1 << 20, LOG_LEN = 1 << 20,	/* as QEMU makes them */
	ENTRY_HEADER = 64, DESCRIPTOR = 32, DATA = -1,
};

static void write_at(struct bp_io *io, const void *p, size_t len, uint64_t at)
{
	struct bp_error err = { 0 };

	if (io_write(io, p, len, at, &err) < 0)
		abort();
}

static const unsigned char log_guid[VHDX_GUID] = "one log of many";

/* The newer of both headers says that there is a log. */
static void open_log(struct bp_io *io, uint32_t at, uint32_t len)
{
	unsigned char h[HEADER];
	struct bp_error err = { 0 };

	if (io_read(io, h, sizeof h, 64 << 10, &err) < 0)
		abort();
	put_le64(h + 8, UINT64_C(1) << 40);
	memcpy(h + 48, log_guid, sizeof log_guid);
	put_le32(h + 68, len);
	put_le64(h + 72, at);
	put_le32(h + 4, vhdx_checksum(h, sizeof h, 4));
	write_at(io, h, sizeof h, 64 << 10);
}

/* What an entry says of a page of the file, or (zeros) of several. */
struct page {
	uint64_t at;
	int64_t zeros;			/* DATA: the page is full of fill */
	unsigned char fill;
};

/* Makes one, into the ring of the log: behind its end it goes on at its beginning. */
struct entry {
	uint32_t at, tail;		/* in the log */
	uint64_t sequence;
	struct page changes[4];
	unsigned n;
	bool torn;			/* a byte of it is not what was written */
	uint64_t flushed;		/* how long the file was; 0: as it is */
};

static uint32_t put_entry(struct bp_io *io, const struct entry *e)
{
	static unsigned char buf[8 * VHDX_PAGE];
	uint32_t len = VHDX_PAGE, first = LOG_LEN - e->at;
	struct bp_error err = { 0 };
	uint64_t size;

	memset(buf, 0, sizeof buf);
	if (io_size(io, &size, &err) < 0)
		abort();
	for (unsigned i = 0; i < e->n; i++) {
		const struct page *c = &e->changes[i];
		unsigned char *d = buf + ENTRY_HEADER + (size_t)i * DESCRIPTOR, *page = buf + len;

		memcpy(d, c->zeros == DATA ? "desc" : "zero", 4);
		put_le64(d + 16, c->at);
		put_le64(d + 24, e->sequence);
		if (c->zeros != DATA) {
			put_le64(d + 8, (uint64_t)c->zeros);
			continue;
		}
		memset(page, c->fill, VHDX_PAGE);
		memcpy(d + 8, page, 8);
		memcpy(d + 4, page + VHDX_PAGE - 4, 4);
		memcpy(page, "data", 4);
		put_le32(page + 4, (uint32_t)(e->sequence >> 32));
		put_le32(page + VHDX_PAGE - 4, (uint32_t)e->sequence);
		len += VHDX_PAGE;
	}
	memcpy(buf, "loge", 4);
	put_le32(buf + 8, len);
	put_le32(buf + 12, e->tail);
	put_le64(buf + 16, e->sequence);
	put_le32(buf + 24, e->n);
	memcpy(buf + 32, log_guid, sizeof log_guid);
	put_le64(buf + 48, e->flushed ? e->flushed : size);
	put_le64(buf + 56, size);
	put_le32(buf + 4, vhdx_checksum(buf, len, 4));
	if (e->torn)
		buf[len - 100] ^= 1;
	write_at(io, buf, first < len ? first : len, LOG_AT + e->at);
	if (first < len)
		write_at(io, buf + first, len - first, LOG_AT);
	return (e->at + len) % LOG_LEN;
}

/* With blocks that are there; their first bytes are where the file ends less that. */
static bool make_vhdx(const char *path, uint64_t *ret_data)
{
	struct bp_error err = { 0 };
	struct bp_io *io;
	uint64_t size;

	if (judge("qemu-img", "create", "-q", "-f", "vhdx", "-o", "block_size=1M", path, "5M",
		  NULL) != 0 ||
	    judge("qemu-io", "-f", "vhdx", "-c", "write -P 1 0 3M", path, NULL) != 0)
		return false;
	io = open_image(path, 0);
	if (!io || io_size(io, &size, &err) < 0)
		abort();
	io_close(io);
	*ret_data = size - (3 << 20);
	return true;
}

/* Ours; its status and text are those of a check after it. */
static int repair(const char *path, struct bp_vol_check *ret, struct bp_error *err)
{
	const struct bp_image_ref ref = { .path = path, .format = "vhdx" };
	const char *format;

	return bp_image_check(&ref, BP_REPAIR_ALL, NULL, NULL, ret, &format, err);
}

/* What a repair of ours makes of it, and what QEMU has made of a copy. */
static char *repaired_as(const char *path, const char *theirs)
{
	auto_free char *ours = here("mended");
	struct bp_vol_check sum = { 0 };
	struct bp_error err = { 0 };

	if (judge("cp", path, ours, NULL) != 0)
		return mem_dup(judged);
	if (repair(ours, &sum, &err) < 0)
		return mem_dup(err.text);
	if (sum.corruptions || sum.corruptions_fixed != 1)
		return mem_dup("not repaired");
	return judge("qemu-img", "check", "-q", "-f", "vhdx", ours, NULL) != 0 ||
	       judge("qemu-img", "compare", "-q", "-f", "vhdx", "-F", "vhdx", ours, theirs,
		     NULL) != 0 ? mem_dup(judged) : NULL;
}

/* What we read of it as it is, and what there is once QEMU has replayed it. */
static char *agrees(const char *path)
{
	auto_free char *copy = here("copy"), *raw = here("raw.out"), *why = NULL;

	if (judge("cp", path, copy, NULL) != 0 ||
	    judge("qemu-img", "check", "-q", "-r", "all", "-f", "vhdx", copy, NULL) != 0 ||
	    judge("qemu-img", "convert", "-f", "vhdx", "-O", "raw", copy, raw, NULL) != 0)
		return mem_dup(judged);
	why = reads_as("vhdx", path, raw);
	if (!why)
		why = repaired_as(path, copy);
	return why ? steal(why) : mem_dup("the same");
}

#define SAME_REPLAYED(path) do {						\
	auto_free char *told_ = agrees(path);					\
	SAME(told_, "the same");						\
} while (0)

static const char *first_byte(const char *path, uint64_t at)
{
	static char told[sizeof((struct bp_error *)0)->text];
	const struct bp_image_ref ref = { .path = path, .format = "vhdx" };
	cleanup(image_file_done) struct image_file f = { 0 };
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	struct bp_error err = { 0 };
	unsigned char byte = 0;

	if (image_file_open(&ref, false, &f, &err) < 0 ||
	    image_file_chain(&f, 0, &chain, &err) < 0 ||
	    bp_chain_read(&chain, &byte, 1, at, &err) < 0)
		snprintf(told, sizeof told, "%s", err.text);
	else
		snprintf(told, sizeof told, "%d", byte);
	return told;
}

static struct bp_io *begin(const char *path, uint64_t *ret_data)
{
	struct bp_io *io;

	if (!make_vhdx(path, ret_data) || !(io = open_image(path, 0)))
		abort();
	open_log(io, LOG_AT, LOG_LEN);
	return io;
}

TEST(replays_an_entry)
{
	auto_free char *path = here("image");
	uint64_t d;
	struct bp_io *io;

	NEED_QEMU();
	io = begin(path, &d);
	put_entry(io, &(struct entry){ .sequence = 7, .n = 4, .changes = {
		{ d, DATA, 9 }, { d + (1 << 20), 1 << 20, 0 }, { d + 8192, DATA, 10 },
		{ d + (3 << 20) - 4096, DATA, 11 } } });
	io_close(io);
	SAME_REPLAYED(path);
	SAME(first_byte(path, 0), "9");
	SAME(first_byte(path, 4096), "1");
	SAME(first_byte(path, 1 << 20), "0");
	SAME(first_byte(path, (3 << 20) - 1), "11");
}

/* Where two change the same, the later one counts.  A row may go round the ring's end, which
 * QEMU 7.2 does not see: it begins with what stands at the ring's beginning. */
TEST(replays_a_row_of_them)
{
	static const uint32_t starts[] = { 0, 4 * VHDX_PAGE, LOG_LEN - VHDX_PAGE,
					   LOG_LEN - 2 * VHDX_PAGE, LOG_LEN - 3 * VHDX_PAGE };
	auto_free char *path = here("image");

	NEED_QEMU();
	for (size_t i = 0; i < array_size(starts); i++) {
		struct entry e = { .at = starts[i], .tail = starts[i],
				   .sequence = UINT32_MAX, .n = 2 };
		uint64_t d;
		struct bp_io *io = begin(path, &d);

		for (unsigned k = 0; k < 5; k++, e.sequence++) {
			e.changes[0] = (struct page){ d, DATA, (unsigned char)(20 + k) };
			e.changes[1] = k == 3 ? (struct page){ d + (2 << 20), 65536, 0 } :
				       (struct page){ d + (k + 1) * UINT64_C(4096), DATA, 77 };
			e.at = put_entry(io, &e);
		}
		io_close(io);
		if (starts[i] < LOG_LEN - 4 * VHDX_PAGE)
			SAME_REPLAYED(path);
		SAME(first_byte(path, 0), "24");
		SAME(first_byte(path, 4096), "77");
		SAME(first_byte(path, 12288), "77");
		SAME(first_byte(path, 16384), "1");
		SAME(first_byte(path, 2 << 20), "0");
	}
}

/* The last was torn while it was written: what was before it counts, and it does not. */
TEST(leaves_out_what_is_torn)
{
	auto_free char *path = here("image");
	struct entry e = { .sequence = 1, .n = 1 };
	uint64_t d;
	struct bp_io *io;

	NEED_QEMU();
	io = begin(path, &d);
	for (unsigned k = 0; k < 3; k++, e.sequence++) {
		e.changes[0] = (struct page){ d, DATA, (unsigned char)(30 + k) };
		e.torn = k == 2;
		e.at = put_entry(io, &e);
	}
	io_close(io);
	SAME_REPLAYED(path);
	SAME(first_byte(path, 0), "31");
}

/* What is left of the round before, and a number that is not the next one. */
TEST(leaves_out_what_is_not_of_the_row)
{
	auto_free char *path = here("image");
	struct entry e = { .sequence = 50, .n = 1 };
	uint64_t d;
	struct bp_io *io;

	NEED_QEMU();
	io = begin(path, &d);
	e.changes[0] = (struct page){ d, DATA, 40 };
	e.at = put_entry(io, &e);
	e.sequence = 51;
	e.changes[0].fill = 41;
	e.at = put_entry(io, &e);
	e.sequence = 12;
	e.changes[0].fill = 42;
	e.at = put_entry(io, &e);
	e.sequence = 13;
	e.changes[0].fill = 43;
	put_entry(io, &e);
	io_close(io);
	SAME_REPLAYED(path);
	SAME(first_byte(path, 0), "41");
}

/* Each time another number makes an entry none.  Where it is the only one, what it would have
 * been needed for was not begun; but if there is another, nothing can be said. */
TEST(refuses_a_log_with_nothing_whole)
{
	static const struct {
		unsigned at, n;
		uint64_t v;
		bool seal;		/* with a checksum that is right */
	} bad[] = {
		{ 0, 4, 0, true }, { 4, 4, 1, false }, { 8, 4, 0, true }, { 8, 4, 4097, true },
		{ 8, 4, UINT32_MAX, false }, { 8, 4, 2 << 20, false }, { 12, 4, 4096, true },
		{ 16, 8, 0, true }, { 16, 8, 2, true }, { 24, 4, UINT32_MAX, true },
		{ 24, 4, 127, true }, { 24, 4, 3, true }, { 32, 8, 1, true },
		{ 64, 4, 0, true }, { 64 + 24, 8, 9, true }, { 4096, 4, 0, true },
		{ 4096 + 4, 4, 5, true }, { 8188, 4, 5, true },
	};
	auto_free char *path = here("image");
	static const unsigned char zeros[16 * VHDX_PAGE];
	unsigned char buf[2 * VHDX_PAGE];
	struct bp_error err = { 0 };
	uint64_t d;
	struct bp_io *io;

	NEED_QEMU();
	io = begin(path, &d);
	for (size_t i = 0; i < array_size(bad); i++) {
		put_entry(io, &(struct entry){ .sequence = 1, .n = 1,
					       .changes = { { d, DATA, 9 } } });
		if (io_read(io, buf, sizeof buf, LOG_AT, &err) < 0)
			abort();
		for (unsigned k = 0; k < bad[i].n; k++)
			buf[bad[i].at + k] = (unsigned char)(bad[i].v >> 8 * k);
		if (bad[i].seal)
			put_le32(buf + 4, vhdx_checksum(buf, sizeof buf, 4));
		write_at(io, buf, sizeof buf, LOG_AT);
		SAME(first_byte(path, 0), "1");
		write_at(io, buf, sizeof buf, LOG_AT + sizeof buf);
		put_entry(io, &(struct entry){ .at = 3 * sizeof buf, .sequence = 5, .n = 1,
					       .torn = true });
		put_entry(io, &(struct entry){ .at = 4 * sizeof buf, .sequence = 6, .n = 1,
					       .torn = true });
		SAME(refusal("vhdx", path, &err),
		     "the VHDX was not closed, and nothing in its log is whole");
		SAME_N(err.code, BP_CORRUPT);
		write_at(io, zeros, sizeof zeros, LOG_AT);
	}
	io_close(io);
}

/* What is needed for all of it to be done again must stay. */
TEST(repairs_nothing_that_would_destroy_its_log)
{
	static const struct page bad[] = {
		{ 64 << 10, DATA, 0 }, { 128 << 10, 4096, 0 },
		{ LOG_AT, DATA, 0 }, { LOG_AT + LOG_LEN - 4096, 8192, 0 },
	};
	auto_free char *path = here("image"), *before = here("before");
	uint64_t d;

	NEED_QEMU();
	for (size_t i = 0; i < array_size(bad); i++) {
		struct bp_io *io = begin(path, &d);
		struct bp_vol_check sum = { 0 };
		struct bp_error err = { 0 };

		put_entry(io, &(struct entry){ .sequence = 1, .n = 1, .changes = { bad[i] } });
		io_close(io);
		CHECK(judge("cp", path, before, NULL) == 0);
		CHECK(repair(path, &sum, &err) < 0);
		SAME(err.text, "the log of the VHDX has something for its headers, or for itself");
		CHECK(judge("cmp", path, before, NULL) == 0);
	}
}

static int mend(struct bp_io *io, struct bp_error *err)
{
	struct bp_vol_check sum = { 0 };

	if (bp_image_known_find("vhdx")->check(io, BP_REPAIR_ALL, NULL, NULL, &sum, err) < 0)
		return -1;
	return sum.corruptions ? bp_fail(err, BP_CORRUPT, "not repaired") : 0;
}

/* Bytes of the guest, which all have the same. */
static unsigned guest_byte(struct bp_io *io, uint64_t at)
{
	struct bp_error err = { 0 };
	struct bp_guest *g = NULL;
	unsigned char byte = 0;

	if (bp_image_known_find("vhdx")->open(io, &g, &err) < 0 ||
	    guest_read(g, &byte, 1, at, &err) < 0)
		abort();
	guest_close(g);
	return byte;
}

static void check_cut(const struct record *r, struct bp_io *damaged, size_t cut, bool by_chance)
{
	cleanup(io_closep) struct bp_io *io = record_cut(r, damaged, cut, by_chance);
	struct bp_error err = { 0 };

	for (int i = 0; i < 2; i++) {
		SAME_N(guest_byte(io, 0), 32);
		SAME_N(guest_byte(io, 4096), 9);
		SAME_N(guest_byte(io, 1 << 20), 0);
		SAME_N(guest_byte(io, (2 << 20) + 5000), 1);
		SAME(mend(io, &err) < 0 ? err.text : "", "");
	}
}

/* Before it is repaired and afterwards, and wherever the power goes meanwhile, the guest's
 * bytes are the same. */
TEST(is_repaired_whenever_the_power_goes)
{
	auto_free char *path = here("image");
	cleanup(io_closep) struct bp_io *damaged = NULL;
	struct entry e = { .sequence = 1, .n = 3 };
	struct bp_error err = { 0 };
	struct bp_io *io;
	struct record r;
	uint64_t d;

	NEED_QEMU();
	io = begin(path, &d);
	for (unsigned k = 0; k < 3; k++, e.sequence++) {
		e.changes[0] = (struct page){ d, DATA, (unsigned char)(30 + k) };
		e.changes[1] = (struct page){ d + 4096, DATA, 9 };
		e.changes[2] = (struct page){ d + (1 << 20), 65536, 0 };
		e.at = put_entry(io, &e);
	}
	io_close(io);
	damaged = memory_of_file(path);
	record_start(&r, damaged);
	SAME(mend(&r.io, &err) < 0 ? err.text : "", "");
	CHECK(r.n > 8);
	for (size_t cut = 0; cut <= r.n; cut++)
		for (int i = 0; i < 4; i++)
			check_cut(&r, damaged, cut, i);
	record_done(&r);
}

/* Neither is changed where there is other damage. */
TEST(repairs_all_or_nothing)
{
	auto_free char *path = here("image"), *before = here("before");
	struct bp_vol_check sum = { 0 };
	unsigned char entry[8];
	struct bp_error err = { 0 };
	struct bp_io *io;
	uint64_t d;

	NEED_QEMU();
	io = begin(path, &d);
	put_entry(io, &(struct entry){ .sequence = 1, .n = 1, .changes = { { d, DATA, 9 } } });
	put_le64(entry, (UINT64_C(1) << 40) + 6);
	write_at(io, entry, sizeof entry, 2 << 20);
	io_close(io);
	CHECK(judge("cp", path, before, NULL) == 0);
	CHECK(repair(path, &sum, &err) == 0);
	SAME_N(sum.corruptions, 2);
	SAME_N(sum.corruptions_fixed, 0);
	CHECK(judge("cmp", path, before, NULL) == 0);
}

TEST(refuses_what_a_log_cannot_say)
{
	static const struct {
		const char *why;
		struct page change;
		uint64_t flushed;
	} bad[] = {
		{ "leads to", { 4097, DATA, 0 }, 0 },
		{ "leads to", { UINT64_MAX - 4095, DATA, 0 }, 0 },
		{ "leads to", { 4096, INT64_MAX - 4095, 0 }, 0 },
		{ "leads to", { 4096, 4097, 0 }, 0 },
		{ "shorter than its log says", { 4096, 4096, 0 }, UINT64_C(1) << 50 },
	};
	static const struct {
		uint32_t at, len;
		const char *why;
	} places[] = {
		{ LOG_AT, 0, "not inside" }, { LOG_AT, 4096, "not inside" },
		{ LOG_AT + 1, LOG_LEN, "not inside" }, { 0, LOG_LEN, "not inside" },
		{ LOG_AT, 0xfff00000, "not inside" }, { 0xfff00000, LOG_LEN, "not inside" },
	};
	auto_free char *path = here("image");
	struct bp_error err;
	uint64_t d;
	struct bp_io *io;

	NEED_QEMU();
	io = begin(path, &d);
	for (size_t i = 0; i < array_size(bad); i++) {
		put_entry(io, &(struct entry){ .sequence = 1, .n = 1, .changes = { bad[i].change },
					       .flushed = bad[i].flushed });
		if (!strstr(refusal("vhdx", path, &err), bad[i].why))
			SAME(err.text, bad[i].why);
	}
	for (size_t i = 0; i < array_size(places); i++) {
		open_log(io, places[i].at, places[i].len);
		if (!strstr(refusal("vhdx", path, &err), places[i].why))
			SAME(err.text, places[i].why);
	}
	io_close(io);
}

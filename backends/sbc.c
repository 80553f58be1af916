/* sbc.c - see sbc.h.  Where the bytes stand: the public standards SPC-4 and SBC-3. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/sbc.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/base/mem.h"

/* ---- commands ---------------------------------------------------------------------- */

#define COMMAND(n, ...) { .bytes = { __VA_ARGS__ }, .len = n }

struct sbc_command sbc_test_ready(void)
{
	return (struct sbc_command)COMMAND(6, 0x00);
}

struct sbc_command sbc_inquiry(uint16_t len)
{
	struct sbc_command c = COMMAND(6, 0x12);

	put_be16(c.bytes + 3, len);
	return c;
}

struct sbc_command sbc_page(uint8_t page, uint16_t len)
{
	struct sbc_command c = COMMAND(6, 0x12, 1, page);

	put_be16(c.bytes + 3, len);
	return c;
}

/* MODE SENSE(6), no block descriptors, all pages: the header is what is read. */
struct sbc_command sbc_mode(uint8_t len)
{
	return (struct sbc_command)COMMAND(6, 0x1a, 8, 0x3f, 0, len);
}

struct sbc_command sbc_report_luns(uint32_t len)
{
	struct sbc_command c = COMMAND(12, 0xa0);

	put_be32(c.bytes + 6, len);
	return c;
}

struct sbc_command sbc_capacity(uint32_t len)
{
	struct sbc_command c = COMMAND(16, 0x9e, 0x10);

	put_be32(c.bytes + 10, len);
	return c;
}

static struct sbc_command at_block(uint8_t what, uint8_t how, uint64_t block, uint32_t n)
{
	struct sbc_command c = COMMAND(16, what, how);

	put_be64(c.bytes + 2, block);
	put_be32(c.bytes + 10, n);
	return c;
}

struct sbc_command sbc_status(uint64_t block, uint32_t len)
{
	return at_block(0x9e, 0x12, block, len);
}

struct sbc_command sbc_read(uint64_t block, uint32_t n)
{
	return at_block(0x88, 0, block, n);
}

struct sbc_command sbc_write(uint64_t block, uint32_t n)
{
	return at_block(0x8a, 0, block, n);
}

struct sbc_command sbc_write_same(uint64_t block, uint32_t n, bool unmap)
{
	return at_block(0x93, unmap ? 8 : 0, block, n);
}

struct sbc_command sbc_unmap(uint16_t len)
{
	struct sbc_command c = COMMAND(10, 0x42);

	put_be16(c.bytes + 7, len);
	return c;
}

void sbc_unmap_list(unsigned char list[static SBC_UNMAP_LIST], uint64_t block, uint32_t n)
{
	memset(list, 0, SBC_UNMAP_LIST);
	put_be16(list, SBC_UNMAP_LIST - 2);
	put_be16(list + 2, SBC_UNMAP_LIST - 8);
	put_be64(list + 8, block);
	put_be32(list + 16, n);
}

/* SYNCHRONIZE CACHE(10) of everything. */
struct sbc_command sbc_sync(void)
{
	return (struct sbc_command)COMMAND(10, 0x35);
}

/* ---- LUNs ---------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void sort_once_each(struct sbc_luns *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->luns, l->n, sizeof *l->luns, by_number);
	for (size_t i = 0; i < l->n; i++)
		if (!n || l->luns[n - 1] != l->luns[i])
			l->luns[n++] = l->luns[i];
	l->n = n;
}

int sbc_luns_read(struct bytes answer, struct sbc_luns *ret, struct bp_error *err)
{
	uint32_t len = be32_at(answer, 0);

	*ret = (struct sbc_luns){ 0 };
	if (!bytes_has(answer, 0, 8))
		return bp_fail(err, BP_CORRUPT, "the server's list of LUNs is cut off after %zu "
			       "bytes", answer.len);
	if (len % 8 || len / 8 > SBC_MOST_LUNS)
		return bp_fail(err, BP_CORRUPT, "the server's list of LUNs claims to have %" PRIu32
			       " bytes, which makes no sense", len);
	ret->needed = len + 8;
	for (uint64_t at = 8; at < ret->needed && bytes_has(answer, at, 8); at += 8) {
		if (be_at(answer, at + 2, 6))
			ret->left_out++;
		else
			*array_add(ret->luns, ret->n) = be16_at(answer, at);
	}
	sort_once_each(ret);
	return 0;
}

void sbc_luns_done(struct sbc_luns *luns)
{
	free(luns->luns);
	*luns = (struct sbc_luns){ 0 };
}

/* ---- one of them ----------------------------------------------------------------------- */

int sbc_type_read(struct bytes answer)
{
	if (!bytes_has(answer, 0, 1) || answer.p[0] >> 5)
		return -1;
	return answer.p[0] & 0x1f;
}

const char *sbc_type_word(int type)
{
	static const char *const words[32] = {
		"disk", "tape", "printer", "processor", "write-once disc", "CD-ROM", "scanner",
		"optical disc", "changer", "communication device", NULL, NULL, "controller",
		"enclosure", "disk", "card reader", "bridge", "object store", "automation device",
		NULL, "zoned disk",
		[30] = "well-known unit",
	};

	return type < 0 ? "nothing" : type < 32 && words[type] ? words[type] : "unknown device";
}

bool sbc_has_blocks(int type)
{
	return type == SBC_DISK || type == SBC_CDROM || type == SBC_OPTICAL || type == 14 ||
	       type == SBC_ZONED;
}

bool sbc_read_only(struct bytes mode)
{
	return bytes_has(mode, 0, 4) && mode.p[2] & 0x80;
}

/* ---- size ------------------------------------------------------------------------------ */

int sbc_capacity_read(struct bytes answer, struct sbc_shape *ret, struct bp_error *err)
{
	struct sbc_shape s = { .block = be32_at(answer, 8) };
	uint64_t last = be64_at(answer, 0);

	if (!bytes_has(answer, 0, 12))
		return bp_fail(err, BP_CORRUPT, "the server's answer about the capacity is cut off "
			       "after %zu bytes", answer.len);
	if (s.block < 512 || s.block > 1 << 20 || s.block & (s.block - 1))
		return bp_fail(err, BP_CORRUPT, "it has blocks of %" PRIu32 " bytes, which is no "
			       "size we can use", s.block);
	/* what is told is the last block, not how many there are */
	if (__builtin_add_overflow(last, 1, &s.blocks) ||
	    __builtin_mul_overflow(s.blocks, s.block, &s.size) || s.size > INT64_MAX)
		return bp_fail(err, BP_CORRUPT, "its last block, %" PRIu64 ", is absurd", last);
	if (bytes_has(answer, 14, 1)) {
		s.thin = answer.p[14] & 0x80;
		s.reads_zero = s.thin && answer.p[14] & 0x40;
	}
	*ret = s;
	return 0;
}

/* ---- limits ---------------------------------------------------------------------------- */

bool sbc_has_page(struct bytes pages, uint8_t page)
{
	uint64_t end = 4 + (uint64_t)be16_at(pages, 2);

	for (uint64_t at = 4; at < end && bytes_has(pages, at, 1); at++)
		if (pages.p[at] == page)
			return true;
	return false;
}

static bool is_page(struct bytes page, uint8_t which, uint64_t least)
{
	return bytes_has(page, 0, least) && page.p[1] == which;
}

void sbc_limits_read(struct bytes page, struct sbc_limits *ret)
{
	if (!is_page(page, SBC_LIMITS, 12))
		return;
	ret->transfer = be32_at(page, 8);
	ret->unmap = be32_at(page, 20);
	ret->write_same = be64_at(page, 36);
}

void sbc_provisioning_read(struct bytes page, struct sbc_limits *ret)
{
	if (!is_page(page, SBC_PROVISIONING, 6))
		return;
	ret->can_unmap = page.p[5] & 0x80;
	ret->can_write_same = page.p[5] & 0x40;
}

/* ---- space ----------------------------------------------------------------------------- */

enum { HEADER = 8, DESCRIPTOR = 16 };

struct piece {
	uint64_t start, end;	/* blocks */
	bool mapped;
};

static int no_sense(uint64_t block, struct bp_error *err)
{
	return bp_fail(err, BP_CORRUPT, "what the server says of the space behind block %" PRIu64
		       " makes no sense", block);
}

/* The i-th piece: 1, or 0 where there are no more.  Each begins where the one before it
 * has ended; what is before start or past the end does not count. */
static int piece_at(struct bytes answer, size_t i, uint64_t start, uint64_t blocks,
		    struct piece *ret, struct bp_error *err)
{
	uint64_t len = 4 + (uint64_t)be32_at(answer, 0), at = HEADER + (uint64_t)i * DESCRIPTOR;
	uint64_t from, n;

	if (at + DESCRIPTOR > len || !bytes_has(answer, at, DESCRIPTOR) || start >= blocks)
		return 0;
	from = be64_at(answer, at);
	n = be32_at(answer, at + 8);
	if (from > start || !n || n > UINT64_MAX - from || from + n <= start)
		return no_sense(start, err);
	ret->start = start;
	ret->end = from + n < blocks ? from + n : blocks;
	ret->mapped = (answer.p[at + 12] & 0xf) != 1;	/* anchored blocks have space, too */
	return 1;
}

int sbc_status_read(struct bytes answer, uint64_t start, uint64_t blocks,
		    struct sbc_extent *ret, struct bp_error *err)
{
	struct piece first, next;
	int r = piece_at(answer, 0, start, blocks, &first, err);

	if (r < 0)
		return -1;
	if (!r)
		return no_sense(start, err);
	for (size_t i = 1; ; i++) {
		r = piece_at(answer, i, first.end, blocks, &next, err);
		if (r < 0)
			return -1;
		if (!r || next.mapped != first.mapped)
			break;
		first.end = next.end;
	}
	*ret = (struct sbc_extent){ first.end, first.mapped };
	return 0;
}

int sbc_status_sum(struct bytes answer, uint64_t start, uint64_t blocks,
		   uint64_t *ret_mapped, uint64_t *ret_end, struct bp_error *err)
{
	uint64_t mapped = 0, end = start;
	struct piece p;
	int r;

	for (size_t i = 0; (r = piece_at(answer, i, end, blocks, &p, err)) > 0; i++) {
		mapped += p.mapped ? p.end - p.start : 0;
		end = p.end;
	}
	if (r < 0)
		return -1;
	if (end == start && start < blocks)
		return no_sense(start, err);
	*ret_mapped = mapped;
	*ret_end = end;
	return 0;
}

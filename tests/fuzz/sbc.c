/* sbc.c - any bytes as what a SCSI disk answers; the first says which question.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "backends/sbc.h"
#include "core/base/cleanup.h"
#include "tests/fuzz/replay.h"

static void must(bool so)
{
	if (!so)
		abort();
}

static void read_luns(struct bytes b)
{
	cleanup(sbc_luns_done) struct sbc_luns l = { 0 };
	struct bp_error err = { 0 };

	if (sbc_luns_read(b, &l, &err) < 0)
		return;
	must(l.n <= SBC_MOST_LUNS && l.needed >= 8);
	for (size_t i = 1; i < l.n; i++)
		must(l.luns[i - 1] < l.luns[i]);
}

static void read_shape(struct bytes b)
{
	struct sbc_limits limits = { 0 };
	struct bp_error err = { 0 };
	struct sbc_shape s;

	if (sbc_capacity_read(b, &s, &err) == 0)
		must(s.size == s.blocks * s.block && s.size);
	(void)sbc_has_page(b, SBC_LIMITS);
	sbc_limits_read(b, &limits);
	sbc_provisioning_read(b, &limits);
	(void)sbc_read_only(b);
	must(*sbc_type_word(sbc_type_read(b)));
}

static void read_status(struct bytes b)
{
	uint64_t start = be_at(b, 12, 4), blocks = be_at(b, 14, 6), mapped, end;
	struct bp_error err = { 0 }, sum = { 0 };
	struct sbc_extent e;

	if (sbc_status_read(b, start, blocks, &e, &err) == 0)
		must(e.end > start && e.end <= blocks);
	if (sbc_status_sum(b, start, blocks, &mapped, &end, &sum) == 0)
		must(end >= start && mapped <= end - start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(struct bytes) = { read_luns, read_shape, read_status };

	if (len)
		readers[*data % 3]((struct bytes){ data + 1, len - 1 });
	return 0;
}

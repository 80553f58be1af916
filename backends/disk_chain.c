/* disk_chain.c - the records that a dos table consists of, followed by hand.
 *
 * The first is the device's first sector; one for each logical partition follows,
 * anywhere in the extended one, each naming the next.  A chain that was made to
 * run in a circle would keep the libraries busy for ever, so it is followed before
 * they are asked.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "backends/disk.h"
#include "core/base/mem.h"

enum { RECORD = 512, ENTRIES = 446, ENTRY = 16, TYPE = 4, START = 8, SIZE = 12, CHAIN_MAX = 1024 };

static uint64_t number_at(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint64_t)p[3] << 24;
}

static bool is_extended(const unsigned char *entry)
{
	return (entry[TYPE] == 0x05 || entry[TYPE] == 0x0f || entry[TYPE] == 0x85) &&
	       number_at(entry + SIZE);
}

/* 1: it is one; 0: it is none, or lies beyond the end. */
static int read_record(const struct disk *d, uint64_t at, unsigned char *record,
		       struct bp_error *err)
{
	ssize_t n;

	if (at > d->shape.size - RECORD)
		return 0;
	n = pread(d->fd, record, RECORD, (off_t)at);
	if (n < 0)
		return bp_fail_sys(err, errno, "cannot read the partition table of '%s'", d->path);
	return n == RECORD && record[510] == 0x55 && record[511] == 0xaa;
}

static const unsigned char *extended_entry(const unsigned char *record)
{
	for (int i = 0; i < 4; i++)
		if (is_extended(&record[ENTRIES + i * ENTRY]))
			return &record[ENTRIES + i * ENTRY];
	return NULL;
}

static bool has_protection(const unsigned char *record)
{
	for (int i = 0; i < 4; i++)
		if (record[ENTRIES + i * ENTRY + TYPE] == 0xee)
			return true;
	return false;
}

static int add_record(struct disk *d, uint64_t at, struct bp_error *err)
{
	for (size_t i = 0; i < d->n_chain; i++)
		if (d->chain[i] == at)
			return bp_fail(err, BP_CORRUPT, "the partition table of '%s' is damaged: "
				       "its chain of logical partitions runs in a circle", d->path);
	if (d->n_chain == CHAIN_MAX)
		return bp_fail(err, BP_CORRUPT, "the partition table of '%s' is damaged: its "
			       "chain of logical partitions has no end", d->path);
	*array_add(d->chain, d->n_chain) = at;
	return 0;
}

/* From the record that was read last, to the end. */
static int follow(struct disk *d, unsigned char *record, struct bp_error *err)
{
	const unsigned char *link = extended_entry(record);
	uint64_t sector = d->shape.sector, base = link ? number_at(link + START) : 0, at = base;
	int r;

	while (link) {
		if (add_record(d, at * sector, err) < 0)
			return -1;
		r = read_record(d, at * sector, record, err);
		if (r <= 0)
			return r;
		link = extended_entry(record);
		if (link)
			at = base + number_at(link + START);
	}
	return 0;
}

int disk_chain_read(struct disk *d, struct bp_error *err)
{
	unsigned char record[RECORD];
	int r = read_record(d, 0, record, err);

	if (r <= 0 || has_protection(record))
		return r < 0 ? -1 : 0;
	return add_record(d, 0, err) < 0 ? -1 : follow(d, record, err);
}

int disk_is_hybrid(const struct disk *d, bool *ret, struct bp_error *err)
{
	unsigned char record[RECORD];
	int r = read_record(d, 0, record, err);

	if (r < 0)
		return -1;
	*ret = false;
	for (int i = 0; r && has_protection(record) && i < 4; i++) {
		const unsigned char *entry = &record[ENTRIES + i * ENTRY];

		if (entry[TYPE] && entry[TYPE] != 0xee)
			*ret = true;
	}
	return 0;
}

/* disk_bounds.c - what tables say of the device that libblkid does not tell. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "backends/disk.h"

static uint64_t little(const unsigned char *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static uint32_t crc32_of(const unsigned char *p, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

enum { GPT_LEN = 92, GPT_CRC = 16, GPT_FIRST = 40, GPT_LAST = 48, GPT_ENTRIES = 80 };

static bool read_gpt(struct disk *d, uint64_t at)
{
	unsigned char h[512];
	uint32_t crc, len;

	if (pread(d->fd, h, sizeof h, (off_t)at) != sizeof h || memcmp(h, "EFI PART", 8) != 0)
		return false;
	len = (uint32_t)little(h + 12, 4);
	crc = (uint32_t)little(h + GPT_CRC, 4);
	memset(h + GPT_CRC, 0, 4);
	if (len < GPT_LEN || len > sizeof h || crc32_of(h, len) != crc)
		return false;
	d->first = little(h + GPT_FIRST, 8) * d->shape.sector;
	d->end = (little(h + GPT_LAST, 8) + 1) * d->shape.sector;
	d->max = (unsigned)little(h + GPT_ENTRIES, 4);
	return true;
}

/* Partitions of a sun table begin where a cylinder does; in the first is the table. */
static void look_at_sun(struct disk *d)
{
	unsigned char h[512];
	uint64_t heads, sectors;

	if (pread(d->fd, h, sizeof h, 0) != sizeof h)
		return;
	heads = (uint64_t)h[436] << 8 | h[437];
	sectors = (uint64_t)h[438] << 8 | h[439];
	if (!heads || !sectors)
		return;
	d->grain = heads * sectors * d->shape.sector;
	d->first = d->grain;
	d->end = d->shape.size / d->grain * d->grain;
}

static uint64_t big(const unsigned char *p)
{
	return (uint64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Partition 9 is the table itself, 11 all that can be used; cylinders as with sun. */
static void look_at_dvh(struct disk *d)
{
	enum { PARTS = 312, PART = 12, START = 4 };
	unsigned char h[512];
	const unsigned char *table = &h[PARTS + 8 * PART], *all = &h[PARTS + 10 * PART];
	uint64_t first, end;

	if (pread(d->fd, h, sizeof h, 0) != sizeof h)
		return;
	first = (big(table + START) + big(table)) * d->shape.sector;
	end = (big(all + START) + big(all)) * d->shape.sector;
	d->grain = ((uint64_t)h[32] << 8 | h[33]) * ((uint64_t)h[38] << 8 | h[39]) *
		   d->shape.sector;
	if (first && first < d->end)
		d->first = first;
	if (end && end < d->end)
		d->end = end;
}

/* The start belongs to the table and to who boots from it. */
static void look_at_bsd(struct disk *d)
{
	unsigned char h[512];
	uint64_t sectors;

	if (d->first < 8192)
		d->first = 8192;
	if (pread(d->fd, h, sizeof h, 512) != sizeof h)
		return;
	sectors = little(h + 60, 4);
	if (sectors && sectors < d->end / d->shape.sector)
		d->end = sectors * d->shape.sector;
}

void disk_find_bounds(struct disk *d)
{
	d->first = d->shape.align > d->shape.sector ? d->shape.align : d->shape.sector;
	d->end = d->shape.size / d->shape.sector * d->shape.sector;
	d->max = d->label ? d->label->max : 0;
	d->grain = 0;
	if (!d->label)
		return;
	if (disk_is_gpt(d->label) && !read_gpt(d, d->shape.sector))
		(void)read_gpt(d, d->end - d->shape.sector);
	if (strcmp(d->label->format, "sun") == 0)
		look_at_sun(d);
	if (disk_is_bsd(d->label))
		look_at_bsd(d);
	if (strcmp(d->label->format, "dvh") == 0)
		look_at_dvh(d);
	/* of dos, sectors have 32 bits */
	if (disk_is_dos(d->label) && d->end / d->shape.sector > UINT32_MAX)
		d->end = (uint64_t)UINT32_MAX * d->shape.sector;
}

/* Partitions of a bsd table are counted by libblkid, but have places of their own. */
void disk_number_bsd(struct disk *d)
{
	enum { COUNT = 138, PARTS = 148, PART = 16, START = 4, TYPE = 12 };
	unsigned char h[512];

	if (pread(d->fd, h, sizeof h, 512) != sizeof h)
		return;
	for (size_t i = 0; i < d->parts.n; i++) {
		struct disk_part *p = &d->parts.all[i];
		unsigned n = (unsigned)little(h + COUNT, 2);

		for (unsigned j = 0; j < n && PARTS + (j + 1) * PART <= sizeof h; j++) {
			const unsigned char *slot = &h[PARTS + j * PART];

			if (slot[TYPE] && little(slot, 4) * 512 == p->size &&
			    little(slot + START, 4) * 512 == p->start)
				p->number = j + 1;
		}
	}
}

/* qcow2_counts.c - a number for each cluster of a file, of which most are zero. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/image/qcow2_tree.h"

void qcow2_counts_init(struct qcow2_counts *c, uint64_t max)
{
	unsigned size = max <= UINT8_MAX ? 1 : max <= UINT16_MAX ? 2 : max <= UINT32_MAX ? 4 : 8;

	*c = (struct qcow2_counts){ .max = max, .size = size };
}

void qcow2_counts_done(struct qcow2_counts *c)
{
	for (size_t i = 0; i < c->n_chunks; i++)
		free(c->chunks[i]);
	free(c->chunks);
	*c = (struct qcow2_counts){ 0 };
}

uint64_t qcow2_counts_load(const struct qcow2_counts *c, const unsigned char *p)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	switch (c->size) {
	case 1:
		return *p;
	case 2:
		memcpy(&two, p, sizeof two);
		return two;
	case 4:
		memcpy(&four, p, sizeof four);
		return four;
	default:
		memcpy(&eight, p, sizeof eight);
		return eight;
	}
}

static void store(const struct qcow2_counts *c, unsigned char *p, uint64_t count)
{
	uint16_t two = (uint16_t)count;
	uint32_t four = (uint32_t)count;

	switch (c->size) {
	case 1:
		*p = (unsigned char)count;
		return;
	case 2:
		memcpy(p, &two, sizeof two);
		return;
	case 4:
		memcpy(p, &four, sizeof four);
		return;
	default:
		memcpy(p, &count, sizeof count);
	}
}

static unsigned char *make(struct qcow2_counts *c, uint64_t i)
{
	size_t chunk = (size_t)(i >> QCOW2_CHUNK_BITS), n = c->n_chunks;

	if (chunk >= n) {
		while (n <= chunk)
			n = n ? n * 2 : 64;
		c->chunks = mem_resize(c->chunks, n, sizeof *c->chunks);
		memset(c->chunks + c->n_chunks, 0, (n - c->n_chunks) * sizeof *c->chunks);
		c->n_chunks = n;
	}
	if (!c->chunks[chunk])
		c->chunks[chunk] = mem_alloc(QCOW2_CHUNK * c->size);
	return c->chunks[chunk] + (i & (QCOW2_CHUNK - 1)) * c->size;
}

void qcow2_counts_put(struct qcow2_counts *c, uint64_t i, uint64_t count)
{
	if (count || qcow2_counts_get(c, i))
		store(c, make(c, i), count);
}

uint64_t qcow2_counts_more(struct qcow2_counts *c, uint64_t i, uint64_t more)
{
	unsigned char *p = make(c, i);
	uint64_t now = qcow2_counts_load(c, p);

	if (more > c->max - now)
		return 0;
	store(c, p, now + more);
	return now + more;
}

bool qcow2_counts_less(struct qcow2_counts *c, uint64_t i, uint64_t less)
{
	uint64_t now = qcow2_counts_get(c, i);

	if (less > now)
		return false;
	qcow2_counts_put(c, i, now - less);
	return true;
}

uint64_t qcow2_counts_next(const struct qcow2_counts *c, uint64_t i)
{
	for (uint64_t chunk = i >> QCOW2_CHUNK_BITS; chunk < c->n_chunks; chunk++) {
		uint64_t end = (chunk + 1) << QCOW2_CHUNK_BITS;

		for (; c->chunks[chunk] && i < end; i++)
			if (qcow2_counts_get(c, i))
				return i;
		i = end;
	}
	return UINT64_MAX;
}

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

/* ---- several at once: four of 16 bits in a word ------------------------------------------ */

#define FOUR	     4u
#define EACH(number) (UINT64_C(0x0001000100010001) * (number))
#define EASY	     0x3fffu		/* what a number may have and may get, at most */

static uint64_t word_at(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

/* Where they are, and how many of n are in words of that chunk. */
static unsigned char *words(const struct qcow2_counts *c, uint64_t i, uint64_t n, uint64_t *ret_n)
{
	unsigned char *p = qcow2_counts_two(c, i);
	uint64_t left = QCOW2_CHUNK - (i & (QCOW2_CHUNK - 1));

	*ret_n = p ? (n < left ? n : left) & ~(uint64_t)(FOUR - 1) : 0;
	return p;
}

uint64_t qcow2_counts_raise(struct qcow2_counts *c, uint64_t i, uint64_t n, uint64_t by,
			    bool *ret_used)
{
	unsigned char *p = words(c, i, n, &n);
	uint64_t done = 0, word, used = 0;

	for (; done < n && by <= EASY; done += FOUR, p += sizeof word) {
		word = word_at(p);
		if (word & ~EACH(EASY))
			break;
		used |= word;
		word += EACH(by);
		memcpy(p, &word, sizeof word);
	}
	*ret_used = used;
	return done;
}

/* Two and more reach the topmost bit when so much is added. */
uint64_t qcow2_counts_lower(struct qcow2_counts *c, uint64_t i, uint64_t n)
{
	unsigned char *p = words(c, i, n, &n);
	uint64_t done = 0, word;

	for (; done < n; done += FOUR, p += sizeof word) {
		word = word_at(p);
		if (word & ~EACH(EASY) || ((word + EACH(0x7ffe)) & EACH(0x8000)) != EACH(0x8000))
			break;
		word -= EACH(1);
		memcpy(p, &word, sizeof word);
	}
	return done;
}

uint64_t qcow2_counts_ones(const struct qcow2_counts *c, uint64_t i, uint64_t n, bool ones)
{
	const unsigned char *p = words(c, i, n, &n);
	uint64_t done = 0;

	for (; done < n; done += FOUR, p += sizeof(uint64_t)) {
		uint64_t other = word_at(p) ^ EACH(1);

		/* what is not zero reaches the topmost bit, or has it */
		uint64_t none = ((other & EACH(0x7fff)) + EACH(0x7fff)) | other;

		if (ones ? other != 0 : (none & EACH(0x8000)) != EACH(0x8000))
			break;
	}
	return done;
}

/* Whole words of a chunk, or a chunk that is not there. */
static void swapped(const unsigned char *p, uint64_t n, unsigned char *to)
{
	for (; n; n -= FOUR, p += sizeof(uint64_t), to += sizeof(uint64_t)) {
		uint64_t word = word_at(p);

		if (htobe16(1) != 1)
			word = (word & EACH(0xff)) << 8 | (word >> 8 & EACH(0xff));
		memcpy(to, &word, sizeof word);
	}
}

bool qcow2_counts_be16(const struct qcow2_counts *c, uint64_t i, uint64_t n, unsigned char *to)
{
	uint64_t end = i + n, left;

	if (c->size != sizeof(uint16_t) || i % FOUR || n % FOUR)
		return false;
	for (; i < end; i += n, to += n * 2) {
		left = QCOW2_CHUNK - (i & (QCOW2_CHUNK - 1));
		n = end - i < left ? end - i : left;
		if (qcow2_counts_two(c, i))
			swapped(qcow2_counts_two(c, i), n, to);
		else
			memset(to, 0, (size_t)n * 2);
	}
	return true;
}

/* bytes.h - numbers and names in bytes that are not trusted.
 *
 * A number that does not lie wholly inside reads as zero, in every format a way
 * to say "nothing"; whoever has to tell the two apart asks bytes_has() first.
 * No structure is ever laid over a buffer.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_BYTES_H
#define BP_IMAGE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const unsigned char *p;
	size_t len;
};

static inline bool bytes_has(struct bytes b, uint64_t at, uint64_t len)
{
	return at <= b.len && len <= b.len - at;
}

/* A number of n bytes, the most significant one first or last. */
static inline uint64_t be_at(struct bytes b, uint64_t at, unsigned n)
{
	uint64_t v = 0;

	if (!bytes_has(b, at, n))
		return 0;
	for (unsigned i = 0; i < n; i++)
		v = v << 8 | b.p[at + i];
	return v;
}

static inline uint64_t le_at(struct bytes b, uint64_t at, unsigned n)
{
	uint64_t v = 0;

	if (!bytes_has(b, at, n))
		return 0;
	for (unsigned i = n; i-- > 0;)
		v = v << 8 | b.p[at + i];
	return v;
}

/* Of an image there are many millions of these. */
#define BE_AT(bits)							\
	static inline uint##bits##_t be##bits##_at(struct bytes b, uint64_t at)	\
	{								\
		uint##bits##_t v = 0;					\
									\
		if (bytes_has(b, at, sizeof v))				\
			memcpy(&v, b.p + at, sizeof v);			\
		return be##bits##toh(v);				\
	}
BE_AT(16)
BE_AT(32)
BE_AT(64)
#undef BE_AT

static inline uint16_t le16_at(struct bytes b, uint64_t at) { return (uint16_t)le_at(b, at, 2); }
static inline uint32_t le32_at(struct bytes b, uint64_t at) { return (uint32_t)le_at(b, at, 4); }
static inline uint64_t le64_at(struct bytes b, uint64_t at) { return le_at(b, at, 8); }

/* The same the other way round, into memory of ours. */
#define PUT(order, bits)							\
	static inline void put_##order##bits(unsigned char *p, uint##bits##_t v)	\
	{									\
		v = hto##order##bits(v);						\
		memcpy(p, &v, sizeof v);					\
	}
PUT(be, 16)
PUT(be, 32)
PUT(be, 64)
PUT(le, 16)
PUT(le, 32)
PUT(le, 64)
#undef PUT

#endif

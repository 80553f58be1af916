/* codec_libdeflate.c - deflate and zlib, about twice as fast as zlib is. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libdeflate.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/codec_library.h"

#define CALLS(X) X(alloc_decompressor) X(free_decompressor) X(deflate_decompress_ex) \
	X(zlib_decompress_ex) X(alloc_compressor) X(free_compressor) X(deflate_compress) \
	X(zlib_compress)

static const struct codec_call names[] = {
#define CALL(name) CODEC_CALL(libdeflate_##name)
	CALLS(CALL)
#undef CALL
};

struct deflate {
	enum codec_kind kind;
	const struct calls {
#define CALL(name) __typeof__(libdeflate_##name) *(name);
		CALLS(CALL)
#undef CALL
	} *call;
	struct libdeflate_decompressor *d;
	struct libdeflate_compressor *c;	/* from the first piece on */
};

static void *deflate_open(enum codec_kind kind, void *const *calls)
{
	struct deflate *s = mem_alloc(sizeof *s);

	*s = (struct deflate){ .kind = kind, .call = (const void *)calls };
	s->d = s->call->alloc_decompressor();
	if (!s->d)
		abort();		/* as any allocation does that fails */
	return s;
}

static void deflate_close(void *state)
{
	struct deflate *s = state;

	s->call->free_decompressor(s->d);
	if (s->c)
		s->call->free_compressor(s->c);
	free(s);
}

static int deflate_unpack(void *state, const void *in, size_t in_len, void *out, size_t out_len)
{
	struct deflate *s = state;
	__typeof__(s->call->zlib_decompress_ex) unpack =
		s->kind == CODEC_ZLIB ? s->call->zlib_decompress_ex :
					s->call->deflate_decompress_ex;
	size_t used, made;

	switch (unpack(s->d, in, in_len, out, out_len, &used, &made)) {
	case LIBDEFLATE_SUCCESS:
		return made == out_len ? 0 : -1;
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return s->kind == CODEC_ZLIB ? -1 : 1;
	default:
		return -1;
	}
}

/* ---- what is not worth a try -----------------------------------------------------------
 *
 * What was compressed or encrypted before takes longest, and comes out as long as it was.  It
 * shows: each byte is as frequent as any other, and hardly anything is there twice.
 */

#define LEAST	   4096u		/* bytes, fewer of which tell nothing */
#define TABLE_BITS 15
#define TWICE_MAX  16u			/* places where the next four bytes were seen before */
#define GAIN_MAX   64u			/* bytes a code could save: less than its table takes */

/* The number of bytes that a code of their frequencies would save grows with the sum of the
 * squares: by half of what is above that of frequencies all alike, over ln 2. */
static bool all_alike(const unsigned char *p, size_t len)
{
	static const double bits_ln2 = 8 * 2 * 0.6931;
	unsigned n[4][256] = { { 0 } };
	double sum = 0, alike = (double)len * (double)len / 256;

	for (size_t i = 0; i + 4 <= len; i += 4)
		for (size_t k = 0; k < 4; k++)
			n[k][p[i + k]]++;
	for (size_t i = 0; i < 256; i++) {
		double all = (double)n[0][i] + n[1][i] + n[2][i] + n[3][i];

		sum += all * all;
	}
	return (sum / alike - 1) * (double)len < bits_ln2 * GAIN_MAX;
}

static bool nothing_twice(const unsigned char *p, size_t len)
{
	uint32_t seen[1u << TABLE_BITS] = { 0 }, four;
	unsigned twice = 0;

	for (size_t i = 0; i + sizeof four <= len; i++) {
		uint32_t *at;

		memcpy(&four, p + i, sizeof four);
		at = &seen[four * UINT32_C(2654435761) >> (32 - TABLE_BITS)];
		if (*at == four && ++twice > TWICE_MAX)
			return false;
		*at = four;
	}
	return true;
}

/* Smaller than QEMU makes it, in a third of the time.  Higher levels save some hundredths for
 * twice of that. */
#define USUAL_LEVEL 3

static size_t deflate_pack(void *state, int level, const void *in, size_t in_len, void *out,
			   size_t out_max)
{
	struct deflate *s = state;
	__typeof__(s->call->zlib_compress) pack =
		s->kind == CODEC_ZLIB ? s->call->zlib_compress : s->call->deflate_compress;

	if (!level && out_max < in_len && in_len >= LEAST && all_alike(in, in_len) &&
	    nothing_twice(in, in_len))
		return 0;
	if (!s->c && !(s->c = s->call->alloc_compressor(level ? level : USUAL_LEVEL)))
		abort();		/* as any allocation does that fails */
	return pack(s->c, in, in_len, out, out_max);
}

const struct codec_library codec_libdeflate = {
	.file	= "libdeflate.so.0",
	.kinds	= 1 << CODEC_DEFLATE | 1 << CODEC_ZLIB,
	.calls	= names,
	.n_calls = array_size(names),
	.open	= deflate_open,
	.close	= deflate_close,
	.unpack = deflate_unpack,
	.pack	= deflate_pack,
};

/* codec_zlib.c - deflate and zlib, where libdeflate is not, or gives up. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/image/codec_library.h"

#define CALLS(X) X(inflateInit2_) X(inflateReset) X(inflateEnd) X(inflate) \
	X(deflateInit2_) X(deflateReset) X(deflateEnd) X(deflate)

static const struct codec_call names[] = {
	CALLS(CODEC_CALL)
};

struct zlib {
	const struct calls {
#define CALL(name) __typeof__(name) *(name);
		CALLS(CALL)
#undef CALL
	} *call;
	z_stream stream;
	enum codec_kind kind;
	z_stream packing;		/* from the first piece on */
	bool packs;
};

/* A window of 32 KiB holds what any window holds. */
static void *zlib_open(enum codec_kind kind, void *const *calls)
{
	struct zlib *z = mem_alloc(sizeof *z);

	z->call = (const void *)calls;
	z->kind = kind;
	if (z->call->inflateInit2_(&z->stream, kind == CODEC_ZLIB ? MAX_WBITS : -MAX_WBITS,
				   ZLIB_VERSION, (int)sizeof z->stream) != Z_OK)
		abort();		/* as any allocation does that fails */
	return z;
}

static void zlib_close(void *state)
{
	struct zlib *z = state;

	z->call->inflateEnd(&z->stream);
	if (z->packs)
		z->call->deflateEnd(&z->packing);
	free(z);
}

/* One without a checksum may go on when out is full: QEMU does not mind. */
static int zlib_unpack(void *state, const void *in, size_t in_len, void *out, size_t out_len)
{
	struct zlib *z = state;
	int r;

	if (z->call->inflateReset(&z->stream) != Z_OK)
		return -1;
	z->stream.next_in = (z_const Bytef *)in;
	z->stream.avail_in = (uInt)in_len;
	z->stream.next_out = out;
	z->stream.avail_out = (uInt)out_len;
	r = z->call->inflate(&z->stream, Z_FINISH);
	return (r == Z_STREAM_END || (r == Z_BUF_ERROR && z->kind == CODEC_DEFLATE)) &&
	       !z->stream.avail_out ? 0 : -1;
}

/* The window that QEMU uses, for who reads with no larger one. */
#define WINDOW 12

static size_t zlib_pack(void *state, int level, const void *in, size_t in_len, void *out,
			size_t out_max)
{
	struct zlib *z = state;

	if (!z->packs &&
	    z->call->deflateInit2_(&z->packing, !level ? -1 : level < 9 ? level : 9, Z_DEFLATED,
				   z->kind == CODEC_ZLIB ? MAX_WBITS : -WINDOW, MAX_MEM_LEVEL,
				   Z_DEFAULT_STRATEGY, ZLIB_VERSION,
				   (int)sizeof z->packing) != Z_OK)
		abort();		/* as any allocation does that fails */
	z->packs = true;
	z->call->deflateReset(&z->packing);
	z->packing.next_in = (z_const Bytef *)in;
	z->packing.avail_in = (uInt)in_len;
	z->packing.next_out = out;
	z->packing.avail_out = (uInt)out_max;
	if (z->call->deflate(&z->packing, Z_FINISH) != Z_STREAM_END)
		return 0;
	return out_max - z->packing.avail_out;
}

const struct codec_library codec_zlib = {
	.file	= "libz.so.1",
	.kinds	= 1 << CODEC_DEFLATE | 1 << CODEC_ZLIB,
	.calls	= names,
	.n_calls = array_size(names),
	.open	= zlib_open,
	.close	= zlib_close,
	.unpack = zlib_unpack,
	.pack	= zlib_pack,
};

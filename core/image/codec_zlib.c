/* codec_zlib.c - deflate and zlib, where libdeflate is not, or gives up. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <zlib.h>

#include "core/image/codec_library.h"

#define CALLS(X) X(inflateInit2_) X(inflateReset) X(inflateEnd) X(inflate)

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
};

/* A window of 32 KiB holds what any window holds. */
static void *zlib_open(enum codec_kind kind, void *const *calls)
{
	struct zlib *z = mem_alloc(sizeof *z);

	z->call = (const void *)calls;
	if (z->call->inflateInit2_(&z->stream, kind == CODEC_ZLIB ? MAX_WBITS : -MAX_WBITS,
				   ZLIB_VERSION, (int)sizeof z->stream) != Z_OK)
		abort();		/* as any allocation does that fails */
	return z;
}

static void zlib_close(void *state)
{
	struct zlib *z = state;

	z->call->inflateEnd(&z->stream);
	free(z);
}

/* A stream may go on when out is full: QEMU does not mind. */
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
	return (r == Z_STREAM_END || r == Z_BUF_ERROR) && !z->stream.avail_out ? 0 : -1;
}

const struct codec_library codec_zlib = {
	.file	= "libz.so.1",
	.kinds	= 1 << CODEC_DEFLATE | 1 << CODEC_ZLIB,
	.calls	= names,
	.n_calls = array_size(names),
	.open	= zlib_open,
	.close	= zlib_close,
	.unpack = zlib_unpack,
};

/* codec_libzstd.c - zstd. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <zstd.h>

#include "core/image/codec_library.h"

#define CALLS(X) X(createDCtx) X(freeDCtx) X(findFrameCompressedSize) X(decompressDCtx) X(isError) \
	X(createCCtx) X(freeCCtx) X(CCtx_setParameter) X(compress2)

static const struct codec_call names[] = {
#define CALL(name) CODEC_CALL(ZSTD_##name)
	CALLS(CALL)
#undef CALL
};

struct zstd {
	const struct calls {
#define CALL(name) __typeof__(ZSTD_##name) *(name);
		CALLS(CALL)
#undef CALL
	} *call;
	ZSTD_DCtx *d;
	ZSTD_CCtx *c;			/* from the first piece on */
};

static void *zstd_open(enum codec_kind kind, void *const *calls)
{
	struct zstd *z = mem_alloc(sizeof *z);

	(void)kind;
	z->call = (const void *)calls;
	z->d = z->call->createDCtx();
	if (!z->d)
		abort();		/* as any allocation does that fails */
	return z;
}

static void zstd_close(void *state)
{
	struct zstd *z = state;

	z->call->freeDCtx(z->d);
	z->call->freeCCtx(z->c);
	free(z);
}

/* Frame by frame, each in one go: no window is kept, however large it may say it is. */
static int zstd_unpack(void *state, const void *in, size_t in_len, void *out, size_t out_len)
{
	struct zstd *z = state;
	const char *from = in;
	char *to = out;

	while (out_len) {
		size_t frame = z->call->findFrameCompressedSize(from, in_len), made;

		if (z->call->isError(frame))
			return -1;
		made = z->call->decompressDCtx(z->d, to, out_len, from, frame);
		if (z->call->isError(made))
			return -1;
		from += frame;
		in_len -= frame;
		to += made;
		out_len -= made;
	}
	return 0;
}

/* What the usual level is for pieces of 64 KiB, but for tables as large as such a window lets
 * them be: what is found at once needs no search, so it is faster and not larger. */
static const struct {
	ZSTD_cParameter what;
	int value;
} usual[] = {
	{ ZSTD_c_compressionLevel, 3 }, { ZSTD_c_strategy, ZSTD_dfast }, { ZSTD_c_minMatch, 5 },
	{ ZSTD_c_hashLog, 17 }, { ZSTD_c_chainLog, 16 },
};

static void open_packing(struct zstd *z, int level)
{
	z->c = z->call->createCCtx();
	if (!z->c)
		abort();		/* as any allocation does that fails */
	if (level)
		(void)z->call->CCtx_setParameter(z->c, ZSTD_c_compressionLevel, level);
	for (size_t i = 0; !level && i < array_size(usual); i++)
		(void)z->call->CCtx_setParameter(z->c, usual[i].what, usual[i].value);
}

static size_t zstd_pack(void *state, int level, const void *in, size_t in_len, void *out,
			size_t out_max)
{
	struct zstd *z = state;
	size_t made;

	if (!z->c)
		open_packing(z, level);
	made = z->call->compress2(z->c, out, out_max, in, in_len);
	return z->call->isError(made) ? 0 : made;
}

const struct codec_library codec_libzstd = {
	.file	= "libzstd.so.1",
	.kinds	= 1 << CODEC_ZSTD,
	.calls	= names,
	.n_calls = array_size(names),
	.open	= zstd_open,
	.close	= zstd_close,
	.unpack = zstd_unpack,
	.pack	= zstd_pack,
};

/* codec.h - compressed pieces of images.
 *
 * The libraries that know how are opened when there is something to unpack: most
 * commands never meet a compressed cluster.  A codec keeps what its library needs
 * from one piece to the next, so one thread uses it at a time.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CODEC_H
#define BP_IMAGE_CODEC_H

#include <stddef.h>

#include "core/base/error.h"

enum codec_kind {
	CODEC_DEFLATE,			/* RFC 1951, nothing around it: qcow, qcow2 */
	CODEC_ZLIB,			/* RFC 1950: vmdk, dmg */
	CODEC_ZSTD,			/* RFC 8878: qcow2 */
};

struct codec;

/* BP_UNSUPPORTED names the library that is not there. */
int codec_open(enum codec_kind kind, struct codec **ret, struct bp_error *err);
void codec_close(struct codec *c);	/* NULL is fine */
void codec_closep(struct codec **c);

/* Fill out, wholly, from the stream that in begins with; what follows that is of no
 * interest.  Less than that, no such stream, or one of ZLIB that goes on, or whose checksum
 * is another: BP_CORRUPT. */
int codec_unpack(struct codec *c, const void *in, size_t in_len, void *out, size_t out_len,
		 struct bp_error *err);

/* Make a stream of in, of at most out_max bytes.  level: of the library; 0: its usual one.
 * How long the stream is; 0: it would be longer. */
size_t codec_pack(struct codec *c, int level, const void *in, size_t in_len, void *out,
		  size_t out_max);

#endif

/* codec_library.h - private: what codec.c has for each library. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CODEC_LIBRARY_H
#define BP_IMAGE_CODEC_LIBRARY_H

#include "core/base/mem.h"
#include "core/image/codec.h"

/* A static command can open no library: they are in it. */
#ifndef CODEC_LINKED
#define CODEC_LINKED 0
#endif

struct codec_call {
	const char *name;
	void *linked;			/* where it is, or NULL: to be looked for */
};
#define CODEC_CALL(name) { #name, CODEC_LINKED ? (void *)(name) : NULL },

struct codec_library {
	const char *file;
	unsigned kinds;			/* 1 << each */
	const struct codec_call *calls;
	size_t n_calls;

	/* calls: where the library's are, in their order, as long as the state lives. */
	void *(*open)(enum codec_kind kind, void *const *calls);
	void (*close)(void *state);

	/* out is full: 0.  -1: no such stream; 1: it is longer than out, which this
	 * library cannot cope with. */
	int (*unpack)(void *state, const void *in, size_t in_len, void *out, size_t out_len);

	/* As codec_pack(). */
	size_t (*pack)(void *state, int level, const void *in, size_t in_len, void *out,
		       size_t out_max);
};

#endif

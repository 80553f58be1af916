/* codec.c - the libraries that pack and unpack, opened. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/codec.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/image/codec_library.h"

#define CODEC(name) extern const struct codec_library codec_##name;
#include "codecs.inc"
#undef CODEC

/* What this build has; where two can do the same, the faster comes first. */
static const struct codec_library *const libraries[] = {
#define CODEC(name) &codec_##name,
#include "codecs.inc"
#undef CODEC
	NULL
};

/* Who can do it, for when nobody is there. */
static const struct {
	const char *what, *libraries;
} kinds[] = {
	[CODEC_DEFLATE] = { "deflate", "libdeflate or zlib" },
	[CODEC_ZLIB]	= { "zlib", "libdeflate or zlib" },
	[CODEC_ZSTD]	= { "zstd", "libzstd" },
};

struct codec {
	enum codec_kind kind;
	const struct codec_library *const *library;
	void *dl;
	void **calls;
	void *state;
	struct codec *next;		/* of another library, which copes with more */
};

void codec_close(struct codec *c)
{
	if (!c)
		return;
	codec_close(c->next);
	if (c->state)
		(*c->library)->close(c->state);
	if (c->dl)
		dlclose(c->dl);
	free(c->calls);
	free(c);
}

void codec_closep(struct codec **c)
{
	codec_close(*c);
}

/* Where the calls are, be they linked in or to be opened. */
static int find_calls(struct codec *c, struct bp_error *err)
{
	const struct codec_library *l = *c->library;

	c->calls = mem_alloc(l->n_calls * sizeof *c->calls);
	if (!CODEC_LINKED && !(c->dl = dlopen(l->file, RTLD_NOW | RTLD_LOCAL)))
		return bp_fail(err, BP_UNSUPPORTED, "what was compressed with %s needs %s: %s",
			       kinds[c->kind].what, l->file, dlerror());
	for (size_t i = 0; i < l->n_calls; i++) {
		c->calls[i] = CODEC_LINKED ? l->calls[i].linked : dlsym(c->dl, l->calls[i].name);
		if (!c->calls[i])
			return bp_fail(err, BP_UNSUPPORTED, "%s has no %s()", l->file,
				       l->calls[i].name);
	}
	return 0;
}

/* The first library from here on that knows this kind and is there. */
static int open_from(enum codec_kind kind, const struct codec_library *const *library,
		     struct codec **ret, struct bp_error *err)
{
	struct bp_error why = { 0 };

	for (; *library; library++) {
		cleanup(codec_closep) struct codec *c = NULL;

		if (!((*library)->kinds & 1u << kind))
			continue;
		c = mem_alloc(sizeof *c);
		*c = (struct codec){ .kind = kind, .library = library };
		why = (struct bp_error){ 0 };
		if (find_calls(c, &why) < 0)
			continue;
		c->state = (*library)->open(kind, c->calls);
		*ret = steal(c);
		return 0;
	}
	if (!why.code)
		return bp_fail(err, BP_UNSUPPORTED, "what was compressed with %s needs %s, "
			       "without which this program was built", kinds[kind].what,
			       kinds[kind].libraries);
	*err = why;
	return -1;
}

int codec_open(enum codec_kind kind, struct codec **ret, struct bp_error *err)
{
	return open_from(kind, libraries, ret, err);
}

int codec_unpack(struct codec *c, const void *in, size_t in_len, void *out, size_t out_len,
		 struct bp_error *err)
{
	int r = (*c->library)->unpack(c->state, in, in_len, out, out_len);
	struct bp_error ignored = { 0 };

	if (r > 0 && (c->next || open_from(c->kind, c->library + 1, &c->next, &ignored) == 0))
		return codec_unpack(c->next, in, in_len, out, out_len, err);
	return !r ? 0 : bp_fail(err, BP_CORRUPT, "%zu bytes that should be compressed with %s "
				"are not, or not to %zu bytes", in_len, kinds[c->kind].what,
				out_len);
}

size_t codec_pack(struct codec *c, int level, const void *in, size_t in_len, void *out,
		  size_t out_max)
{
	return (*c->library)->pack(c->state, level, in, in_len, out, out_max);
}

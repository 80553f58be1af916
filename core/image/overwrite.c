/* overwrite.c - see overwrite.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/overwrite.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void overwrite_done(struct overwrite *o)
{
	free(o->unit);
	o->unit = NULL;
}

static int put(struct overwrite *o, const void *buf, uint64_t len, uint64_t at,
	       struct bp_error *err)
{
	return o->patch->ops->write(o->patch, buf, len, at, err);
}

static int flush(struct overwrite *o, struct bp_error *err)
{
	uint64_t len = o->len;
	bool zero = o->zeros && is_zero(o->unit, (size_t)len);

	o->len = 0;
	return len ? put(o, zero ? NULL : o->unit, len, o->at, err) : 0;
}

/* The unit that has at, as the guest sees it so far. */
static int begin(struct overwrite *o, uint64_t at, struct bp_error *err)
{
	uint64_t rest;

	at &= ~(o->patch->unit - 1);
	if (o->len && o->at == at)
		return 0;
	if (flush(o, err) < 0)
		return -1;
	if (!o->unit)
		o->unit = mem_alloc((size_t)o->patch->unit);
	rest = o->patch->capacity - at;
	o->at = at;
	o->zeros = false;
	o->len = rest < o->patch->unit ? rest : o->patch->unit;
	return bp_chain_read(o->chain, o->unit, (size_t)o->len, at, err);
}

static int put_part(struct overwrite *o, const void *buf, uint64_t len, uint64_t at,
		    struct bp_error *err)
{
	if (begin(o, at, err) < 0)
		return -1;
	if (buf)
		memcpy(o->unit + (at - o->at), buf, (size_t)len);
	else
		memset(o->unit + (at - o->at), 0, (size_t)len);
	o->zeros = o->zeros || !buf;
	return 0;
}

int overwrite_put(struct overwrite *o, const void *buf, uint64_t len, uint64_t at,
		  struct bp_error *err)
{
	uint64_t mask = o->patch->unit - 1;
	const unsigned char *from = buf;

	while (len) {
		uint64_t n = len & ~mask;
		bool whole = !(at & mask) && (n || at + len == o->patch->capacity);
		int r;

		if (whole) {
			n = n ? n : len;
			r = flush(o, err) < 0 ? -1 : put(o, from, n, at, err);
		} else {
			n = o->patch->unit - (at & mask);
			n = n < len ? n : len;
			r = put_part(o, from, n, at, err);
		}
		if (r < 0)
			return -1;
		from = from ? from + n : NULL;
		at += n;
		len -= n;
	}
	return 0;
}

int overwrite_finish(struct overwrite *o, struct bp_error *err)
{
	return flush(o, err) < 0 ? -1 : o->patch->ops->finish(o->patch, err);
}

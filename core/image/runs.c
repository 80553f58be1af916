/* runs.c - see runs.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/runs.h"

#include "core/base/mem.h"
#include "core/image/bytes.h"

struct runs *runs_new(struct bp_io *io)
{
	struct runs *w = mem_resize(NULL, 1, sizeof *w);

	w->io = io;
	w->at = w->fill = 0;
	return w;
}

int runs_flush(struct runs *w, struct bp_error *err)
{
	size_t n = w->fill;

	w->fill = 0;
	if (n && io_write(w->io, w->buf, n, w->at, err) < 0)
		return -1;
	w->at += n;
	return 0;
}

int runs_seek(struct runs *w, uint64_t at, struct bp_error *err)
{
	uint64_t gap = at - (w->at + w->fill);

	if (w->fill && gap <= 4096 && gap <= sizeof w->buf - w->fill) {
		memset(w->buf + w->fill, 0, (size_t)gap);
		w->fill += (size_t)gap;
		return 0;
	}
	if (runs_flush(w, err) < 0)
		return -1;
	w->at = at;
	return 0;
}

int runs_numbers(struct runs *w, uint64_t v, uint64_t step, uint64_t n, unsigned width,
		 struct bp_error *err)
{
	while (n) {
		uint64_t fit = (sizeof w->buf - w->fill) / width;
		unsigned char *p = w->buf + w->fill;

		fit = fit < n ? fit : n;
		if (width > 8)
			memset(p, 0, (size_t)fit * width);
		for (uint64_t i = 0; i < fit; i++, p += width, v += step)
			put_be64(p, v);
		w->fill += (size_t)fit * width;
		n -= fit;
		if (n && runs_flush(w, err) < 0)
			return -1;
	}
	return 0;
}

/* Numbers of less than a byte begin with its lowest bits. */
static void put_ones(unsigned char *p, uint64_t n, unsigned order)
{
	static const unsigned char eight[] = { 0xff, 0x55, 0x11 };
	unsigned width = 1u << order, size = width / 8;

	if (order >= 3) {
		memset(p, 0, (size_t)n * size);
		for (uint64_t i = 0; i < n; i++)
			p[i * size + size - 1] = 1;
		return;
	}
	memset(p, eight[order], (size_t)(n * width / 8));
	if (n * width % 8)
		p[n * width / 8] = eight[order] & ((1u << (n * width % 8)) - 1);
}

int runs_ones(struct runs *w, uint64_t n, unsigned order, struct bp_error *err)
{
	while (n) {
		uint64_t fit = (uint64_t)(sizeof w->buf - w->fill) * 8 >> order;

		fit = fit < n ? fit : n;
		put_ones(w->buf + w->fill, fit, order);
		w->fill += (size_t)(((fit << order) + 7) / 8);
		n -= fit;
		if (n && runs_flush(w, err) < 0)
			return -1;
	}
	return 0;
}

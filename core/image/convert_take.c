/* convert_take.c - bytes of the sources, cut into pieces. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/stat.h>

#include "core/image/convert_job.h"

/* ---- the sources, one behind the other ------------------------------------- */

static const struct bp_chain *source_at(const struct bp_chain *s, uint64_t *at)
{
	while (*at >= s->capacity) {
		*at -= s->capacity;
		s++;
	}
	return s;
}

int convert_read(struct worker *w, void *buf, uint64_t len, uint64_t at, struct bp_error *err)
{
	unsigned char *p = buf;

	while (len) {
		uint64_t in = at + w->job->c->skip;
		struct bp_chain *from = (struct bp_chain *)source_at(w->sources, &in);
		uint64_t n = from->capacity - in < len ? from->capacity - in : len;

		if (bp_chain_read(from, p, (size_t)n, in, err) < 0)
			return -1;
		p += n;
		at += n;
		len -= n;
	}
	return 0;
}

/* ---- pieces: under the lock ------------------------------------------------ */

/* What begins at the next byte; at most up to the end of its source, or of its span. */
static int look(struct worker *w, struct bp_guest_extent *ret, struct bp_layer **ret_layer,
		struct bp_error *err)
{
	struct job *job = w->job;
	uint64_t in = job->at + job->c->skip, span = job->c->to->span;
	struct bp_chain *from = (struct bp_chain *)source_at(w->sources, &in);
	uint64_t left = span - (job->at & (span - 1));
	size_t depth;

	if (bp_chain_extent(from, in, ret, &depth, err) < 0)
		return -1;
	*ret_layer = depth < from->n ? &from->layers[depth] : NULL;
	if (job->c->backed && bp_chain_leaves(from, ret, depth))
		ret->kind = BP_GUEST_HOLE;
	else if (ret->kind == BP_GUEST_HOLE)
		ret->kind = BP_GUEST_ZERO;
	if (ret->len > left)
		ret->len = left;
	if (ret->len > job->total - job->at)
		ret->len = job->total - job->at;
	return 0;
}

static bool is_zeros(const struct job *job, const struct bp_guest_extent *e)
{
	return job->c->sparse && (e->kind == BP_GUEST_HOLE || e->kind == BP_GUEST_ZERO);
}

/* Whole units of it, or all there is up to the end. */
static uint64_t whole(const struct job *job, uint64_t len)
{
	return job->at + len == job->total ? len : len & ~(job->c->to->unit - 1);
}

static struct bp_io *bytes_of(const struct bp_guest_extent *e, const struct bp_layer *layer)
{
	return e->io ? e->io : layer_bytes(layer);
}

static bool can_clone(const struct job *job, const struct bp_guest_extent *e,
		      const struct bp_layer *layer)
{
	struct stat st;

	if (!job->clones || e->kind != BP_GUEST_DATA || e->file_at == BP_NOWHERE || !layer ||
	    bytes_of(e, layer)->fd < 0)
		return false;
	return job->c->offload || (!(e->file_at % GRAIN) &&
				   fstat(bytes_of(e, layer)->fd, &st) == 0 &&
				   st.st_dev == job->dev);
}

/* The next piece, without its number.  A hole that nothing is to be said of is passed over. */
static int cut(struct worker *w, struct piece *ret, struct bp_error *err)
{
	struct job *job = w->job;
	uint64_t unit = job->c->to->unit, span = job->c->to->span, most;
	struct bp_guest_extent e;
	struct bp_layer *layer;

	if (look(w, &e, &layer, err) < 0)
		return -1;
	*ret = (struct piece){ READ, 0, job->at, whole(job, e.len), NULL, 0 };
	if (ret->len && is_zeros(job, &e)) {
		ret->what = job->c->backed && e.kind == BP_GUEST_HOLE ? HOLE : ZEROS;
		if (!job->c->fresh && ret->len > CLONE_PIECE)
			ret->len = CLONE_PIECE;
		return 0;
	}
	if (ret->len && can_clone(job, &e, layer)) {
		ret->what = CLONE;
		ret->from = bytes_of(&e, layer);
		ret->from_at = e.file_at;
		if (ret->len > CLONE_PIECE)
			ret->len = CLONE_PIECE;
		return 0;
	}
	most = progress_piece(job->c->progress, job->piece) & ~(unit - 1);
	if (most < unit)
		most = unit;
	ret->len = ret->len ? ret->len : unit;	/* part of a unit: then all of it */
	if (ret->len > most)
		ret->len = most;
	if (ret->len > job->total - job->at)
		ret->len = job->total - job->at;
	if (ret->len > span - (job->at & (span - 1)))
		ret->len = span - (job->at & (span - 1));
	return 0;
}

uint64_t convert_told(const struct job *job, const struct piece *p)
{
	return !job->c->count || p->what == READ || p->what == CLONE ? p->len : 0;
}

int convert_count(struct worker *w, uint64_t *ret, struct bp_error *err)
{
	struct job *job = w->job;
	struct piece p;

	*ret = job->c->count ? 0 : job->total;
	for (; job->c->count && job->at < job->total; job->at += p.len) {
		if (cut(w, &p, err) < 0)
			return -1;
		*ret += convert_told(job, &p);
	}
	job->at = 0;
	return 0;
}

/* 1: one; 0: there are no more. */
int convert_take(struct worker *w, struct piece *ret, struct bp_error *err)
{
	struct job *job = w->job;

	while (!job->stop && job->at < job->total) {
		if (cut(w, ret, err) < 0)
			return -1;
		job->at += ret->len;
		if (ret->what == HOLE ||
		    (ret->what == ZEROS && !job->c->to->ops->place_zeros)) {
			job->done += convert_told(job, ret);
			continue;
		}
		ret->number = job->next++;
		return 1;
	}
	return 0;
}


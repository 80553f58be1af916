/* chain.c - see chain.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image/chain.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/formats.h"

static void layer_done(struct bp_layer *l)
{
	guest_close(l->guest);
	for (size_t i = 0; l->parts_ours && i < l->parts.n; i++)
		io_close(l->parts.parts[i].io);
	bp_image_parts_done(&l->parts);
	if (l->io_ours)
		io_close(l->io);
	bp_image_info_done(&l->info);
	free(l->snapshot);
	free(l->data_name);
	free(l->name);
}

void bp_chain_done(struct bp_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		layer_done(&chain->layers[i]);
	free(chain->layers);
	*chain = (struct bp_chain){ 0 };
}

/* With the files that have a part of its data each. */
static int open_parts(struct bp_layer *l, const struct bp_image_format *f,
		      const struct bp_opener *opener, struct bp_error *err)
{
	if (!f->parts || !opener || !opener->open_part)
		return 0;		/* it then says itself what cannot be */
	if (f->parts(l->io, &l->parts, err) < 0)
		return bp_within(err, "'%s'", l->name);
	l->parts_ours = true;
	for (size_t i = 0; i < l->parts.n; i++) {
		struct bp_image_part *p = &l->parts.parts[i];

		if (p->name &&
		    opener->open_part(opener->arg, l->name, p->name, &p->io, err) < 0)
			return -1;
	}
	return 0;
}

/* The same files, which stay the other's. */
static void share_parts(const struct bp_layer *from, struct bp_layer *l)
{
	for (size_t i = 0; i < from->parts.n; i++) {
		struct bp_image_part *p = array_add(l->parts.parts, l->parts.n);

		*p = from->parts.parts[i];
		p->name = mem_dup(p->name);
	}
}

static int open_guest(struct bp_layer *l, const struct bp_image_format *f, struct bp_error *err)
{
	if (!f->open)
		return bp_fail(err, BP_UNSUPPORTED, "'%s': images of format %s cannot be read",
			       l->name, f->name);
	if (l->snapshot && !f->open_snapshot)
		return bp_fail(err, BP_UNSUPPORTED, "'%s': images of format %s have no snapshots "
			       "that can be read", l->name, f->name);
	if ((l->snapshot ? f->open_snapshot(l->io, l->snapshot, &l->guest, err) :
	     l->parts.n ? f->open_parts(l->io, &l->parts, &l->guest, err) :
			  f->open(l->io, &l->guest, err)) < 0)
		return bp_within(err, "'%s'", l->name);
	return 0;
}

static int open_data(struct bp_layer *l, const struct bp_opener *opener, struct bp_error *err)
{
	if (!(l->info.features & BP_FEATURE_DATA_FILE))
		return 0;
	if (l->io->data)
		l->data_name = mem_dup(l->io->data->name);
	else if (opener && opener->open_data)
		return opener->open_data(opener->arg, l->name, &l->info, &l->io->data,
					 &l->data_name, err);
	return 0;			/* its format refuses that, and says why */
}

/* What the image is was decided by who opens it: its bytes are not asked for that. */
static int describe(struct bp_layer *l, const struct bp_image_format *f,
		    const struct bp_opener *opener, struct bp_error *err)
{
	if (bp_image_describe(l->io, f, &l->info, err) < 0)
		return bp_within(err, "'%s'", l->name);
	if (f->own_backing && l->info.backing && !l->info.backing_format)
		l->info.backing_format = mem_dup(f->name);
	return open_data(l, opener, err) < 0 ? -1 : open_guest(l, f, err);
}

/* What the upper one does not have was what the lower one had then. */
static int check_base(const struct bp_layer *upper, const struct bp_layer *lower,
		      struct bp_error *err)
{
	if (!upper->info.has_id || !lower->info.has_id ||
	    upper->info.backing_id == lower->info.id)
		return 0;
	return bp_fail(err, BP_CORRUPT, "'%s' was changed after '%s' was based on it: its content "
		       "has the id %08x, and that wants %08x", lower->name, upper->name,
		       lower->info.id, upper->info.backing_id);
}

int bp_chain_open(struct bp_io *io, const char *name, const struct bp_image_format *format,
		  const char *snapshot, const struct bp_opener *opener, struct bp_chain *ret,
		  struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	struct bp_layer *l = array_add(chain.layers, chain.n);

	*l = (struct bp_layer){ .name = mem_dup(name), .snapshot = mem_dup(snapshot), .io = io };
	if (open_parts(l, format, opener, err) < 0 || describe(l, format, opener, err) < 0)
		return -1;
	while (opener && !opener->alone && l->info.backing) {
		struct bp_layer next = { .io_ours = true };

		if (chain.n == BP_CHAIN_MAX)
			return bp_fail(err, BP_CORRUPT, "'%s' has more than %d backing files",
				       name, BP_CHAIN_MAX - 1);
		if (opener->open(opener->arg, l->name, &l->info, &next.io, &next.name, &format,
				 err) < 0)
			return -1;
		l = array_add(chain.layers, chain.n);
		*l = next;
		if (open_parts(l, format, opener, err) < 0 ||
		    describe(l, format, opener, err) < 0 || check_base(l - 1, l, err) < 0)
			return -1;
	}
	chain.capacity = chain.layers[0].guest->capacity;
	*ret = chain;
	chain = (struct bp_chain){ 0 };
	return 0;
}

int bp_chain_again(const struct bp_chain *from, struct bp_chain *ret, struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain chain = { .capacity = from->capacity };

	for (size_t i = 0; i < from->n; i++) {
		const struct bp_layer *old = &from->layers[i];
		struct bp_layer *l = array_add(chain.layers, chain.n);

		*l = (struct bp_layer){
			.name = mem_dup(old->name), .snapshot = mem_dup(old->snapshot),
			.io = old->io,
		};
		share_parts(old, l);
		if (describe(l, bp_image_known_find(old->info.format), NULL, err) < 0)
			return -1;
	}
	*ret = chain;
	chain = (struct bp_chain){ 0 };
	return 0;
}

void bp_chain_step(struct bp_chain *chain, uint64_t step)
{
	for (size_t i = 0; i < chain->n; i++)
		chain->layers[i].guest->step = step;
}

int bp_chain_renew(struct bp_chain *chain, size_t layer, struct bp_error *err)
{
	struct bp_layer *l = &chain->layers[layer];

	guest_close(l->guest);
	l->guest = NULL;
	if (open_guest(l, bp_image_known_find(l->info.format), err) < 0)
		return -1;
	chain->capacity = chain->layers[0].guest->capacity;
	return 0;
}

int bp_chain_extent(struct bp_chain *chain, uint64_t at, struct bp_guest_extent *ret,
		    size_t *ret_depth, struct bp_error *err)
{
	struct bp_guest_extent e = { BP_GUEST_HOLE, at, chain->capacity - at, BP_NOWHERE };
	size_t i;

	for (i = 0; i < chain->n && e.kind == BP_GUEST_HOLE; i++) {
		struct bp_guest *g = chain->layers[i].guest;
		uint64_t len = e.len;

		if (at >= g->capacity)
			break;		/* nor does what lies below show here */
		if (guest_extent(g, at, &e, err) < 0)
			return bp_within(err, "'%s'", chain->layers[i].name);
		if (e.len > len)
			e.len = len;
	}
	*ret = e;
	*ret_depth = e.kind == BP_GUEST_HOLE ? chain->n : i - 1;
	return 0;
}

bool bp_chain_leaves(const struct bp_chain *chain, const struct bp_guest_extent *e, size_t depth)
{
	return depth > 0 && chain->n > 1 && e->at < chain->layers[1].guest->capacity;
}

int bp_chain_read(struct bp_chain *chain, void *buf, size_t len, uint64_t at,
		  struct bp_error *err)
{
	unsigned char *to = buf;

	while (len) {
		struct bp_guest_extent e;
		size_t depth, n;

		if (bp_chain_extent(chain, at, &e, &depth, err) < 0)
			return -1;
		n = e.len < len ? (size_t)e.len : len;
		if (e.kind == BP_GUEST_HOLE || e.kind == BP_GUEST_ZERO)
			memset(to, 0, n);
		else if (guest_read(chain->layers[depth].guest, to, n, at, err) < 0)
			return bp_within(err, "'%s'", chain->layers[depth].name);
		to += n;
		at += n;
		len -= n;
	}
	return 0;
}

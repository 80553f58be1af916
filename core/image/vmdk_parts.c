/* vmdk_parts.c - a VMDK whose data are in other files, which its text names. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/vmdk.h"

/* ---- what the text says ------------------------------------------------------------ */

/* Where the text of a VMDK is that has nothing else; 0: nowhere, it is whole. */
static int find_text(const struct bp_image_head *head, bool *ret, uint64_t *ret_at,
		     struct bp_error *err)
{
	struct vmdk_header h;

	*ret_at = 0;
	*ret = vmdk_is_text(head->first);
	if (*ret || head->size < 4 || memcmp(head->first.p, VMDK_MAGIC, 4) != 0)
		return 0;
	if (vmdk_header_read(head, &h, err) < 0)
		return -1;
	*ret = !h.capacity && h.text_at && h.text_at <= head->size / IMAGE_SECTOR;
	*ret_at = *ret ? h.text_at * IMAGE_SECTOR : 0;
	return 0;
}

static int take_part(const struct vmdk_extent *e, struct bp_image_part *ret, struct bp_error *err)
{
	static const struct {
		const char *type;
		bool flat, named;
	} types[] = { { "FLAT", true, true }, { "VMFS", true, true }, { "SPARSE", false, true },
		      { "ZERO", true, false } };

	for (size_t i = 0; i < array_size(types); i++) {
		if (strcmp(e->type, types[i].type) != 0)
			continue;
		if (types[i].named != !!e->name)
			return bp_fail(err, BP_CORRUPT, "an extent of type %s of the VMDK names %s "
				       "file", e->type, e->name ? "a" : "no");
		*ret = (struct bp_image_part){
			.name = mem_dup(e->name), .flat = types[i].flat,
			.len = e->sectors * IMAGE_SECTOR, .at = e->offset * IMAGE_SECTOR,
		};
		return 0;
	}
	return bp_fail(err, BP_UNSUPPORTED, "the VMDK has an extent of type %s, and those that can "
		       "be read are of type FLAT, VMFS, SPARSE and ZERO", e->type);
}

static int read_parts(const char *text, struct bp_image_parts *parts, struct bp_error *err)
{
	struct vmdk_extent e;
	int r;

	while ((r = vmdk_text_extent(&text, &e, err)) == 1) {
		auto_free char *name = e.name;

		if (take_part(&e, array_add(parts->parts, parts->n), err) < 0)
			return -1;
	}
	if (r == 0 && !parts->n)
		return bp_fail(err, BP_CORRUPT, "the text of the VMDK names no extents");
	return r;
}

int vmdk_parts(struct bp_io *io, struct bp_image_parts *ret, struct bp_error *err)
{
	cleanup(bp_image_parts_done) struct bp_image_parts parts = { 0 };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;
	auto_free char *text = NULL;
	uint64_t at;
	bool apart;

	if (image_head_read(io, buf, &head, err) < 0 || find_text(&head, &apart, &at, err) < 0)
		return -1;
	if (apart && (vmdk_text_read(&head, at, &text, err) < 0 ||
		      read_parts(text, &parts, err) < 0))
		return -1;
	*ret = parts;
	parts = (struct bp_image_parts){ 0 };
	return 0;
}

/* ---- what its guest sees: one behind the other ----------------------------------------- */

struct piece {
	uint64_t from, to;		/* in what the guest sees */
	uint64_t at;			/* and from where on in its own guest's */
	struct bp_guest *guest;		/* NULL: zeros */
};

struct parts_guest {
	struct bp_guest g;
	struct piece *pieces;
	size_t n, last;			/* last: which was asked for */
};

static struct piece *piece_at(struct parts_guest *g, uint64_t at)
{
	if (at < g->pieces[g->last].from)
		g->last = 0;
	while (at >= g->pieces[g->last].to)
		g->last++;
	return &g->pieces[g->last];
}

/* What is behind the end of a file is zeros. */
static uint64_t there(const struct piece *p, uint64_t at)
{
	uint64_t own = at - p->from + p->at;

	return p->guest && own < p->guest->capacity ? p->guest->capacity - own : 0;
}

static int parts_extent(struct bp_guest *guest, uint64_t at, struct bp_guest_extent *ret,
			struct bp_error *err)
{
	struct parts_guest *g = (struct parts_guest *)guest;
	const struct piece *p = piece_at(g, at);

	*ret = (struct bp_guest_extent){ BP_GUEST_ZERO, at, p->to - at, BP_NOWHERE };
	if (!there(p, at))
		return 0;
	p->guest->step = guest->step;
	if (guest_extent(p->guest, at - p->from + p->at, ret, err) < 0)
		return -1;
	ret->at = at;
	ret->io = p->guest->io;
	if (ret->len > p->to - at)
		ret->len = p->to - at;
	return 0;
}

static int parts_read(struct bp_guest *guest, void *buf, size_t len, uint64_t at,
		      struct bp_error *err)
{
	struct parts_guest *g = (struct parts_guest *)guest;
	unsigned char *to = buf;

	while (len) {
		const struct piece *p = piece_at(g, at);
		size_t n = p->to - at < len ? (size_t)(p->to - at) : len;
		uint64_t some = there(p, at);
		size_t read = some < n ? (size_t)some : n;

		if (read && guest_read(p->guest, to, read, at - p->from + p->at, err) < 0)
			return -1;
		memset(to + read, 0, n - read);
		to += n;
		at += n;
		len -= n;
	}
	return 0;
}

static void parts_close(struct bp_guest *guest)
{
	struct parts_guest *g = (struct parts_guest *)guest;

	for (size_t i = 0; i < g->n; i++)
		guest_close(g->pieces[i].guest);
	free(g->pieces);
	free(g);
}

static int add_piece(struct parts_guest *g, const struct bp_image_part *part, struct bp_error *err)
{
	const struct bp_image_format *raw = bp_image_known_find("raw");
	struct bp_guest *own = NULL;

	if (part->len > INT64_MAX - g->g.capacity)
		return bp_fail(err, BP_CORRUPT, "the extents of the VMDK have an absurd size "
			       "together");
	if (part->io && (part->flat ? raw->open(part->io, &own, err) :
				      vmdk_open(part->io, &own, err)) < 0)
		return bp_within(err, "'%s'", part->name);
	if (!part->len) {
		guest_close(own);
		return 0;
	}
	*array_add(g->pieces, g->n) = (struct piece){
		g->g.capacity, g->g.capacity + part->len, part->at, own,
	};
	g->g.capacity += part->len;
	return 0;
}

int vmdk_open_parts(struct bp_io *io, const struct bp_image_parts *parts, struct bp_guest **ret,
		    struct bp_error *err)
{
	static const struct bp_guest_ops ops = { parts_extent, parts_read, parts_close };
	struct parts_guest *g = mem_alloc(sizeof *g);
	cleanup(guest_closep) struct bp_guest *made = &g->g;

	g->g = (struct bp_guest){ .ops = &ops, .io = io };
	for (size_t i = 0; i < parts->n; i++)
		if (add_piece(g, &parts->parts[i], err) < 0)
			return -1;
	*ret = steal(made);
	return 0;
}

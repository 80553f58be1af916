/* thin.c - the <thin> of a pool: which thin pool its thin volumes come from.  Ours. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/base/size.h"
#include "core/base/text.h"
#include "xml/parts.h"

/* A number, with its unit beside it; *ret is left alone where there is none. */
static int read_number(const struct doc *d, const xmlNode *thin, const char *name, uint64_t max,
		       uint64_t *ret, struct bp_error *err)
{
	const xmlNode *node = node_child_ns(thin, OUR_NS, name);
	auto_free char *s = node_text(node), *unit = node_attr(node, "unit");
	struct bp_error why = { 0 };
	uint64_t v;

	if (!node)
		return 0;
	if (!s || !parse_number(s, 10, &v))
		return fail_at(d, node, BP_XML, err, "malformed %s element", name);
	if (size_scale(&v, unit, max, &why) < 0)
		return fail_at(d, node, why.code, err, "%s", why.text);
	if (!v)
		return fail_at(d, node, BP_XML, err, "%s must not be 0", name);
	*ret = v;
	return 0;
}

int read_thin(const struct doc *d, const xmlNode *node, struct bp_thin *ret, struct bp_error *err)
{
	uint64_t limit = 0;

	if (!node)
		return 0;
	ret->name = node_text(node_child_ns(node, OUR_NS, "name"));
	if (!ret->name || !*ret->name)
		return fail_at(d, node, BP_XML, err, "the thin pool has no name");
	if (read_number(d, node, "size", INT64_MAX, &ret->size, err) < 0 ||
	    read_number(d, node, "metadata", INT64_MAX, &ret->metadata, err) < 0 ||
	    read_number(d, node, "limit", UINT32_MAX, &limit, err) < 0)
		return -1;
	ret->limit = (unsigned)limit;
	return 0;
}

static void write_bytes(struct out *o, const char *name, uint64_t bytes)
{
	if (!bytes)
		return;
	out_tag(o, name);
	out_attr(o, "unit", "bytes");
	out_endf(o, name, "%llu", (unsigned long long)bytes);
}

/* What is so now; not read again. */
static void write_state(struct out *o, const struct bp_thin_state *state)
{
	const struct { const char *name; uint64_t bytes; } facts[] = {
		{ "capacity", state->capacity },
		{ "allocation", state->allocation },
		{ "metadata-capacity", state->metadata_capacity },
		{ "metadata-allocation", state->metadata_allocation },
		{ "promised", state->promised },
	};

	if (!state->metadata_allocation)	/* inactive, or it has failed */
		return;
	out_tag(o, "barepool:state");
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		out_attrf(o, facts[i].name, "%llu", (unsigned long long)facts[i].bytes);
	out_end(o, "barepool:state");
}

void write_thin(struct out *o, const struct bp_thin *thin, const struct bp_thin_state *state)
{
	if (!thin->name)
		return;
	out_tag(o, "barepool:thin");
	out_text(o, "barepool:name", thin->name);
	write_bytes(o, "barepool:size", thin->size);
	write_bytes(o, "barepool:metadata", thin->metadata);
	if (thin->limit)
		out_textf(o, "barepool:limit", "%u", thin->limit);
	if (state)
		write_state(o, state);
	out_end(o, "barepool:thin");
}

/* sources.c - <sources>, and the <source> somebody searches with. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/model/check.h"
#include "xml/parts.h"
#include "xml/xml.h"

int bp_xml_parse_source(const char *text, size_t len, const char *name,
			const struct bp_pool_type *type,
			struct bp_pool_source *ret, struct bp_error *err)
{
	cleanup(doc_close) struct doc d = { 0 };
	cleanup(bp_pool_source_done) struct bp_pool_source src = { 0 };

	if (doc_open(&d, text, len, name, "(storage_source_specification)", err) < 0 ||
	    doc_expect(&d, "source", err) < 0 ||
	    read_source(&d, d.root, &src, err) < 0)
		return -1;
	if (check_source(&src, type, err) < 0) {
		/* Parts are named from the root of a pool, and here it is the source. */
		if (starts_with(err->part, "source/"))
			memmove(err->part, err->part + 7, strlen(err->part + 7) + 1);
		return fail_place(&d, err);
	}
	*ret = src;
	src = (struct bp_pool_source){ 0 };
	return 0;
}

char *bp_xml_format_sources(const struct bp_pool_source *sources, size_t n,
			    const struct bp_pool_type *type)
{
	struct out o = { .depth = 0 };

	out_tag(&o, "sources");
	out_body(&o);
	for (size_t i = 0; i < n; i++) {
		struct bp_pool_source src = sources[i];

		if (!type->source_formats)
			src.format = NULL;
		write_source(&o, &src);
	}
	out_end(&o, "sources");
	return out_steal(&o);
}

/* capabilities.c - <storagepoolCapabilities>, from the rows of the pool types. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/write.h"
#include "xml/xml.h"

static void write_formats(struct out *o, const char *group, const char *list,
			  const char *usual, const char *const *formats)
{
	out_tag(o, group);
	out_one(o, "defaultFormat", "type", usual);
	out_tag(o, "enum");
	out_attr(o, "name", list);
	out_body(o);
	for (; formats && *formats; formats++)
		out_text(o, "value", *formats);
	out_end(o, "enum");
	out_end(o, group);
}

static void write_type(struct out *o, const struct bp_pool_type *t, bool supported)
{
	out_tag(o, "pool");
	out_attr(o, "type", t->name);
	out_attr(o, "supported", supported ? "yes" : "no");
	out_body(o);
	if (t->source_formats)
		write_formats(o, "poolOptions", "sourceFormatType", t->source_format,
			      t->source_formats);
	if (t->vol_formats)
		write_formats(o, "volOptions", "targetFormatType", t->vol_format,
			      t->vol_formats_unlisted ? NULL : t->vol_formats);
	out_end(o, "pool");
}

char *bp_xml_format_capabilities(bool (*supported)(const struct bp_pool_type *type))
{
	struct out o = { .depth = 0 };
	const struct bp_pool_type *t;

	out_tag(&o, "storagepoolCapabilities");
	for (size_t i = 0; (t = bp_pool_type_at(i)); i++)
		write_type(&o, t, supported(t));
	out_end(&o, "storagepoolCapabilities");
	return out_steal(&o);
}

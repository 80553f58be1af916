/* xml.c - any bytes as a definition: read, and what was read written and read again.
 *
 * The first byte says as what: a pool, its state, a volume of some type of pool,
 * a source, an XPath expression.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "xml/xml.h"

#define REPLAY_MOST (16u << 20)
#include "tests/fuzz/replay.h"

static void must(bool so)
{
	if (!so)
		abort();
}

static void failed_properly(const struct bp_error *err)
{
	must(err->code != BP_OK && *err->text);
}

/* What was written can be read, and then writes the same. */
static void pool(const char *text, size_t len, unsigned flags)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL, *again = NULL;
	struct bp_error err = { 0 };
	unsigned state = flags & BP_XML_STATE;

	if (bp_xml_parse_pool(text, len, "f", flags, &def, &err) < 0) {
		failed_properly(&err);
		return;
	}
	auto_free char *out = bp_xml_format_pool(def, state);
	auto_free char *plain = bp_xml_format_pool(def, BP_XML_AS_WRITTEN | BP_XML_COMMENT);

	must(is_utf8(out) && is_utf8(plain));
	must(bp_xml_parse_pool(out, strlen(out), NULL, state, &again, &err) == 0);
	auto_free char *same = bp_xml_format_pool(again, state);
	must(strcmp(out, same) == 0);
}

static void volume(const char *text, size_t len, const struct bp_pool_type *type, unsigned flags)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL, *again = NULL;
	struct bp_error err = { 0 };
	struct bp_vol_info info;

	if (bp_xml_parse_volume(text, len, "f", type, flags, &spec, &err) < 0) {
		failed_properly(&err);
		return;
	}
	bp_vol_spec_view(spec, type, &info);
	cleanup(bp_vol_info_freep) struct bp_vol_info *copy = bp_vol_info_dup(&info);
	auto_free char *out = bp_xml_format_volume(copy, type);
	auto_free char *plain = bp_xml_format_volume_spec(spec);

	must(is_utf8(out) && is_utf8(plain));
	must(bp_xml_parse_volume(out, strlen(out), NULL, type, 0, &again, &err) == 0);
	bp_vol_spec_view(again, type, &info);
	auto_free char *same = bp_xml_format_volume(&info, type);
	must(strcmp(out, same) == 0);
}

static void source(const char *text, size_t len, const struct bp_pool_type *type)
{
	cleanup(bp_pool_source_done) struct bp_pool_source src = { 0 };
	struct bp_error err = { 0 };

	if (bp_xml_parse_source(text, len, "f", type, &src, &err) < 0) {
		failed_properly(&err);
		return;
	}
	auto_free char *out = bp_xml_format_sources(&src, 1, type);

	must(is_utf8(out));
}

static void xpath(const char *expr, bool wrap)
{
	static const char doc[] = "<pool type='dir'><name>n</name><a x='1'><b>&lt;</b></a></pool>";
	auto_free char *out = NULL;
	struct bp_error err = { 0 };

	if (strlen(expr) < 200 && bp_xml_xpath(doc, expr, wrap, &out, &err) < 0)
		failed_properly(&err);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	unsigned kind = size ? data[0] : 0, flags = kind & 0x80 ? BP_XML_VALIDATE : 0;
	auto_free char *text = malloc(size + 1);	/* the end is where ASan sees it */
	size_t len = size ? size - 1 : 0;
	const struct bp_pool_type *type = bp_pool_type_at(kind >> 3 & 15);

	memcpy(text, data + (size != len), len);
	text[len] = '\0';
	if (!type)
		type = bp_pool_type_at(0);
	switch (kind & 7) {
	case 0: xpath(text, flags); break;
	case 1: source(text, len, type); break;
	case 2: case 3: volume(text, len, type, flags | BP_XML_CAPACITY_OPTIONAL); break;
	case 4: pool(text, len, flags | BP_XML_STATE); break;
	default: pool(text, len, flags); break;
	}
	return 0;
}

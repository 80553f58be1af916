/* xml_activation.c - how the volumes of a group that hosts share are activated. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define NS "urn:barepool:pool:1"

static struct bp_pool_def *parse(const char *type, unsigned flags, const char *activation,
				 struct bp_error *err)
{
	auto_free char *text = mem_printf("<pool type='%s' xmlns:x='" NS "'><name>p</name>"
					  "<source><device path='/dev/sdz'/></source>"
					  "<target><path>/p</path></target>%s</pool>",
					  type, activation);
	struct bp_pool_def *def = NULL;

	return bp_xml_parse_pool(text, strlen(text), NULL, flags, &def, err) < 0 ? NULL : def;
}

TEST(the_mode_is_read_and_written_under_ours)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("logical", BP_XML_VALIDATE, "<x:activation mode='shared'/>", &err);
	auto_free char *text = NULL;

	CHECK(def);
	SAME(def->activation, "shared");
	text = bp_xml_format_pool(def, 0);
	CHECK(strstr(text, "<pool type='logical' xmlns:barepool='" NS "'>\n") == text);
	SAME(strstr(text, "  <barepool:"), "  <barepool:activation mode='shared'/>\n</pool>\n");
}

TEST(nothing_is_written_where_nothing_is_said)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *none =
		parse("logical", BP_XML_VALIDATE, "", &err);
	cleanup(bp_pool_def_freep) struct bp_pool_def *empty =
		parse("logical", 0, "<x:activation mode=''/>", &err);
	auto_free char *text = NULL;

	CHECK(none && !none->activation);
	CHECK(empty && !empty->activation);
	text = bp_xml_format_pool(none, 0);
	CHECK(!strstr(text, "barepool"));
}

TEST(other_words_are_refused)
{
	struct bp_error err = { 0 }, schema = { 0 };

	CHECK(!parse("logical", 0, "<x:activation mode='both'/>", &err));
	SAME_N(err.code, BP_CONFIG);
	CHECK(strstr(err.text, "'both'"));
	CHECK(!parse("logical", BP_XML_VALIDATE, "<x:activation/>", &schema));
}

TEST(other_types_have_none)
{
	struct bp_error err = { 0 }, schema = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("dir", 0, "<x:activation mode='shared'/>", &err);

	CHECK(def && !def->activation);
	CHECK(!parse("dir", BP_XML_VALIDATE, "<x:activation mode='shared'/>", &schema));
}

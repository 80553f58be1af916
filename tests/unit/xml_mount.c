/* xml_mount.c - is a share mounted, or used without. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define NS "urn:barepool:pool:1"

static struct bp_pool_def *parse(const char *format, unsigned flags, const char *mount,
				 struct bp_error *err)
{
	auto_free char *text = mem_printf("<pool type='netfs' xmlns:x='" NS "'><name>p</name>"
					  "<source><host name='h'/><dir path='/d'/>"
					  "<format type='%s'/></source>"
					  "<target><path>/p</path></target>%s</pool>",
					  format, mount);
	struct bp_pool_def *def = NULL;

	return bp_xml_parse_pool(text, strlen(text), NULL, flags, &def, err) < 0 ? NULL : def;
}

TEST(it_is_read_and_written_under_ours)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("nfs", BP_XML_VALIDATE, "<x:mount state='no'/>", &err);
	auto_free char *text = NULL;

	CHECK(def);
	SAME_N(def->mount, BP_NO);
	text = bp_xml_format_pool(def, 0);
	CHECK(strstr(text, "<pool type='netfs' xmlns:barepool='" NS "'>\n") == text);
	SAME(strstr(text, "  <barepool:"), "  <barepool:mount state='no'/>\n</pool>\n");
}

TEST(nothing_is_written_where_nothing_is_said)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("nfs", BP_XML_VALIDATE, "", &err);
	auto_free char *text = NULL;

	CHECK(def);
	SAME_N(def->mount, BP_UNSAID);
	text = bp_xml_format_pool(def, 0);
	CHECK(!strstr(text, "barepool"));
}

TEST(other_words_are_refused)
{
	struct bp_error err = { 0 }, schema = { 0 };

	CHECK(!parse("nfs", 0, "<x:mount state='never'/>", &err));
	CHECK(strstr(err.text, "'never'"));
	CHECK(!parse("nfs", BP_XML_VALIDATE, "<x:mount/>", &schema));
}

TEST(what_is_no_nfs_has_to_be_mounted)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *yes =
		parse("cifs", 0, "<x:mount state='yes'/>", &err);

	CHECK(yes);
	CHECK(!parse("cifs", 0, "<x:mount state='no'/>", &err));
	SAME_N(err.code, BP_CONFIG);
	CHECK(strstr(err.text, "'cifs'"));
}

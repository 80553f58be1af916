/* xml_mkfs.c - what a pool's definition says of the file system to be made. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define NS "urn:barepool:pool:1"

static struct bp_pool_def *parse(const char *type, unsigned flags, const char *mkfs,
				 struct bp_error *err)
{
	auto_free char *text = mem_printf("<pool type='%s' xmlns:x='" NS "'><name>p</name>"
					  "<source><device path='/dev/sdz'/></source>"
					  "<target><path>/p</path></target>%s</pool>",
					  type, mkfs);
	struct bp_pool_def *def = NULL;

	return bp_xml_parse_pool(text, strlen(text), NULL, flags, &def, err) < 0 ? NULL : def;
}

#define MKFS "<x:mkfs label='a&amp;b'><x:option name='-m'/><x:option name='1 2'/></x:mkfs>"

TEST(label_and_words_are_read_in_their_order)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("fs", BP_XML_VALIDATE, MKFS, &err);

	CHECK(def);
	SAME(def->mkfs_label, "a&b");
	SAME_N(def->n_mkfs_options, 2);
	SAME(def->mkfs_options[0].name, "-m");
	SAME(def->mkfs_options[1].name, "1 2");
}

TEST(they_are_written_at_the_end_under_ours)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = parse("fs", 0, MKFS, &err);
	auto_free char *text = NULL;

	CHECK(def);
	text = bp_xml_format_pool(def, 0);
	CHECK(strstr(text, "<pool type='fs' xmlns:barepool='" NS "'>\n") == text);
	SAME(strstr(text, "  <barepool:"),
	     "  <barepool:mkfs label='a&amp;b'>\n    <barepool:option name='-m'/>\n"
	     "    <barepool:option name='1 2'/>\n  </barepool:mkfs>\n</pool>\n");
}

TEST(a_label_alone_is_enough_and_an_empty_one_is_none)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *one =
		parse("fs", 0, "<x:mkfs label='l'/>", &err);
	cleanup(bp_pool_def_freep) struct bp_pool_def *none =
		parse("fs", 0, "<x:mkfs label=''/>", &err);
	auto_free char *a = NULL, *b = NULL;

	CHECK(one && none);
	a = bp_xml_format_pool(one, 0);
	CHECK(strstr(a, "  <barepool:mkfs label='l'/>\n"));
	b = bp_xml_format_pool(none, 0);
	CHECK(!strstr(b, "barepool"));
}

TEST(pools_of_other_types_make_no_file_system)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = parse("disk", 0, MKFS, &err);

	CHECK(def);
	CHECK(!def->mkfs_label && !def->n_mkfs_options);
}

TEST(a_format_is_said_where_the_source_leaves_it_open)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("fs", BP_XML_VALIDATE, "<x:mkfs format='btrfs'/>", &err);
	auto_free char *xml = NULL;

	CHECK(def);
	SAME(def->source.format, "auto");
	xml = bp_xml_format_pool(def, 0);
	CHECK(strstr(xml, "<format type='auto'/>"));
	CHECK(strstr(xml, "  <barepool:mkfs format='btrfs'/>\n"));
}

TEST(an_option_without_a_word_is_told)
{
	struct bp_error err = { 0 };

	CHECK(!parse("fs", 0, "<x:mkfs><x:option/></x:mkfs>", &err));
	SAME_N(err.code, BP_XML);
	CHECK(strstr(err.text, "no mkfs option name specified"));
}

TEST(the_schema_knows_what_may_be_in_it)
{
	struct bp_error err = { 0 };

	CHECK(!parse("fs", BP_XML_VALIDATE, "<x:mkfs size='1'/>", &err));
	SAME_N(err.code, BP_SCHEMA);
}

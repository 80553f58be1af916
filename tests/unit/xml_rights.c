/* xml_rights.c - what a pool's definition says of its new volumes' rights. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define NS "urn:barepool:pool:1"

static struct bp_pool_def *parse(const char *type, const char *attr, const char *more,
				 struct bp_error *err)
{
	auto_free char *text = mem_printf("<pool type='%s' %s>%s<name>p</name>"
					  "<source><name>n</name><host name='h'/></source>"
					  "<target><path>/p</path></target></pool>",
					  type, attr, more);
	struct bp_pool_def *def = NULL;

	return bp_xml_parse_pool(text, strlen(text), NULL, 0, &def, err) < 0 ? NULL : def;
}

#define VOLUMES(p)							\
	"<" p "volumes><permissions><mode>0640</mode><owner>-1</owner>"	\
	"<group>36</group><label>l</label></permissions></" p "volumes>"

TEST(they_are_read_in_any_place_under_any_prefix)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("dir", "xmlns:x='" NS "'", VOLUMES("x:"), &err);

	CHECK(def);
	CHECK(def->volume_perms.has_mode && !def->volume_perms.has_uid);
	SAME_N(def->volume_perms.mode, 0640);
	SAME_N(def->volume_perms.gid, 36);
	SAME(def->volume_perms.label, "l");
	CHECK(!def->perms.has_mode);
}

TEST(they_are_written_at_the_end_under_ours)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("dir", "xmlns:x='" NS "'", VOLUMES("x:"), &err);
	auto_free char *full = NULL, *short_one = NULL;
	const char *end = "  <barepool:volumes>\n    <permissions>\n      <mode>0640</mode>\n"
			  "      <group>36</group>\n      <label>l</label>\n"
			  "    </permissions>\n  </barepool:volumes>\n</pool>\n";

	CHECK(def);
	full = bp_xml_format_pool(def, 0);
	CHECK(strstr(full, "<pool type='dir' xmlns:barepool='" NS "'>\n") == full);
	SAME(strstr(full, "  <barepool:"), end);
	short_one = bp_xml_format_pool(def, BP_XML_AS_WRITTEN);
	SAME(strstr(short_one, "  <barepool:"), end);
}

TEST(without_them_nothing_of_ours_is_written)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("dir", "xmlns:x='" NS "'", "<x:volumes/>", &err);
	auto_free char *text = NULL;

	CHECK(def);
	text = bp_xml_format_pool(def, 0);
	CHECK(!strstr(text, "barepool"));
}

TEST(an_element_of_another_namespace_is_not_ours)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("dir", "xmlns:x='urn:x'", VOLUMES("x:") VOLUMES(""), &err);

	CHECK(def);
	CHECK(!def->volume_perms.has_mode && !def->volume_perms.label);
}

TEST(what_is_no_mode_is_told)
{
	struct bp_error err = { 0 };

	CHECK(!parse("dir", "xmlns:x='" NS "'",
		     "<x:volumes><permissions><mode>7777</mode></permissions></x:volumes>", &err));
	SAME_N(err.code, BP_XML);
	CHECK(strstr(err.text, "malformed octal mode"));
}

TEST(volumes_that_are_no_files_have_none)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("rbd", "xmlns:x='" NS "'", VOLUMES("x:"), &err);

	CHECK(def);
	CHECK(!def->volume_perms.has_mode && !def->volume_perms.label);
}

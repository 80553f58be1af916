/* xml_thin.c - what a pool's definition says of a thin pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define NS "urn:barepool:pool:1"

static struct bp_pool_def *parse(const char *type, const char *thin, struct bp_error *err)
{
	auto_free char *text = mem_printf("<pool type='%s' xmlns:x='" NS "'><name>p</name>"
					  "<source><name>vg0</name></source>"
					  "<target><path>/dev/vg0</path></target>%s</pool>",
					  type, thin);
	struct bp_pool_def *def = NULL;

	return bp_xml_parse_pool(text, strlen(text), NULL, strcmp(type, "logical") == 0 ?
				 BP_XML_VALIDATE : 0, &def, err) < 0 ? NULL : def;
}

#define THIN(inside) "<x:thin>" inside "</x:thin>"

static const char *refused(const char *thin)
{
	static struct bp_error err;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;

	err = (struct bp_error){ 0 };
	def = parse("logical", thin, &err);
	return def ? "taken" : err.text;
}

TEST(name_sizes_and_limit_are_read)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("logical", THIN("<x:name>vg0/tp</x:name><x:size unit='MiB'>64</x:size>"
				      "<x:metadata unit='KiB'>4096</x:metadata>"
				      "<x:limit>250</x:limit>"), &err);

	CHECK(def);
	SAME(def->thin.name, "vg0/tp");
	SAME_N(def->thin.size, 64 << 20);
	SAME_N(def->thin.metadata, 4 << 20);
	SAME_N(def->thin.limit, 250);
}

TEST(a_name_alone_is_one_of_the_group)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("logical", THIN("<x:name>tp</x:name>"), &err);

	CHECK(def);
	SAME(def->thin.name, "vg0/tp");
	CHECK(bp_pool_def_complete(def, &err) == 0);
	SAME(def->thin.name, "vg0/tp");
}

TEST(it_is_written_at_the_end_under_ours)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("logical", THIN("<x:name>tp</x:name><x:size>1048576</x:size>"
				      "<x:limit>100</x:limit><x:state capacity='7'/>"), &err);
	auto_free char *text = NULL;

	CHECK(def);
	text = bp_xml_format_pool(def, 0);
	CHECK(strstr(text, "<pool type='logical' xmlns:barepool='" NS "'>\n") == text);
	SAME(strstr(text, "  <barepool:"),
	     "  <barepool:thin>\n    <barepool:name>vg0/tp</barepool:name>\n"
	     "    <barepool:size unit='bytes'>1048576</barepool:size>\n"
	     "    <barepool:limit>100</barepool:limit>\n  </barepool:thin>\n</pool>\n");
}

TEST(how_it_is_is_told_where_it_is_known)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("logical", THIN("<x:name>tp</x:name>"), &err);
	auto_free char *text = NULL;

	CHECK(def);
	def->thin_state = (struct bp_thin_state){
		.health = BP_THIN_FINE, .capacity = 5, .allocation = 4, .metadata_capacity = 3,
		.metadata_allocation = 2, .promised = 1,
	};
	text = bp_xml_format_pool(def, 0);
	CHECK(strstr(text, "    <barepool:state capacity='5' allocation='4' metadata-capacity='3'"
			   " metadata-allocation='2' promised='1'/>\n"));
}

TEST(other_types_have_none)
{
	struct bp_error err = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def =
		parse("dir", THIN("<x:name>tp</x:name>"), &err);

	CHECK(def);
	CHECK(!def->thin.name);
}

TEST(what_makes_no_sense_is_refused)
{
	SAME(refused(THIN("")), "<name> is missing in <thin>");
	CHECK(strstr(refused(THIN("<x:name>other/tp</x:name>")),
		     "thin pool 'other/tp' is not in the pool's volume group 'vg0'"));
	CHECK(strstr(refused(THIN("<x:name>vg0/</x:name>")), "'vg0/' is no name"));
	CHECK(strstr(refused(THIN("<x:name>vg0/a/b</x:name>")), "'vg0/a/b' is no name"));
	CHECK(strstr(refused(THIN("<x:name>tp</x:name><x:limit>0</x:limit>")),
		     "limit must not be 0"));
	CHECK(strstr(refused(THIN("<x:name>tp</x:name><x:size>-1</x:size>")), "size"));
	CHECK(strstr(refused(THIN("<x:name>tp</x:name><x:size unit='furlong'>1</x:size>")),
		     "unit"));
	CHECK(strstr(refused(THIN("<x:name>tp</x:name><x:name>tq</x:name>")), "name"));
}

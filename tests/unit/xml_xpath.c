/* xml_xpath.c - parts of a definition, as pool-dumpxml --xpath prints them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/tap.h"
#include "xml/xml.h"

static const char doc[] =
	"<pool type='fs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>\n"
	"  <name>d&amp;1</name>\n"
	"  <capacity unit='bytes'>5</capacity>\n"
	"  <source>\n"
	"  </source>\n"
	"  <target>\n"
	"    <path>/d1</path>\n"
	"    <permissions>\n"
	"      <mode>0711</mode>\n"
	"      <owner>0</owner>\n"
	"    </permissions>\n"
	"  </target>\n"
	"  <fs:mount_opts>\n"
	"    <fs:option name='ro'/>\n"
	"  </fs:mount_opts>\n"
	"</pool>\n";

TEST(nodes_are_printed_one_after_another)
{
	static const struct { const char *expr, *want; } cases[] = {
		{ "//name", "<name>d&amp;1</name>\n" },
		{ "//target/path/text()", "/d1\n" },
		{ "//permissions/*", "<mode>0711</mode>\n<owner>0</owner>\n" },
		{ "//owner | //mode", "<mode>0711</mode>\n<owner>0</owner>\n" },
		{ "//pool/@type", " type=\"fs\"\n" },
		{ "//nothing", "" },
		{ "//source", "<source>\n  </source>\n" },
		{ "//target", "<target>\n  <path>/d1</path>\n  <permissions>\n"
			      "    <mode>0711</mode>\n    <owner>0</owner>\n"
			      "  </permissions>\n</target>\n" },
		{ "//fs:option/@name", " name=\"ro\"\n" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct bp_error err = { 0 };
		auto_free char *got = NULL;

		CHECK(bp_xml_xpath(doc, cases[i].expr, false, &got, &err) == 0);
		SAME(got, cases[i].want);
	}
}

TEST(nodes_are_wrapped)
{
	static const struct { const char *expr, *want; } cases[] = {
		{ "//permissions/*",
		  "<nodes>\n  <mode>0711</mode>\n  <owner>0</owner>\n</nodes>\n" },
		{ "//nothing", "<nodes/>\n" },
		{ "//@unit | //pool/@type", "<nodes type=\"fs\" unit=\"bytes\"/>\n" },
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct bp_error err = { 0 };
		auto_free char *got = NULL;

		CHECK(bp_xml_xpath(doc, cases[i].expr, true, &got, &err) == 0);
		SAME(got, cases[i].want);
	}
}

TEST(a_document_can_be_asked_for_whole)
{
	struct bp_error err = { 0 };
	auto_free char *got = NULL, *wrapped = NULL;

	CHECK(bp_xml_xpath("<a>\n  <b c='1'/>\n</a>", "/*", false, &got, &err) == 0);
	SAME(got, "<a>\n  <b c=\"1\"/>\n</a>\n");
	CHECK(bp_xml_xpath("<a>\n  <b c='1'/>\n</a>", "/", true, &wrapped, &err) == 0);
	SAME(wrapped, "<nodes>\n  <a>\n    <b c=\"1\"/>\n  </a>\n</nodes>\n");
}

static bool fails(const char *expr, enum bp_code code, const char *text)
{
	struct bp_error err = { 0 };
	auto_free char *got = NULL;

	return bp_xml_xpath(doc, expr, false, &got, &err) == -1 && err.code == code &&
	       tap_same(__FILE__, __LINE__, err.text, text);
}

/* What libxml2 has to say goes into the error, and not to standard error. */
TEST(what_is_no_expression_fails_quietly)
{
	int out[2], saved = dup(2);
	bool all;
	char said;

	CHECK(pipe(out) == 0 && saved >= 0);
	dup2(out[1], 2);
	close(out[1]);
	all = fails("[", BP_XML, "invalid xpath '[': Invalid expression") &&
	      fails("", BP_XML, "invalid xpath '': Invalid expression") &&
	      fails("//x:y", BP_XML, "invalid xpath '//x:y': Undefined namespace prefix") &&
	      fails("f(1)", BP_XML, "invalid xpath 'f(1)': Unregistered function") &&
	      fails("$v", BP_XML, "invalid xpath '$v': Undefined variable");
	dup2(saved, 2);
	close(saved);
	SAME_N(read(out[0], &said, 1), 0);
	close(out[0]);
	CHECK(all);
}

TEST(what_gives_no_nodes_fails)
{
	CHECK(fails("string(//name)", BP_INTERNAL, "Incorrect xpath 'string(//name)'"));
	CHECK(fails("count(//name)", BP_INTERNAL, "Incorrect xpath 'count(//name)'"));
	CHECK(fails("true()", BP_INTERNAL, "Incorrect xpath 'true()'"));
	CHECK(fails("//namespace::*", BP_INTERNAL, "Incorrect xpath '//namespace::*'"));
}

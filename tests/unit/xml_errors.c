/* xml_errors.c - what is wrong with a document, in exact words, and where. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/tap.h"
#include "xml/xml.h"

#define NAME "x.xml"

/* ---- one document -------------------------------------------------------- */

enum kind { POOL, STATE, VOLUME, SOURCE };

struct what {
	enum kind kind;
	const struct bp_pool_type *type;
	unsigned flags;
	const char *no_name;	/* what a document without a name is called */
};

static int parse(const struct what *w, const char *text, size_t len, const char *name,
		 struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	cleanup(bp_pool_source_done) struct bp_pool_source src = { 0 };

	switch (w->kind) {
	case STATE:
		return bp_xml_parse_pool(text, len, name, w->flags | BP_XML_STATE, &def, err);
	case VOLUME:
		return bp_xml_parse_volume(text, len, name, w->type, w->flags, &spec, err);
	case SOURCE:
		return bp_xml_parse_source(text, len, name, w->type, &src, err);
	default:
		return bp_xml_parse_pool(text, len, name, w->flags, &def, err);
	}
}

/* The message as a user sees it; NULL: there was none. */
static char *message(const struct what *w, const char *text, size_t len, const char *name)
{
	struct bp_error err = { 0 };

	if (parse(w, text, len, name, &err) == 0)
		return NULL;
	return mem_printf("%s%s", bp_error_prefix(err.code), err.text);
}

/* "volume dir validate" */
static struct what what_of(const char *head)
{
	static const struct { const char *word; struct what what; } kinds[] = {
		{ "pool",   { POOL,   .no_name = "(storage_pool_definition)" } },
		{ "state",  { STATE,  .no_name = "(storage_pool_definition)" } },
		{ "volume", { VOLUME, .no_name = "(storage_volume_definition)" } },
		{ "source", { SOURCE, .no_name = "(storage_source_specification)" } },
	};
	struct what w = { 0 };
	char kind[16] = "", type[16] = "";

	sscanf(head, "%15s %15s", kind, type);
	for (size_t i = 0; i < array_size(kinds); i++)
		if (strcmp(kinds[i].word, kind) == 0)
			w = kinds[i].what;
	w.type = bp_pool_type_find(type);
	w.flags = ends_with(head, "validate") ? BP_XML_VALIDATE : 0;
	return w;
}

/* Without a name there is no place, and a syntax error is in a document of its kind. */
static char *unnamed(const struct what *w, const char *named)
{
	const char *place = strstr(named, " (" NAME ":");

	if (starts_with(named, NAME ":"))
		return mem_printf("%s%s", w->no_name, named + strlen(NAME));
	return mem_dup_n(named, place ? (size_t)(place - named) : strlen(named));
}

static bool same(const char *head, const char *doc, const char *got, const char *want)
{
	if (got && strcmp(got, want) == 0)
		return true;
	printf("# %s\n%s# says\n%s\n# and not\n%s\n", head, doc, got ? got : "nothing", want);
	return false;
}

static bool try_case(const char *head, const char *doc, const char *want)
{
	struct what w = what_of(head);
	auto_free char *named = message(&w, doc, strlen(doc), NAME);
	auto_free char *plain = message(&w, doc, strlen(doc), NULL);
	auto_free char *want_plain = unnamed(&w, want);

	return same(head, doc, named, want) && same(head, doc, plain, want_plain);
}

/* ---- the table ----------------------------------------------------------- */

/* Cut a case off the front of the table: "== head\ndoc--\nwords\n", and an empty
 * line. */
static bool next_case(char **rest, char **head, char **doc, char **words)
{
	char *end, *next;

	if (!*rest || !(*head = strstr(*rest, "\n== ")))
		return false;
	*head += 4;
	*doc = strchr(*head, '\n');
	*(*doc)++ = '\0';
	*words = strstr(*doc, "\n--\n");
	(*words)[1] = '\0';
	*words += 4;
	next = strstr(*words, "\n== ");
	end = strstr(*words, "\n#");
	end = end && (!next || end < next) ? end : next;
	*rest = next;
	if (!end)
		end = *words + strlen(*words);
	while (end > *words && end[-1] == '\n')
		end--;
	*end = '\0';
	return true;
}

TEST(every_refusal_in_the_table)
{
	auto_free char *table = NULL;
	struct bp_error err = { 0 };
	char *rest, *head, *doc, *words;
	size_t len, n = 0, bad = 0;

	CHECK(file_read(AT_FDCWD, "tests/data/xml/errors.txt", BP_XML_MAX, &table, &len,
			&err) == 0);
	for (rest = table; next_case(&rest, &head, &doc, &words); n++)
		bad += !try_case(head, doc, words);
	SAME_N(n, 417);
	SAME_N(bad, 0);
}

/* ---- bytes a table of text cannot hold ----------------------------------- */

static char *pool_message(const char *text, size_t len)
{
	struct what w = { POOL };

	return message(&w, text, len, NAME);
}

TEST(nothing_is_no_document)
{
	auto_free char *none = pool_message("", 0), *blank = pool_message(" \n ", 3);

	SAME(none, NAME ":1: Document is empty");
	SAME(blank, NAME ":2: Start tag expected, '<' not found\n \n-^");
}

TEST(a_nul_byte_does_not_end_the_document)
{
	static const char doc[] = "<pool type='dir'><name>a\0</name></pool>";
	auto_free char *m = pool_message(doc, sizeof doc - 1);

	SAME(m, NAME ":1: NUL byte in the document\n"
		"<pool type='dir'><name>a\\x00</name></pool>\n"
		"------------------------^");
}

TEST(what_is_not_utf8_is_shown_in_hex)
{
	static const char doc[] = "<pool type='dir'><name>a\xff\xfe</name></pool>";
	auto_free char *m = pool_message(doc, sizeof doc - 1);

	SAME(m, NAME ":1: Input is not proper UTF-8, indicate encoding !\n"
		"Bytes: 0xFF 0xFE 0x3C 0x2F\n"
		"<pool type='dir'><name>a\\xff\\xfe</name></pool>\n"
		"------------------------^");
}

TEST(control_characters_do_not_reach_the_terminal)
{
	static const char doc[] = "<pool><name>\xc2\x9b\x1b[31m</name></pool>";
	auto_free char *m = pool_message(doc, sizeof doc - 1);

	SAME(m, NAME ":1: PCDATA invalid Char value 27\n"
		"<pool><name>\\xc2\\x9b\\x1b[31m</name></pool>\n"
		"--------------------^");
}

TEST(half_a_character_of_utf16)
{
	auto_free char *odd = pool_message("\xff\xfe<\0p", 5);
	auto_free char *half = pool_message("\xfe\xff\xd8\0\0<", 6);

	SAME(odd, NAME ":1: Input is not proper UTF-16\n\\xff\\xfe<\\x00p\n^");
	SAME(half, NAME ":1: Input is not proper UTF-16\n\\xfe\\xff\\xd8\\x00\\x00<\n^");
}

TEST(a_long_name_cuts_the_message_not_the_process)
{
	auto_free char *doc = mem_alloc(100000);
	auto_free char *m = NULL;

	memset(doc, 'x', 99990);
	memcpy(doc, "<pool type='", 12);
	memcpy(doc + 99990, "'/>", 4);
	m = pool_message(doc, strlen(doc));
	CHECK(m && starts_with(m, "XML error: Invalid value for attribute 'type' in element "
				  "'pool': 'xxxxx"));
	CHECK(strlen(m) < 1100);
}

/* ---- what the caller can go by ------------------------------------------- */

TEST(the_part_at_fault_is_named)
{
	static const char doc[] = "<pool type='netfs'><name>x</name><source><host name='h'/><host/>"
				  "<dir path='/d'/></source><target><path>/t</path></target>"
				  "</pool>";
	static const char mode[] = "<pool type='dir'><name>x</name><target><path>/t</path>"
				   "<permissions><mode>9</mode></permissions></target></pool>";
	static const char port[] = "<pool type='rbd'><source><name>n</name><host name='a'/>"
				   "<device path='d'/><host name='b'/><host name='c' port='x'/>"
				   "</source></pool>";
	const struct { const char *doc, *part; } cases[] = {
		{ doc, "source/host[2]" },
		{ port, "source/host[3]" },
		{ mode, "target/permissions/mode" },
	};
	struct what w = { POOL };

	for (size_t i = 0; i < array_size(cases); i++) {
		struct bp_error err = { 0 };

		CHECK(parse(&w, cases[i].doc, strlen(cases[i].doc), NULL, &err) == -1);
		SAME(err.part, cases[i].part);
		SAME_N(err.code, BP_XML);
	}
}

TEST(no_xml_is_another_code_than_bad_xml)
{
	struct what w = { POOL };
	struct bp_error syntax = { 0 }, schema = { 0 };

	CHECK(parse(&w, "<pool", 5, NAME, &syntax) == -1);
	SAME_N(syntax.code, BP_XML_SYNTAX);
	w.flags = BP_XML_VALIDATE;
	CHECK(parse(&w, "<pool/>", 7, NAME, &schema) == -1);
	SAME_N(schema.code, BP_SCHEMA);
}

TEST(the_root_tells_the_kind)
{
	struct bp_error err = { 0 };
	auto_free char *root = NULL;

	CHECK(bp_xml_root("<!-- x -->\n<volume/>", 20, NULL, &root, &err) == 0);
	SAME(root, "volume");
	CHECK(bp_xml_root("<volume>", 8, "v.xml", &root, &err) == -1);
	SAME(err.text, "v.xml:1: Premature end of data in tag volume line 1\n<volume>\n--------^");
}

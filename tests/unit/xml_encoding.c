/* xml_encoding.c - a definition in whatever encoding it came. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/tap.h"
#include "xml/xml.h"

static char *name_in(const char *doc, size_t len)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error err = { 0 };

	if (bp_xml_parse_pool(doc, len, NULL, 0, &def, &err) < 0)
		return mem_dup(err.text);
	return mem_dup(def->name);
}

#define POOL(name) "<pool type='dir'><name>" name "</name><target><path>/t</path></target></pool>"

TEST(encodings_there_are_a_reason_to_meet)
{
	static const char bom[] = "\xef\xbb\xbf" POOL("é");
	static const char latin1[] = "<?xml version='1.0' encoding=\"iso-8859-1\"?>" POOL("\xe9");
	static const char said_16[] = "<?xml version='1.0' encoding='UTF-16'?>" POOL("é");
	auto_free char *a = name_in(bom, sizeof bom - 1), *b = name_in(latin1, sizeof latin1 - 1),
		       *c = name_in(said_16, sizeof said_16 - 1);

	SAME(a, "é");
	SAME(b, "é");
	SAME(c, "é");
}

TEST(latin1_from_end_to_end)
{
	static const char doc[] = "<?xml version='1.0' encoding='latin1'?>"
				  POOL("\x7f\x80\xbf\xc0\xff");
	auto_free char *name = name_in(doc, sizeof doc - 1);

	SAME(name, "\x7f\xc2\x80\xc2\xbf\xc3\x80\xc3\xbf");
}

TEST(no_other_encoding_is_guessed_at)
{
	static const char *const unknown[] = { "XTF-8", "UTF-7", "UTF-88", "UTF-", "EBCDIC-US" };

	for (size_t i = 0; i < array_size(unknown); i++) {
		auto_free char *doc = mem_printf("<?xml version='1.0' encoding='%s'?><pool/>",
						 unknown[i]);
		auto_free char *want = mem_printf("(storage_pool_definition):1: Unsupported "
						  "encoding %s\n%s\n%s", unknown[i], doc,
						  "------------------------------^");
		auto_free char *got = name_in(doc, strlen(doc));

		SAME(got, want);
	}
}

TEST(utf16_where_the_number_of_bytes_changes)
{
	static const char doc[] =
		"\xfe\xff\0<\0p\0o\0o\0l\0 \0t\0y\0p\0e\0=\0'\0\x7f\0\x80\x07\xff\x08\0"
		"\xd7\xff\xe0\0\xff\xfd\xd8\0\xdc\0\xdb\xff\xdf\xfd\0'\0/\0>";
	auto_free char *got = name_in(doc, sizeof doc - 1);

	SAME(got, "Invalid value for attribute 'type' in element 'pool': '\x7f\xc2\x80\xdf\xbf"
		  "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xf0\x90\x80\x80"
		  "\xf4\x8f\xbf\xbd'.");
}

TEST(utf16_in_either_order)
{
	static const char doc[] = POOL("x"), *at = NULL;

	for (int big = 0; big < 2; big++) {
		cleanup(text_done) struct text t = { 0 };
		auto_free char *name = NULL;

		text_add_n(&t, big ? "\xfe\xff" : "\xff\xfe", 2);
		for (at = doc; *at; at++) {
			/* x is U+1F4BE here, a pair. */
			static const char pair[2][4] = { "\x3d\xd8\xbe\xdc", "\xd8\x3d\xdc\xbe" };
			char unit[2] = { big ? 0 : *at, big ? *at : 0 };

			if (*at == 'x')
				text_add_n(&t, pair[big], 4);
			else
				text_add_n(&t, unit, 2);
		}
		name = name_in(t.s, t.len);
		SAME(name, "\xf0\x9f\x92\xbe");
	}
}

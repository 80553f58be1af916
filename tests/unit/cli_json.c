/* cli_json.c - whatever is in a name, it comes out as JSON. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "cli/json.h"
#include "tests/tap.h"

/* { "k": TEXT } as it is written. */
static char *one_text(const char *s)
{
	char *buf = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buf, &size);
	struct json j = { .out = out };

	json_open(&j, NULL, '{');
	json_text(&j, "k", s);
	json_close(&j, '}');
	fclose(out);
	return buf;
}

static const char *const texts[][2] = {
	{ "", "{\"k\": \"\"}" },
	{ "plain", "{\"k\": \"plain\"}" },
	{ "a\"b\\c/d", "{\"k\": \"a\\\"b\\\\c/d\"}" },
	{ "a\nb\tc\rd\be\ff", "{\"k\": \"a\\nb\\tc\\rd\\be\\ff\"}" },
	{ "\001\037\177", "{\"k\": \"\\u0001\\u001f\\u007f\"}" },
	{ "d\303\266 \346\227\245 \360\237\222\276",
	  "{\"k\": \"d\303\266 \346\227\245 \360\237\222\276\"}" },
	/* not UTF-8: readable, and beside it exact */
	{ "a\377b", "{\"k\": \"a\\ufffdb\", \"k_base64\": \"Yf9i\"}" },
	{ "\377", "{\"k\": \"\\ufffd\", \"k_base64\": \"/w==\"}" },
	{ "\303", "{\"k\": \"\\ufffd\", \"k_base64\": \"ww==\"}" },
	{ "\355\240\200!", "{\"k\": \"\\ufffd\\ufffd\\ufffd!\", \"k_base64\": \"7aCAIQ==\"}" },
	{ "\300\257ab", "{\"k\": \"\\ufffd\\ufffdab\", \"k_base64\": \"wK9hYg==\"}" },
	{ "ab\376", "{\"k\": \"ab\\ufffd\", \"k_base64\": \"YWL+\"}" },
	{ NULL, "{\"k\": null}" },
};

/* What QEMU's own tools print. */
TEST(writes_as_qemu_does)
{
	static const char want[] = "{\n"
		"    \"text\": \"a\\u007F\\u00E9\\u65E5\\uD83D\\uDCBE\\uFFFD\\n\",\n"
		"    \"none\": [\n"
		"    ],\n"
		"    \"some\": [\n"
		"        1,\n"
		"        {\n"
		"            \"b\": true\n"
		"        }\n"
		"    ]\n"
		"}";
	char *buf = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buf, &size);
	struct json j = { .out = out, .qemu = true };

	json_open(&j, NULL, '{');
	json_text(&j, "text", "a\177\303\251\346\227\245\360\237\222\276\377\n");
	json_open(&j, "none", '[');
	json_close(&j, ']');
	json_open(&j, "some", '[');
	json_number(&j, NULL, 1);
	json_open(&j, NULL, '{');
	json_bool(&j, "b", true);
	json_close(&j, '}');
	json_close(&j, ']');
	json_close(&j, '}');
	fclose(out);
	SAME(buf, want);
	free(buf);
}

TEST(any_text_is_written)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *got = one_text(texts[i][0]);

		SAME(got, texts[i][1]);
		free(got);
	}
}

TEST(every_byte_gives_ascii_or_utf8)
{
	for (int c = 1; c < 256; c++) {
		char s[] = { (char)c, 'x', 0 }, *got = one_text(s);

		for (const char *p = got; *p; p++)
			CHECK(*p >= ' ' && *p < 0x7f);
		free(got);
	}
}

TEST(values_are_separated_and_nested)
{
	char *buf = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buf, &size);
	struct json j = { .out = out };

	json_open(&j, NULL, '{');
	json_number(&j, "zero", 0);
	json_number(&j, "most", UINT64_MAX);
	json_bool(&j, "yes", true);
	json_open(&j, "list", '[');
	json_text(&j, NULL, "a");
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_text(&j, NULL, "\377");
	json_close(&j, ']');
	json_null(&j, "none");
	json_bool(&j, "no", false);
	json_close(&j, '}');
	fclose(out);
	SAME(buf, "{\"zero\": 0, \"most\": 18446744073709551615, \"yes\": true, "
		  "\"list\": [\"a\", {}, \"\\ufffd\"], \"none\": null, \"no\": false}");
	free(buf);
}

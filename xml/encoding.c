/* encoding.c - a document's text as UTF-8.
 *
 * By hand, for the few encodings there are a reason to meet: iconv would open
 * files that the document names. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "xml/scan.h"

/* At most four bytes. */
static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

static char *from_latin1(const char *text, size_t len, size_t *ret_len)
{
	char *copy = mem_resize(NULL, len * 2 + 1, 1), *to = copy;

	for (size_t i = 0; i < len; i++)
		to = put_utf8(to, (unsigned char)text[i]);
	*to = '\0';
	*ret_len = (size_t)(to - copy);
	return copy;
}

static uint32_t unit_at(const char *text, size_t i, bool big)
{
	const unsigned char *p = (const unsigned char *)text + i;

	return big ? (uint32_t)(p[0] << 8 | p[1]) : (uint32_t)(p[1] << 8 | p[0]);
}

/* Half a pair, or half a unit, stands for nothing: NULL. */
static char *from_utf16(const char *text, size_t len, bool big, size_t *ret_len)
{
	char *copy = len % 2 ? NULL : mem_resize(NULL, len / 2 * 3 + 1, 1), *to = copy;

	for (size_t i = 0; copy && i < len; i += 2) {
		uint32_t c = unit_at(text, i, big), low;

		if (c >= 0xd800 && c < 0xe000) {
			low = i + 2 < len ? unit_at(text, i + 2, big) : 0;
			if (c >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
				free(copy);
				return NULL;
			}
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		}
		to = put_utf8(to, c);
	}
	if (copy) {
		*to = '\0';
		*ret_len = (size_t)(to - copy);
	}
	return copy;
}

/* The word in encoding="word" of the first line; 0 bytes: none is there. */
static size_t declared(const char *text, size_t len, const char **ret)
{
	const char *end, *at;
	char quote;

	if (len < 6 || memcmp(text, "<?xml", 5) != 0)
		return 0;
	end = memmem(text, len, "?>", 2);
	at = end ? memmem(text, (size_t)(end - text), "encoding", 8) : NULL;
	if (!at)
		return 0;
	for (at += 8; at < end && strchr(" \t\r\n=", *at); at++)
		;
	quote = *at;
	if (quote != '"' && quote != '\'')
		return 0;
	*ret = ++at;
	end = memchr(at, quote, (size_t)(end - at));
	return end ? (size_t)(end - at) : 0;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_one_of(const char *word, size_t len, const char *const *list)
{
	for (; *list; list++) {
		size_t i = 0;

		while (i < len && (*list)[i] && upper(word[i]) == (*list)[i])
			i++;
		if (i == len && !(*list)[i])
			return true;
	}
	return false;
}

bool to_utf8(const char *text, size_t len, char **ret_copy, const char **ret_text,
	     size_t *ret_len, struct fault *ret_fault)
{
	static const char *const utf8[] = { "UTF-8", "UTF8", "US-ASCII", "ASCII", "UTF-16",
					    "UTF-16LE", "UTF-16BE", NULL };
	static const char *const latin1[] = { "ISO-8859-1", "ISO_8859-1", "LATIN1", NULL };
	const char *word = NULL;
	size_t n;

	*ret_copy = NULL;
	*ret_text = text;
	*ret_len = len;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		*ret_text += 3;
		*ret_len -= 3;
	}
	if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		*ret_text = *ret_copy = from_utf16(text + 2, len - 2, text[0] == '\xfe', ret_len);
		*ret_fault = (struct fault){ .words = "Input is not proper UTF-16" };
		return *ret_copy;
	}
	n = declared(*ret_text, *ret_len, &word);
	if (!n || is_one_of(word, n, utf8))
		return true;
	if (is_one_of(word, n, latin1)) {
		*ret_text = *ret_copy = from_latin1(*ret_text, *ret_len, ret_len);
		return true;
	}
	ret_fault->at = (size_t)(word - text);
	snprintf(ret_fault->words, sizeof ret_fault->words, "Unsupported encoding %.*s",
		 n < 40 ? (int)n : 40, word);
	return false;
}

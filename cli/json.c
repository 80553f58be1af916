/* json.c - see json.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/json.h"

#include <string.h>

#include "core/base/text.h"

static void put(struct json *j, const char *s, size_t len)
{
	fwrite_unlocked(s, 1, len, j->out);
}

static void new_line(struct json *j)
{
	fprintf(j->out, "\n%*s", (int)j->depth * 4, "");
}

/* The character at s, which has n bytes. */
static unsigned code_of(const char *s, size_t n)
{
	unsigned code = (unsigned char)*s & (n == 1 ? 0x7f : 0xff >> (n + 1));

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	return code;
}

/* One that is not ASCII; n 0: a byte that makes none. */
static void put_code(struct json *j, const char *s, size_t n)
{
	unsigned code = n ? code_of(s, n) : 0xfffd;

	if (code > 0xffff)
		fprintf(j->out, "\\u%04X\\u%04X", 0xd800 + ((code - 0x10000) >> 10),
			0xdc00 + (code & 0x3ff));
	else
		fprintf(j->out, "\\u%04X", code);
}

static void put_string(struct json *j, const char *s)
{
	static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";	/* each with its letter */
	const char *from = s;	/* not written yet */
	size_t n;

	putc_unlocked('"', j->out);
	for (; *s; s += n) {
		unsigned char c = (unsigned char)*s;
		const char *e;

		n = c < 0x80 ? 1 : utf8_len(s);
		if (n && c >= ' ' && c != '"' && c != '\\' && c != 0x7f && !(j->qemu && c > 0x7f))
			continue;
		put(j, from, (size_t)(s - from));
		for (e = escapes; *e && *e != *s; e += 2)
			;
		if (*e)
			fprintf(j->out, "\\%c", e[1]);
		else if (j->qemu)
			put_code(j, s, n);
		else
			fprintf(j->out, "\\u%04x", n ? c : 0xfffd);
		n = n ? n : 1;
		from = s + n;
	}
	put(j, from, (size_t)(s - from));
	putc_unlocked('"', j->out);
}

static void put_key(struct json *j, const char *key, const char *ending)
{
	if (j->comma)
		put(j, ", ", j->qemu ? 1 : 2);
	if (j->qemu && j->depth)
		new_line(j);
	j->comma = true;
	if (!key)
		return;
	putc_unlocked('"', j->out);
	put(j, key, strlen(key));
	put(j, ending, strlen(ending));
	put(j, "\": ", 3);
}

static void put_base64(struct json *j, const char *s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)s;
	size_t len = strlen(s);

	putc_unlocked('"', j->out);
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(n > 2 ? p[i + 2] : 0);

		for (size_t k = 0; k < 4; k++)
			putc_unlocked(k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=', j->out);
	}
	putc_unlocked('"', j->out);
}

void json_open(struct json *j, const char *key, char bracket)
{
	put_key(j, key, "");
	putc_unlocked(bracket, j->out);
	j->comma = false;
	j->depth++;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (j->qemu)
		new_line(j);
	putc_unlocked(bracket, j->out);
	j->comma = true;
}

void json_text(struct json *j, const char *key, const char *s)
{
	if (!s) {
		json_null(j, key);
		return;
	}
	put_key(j, key, "");
	put_string(j, s);
	if (key && !j->qemu && !is_utf8(s)) {
		put_key(j, key, "_base64");
		put_base64(j, s);
	}
}

void json_number(struct json *j, const char *key, uint64_t n)
{
	char digits[20], *p = digits + sizeof digits;	/* of 2^64 - 1 */

	put_key(j, key, "");
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	put(j, p, (size_t)(digits + sizeof digits - p));
}

void json_bool(struct json *j, const char *key, bool b)
{
	put_key(j, key, "");
	put(j, b ? "true" : "false", b ? 4 : 5);
}

void json_null(struct json *j, const char *key)
{
	put_key(j, key, "");
	put(j, "null", 4);
}

/* uuid.c - see uuid.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/uuid.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void print(const unsigned char b[16], char ret[UUID_TEXT])
{
	snprintf(ret, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
		 b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

bool uuid_normalize(const char *text, char ret[UUID_TEXT])
{
	unsigned char bytes[16];

	while (isspace((unsigned char)*text))
		text++;
	for (size_t i = 0; i < sizeof bytes; i++) {
		while (*text == '-')
			text++;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		bytes[i] = (unsigned char)(hex(text[0]) << 4 | hex(text[1]));
		text += 2;
	}
	while (isspace((unsigned char)*text))
		text++;
	if (*text)
		return false;
	print(bytes, ret);
	return true;
}

void uuid_make(char ret[UUID_TEXT])
{
	unsigned char b[16];

	if (getrandom(b, sizeof b, 0) != sizeof b)
		abort();
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	print(b, ret);
}

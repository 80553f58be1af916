/* check.c - see check.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/model/check.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/uuid.h"

/* U+FFFE and U+FFFF: UTF-8, but no characters. */
static bool is_noncharacter(const char *s)
{
	return strncmp(s, "\xef\xbf\xbe", 3) == 0 || strncmp(s, "\xef\xbf\xbf", 3) == 0;
}

static size_t xml_char_len(const char *s)
{
	unsigned char c = (unsigned char)*s;

	if (c < ' ' && c != '\t' && c != '\n' && c != '\r')
		return 0;
	return is_noncharacter(s) ? 0 : utf8_len(s);
}

int check_text(const char *s, const char *part, struct bp_error *err)
{
	for (size_t n; s && *s; s += n) {
		n = xml_char_len(s);
		if (!n)
			return bp_fail_part(err, BP_XML, part, "element '%s' has a byte (0x%02x) "
					    "that XML cannot hold", part, (unsigned char)*s);
	}
	return 0;
}

int check_mode(const struct bp_perms *perms, const char *part, struct bp_error *err)
{
	if (perms->has_mode && (perms->mode & ~(mode_t)0777))
		return bp_fail_part(err, BP_XML, part, "malformed octal mode");
	return 0;
}

int check_secret(char **uuid, const char *usage, const char *part, struct bp_error *err)
{
	char normal[UUID_TEXT];

	if (!*uuid && !usage)
		return bp_fail_part(err, BP_XML, part, "missing secret uuid or usage attribute");
	if (*uuid && usage)
		return bp_fail_part(err, BP_XML, part, "either secret uuid or usage expected");
	if (!*uuid)
		return check_text(usage, part, err);
	if (!uuid_normalize(*uuid, normal))
		return bp_fail_part(err, BP_XML, part, "invalid secret uuid '%s'", *uuid);
	mem_set(uuid, normal);
	return 0;
}

void empty_to_null(char **field)
{
	if (*field && !**field)
		mem_set(field, NULL);
}

void tidy_path(char **path)
{
	char *tidied = bp_path_tidy(*path);

	free(*path);
	*path = tidied;
}

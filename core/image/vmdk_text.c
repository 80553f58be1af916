/* vmdk_text.c - the text of a VMDK, which says what it is and which files belong to it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/vmdk.h"

/* Comments and empty lines, and then the version. */
bool vmdk_is_text(struct bytes b)
{
	const char *p = (const char *)b.p, *end = p + b.len;

	while (p < end) {
		const char *line = p, *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((stop ? stop : end) - line);

		p = stop ? stop + 1 : end;
		if (*line == '#')
			continue;
		while (len && (*line == ' ' || *line == '\r')) {
			line++;
			len--;
		}
		if (!len)
			continue;
		return len >= 9 && memcmp(line, "version=", 8) == 0 &&
		       line[8] >= '1' && line[8] <= '3' && (len == 9 || line[9] == '\r');
	}
	return false;
}

int vmdk_text_read(const struct bp_image_head *head, uint64_t at, char **ret,
		   struct bp_error *err)
{
	auto_free char *text = NULL;
	uint64_t left;

	if (at > head->size)
		return bp_fail(err, BP_CORRUPT, "the descriptor is past the end of the file");
	left = head->size - at;
	if (left > VMDK_TEXT_MAX)
		left = VMDK_TEXT_MAX;
	text = mem_alloc((size_t)left + 1);
	if (image_bytes(head, "descriptor", text, (size_t)left, at, err) < 0)
		return -1;
	*ret = steal(text);
	return 0;
}

char *vmdk_text_value(const char *text, const char *key)
{
	for (const char *p = text; (p = strstr(p, key)); p++) {
		size_t len;

		if (p > text && p[-1] != '\n')
			continue;
		p += strlen(key);
		p += *p == '"';
		len = strcspn(p, "\"\r\n");
		return mem_dup_n(p, len);
	}
	return NULL;
}

/* RW 4192256 SPARSE "disk-s001.vmdk" [0] */
static int parse_extent(const char *line, struct vmdk_extent *ret, struct bp_error *err)
{
	struct vmdk_extent e = { 0 };
	const char *rest, *p = line + strcspn(line, " ");
	size_t len;

	p += strspn(p, " ");
	if (!isdigit((unsigned char)*p) || !parse_number_prefix(p, 10, &e.sectors, &rest) ||
	    e.sectors > INT64_MAX / IMAGE_SECTOR)
		return bp_fail(err, BP_CORRUPT, "an extent of the VMDK has no size: '%.*s'",
			       (int)strcspn(line, "\r\n"), line);
	rest += strspn(rest, " ");
	len = strcspn(rest, " \r\n");
	if (!len || len >= sizeof e.type)
		return bp_fail(err, BP_CORRUPT, "an extent of the VMDK has no type: '%.*s'",
			       (int)strcspn(line, "\r\n"), line);
	memcpy(e.type, rest, len);
	rest += len;
	rest += strspn(rest, " ");
	if (*rest == '"') {
		len = strcspn(rest + 1, "\"\r\n");
		p = rest + 1 + len;
		p += *p == '"';
		p += strspn(p, " ");
		if (isdigit((unsigned char)*p) &&
		    (!parse_number_prefix(p, 10, &e.offset, &p) ||
		     e.offset > INT64_MAX / IMAGE_SECTOR))
			return bp_fail(err, BP_CORRUPT, "an extent of the VMDK begins at an absurd "
				       "sector: '%.*s'", (int)strcspn(line, "\r\n"), line);
		e.name = mem_dup_n(rest + 1, len);
	}
	*ret = e;
	return 1;
}

int vmdk_text_extent(const char **text, struct vmdk_extent *ret, struct bp_error *err)
{
	static const char *const access[] = { "RW ", "RDONLY ", "NOACCESS " };

	while (**text) {
		const char *line = *text;

		*text += strcspn(line, "\n");
		*text += **text == '\n';
		for (size_t i = 0; i < array_size(access); i++)
			if (starts_with(line, access[i]))
				return parse_extent(line, ret, err);
	}
	return 0;
}

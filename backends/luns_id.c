/* luns_id.c - serials out of vital product data: which of those a device has is taken,
 * and how it is written, is as in udev's scsi_id, whose word libvirt has for a key. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "backends/luns.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum { BINARY = 1, ASCII = 2 };
enum { VENDOR_SPECIFIC, T10_VENDOR, EUI_64, NAA, PORT_GROUP = 5 };
enum { ANY = -1, NAA_REGISTERED = 5, NAA_EXTENDED = 6 };

/* The best first. */
static const struct choice {
	int type, naa, code;
} choices[] = {
	{ NAA, NAA_EXTENDED, BINARY }, { NAA, NAA_EXTENDED, ASCII },
	{ NAA, NAA_REGISTERED, BINARY }, { NAA, NAA_REGISTERED, ASCII },
	{ NAA, ANY, BINARY }, { NAA, ANY, ASCII },
	{ EUI_64, ANY, BINARY }, { EUI_64, ANY, ASCII },
	{ T10_VENDOR, ANY, BINARY }, { T10_VENDOR, ANY, ASCII },
	{ VENDOR_SPECIFIC, ANY, BINARY }, { VENDOR_SPECIFIC, ANY, ASCII },
};

/* One designator: four bytes, then as many as the last of them says. */
struct designator {
	int code, association, type;
	const unsigned char *id;
	size_t len;
};

/* The next one at *at, or false: no more that are whole. */
static bool next_designator(const unsigned char *page, size_t len, size_t *at,
			    struct designator *ret)
{
	const unsigned char *d = page + *at;

	if (len - *at < 4 || len - *at - 4 < d[3])
		return false;
	*ret = (struct designator){
		.code = d[0] & 0x0f, .association = (d[1] & 0x30) >> 4, .type = d[1] & 0x0f,
		.id = d + 4, .len = d[3],
	};
	*at += 4u + d[3];
	return true;
}

static bool fits(const struct designator *d, const struct choice *c)
{
	return !d->association && d->type == c->type && d->code == c->code && d->len &&
	       (c->naa == ANY || c->naa == d->id[0] >> 4);
}

/* Blanks at either end go, others become one line; what could end a line or a word in
 * some shell or path does, too. */
static char *tidied(const char *s)
{
	struct text t = { 0 };

	for (; *s; s++) {
		bool blank = strchr(" \t\n\v\f\r", *s);
		bool odd = (unsigned char)*s < ' ' || *s == '/' || (unsigned char)*s >= 0x7f;
		bool more = s[strspn(s, " \t\n\v\f\r")];

		if (blank && (!t.len || !more || strchr(" \t\n\v\f\r", s[1])))
			continue;
		text_add_n(&t, blank || odd ? "_" : s, 1);
	}
	if (t.len)
		return text_steal(&t);
	text_done(&t);
	return NULL;
}

static char *written(const struct designator *d, const char *vendor, const char *product)
{
	cleanup(text_done) struct text t = { 0 };

	text_addf(&t, "%x", (unsigned)d->type);
	if (d->type == VENDOR_SPECIFIC)
		text_addf(&t, "%s%s", vendor, product);
	if (d->code == ASCII)
		text_add_n(&t, (const char *)d->id, strnlen((const char *)d->id, d->len));
	for (size_t i = 0; d->code != ASCII && i < d->len; i++)
		text_addf(&t, "%02x", d->id[i]);
	return tidied(t.s);
}

static size_t page_length(const unsigned char *page, size_t len)
{
	size_t told = len < 4 ? 0 : 4 + ((size_t)page[2] << 8) + page[3];

	return told < len ? told : len;
}

char *luns_id_83(const unsigned char *page, size_t len, const char *vendor, const char *product,
		 int *ret_port)
{
	struct designator d;
	size_t at;

	*ret_port = -1;
	len = page_length(page, len);
	for (at = 4; at < len && next_designator(page, len, &at, &d);)
		if (d.type == PORT_GROUP && d.code == BINARY && d.association < 2 && d.len >= 4)
			*ret_port = d.id[2] << 8 | d.id[3];
	for (size_t i = 0; i < array_size(choices); i++)
		for (at = 4; at < len && next_designator(page, len, &at, &d);)
			if (fits(&d, &choices[i]))
				return written(&d, vendor, product);
	return NULL;
}

char *luns_id_80(const unsigned char *page, size_t len, const char *vendor, const char *product)
{
	cleanup(text_done) struct text t = { 0 };
	size_t end = page_length(page, len);

	if (end <= 4)
		return NULL;
	text_addf(&t, "S%s%s", vendor, product);
	text_add_n(&t, (const char *)page + 4, strnlen((const char *)page + 4, end - 4));
	return tidied(t.s);
}

/* Hosts and targets are in that directory, too. */
bool luns_place_read(const char *s, struct luns_place *ret)
{
	int end = 0;

	return sscanf(s, "%u:%u:%u:%llu%n", &ret->host, &ret->bus, &ret->target, &ret->lun,
		      &end) == 4 && !s[end];
}

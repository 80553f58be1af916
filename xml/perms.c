/* perms.c - <permissions>. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "xml/parts.h"

static int read_mode(const struct doc *d, const xmlNode *node, struct bp_perms *ret,
		     struct bp_error *err)
{
	auto_free char *s = node_text(node);
	uint64_t mode;

	if (!s || !*s)
		return 0;
	if (!parse_number(s, 8, &mode) || mode > 0777)
		return fail_at(d, node, BP_XML, err, "malformed octal mode");
	ret->has_mode = true;
	ret->mode = (mode_t)mode;
	return 0;
}

/* -1, in whatever disguise, is nobody in particular. */
static int read_id(const struct doc *d, const xmlNode *node, const char *what, bool *ret_has,
		   uint32_t *ret, struct bp_error *err)
{
	auto_free char *s = node_text(node);
	uint64_t id;

	if (!s || strcmp(s, "-1") == 0)
		return 0;
	if (!parse_number(s, 10, &id) || id > UINT32_MAX)
		return fail_at(d, node, BP_XML, err, "malformed %s element", what);
	if (id == UINT32_MAX)
		return 0;
	*ret_has = true;
	*ret = (uint32_t)id;
	return 0;
}

int read_perms(const struct doc *d, const xmlNode *node, struct bp_perms *ret,
	       struct bp_error *err)
{
	if (read_mode(d, node_child(node, "mode"), ret, err) < 0 ||
	    read_id(d, node_child(node, "owner"), "owner", &ret->has_uid, &ret->uid, err) < 0 ||
	    read_id(d, node_child(node, "group"), "group", &ret->has_gid, &ret->gid, err) < 0)
		return -1;
	ret->label = node_text(node_child(node, "label"));
	return 0;
}

bool has_perms(const struct bp_perms *perms)
{
	return perms->has_mode || perms->has_uid || perms->has_gid || perms->label;
}

void write_perms(struct out *o, const struct bp_perms *perms)
{
	if (!has_perms(perms))
		return;
	out_tag(o, "permissions");
	if (perms->has_mode)
		out_textf(o, "mode", "0%o", (unsigned)perms->mode);
	if (perms->has_uid)
		out_textf(o, "owner", "%u", (unsigned)perms->uid);
	if (perms->has_gid)
		out_textf(o, "group", "%u", (unsigned)perms->gid);
	out_text(o, "label", perms->label);
	out_end(o, "permissions");
}

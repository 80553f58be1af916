/* secret.c - <secret>: what a secret is for. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/uuid.h"
#include "xml/read.h"
#include "xml/xml.h"

/* Where each kind says whom it is for. */
static const struct {
	const char *kind, *element;
} kinds[] = {
	{ "volume", "volume" }, { "ceph", "name" }, { "iscsi", "target" }, { "tls", "name" },
	{ "vtpm", "name" },
};

int bp_xml_parse_secret(const char *text, size_t len, const char *name, char **ret_uuid,
			char **ret_kind, char **ret_usage, struct bp_error *err)
{
	cleanup(doc_close) struct doc d = { 0 };
	auto_free char *uuid = NULL, *kind = NULL, *usage = NULL;
	char normal[UUID_TEXT];

	if (doc_open(&d, text, len, name, "(definition_of_secret)", err) < 0 ||
	    doc_expect(&d, "secret", err) < 0)
		return -1;
	uuid = node_text(node_child(d.root, "uuid"));
	if (!uuid || !uuid_normalize(uuid, normal))
		return fail_at(&d, d.root, BP_XML, err, "malformed uuid element");
	kind = node_attr(node_child(d.root, "usage"), "type");
	for (size_t i = 0; kind && i < array_size(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			usage = node_text(node_child(node_child(d.root, "usage"),
						     kinds[i].element));
	*ret_uuid = mem_dup(normal);
	*ret_kind = steal(kind);
	*ret_usage = steal(usage);
	return 0;
}

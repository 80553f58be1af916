/* volume_read.c - <volume>, read. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/size.h"
#include "core/base/text.h"
#include "xml/parts.h"
#include "xml/schema.h"
#include "xml/xml.h"

static int read_type(const struct doc *d, enum bp_vol_type *ret, struct bp_error *err)
{
	auto_free char *s = node_attr(d->root, "type");
	int type = s && *s ? bp_vol_type_find(s) : BP_VOL_FILE;

	if (type < 0)
		return fail_at(d, d->root, BP_CONFIG, err, "unknown volume type '%s'", s);
	*ret = (enum bp_vol_type)type;
	return 0;
}

/* A number with its unit beside it. */
static int scale(const struct doc *d, const xmlNode *node, uint64_t max, uint64_t *value,
		 struct bp_error *err)
{
	auto_free char *unit = node_attr(node, "unit");
	struct bp_error why = { .code = BP_OK };

	if (size_scale(value, unit, max, &why) < 0)
		return fail_at(d, node, why.code, err, "%s", why.text);
	return 0;
}

/* libvirt says "capacity" of an allocation, too. */
static int read_size(const struct doc *d, const char *name, bool *ret_has, uint64_t *ret,
		     struct bp_error *err)
{
	const xmlNode *node = node_child(d->root, name);
	auto_free char *s = node_text(node);
	uint64_t v;

	if (!s || !*s)
		return 0;
	if (!parse_number(s, 10, &v))
		return fail_at(d, node, BP_XML, err, "malformed capacity element");
	if (scale(d, node, INT64_MAX, &v, err) < 0)
		return -1;
	*ret_has = true;
	*ret = v;
	return 0;
}

static int read_cluster_size(const struct doc *d, uint64_t *ret, struct bp_error *err)
{
	const xmlNode *node = node_find(d->root, "target/clusterSize");
	auto_free char *s = node_text(node);
	uint64_t v;

	if (!s || !*s)
		return 0;
	if (!parse_number(s, 10, &v))
		return fail_at(d, node, BP_XML, err, "Invalid value '%s' for element or attribute "
			       "'./target/clusterSize'", s);
	if (scale(d, node, UINT64_MAX, &v, err) < 0)
		return -1;
	*ret = v;
	return 0;
}

static int read_backing(const struct doc *d, struct bp_backing **ret, struct bp_error *err)
{
	const xmlNode *path = node_find(d->root, "backingStore/path");
	auto_free char *s = node_text(path);

	if (!s || !*s)
		return 0;
	*ret = bp_backing_new();
	(*ret)->path = steal(s);
	(*ret)->format = node_attr_below(d->root, "backingStore/format", "type");
	return read_perms(d, node_find(d->root, "backingStore/permissions"), &(*ret)->perms, err);
}

static void read_secrets(const xmlNode *node, struct bp_encryption *enc)
{
	for (const xmlNode *n = node_child(node, "secret"); n; n = node_next(n)) {
		struct bp_secret *s = array_add(enc->secrets, enc->n_secrets);

		s->type = node_attr(n, "type");
		s->uuid = node_attr(n, "uuid");
		s->usage = node_attr(n, "usage");
	}
}

static int read_cipher(const struct doc *d, const xmlNode *node, struct bp_encryption *enc,
		       struct bp_error *err)
{
	auto_free char *size = node_attr(node, "size");

	enc->cipher = node_attr(node, "name");
	enc->cipher_mode = node_attr(node, "mode");
	enc->cipher_hash = node_attr(node, "hash");
	if (node && !enc->cipher)
		return fail_at(d, node, BP_XML, err, "cipher info missing 'name' attribute");
	if (node && !size)
		return fail_at(d, node, BP_XML, err,
			       "Missing required attribute 'size' in element 'cipher'");
	return read_unsigned(d, node, "size", 10, &enc->cipher_size, err);
}

static int read_ivgen(const struct doc *d, const xmlNode *node, struct bp_encryption *enc,
		      struct bp_error *err)
{
	enc->ivgen = node_attr(node, "name");
	enc->ivgen_hash = node_attr(node, "hash");
	if (node && !enc->cipher)
		return fail_at(d, node, BP_XML, err, "ivgen element found, but cipher is missing");
	if (node && !enc->ivgen)
		return fail_at(d, node, BP_XML, err, "missing ivgen info name string");
	return 0;
}

static int read_encryption(const struct doc *d, struct bp_encryption **ret, struct bp_error *err)
{
	const xmlNode *node = node_find(d->root, "target/encryption");

	if (!node)
		return 0;
	*ret = bp_encryption_new();
	(*ret)->format = node_attr(node, "format");
	(*ret)->engine = node_attr(node, "engine");
	read_secrets(node, *ret);
	if (!(*ret)->format || strcmp((*ret)->format, "luks") != 0)
		return 0;	/* the others have no cipher */
	if (read_cipher(d, node_child(node, "cipher"), *ret, err) < 0)
		return -1;
	return read_ivgen(d, node_child(node, "ivgen"), *ret, err);
}

static int read_feature(const struct doc *d, const xmlNode *node, unsigned *features,
			struct bp_error *err)
{
	static const struct { const char *name; unsigned bit; } known[] = {
		{ "lazy_refcounts", BP_FEATURE_LAZY_REFCOUNTS },
		{ "extended_l2",    BP_FEATURE_EXTENDED_L2 },
		{ "data_file",	    BP_FEATURE_DATA_FILE },
	};

	for (size_t i = 0; i < array_size(known); i++)
		if (strcmp((const char *)node->name, known[i].name) == 0) {
			*features |= known[i].bit;
			return 0;
		}
	return fail_at(d, node, BP_CONFIG, err, "unsupported feature %s", node->name);
}

static int read_features(const struct doc *d, struct bp_vol_spec *spec, struct bp_error *err)
{
	const xmlNode *target = node_child(d->root, "target");

	for (; target; target = node_next(target))
		for (const xmlNode *f = node_child(target, "features"); f; f = node_next(f)) {
			spec->has_features = true;
			for (const xmlNode *n = f->children; n; n = n->next)
				if (n->type == XML_ELEMENT_NODE &&
				    read_feature(d, n, &spec->features, err) < 0)
					return -1;
		}
	return 0;
}

/* Whoever left it out would make something else than what is asked for. */
static int refuse_data_store(const struct doc *d, struct bp_error *err)
{
	const xmlNode *node = node_child(d->root, "dataStore");

	return !node ? 0 : fail_at(d, node, BP_CONFIG, err, "a volume that has its data in another "
				   "file can be told of, but not be made from XML: make the image "
				   "in the pool's directory, with '-o data_file=FILE'");
}

static int read_volume(const struct doc *d, struct bp_vol_spec *spec, struct bp_error *err)
{
	spec->name = node_text(node_child(d->root, "name"));
	spec->key = node_text(node_child(d->root, "key"));
	spec->path = node_text(node_find(d->root, "target/path"));
	spec->format = node_attr_below(d->root, "target/format", "type");
	spec->compat = node_text(node_find(d->root, "target/compat"));
	spec->nocow = node_find(d->root, "target/nocow");
	if (read_type(d, &spec->type, err) < 0 ||
	    read_backing(d, &spec->backing, err) < 0 ||
	    read_size(d, "capacity", &spec->has_capacity, &spec->capacity, err) < 0 ||
	    read_size(d, "allocation", &spec->has_allocation, &spec->allocation, err) < 0 ||
	    read_perms(d, node_find(d->root, "target/permissions"), &spec->perms, err) < 0 ||
	    read_encryption(d, &spec->encryption, err) < 0 ||
	    read_cluster_size(d, &spec->cluster_size, err) < 0)
		return -1;
	return read_features(d, spec, err) < 0 ? -1 : refuse_data_store(d, err);
}

int bp_xml_parse_volume(const char *text, size_t len, const char *name,
			const struct bp_pool_type *type, unsigned flags,
			struct bp_vol_spec **ret, struct bp_error *err)
{
	cleanup(doc_close) struct doc d = { 0 };
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = bp_vol_spec_new();

	if (doc_open(&d, text, len, name, "(storage_volume_definition)", err) < 0 ||
	    doc_expect(&d, "volume", err) < 0)
		return -1;
	if ((flags & BP_XML_VALIDATE) && schema_check_volume(&d, err) < 0)
		return -1;
	if (read_volume(&d, spec, err) < 0)
		return -1;
	if (bp_vol_spec_complete(spec, type, flags & BP_XML_CAPACITY_OPTIONAL, err) < 0)
		return fail_place(&d, err);
	*ret = steal(spec);
	return 0;
}

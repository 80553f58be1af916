/* pool_read.c - <pool>, and <poolstate> around it, read. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/model/pool_type.h"
#include "xml/parts.h"
#include "xml/schema.h"
#include "xml/xml.h"

static void read_options(const xmlNode *root, const char *ns, const char *group,
			 struct bp_option **options, size_t *n)
{
	for (const xmlNode *g = node_child_ns(root, ns, group); g; g = node_next(g))
		for (const xmlNode *o = node_child_ns(g, ns, "option"); o; o = node_next(o)) {
			struct bp_option *option = mem_append((void **)options, n, sizeof *option);

			option->name = node_attr(o, "name");
			option->value = node_attr(o, "value");
		}
}

static void read_mutual(const xmlNode *root, struct bp_pool_def *def)
{
	const xmlNode *node = node_child_ns(root, OUR_NS, "mutual");

	if (!node)
		return;
	def->mutual = mem_alloc(sizeof *def->mutual);
	def->mutual->username = node_attr(node, "username");
	def->mutual->secret_uuid = node_attr(node, "uuid");
	def->mutual->secret_usage = node_attr(node, "usage");
}

static int read_pool(const struct doc *d, struct bp_pool_def *def, struct bp_error *err)
{
	const xmlNode *cow = node_find(d->root, "features/cow");

	/* Nothing else means anything in a pool of a type nobody knows. */
	def->type = node_attr(d->root, "type");
	if (!def->type || !bp_pool_type_find(def->type))
		return 0;
	if (read_source(d, node_child(d->root, "source"), &def->source, err) < 0)
		return -1;
	def->name = node_text(node_child(d->root, "name"));
	def->uuid = node_text(node_child(d->root, "uuid"));
	if (read_yes_no(d, cow, "state", &def->cow, err) < 0)
		return -1;
	def->target_path = node_text(node_find(d->root, "target/path"));
	/* A type without a target does not even look at one. */
	if (bp_pool_type_find(def->type)->target != BP_TARGET_NONE &&
	    read_perms(d, node_find(d->root, "target/permissions"), &def->perms, err) < 0)
		return -1;
	def->refresh_allocation = node_attr_below(d->root, "refresh/volume", "allocation");
	if (read_perms(d, node_child(node_child_ns(d->root, OUR_NS, "volumes"), "permissions"),
		       &def->volume_perms, err) < 0)
		return -1;
	if (read_thin(d, node_child_ns(d->root, OUR_NS, "thin"), &def->thin, err) < 0)
		return -1;
	def->mkfs_format = node_attr(node_child_ns(d->root, OUR_NS, "mkfs"), "format");
	def->mkfs_label = node_attr(node_child_ns(d->root, OUR_NS, "mkfs"), "label");
	def->activation = node_attr(node_child_ns(d->root, OUR_NS, "activation"), "mode");
	read_options(d->root, OUR_NS, "mkfs", &def->mkfs_options, &def->n_mkfs_options);
	read_mutual(d->root, def);
	if (read_yes_no(d, node_child_ns(d->root, OUR_NS, "mount"), "state", &def->mount, err) < 0)
		return -1;
	read_options(d->root, FS_NS, "mount_opts", &def->fs_options, &def->n_fs_options);
	read_options(d->root, RBD_NS, "config_opts", &def->rbd_options, &def->n_rbd_options);
	return 0;
}

/* The root is <poolstate>; what is read is the <pool> in it. */
static int enter_state(struct doc *d, struct bp_error *err)
{
	const xmlNode *pool;

	if (doc_expect(d, "poolstate", err) < 0)
		return -1;
	pool = node_child(d->root, "pool");
	if (!pool)
		return fail_at(d, d->root, BP_XML, err, "missing pool element");
	d->root = pool;
	return 0;
}

int bp_xml_parse_pool(const char *text, size_t len, const char *name, unsigned flags,
		      struct bp_pool_def **ret, struct bp_error *err)
{
	cleanup(doc_close) struct doc d = { 0 };
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = bp_pool_def_new();

	if (doc_open(&d, text, len, name, "(storage_pool_definition)", err) < 0)
		return -1;
	if ((flags & BP_XML_STATE ? enter_state(&d, err) : doc_expect(&d, "pool", err)) < 0)
		return -1;
	if ((flags & BP_XML_VALIDATE) && schema_check_pool(&d, err) < 0)
		return -1;
	if (read_pool(&d, def, err) < 0)
		return -1;
	if (bp_pool_def_complete(def, err) < 0)
		return fail_place(&d, err);
	*ret = steal(def);
	return 0;
}

int bp_xml_root(const char *text, size_t len, const char *name, char **ret_root,
		struct bp_error *err)
{
	cleanup(doc_close) struct doc d = { 0 };

	if (doc_open(&d, text, len, name, "(storage_pool_definition)", err) < 0)
		return -1;
	*ret_root = mem_dup((const char *)d.root->name);
	return 0;
}

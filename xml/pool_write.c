/* pool_write.c - <pool>, and <poolstate> around it, written. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "xml/parts.h"
#include "xml/xml.h"

static void write_size(struct out *o, const char *name, uint64_t bytes)
{
	out_tag(o, name);
	out_attr(o, "unit", "bytes");
	out_endf(o, name, "%llu", (unsigned long long)bytes);
}

static void write_features(struct out *o, enum bp_yes_no cow)
{
	if (cow == BP_UNSAID)
		return;
	out_tag(o, "features");
	out_one(o, "cow", "state", cow == BP_YES ? "yes" : "no");
	out_end(o, "features");
}

static void write_target(struct out *o, const struct bp_pool_def *def)
{
	if (!def->target_path && !has_perms(&def->perms))
		return;
	out_tag(o, "target");
	out_text(o, "path", def->target_path);
	write_perms(o, &def->perms);
	out_end(o, "target");
}

static void write_refresh(struct out *o, const char *allocation)
{
	if (!allocation)
		return;
	out_tag(o, "refresh");
	out_one(o, "volume", "allocation", allocation);
	out_end(o, "refresh");
}

static void write_each_option(struct out *o, const char *element,
			      const struct bp_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out_tag(o, element);
		out_attr(o, "name", options[i].name);
		out_attr(o, "value", options[i].value);
		out_end(o, element);
	}
}

static void write_options(struct out *o, const char *group, const char *element,
			  const struct bp_option *options, size_t n)
{
	if (!n)
		return;
	out_tag(o, group);
	write_each_option(o, element, options, n);
	out_end(o, group);
}

static bool has_mkfs(const struct bp_pool_def *def)
{
	return def->mkfs_format || def->mkfs_label || def->n_mkfs_options;
}

static void write_mkfs(struct out *o, const struct bp_pool_def *def)
{
	if (!has_mkfs(def))
		return;
	out_tag(o, "barepool:mkfs");
	out_attr(o, "format", def->mkfs_format);
	out_attr(o, "label", def->mkfs_label);
	write_each_option(o, "barepool:option", def->mkfs_options, def->n_mkfs_options);
	out_end(o, "barepool:mkfs");
}

static void write_volumes(struct out *o, const struct bp_perms *perms)
{
	if (!has_perms(perms))
		return;
	out_tag(o, "barepool:volumes");
	write_perms(o, perms);
	out_end(o, "barepool:volumes");
}

static void write_activation(struct out *o, const char *mode)
{
	if (!mode)
		return;
	out_tag(o, "barepool:activation");
	out_attr(o, "mode", mode);
	out_end(o, "barepool:activation");
}

static void write_mount(struct out *o, enum bp_yes_no mount)
{
	if (mount == BP_UNSAID)
		return;
	out_tag(o, "barepool:mount");
	out_attr(o, "state", mount == BP_YES ? "yes" : "no");
	out_end(o, "barepool:mount");
}

static void write_mutual(struct out *o, const struct bp_auth *a)
{
	if (!a)
		return;
	out_tag(o, "barepool:mutual");
	out_attr(o, "username", a->username);
	out_attr(o, "uuid", a->secret_uuid);
	out_attr(o, "usage", a->secret_usage);
	out_end(o, "barepool:mutual");
}

static bool has_ours(const struct bp_pool_def *def)
{
	return has_perms(&def->volume_perms) || has_mkfs(def) || def->activation || def->mutual ||
	       def->thin.name || def->mount;
}

static void write_pool(struct out *o, const struct bp_pool_def *def, bool as_written)
{
	out_tag(o, "pool");
	out_attr(o, "type", def->type);
	out_attr(o, "xmlns:fs", def->n_fs_options ? FS_NS : NULL);
	out_attr(o, "xmlns:rbd", def->n_rbd_options ? RBD_NS : NULL);
	out_attr(o, "xmlns:barepool", has_ours(def) ? OUR_NS : NULL);
	out_text(o, "name", def->name);
	if (!as_written) {
		out_text(o, "uuid", def->uuid);
		write_size(o, "capacity", def->space.capacity);
		write_size(o, "allocation", def->space.allocation);
		write_size(o, "available", def->space.available);
	}
	write_features(o, def->cow);
	if (as_written)
		write_source_as_written(o, &def->source);
	else
		write_source(o, &def->source);
	write_target(o, def);
	write_refresh(o, def->refresh_allocation);
	write_options(o, "fs:mount_opts", "fs:option", def->fs_options, def->n_fs_options);
	write_options(o, "rbd:config_opts", "rbd:option", def->rbd_options,
		      def->n_rbd_options);
	write_volumes(o, &def->volume_perms);
	write_mkfs(o, def);
	write_activation(o, def->activation);
	write_mutual(o, def->mutual);
	write_mount(o, def->mount);
	write_thin(o, &def->thin, as_written ? NULL : &def->thin_state);
	out_end(o, "pool");
}

/* A shell takes it as it is, and an XML comment can hold it. */
static bool is_plain(const char *s)
{
	return s && *s && !s[strcspn(s, " \t\r\n!\"#$&'()*;<>?[\\]^`{|}~")] && !strstr(s, "--");
}

static void write_comment(struct out *o, const struct bp_pool_def *def)
{
	const char *key = is_plain(def->name) ? def->name : is_plain(def->uuid) ? def->uuid : "";

	text_addf(&o->t,
		  "<!--\n"
		  "WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\n"
		  "OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:\n"
		  "  virsh pool-edit%s%s\n"
		  "or other application using the libvirt API.\n"
		  "-->\n\n", *key ? " " : "", key);
}

char *bp_xml_format_pool(const struct bp_pool_def *def, unsigned flags)
{
	struct out o = { .depth = 0 };

	if (flags & BP_XML_COMMENT)
		write_comment(&o, def);
	if (flags & BP_XML_STATE)
		out_tag(&o, "poolstate");
	write_pool(&o, def, flags & BP_XML_AS_WRITTEN);
	if (flags & BP_XML_STATE)
		out_end(&o, "poolstate");
	return out_steal(&o);
}

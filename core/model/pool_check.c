/* pool_check.c - complete a definition, or say why it cannot be a pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/uuid.h"
#include "core/model/check.h"

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static int find_type(const struct bp_pool_def *def, const struct bp_pool_type **ret,
		     struct bp_error *err)
{
	const struct bp_pool_type *type;

	if (!def->type)
		return bp_fail_part(err, BP_XML, "",
				    "Missing required attribute 'type' in element 'pool'");
	type = bp_pool_type_find(def->type);
	if (!type)
		return bp_fail_part(err, BP_XML, "", "Invalid value for attribute 'type' in "
				    "element 'pool': '%s'.", def->type);
	*ret = type;
	return 0;
}

static int complete_name(struct bp_pool_def *def, const struct bp_pool_type *type,
			 struct bp_error *err)
{
	empty_to_null(&def->name);
	if (!def->name && (type->parts & BP_PART_NAME))
		mem_set(&def->name, def->source.name);
	if (!def->name)
		return bp_fail_part(err, BP_XML, "name", "missing pool source name element");
	if (strchr(def->name, '/'))
		return bp_fail_part(err, BP_XML, "name", "name %s cannot contain '/'", def->name);
	return check_text(def->name, "name", err);
}

static int complete_uuid(struct bp_pool_def *def, struct bp_error *err)
{
	char uuid[UUID_TEXT];

	empty_to_null(&def->uuid);
	if (!def->uuid)
		uuid_make(uuid);
	else if (!uuid_normalize(def->uuid, uuid))
		return bp_fail_part(err, BP_XML, "uuid", "malformed uuid element");
	mem_set(&def->uuid, uuid);
	return 0;
}

static int check_cow(const struct bp_pool_def *def, struct bp_error *err)
{
	if (def->cow != BP_UNSAID && !is(def->type, "fs") && !is(def->type, "dir"))
		return bp_fail_part(err, BP_UNSUPPORTED, "features/cow",
				    "cow feature may only be used for 'fs' and 'dir' pools");
	return 0;
}

static int complete_target(struct bp_pool_def *def, const struct bp_pool_type *type,
			   struct bp_error *err)
{
	empty_to_null(&def->target_path);
	empty_to_null(&def->perms.label);
	empty_to_null(&def->volume_perms.label);
	if (type->target == BP_TARGET_NONE) {
		mem_set(&def->target_path, NULL);
		bp_perms_done(&def->perms);
		bp_perms_done(&def->volume_perms);
		return 0;
	}
	if (type->target == BP_TARGET_FORCED) {
		free(def->target_path);
		def->target_path = mem_printf("%s%s", type->target_prefix, def->source.name);
	}
	if (!def->target_path)
		return bp_fail_part(err, BP_XML, "target/path", "missing storage pool target path");
	tidy_path(&def->target_path);
	if (check_text(def->target_path, "target/path", err) < 0 ||
	    check_text(def->perms.label, "target/permissions/label", err) < 0 ||
	    check_text(def->volume_perms.label, "volumes", err) < 0 ||
	    check_mode(&def->volume_perms, "volumes", err) < 0)
		return -1;
	return check_mode(&def->perms, "target/permissions/mode", err);
}

static int check_refresh(struct bp_pool_def *def, struct bp_error *err)
{
	static const char *const words[] = { "default", "capacity", NULL };

	empty_to_null(&def->refresh_allocation);
	if (def->refresh_allocation && !bp_word_in(words, def->refresh_allocation))
		return bp_fail_part(err, BP_CONFIG, "refresh/volume", "unknown storage pool volume "
				    "refresh allocation type %s", def->refresh_allocation);
	return 0;
}

static void drop_options(struct bp_option **options, size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		free((*options)[i].name);
		free((*options)[i].value);
	}
	freep(options);
	*options = NULL;
	*n = 0;
}

static int check_option(const struct bp_option *o, bool with_value, const char *kind,
			const char *part, struct bp_error *err)
{
	if (!o->name)
		return bp_fail_part(err, BP_XML, part, "no %s option name specified", kind);
	if (with_value && !*o->name)
		return bp_fail_part(err, BP_XML, part, "empty %s option name specified", kind);
	if (with_value && !o->value)
		return bp_fail_part(err, BP_XML, part, "no %s option value specified", kind);
	if (with_value && !*o->value)
		return bp_fail_part(err, BP_XML, part, "empty %s option value specified", kind);
	if (check_text(o->name, part, err) < 0)
		return -1;
	return with_value ? check_text(o->value, part, err) : 0;
}

/* It says which, where the format of the source leaves it open. */
static int check_mkfs_format(const struct bp_pool_def *def, struct bp_error *err)
{
	if (!def->mkfs_format || is(def->source.format, "auto") ||
	    is(def->source.format, def->mkfs_format))
		return 0;
	return bp_fail_part(err, BP_CONFIG, "mkfs", "the format of the source is '%s', so '%s' "
			    "cannot be made on it", def->source.format, def->mkfs_format);
}

static int check_mkfs(struct bp_pool_def *def, struct bp_error *err)
{
	empty_to_null(&def->mkfs_format);
	empty_to_null(&def->mkfs_label);
	if (!is(def->type, "fs")) {
		mem_set(&def->mkfs_format, NULL);
		mem_set(&def->mkfs_label, NULL);
		drop_options(&def->mkfs_options, &def->n_mkfs_options);
	}
	if (check_text(def->mkfs_format, "mkfs", err) < 0 ||
	    check_text(def->mkfs_label, "mkfs", err) < 0 || check_mkfs_format(def, err) < 0)
		return -1;
	for (size_t i = 0; i < def->n_mkfs_options; i++)
		if (check_option(&def->mkfs_options[i], false, "mkfs", "mkfs", err) < 0)
			return -1;
	return 0;
}

static int check_activation(struct bp_pool_def *def, struct bp_error *err)
{
	static const char *const words[] = { "shared", "exclusive", NULL };

	empty_to_null(&def->activation);
	if (!is(def->type, "logical"))
		mem_set(&def->activation, NULL);
	if (def->activation && !bp_word_in(words, def->activation))
		return bp_fail_part(err, BP_CONFIG, "activation", "unknown activation mode '%s': "
				    "it is shared or exclusive", def->activation);
	return 0;
}

/* What is used without a mount is NFS. */
static int check_mount(struct bp_pool_def *def, struct bp_error *err)
{
	const char *format = def->source.format;

	if (!is(def->type, "netfs"))
		def->mount = BP_UNSAID;
	if (def->mount == BP_NO && format && !is(format, "nfs") && !is(format, "auto"))
		return bp_fail_part(err, BP_CONFIG, "mount", "a share of format '%s' cannot be "
				    "used without a mount: one of format nfs can", format);
	return 0;
}

/* Whoever asks a target for its secret gives his own first. */
static int check_mutual(struct bp_pool_def *def, struct bp_error *err)
{
	struct bp_auth *a = def->mutual;

	if (!is(def->type, "iscsi") && !is(def->type, "iscsi-direct"))
		auth_free(steal(def->mutual));
	if (!def->mutual)
		return 0;
	if (!a->username || !*a->username)
		return bp_fail_part(err, BP_XML, "mutual", "missing username attribute");
	if (!def->source.auth)
		return bp_fail_part(err, BP_CONFIG, "mutual", "a target is asked to prove who it "
				    "is only by those who do so themselves: <auth> is missing "
				    "in <source>");
	if (!a->secret_uuid && !a->secret_usage)
		return bp_fail_part(err, BP_XML, "mutual",
				    "missing secret uuid or usage attribute");
	if (check_secret(&a->secret_uuid, a->secret_usage, "mutual", err) < 0)
		return -1;
	return check_text(a->username, "mutual", err);
}

/* "thinpool" alone is one of the group; of another it cannot be. */
static int check_thin(struct bp_pool_def *def, struct bp_error *err)
{
	struct bp_thin *thin = &def->thin;
	const char *group = def->source.name ? def->source.name : def->name;
	size_t n = strlen(group);
	char *slash;

	empty_to_null(&thin->name);
	if (!is(def->type, "logical")) {
		mem_set(&thin->name, NULL);
		*thin = (struct bp_thin){ 0 };
	}
	if (!thin->name && (thin->size || thin->metadata || thin->limit))
		return bp_fail_part(err, BP_XML, "thin", "the thin pool has no name");
	if (!thin->name)
		return 0;
	slash = strchr(thin->name, '/');
	if (!slash) {
		char *whole = mem_printf("%s/%s", group, thin->name);

		free(thin->name);
		thin->name = whole;
	} else if ((size_t)(slash - thin->name) != n || strncmp(thin->name, group, n) != 0) {
		return bp_fail_part(err, BP_CONFIG, "thin", "thin pool '%s' is not in the pool's "
				    "volume group '%s'", thin->name, group);
	} else if (!slash[1] || strchr(slash + 1, '/')) {
		return bp_fail_part(err, BP_XML, "thin", "'%s' is no name for a thin pool",
				    thin->name);
	}
	return check_text(thin->name, "thin", err);
}

static int check_options(struct bp_pool_def *def, struct bp_error *err)
{
	char part[sizeof err->part];

	if (!is(def->type, "fs") && !is(def->type, "netfs"))
		drop_options(&def->fs_options, &def->n_fs_options);
	if (!is(def->type, "rbd"))
		drop_options(&def->rbd_options, &def->n_rbd_options);
	for (size_t i = 0; i < def->n_fs_options; i++) {
		snprintf(part, sizeof part, "mount_opts/option[%zu]", i + 1);
		if (check_option(&def->fs_options[i], false, "fs mount", part, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < def->n_rbd_options; i++) {
		snprintf(part, sizeof part, "config_opts/option[%zu]", i + 1);
		if (check_option(&def->rbd_options[i], true, "rbd", part, err) < 0)
			return -1;
	}
	return 0;
}

/* In the order in which libvirt looks, so that of two faults the same is told. */
int bp_pool_def_complete(struct bp_pool_def *def, struct bp_error *err)
{
	const struct bp_pool_type *type = NULL;

	if (find_type(def, &type, err) < 0 ||
	    check_source(&def->source, type, err) < 0 ||
	    complete_name(def, type, err) < 0 ||
	    complete_uuid(def, err) < 0 ||
	    check_cow(def, err) < 0 ||
	    complete_source(&def->source, type, def->name, err) < 0 ||
	    complete_target(def, type, err) < 0 ||
	    check_refresh(def, err) < 0 || check_mkfs(def, err) < 0 ||
	    check_activation(def, err) < 0 || check_mutual(def, err) < 0 ||
	    check_thin(def, err) < 0 || check_mount(def, err) < 0)
		return -1;
	return check_options(def, err);
}

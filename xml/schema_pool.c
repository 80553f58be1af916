/* schema_pool.c - the schema of <pool>. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "xml/parts.h"
#include "xml/schema_pool.h"

#define LISTS(...) (const struct schema_elem *const[]){ __VA_ARGS__, NULL }

static const struct schema_attr pool_attrs[] = { { "type", .required = true }, { NULL } };

static const struct schema_elem name[] = {
	{ "name", .times = ONCE, .text = must_be_object_name }, { NULL }
};

static const struct schema_elem name_maybe[] = {
	{ "name", .times = MAYBE, .text = must_be_object_name }, { NULL }
};

static const struct schema_attr cow_attrs[] = {
	{ "state", .words = schema_yes_no, .required = true }, { NULL }
};

static const struct schema_elem cow[] = {
	{ "cow", .times = MAYBE, .attrs = cow_attrs }, { NULL }
};

static const struct schema_elem common[] = {
	{ "uuid",	.times = MAYBE, .text = must_be_uuid },
	{ "capacity",	.times = MAYBE, .attrs = schema_unit, .text = must_be_unsigned_long },
	{ "allocation", .times = MAYBE, .attrs = schema_unit, .text = must_be_unsigned_long },
	{ "available",	.times = MAYBE, .attrs = schema_unit, .text = must_be_unsigned_long },
	{ "features",	.times = MAYBE, .children = LISTS(cow) },
	{ "volumes",	OUR_NS, MAYBE, .children = LISTS(schema_permissions) },
	{ NULL }
};

static const struct schema_elem path[] = {
	{ "path", .times = ONCE, .text = must_be_absolute_path }, { NULL }
};

static const struct schema_elem path_maybe[] = {
	{ "path", .times = MAYBE, .text = must_be_absolute_path }, { NULL }
};

static const struct schema_elem target[] = {
	{ "target", .times = ONCE, .children = LISTS(path, schema_permissions) }, { NULL }
};

static const struct schema_elem target_maybe[] = {
	{ "target", .times = MAYBE, .children = LISTS(path, schema_permissions) }, { NULL }
};

static const struct schema_elem target_logical[] = {
	{ "target", .times = ONCE, .children = LISTS(path_maybe, schema_permissions) }, { NULL }
};

static const struct schema_attr fs_option_attrs[] = { { "name", .required = true }, { NULL } };

static const struct schema_elem fs_option[] = {
	{ "option", FS_NS, ANY, fs_option_attrs }, { NULL }
};

static const struct schema_elem fs_options[] = {
	{ "mount_opts", FS_NS, MAYBE, .children = LISTS(fs_option) }, { NULL }
};

static const struct schema_elem mkfs_option[] = {
	{ "option", OUR_NS, ANY, fs_option_attrs }, { NULL }
};

static const struct schema_attr mkfs_attrs[] = { { "format" }, { "label" }, { NULL } };

static const struct schema_elem mkfs[] = {
	{ "mkfs", OUR_NS, MAYBE, mkfs_attrs, .children = LISTS(mkfs_option) }, { NULL }
};

static const struct schema_attr activation_attrs[] = {
	{ "mode", .words = (const char *const[]){ "shared", "exclusive", NULL }, .required = true },
	{ NULL }
};

static const struct schema_elem activation[] = {
	{ "activation", OUR_NS, MAYBE, activation_attrs }, { NULL }
};

static const struct schema_attr mount_attrs[] = {
	{ "state", .words = (const char *const[]){ "yes", "no", NULL }, .required = true },
	{ NULL }
};

static const struct schema_elem mount[] = {
	{ "mount", OUR_NS, MAYBE, mount_attrs }, { NULL }
};

static const struct schema_attr mutual_attrs[] = {
	{ "username", .required = true }, { "uuid", must_be_uuid }, { "usage" }, { NULL }
};

static const struct schema_elem mutual[] = {
	{ "mutual", OUR_NS, MAYBE, mutual_attrs }, { NULL }
};

static const struct schema_attr thin_state_attrs[] = {
	{ "capacity" }, { "allocation" }, { "metadata-capacity" }, { "metadata-allocation" },
	{ "promised" }, { NULL }
};

static const struct schema_elem thin_parts[] = {
	{ "name",     OUR_NS, ONCE, .text = must_not_be_empty },
	{ "size",     OUR_NS, MAYBE, schema_unit, .text = must_be_unsigned_long },
	{ "metadata", OUR_NS, MAYBE, schema_unit, .text = must_be_unsigned_long },
	{ "limit",    OUR_NS, MAYBE, .text = must_be_unsigned_int },
	{ "state",    OUR_NS, MAYBE, thin_state_attrs },
	{ NULL }
};

static const struct schema_elem thin[] = {
	{ "thin", OUR_NS, MAYBE, .children = LISTS(thin_parts) }, { NULL }
};

static const struct schema_attr rbd_option_attrs[] = {
	{ "name",  .required = true },
	{ "value", .required = true },
	{ NULL }
};

static const struct schema_elem rbd_option[] = {
	{ "option", RBD_NS, ANY, rbd_option_attrs }, { NULL }
};

static const struct schema_attr refresh_attrs[] = {
	{ "allocation", .words = (const char *const[]){ "default", "capacity", NULL } }, { NULL }
};

static const struct schema_elem refresh_volume[] = {
	{ "volume", .times = MAYBE, .attrs = refresh_attrs }, { NULL }
};

static const struct schema_elem rbd_extras[] = {
	{ "refresh",	 .times = MAYBE, .children = LISTS(refresh_volume) },
	{ "config_opts", RBD_NS, MAYBE, .children = LISTS(rbd_option) },
	{ NULL }
};

#define POOL(...) { "pool", .attrs = pool_attrs, .children = LISTS(common, __VA_ARGS__) }

static const struct {
	const char *type;
	struct schema_elem row;
} pools[] = {
	{ "dir",	  POOL(name, schema_source_dir, target) },
	{ "fs",		  POOL(name, schema_source_fs, target, fs_options, mkfs) },
	{ "netfs",	  POOL(name, schema_source_netfs, target, fs_options, mount) },
	{ "logical",	  POOL(name_maybe, schema_source_logical, target_logical, activation,
			       thin) },
	{ "disk",	  POOL(name, schema_source_disk, target) },
	{ "iscsi",	  POOL(name, schema_source_iscsi, target, mutual) },
	{ "iscsi-direct", POOL(name, schema_source_iscsi_direct, mutual) },
	{ "scsi",	  POOL(name, schema_source_scsi, target) },
	{ "mpath",	  POOL(name, schema_source_mpath, target) },
	{ "rbd",	  POOL(name_maybe, schema_source_rbd, rbd_extras) },
	{ "sheepdog",	  POOL(name_maybe, schema_source_sheepdog) },
	{ "gluster",	  POOL(name_maybe, schema_source_gluster) },
	{ "zfs",	  POOL(name_maybe, schema_source_zfs, target_maybe) },
	{ "vstorage",	  POOL(name_maybe, schema_source_vstorage, target) },
};

int schema_check_pool(const struct doc *d, struct bp_error *err)
{
	auto_free char *type = node_attr(d->root, "type");

	if (!type)
		return fail_at(d, d->root, BP_SCHEMA, err, "attribute 'type' is missing in <pool>");
	for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
		if (strcmp(pools[i].type, type) == 0)
			return schema_check(d, d->root, &pools[i].row, err);
	return fail_at(d, d->root, BP_SCHEMA, err,
		       "attribute 'type' of <pool> is no type of pool: '%s'", type);
}

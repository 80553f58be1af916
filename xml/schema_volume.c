/* schema_volume.c - the schema of <volume>. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/schema.h"

#define LISTS(...) (const struct schema_elem *const[]){ __VA_ARGS__, NULL }
#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

/* ---- <encryption> -------------------------------------------------------- */

static const struct schema_attr by_uuid_attrs[] = {
	{ "type", .words = WORDS("passphrase"), .required = true },
	{ "uuid", must_be_uuid, .required = true },
	{ NULL }
};

static const struct schema_attr by_usage_attrs[] = {
	{ "type",  .words = WORDS("passphrase"), .required = true },
	{ "usage", .required = true },
	{ NULL }
};

static const struct schema_elem by_uuid = { "secret", .attrs = by_uuid_attrs };
static const struct schema_elem by_usage = { "secret", .attrs = by_usage_attrs };

static const struct schema_elem *choose_secret(const xmlNode *node)
{
	return node_has_attr(node, "uuid") ? &by_uuid : &by_usage;
}

static const struct schema_elem secret[] = {
	{ "secret", .times = ONCE, .choose = choose_secret }, { NULL }
};

/* Mode and hash come together or not at all. */
static const struct schema_attr cipher_attrs[] = {
	{ "name", .required = true },
	{ "size", must_be_unsigned_int, .required = true },
	{ NULL }
};

static const struct schema_attr whole_cipher_attrs[] = {
	{ "name", .required = true },
	{ "size", must_be_unsigned_int, .required = true },
	{ "mode", .required = true },
	{ "hash", .required = true },
	{ NULL }
};

static const struct schema_elem short_cipher = { "cipher", .attrs = cipher_attrs };
static const struct schema_elem whole_cipher = { "cipher", .attrs = whole_cipher_attrs };

static const struct schema_elem *choose_cipher(const xmlNode *node)
{
	return node_has_attr(node, "mode") || node_has_attr(node, "hash") ? &whole_cipher :
	       &short_cipher;
}

static const struct schema_attr ivgen_attrs[] = {
	{ "name", .required = true },
	{ "hash" },
	{ NULL }
};

static const struct schema_elem cipher[] = {
	{ "cipher", .times = ONCE, .choose = choose_cipher },
	{ "ivgen",  .times = ONCE, .attrs = ivgen_attrs },
	{ NULL }
};

static const struct schema_attr encryption_attrs[] = {
	{ "format", .words = WORDS("default", "qcow", "luks", "luks2", "luks-any"),
	  .required = true },
	{ "engine", .words = WORDS("qemu", "librbd") },
	{ NULL }
};

static const struct schema_elem bare_encryption = { "encryption", .attrs = encryption_attrs };
static const struct schema_elem with_secret = {
	"encryption", .attrs = encryption_attrs, .children = LISTS(secret)
};
static const struct schema_elem with_cipher = {
	"encryption", .attrs = encryption_attrs, .children = LISTS(secret, cipher)
};

static const struct schema_elem *choose_encryption(const xmlNode *node)
{
	if (node_child(node, "cipher") || node_child(node, "ivgen"))
		return &with_cipher;
	return xmlFirstElementChild((xmlNode *)node) ? &with_secret : &bare_encryption;
}

/* ---- <target> and <backingStore> ----------------------------------------- */

static const struct schema_attr format_attrs[] = {
	{ "type", .required = true, .words = WORDS(
		"unknown", "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd",
		"ploop", "luks", "cow", "qcow", "qcow2", "qed", "vmdk", "none", "auto", "ext2",
		"ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+", "xfs",
		"ocfs2", "vmfs", "linux", "fat16", "fat32", "linux-swap", "linux-lvm", "linux-raid",
		"extended") },
	{ NULL }
};

static const struct schema_elem times[] = {
	{ "atime", .times = MAYBE, .text = must_be_timestamp },
	{ "btime", .times = MAYBE, .text = must_be_timestamp },
	{ "ctime", .times = MAYBE, .text = must_be_timestamp },
	{ "mtime", .times = MAYBE, .text = must_be_timestamp },
	{ NULL }
};

static const struct schema_elem format_and_times[] = {
	{ "format",	.times = MAYBE, .attrs = format_attrs },
	{ "timestamps", .times = MAYBE, .children = LISTS(times) },
	{ NULL }
};

static const struct schema_elem features[] = {
	{ "lazy_refcounts", .times = MAYBE },
	{ "extended_l2",    .times = MAYBE },
	{ NULL }
};

static const struct schema_elem in_target[] = {
	{ "path",	 .times = MAYBE, .text = may_be_anything },
	{ "encryption",	 .times = MAYBE, .choose = choose_encryption },
	{ "compat",	 .times = MAYBE, .text = must_be_version },
	{ "nocow",	 .times = MAYBE },
	{ "clusterSize", .times = MAYBE, .attrs = schema_unit, .text = must_be_unsigned_long },
	{ "features",	 .times = MAYBE, .children = LISTS(features) },
	{ NULL }
};

static const struct schema_elem backing_path[] = {
	{ "path", .times = ONCE, .text = must_be_absolute_path }, { NULL }
};

/* ---- <source> ------------------------------------------------------------ */

static const struct schema_attr extent_attrs[] = {
	{ "start", must_be_unsigned_long, .required = true },
	{ "end",   must_be_unsigned_long, .required = true },
	{ NULL }
};

static const struct schema_elem extents[] = {
	{ "extent", .times = ANY, .attrs = extent_attrs }, { NULL }
};

static const struct schema_attr device_attrs[] = {
	{ "path", must_be_absolute_path, .required = true }, { NULL }
};

static const struct schema_elem devices[] = {
	{ "device", .times = ANY, .attrs = device_attrs, .children = LISTS(extents) }, { NULL }
};

/* ---- <volume> ------------------------------------------------------------ */

static const struct schema_elem in_volume[] = {
	{ "name",	  .times = ONCE,  .text = must_be_volume_name },
	{ "key",	  .times = MAYBE, .text = may_be_anything },
	{ "source",	  .times = MAYBE, .children = LISTS(devices) },
	{ "capacity",	  .times = MAYBE, .attrs = schema_unit, .text = must_be_unsigned_long },
	{ "allocation",	  .times = MAYBE, .attrs = schema_unit, .text = must_be_unsigned_long },
	{ "physical",	  .times = MAYBE, .attrs = schema_unit, .text = must_be_unsigned_long },
	{ "target",	  .times = ONCE,
	  .children = LISTS(in_target, format_and_times, schema_permissions) },
	{ "backingStore", .times = MAYBE,
	  .children = LISTS(backing_path, format_and_times, schema_permissions) },
	{ "dataStore", .times = MAYBE,
	  .children = LISTS(backing_path, format_and_times, schema_permissions) },
	{ NULL }
};

static const struct schema_attr volume_attrs[] = {
	{ "type", .words = WORDS("file", "block", "dir", "network", "netdir") }, { NULL }
};

static const struct schema_elem volume = {
	"volume", .attrs = volume_attrs, .children = LISTS(in_volume)
};

int schema_check_volume(const struct doc *d, struct bp_error *err)
{
	return schema_check(d, d->root, &volume, err);
}

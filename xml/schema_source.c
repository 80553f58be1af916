/* schema_source.c - the schema of a pool's <source>, type by type. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/model/pool_type.h"
#include "xml/schema_pool.h"

#define LISTS(...) (const struct schema_elem *const[]){ __VA_ARGS__, NULL }
#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

/* ---- parts --------------------------------------------------------------- */

static const struct schema_attr any_name[] = { { "name", .required = true }, { NULL } };

static const struct schema_elem vendor[] = {
	{ "vendor",  .times = MAYBE, .attrs = any_name },
	{ "product", .times = MAYBE, .attrs = any_name },
	{ NULL }
};

static const struct schema_attr host_attrs[] = {
	{ "name", must_be_host_name, .required = true },
	{ "port", must_be_port_number },
	{ NULL }
};

static const struct schema_elem hosts[] = {
	{ "host", .times = SOME, .attrs = host_attrs },
	{ NULL }
};

static const struct schema_attr extent_attrs[] = {
	{ "start", must_be_unsigned_long, .required = true },
	{ "end",   must_be_unsigned_long, .required = true },
	{ NULL }
};

static const struct schema_elem free_extents[] = {
	{ "freeExtent", .times = ANY, .attrs = extent_attrs },
	{ NULL }
};

static const struct schema_attr device_attrs[] = {
	{ "path",	    must_be_device_path, .required = true },
	{ "part_separator", .words = schema_yes_no },
	{ NULL }
};

static const struct schema_elem device[] = {
	{ "device", .times = ONCE, .attrs = device_attrs, .children = LISTS(free_extents) },
	{ NULL }
};

static const struct schema_elem device_maybe[] = {
	{ "device", .times = MAYBE, .attrs = device_attrs, .children = LISTS(free_extents) },
	{ NULL }
};

static const struct schema_elem names_and_devices[] = {
	{ "name",   .times = ANY, .text = may_be_anything },
	{ "device", .times = ANY, .attrs = device_attrs, .children = LISTS(free_extents) },
	{ NULL }
};

static const struct schema_attr iqn_path[] = {
	{ "path", must_be_iqn, .required = true }, { NULL }
};

static const struct schema_elem target_iqn[] = {
	{ "device", .times = ONCE, .attrs = iqn_path },
	{ NULL }
};

static const struct schema_attr dir_attrs[] = {
	{ "path", must_be_absolute_dir, .required = true }, { NULL }
};

static const struct schema_attr share_attrs[] = {
	{ "path", must_not_be_empty, .required = true }, { NULL }
};

static const struct schema_elem dir[] = {
	{ "dir", .times = ONCE, .attrs = dir_attrs }, { NULL }
};

static const struct schema_elem dir_maybe[] = {
	{ "dir", .times = MAYBE, .attrs = dir_attrs }, { NULL }
};

static const struct schema_elem share[] = {
	{ "dir", .times = ONCE, .attrs = share_attrs }, { NULL }
};

static const struct schema_elem name[] = {
	{ "name", .times = ONCE, .text = may_be_anything }, { NULL }
};

static const struct schema_elem iqn_element[] = {
	{ "iqn", .times = ONCE, .attrs = any_name }, { NULL }
};

static const struct schema_elem initiator[] = {
	{ "initiator", .times = ONCE, .children = LISTS(iqn_element) }, { NULL }
};

static const struct schema_elem initiator_maybe[] = {
	{ "initiator", .times = MAYBE, .children = LISTS(iqn_element) }, { NULL }
};

static const struct schema_attr protocol_attrs[] = { { "ver", .required = true }, { NULL } };

static const struct schema_elem protocol[] = {
	{ "protocol", .times = MAYBE, .attrs = protocol_attrs }, { NULL }
};

/* ---- formats ------------------------------------------------------------- */

#define FORMAT(list, how_often, inside, ...)						\
	static const struct schema_attr list##_attrs[] = {				\
		{ "type", .words = WORDS(__VA_ARGS__), .required = true }, { NULL }	\
	};										\
	static const struct schema_elem list[] = {					\
		{ "format", .times = how_often, .attrs = list##_attrs, .children = inside }, \
		{ NULL }								\
	}

FORMAT(fs_format, MAYBE, NULL, "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs",
       "gfs2", "vfat", "hfs+", "xfs", "ocfs2", "vmfs");
FORMAT(nfs_format, MAYBE, NULL, "auto", "nfs", "cifs", "glusterfs");
FORMAT(share_format, ONCE, NULL, "cifs", "glusterfs");
FORMAT(disk_format, MAYBE, LISTS(vendor), "unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98",
       "sun", "lvm2");
FORMAT(logical_format, MAYBE, LISTS(vendor), "unknown", "lvm2");

/* ---- <auth> -------------------------------------------------------------- */

static const struct schema_attr by_uuid_attrs[] = {
	{ "uuid", .required = true }, { NULL }
};

static const struct schema_attr by_usage_attrs[] = {
	{ "usage", .required = true }, { NULL }
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

static const struct schema_attr auth_attrs[] = {
	{ "type",     .words = WORDS("chap", "ceph"), .required = true },
	{ "username", .required = true },
	{ NULL }
};

static const struct schema_elem auth[] = {
	{ "auth", .times = MAYBE, .attrs = auth_attrs, .children = LISTS(secret) }, { NULL }
};

/* ---- <adapter> ----------------------------------------------------------- */

static const struct schema_attr address_attrs[] = {
	{ "domain",	   must_be_pci_domain },
	{ "bus",	   must_be_pci_bus },
	{ "slot",	   must_be_pci_slot },
	{ "function",	   must_be_pci_function },
	{ "multifunction", .words = WORDS("on", "off") },
	{ NULL }
};

static const struct schema_elem address[] = {
	{ "address", .times = ONCE, .attrs = address_attrs }, { NULL }
};

static const struct schema_attr parentaddr_attrs[] = {
	{ "unique_id", must_be_positive_int }, { NULL }
};

static const struct schema_elem parentaddr[] = {
	{ "parentaddr", .times = ONCE, .attrs = parentaddr_attrs, .children = LISTS(address) },
	{ NULL }
};

static const struct schema_attr addressed_attrs[] = {
	{ "type", .words = WORDS("scsi_host", "fc_host") }, { NULL }
};

static const struct schema_attr named_attrs[] = {
	{ "type", .words = WORDS("scsi_host", "fc_host") },
	{ "name", .required = true },
	{ NULL }
};

static const struct schema_attr fc_attrs[] = {
	{ "type",	       .required = true },
	{ "parent" },
	{ "managed",	       .words = schema_yes_no },
	{ "parent_wwnn",       must_be_wwn },
	{ "parent_wwpn",       must_be_wwn },
	{ "parent_fabric_wwn", must_be_wwn },
	{ "wwnn",	       must_be_wwn, .required = true },
	{ "wwpn",	       must_be_wwn, .required = true },
	{ NULL }
};

static const struct schema_elem addressed = {
	"adapter", .attrs = addressed_attrs, .children = LISTS(parentaddr)
};
static const struct schema_elem named = { "adapter", .attrs = named_attrs };
static const struct schema_elem fc_host = { "adapter", .attrs = fc_attrs };

static const struct schema_elem *choose_adapter(const xmlNode *node)
{
	auto_free char *type = node_attr(node, "type");

	if (type && strcmp(type, "fc_host") == 0)
		return &fc_host;
	return node_child(node, "parentaddr") ? &addressed : &named;
}

static const struct schema_elem adapter[] = {
	{ "adapter", .times = ONCE, .choose = choose_adapter }, { NULL }
};

/* ---- sources ------------------------------------------------------------- */

#define SOURCE(type, how_often, ...)							\
	const struct schema_elem schema_source_##type[] = {				\
		{ "source", .times = how_often, .children = LISTS(__VA_ARGS__) },	\
		{ NULL }								\
	}

SOURCE(dir, MAYBE, vendor);
SOURCE(fs, ONCE, device, fs_format, vendor);
SOURCE(logical, ONCE, names_and_devices, logical_format, vendor);
SOURCE(disk, ONCE, device, disk_format, vendor);
SOURCE(iscsi, ONCE, hosts, device, initiator_maybe, auth, vendor);
SOURCE(iscsi_direct, ONCE, hosts, target_iqn, initiator, auth);
SOURCE(scsi, ONCE, adapter, vendor);
SOURCE(rbd, ONCE, name, hosts, auth);
SOURCE(sheepdog, ONCE, hosts, name);
SOURCE(gluster, ONCE, hosts, name, dir_maybe);
SOURCE(zfs, ONCE, name, device_maybe);
SOURCE(vstorage, ONCE, name);

const struct schema_elem schema_source_mpath[] = {
	{ "source", .times = MAYBE }, { NULL }
};

/* A share of Windows or Gluster has no path but a name, and no protocol of NFS. */
static const struct schema_elem nfs = {
	"source", .children = LISTS(hosts, dir, nfs_format, protocol, vendor)
};
static const struct schema_elem other_share = {
	"source", .children = LISTS(hosts, share, share_format, vendor)
};

static const struct schema_elem *choose_netfs(const xmlNode *node)
{
	auto_free char *format = node_attr(node_child(node, "format"), "type");

	return format && bp_word_in(WORDS("cifs", "glusterfs"), format) ? &other_share : &nfs;
}

const struct schema_elem schema_source_netfs[] = {
	{ "source", .times = ONCE, .choose = choose_netfs }, { NULL }
};

/* pool_type.c - the rows. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/model/pool_type.h"

#include <string.h>

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static const char *const file_formats[] = {
	"none", "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd",
	"ploop", "cow", "qcow", "qcow2", "qed", "vmdk", NULL
};

static const struct bp_pool_type types[] = {
	{
		.name = "dir",
		.vol_formats = file_formats, .vol_format = "raw",
	}, {
		.name = "fs",
		.parts = BP_PART_DEVICE, .needs = BP_PART_DEVICE,
		.source_formats = WORDS("auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf",
					"gfs", "gfs2", "vfat", "hfs+", "xfs", "ocfs2", "vmfs"),
		.source_format = "auto",
		.vol_formats = file_formats, .vol_format = "raw",
	}, {
		.name = "netfs",
		.parts = BP_PART_HOST | BP_PART_DIR, .needs = BP_PART_HOST | BP_PART_DIR,
		.source_formats = WORDS("auto", "nfs", "glusterfs", "cifs"),
		.source_format = "auto",
		.vol_formats = file_formats, .vol_format = "raw",
	}, {
		.name = "logical",
		.parts = BP_PART_NAME | BP_PART_DEVICE,
		.target = BP_TARGET_FORCED, .target_prefix = "/dev/",
		.source_formats = WORDS("unknown", "lvm2"), .source_format = "lvm2",
	}, {
		.name = "disk",
		.parts = BP_PART_DEVICE, .needs = BP_PART_DEVICE,
		.source_formats = WORDS("unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun",
					"lvm2"),
		.source_format = "unknown",
		.vol_formats = WORDS("none", "linux", "fat16", "fat32", "linux-swap", "linux-lvm",
				     "linux-raid", "extended"),
		.vol_format = "none",
	}, {
		.name = "iscsi",
		.parts = BP_PART_HOST | BP_PART_DEVICE | BP_PART_INITIATOR, .needs = BP_PART_HOST,
	}, {
		.name = "iscsi-direct",
		.parts = BP_PART_HOST | BP_PART_DEVICE | BP_PART_INITIATOR,
		.needs = BP_PART_HOST | BP_PART_INITIATOR,
		.target = BP_TARGET_NONE,
	}, {
		.name = "scsi",
		.parts = BP_PART_ADAPTER, .needs = BP_PART_ADAPTER,
	}, {
		.name = "mpath",
	}, {
		.name = "rbd",
		.parts = BP_PART_HOST | BP_PART_NAME, .needs = BP_PART_HOST | BP_PART_NAME,
		.target = BP_TARGET_NONE,
		.vol_formats = file_formats, .vol_format = "raw", .vol_formats_unlisted = true,
	}, {
		.name = "sheepdog",
		.parts = BP_PART_HOST | BP_PART_NAME, .needs = BP_PART_HOST,
		.target = BP_TARGET_NONE,
	}, {
		.name = "gluster",
		.parts = BP_PART_HOST | BP_PART_NAME | BP_PART_DIR, .needs = BP_PART_HOST,
		.target = BP_TARGET_NONE,
		.vol_formats = file_formats, .vol_format = "raw",
	}, {
		.name = "zfs",
		.parts = BP_PART_NAME | BP_PART_DEVICE,
		.target = BP_TARGET_FORCED, .target_prefix = "/dev/zvol/",
	}, {
		.name = "vstorage",
		.parts = BP_PART_NAME,
		.vol_formats = file_formats, .vol_format = "raw",
	},
};

const struct bp_pool_type *bp_pool_type_at(size_t i)
{
	return i < sizeof types / sizeof *types ? &types[i] : NULL;
}

const struct bp_pool_type *bp_pool_type_find(const char *name)
{
	const struct bp_pool_type *t;

	for (size_t i = 0; (t = bp_pool_type_at(i)); i++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

bool bp_word_in(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static const char *const vol_types[BP_VOL_TYPES] = {
	[BP_VOL_FILE]	 = "file",
	[BP_VOL_BLOCK]	 = "block",
	[BP_VOL_DIR]	 = "dir",
	[BP_VOL_NETWORK] = "network",
	[BP_VOL_NETDIR]	 = "netdir",
	[BP_VOL_PLOOP]	 = "ploop",
};

const char *bp_vol_type_word(enum bp_vol_type type)
{
	return vol_types[type];
}

int bp_vol_type_find(const char *word)
{
	for (int i = 0; i < BP_VOL_TYPES; i++)
		if (strcmp(vol_types[i], word) == 0)
			return i;
	return -1;
}

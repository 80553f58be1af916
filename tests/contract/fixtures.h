/* fixtures.h - for each pool type, how to get a definition whose storage can be built here. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_FIXTURES_H
#define BP_TESTS_FIXTURES_H

#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/device.h"
#include "tests/tap.h"

struct fixture {
	const char *type;
	bool (*make)(struct bp_pool_def *def);	/* false: not on this machine */
	const char *needs;
	unsigned build;				/* flags */
	uint64_t small;				/* a capacity that fits */
	unsigned again;				/* flags to build what is there already */
	const char *stem;			/* where a type has rules for names: "sda" */
	bool overhead;				/* some space is neither used nor free */
	unsigned many;				/* volumes, where 100 take too long */
};

static bool make_dir(struct bp_pool_def *def)
{
	(void)def;
	return true;
}

static bool make_fs(struct bp_pool_def *def)
{
	static const char *device;	/* one for all tests, made anew by each */
	struct bp_device *d;

	if (!device)
		device = device_make("disk", 64 << 20);
	if (!device)
		return false;
	d = array_add(def->source.devices, def->source.n_devices);
	d->path = mem_dup(device);
	def->source.format = mem_dup("ext4");
	return true;
}

static struct fixture disk;

static bool make_disk(struct bp_pool_def *def)
{
	static const char *device;
	struct bp_device *d;

	if (!device)
		device = device_make("partitions", 512 << 20);
	if (!device)
		return false;
	disk.stem = strrchr(device, '/') + 1;
	d = array_add(def->source.devices, def->source.n_devices);
	d->path = mem_dup(device);
	def->source.format = mem_dup("gpt");
	mem_set(&def->target_path, "/dev");
	return true;
}

/* Its volumes need device-mapper: tests/lab/logical_promises.sh. */
static bool make_logical(struct bp_pool_def *def)
{
	static const char *device;

	if (!device && getenv("TEST_LVM"))
		device = device_make("group", 512 << 20);
	if (!device)
		return false;
	array_add(def->source.devices, def->source.n_devices)->path = mem_dup(device);
	return true;
}

static const struct fixture logical = {
	"logical", make_logical, "the lab", BP_BUILD_OVERWRITE, 8 << 20, .stem = "vol", .many = 20,
};

/* A new directory of the server that the lab is: of its root, which it exports.  Or of what
 * somebody exports on this machine, to be used without a mount: tests/cli/netfs_promises.sh. */
static bool make_netfs(struct bp_pool_def *def)
{
	const char *root = getenv("TEST_NETFS"), *other = getenv("TEST_NFS");
	const char *parent = root ? root : other ? other : "";
	auto_free char *dir = mem_printf("%s/contract.XXXXXX", parent);

	if (!*parent || !mkdtemp(dir))
		return false;
	array_add(def->source.hosts, def->source.n_hosts)->name = mem_dup("127.0.0.1");
	def->source.dir = mem_dup(root ? dir + strlen(root) : dir);
	def->source.format = mem_dup("nfs");
	def->mount = root ? BP_UNSAID : BP_NO;
	def->source.protocol_ver = mem_dup(getenv("TEST_NFS_VERSION"));
	return true;
}

static const struct fixture netfs = {
	"netfs", make_netfs, "the lab, or a server (cli/netfs_promises)", 0, 1 << 20,
};

/* A target that somebody serves on this machine: tests/cli/iscsi_promises.sh. */
static bool make_iscsi_direct(struct bp_pool_def *def)
{
	const char *target = getenv("TEST_ISCSI");

	if (!target)
		return false;
	array_add(def->source.hosts, def->source.n_hosts)->name = mem_dup("127.0.0.1");
	array_add(def->source.devices, def->source.n_devices)->path = mem_dup(target);
	def->source.initiator = mem_dup("iqn.2026-01.example:contract");
	mem_set(&def->target_path, NULL);
	return true;
}

static const struct fixture iscsi_direct = {
	"iscsi-direct", make_iscsi_direct, "a server (cli/iscsi_promises)", 0, 1 << 20,
};

static const struct fixture dir = { "dir", make_dir, NULL, 0, 1 << 20 };
static const struct fixture fs = {
	"fs", make_fs, "root and loop devices", BP_BUILD_OVERWRITE, 1 << 20,
};
static struct fixture disk = {
	"disk", make_disk, "root and loop devices", BP_BUILD_OVERWRITE, 1 << 20,
	.again = BP_BUILD_OVERWRITE, .overhead = true,
};

#endif

/* guard.c - what is asked before a device is written to, and when nothing is. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "tests/device.h"
#include "tests/fake.h"
#include "tests/tap.h"

/* A pool of partitions, on a device of this test. */
static struct bp_pool_def *disk_def(const char *name, const char *device)
{
	struct bp_pool_def *def = fake_def(name, "/dev");
	struct bp_pool_source *src = &def->source;

	mem_set(&def->type, "disk");
	array_add(src->devices, src->n_devices)->path = mem_dup(device);
	return def;
}

static int define(struct bp_store *s, const char *name, const char *device)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = disk_def(name, device);
	struct bp_error err = { 0 };

	return bp_pool_define(s, def, &err);
}

static struct bp_store *store_of_disks(unsigned caps)
{
	struct bp_store *s = fake_store(0);

	fake_backend.type = "disk";
	fake_backend.caps = caps;
	return s;
}

static const char *device(void)
{
	static const char *made;

	if (!made)
		made = device_make("disk", 1 << 20);
	return made;
}

#define NEEDS_DEVICE if (!device()) SKIP("needs root and loop devices")

/* Two pools, a and b, of one device: it was another when they were defined. */
static struct bp_store *store_with_conflict(unsigned caps)
{
	struct bp_store *s = store_of_disks(caps);
	auto_free char *link = mem_dup(tap_path("link"));

	(void)unlink(link);
	if (symlink("/dev/null", link) < 0 || define(s, "a", device()) < 0 ||
	    define(s, "b", link) < 0 || unlink(link) < 0 || symlink(device(), link) < 0)
		printf("# no two pools\n");
	return s;
}

TEST(a_type_that_writes_to_no_device_is_not_held_up)
{
	cleanup(bp_store_closep) struct bp_store *s = NULL;
	struct bp_error err = { 0 };

	NEEDS_DEVICE;
	s = store_with_conflict(0);
	CHECK(bp_pool_build(s, "b", 0, &err) == 0);
	CHECK(bp_pool_erase(s, "b", &err) == 0);
	SAME(did, "build erase ");
}

TEST(unless_a_flag_says_that_it_shall)
{
	cleanup(bp_store_closep) struct bp_store *s = NULL;
	struct bp_error a = { 0 }, b = { 0 };

	NEEDS_DEVICE;
	s = store_with_conflict(0);
	CHECK(bp_pool_build(s, "b", BP_BUILD_OVERWRITE, &a) == -1);
	CHECK(bp_pool_start(s, "b", BP_BUILD_NO_OVERWRITE, &b) == -1);
	SAME(did, "");
}

TEST(another_pools_device_is_refused_before_the_type_is_called)
{
	cleanup(bp_store_closep) struct bp_store *s = NULL;
	struct bp_error a = { 0 }, b = { 0 }, c = { 0 };

	NEEDS_DEVICE;
	s = store_with_conflict(BP_CAP_DEVICES | BP_CAP_PARTITIONS);
	CHECK(bp_pool_build(s, "b", 0, &a) == -1);
	CHECK(strstr(a.text, "is the source of pool 'a'"));
	SAME_N(a.code, BP_BUSY);
	SAME(a.part, "source/device");
	CHECK(bp_pool_erase(s, "b", &b) == -1);
	CHECK(strstr(b.text, "is the source of pool 'a'"));
	SAME(did, "");

	CHECK(bp_store_allow_device(s, device(), &c) == 0);
	CHECK(bp_pool_build(s, "b", 0, &c) == 0);
	CHECK(bp_store_allow_device(s, NULL, &c) == 0);
	CHECK(bp_pool_build(s, "b", 0, &c) == -1);
	SAME(did, "build ");
}

TEST(volumes_are_guarded_where_they_are_partitions)
{
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = bp_vol_spec_new();
	cleanup(bp_store_closep) struct bp_store *s = NULL;
	struct bp_error a = { 0 }, b = { 0 }, c = { 0 };

	NEEDS_DEVICE;
	s = store_with_conflict(BP_CAP_PARTITIONS);
	spec->name = mem_dup("v");
	spec->has_capacity = true;
	CHECK(bp_pool_start(s, "b", 0, &a) == 0);
	did[0] = '\0';
	CHECK(bp_vol_create(s, "b", spec, 0, NULL, &a) == -1);
	CHECK(strstr(a.text, "is the source of pool 'a'"));
	SAME(did, "open close ");
	fake_backend.caps = 0;
	CHECK(bp_vol_create(s, "b", spec, 0, NULL, &b) == 0);
	CHECK(bp_vol_create(s, "b", spec, 0, NULL, &c) == -1);
	SAME_N(c.code, BP_VOL_EXISTS);
}

TEST(only_a_block_device_can_be_allowed)
{
	cleanup(bp_store_closep) struct bp_store *s = fake_store(0);
	struct bp_error a = { 0 }, b = { 0 };

	CHECK(bp_store_allow_device(s, "/nosuch", &a) == -1);
	SAME_N(a.code, BP_SYSTEM);
	CHECK(bp_store_allow_device(s, "/dev/null", &b) == -1);
	SAME_N(b.code, BP_INVALID);
}

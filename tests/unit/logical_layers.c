/* logical_layers.c - volumes inside volumes, and groups that cannot be used, as LVM reports them.
 * layers.json is a report of Debian's LVM 2.03.16; vdo.json, which no kernel of Debian 12 can
 * make, was written after lvmvdo(7). */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/logical.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/tap.h"

static bool load(const char *name, struct vg *vg)
{
	auto_free char *path = mem_printf("tests/data/lvm/%s.json", name);
	struct bp_error err = { 0 };
	char *text = NULL;
	size_t len;

	return file_read(AT_FDCWD, path, 1 << 20, &text, &len, &err) == 0 &&
	       vg_read(text, vg, &err) == 0;
}

/* "/dev/sda:4-8 ", in extents of a megabyte. */
static bool lies_on(const struct vg *vg, const char *lv, const char *want)
{
	const struct vg_lv *found = vg_find(vg, lv);
	cleanup(text_done) struct text t = { 0 };
	struct bp_vol_extent *e;
	size_t n;

	if (!found)
		return false;
	lv_extents(vg, found, &e, &n);
	for (size_t i = 0; i < n; i++)
		text_addf(&t, "%s:%llu-%llu ", e[i].device + strlen("/dev/"),
			  (unsigned long long)(e[i].start / vg->extent_size),
			  (unsigned long long)(e[i].end / vg->extent_size));
	lv_extents_free(e, n);
	if (strcmp(t.s ? t.s : "", want) == 0)
		return true;
	printf("# %s is on %s\n", lv, t.s);
	return false;
}

TEST(every_kind_is_listed_and_none_of_its_parts)
{
	cleanup(text_done) struct text names = { 0 };
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(load("layers", &vg));
	for (size_t i = 0; i < vg.n_lvs; i++)
		if (lv_is_public(&vg.lvs[i]))
			text_addf(&names, "%s:%s%s ", vg.lvs[i].name, lv_kind(&vg, &vg.lvs[i]),
				  lv_is_active(&vg.lvs[i]) ? "" : ":inactive");
	SAME(names.s, "cc:cache cv:cache ext:linear lin:linear mir:mirror o:linear r0:raid0 "
		      "r1:raid1 r10:raid10 r5:raid5 ri:raid1 s1:snapshot str:striped sus:linear "
		      "th:thin ths:thin:inactive wc:writecache:inactive ");
}

TEST(extents_are_those_of_stripes_legs_and_origins)
{
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(load("layers", &vg));
	CHECK(lies_on(&vg, "lin", "sda:0-4 sda:91-92 "));
	CHECK(lies_on(&vg, "str", "sda:27-30 vda:23-26 vdb:10-13 "));
	CHECK(lies_on(&vg, "mir", "sda:9-13 vda:5-9 "));
	CHECK(lies_on(&vg, "r0", "sda:23-27 vda:19-23 "));
	CHECK(lies_on(&vg, "r1", "sda:5-9 vda:1-5 "));
	CHECK(lies_on(&vg, "r5", "sda:14-18 vda:10-14 vdb:1-5 "));
	CHECK(lies_on(&vg, "r10", "sda:19-23 vda:15-19 vdb:6-10 sdb:1-5 "));
	CHECK(lies_on(&vg, "ri", "sda:55-59 vda:27-31 "));
	CHECK(lies_on(&vg, "cc", "sda:30-38 "));
	CHECK(lies_on(&vg, "cv", "sda:46-54 "));
	CHECK(lies_on(&vg, "wc", "sda:38-46 "));
	CHECK(lies_on(&vg, "th", ""));
}

TEST(vdo_is_listed_and_its_pool_is_not)
{
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(load("vdo", &vg));
	CHECK(vg_find(&vg, "vdo0") && !vg_find(&vg, "vpool0"));
	SAME(lv_kind(&vg, vg_find(&vg, "vdo0")), "vdo");
	CHECK(lv_is_active(vg_find(&vg, "vdo0")));
	SAME_N(lv_capacity(&vg, vg_find(&vg, "vdo0")), 10ull << 30);
	CHECK(lies_on(&vg, "vdo0", "vda:0-1281 "));
}

/* A group of two devices; attributes, lock type, what is missing, what was said. */
static bool group(struct vg *vg, const char *attr, const char *lock, const char *missing,
		  const char *said)
{
	char *text = mem_printf("{\"report\":[{\"vg\":[{\"vg_name\":\"v\",\"vg_attr\":\"%s\","
				"\"vg_lock_type\":\"%s\",\"vg_missing_pv_count\":\"%d\"}],"
				"\"pv\":["
				"{\"pv_name\":\"/dev/sda\",\"pv_uuid\":\"A-1\"},"
				"{\"pv_name\":\"%s\",\"pv_uuid\":\"B-2\","
				"\"pv_missing\":\"%s\"}]}]}",
				attr, lock,
				*missing != 0, *missing ? "[unknown]" : "/dev/sdb", missing);
	struct bp_error err = { 0 };

	if (vg_read(text, vg, &err) < 0)
		return false;
	vg->said = mem_dup(said);
	return true;
}

static bool refused(const struct vg *vg, const char *const words[])
{
	struct bp_error err = { 0 };

	if (vg_check_to_change(vg, &err) == 0)
		return false;
	for (; *words; words++)
		if (!strstr(err.text, *words)) {
			printf("# no '%s' in: %s\n", *words, err.text);
			return false;
		}
	return true;
}

#define SAYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

TEST(a_sound_group_is_used)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error err = { 0 };

	CHECK(group(&vg, "wz--n-", "", "", ""));
	SAME_N(vg_check_to_change(&vg, &err), 0);
}

TEST(a_missing_device_is_named_as_it_was)
{
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(group(&vg, "wz-pn-", "", "missing", "  WARNING: VG v is missing PV B-2 (last written "
		    "to /dev/sdq).\n"));
	CHECK(refused(&vg, SAYS("'v' lacks 1 of its 2 devices: B-2, last seen as '/dev/sdq'",
				"vgreduce --removemissing v")));
}

TEST(both_of_a_device_that_is_there_twice_are_named)
{
	cleanup(vg_done) struct vg vg = { 0 }, other = { 0 };
	struct bp_error err = { 0 };

	CHECK(group(&vg, "wz--n-", "", "", "  WARNING: Not using device /dev/sdz for PV A-1.\n"));
	CHECK(refused(&vg, SAYS("'/dev/sda'", "'v'", "twice", "'/dev/sdz'",
				"vgimportclone /dev/sdz")));
	CHECK(group(&other, "wz--n-", "", "",
		    "  WARNING: Not using device /dev/sdz for PV C-3.\n"));
	SAME_N(vg_check(&other, &err), 0);
}

TEST(an_exported_group_is_told_with_its_devices)
{
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(group(&vg, "wzx-n-", "", "", ""));
	CHECK(refused(&vg, SAYS("'v' on '/dev/sda', '/dev/sdb' is exported", "vgimport v")));
}

TEST(a_shared_group_needs_lvmlockd_and_its_locks)
{
	cleanup(vg_done) struct vg none = { 0 }, idle = { 0 }, ready = { 0 };
	struct bp_error err = { 0 };

	CHECK(group(&none, "wz--ns", "sanlock", "",
		    "  WARNING: lvmlockd process is not running.\n"
		    "  Reading VG v without a lock.\n"));
	CHECK(refused(&none, SAYS("'v' on", "'sanlock'", "lvmlockd", "does not run")));
	CHECK(group(&idle, "wz--ns", "dlm", "", "  Reading VG v without a lock.\n"));
	SAME_N(vg_check(&idle, &err), 0);
	CHECK(!vg_has_locks(&idle));
	CHECK(refused(&idle, SAYS("'dlm'", "vgchange --lockstart")));
	CHECK(group(&ready, "wz--ns", "sanlock", "", ""));
	SAME_N(vg_check_to_change(&ready, &err), 0);
	CHECK(vg_has_locks(&ready));
}

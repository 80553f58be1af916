/* logical_report.c - LVM's reports, recorded and damaged, and what is made of them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/logical.h"
#include "backends/logical_report.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/tap.h"

#define KINDS "tests/data/lvm/kinds.json"
#define EMPTY "tests/data/lvm/empty.json"
#define FOUND "tests/data/lvm/found"

static char *recorded(const char *name)
{
	struct bp_error err = { 0 };
	char *text = NULL;
	size_t len;

	(void)file_read(AT_FDCWD, name, 1 << 20, &text, &len, &err);
	return text;
}

static bool load(const char *name, struct vg *vg)
{
	struct bp_error err = { 0 };
	char *text = recorded(name);

	return text && vg_read(text, vg, &err) == 0;
}

/* Rows, or -1. */
static int count(const char *json, struct bp_error *err)
{
	auto_free char *text = mem_dup(json);
	struct report_row row;
	struct report r;
	int n = 0, more;

	report_open(&r, text);
	while ((more = report_next(&r, &row, err)) > 0)
		n++;
	return more < 0 ? -1 : n;
}

TEST(a_group_is_read)
{
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(load(KINDS, &vg));
	SAME(vg.name, "vg0");
	SAME(vg.uuid, "GWmB1f-d4ah-JP8q-0JVx-Wn12-5hj3-Vi5iu6");
	SAME_N(vg.extent_size, 4 << 20);
	SAME_N(vg_number(vg.size), 1065353216);
	SAME_N(vg_number(vg.free), 729808896);
	SAME_N(vg.n_pvs, 2);
	SAME(vg.pvs[1].name, "/dev/vdb");
}

TEST(a_group_without_volumes_is_read)
{
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(load(EMPTY, &vg));
	SAME(vg.name, "vg1");
	SAME_N(vg.n_lvs, 0);
	SAME_N(vg.n_segs, 0);
}

TEST(parts_of_volumes_and_thin_pools_are_hidden)
{
	cleanup(text_done) struct text names = { 0 };
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(load(KINDS, &vg));
	for (size_t i = 0; i < vg.n_lvs; i++)
		if (lv_is_public(&vg.lvs[i]))
			text_addf(&names, "%s:%s%s ", vg.lvs[i].name, lv_kind(&vg, &vg.lvs[i]),
				  lv_is_active(&vg.lvs[i]) ? "" : ":inactive");
	SAME(names.s, "lin:linear linsnap:snapshot mir:mirror off:linear:inactive r1:raid1 "
		      "spars:sparse str:striped thin1:thin thinsnap:thin:inactive ");
	CHECK(!vg_find(&vg, "r1_rimage_0") && vg_find_hidden(&vg, "r1_rimage_0"));
	CHECK(!vg_find(&vg, "pool") && !vg_find(&vg, "nobody"));
}

TEST(a_snapshot_is_as_large_as_its_origin)
{
	cleanup(vg_done) struct vg vg = { 0 };

	CHECK(load(KINDS, &vg));
	SAME_N(lv_capacity(&vg, vg_find(&vg, "linsnap")), 64 << 20);
	SAME_N(lv_allocation(vg_find(&vg, "linsnap")), 16 << 20);
	SAME(lv_origin(&vg, vg_find(&vg, "linsnap"))->name, "lin");
	SAME_N(lv_capacity(&vg, vg_find(&vg, "spars")), 200 << 20);
	SAME_N(lv_allocation(vg_find(&vg, "spars")), 20 << 20);
	CHECK(!lv_origin(&vg, vg_find(&vg, "spars")));
	SAME_N(lv_capacity(&vg, vg_find(&vg, "thin1")), 1 << 30);
	SAME_N(lv_allocation(vg_find(&vg, "thin1")), 0);
	SAME(lv_origin(&vg, vg_find(&vg, "thinsnap"))->name, "thin1");
	CHECK(lv_is_skipped(vg_find(&vg, "thinsnap")));
}

static char *extents(const struct vg *vg, const char *lv)
{
	struct text t = { 0 };
	struct bp_vol_extent *e;
	size_t n;

	lv_extents(vg, vg_find(vg, lv), &e, &n);
	for (size_t i = 0; i < n; i++)
		text_addf(&t, "%s:%llu-%llu ", e[i].device,
			  (unsigned long long)(e[i].start >> 20),
			  (unsigned long long)(e[i].end >> 20));
	lv_extents_free(e, n);
	return text_steal(&t);
}

TEST(extents_are_told_for_each_stripe_and_leg)
{
	cleanup(vg_done) struct vg vg = { 0 };
	auto_free char *linear = NULL, *striped = NULL, *raid = NULL, *thin = NULL;

	CHECK(load(KINDS, &vg));
	linear = extents(&vg, "lin");
	SAME(linear, "/dev/vda:0-64 ");
	striped = extents(&vg, "str");
	SAME(striped, "/dev/vda:64-96 /dev/vdb:0-32 ");
	raid = extents(&vg, "r1");
	SAME(raid, "/dev/vda:116-132 /dev/vdb:56-72 ");
	thin = extents(&vg, "thin1");
	SAME(thin, "");
}

/* Each segment of "m" lies on both legs; so does what lies on itself, in no group of LVM's. */
TEST(extents_of_what_is_inside_are_told_once)
{
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error err = { 0 };
	auto_free char *told = NULL;
	char *text;

	text = mem_dup("{\"report\":[{\"vg\":[{\"vg_name\":\"v\",\"vg_extent_size\":\"4194304\"}],"
		       "\"lv\":[{\"lv_name\":\"m\"},{\"lv_name\":\"[a]\"},{\"lv_name\":\"[b]\"}],"
		       "\"seg\":["
		       "{\"lv_name\":\"m\",\"seg_pe_ranges\":\"a:0-3 b:0-3\"},"
		       "{\"lv_name\":\"m\",\"seg_pe_ranges\":\"a:4-7 b:4-7\"},"
		       "{\"lv_name\":\"[a]\",\"seg_pe_ranges\":\"/dev/vda:0-7\"},"
		       "{\"lv_name\":\"[b]\",\"seg_pe_ranges\":\"/dev/vdb:0-7 b:0-7\"}]}]}");
	CHECK(vg_read(text, &vg, &err) == 0);
	told = extents(&vg, "m");
	SAME(told, "/dev/vda:0-32 /dev/vdb:0-32 ");
}

TEST(escapes_are_undone)
{
	auto_free char *text = mem_dup("{\"report\":[{\"lv\":[{\"a\":"
				       "\"\\\"\\\\\\/\\n\\u00e9\\u20ac\"}]}]}");
	struct bp_error err = { 0 };
	struct report_row row;
	struct report r;

	report_open(&r, text);
	SAME_N(report_next(&r, &row, &err), 1);
	SAME(row.section, "lv");
	SAME(report_value(&row, "a"), "\"\\/\n\xc3\xa9\xe2\x82\xac");
	CHECK(!report_value(&row, "b"));
	SAME_N(report_next(&r, &row, &err), 0);
}

TEST(rows_of_a_log_are_passed_over)
{
	struct bp_error err = { 0 };

	SAME_N(count("{\"report\":[{\"vg\":[{\"vg_name\":\"v\"}]}],"
		     "\"log\":[{\"log_seq_num\":\"1\",\"log_type\":\"status\"}]}", &err), 1);
}

TEST(what_is_no_report_is_refused)
{
	static const char *const bad[] = {
		"", "[]", "{", "{\"report\"}", "{\"report\":[}", "{\"report\":[{\"lv\":[{]}]}",
		"{\"report\":[{\"lv\":[{\"a\":1}]}]}", "{\"report\":[{\"lv\":[{\"a\":\"\\x\"}]}]}",
		"{\"report\":[{\"lv\":[{\"a\":\"\\ud800\"}]}]}", "{\"report\":[{\"lv\":[{\"a\":\"",
		"{\"report\":[]} more", "{\"report\":[{\"lv\":[{\"a\":\"\\u0000\"}]}]}",
	};

	for (size_t i = 0; i < array_size(bad); i++) {
		struct bp_error err = { 0 };

		SAME_N(count(bad[i], &err), -1);
		SAME_N(err.code, BP_CORRUPT);
	}
}

TEST(a_row_of_very_many_fields_is_refused)
{
	cleanup(text_done) struct text t = { 0 };
	struct bp_error err = { 0 };

	text_add(&t, "{\"report\":[{\"lv\":[{");
	for (int i = 0; i <= REPORT_FIELDS; i++)
		text_addf(&t, "%s\"f%d\":\"\"", i ? "," : "", i);
	text_add(&t, "}]}]}");
	SAME_N(count(t.s, &err), -1);
}

/* Cut at every byte, and with every byte changed: refused or read, never worse. */
TEST(damaged_reports_do_no_harm)
{
	auto_free char *whole = recorded(KINDS);
	size_t len = whole ? strlen(whole) : 0;

	CHECK(len > 1000);
	for (size_t i = 0; i < len; i += 7) {
		cleanup(vg_done) struct vg cut = { 0 }, changed = { 0 };
		struct bp_error err = { 0 }, other = { 0 };
		char *text = mem_dup(whole);

		(void)vg_read(mem_dup_n(whole, i), &cut, &err);
		text[i] = "\"}]\\:,[{x"[i % 9];
		if (vg_read(text, &changed, &other) == 0)
			for (size_t j = 0; j < changed.n_lvs; j++)
				(void)lv_capacity(&changed, &changed.lvs[j]);
	}
}

/* 16 MiB: 4,096 chunks, of which one is a header and 16 are notes; two more are kept
 * for the ends of what is written. */
TEST(a_snapshot_is_not_written_beyond_its_space)
{
	const uint64_t room = (4096 - 1 - 16 - 2) * 4096;
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error err = { 0 }, other = { 0 };

	CHECK(load(KINDS, &vg));
	SAME_N(vg_room(&vg, "linsnap", room, &err), 0);
	SAME_N(vg_room(&vg, "linsnap", room + 1, &err), -1);
	CHECK(strstr(err.text, "'linsnap'") && !strstr(err.text, "origin"));
	SAME_N(vg_room(&vg, "lin", room, &other), 0);
	SAME_N(vg_room(&vg, "lin", room + 1, &other), -1);
	CHECK(strstr(other.text, "'linsnap'") && strstr(other.text, "its origin 'lin'"));
}

TEST(a_snapshot_in_which_all_may_change_is_written_at_will)
{
	const uint64_t capacity = 64 << 20;
	auto_free char *size = NULL;
	cleanup(vg_done) struct vg vg = { 0 };
	struct bp_error err = { 0 };
	struct vg_lv *lv;

	CHECK(load(KINDS, &vg));
	lv = (struct vg_lv *)vg_find(&vg, "linsnap");
	CHECK(lv && lv_capacity(&vg, lv) == capacity);
	size = mem_printf("%llu", (unsigned long long)snapshot_size(capacity));
	lv->size = size;
	SAME_N(vg_room(&vg, "linsnap", UINT64_MAX, &err), 0);
	SAME_N(vg_room(&vg, "lin", UINT64_MAX, &err), 0);
}

/* What the hunt of tests/fuzz has found its way with, one after the other, each ended by
 * a zero. */
TEST(strange_reports_do_no_harm)
{
	auto_free char *all = NULL;
	struct bp_error no = { 0 };
	size_t len, n = 0;

	CHECK(file_read(AT_FDCWD, FOUND, 1 << 20, &all, &len, &no) == 0);
	for (size_t at = 0; at < len; at += strlen(all + at) + 1, n++) {
		cleanup(vg_done) struct vg vg = { 0 };
		struct bp_error err = { 0 };

		if (vg_read(mem_dup(all + at), &vg, &err) < 0)
			continue;
		for (size_t i = 0; i < vg.n_lvs; i++) {
			struct bp_vol_extent *extents;
			size_t many;

			(void)lv_capacity(&vg, &vg.lvs[i]);
			(void)lv_allocation(&vg.lvs[i]);
			lv_extents(&vg, &vg.lvs[i], &extents, &many);
			lv_extents_free(extents, many);
		}
	}
	CHECK(n > 100);
}

TEST(names_are_those_lvm_takes)
{
	static const char *const good[] = { "a", "vm-1_disk+x.2", "0" };
	static const char *const bad[] = {
		"", "-a", ".", "..", "a b", "a/b", "@tag", "a'b", "\xc3\xa9",
	};

	for (size_t i = 0; i < array_size(good); i++)
		CHECK(lvm_is_name(good[i]));
	for (size_t i = 0; i < array_size(bad); i++)
		CHECK(!lvm_is_name(bad[i]));
}

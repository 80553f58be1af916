/* logical_plain.c - what LVM would report of a group, from what it has written of it.
 *
 * Only of a group that LVM has reported before: which devices are its, what they are
 * called here and that they may be used was told then.  And only if there is nothing to
 * it but plain space: then a report has no more in it than the text on the devices.  What
 * is not known here is for LVM to tell of.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "backends/logical.h"
#include "backends/logical_text.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define SECTOR 512u

struct plain {
	const struct vg *before;
	struct lvm_text text;
	size_t devices;			/* their section */
	uint64_t extent;		/* bytes */
	uint64_t all, used;		/* extents */
	struct text pvs, lvs, segs;	/* rows */
};

static void plain_done(struct plain *p)
{
	lvm_text_done(&p->text);
	text_done(&p->pvs);
	text_done(&p->lvs);
	text_done(&p->segs);
}

/* ---- what may be there ------------------------------------------------------------------ */

static bool is_among(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* Nothing has another name than these; sections may be there if it has them. */
static bool has_only(const struct plain *p, size_t in, const char *const *names, bool sections)
{
	for (size_t at = 0; (at = lvm_next(&p->text, in, at)) != 0;)
		if (!(sections && p->text.nodes[at].kind == LVM_SECTION) &&
		    !is_among(p->text.nodes[at].name, names))
			return false;
	return true;
}

/* Is this a list of some of these words? */
static bool lists_only(const struct plain *p, size_t in, const char *list, const char *const *words)
{
	size_t of = lvm_child(&p->text, in, list);

	if (!of || p->text.nodes[of].kind != LVM_LIST)
		return false;
	for (size_t at = 0; (at = lvm_next(&p->text, of, at)) != 0;)
		if (p->text.nodes[at].kind != LVM_STRING ||
		    !is_among(p->text.nodes[at].value, words))
			return false;
	return true;
}

static bool lists(const struct plain *p, size_t in, const char *list, const char *word)
{
	size_t of = lvm_child(&p->text, in, list);

	for (size_t at = 0; of && (at = lvm_next(&p->text, of, at)) != 0;)
		if (strcmp(p->text.nodes[at].value, word) == 0)
			return true;
	return false;
}

static bool number(const struct plain *p, size_t in, const char *name, uint64_t *ret)
{
	const char *value = lvm_value(&p->text, in, name);

	return value && parse_number(value, 10, ret) && *ret <= UINT32_MAX;
}

static bool is(const struct plain *p, size_t in, const char *name, const char *value)
{
	const char *has = lvm_value(&p->text, in, name);

	return has && strcmp(has, value) == 0;
}

static const char *const nothing[] = { NULL };

/* ---- rows of a report ------------------------------------------------------------------- */

/* Names and values in turns, ended with NULL; false: one could not stand there. */
static bool add_row(struct text *to, const char *const fields[])
{
	text_add(to, to->len ? ",\n{" : "{");
	for (; fields[0]; fields += 2) {
		if (!fields[1] || strpbrk(fields[1], "\"\\") || has_control_chars(fields[1]))
			return false;
		text_add(to, "\"");
		text_add(to, fields[0]);
		text_add(to, "\":\"");
		text_add(to, fields[1]);
		text_add(to, fields[2] ? "\", " : "\"");
	}
	text_add(to, "}");
	return true;
}

/* The device as LVM calls it. */
static const char *device_name(const struct plain *p, const char *pv)
{
	size_t at = lvm_child(&p->text, p->devices, pv);
	const char *uuid = at ? lvm_value(&p->text, at, "id") : NULL;

	for (size_t i = 0; uuid && i < p->before->n_pvs; i++)
		if (strcmp(p->before->pvs[i].uuid, uuid) == 0)
			return p->before->pvs[i].name;
	return NULL;
}

static bool add_device(struct plain *p, size_t at)
{
	static const char *const known[] = {
		"id", "device", "device_id", "device_id_type", "status", "flags", "dev_size",
		"pe_start", "pe_count", "tags", NULL
	};
	static const char *const states[] = { "ALLOCATABLE", NULL };
	uint64_t extents;

	if (!has_only(p, at, known, false) || !lists_only(p, at, "flags", nothing) ||
	    !lists_only(p, at, "status", states) || !lists(p, at, "status", states[0]) ||
	    !number(p, at, "pe_count", &extents))
		return false;
	p->all += extents;
	return add_row(&p->pvs, (const char *const[]){
		"pv_name", device_name(p, p->text.nodes[at].name),
		"pv_uuid", lvm_value(&p->text, at, "id"),
		"pv_missing", "", "pv_duplicate", "", NULL, NULL });
}

static bool add_devices(struct plain *p, size_t group)
{
	size_t n = 0;

	p->devices = lvm_child(&p->text, group, "physical_volumes");
	for (size_t at = 0; p->devices && (at = lvm_next(&p->text, p->devices, at)) != 0; n++)
		if (p->text.nodes[at].kind != LVM_SECTION || !add_device(p, at))
			return false;
	return n == p->before->n_pvs;
}

/* "/dev/sda:0-15 /dev/sdb:0-15": so many extents on each. */
static bool add_stripes(const struct plain *p, size_t seg, uint64_t stripes, uint64_t extents,
			struct text *to)
{
	size_t list = lvm_child(&p->text, seg, "stripes");
	uint64_t first, n = 0;

	for (size_t at = 0; list && (at = lvm_next(&p->text, list, at)) != 0; n++) {
		const char *device = p->text.nodes[at].kind == LVM_STRING ?
				     device_name(p, p->text.nodes[at].value) : NULL;

		at = lvm_next(&p->text, list, at);
		if (!device || !at || !parse_number(p->text.nodes[at].value, 10, &first) ||
		    first > UINT32_MAX)
			return false;
		text_addf(to, "%s%s:%" PRIu64 "-%" PRIu64, n ? " " : "", device, first,
			  first + extents - 1);
	}
	return n == stripes;
}

static const char *layout(uint64_t stripes)
{
	return stripes == 1 ? "linear" : "striped";
}

/* What begins where the one before has ended; as many stripes as that, in words. */
static bool add_segment(struct plain *p, const char *lv, size_t seg, uint64_t *end,
			const char **kind)
{
	static const char *const known[] = {
		"start_extent", "extent_count", "type", "stripe_count", "stripe_size", "stripes",
		NULL
	};
	cleanup(text_done) struct text ranges = { 0 };
	uint64_t start, count, stripes;

	if (!has_only(p, seg, known, false) || !is(p, seg, "type", "striped") ||
	    !number(p, seg, "start_extent", &start) || !number(p, seg, "extent_count", &count) ||
	    !number(p, seg, "stripe_count", &stripes) || start != *end || !count || !stripes ||
	    count % stripes || (*kind && strcmp(*kind, layout(stripes)) != 0) ||
	    !add_stripes(p, seg, stripes, count / stripes, &ranges))
		return false;
	*kind = layout(stripes);
	*end += count;
	return add_row(&p->segs, (const char *const[]){
		"lv_name", lv, "segtype", *kind, "seg_pe_ranges", ranges.s, "chunk_size", "0",
		NULL, NULL });
}

/* LVM's order of tags is not known here: so one, or none. */
static const char *tag(const struct plain *p, size_t lv)
{
	size_t list = lvm_child(&p->text, lv, "tags");
	size_t first = list ? lvm_next(&p->text, list, 0) : 0;

	if (!first)
		return list && p->text.nodes[list].kind != LVM_LIST ? NULL : "";
	return lvm_next(&p->text, list, first) ? NULL : p->text.nodes[first].value;
}

static bool check_volume(const struct plain *p, size_t lv)
{
	static const char *const known[] = {
		"id", "status", "flags", "tags", "creation_time", "creation_host", "segment_count",
		NULL
	};
	static const char *const states[] = { "READ", "WRITE", "VISIBLE", NULL };

	return p->text.nodes[lv].kind == LVM_SECTION && has_only(p, lv, known, true) &&
	       lists_only(p, lv, "flags", nothing) && lists_only(p, lv, "status", states) &&
	       lists(p, lv, "status", "READ") && lists(p, lv, "status", "VISIBLE");
}

static bool add_volume(struct plain *p, size_t lv)
{
	const char *name = p->text.nodes[lv].name, *kind = NULL;
	uint64_t end = 0, n = 0, count, bytes;
	auto_free char *size = NULL;

	if (!check_volume(p, lv) || !number(p, lv, "segment_count", &count))
		return false;
	for (size_t at = 0; (at = lvm_next(&p->text, lv, at)) != 0;)
		if (p->text.nodes[at].kind == LVM_SECTION) {
			if (!add_segment(p, name, at, &end, &kind))
				return false;
			n++;
		}
	if (!n || n != count || __builtin_mul_overflow(end, p->extent, &bytes))
		return false;
	p->used += end;
	size = mem_printf("%" PRIu64, bytes);
	return add_row(&p->lvs, (const char *const[]){
		"lv_name", name, "lv_uuid", lvm_value(&p->text, lv, "id"),
		"lv_attr", lists(p, lv, "status", "WRITE") ? "-wi-------" : "-ri-------",
		"lv_layout", kind, "lv_role", "public", "lv_size", size, "origin", "",
		"pool_lv", "", "lv_tags", tag(p, lv), "data_percent", "", "metadata_percent", "",
		"lv_metadata_size", "", "lv_health_status", "", "lv_check_needed", "unknown",
		NULL, NULL });
}

static bool add_volumes(struct plain *p, size_t group)
{
	size_t volumes = lvm_child(&p->text, group, "logical_volumes");

	for (size_t at = 0; volumes && (at = lvm_next(&p->text, volumes, at)) != 0;)
		if (!add_volume(p, at))
			return false;
	return true;
}

static bool check_group(struct plain *p, size_t group)
{
	static const char *const known[] = {
		"id", "seqno", "format", "status", "flags", "extent_size", "max_lv", "max_pv",
		"metadata_copies", "tags", "physical_volumes", "logical_volumes", NULL
	};
	static const char *const states[] = { "RESIZEABLE", "READ", "WRITE", NULL };
	uint64_t sectors;

	if (!is(p, 0, "version", "1") || !is(p, group, "id", p->before->uuid) ||
	    !is(p, group, "format", "lvm2") || !has_only(p, group, known, false) ||
	    !lists_only(p, group, "flags", nothing) || !lists_only(p, group, "status", states) ||
	    !number(p, group, "extent_size", &sectors) || !sectors)
		return false;
	for (const char *const *state = states; *state; state++)
		if (!lists(p, group, "status", *state))
			return false;
	p->extent = sectors * SECTOR;
	return true;
}

static bool add_group(struct plain *p, size_t group, struct text *to)
{
	auto_free char *extent = mem_printf("%" PRIu64, p->extent);
	auto_free char *size = NULL, *available = NULL;
	uint64_t all, unused;

	if (p->used > p->all || __builtin_mul_overflow(p->all, p->extent, &all) ||
	    __builtin_mul_overflow(p->all - p->used, p->extent, &unused))
		return false;
	size = mem_printf("%" PRIu64, all);
	available = mem_printf("%" PRIu64, unused);
	return add_row(to, (const char *const[]){
		"vg_name", p->before->name, "vg_uuid", p->before->uuid, "vg_attr", "wz--n-",
		"vg_extent_size", extent, "vg_size", size, "vg_free", available,
		"vg_missing_pv_count", "0", "vg_lock_type", "", "vg_systemid", "",
		"vg_seqno", lvm_value(&p->text, group, "seqno"), NULL, NULL });
}

char *plain_report(const struct vg *before, char *text)
{
	cleanup(plain_done) struct plain p = { .before = before };
	cleanup(text_done) struct text vg = { 0 };
	struct text all = { 0 };
	size_t group;

	if (!lvm_text_read(text, &p.text))
		return NULL;
	group = lvm_child(&p.text, 0, before->name);
	if (!group || !check_group(&p, group) || !add_devices(&p, group) ||
	    !add_volumes(&p, group) || !add_group(&p, group, &vg))
		return NULL;
	text_addf(&all, "{\"report\": [\n{\"vg\": [\n%s\n],\n\"pv\": [\n%s\n],\n\"lv\": [\n%s\n],\n"
		  "\"seg\": [\n%s\n]}\n]}\n", vg.s, p.pvs.s, p.lvs.s ? p.lvs.s : "",
		  p.segs.s ? p.segs.s : "");
	return text_steal(&all);
}

/* logical_vg.c - a volume group, read from LVM's report. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "backends/logical.h"
#include "backends/logical_report.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* Which field of the report goes where; the options of the command are made of it. */
struct field {
	const char *name;
	size_t at;
};

#define AT(member) offsetof(struct vg, member)
static const struct field vg_fields[] = {
	{ "vg_name", AT(name) }, { "vg_uuid", AT(uuid) }, { "vg_attr", AT(attr) },
	{ "vg_extent_size", AT(extent) }, { "vg_size", AT(size) }, { "vg_free", AT(free) },
	{ "vg_missing_pv_count", AT(missing) }, { "vg_lock_type", AT(lock_type) },
	{ "vg_systemid", AT(system_id) }, { "vg_seqno", AT(seqno) },
	{ NULL, 0 }
};
#undef AT
#define AT(member) offsetof(struct vg_pv, member)
static const struct field pv_fields[] = {
	{ "pv_name", AT(name) }, { "pv_uuid", AT(uuid) }, { "pv_missing", AT(missing) },
	{ "pv_duplicate", AT(duplicate) },
	{ NULL, 0 }
};
#undef AT
#define AT(member) offsetof(struct vg_lv, member)
static const struct field lv_fields[] = {
	{ "lv_name", AT(name) }, { "lv_uuid", AT(uuid) }, { "lv_attr", AT(attr) },
	{ "lv_layout", AT(layout) }, { "lv_role", AT(role) }, { "lv_size", AT(size) },
	{ "origin", AT(origin) }, { "pool_lv", AT(pool) }, { "lv_tags", AT(tags) },
	{ "data_percent", AT(data_percent) }, { "metadata_percent", AT(metadata_percent) },
	{ "lv_metadata_size", AT(metadata_size) }, { "lv_health_status", AT(health) },
	{ "lv_check_needed", AT(check_needed) },
	{ NULL, 0 }
};
#undef AT
#define AT(member) offsetof(struct vg_seg, member)
static const struct field seg_fields[] = {
	{ "lv_name", AT(lv) }, { "segtype", AT(type) }, { "seg_pe_ranges", AT(ranges) },
	{ "chunk_size", AT(chunk) },
	{ NULL, 0 }
};
#undef AT

/* Words of the command for each VG_*. */
static const struct {
	unsigned how;
	const char *const words[3];
} ways[] = {
	{ VG_EVERYWHERE, { "--nohints" } },
	{ VG_OF_OTHERS,	 { "--foreign", "--shared" } },
	{ VG_UNLISTED,	 { "--config", LVM_ALL_DEVICES } },
};

static char *field_list(const struct field *fields)
{
	struct text t = { 0 };

	for (; fields->name; fields++)
		text_addf(&t, "%s%s", t.len ? "," : "", fields->name);
	return text_steal(&t);
}

static void take_fields(void *to, const struct field *fields, const struct report_row *row)
{
	for (; fields->name; fields++) {
		const char *value = report_value(row, fields->name);

		memcpy((char *)to + fields->at, &(const char *){ value ? value : "" },
		       sizeof value);
	}
}

static void take_row(struct vg *vg, const struct report_row *row)
{
	if (strcmp(row->section, "vg") == 0) {
		take_fields(vg, vg_fields, row);
		if (report_value(row, "pv_name"))	/* one for each of its devices */
			take_fields(array_add(vg->pvs, vg->n_pvs), pv_fields, row);
	} else if (strcmp(row->section, "pv") == 0)
		take_fields(array_add(vg->pvs, vg->n_pvs), pv_fields, row);
	else if (strcmp(row->section, "lv") == 0)
		take_fields(array_add(vg->lvs, vg->n_lvs), lv_fields, row);
	else if (strcmp(row->section, "seg") == 0)
		take_fields(array_add(vg->segs, vg->n_segs), seg_fields, row);
}

static int by_volume(const void *a, const void *b)
{
	const struct vg_seg *x = a, *y = b;
	int order = strcmp(x->lv, y->lv);

	/* of one volume: as reported, which is their order in it */
	return order ? order : x < y ? -1 : x > y;
}

static int by_device(const void *a, const void *b)
{
	return strcmp(((const struct vg_pv *)a)->name, ((const struct vg_pv *)b)->name);
}

static int read_rows(struct vg *vg, struct bp_error *err)
{
	struct report_row row;
	struct report report;
	int r;

	report_open(&report, vg->text);
	while ((r = report_next(&report, &row, err)) > 0)
		take_row(vg, &row);
	return r;
}

int vg_read(char *text, struct vg *ret, struct bp_error *err)
{
	cleanup(vg_done) struct vg vg = { .text = text };

	if (read_rows(&vg, err) < 0)
		return -1;
	if (!vg.name || !*vg.name)
		return bp_fail(err, BP_CONFIG, "LVM reports no volume group");
	vg.extent_size = vg_number(vg.extent);
	if (vg.segs)
		qsort(vg.segs, vg.n_segs, sizeof *vg.segs, by_volume);
	if (vg.pvs)		/* not every report has them so */
		qsort(vg.pvs, vg.n_pvs, sizeof *vg.pvs, by_device);
	vg_settle(&vg);
	*ret = vg;
	vg = (struct vg){ 0 };
	return 0;
}

int vg_check_name(const char *name, struct bp_error *err)
{
	return lvm_is_name(name) ? 0 :
	       bp_fail(err, BP_INVALID, "'%s' is no name for a volume group: it may have "
		       "letters, digits and +_.-, and begins with no '-'%s", name,
		       strchr(name, '/') ? "; a thin pool in it is named beside it, in "
		       "<barepool:thin> (--thin-pool)" : "");
}

/* One command for all of it: what LVM takes its time for is to look at the devices. */
static int ask(const char *name, unsigned how, struct text *ret_out, struct text *ret_said,
	       struct bp_error *err)
{
	auto_free char *vgs = field_list(vg_fields), *pvs = field_list(pv_fields),
		       *lvs = field_list(lv_fields), *segs = field_list(seg_fields),
		       *both = mem_printf("%s,%s", vgs, pvs);
	const char *const all[] = {
		"fullreport", "--all", "--reportformat", "json", "--units", "b", "--nosuffix",
		"--configreport", "vg", "-o", vgs, "--configreport", "pv", "-o", pvs,
		"--configreport", "lv", "-o", lvs, "--configreport", "seg", "-o", segs,
		"--configreport", "pvseg", "-o", "pv_name", "-S", "pv_name=none", name, NULL
	};
	const char *const alone[] = {
		"vgs", "--reportformat", "json", "--units", "b", "--nosuffix",
		"-o", both, name, NULL
	};
	const char *argv[LVM_ARGS] = { NULL };
	size_t n = 0;

	for (const char *const *word = how & VG_ALONE ? alone : all; *word; word++)
		argv[n++] = *word;
	for (size_t i = 0; i < array_size(ways); i++)
		for (const char *const *word = ways[i].words; how & ways[i].how && *word; word++)
			argv[n++] = *word;
	return lvm_run_heard(argv, ret_out, ret_said, err);
}

/* What LVM would report again is taken from what it has reported before. */
int vg_look(const char *name, unsigned how, struct vg *ret, struct bp_error *err)
{
	bool lasts = !(how & ~(VG_EVERYWHERE | VG_NAMES));
	cleanup(text_done) struct text out = { 0 }, said = { 0 };
	auto_free char *around = NULL, *report = NULL;

	if (vg_check_name(name, err) < 0)
		return -1;
	if (seen_look(name, how, ret))
		return 0;
	around = lasts ? seen_around() : NULL;
	if (ask(name, how, &out, &said, err) < 0)
		return -1;
	report = lasts ? mem_dup(out.s) : NULL;
	if (vg_read(text_steal(&out), ret, err) < 0)
		return -1;
	ret->said = text_steal(&said);
	if (report)
		seen_keep(ret, report, around);
	return 0;
}

int vg_load(const char *name, struct vg *ret, struct bp_error *err)
{
	return vg_look(name, 0, ret, err) < 0 ? vg_explain(name, err) : 0;
}

int vg_load_names(const char *name, struct vg *ret, struct bp_error *err)
{
	return vg_look(name, VG_NAMES, ret, err) < 0 ? vg_explain(name, err) : 0;
}

void vg_done(struct vg *vg)
{
	free(vg->text);
	free(vg->said);
	free(vg->pvs);
	free(vg->lvs);
	free(vg->segs);
	*vg = (struct vg){ 0 };
}

uint64_t vg_number(const char *s)
{
	uint64_t n;

	return s && parse_number(s, 10, &n) ? n : 0;
}

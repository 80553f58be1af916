/* volume_show.c - vol-* commands that look at one volume, or at all of a pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/table.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "xml/xml.h"

/* ---- vol-list ----------------------------------------------------------- */

struct list {
	const char *pool;
	bool details;
};

static const struct option_row list_options[] = {
#define AT(m) offsetof(struct list, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "details", OPT_FLAG, 0, AT(details), "display extended details for volumes",
	  COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static const struct column list_columns[] = {
	{ "Name", "name", COLUMN_TEXT, false },
	{ "Path", "path", COLUMN_TEXT, false },
	{ "Key", "key", COLUMN_TEXT, true },
	{ "Type", "type", COLUMN_TEXT, true },
};

/* Shown where there is something to say: of kinds the first volume tells, and only
 * what comes last can be left out in the end. */
enum { DETAILS_KIND = 10, DETAILS_PROBLEM = 12 };

static const struct column details_columns[] = {
	{ "Name", "name", COLUMN_TEXT, false },
	{ "Path", "path", COLUMN_TEXT, false },
	{ "Key", "key", COLUMN_TEXT, true },
	{ "Type", "type", COLUMN_TEXT, false },
	{ "Capacity", "capacity", COLUMN_SIZE, false },
	{ "Allocation", "allocation", COLUMN_SIZE, false },
	{ "Physical", "physical", COLUMN_SIZE, true },
	{ "Format", "format", COLUMN_TEXT, true },
	{ "Backing", "backing", COLUMN_TEXT, true },
	{ "Data", "data", COLUMN_TEXT, true },
	{ "Kind", "kind", COLUMN_TEXT, true },
	{ "State", "state", COLUMN_TEXT, true },
	{ "Problem", "problem", COLUMN_TEXT, true },
};

/* Where a volume is a device, which is there or not. */
static const char *state_of(const struct bp_vol_info *v)
{
	return !v->kind ? NULL : v->inactive ? "inactive" : "active";
}

/* What people read: "thin, inactive".  The caller frees. */
static char *kind_of(const struct bp_vol_info *v, bool json)
{
	return v->kind && v->inactive && !json ? mem_printf("%s, inactive", v->kind) :
	       mem_dup(v->kind);
}

static void add_volume(struct cli *cli, struct table *t, const struct bp_vol_info *v,
		       bool details)
{
	bool sized = v->got & BP_VOL_SIZE, json = cli->format == FORMAT_JSON;
	auto_free char *kind = kind_of(v, json);
	const struct cell cells[array_size(details_columns)] = {
		cell_text(v->name),
		cell_text(v->path),
		cell_text(v->key),
		cell_text(!details || sized ? bp_vol_type_word(v->type) : NULL),
		cell_size(sized, v->capacity),
		cell_size(sized, v->allocation),
		cell_size(sized, v->physical),
		cell_text(v->format),
		cell_text(v->backing ? v->backing->path : NULL),
		cell_text(v->data_store ? v->data_store->path : NULL),
		cell_text(kind || json ? kind : "-"),
		cell_text(state_of(v)),
		cell_text(v->problem || json ? v->problem : "-"),
	};

	table_add(cli, t, cells);
}

static int vol_list(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct list *a = args;
	unsigned want = BP_VOL_NAME | BP_VOL_PATH | (a->details ? BP_VOL_SIZE | BP_VOL_FORMAT : 0);
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;
	struct column details[array_size(details_columns)];
	cleanup(table_done) struct table t = {
		.columns = a->details ? details : list_columns,
		.n_columns = a->details ? array_size(details) : array_size(list_columns),
		.unknown = "unknown",
	};
	auto_free char *name = NULL;
	bool any_problem = false;
	struct bp_vol_info v;
	int r;

	memcpy(details, details_columns, sizeof details);
	details[DETAILS_PROBLEM].extra = cli->virsh;
	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &name, err) < 0)
		return -1;
	r = bp_vols_open(cli->store, name, want, &it, err);
	while (r >= 0 && (r = bp_vols_next(it, &v, err)) > 0) {
		if (!t.n_rows)
			details[DETAILS_KIND].extra = cli->virsh || !v.kind;
		add_volume(cli, &t, &v, a->details);
		any_problem = any_problem || v.problem;
	}
	if (r < 0) {
		hint_start(cli, name, err);
		return cli_failed(cli, "Failed to list volumes");
	}
	details[DETAILS_PROBLEM].extra = cli->virsh || !any_problem;
	table_sort(&t);
	table_print(cli, &t);
	return 0;
}

const struct command cmd_vol_list = {
	"vol-list", "list vols",
	"Returns list of vols by pool.",
	"vol-list default --details",
	list_options, sizeof(struct list), vol_list, COMMAND_FIRST, NULL
};

/* ---- vol-info ----------------------------------------------------------- */

struct info {
	const char *vol, *pool;
	bool bytes, physical;
};

static const struct option_row info_options[] = {
#define AT(m) offsetof(struct info, m)
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "bytes", OPT_FLAG, 0, AT(bytes),
	  "sizes are represented in bytes rather than pretty units", COMPLETE_NOTHING },
	{ "physical", OPT_FLAG, 0, AT(physical),
	  "return the physical size of the volume in allocation field", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static const struct column info_columns[] = {
	{ "Name", "name", COLUMN_TEXT, false },
	{ "Type", "type", COLUMN_TEXT, false },
	{ "Capacity", "capacity", COLUMN_SIZE, false },
	{ "Allocation", "allocation", COLUMN_SIZE, false },
	{ "Physical", "physical", COLUMN_SIZE, false },
	{ "Pool", "pool", COLUMN_TEXT, true },
	{ "Path", "path", COLUMN_TEXT, true },
	{ "Key", "key", COLUMN_TEXT, true },
	{ "Format", "format", COLUMN_TEXT, true },
	{ "Backing", "backing", COLUMN_TEXT, true },
	{ "Data", "data", COLUMN_TEXT, false },
	{ "Kind", "kind", COLUMN_TEXT, false },
	{ "State", "state", COLUMN_TEXT, true },
	{ "Problem", "problem", COLUMN_TEXT, false },
};

static int vol_info(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct info *a = args;
	unsigned want = BP_VOL_PATH | BP_VOL_SIZE | BP_VOL_FORMAT;
	cleanup(bp_vol_info_freep) struct bp_vol_info *v = NULL;
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0 ||
	    bp_vol_info(cli->store, pool, vol, want, &v, err) < 0)
		return -1;

	bool sized = v->got & BP_VOL_SIZE, json = cli->format == FORMAT_JSON;
	auto_free char *kind = kind_of(v, json);
	const struct cell cells[array_size(info_columns)] = {
		cell_text(v->name),
		cell_text(bp_vol_type_word(v->type)),
		cell_size(sized, v->capacity),
		cell_size(sized && (json || !a->physical), v->allocation),
		cell_size(sized && (json || a->physical), v->physical),
		cell_text(pool),
		cell_text(v->path),
		cell_text(v->key),
		cell_text(v->format),
		cell_text(v->backing ? v->backing->path : NULL),
		cell_text(v->data_store && !cli->virsh ? v->data_store->path : NULL),
		cell_text(cli->virsh ? NULL : kind),
		cell_text(state_of(v)),
		cell_text(cli->virsh ? NULL : v->problem),
	};

	record_print(cli, info_columns, array_size(info_columns), cells,
		     a->bytes ? SIZES_NAMED : SIZES_PRETTY);
	return 0;
}

const struct command cmd_vol_info = {
	"vol-info", "storage vol information",
	"Returns basic information about the storage vol.",
	"vol-info disk1 default",
	info_options, sizeof(struct info), vol_info, COMMAND_FIRST, NULL
};

/* ---- vol-dumpxml -------------------------------------------------------- */

struct dumpxml {
	const char *vol, *pool, *xpath;
	bool wrap;
};

static const struct option_row dumpxml_options[] = {
#define AT(m) offsetof(struct dumpxml, m)
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "xpath", OPT_STRING, ROW_NAMED | ROW_EMPTY_OK, AT(xpath),
	  "xpath expression to filter the XML document", COMPLETE_NOTHING },
	{ "wrap", OPT_FLAG, 0, AT(wrap),
	  "wrap xpath results in an common root element", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static int vol_dumpxml(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct dumpxml *a = args;
	auto_free char *pool = NULL, *vol = NULL, *xml = NULL, *found = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0 ||
	    vol_xml(cli, pool, vol, &xml, err) < 0)
		return -1;
	if (a->xpath && bp_xml_xpath(xml, a->xpath, a->wrap, &found, err) < 0)
		return -1;
	cli_document(cli, "xml", vol, found ? found : xml);
	return 0;
}

const struct command cmd_vol_dumpxml = {
	"vol-dumpxml", "vol information in XML",
	"Output the vol information as an XML dump to stdout.",
	"vol-dumpxml disk1 default",
	dumpxml_options, sizeof(struct dumpxml), vol_dumpxml, 0, NULL
};

/* ---- vol-key, vol-path, vol-name, vol-pool ------------------------------ */

struct find {
	const char *vol, *pool;
	bool uuid;
};

#define AT(m) offsetof(struct find, m)
static const struct option_row key_options[] = {
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "volume name or path", COMPLETE_VOL },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ NULL }
};

static const struct option_row path_options[] = {
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "volume name or key", COMPLETE_VOL },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ NULL }
};

static const struct option_row name_options[] = {
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "volume key or path", COMPLETE_VOL_KEY },
	{ NULL }
};

static const struct option_row pool_options[] = {
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "volume key or path", COMPLETE_VOL_KEY },
	{ "uuid", OPT_FLAG, 0, AT(uuid), "return the pool uuid rather than pool name",
	  COMPLETE_NOTHING },
	{ NULL }
};
#undef AT

static int vol_key(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct find *a = args;
	cleanup(bp_vol_info_freep) struct bp_vol_info *v = NULL;
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0 ||
	    bp_vol_info(cli->store, pool, vol, BP_VOL_PATH, &v, err) < 0)
		return -1;
	cli_answer(cli, "key", v->key);
	return 0;
}

static int vol_path(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct find *a = args;
	cleanup(bp_vol_info_freep) struct bp_vol_info *v = NULL;
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0 ||
	    bp_vol_info(cli->store, pool, vol, BP_VOL_PATH, &v, err) < 0)
		return -1;
	cli_answer(cli, "path", v->path);
	return 0;
}

static int vol_name(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct find *a = args;
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, NULL, a->vol, NULL, &pool, &vol, err) < 0)
		return -1;
	cli_answer(cli, "name", vol);
	return 0;
}

static int vol_pool(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct find *a = args;
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, NULL, a->vol, NULL, &pool, &vol, err) < 0)
		return -1;
	if (a->uuid && bp_pool_info(cli->store, pool, &info, err) < 0)
		return cli_failed(cli, "failed to get parent pool");
	cli_answer(cli, a->uuid ? "uuid" : "pool", a->uuid ? info->uuid : pool);
	return 0;
}

const struct command cmd_vol_key = {
	"vol-key", "returns the volume key for a given volume name or path", NULL,
	"vol-key disk1 default",
	key_options, sizeof(struct find), vol_key, 0, NULL
};

const struct command cmd_vol_path = {
	"vol-path", "returns the volume path for a given volume name or key", NULL,
	"vol-path disk1 default",
	path_options, sizeof(struct find), vol_path, 0, NULL
};

const struct command cmd_vol_name = {
	"vol-name", "returns the volume name for a given volume key or path", NULL,
	"vol-name /srv/images/disk1",
	name_options, sizeof(struct find), vol_name, 0, NULL
};

const struct command cmd_vol_pool = {
	"vol-pool", "returns the storage pool for a given volume key or path", NULL,
	"vol-pool /srv/images/disk1",
	pool_options, sizeof(struct find), vol_pool, 0, NULL
};

/* pool_show.c - pool-* commands that look at one pool, or at all of them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/table.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "xml/xml.h"

/* ---- pool-list ---------------------------------------------------------- */

struct list {
	bool inactive, all, transient, persistent, autostart, no_autostart, details, uuid, name;
	const char *type;
};

static const struct option_row list_options[] = {
#define AT(m) offsetof(struct list, m)
#define FLAG(name, member, help) { name, OPT_FLAG, 0, AT(member), help, COMPLETE_NOTHING }
	FLAG("inactive", inactive, "list inactive pools"),
	FLAG("all", all, "list inactive & active pools"),
	FLAG("transient", transient, "list transient pools"),
	FLAG("persistent", persistent, "list persistent pools"),
	FLAG("autostart", autostart, "list pools with autostart enabled"),
	FLAG("no-autostart", no_autostart, "list pools with autostart disabled"),
	{ "type", OPT_STRING, 0, AT(type),
	  "only list pool of specified type(s) (if supported)", COMPLETE_POOL_TYPE },
	FLAG("details", details, "display extended details for pools"),
	FLAG("uuid", uuid, "list UUID of active pools only"),
	FLAG("name", name, "list name of active pools only"),
	{ NULL }
#undef FLAG
#undef AT
};

static const char *const list_pairs[][2] = {
	{ "all", "inactive" }, { "details", "uuid" }, { "details", "name" }, { NULL }
};

enum { LIST_NAME, LIST_STATE, LIST_AUTOSTART, LIST_PERSISTENT, LIST_CAPACITY, LIST_ALLOCATION,
       LIST_AVAILABLE, LIST_UUID, LIST_TYPE, LIST_PROBLEM, LIST_COLUMNS };

/* Those for --details are extra without it. */
static const struct column list_columns[LIST_COLUMNS] = {
	[LIST_NAME]	  = { "Name", "name", COLUMN_TEXT, false },
	[LIST_STATE]	  = { "State", "state", COLUMN_TEXT, false },
	[LIST_AUTOSTART]  = { "Autostart", "autostart", COLUMN_BOOL, false },
	[LIST_PERSISTENT] = { "Persistent", "persistent", COLUMN_BOOL, true },
	[LIST_CAPACITY]	  = { "Capacity", "capacity", COLUMN_SIZE, true },
	[LIST_ALLOCATION] = { "Allocation", "allocation", COLUMN_SIZE, true },
	[LIST_AVAILABLE]  = { "Available", "available", COLUMN_SIZE, true },
	[LIST_UUID]	  = { "UUID", "uuid", COLUMN_TEXT, true },
	[LIST_TYPE]	  = { "Type", "type", COLUMN_TEXT, true },
	[LIST_PROBLEM]	  = { "Problem", "problem", COLUMN_TEXT, true },
};

static unsigned list_flags(const struct list *a)
{
	return (a->inactive || a->all ? BP_POOLS_INACTIVE : 0) |
	       (!a->inactive ? BP_POOLS_ACTIVE : 0) |
	       (a->persistent ? BP_POOLS_PERSISTENT : 0) |
	       (a->transient ? BP_POOLS_TRANSIENT : 0) |
	       (a->autostart ? BP_POOLS_AUTOSTART : 0) |
	       (a->no_autostart ? BP_POOLS_NO_AUTOSTART : 0) |
	       (a->details ? BP_POOLS_SPACE : 0);
}

struct types {
	char **words;		/* ended with NULL, or NULL for all */
	size_t n;
};

static void types_done(struct types *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->words[i]);
	free(t->words);
}

/* "dir,fs" in pieces; ",," is a comma.  What is no type is an error. */
static int split_types(struct cli *cli, const char *text, struct types *ret)
{
	bool more = text;

	while (more) {
		struct text word = { 0 };

		for (; *text && (*text != ',' || text[1] == ','); text++) {
			text += *text == ',';
			text_add_n(&word, text, 1);
		}
		more = *text++;
		*array_add(ret->words, ret->n) = text_steal(&word);
		if (!bp_pool_type_find(ret->words[ret->n - 1]))
			return cli_failed(cli, "Invalid pool type '%s'", ret->words[ret->n - 1]);
	}
	if (ret->n)
		*array_add(ret->words, ret->n) = NULL;
	return 0;
}

/* virsh tells the states apart only when it is asked for details. */
static const char *state_of(const struct cli *cli, const struct bp_pool_info *info, bool details)
{
	if (details || cli->format == FORMAT_JSON || info->state == BP_POOL_INACCESSIBLE)
		return bp_pool_state_word(info->state);
	return info->state == BP_POOL_INACTIVE ? "inactive" : "active";
}

static void add_pool(struct cli *cli, struct table *t, const struct bp_pool_info *info,
		     bool details)
{
	const struct cell cells[LIST_COLUMNS] = {
		[LIST_NAME]	  = cell_text(info->name),
		[LIST_STATE]	  = cell_text(state_of(cli, info, details)),
		[LIST_AUTOSTART]  = cell_bool(info->autostart),
		[LIST_PERSISTENT] = cell_bool(info->persistent),
		[LIST_CAPACITY]	  = cell_size(info->has_space, info->space.capacity),
		[LIST_ALLOCATION] = cell_size(info->has_space, info->space.allocation),
		[LIST_AVAILABLE]  = cell_size(info->has_space, info->space.available),
		[LIST_UUID]	  = cell_text(info->uuid),
		[LIST_TYPE]	  = cell_text(info->type),
		[LIST_PROBLEM]	  = cell_text(info->problem),
	};

	table_add(cli, t, cells);
	if (!info->problem || cli->hint)
		return;
	if (starts_with(info->problem, "pool '"))
		cli_hint(cli, "%s", info->problem);
	else
		cli_hint(cli, "pool '%s': %s", info->name, info->problem);
}

static const struct column bare_columns[] = {
	{ "Name", "name", COLUMN_TEXT, false }, { "UUID", "uuid", COLUMN_TEXT, false },
};

static void print_bare(const struct cell *cells, const void *arg)
{
	const struct list *a = arg;

	if (a->uuid)
		printf("%-36s%s", cells[1].known ? cells[1].text : "-", a->name ? " " : "");
	if (a->name)
		printf("%-20s", cells[0].text);
	putchar('\n');
}

static int walk_pools(struct cli *cli, const struct list *a, const char *const *types,
		      struct table *t, struct bp_error *err)
{
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	struct bp_pool_info info;
	int r = bp_pools_open(cli->store, list_flags(a), types, &it, err);

	while (r >= 0 && (r = bp_pools_next(it, &info, err)) > 0) {
		if (t->columns == bare_columns)
			table_add(cli, t, (struct cell[]){ cell_text(info.name),
							   cell_text(info.uuid) });
		else
			add_pool(cli, t, &info, a->details);
	}
	return r;
}

static int pool_list(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct list *a = args;
	struct column columns[LIST_COLUMNS];
	cleanup(types_done) struct types types = { 0 };
	cleanup(table_done) struct table t = {
		.columns = columns, .n_columns = LIST_COLUMNS, .unknown = "-",
	};

	memcpy(columns, list_columns, sizeof columns);
	for (size_t i = LIST_PERSISTENT; i <= LIST_AVAILABLE; i++)
		columns[i].extra = !a->details;
	if ((a->uuid || a->name) && cli->format == FORMAT_TEXT) {
		t.columns = bare_columns;
		t.n_columns = array_size(bare_columns);
	}
	if (split_types(cli, a->type, &types) < 0)
		return -1;
	if (walk_pools(cli, a, (const char *const *)types.words, &t, err) < 0)
		return cli_failed(cli, "Failed to list pools");
	table_sort(&t);
	if (t.columns == bare_columns)
		table_each(&t, print_bare, a);
	else
		table_print(cli, &t);
	return 0;
}

const struct command cmd_pool_list = {
	"pool-list", "list pools",
	"Returns list of pools.",
	"pool-list --all",
	list_options, sizeof(struct list), pool_list, COMMAND_FIRST, list_pairs
};

/* ---- pool-info ---------------------------------------------------------- */

struct info {
	const char *pool;
	bool bytes, reserved;
};

static const struct option_row info_options[] = {
#define AT(m) offsetof(struct info, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "bytes", OPT_FLAG, 0, AT(bytes), "Return pool info in bytes", COMPLETE_NOTHING },
	{ "reserved", OPT_FLAG, ROW_OURS, AT(reserved),
	  "count what is reserved for root as available, and say how much it is",
	  COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

enum { INFO_NAME, INFO_UUID, INFO_TYPE, INFO_STATE, INFO_PERSISTENT, INFO_AUTOSTART,
       INFO_CAPACITY, INFO_ALLOCATION, INFO_AVAILABLE, INFO_RESERVED, INFO_THIN,
       INFO_THIN_STATE, INFO_THIN_CAPACITY, INFO_THIN_ALLOCATION, INFO_THIN_PROMISED,
       INFO_META_CAPACITY, INFO_META_ALLOCATION, INFO_THIN_DATA, INFO_THIN_META,
       INFO_WARNING, INFO_PROBLEM, INFO_COLUMNS };

static const struct column info_columns[INFO_COLUMNS] = {
	[INFO_NAME]	  = { "Name", "name", COLUMN_TEXT, false },
	[INFO_UUID]	  = { "UUID", "uuid", COLUMN_TEXT, false },
	[INFO_TYPE]	  = { "Type", "type", COLUMN_TEXT, true },
	[INFO_STATE]	  = { "State", "state", COLUMN_TEXT, false },
	[INFO_PERSISTENT] = { "Persistent", "persistent", COLUMN_BOOL, false },
	[INFO_AUTOSTART]  = { "Autostart", "autostart", COLUMN_BOOL, false },
	[INFO_CAPACITY]	  = { "Capacity", "capacity", COLUMN_SIZE, false },
	[INFO_ALLOCATION] = { "Allocation", "allocation", COLUMN_SIZE, false },
	[INFO_AVAILABLE]  = { "Available", "available", COLUMN_SIZE, false },
	[INFO_RESERVED]	  = { "Reserved", "reserved", COLUMN_SIZE, true },
	[INFO_THIN]	  = { "Thin pool", "thin_pool", COLUMN_TEXT, false },
	[INFO_THIN_STATE] = { "Thin state", "thin_state", COLUMN_TEXT, false },
	[INFO_THIN_CAPACITY]   = { "Thin capacity", "thin_capacity", COLUMN_SIZE, false },
	[INFO_THIN_ALLOCATION] = { "Thin allocation", "thin_allocation", COLUMN_SIZE, false },
	[INFO_THIN_PROMISED]   = { "Thin promised", "thin_promised", COLUMN_SIZE, false },
	[INFO_META_CAPACITY] = { "", "thin_metadata_capacity", COLUMN_SIZE, true },
	[INFO_META_ALLOCATION] = { "", "thin_metadata_allocation", COLUMN_SIZE, true },
	[INFO_THIN_DATA]  = { "Thin data", "thin_data_percent", COLUMN_TEXT, false },
	[INFO_THIN_META]  = { "Thin metadata", "thin_metadata_percent", COLUMN_TEXT, false },
	[INFO_WARNING]	  = { "Warning", "warning", COLUMN_TEXT, false },
	[INFO_PROBLEM]	  = { "Problem", "problem", COLUMN_TEXT, false },
};

/* "31.25 %" for people.  The caller frees. */
static char *percent(const struct cli *cli, uint64_t part, uint64_t whole)
{
	return mem_printf("%.2f%s", bp_thin_percent(part, whole),
			  cli->format == FORMAT_JSON ? "" : " %");
}

static int pool_info(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct info *a = args;
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct column columns[INFO_COLUMNS];
	auto_free char *name = NULL;

	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &name, err) < 0 ||
	    bp_pool_info(cli->store, name, &info, err) < 0)
		return -1;
	memcpy(columns, info_columns, sizeof columns);
	columns[INFO_RESERVED].extra = !a->reserved;
	if (a->reserved)	/* as libvirt counts */
		info->space.available += info->space.reserved;

	const struct bp_thin_state *t = &info->thin_state;
	bool thin = info->thin && !cli->virsh, known = thin && t->metadata_allocation;
	auto_free char *data = percent(cli, t->allocation, t->capacity),
		       *meta = percent(cli, t->metadata_allocation, t->metadata_capacity),
		       *warning = thin ? bp_thin_warning(info->thin, t) : NULL;
	struct cell cells[INFO_COLUMNS] = {
		[INFO_NAME]	  = cell_text(info->name),
		[INFO_UUID]	  = cell_text(info->uuid),
		[INFO_TYPE]	  = cell_text(info->type),
		[INFO_STATE]	  = cell_text(bp_pool_state_word(info->state)),
		[INFO_PERSISTENT] = cell_bool(info->persistent),
		[INFO_AUTOSTART]  = cell_bool(info->autostart),
		[INFO_CAPACITY]	  = cell_size(info->has_space, info->space.capacity),
		[INFO_ALLOCATION] = cell_size(info->has_space, info->space.allocation),
		[INFO_AVAILABLE]  = cell_size(info->has_space, info->space.available),
		[INFO_RESERVED]	  = cell_size(info->has_space, info->space.reserved),
		[INFO_THIN]	  = cell_text(thin ? info->thin : NULL),
		[INFO_THIN_STATE] = cell_text(thin ? bp_thin_health_word(t->health) : NULL),
		[INFO_THIN_CAPACITY]   = cell_size(thin && t->capacity, t->capacity),
		[INFO_THIN_ALLOCATION] = cell_size(known, t->allocation),
		[INFO_THIN_PROMISED]   = cell_size(thin && t->capacity, t->promised),
		[INFO_META_CAPACITY]   = cell_size(thin && t->capacity, t->metadata_capacity),
		[INFO_META_ALLOCATION] = cell_size(known, t->metadata_allocation),
		[INFO_THIN_DATA]  = cell_text(known ? data : NULL),
		[INFO_THIN_META]  = cell_text(known ? meta : NULL),
		[INFO_WARNING]	  = cell_text(warning),
		[INFO_PROBLEM]	  = cell_text(cli->virsh ? NULL : info->problem),
	};

	if (!thin) {			/* nothing to say, not even to programs */
		columns[INFO_THIN] = columns[INFO_PROBLEM];
		cells[INFO_THIN] = cells[INFO_PROBLEM];
	}
	record_print(cli, columns, thin ? INFO_COLUMNS : INFO_THIN + 1, cells,
		     a->bytes ? SIZES_PLAIN : SIZES_PRETTY);
	return 0;
}

const struct command cmd_pool_info = {
	"pool-info", "storage pool information",
	"Returns basic information about the storage pool.",
	"pool-info default",
	info_options, sizeof(struct info), pool_info, 0, NULL
};

/* ---- pool-dumpxml ------------------------------------------------------- */

struct dumpxml {
	const char *pool, *xpath;
	bool inactive, wrap;
};

static const struct option_row dumpxml_options[] = {
#define AT(m) offsetof(struct dumpxml, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "inactive", OPT_FLAG, 0, AT(inactive), "show inactive defined XML", COMPLETE_NOTHING },
	{ "xpath", OPT_STRING, ROW_NAMED | ROW_EMPTY_OK, AT(xpath),
	  "xpath expression to filter the XML document", COMPLETE_NOTHING },
	{ "wrap", OPT_FLAG, 0, AT(wrap),
	  "wrap xpath results in an common root element", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static int pool_dumpxml(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct dumpxml *a = args;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	auto_free char *name = NULL, *xml = NULL, *found = NULL;

	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &name, err) < 0 ||
	    bp_pool_get_def(cli->store, name, a->inactive ? BP_DEF_INACTIVE : 0, &def, err) < 0)
		return -1;
	xml = bp_xml_format_pool(def, 0);
	if (a->xpath && bp_xml_xpath(xml, a->xpath, a->wrap, &found, err) < 0)
		return -1;
	cli_document(cli, "xml", def->name, found ? found : xml);
	return 0;
}

const struct command cmd_pool_dumpxml = {
	"pool-dumpxml", "pool information in XML",
	"Output the pool information as an XML dump to stdout.",
	"pool-dumpxml default",
	dumpxml_options, sizeof(struct dumpxml), pool_dumpxml, 0, NULL
};

/* ---- pool-name, pool-uuid ----------------------------------------------- */

struct one {
	const char *pool;
};

static const struct option_row name_options[] = {
	{ "pool", OPT_STRING, ROW_REQUIRED, offsetof(struct one, pool),
	  "pool name or uuid", COMPLETE_POOL_UUID },
	{ NULL }
};

static const struct option_row uuid_options[] = {
	{ "pool", OPT_STRING, ROW_REQUIRED, offsetof(struct one, pool),
	  "pool name or uuid", COMPLETE_POOL },
	{ NULL }
};

static int pool_name(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct one *a = args;
	auto_free char *name = NULL;

	if (pool_lookup(cli, a->pool, BP_BY_UUID, &name, err) < 0)
		return -1;
	cli_answer(cli, "name", name);
	return 0;
}

static int pool_uuid(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct one *a = args;
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	auto_free char *name = NULL;

	if (pool_lookup(cli, a->pool, BP_BY_NAME, &name, err) < 0 ||
	    bp_pool_info(cli->store, name, &info, err) < 0)
		return -1;
	if (!info->uuid)
		return cli_failed(cli, "failed to get pool UUID: %s", info->problem);
	cli_answer(cli, "uuid", info->uuid);
	return 0;
}

const struct command cmd_pool_name = {
	"pool-name", "convert a pool UUID to pool name", NULL,
	"pool-name 5a2a6ae8-fcb1-4d7d-9c2b-0c5b7f1a3f10",
	name_options, sizeof(struct one), pool_name, 0, NULL
};

const struct command cmd_pool_uuid = {
	"pool-uuid", "convert a pool name to pool UUID", NULL,
	"pool-uuid default",
	uuid_options, sizeof(struct one), pool_uuid, 0, NULL
};

/* discover.c - discover: what is, or could be, a pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/table.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "xml/xml.h"

struct discover {
	const char *source, *adopt, *target;
	bool xml;
};

static const struct option_row discover_options[] = {
#define AT(m) offsetof(struct discover, m)
	{ "source", OPT_STRING, 0, AT(source),
	  "only this device and its partitions, or this volume group", COMPLETE_DEVICE },
	{ "xml", OPT_FLAG, 0, AT(xml), "print the pools that could be, as XML", COMPLETE_NOTHING },
	{ "adopt", OPT_STRING, ROW_NAMED, AT(adopt),
	  "define the source as a pool of this name", COMPLETE_NOTHING },
	{ "target", OPT_STRING, ROW_NAMED, AT(target),
	  "where that pool's volumes shall be", COMPLETE_FILE },
	{ NULL }
#undef AT
};

static const char *const discover_pairs[][2] = { { "xml", "adopt" }, { NULL } };

struct finds {
	struct bp_found *all;
	size_t n;
};

static void finds_done(struct finds *f)
{
	bp_found_free(f->all, f->n);
}

/* ---- as a table ------------------------------------------------------------- */

enum { DEVICE, KIND, SIZE, HOLDS, USED, COULD, LABEL, UUID, LINK, SYSTEM, POOL, STATE, NAME,
       TARGET, FORMAT, XML, PROBLEM, COLUMNS };

static const struct column columns[COLUMNS] = {
	[DEVICE]  = { "Device", "device", COLUMN_TEXT, false },
	[KIND]	  = { "Kind", "kind", COLUMN_TEXT, false },
	[SIZE]	  = { "Size", "size", COLUMN_SIZE, false },
	[HOLDS]	  = { "Holds", "holds", COLUMN_TEXT, false },
	[LABEL]	  = { "Label", "label", COLUMN_TEXT, true },
	[USED]	  = { "Used by", "used_by", COLUMN_TEXT, false },
	[COULD]	  = { "Could be", "could_be", COLUMN_TEXT, false },
	[UUID]	  = { "UUID", "uuid", COLUMN_TEXT, true },
	[LINK]	  = { "Link", "link", COLUMN_TEXT, true },
	[SYSTEM]  = { "System", "system", COLUMN_BOOL, true },
	[POOL]	  = { "Pool", "pool", COLUMN_TEXT, true },
	[STATE]	  = { "State", "pool_state", COLUMN_TEXT, true },
	[NAME]	  = { "Name", "name", COLUMN_TEXT, true },
	[TARGET]  = { "Target", "target", COLUMN_TEXT, true },
	[FORMAT]  = { "Format", "source_format", COLUMN_TEXT, true },
	[XML]	  = { "XML", "xml", COLUMN_TEXT, true },
	[PROBLEM] = { "Problem", "problem", COLUMN_TEXT, true },
};

/* "ext4 'data'": what is on it, for people. */
static char *holds_of(const struct cli *cli, const struct bp_found *f)
{
	if (cli->format == FORMAT_JSON || !f->content || !f->label)
		return mem_dup(f->content);
	return mem_printf("%s '%s'", f->content, f->label);
}

static char *used_of(const struct cli *cli, const struct bp_found *f)
{
	bool text = cli->format == FORMAT_TEXT;

	if (f->used && f->pool && text)
		return mem_printf("%s (%s)", f->used, f->pool_active ? "active" : "inactive");
	return mem_dup(f->used || !text || !f->of_system ? f->used : "this system");
}

static void add_row(const struct cli *cli, struct table *t, const struct bp_found *f)
{
	auto_free char *holds = holds_of(cli, f), *used = used_of(cli, f);
	auto_free char *xml = f->def ? bp_xml_format_pool(f->def, BP_XML_AS_WRITTEN) : NULL;
	const struct cell cells[COLUMNS] = {
		[DEVICE]  = cell_text(f->path),
		[KIND]	  = cell_text(f->kind),
		[SIZE]	  = cell_size(f->size, f->size),
		[HOLDS]	  = cell_text(holds ? holds : f->problem),
		[LABEL]	  = cell_text(f->label),
		[USED]	  = cell_text(used),
		[COULD]	  = cell_text(f->def ? f->def->type : NULL),
		[UUID]	  = cell_text(f->uuid),
		[LINK]	  = cell_text(f->link),
		[SYSTEM]  = cell_bool(f->of_system),
		[POOL]	  = cell_text(f->pool),
		[STATE]	  = cell_text(!f->pool ? NULL : f->pool_active ? "active" : "inactive"),
		[NAME]	  = cell_text(f->def ? f->def->name : NULL),
		[TARGET]  = cell_text(f->def ? f->def->target_path : NULL),
		[FORMAT]  = cell_text(f->def ? f->def->source.format : NULL),
		[XML]	  = cell_text(xml),
		[PROBLEM] = cell_text(f->problem),
	};

	table_add(cli, t, cells);
}

static void print_table(const struct cli *cli, const struct finds *finds)
{
	cleanup(table_done) struct table t = {
		.columns = columns, .n_columns = COLUMNS, .unknown = "-",
	};

	for (size_t i = 0; i < finds->n; i++)
		add_row(cli, &t, &finds->all[i]);
	table_print(cli, &t);
}

/* ---- as definitions, and one of them defined ------------------------------------ */

static void print_xml(struct cli *cli, const struct finds *finds)
{
	bool first = true;

	for (size_t i = 0; i < finds->n; i++) {
		auto_free char *xml = NULL;

		if (!finds->all[i].def)
			continue;
		xml = bp_xml_format_pool(finds->all[i].def, BP_XML_AS_WRITTEN);
		printf("%s%s", first ? "" : "\n", xml);
		first = false;
	}
	if (first)
		cli_hint(cli, "nothing here could be a pool that is none yet");
}

/* Why it is none: the device itself comes first. */
static void no_candidate(struct cli *cli, const struct discover *a, const struct finds *finds)
{
	const struct bp_found *f = &finds->all[0];
	auto_free char *used = used_of(cli, f);

	if (!a->source)
		cli_failed(cli, "nothing on this host could be a pool that is none yet");
	else if (used)
		cli_failed(cli, "'%s' cannot be adopted: it is in use: %s", a->source, used);
	else
		cli_failed(cli, "'%s' cannot be adopted: %s%s", a->source,
			   f->content ? "it holds " : "no pool can be made of it",
			   f->content ? f->content : "");
}

static struct bp_pool_def *choose(struct cli *cli, const struct discover *a,
				  const struct finds *finds)
{
	struct bp_pool_def *def = NULL;
	size_t n = 0;

	for (size_t i = 0; i < finds->n; i++) {
		/* the device comes before its partitions */
		if (!finds->all[i].def || (a->source && n))
			continue;
		def = finds->all[i].def;
		n++;
	}
	if (n == 1)
		return def;
	if (n == 0) {
		no_candidate(cli, a, finds);
		return NULL;
	}
	cli_hint(cli, "name one: --source DEVICE; '%s discover' lists them", cli->program);
	cli_failed(cli, "there are %zu things that could be pool '%s'", n, a->adopt);
	return NULL;
}

static int adopt(struct cli *cli, const struct discover *a, const struct finds *finds,
		 struct bp_error *err)
{
	struct bp_pool_def *def = choose(cli, a, finds);

	if (!def)
		return -1;
	mem_set(&def->name, a->adopt);
	if (a->target)
		mem_set(&def->target_path, a->target);
	if (bp_pool_define(cli->store, def, err) < 0)
		return cli_failed(cli, "Failed to define pool %s", a->adopt);
	cli_done(cli, "Pool %s defined: %s on %s", def->name, def->type,
		 def->source.n_devices ? def->source.devices[0].path : def->source.name);
	return 0;
}

static int discover(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct discover *a = args;
	cleanup(finds_done) struct finds finds = { 0 };

	if (a->target && !a->adopt)
		return cli_failed(cli, "--target is for the pool that --adopt defines");
	if (bp_discover(cli->store, a->source, &finds.all, &finds.n, err) < 0)
		return cli_failed(cli, "Failed to discover pools");
	if (a->adopt)
		return adopt(cli, a, &finds, err);
	if (a->xml && cli->format == FORMAT_TEXT)
		print_xml(cli, &finds);
	else
		print_table(cli, &finds);
	return 0;
}

const struct command cmd_discover = {
	"discover", "show what is, or could be, a pool",
	"List the disks, partitions, file systems, volume groups and pools of this host:\n"
	"    what is on them, who uses them, and what pool each could be.  Nothing is\n"
	"    written.  --xml prints those pools as documents for pool-define; --adopt\n"
	"    defines one, as in 'discover /dev/sdb1 --adopt data --target /srv/data'.",
	"discover --format json",
	discover_options, sizeof(struct discover), discover, COMMAND_OURS,
	discover_pairs
};

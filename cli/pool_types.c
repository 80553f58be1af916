/* pool_types.c - what pools there could be: pool-capabilities, find-storage-pool-sources. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/json.h"
#include "cli/table.h"
#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "xml/xml.h"

/* ---- pool-capabilities -------------------------------------------------- */

struct capabilities {
	bool table;
};

static const struct option_row capabilities_options[] = {
	{ "table", OPT_FLAG, ROW_OURS, offsetof(struct capabilities, table),
	  "which pool type can do what in this build, as a table", COMPLETE_NOTHING },
	{ NULL }
};

/* A slot that is there is something the type can do. */
static const struct column type_columns[] = {
	{ "Type", "type", COLUMN_TEXT, false },
	{ "Supported", "supported", COLUMN_BOOL, false },
	{ "Part", "part", COLUMN_TEXT, false },
	{ "Build", "build", COLUMN_BOOL, false },
	{ "Start", "start", COLUMN_BOOL, false },
	{ "Delete", "delete", COLUMN_BOOL, false },
	{ "Vol-list", "vol_list", COLUMN_BOOL, false },
	{ "Vol-create", "vol_create", COLUMN_BOOL, false },
	{ "Vol-resize", "vol_resize", COLUMN_BOOL, false },
	{ "Vol-delete", "vol_delete", COLUMN_BOOL, false },
	{ "Vol-data", "vol_data", COLUMN_BOOL, false },
	{ "Vol-snapshot", "vol_snapshot", COLUMN_BOOL, false },
	{ "Find-sources", "find_sources", COLUMN_BOOL, false },
	{ "Volume formats", "volume_formats", COLUMN_TEXT, true },
	{ "Volume format", "volume_format", COLUMN_TEXT, true },
	{ "Source formats", "source_formats", COLUMN_TEXT, true },
	{ "Source format", "source_format", COLUMN_TEXT, true },
	{ "Problem", "problem", COLUMN_TEXT, true },
};

static char *joined(const char *const *words)
{
	struct text out = { 0 };

	for (; words && *words; words++)
		text_addf(&out, "%s%s", out.len ? "," : "", *words);
	return text_steal(&out);
}

/* Starting needs no slot: a type without one has nothing to do. */
static void add_type(const struct cli *cli, struct table *t, const struct bp_pool_type *type)
{
	static const struct bp_backend nothing = { 0 };
	struct bp_error why = { 0 };
	bool present = bp_backend_present(type->name);
	const struct bp_backend *found = present ? bp_backend_find(type->name, &why) : NULL;
	const struct bp_backend *be = found ? found : &nothing;
	auto_free char *formats = joined(type->vol_formats);
	auto_free char *sources = joined(type->source_formats);
	const char *part = bp_backend_builtin(type->name) ? "built in" :
			   present ? "module" : "left out";
	const struct cell cells[array_size(type_columns)] = {
		cell_text(type->name),
		cell_bool(found),
		cell_text(part),
		cell_bool(be->pool_build), cell_bool(found), cell_bool(be->pool_erase),
		cell_bool(be->vols_open), cell_bool(be->vol_create), cell_bool(be->vol_resize),
		cell_bool(be->vol_delete), cell_bool(be->vol_open), cell_bool(be->snap_create),
		cell_bool(be->sources_find || be->source_format),
		cell_text(type->vol_formats ? formats : NULL), cell_text(type->vol_format),
		cell_text(type->source_formats ? sources : NULL), cell_text(type->source_format),
		cell_text(why.code ? why.text : NULL),
	};

	table_add(cli, t, cells);
}

static void print_table(const struct cli *cli)
{
	cleanup(table_done) struct table t = {
		.columns = type_columns, .n_columns = array_size(type_columns), .unknown = "-",
	};
	const struct bp_pool_type *type;

	for (size_t i = 0; (type = bp_pool_type_at(i)); i++)
		add_type(cli, &t, type);
	table_print(cli, &t);
}

static int pool_capabilities(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct capabilities *a = args;
	auto_free char *xml = NULL;

	(void)err;
	if (a->table || cli->format == FORMAT_JSON) {
		print_table(cli);
		return 0;
	}
	xml = bp_xml_format_capabilities(bp_pool_type_supported);
	printf("%s\n", xml);
	return 0;
}

const struct command cmd_pool_capabilities = {
	"pool-capabilities", "storage pool capabilities",
	"Returns capabilities of storage pool support.",
	"pool-capabilities --table",
	capabilities_options, sizeof(struct capabilities), pool_capabilities, COMMAND_NO_STORE, NULL
};

/* ---- find-storage-pool-sources ------------------------------------------ */

static void print_source_json(struct json *j, const struct bp_pool_source *s)
{
	json_open(j, NULL, '{');
	json_text(j, "host", s->n_hosts ? s->hosts[0].name : NULL);
	if (s->n_hosts && s->hosts[0].port)
		json_number(j, "port", s->hosts[0].port);
	else
		json_null(j, "port");
	json_text(j, "dir", s->dir);
	json_open(j, "devices", '[');
	for (size_t i = 0; i < s->n_devices; i++)
		json_text(j, NULL, s->devices[i].path);
	json_close(j, ']');
	json_text(j, "name", s->name);
	json_text(j, "initiator", s->initiator);
	json_text(j, "format", s->format);
	json_close(j, '}');
}

static void print_sources(const struct cli *cli, const struct bp_pool_source *sources, size_t n,
			  const char *type)
{
	auto_free char *xml = NULL;
	struct json j = { stdout };

	if (cli->format == FORMAT_TEXT) {
		xml = bp_xml_format_sources(sources, n, bp_pool_type_find(type));
		fputs(xml, stdout);
		return;
	}
	putchar('[');
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ",\n  " : "\n  ", stdout);
		j.comma = false;
		print_source_json(&j, &sources[i]);
	}
	puts(n ? "\n]" : "]");
}

static int find_sources(struct cli *cli, const char *type, const struct bp_pool_source *hint,
			struct bp_error *err)
{
	struct bp_pool_source *sources;
	size_t n;

	if (cli->readonly)
		return bp_fail(err, BP_DENIED, "read only access prevents "
			       "virConnectFindStoragePoolSources");
	if (cli_open_store(cli, err) < 0 ||
	    bp_sources_find(cli->store, type, hint, &sources, &n, err) < 0)
		return -1;
	print_sources(cli, sources, n, type);
	bp_sources_free(sources, n);
	return 0;
}

/* Why a server of files does not tell what it has. */
static int cannot_find(struct cli *cli, const char *type, const struct bp_error *err)
{
	if (strcmp(type, "netfs") == 0 && err->sys == ECONNREFUSED)
		cli_hint(cli, "it takes no connections on port 111, where NFS servers are asked "
			 "for their exports; one of version 4 alone is used, but not asked: its "
			 "first directory is /");
	else if (strcmp(type, "netfs") == 0 && err->sys == ENETUNREACH)
		cli_hint(cli, "there is no way to it from here: the network is unreachable");
	return cli_failed(cli, "Failed to find any %s pool sources", type);
}

struct find {
	const char *type, *spec;
};

static const struct option_row find_options[] = {
#define AT(m) offsetof(struct find, m)
	{ "type", OPT_STRING, ROW_REQUIRED, AT(type),
	  "type of storage pool sources to discover", COMPLETE_POOL_TYPE },
	{ "srcSpec", OPT_STRING, 0, AT(spec),
	  "optional file of source xml to query for pools", COMPLETE_FILE },
	{ NULL }
#undef AT
};

static int sources(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct find *a = args;
	const struct bp_pool_type *type = bp_pool_type_find(a->type);
	cleanup(bp_pool_source_done) struct bp_pool_source hint = { 0 };
	auto_free char *text = NULL;
	size_t len;

	if (a->spec && file_of_user(a->spec, &text, &len, err) < 0)
		return -1;
	if ((text && type && bp_xml_parse_source(text, len, document_name(cli, a->spec), type,
						 &hint, err) < 0) ||
	    find_sources(cli, a->type, text && type ? &hint : NULL, err) < 0)
		return cannot_find(cli, a->type, err);
	return 0;
}

struct find_as {
	const char *type, *host, *port, *initiator;
};

static const struct option_row find_as_options[] = {
#define AT(m) offsetof(struct find_as, m)
	{ "type", OPT_STRING, ROW_REQUIRED, AT(type),
	  "type of storage pool sources to find", COMPLETE_POOL_TYPE },
	{ "host", OPT_STRING, 0, AT(host), "optional host to query", COMPLETE_NOTHING },
	{ "port", OPT_STRING, 0, AT(port), "optional port to query", COMPLETE_NOTHING },
	{ "initiator", OPT_STRING, 0, AT(initiator),
	  "optional initiator IQN to use for query", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

/* Without a host the rest says nothing. */
static int fill_hint(const struct find_as *a, struct bp_pool_source *ret, struct bp_error *err)
{
	struct bp_host *host = array_add(ret->hosts, ret->n_hosts);
	uint64_t port = 0;

	if (a->port && (!parse_number(a->port, 10, &port) || port > 65535))
		return bp_fail(err, BP_XML, "Invalid value for attribute 'port' in element 'host': "
			       "'%s'. Expected integer value", a->port);
	host->name = mem_dup(a->host);
	host->port = (unsigned)port;
	if (a->initiator)
		ret->initiator = mem_dup(a->initiator);
	return 0;
}

static int sources_as(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct find_as *a = args;
	cleanup(bp_pool_source_done) struct bp_pool_source hint = { 0 };

	if ((a->host && fill_hint(a, &hint, err) < 0) ||
	    find_sources(cli, a->type, a->host ? &hint : NULL, err) < 0)
		return cannot_find(cli, a->type, err);
	return 0;
}

const struct command cmd_find_sources = {
	"find-storage-pool-sources", "discover potential storage pool sources",
	"Returns XML <sources> document.",
	"find-storage-pool-sources logical",
	find_options, sizeof(struct find), sources, COMMAND_NO_STORE, NULL
};

const struct command cmd_find_sources_as = {
	"find-storage-pool-sources-as", "find potential storage pool sources",
	"Returns XML <sources> document.",
	"find-storage-pool-sources-as netfs --host nfs.example.com",
	find_as_options, sizeof(struct find_as), sources_as, COMMAND_NO_STORE, NULL
};

/* pool_define.c - pool-define, pool-create, and both from a set of arguments. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/rights.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "xml/xml.h"

static const char *const overwrite_pairs[][2] = { { "overwrite", "no-overwrite" }, { NULL } };

/* ---- from a file -------------------------------------------------------- */

struct from_file {
	const char *file;
	bool validate, build, no_overwrite, overwrite;
	const char *device;
	struct rights rights;
};

#define AT(m) offsetof(struct from_file, m)
#define FILE_ROW							\
	{ "file", OPT_STRING, ROW_REQUIRED, AT(file),			\
	  "file containing an XML pool description", COMPLETE_FILE }
#define BUILD_ROWS							\
	{ "build", OPT_FLAG, 0, AT(build),				\
	  "build the pool as normal", COMPLETE_NOTHING },		\
	{ "no-overwrite", OPT_FLAG, 0, AT(no_overwrite),		\
	  "do not overwrite any existing data", COMPLETE_NOTHING },	\
	{ "overwrite", OPT_FLAG, 0, AT(overwrite),			\
	  "overwrite any existing data", COMPLETE_NOTHING }

#define VOLUME_ROWS RIGHTS_ROWS("volume-", "new volumes")

static const struct option_row define_options[] = {
	FILE_ROW,
	{ "validate", OPT_FLAG, 0, AT(validate),
	  "validate the XML against the schema", COMPLETE_NOTHING },
	VOLUME_ROWS,
	{ NULL }
};

static const struct option_row create_options[] = {
	FILE_ROW, BUILD_ROWS, VOLUME_ROWS, DEVICE_ROW, { NULL }
};
#undef AT

static unsigned build_flags(bool build, bool overwrite, bool no_overwrite)
{
	return (build ? BP_BUILD : 0) | (overwrite ? BP_BUILD_OVERWRITE : 0) |
	       (no_overwrite ? BP_BUILD_NO_OVERWRITE : 0);
}

static int usual_rights(const struct rights *rights, struct bp_pool_def *def, struct bp_error *err)
{
	const struct bp_pool_type *type = bp_pool_type_find(def->type);

	if ((rights->mode || rights->owner || rights->group) && type &&
	    type->target == BP_TARGET_NONE)
		return bp_fail(err, BP_INVALID, "volumes of pools of type '%s' are no files and "
			       "have no rights", def->type);
	return rights_apply(rights, &def->volume_perms, err);
}

static int pool_define(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct from_file *a = args;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	auto_free char *text = NULL;
	size_t len;

	if (file_of_user(a->file, &text, &len, err) < 0)
		return -1;
	if (bp_xml_parse_pool(text, len, document_name(cli, a->file),
			      a->validate ? BP_XML_VALIDATE : 0, &def, err) < 0 ||
	    usual_rights(&a->rights, def, err) < 0 ||
	    bp_pool_define(cli->store, def, err) < 0)
		return cli_failed(cli, "Failed to define pool from %s", a->file);
	cli_done(cli, "Pool %s defined from %s", def->name, a->file);
	return 0;
}

static int pool_create(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct from_file *a = args;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	unsigned flags = build_flags(a->build, a->overwrite, a->no_overwrite);
	auto_free char *text = NULL;
	size_t len;

	if (file_of_user(a->file, &text, &len, err) < 0)
		return -1;
	if (bp_xml_parse_pool(text, len, document_name(cli, a->file), 0, &def, err) < 0 ||
	    usual_rights(&a->rights, def, err) < 0 || allow_device(cli, a->device, err) < 0 ||
	    bp_pool_create(cli->store, def, flags, err) < 0) {
		if (def)
			hint_build(cli, def->type, err);
		hint_device(cli, err);
		return cli_failed(cli, "Failed to create pool from %s", a->file);
	}
	cli_done(cli, "Pool %s created from %s", def->name, a->file);
	return 0;
}

const struct command cmd_pool_define = {
	"pool-define",
	"define an inactive persistent storage pool or modify an existing persistent one "
	"from an XML file",
	"Define or modify a persistent storage pool.",
	"pool-define pool.xml",
	define_options, sizeof(struct from_file), pool_define, 0, NULL
};

const struct command cmd_pool_create = {
	"pool-create", "create a pool from an XML file",
	"Create a pool.",
	"pool-create pool.xml --build",
	create_options, sizeof(struct from_file), pool_create, 0, overwrite_pairs
};

/* ---- from a set of arguments -------------------------------------------- */

struct as {
	const char *name, *type;
	bool print_xml;
	const char *source_host, *source_path, *source_dev, *source_name, *target, *source_format;
	const char *auth_type, *auth_username, *secret_usage, *secret_uuid;
	const char *adapter_name, *adapter_wwnn, *adapter_wwpn, *adapter_parent;
	const char *adapter_parent_wwnn, *adapter_parent_wwpn, *adapter_parent_fabric_wwn;
	const char *source_protocol_ver, *source_initiator;
	const char *mkfs_format, *mkfs_label, *mkfs_options, *activation;
	const char *thin, *mount;
	struct cli_size thin_size, thin_metadata;
	struct cli_number thin_limit;
	bool build, no_overwrite, overwrite;
	const char *device;
	struct rights rights;
};

#define AT(m) offsetof(struct as, m)
#define ROW(name, member, help) { name, OPT_STRING, 0, AT(member), help, COMPLETE_NOTHING }
#define AS_ROWS								\
	{ "name", OPT_STRING, ROW_REQUIRED, AT(name), "name of the pool", COMPLETE_NOTHING }, \
	{ "type", OPT_STRING, ROW_REQUIRED, AT(type), "type of the pool", COMPLETE_POOL_TYPE }, \
	{ "print-xml", OPT_FLAG, 0, AT(print_xml),			\
	  "print XML document, but don't define/create", COMPLETE_NOTHING }, \
	ROW("source-host", source_host, "source-host for underlying storage"), \
	{ "source-path", OPT_STRING, 0, AT(source_path),		\
	  "source path for underlying storage", COMPLETE_FILE },	\
	{ "source-dev", OPT_STRING, ROW_AGAIN, AT(source_dev),		\
	  "source device for underlying storage", COMPLETE_FILE },	\
	ROW("source-name", source_name, "source name for underlying storage"), \
	{ "target", OPT_STRING, 0, AT(target),				\
	  "target for underlying storage", COMPLETE_FILE },		\
	{ "source-format", OPT_STRING, 0, AT(source_format),		\
	  "format for underlying storage", COMPLETE_SOURCE_FORMAT },	\
	ROW("auth-type", auth_type, "auth type to be used for underlying storage"), \
	ROW("auth-username", auth_username,				\
	    "auth username to be used for underlying storage"),		\
	ROW("secret-usage", secret_usage,				\
	    "auth secret usage to be used for underlying storage"),	\
	ROW("secret-uuid", secret_uuid,					\
	    "auth secret UUID to be used for underlying storage"),	\
	ROW("adapter-name", adapter_name,				\
	    "adapter name to be used for underlying storage"),		\
	ROW("adapter-wwnn", adapter_wwnn,				\
	    "adapter wwnn to be used for underlying storage"),		\
	ROW("adapter-wwpn", adapter_wwpn,				\
	    "adapter wwpn to be used for underlying storage"),		\
	ROW("adapter-parent", adapter_parent,				\
	    "adapter parent scsi_hostN to be used for underlying vHBA storage"), \
	ROW("adapter-parent-wwnn", adapter_parent_wwnn,			\
	    "adapter parent scsi_hostN wwnn to be used for underlying vHBA storage"), \
	ROW("adapter-parent-wwpn", adapter_parent_wwpn,			\
	    "adapter parent scsi_hostN wwpn to be used for underlying vHBA storage"), \
	ROW("adapter-parent-fabric-wwn", adapter_parent_fabric_wwn,	\
	    "adapter parent scsi_hostN fabric_wwn to be used for underlying vHBA storage"), \
	ROW("source-protocol-ver", source_protocol_ver,			\
	    "nfsvers value for NFS pool mount option"),			\
	ROW("source-initiator", source_initiator, "initiator iqn for underlying storage")

#define MKFS_ROWS							\
	{ "mkfs-format", OPT_STRING, ROW_OURS, AT(mkfs_format),		\
	  "of the file system that is made, if the source's is auto", COMPLETE_MKFS_FORMAT }, \
	{ "mkfs-label", OPT_STRING, ROW_OURS, AT(mkfs_label),		\
	  "label of the file system that is made", COMPLETE_NOTHING },	\
	{ "mkfs-options", OPT_STRING, ROW_OURS, AT(mkfs_options),	\
	  "words, parted by blanks, for the program that makes it", COMPLETE_NOTHING }

#define LVM_ROWS							\
	{ "activation", OPT_STRING, ROW_OURS, AT(activation),		\
	  "of a volume group that hosts share: shared or exclusive", COMPLETE_NOTHING }, \
	{ "thin-pool", OPT_STRING, ROW_NAMED | ROW_OURS, AT(thin),	\
	  "thin pool of the volume group that thin volumes are made in", COMPLETE_NOTHING }, \
	{ "thin-size", OPT_SIZE, ROW_NAMED | ROW_OURS, AT(thin_size),	\
	  "size of the thin pool when it is built (default all there is)", COMPLETE_NOTHING }, \
	{ "thin-metadata-size", OPT_SIZE, ROW_NAMED | ROW_OURS, AT(thin_metadata), \
	  "size of its metadata", COMPLETE_NOTHING },			\
	{ "thin-limit", OPT_NUMBER, ROW_NAMED | ROW_OURS, AT(thin_limit), \
	  "percent of its size that all thin volumes together may have", COMPLETE_NOTHING }

#define NETFS_ROWS							\
	{ "mount", OPT_STRING, ROW_NAMED | ROW_OURS, AT(mount),		\
	  "is a share of NFS mounted: yes, or no: it is used without", COMPLETE_NOTHING }

static const struct option_row define_as_options[] = {
	AS_ROWS, VOLUME_ROWS, MKFS_ROWS, LVM_ROWS, NETFS_ROWS, { NULL }
};
static const struct option_row create_as_options[] = {
	AS_ROWS, BUILD_ROWS, VOLUME_ROWS, MKFS_ROWS, LVM_ROWS, NETFS_ROWS, DEVICE_ROW, { NULL }
};
#undef AT

static const char *const define_as_pairs[][2] = {
	{ "secret-usage", "secret-uuid" }, { NULL }
};

static const char *const create_as_pairs[][2] = {
	{ "overwrite", "no-overwrite" }, { "secret-usage", "secret-uuid" }, { NULL }
};

static struct bp_adapter *adapter_of(const struct as *a)
{
	struct bp_adapter *adapter;
	bool fc_host = a->adapter_wwnn && a->adapter_wwpn;

	if (!fc_host && !a->adapter_name)
		return NULL;
	adapter = mem_alloc(sizeof *adapter);
	if (!fc_host) {
		adapter->type = mem_dup("scsi_host");
		adapter->name = mem_dup(a->adapter_name);
		return adapter;
	}
	adapter->type = mem_dup("fc_host");
	adapter->wwnn = mem_dup(a->adapter_wwnn);
	adapter->wwpn = mem_dup(a->adapter_wwpn);
	if (a->adapter_parent) {
		adapter->parent = mem_dup(a->adapter_parent);
	} else if (a->adapter_parent_wwnn && a->adapter_parent_wwpn) {
		adapter->parent_wwnn = mem_dup(a->adapter_parent_wwnn);
		adapter->parent_wwpn = mem_dup(a->adapter_parent_wwpn);
	} else {
		adapter->parent_fabric_wwn = mem_dup(a->adapter_parent_fabric_wwn);
	}
	return adapter;
}

static struct bp_auth *auth_of(const struct as *a)
{
	struct bp_auth *auth;

	if (!a->auth_type || !a->auth_username || (!a->secret_uuid && !a->secret_usage))
		return NULL;
	auth = mem_alloc(sizeof *auth);
	auth->type = mem_dup(a->auth_type);
	auth->username = mem_dup(a->auth_username);
	auth->secret_uuid = mem_dup(a->secret_uuid);
	auth->secret_usage = mem_dup(a->secret_usage);
	return auth;
}

/* One a line. */
static void add_devices(const char *paths, struct bp_pool_source *src)
{
	auto_free char *copy = mem_dup(paths);
	char *rest = copy, *path;

	while ((path = strsep(&rest, "\n")))
		if (*path)
			array_add(src->devices, src->n_devices)->path = mem_dup(path);
}

/* Neither auth nor a protocol makes a source by itself. */
static void fill_source(const struct as *a, struct bp_pool_source *src)
{
	src->adapter = adapter_of(a);
	if (!a->source_host && !a->source_path && !a->source_dev && !a->source_initiator &&
	    !a->source_format && !a->source_name && !src->adapter)
		return;
	if (a->source_host)
		array_add(src->hosts, src->n_hosts)->name = mem_dup(a->source_host);
	add_devices(a->source_dev, src);
	src->dir = mem_dup(a->source_path);
	src->initiator = mem_dup(a->source_initiator);
	src->auth = auth_of(a);
	src->format = mem_dup(a->source_format);
	src->name = mem_dup(a->source_name);
	src->protocol_ver = mem_dup(a->source_protocol_ver);
}

static struct bp_pool_def *def_of(const struct as *a)
{
	struct bp_pool_def *def = bp_pool_def_new();

	def->name = mem_dup(a->name);
	def->type = mem_dup(a->type);
	def->target_path = mem_dup(a->target);
	fill_source(a, &def->source);
	return def;
}

/* No shell, so no quotes: a word with a blank in it needs a file of XML. */
static int fill_mkfs(const struct as *a, struct bp_pool_def *def, struct bp_error *err)
{
	auto_free char *copy = mem_dup(a->mkfs_options);
	char *rest = copy, *word;

	if ((a->mkfs_format || a->mkfs_label || a->mkfs_options) && strcmp(a->type, "fs") != 0)
		return bp_fail(err, BP_INVALID, "no file system is made for pools of type '%s'",
			       a->type);
	def->mkfs_format = mem_dup(a->mkfs_format);
	def->mkfs_label = mem_dup(a->mkfs_label);
	while ((word = strsep(&rest, " ")))
		if (*word)
			array_add(def->mkfs_options, def->n_mkfs_options)->name = mem_dup(word);
	return 0;
}

static int fill_activation(const struct as *a, struct bp_pool_def *def, struct bp_error *err)
{
	if (a->activation && strcmp(a->type, "logical") != 0)
		return bp_fail(err, BP_INVALID, "pools of type '%s' have no mode of activation",
			       a->type);
	def->activation = mem_dup(a->activation);
	return 0;
}

static int fill_thin(const struct as *a, struct bp_pool_def *def, struct bp_error *err)
{
	bool given = a->thin_size.given || a->thin_metadata.given || a->thin_limit.given;

	if (!a->thin && given)
		return bp_fail(err, BP_INVALID, "which thin pool is meant? (--thin-pool NAME)");
	if (a->thin && strcmp(a->type, "logical") != 0)
		return bp_fail(err, BP_INVALID, "pools of type '%s' have no thin pools", a->type);
	if (a->thin_limit.given && (!a->thin_limit.value || a->thin_limit.value > UINT32_MAX))
		return bp_fail(err, BP_INVALID, "'%s' is no limit, which is a percentage, such as "
			       "300", a->thin_limit.text);
	if (!a->thin)
		return 0;
	def->thin = (struct bp_thin){
		.name = mem_dup(a->thin), .size = a->thin_size.bytes,
		.metadata = a->thin_metadata.bytes, .limit = (unsigned)a->thin_limit.value,
	};
	return 0;
}

static int fill_mount(const struct as *a, struct bp_pool_def *def, struct bp_error *err)
{
	bool yes = a->mount && strcmp(a->mount, "yes") == 0;

	if (a->mount && strcmp(a->type, "netfs") != 0)
		return bp_fail(err, BP_INVALID, "pools of type '%s' are no shares that could be "
			       "mounted", a->type);
	if (a->mount && !yes && strcmp(a->mount, "no") != 0)
		return bp_fail(err, BP_INVALID, "--mount is yes or no, not '%s'", a->mount);
	def->mount = yes ? BP_YES : a->mount ? BP_NO : BP_UNSAID;
	return 0;
}

/* What libvirt has no word for. */
static int fill_ours(const struct as *a, struct bp_pool_def *def, struct bp_error *err)
{
	return usual_rights(&a->rights, def, err) < 0 || fill_mkfs(a, def, err) < 0 ||
	       fill_activation(a, def, err) < 0 || fill_mount(a, def, err) < 0 ? -1 :
	       fill_thin(a, def, err);
}

static int print_as(struct cli *cli, const struct bp_pool_def *def)
{
	auto_free char *xml = bp_xml_format_pool(def, BP_XML_AS_WRITTEN);

	cli_document(cli, "xml", def->name, xml);
	return 0;
}

static int pool_define_as(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct as *a = args;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = def_of(a);

	if (fill_ours(a, def, err) < 0)
		return -1;
	if (a->print_xml)
		return print_as(cli, def);
	if (bp_pool_define(cli->store, def, err) < 0) {
		hint_formats(cli, a->type, err);
		return cli_failed(cli, "Failed to define pool %s", a->name);
	}
	cli_done(cli, "Pool %s defined", a->name);
	return 0;
}

static int pool_create_as(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct as *a = args;
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = def_of(a);
	unsigned flags = build_flags(a->build, a->overwrite, a->no_overwrite);

	if (fill_ours(a, def, err) < 0)
		return -1;
	if (a->print_xml)
		return print_as(cli, def);
	if (allow_device(cli, a->device, err) < 0 ||
	    bp_pool_create(cli->store, def, flags, err) < 0) {
		hint_build(cli, def->type, err);
		hint_device(cli, err);
		hint_formats(cli, a->type, err);
		return cli_failed(cli, "Failed to create pool %s", a->name);
	}
	cli_done(cli, "Pool %s created", a->name);
	return 0;
}

const struct command cmd_pool_define_as = {
	"pool-define-as", "define a pool from a set of args",
	"Define a pool.",
	"pool-define-as images dir --target /srv/images",
	define_as_options, sizeof(struct as), pool_define_as, COMMAND_FIRST, define_as_pairs
};

const struct command cmd_pool_create_as = {
	"pool-create-as", "create a pool from a set of args",
	"Create a pool.",
	"pool-create-as scratch dir --target /srv/scratch --build",
	create_as_options, sizeof(struct as), pool_create_as, 0, create_as_pairs
};

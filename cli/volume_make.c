/* volume_make.c - vol-* commands that make a volume. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/progress.h"
#include "cli/rights.h"
#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "xml/xml.h"

#define PREALLOC_ROW							\
	{ "prealloc-metadata", OPT_FLAG, 0, AT(prealloc),		\
	  "preallocate metadata (for qcow2 instead of full allocation)", COMPLETE_NOTHING }
#define REFLINK_ROW							\
	{ "reflink", OPT_FLAG, 0, AT(reflink), "use btrfs COW lightweight copy", COMPLETE_NOTHING }
#define VALIDATE_ROW							\
	{ "validate", OPT_FLAG, 0, AT(validate),			\
	  "validate the XML against the schema", COMPLETE_NOTHING }

/* ---- vol-create-as ------------------------------------------------------ */

struct create_as {
	const char *pool, *name, *format, *backing, *backing_format, *device;
	struct cli_size capacity, allocation;
	bool prealloc, print_xml;
	struct rights rights;
};

static const struct option_row create_as_options[] = {
#define AT(m) offsetof(struct create_as, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name", COMPLETE_POOL },
	{ "name", OPT_STRING, ROW_REQUIRED, AT(name), "name of the volume", COMPLETE_NOTHING },
	{ "capacity", OPT_SIZE, ROW_REQUIRED, AT(capacity),
	  "size of the vol, as scaled integer (default bytes)", COMPLETE_NOTHING },
	{ "allocation", OPT_SIZE, ROW_EMPTY_OK, AT(allocation),
	  "initial allocation size, as scaled integer (default bytes)", COMPLETE_NOTHING },
	{ "format", OPT_STRING, 0, AT(format),
	  "file format type raw,bochs,qcow,qcow2,qed,vmdk", COMPLETE_FORMAT },
	{ "backing-vol", OPT_STRING, 0, AT(backing),
	  "the backing volume if taking a snapshot", COMPLETE_VOL },
	{ "backing-vol-format", OPT_STRING, 0, AT(backing_format),
	  "format of backing volume if taking a snapshot", COMPLETE_FORMAT },
	PREALLOC_ROW,
	{ "print-xml", OPT_FLAG, 0, AT(print_xml),
	  "print XML document, but don't define/create", COMPLETE_NOTHING },
	RIGHTS_ROWS("", "the volume"),
	DEVICE_ROW,
	{ NULL }
#undef AT
};

/* The backing volume is looked for in the volume's pool, then in all; what goes
 * into the new volume is its path. */
static int add_backing(struct cli *cli, const struct create_as *a, const char *pool,
		       struct bp_vol_spec *spec, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	auto_free char *where = NULL, *vol = NULL;
	struct bp_error here = { 0 };

	if (bp_vol_locate(cli->store, pool, a->backing, &where, &vol, &here) < 0 &&
	    bp_vol_locate(cli->store, NULL, a->backing, &where, &vol, err) < 0)
		return cli_failed(cli, "failed to get vol '%s'", a->backing);
	if (bp_vol_info(cli->store, where, vol, BP_VOL_PATH, &info, err) < 0)
		return cli_failed(cli, "failed to get vol '%s'", a->backing);
	spec->backing = bp_backing_new();
	spec->backing->path = mem_dup(info->path);
	spec->backing->format = mem_dup(a->backing_format);
	return 0;
}

static struct bp_vol_spec *spec_of(const struct create_as *a)
{
	struct bp_vol_spec *spec = bp_vol_spec_new();

	spec->name = mem_dup(a->name);
	spec->has_capacity = true;
	spec->capacity = a->capacity.bytes;
	spec->has_allocation = a->allocation.given;
	spec->allocation = a->allocation.bytes;
	spec->format = mem_dup(a->format);
	return spec;
}

static int vol_create_as(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct create_as *a = args;
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = spec_of(a);
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *xml = NULL;

	if (rights_apply(&a->rights, &spec->perms, err) < 0 ||
	    pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &pool, err) < 0 ||
	    (a->backing && add_backing(cli, a, pool, spec, err) < 0))
		return -1;
	if (a->print_xml) {
		xml = bp_xml_format_volume_spec(spec);
		cli_document(cli, "xml", spec->name, xml);
		return 0;
	}
	if (allow_device(cli, a->device, err) < 0 ||
	    bp_vol_create(cli->store, pool, spec, a->prealloc ? BP_VOL_PREALLOC : 0,
			  progress_begin(&progress), err) < 0) {
		hint_start(cli, pool, err);
		hint_device(cli, err);
		return cli_failed(cli, "Failed to create vol %s", a->name);
	}
	progress_end(&progress);
	cli_done(cli, "Vol %s created", a->name);
	cli_warn(cli, spec->warning);
	return 0;
}

const struct command cmd_vol_create_as = {
	"vol-create-as", "create a volume from a set of args",
	"Create a vol.",
	"vol-create-as default disk1 10G --format qcow2",
	create_as_options, sizeof(struct create_as), vol_create_as, COMMAND_FIRST, NULL
};

/* ---- vol-create --------------------------------------------------------- */

struct create {
	const char *pool, *file, *device;
	bool prealloc, validate;
	struct rights rights;
};

static const struct option_row create_options[] = {
#define AT(m) offsetof(struct create, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name", COMPLETE_POOL },
	{ "file", OPT_STRING, ROW_REQUIRED, AT(file),
	  "file containing an XML vol description", COMPLETE_FILE },
	PREALLOC_ROW,
	VALIDATE_ROW,
	RIGHTS_ROWS("", "the volume"),
	DEVICE_ROW,
	{ NULL }
#undef AT
};

static int vol_create(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct create *a = args;
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	const struct bp_pool_type *type;
	auto_free char *pool = NULL, *text = NULL;
	size_t len;

	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &pool, err) < 0 ||
	    file_of_user(a->file, &text, &len, err) < 0)
		return -1;
	if (type_of_pool(cli, pool, &type, err) < 0 ||
	    bp_xml_parse_volume(text, len, document_name(cli, a->file), type,
				a->validate ? BP_XML_VALIDATE : 0, &spec, err) < 0 ||
	    rights_apply(&a->rights, &spec->perms, err) < 0 ||
	    allow_device(cli, a->device, err) < 0 ||
	    bp_vol_create(cli->store, pool, spec, a->prealloc ? BP_VOL_PREALLOC : 0,
			  progress_begin(&progress), err) < 0) {
		hint_start(cli, pool, err);
		hint_device(cli, err);
		return cli_failed(cli, "Failed to create vol from %s", a->file);
	}
	progress_end(&progress);
	cli_done(cli, "Vol %s created from %s", spec->name, a->file);
	cli_warn(cli, spec->warning);
	return 0;
}

const struct command cmd_vol_create = {
	"vol-create", "create a vol from an XML file",
	"Create a vol.",
	"vol-create default volume.xml",
	create_options, sizeof(struct create), vol_create, 0, NULL
};

/* ---- vol-create-from ---------------------------------------------------- */

struct create_from {
	const char *pool, *file, *vol, *inputpool, *device;
	bool prealloc, reflink, verify, validate, overwrite, flatten;
	struct rights rights;
	struct progress_wish wish;
};

#define OVERWRITE_ROW							\
	{ "overwrite", OPT_FLAG, ROW_OURS, AT(overwrite),		\
	  "copy into a device or LUN that is there; what it holds is gone", COMPLETE_NOTHING }

#define FLATTEN_ROW							\
	{ "flatten", OPT_FLAG, ROW_OURS, AT(flatten),			\
	  "the copy has the data of the backing store itself, and none", COMPLETE_NOTHING }

static const struct option_row create_from_options[] = {
#define AT(m) offsetof(struct create_from, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "file", OPT_STRING, ROW_REQUIRED, AT(file),
	  "file containing an XML vol description", COMPLETE_FILE },
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL },
	{ "inputpool", OPT_STRING, 0, AT(inputpool),
	  "pool name or uuid of the input volume's pool", COMPLETE_POOL },
	PREALLOC_ROW,
	REFLINK_ROW,
	VALIDATE_ROW,
	RIGHTS_ROWS("", "the volume"),
	DEVICE_ROW,
	FLATTEN_ROW,
	OVERWRITE_ROW,
	VERIFY_ROW,
	PROGRESS_ROWS,
	{ NULL }
#undef AT
};

static unsigned copy_flags(bool prealloc, bool reflink, bool verify, bool overwrite, bool flatten)
{
	return (prealloc ? BP_VOL_PREALLOC : 0) | (reflink ? BP_VOL_REFLINK : 0) |
	       (verify ? BP_VOL_VERIFY : 0) | (overwrite ? BP_VOL_OVERWRITE : 0) |
	       (flatten ? BP_VOL_FLATTEN : 0);
}

/* Where volumes are given a copy goes into one of them, which must be asked for. */
static void hint_overwrite(struct cli *cli, const char *pool, bool overwrite,
			   const struct bp_error *err)
{
	const struct bp_backend *be = NULL;
	struct bp_error ignored = { 0 };
	const struct bp_pool_type *type;

	if (!overwrite && err->code == BP_UNSUPPORTED &&
	    type_of_pool(cli, pool, &type, &ignored) == 0)
		be = bp_backend_find(type->name, &ignored);
	if (be && !be->vol_create && be->vol_open)
		cli_hint(cli, "with --overwrite it is copied into a volume that is there; what "
			 "that holds is gone");
}

/* A copy of an encrypted volume has its bytes and its key, also where that was not said. */
static void warn_of_encryption(struct cli *cli, const char *pool, const struct bp_vol_spec *spec,
			       const char *from)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	struct bp_error ignored = { 0 };
	auto_free char *warning = NULL;

	if (spec->encryption ||
	    bp_vol_info(cli->store, pool, spec->name, BP_VOL_FORMAT, &info, &ignored) < 0)
		return;
	if (info->encryption)
		warning = mem_printf("vol %s is encrypted as vol %s is, whose bytes it has",
				     spec->name, from);
	cli_warn(cli, warning);
}

static int vol_create_from(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct create_from *a = args;
	unsigned xml_flags = BP_XML_CAPACITY_OPTIONAL | (a->validate ? BP_XML_VALIDATE : 0);
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *text = NULL, *from_pool = NULL, *from = NULL;
	const struct bp_pool_type *type;
	size_t len;

	if (progress_wanted(&progress, &a->wish) < 0 ||
	    pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &pool, err) < 0 ||
	    file_of_user(a->file, &text, &len, err) < 0 ||
	    vol_lookup(cli, a->inputpool, a->vol, "inputpool", &from_pool, &from, err) < 0)
		return -1;
	if (type_of_pool(cli, pool, &type, err) < 0 ||
	    bp_xml_parse_volume(text, len, document_name(cli, a->file), type, xml_flags,
				&spec, err) < 0 ||
	    rights_apply(&a->rights, &spec->perms, err) < 0 ||
	    allow_device(cli, a->device, err) < 0 ||
	    bp_vol_copy(cli->store, pool, spec, from_pool, from,
			copy_flags(a->prealloc, a->reflink, a->verify, a->overwrite,
				   a->flatten),
			progress_begin(&progress),
			err) < 0) {
		hint_start(cli, pool, err);
		hint_device(cli, err);
		hint_overwrite(cli, pool, a->overwrite, err);
		return cli_failed(cli, "Failed to create vol from %s", a->file);
	}
	progress_end(&progress);
	cli_done(cli, "Vol %s created from input vol %s", spec->name, from);
	cli_warn(cli, spec->warning);
	warn_of_encryption(cli, pool, spec, from);
	return 0;
}

const struct command cmd_vol_create_from = {
	"vol-create-from", "create a vol, using another volume as input",
	"Create a vol from an existing volume.",
	"vol-create-from default copy.xml disk1 --inputpool default",
	create_from_options, sizeof(struct create_from), vol_create_from, 0, NULL
};

/* ---- vol-clone ---------------------------------------------------------- */

struct clone {
	const char *vol, *newname, *pool, *device;
	bool prealloc, reflink, verify, print_xml, overwrite, flatten;
	struct rights rights;
	struct progress_wish wish;
};

static const struct option_row clone_options[] = {
#define AT(m) offsetof(struct clone, m)
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL },
	{ "newname", OPT_STRING, ROW_REQUIRED, AT(newname), "clone name", COMPLETE_NOTHING },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	PREALLOC_ROW,
	REFLINK_ROW,
	{ "print-xml", OPT_FLAG, 0, AT(print_xml),
	  "print XML document rather than clone the volume", COMPLETE_NOTHING },
	RIGHTS_ROWS("", "the volume"),
	DEVICE_ROW,
	FLATTEN_ROW,
	OVERWRITE_ROW,
	VERIFY_ROW,
	PROGRESS_ROWS,
	{ NULL }
#undef AT
};

/* virsh shows the document as a library prints it that has changed one node,
 * without a newline at its end. */
static int print_clone(struct cli *cli, struct bp_vol_info *info, const char *newname,
		       const char *pool, struct bp_error *err)
{
	const struct bp_pool_type *type;
	const char *old = info->name;
	auto_free char *xml = NULL, *printed = NULL;
	size_t len;

	if (type_of_pool(cli, pool, &type, err) < 0)
		return -1;
	info->name = newname;
	xml = bp_xml_format_volume(info, type);
	info->name = old;
	if (bp_xml_xpath(xml, "/volume", false, &printed, err) < 0)
		return -1;
	len = strlen(printed);
	if (len && printed[len - 1] == '\n')
		printed[len - 1] = '\0';
	cli_document(cli, "xml", newname, printed);
	return 0;
}

static struct bp_vol_spec *spec_like(const struct bp_vol_info *info, const char *newname)
{
	struct bp_vol_spec *spec = bp_vol_spec_new();

	spec->name = mem_dup(newname);
	spec->type = info->type;
	spec->format = mem_dup(info->format);
	spec->has_capacity = spec->has_allocation = info->got & BP_VOL_SIZE;
	spec->capacity = info->capacity;
	spec->allocation = info->allocation;
	spec->perms = info->perms;
	spec->perms.label = mem_dup(info->perms.label);
	return spec;
}

static int vol_clone(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct clone *a = args;
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *vol = NULL;

	if (progress_wanted(&progress, &a->wish) < 0 ||
	    vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0 ||
	    bp_vol_info(cli->store, pool, vol, BP_VOL_ALL, &info, err) < 0 ||
	    rights_apply(&a->rights, &info->perms, err) < 0)
		return -1;
	if (a->print_xml)
		return print_clone(cli, info, a->newname, pool, err);
	spec = spec_like(info, a->newname);
	if (allow_device(cli, a->device, err) < 0 ||
	    bp_vol_copy(cli->store, pool, spec, pool, vol,
			copy_flags(a->prealloc, a->reflink, a->verify, a->overwrite,
				   a->flatten),
			progress_begin(&progress),
			err) < 0) {
		hint_device(cli, err);
		hint_overwrite(cli, pool, a->overwrite, err);
		return cli_failed(cli, "Failed to clone vol from %s", vol);
	}
	progress_end(&progress);
	cli_done(cli, "Vol %s cloned from %s", a->newname, vol);
	cli_warn(cli, spec->warning);
	return 0;
}

const struct command cmd_vol_clone = {
	"vol-clone", "clone a volume.",
	"Clone an existing volume within the parent pool.",
	"vol-clone disk1 disk2 default",
	clone_options, sizeof(struct clone), vol_clone, COMMAND_FIRST, NULL
};

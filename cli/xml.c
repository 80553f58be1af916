/* xml.c - the xml command: what does a definition mean? */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/xml.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "core/base/cleanup.h"

struct xml {
	const char *file, *pool;
	bool capacity_optional, validate;
};

static const struct option_row xml_options[] = {
#define AT(m) offsetof(struct xml, m)
	{ "file", OPT_STRING, ROW_REQUIRED, AT(file),
	  "a pool's or a volume's XML; - is standard input", COMPLETE_FILE },
	{ "pool", OPT_STRING, ROW_NAMED, AT(pool),
	  "XML of the pool the volume is for (default: a directory pool)", COMPLETE_FILE },
	{ "capacity-optional", OPT_FLAG, 0, AT(capacity_optional),
	  "a volume needs no capacity, as for vol-create-from", COMPLETE_NOTHING },
	{ "validate", OPT_FLAG, 0, AT(validate),
	  "validate the XML against the schema", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static int read_input(const char *file, char **ret, size_t *ret_len, struct bp_error *err)
{
	return file_of_user(strcmp(file, "-") == 0 ? "/dev/stdin" : file, ret, ret_len, err);
}

static int print_pool(struct cli *cli, const struct xml *a, const char *text, size_t len,
		      unsigned state, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	auto_free char *out = NULL;

	if (bp_xml_parse_pool(text, len, document_name(cli, a->file),
			      state | (a->validate ? BP_XML_VALIDATE : 0), &def, err) < 0)
		return -1;
	out = bp_xml_format_pool(def, state);
	cli_document(cli, "xml", def->name, out);
	return 0;
}

static int type_of_file(struct cli *cli, const char *file, const struct bp_pool_type **ret,
			struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	auto_free char *text = NULL;
	size_t len;

	*ret = bp_pool_type_find("dir");
	if (!file)
		return 0;
	if (read_input(file, &text, &len, err) < 0 ||
	    bp_xml_parse_pool(text, len, document_name(cli, file), 0, &def, err) < 0)
		return -1;
	*ret = bp_pool_type_find(def->type);
	return 0;
}

static int print_volume(struct cli *cli, const struct xml *a, const char *text, size_t len,
			struct bp_error *err)
{
	unsigned flags = (a->validate ? BP_XML_VALIDATE : 0) |
			 (a->capacity_optional ? BP_XML_CAPACITY_OPTIONAL : 0);
	cleanup(bp_vol_spec_freep) struct bp_vol_spec *spec = NULL;
	const struct bp_pool_type *type;
	struct bp_vol_info info;
	auto_free char *out = NULL;

	if (type_of_file(cli, a->pool, &type, err) < 0 ||
	    bp_xml_parse_volume(text, len, document_name(cli, a->file), type, flags, &spec,
				err) < 0)
		return -1;
	bp_vol_spec_view(spec, type, &info);
	out = bp_xml_format_volume(&info, type);
	cli_document(cli, "xml", spec->name, out);
	return 0;
}

static int xml(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct xml *a = args;
	auto_free char *text = NULL, *root = NULL;
	size_t len;

	if (read_input(a->file, &text, &len, err) < 0 ||
	    bp_xml_root(text, len, document_name(cli, a->file), &root, err) < 0)
		return -1;
	if (strcmp(root, "volume") == 0)
		return print_volume(cli, a, text, len, err);
	return print_pool(cli, a, text, len,
			  strcmp(root, "poolstate") == 0 ? BP_XML_STATE : 0, err);
}

const struct command cmd_xml = {
	"xml", "check a definition and print what it means",
	"Read one pool's or volume's XML, check it as defining or creating would, and print it\n"
	"    in full, as libvirt would store it; or say what is wrong with it, and where.",
	"xml pool.xml --validate",
	xml_options, sizeof(struct xml), xml,
	COMMAND_OURS | COMMAND_NO_STORE | COMMAND_BARE, NULL
};

/* image_options.c - see image_options.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image_options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/size.h"
#include "core/base/text.h"

enum kind { TEXT, SIZE, NUMBER, SWITCH, REFUSED };

static const char *const kind_words[] = { "<str>", "<size>", "<num>", "<bool (on/off)>" };

struct row {
	const char *formats, *name;
	enum kind kind;
	const char *usual;	/* what it is when nobody says it, and told; or NULL */
	const char *help;
};

#define ALL "raw,qcow2,vmdk,vdi,vpc"

/* In the order they are told of. */
static const struct row rows[] = {
	{ "qcow2", "encryption", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.format", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.key-secret", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.cipher-alg", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.cipher-mode", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.hash-alg", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.iter-time", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.ivgen-alg", REFUSED, NULL, NULL },
	{ "qcow2", "encrypt.ivgen-hash-alg", REFUSED, NULL, NULL },
	{ "qcow2", "cluster_size", SIZE, "65536", "qcow2 cluster size" },
	{ "qcow2", "extended_l2", SWITCH, "off", "Extended L2 tables" },
	{ "qcow2", "preallocation", TEXT, NULL,
	  "Preallocation mode (allowed values: off, metadata, falloc, full)" },
	{ "qcow2", "compression_type", TEXT, "zlib",
	  "Compression method used for image cluster compression" },
	{ ALL, "size", SIZE, NULL, "Virtual disk size" },
	{ "raw", "preallocation", TEXT, NULL,
	  "Preallocation mode (allowed values: off, falloc, full)" },
	{ "qcow2", "compat", TEXT, NULL, "Compatibility level (v2 [0.10] or v3 [1.1])" },
	{ "qcow2", "backing_file", TEXT, NULL, "File name of a base image" },
	{ "qcow2", "backing_fmt", TEXT, NULL, "Image format of the base image" },
	{ "qcow2", "data_file", TEXT, NULL, "File name of an external data file" },
	{ "qcow2", "data_file_raw", SWITCH, NULL,
	  "The external data file must stay valid as a raw image" },
	{ "qcow2", "lazy_refcounts", SWITCH, "off", "Postpone refcount updates" },
	{ "qcow2", "refcount_bits", NUMBER, "16", "Width of a reference count entry in bits" },
	{ "vdi", "static", SWITCH, "off", "VDI static (pre-allocated) image" },
	{ "vmdk", "adapter_type", TEXT, NULL, "Virtual adapter type, can be one of ide (default), "
	  "lsilogic, buslogic or legacyESX" },
	{ "vmdk", "compat6", SWITCH, "off", "VMDK version 6 image" },
	{ "vmdk", "hwversion", TEXT, "undefined", "VMDK hardware version" },
	{ "vmdk", "toolsversion", TEXT, NULL, "VMware guest tools version" },
	{ "vmdk", "subformat", TEXT, NULL,
	  "VMDK extent format, can be one of {monolithicSparse (default) | streamOptimized}" },
	{ "vmdk", "zeroed_grain", SWITCH, NULL,
	  "Enable efficient zero writes using the zeroed-grain GTE feature" },
	{ "vpc", "subformat", TEXT, NULL,
	  "Type of virtual hard disk format. Supported formats are {dynamic (default) | fixed}" },
	{ "vpc", "force_size", SWITCH, NULL, "Force disk size calculation to use the actual size "
	  "specified, rather than using the nearest CHS-based calculation" },
	{ "raw,qcow2", "nocow", SWITCH, NULL, "Turn off copy-on-write (valid only on btrfs)" },
	{ ALL, "extent_size_hint", SIZE, NULL,
	  "Extent size hint for the image file, 0 to disable" },
};

_Static_assert(array_size(rows) <= IMAGE_OPTIONS_MAX, "each has its place");

static bool row_is_for(const struct row *r, const char *format)
{
	size_t len = strlen(format);

	for (const char *p = r->formats; *p; p += strcspn(p, ","), p += *p == ',')
		if (strncmp(p, format, len) == 0 && (p[len] == ',' || !p[len]))
			return true;
	return false;
}

static const struct row *find(const char *format, const char *name)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (strcmp(rows[i].name, name) == 0 && row_is_for(&rows[i], format))
			return &rows[i];
	return NULL;
}

/* ---- values ------------------------------------------------------------------------ */

static int set_size(char **to, const char *name, const char *value, struct bp_error *err)
{
	uint64_t v;

	if (size_parse_fraction(value, UINT64_MAX, &v) != SIZE_GOOD)
		return bp_fail(err, BP_INVALID, "Parameter '%s' expects a non-negative number "
			       "below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, "
			       "giga-, tera-, peta-\nand exabytes, respectively.", name);
	free(*to);
	*to = mem_printf("%" PRIu64, v);
	return 0;
}

static int set_switch(char **to, const char *name, const char *value, struct bp_error *err)
{
	static const char *const words[] = { "on", "off", "yes", "no", "true", "false", "y", "n" };
	size_t i = 0;

	while (i < array_size(words) && strcmp(value, words[i]) != 0)
		i++;
	mem_set(to, words[i % 2]);
	return i < array_size(words) ? 0 :
	       bp_fail(err, BP_INVALID, "Parameter '%s' expects 'on' or 'off'", name);
}

static int set_value(const struct row *r, char **to, const char *value, struct bp_error *err)
{
	uint64_t v;

	switch (r->kind) {
	case SIZE:
		return set_size(to, r->name, value, err);
	case SWITCH:
		return set_switch(to, r->name, value, err);
	case NUMBER:
		if (!parse_number(value, 10, &v))
			return bp_fail(err, BP_INVALID, "Parameter '%s' expects a number", r->name);
		break;
	case REFUSED:
		if (strcmp(r->name, "encryption") == 0 && strcmp(value, "off") == 0)
			return 0;
		return bp_fail(err, BP_UNSUPPORTED, "Parameter '%s' is not supported here: "
			       "encrypted images cannot be made", r->name);
	case TEXT:
		break;
	}
	mem_set(to, value);
	return 0;
}

int image_options_set(struct image_options *o, const char *name, const char *value,
		      struct bp_error *err)
{
	const struct row *r = find(o->format->name, name);

	if (!r)
		return bp_fail(err, BP_INVALID, "Invalid parameter '%s'", name);
	return set_value(r, &o->values[r - rows], value, err);
}

/* "name", which is "name=on", and "noname" switch. */
static int set_bare(struct image_options *o, const char *name, struct bp_error *err)
{
	const struct row *r = find(o->format->name, name);

	if (!r && starts_with(name, "no") && find(o->format->name, name + 2))
		return image_options_set(o, name + 2, "off", err);
	return image_options_set(o, name, "on", err);
}

/* Up to a comma; two of them are one that belongs to the value. */
static char *take_word(const char **at)
{
	cleanup(text_done) struct text word = { 0 };
	const char *p = *at;

	for (; *p && (*p != ',' || p[1] == ','); p++) {
		text_add_n(&word, p, 1);
		p += *p == ',';
	}
	*at = p + (*p == ',');
	return text_steal(&word);
}

int image_options_parse(struct image_options *o, const char *text, struct bp_error *err)
{
	while (*text) {
		auto_free char *word = take_word(&text);
		char *is = strchr(word, '=');

		if (is)
			*is = '\0';
		if ((is ? image_options_set(o, word, is + 1, err) : set_bare(o, word, err)) < 0)
			return -1;
	}
	return 0;
}

bool image_options_has(const struct image_options *o, const char *name)
{
	return find(o->format->name, name);
}

const char *image_options_get(const struct image_options *o, const char *name)
{
	const struct row *r = find(o->format->name, name);

	if (!r)
		return NULL;
	return o->values[r - rows] ? o->values[r - rows] : r->usual;
}

const char *image_options_said(const struct image_options *o, const char *name)
{
	const struct row *r = find(o->format->name, name);

	return r ? o->values[r - rows] : NULL;
}

static bool is_among(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

const char *image_options_other(const struct image_options *o, const char *const *names)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (o->values[i] && !is_among(rows[i].name, names))
			return rows[i].name;
	return NULL;
}

void image_options_done(struct image_options *o)
{
	for (size_t i = 0; i < IMAGE_OPTIONS_MAX; i++)
		free(o->values[i]);
	*o = (struct image_options){ 0 };
}

/* ---- told --------------------------------------------------------------------------- */

/* As it could be said again. */
static void add_value(struct text *t, const char *value)
{
	for (; *value; value++)
		text_addf(t, "%c%s", *value, *value == ',' ? "," : "");
}

char *image_options_text(const struct image_options *o)
{
	struct text t = { 0 };

	text_addf(&t, "fmt=%s", o->format->name);
	for (size_t i = 0; i < array_size(rows); i++) {
		const char *value = o->values[i] ? o->values[i] : rows[i].usual;

		if (!value || !row_is_for(&rows[i], o->format->name))
			continue;
		text_addf(&t, " %s=", rows[i].name);
		add_value(&t, value);
	}
	return text_steal(&t);
}

static int by_name(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* names NULL: all there are. */
static void add_rows(struct text *t, const struct bp_image_format *format,
		     const char *const *names)
{
	const struct row *sorted[IMAGE_OPTIONS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].kind != REFUSED && row_is_for(&rows[i], format->name) &&
		    (!names || is_among(rows[i].name, names)))
			sorted[n++] = &rows[i];
	qsort(sorted, n, sizeof *sorted, by_name);
	for (size_t i = 0; i < n; i++) {
		auto_free char *left = mem_printf("%s=%s", sorted[i]->name,
						  kind_words[sorted[i]->kind]);

		text_addf(t, "  %-22s - %s\n", left, sorted[i]->help);
	}
}

char *image_options_help(const struct bp_image_format *format)
{
	struct text t = { 0 };

	text_addf(&t, "Supported %s options:\n", format->name);
	add_rows(&t, format, NULL);
	return text_steal(&t);
}

char *image_options_list(const struct bp_image_format *format, const char *heading,
			 const char *const *names)
{
	struct text t = { 0 };

	text_addf(&t, "%s options for '%s':\n", heading, format->name);
	add_rows(&t, format, names);
	return text_steal(&t);
}

/* ---- as a format takes it -------------------------------------------------------------- */

static bool is_on(const struct image_options *o, const char *name)
{
	const char *value = image_options_get(o, name);

	return value && strcmp(value, "on") == 0;
}

static uint64_t number(const struct image_options *o, const char *name)
{
	const char *value = image_options_get(o, name);
	uint64_t v;

	return value && parse_number(value, 10, &v) ? v : 0;
}

static int no_such_value(const char *name, const char *value, struct bp_error *err)
{
	return bp_fail(err, BP_INVALID, "Parameter '%s' does not accept value '%s'", name, value);
}

static int get_compat(const struct image_options *o, const char **ret, struct bp_error *err)
{
	const char *value = image_options_get(o, "compat");

	*ret = "1.1";
	if (!value || strcmp(value, "1.1") == 0 || strcmp(value, "v3") == 0)
		return 0;
	*ret = "0.10";
	if (strcmp(value, "0.10") == 0 || strcmp(value, "v2") == 0)
		return 0;
	return no_such_value("version", value, err);
}

static int get_compression(const struct image_options *o, bool *ret, struct bp_error *err)
{
	const char *value = image_options_get(o, "compression_type");

	*ret = value && strcmp(value, "zstd") == 0;
	if (*ret || !value || strcmp(value, "zlib") == 0)
		return 0;
	return no_such_value("compression-type", value, err);
}

static int get_preallocation(const struct image_options *o, enum bp_preallocation *ret,
			     struct bp_error *err)
{
	static const char *const words[] = { "off", "metadata", "falloc", "full" };
	const char *value = image_options_get(o, "preallocation");

	*ret = BP_PREALLOC_OFF;
	for (size_t i = 0; value && i < array_size(words); i++)
		if (strcmp(value, words[i]) == 0) {
			*ret = (enum bp_preallocation)i;
			value = NULL;
		}
	if (value)
		return no_such_value("preallocation", value, err);
	if (*ret == BP_PREALLOC_METADATA && strcmp(o->format->name, "raw") == 0)
		return bp_fail(err, BP_INVALID, "Unsupported preallocation mode: metadata");
	return 0;
}

/* What the older version of qcow2 has not, in QEMU's words. */
static int check_compat(const struct bp_image_spec *s, struct bp_error *err)
{
	static const char use[] = "(use version=v3 or greater)";

	if (strcmp(s->compat, "0.10") != 0)
		return 0;
	if (s->data_file)
		return bp_fail(err, BP_INVALID, "External data files are only supported with "
			       "compatibility level 1.1 and above %s", use);
	if (s->zstd)
		return bp_fail(err, BP_INVALID, "Non-zlib compression type is only supported with "
			       "compatibility level 1.1 and above %s", use);
	if (s->features & BP_FEATURE_EXTENDED_L2)
		return bp_fail(err, BP_INVALID, "Extended L2 entries are only supported with "
			       "compatibility level 1.1 and above %s", use);
	if (s->features & BP_FEATURE_LAZY_REFCOUNTS)
		return bp_fail(err, BP_INVALID, "Lazy refcounts only supported with compatibility "
			       "level 1.1 and above %s", use);
	if (s->refcount_bits && s->refcount_bits != 16)
		return bp_fail(err, BP_INVALID, "Different refcount widths than 16 bits require "
			       "compatibility level 1.1 or above %s", use);
	return 0;
}

static int check_data(const struct bp_image_spec *s, struct bp_error *err)
{
	if (s->data_raw && !s->data_file)
		return bp_fail(err, BP_INVALID, "data-file-raw requires data-file");
	if (s->data_raw && s->backing)
		return bp_fail(err, BP_INVALID, "Backing file and data-file-raw cannot be used at "
			       "the same time");
	return 0;
}

static int check_qcow2(const struct image_options *o, const struct bp_image_spec *s,
		       struct bp_error *err)
{
	uint64_t cs = s->cluster_size, bits = number(o, "refcount_bits");
	bool extended = s->features & BP_FEATURE_EXTENDED_L2;

	if (check_data(s, err) < 0)
		return -1;
	if (cs < 512 || cs > 2 << 20 || cs & (cs - 1))
		return bp_fail(err, BP_INVALID,
			       "Cluster size must be a power of two between 512 and 2048k");
	if (!bits || bits > 64 || bits & (bits - 1))
		return bp_fail(err, BP_INVALID,
			       "Refcount width must be a power of two and may not exceed 64 bits");
	if (check_compat(s, err) < 0)
		return -1;
	if (s->backing && s->preallocate && !extended)
		return bp_fail(err, BP_INVALID, "Backing file and preallocation can only be used "
			       "at the same time if extended_l2 is on");
	if (extended && cs < 16384)
		return bp_fail(err, BP_INVALID, "Extended L2 entries are only supported with "
			       "cluster sizes of at least 16384 bytes");
	/* of 4 Mi entries, each for a table */
	if (s->capacity > (UINT64_C(4) << 20) * cs * (cs / (extended ? 16 : 8)))
		return bp_fail(err, BP_INVALID, "The image size is too large for file format "
			       "'qcow2' (try using a larger cluster size)");
	return 0;
}

/* They come into a text, line by line. */
static int get_version(const struct image_options *o, const char *name, const char **ret,
		       struct bp_error *err)
{
	const char *value = image_options_get(o, name);
	uint64_t v;

	*ret = NULL;
	if (!value || strcmp(value, "undefined") == 0)
		return 0;
	if (!parse_number(value, 10, &v))
		return bp_fail(err, BP_INVALID, "Parameter '%s' expects a number", name);
	*ret = value;
	return 0;
}

static int get_vmdk(const struct image_options *o, struct bp_image_spec *s, struct bp_error *err)
{
	static const char *const adapters[] = { "ide", "lsilogic", "buslogic", "legacyESX" };
	const char *adapter = image_options_get(o, "adapter_type");

	for (size_t i = 0; adapter && i < array_size(adapters); i++)
		if (strcmp(adapter, adapters[i]) == 0)
			s->adapter = adapters[i];
	if (adapter && !s->adapter)
		return bp_fail(err, BP_INVALID, "invalid parameter value: %s", adapter);
	if (get_version(o, "hwversion", &s->hardware, err) < 0 ||
	    get_version(o, "toolsversion", &s->tools, err) < 0)
		return -1;
	if (is_on(o, "compat6") && s->hardware)
		return bp_fail(err, BP_INVALID, "compat6 cannot be enabled with hwversion set");
	if (is_on(o, "compat6"))
		s->hardware = "6";
	s->zeroed_grains = is_on(o, "zeroed_grain");
	return 0;
}

int image_options_spec(const struct image_options *o, struct bp_image_spec *ret,
		       struct bp_error *err)
{
	struct bp_image_spec s = {
		.capacity	= number(o, "size"),
		.backing	= image_options_get(o, "backing_file"),
		.backing_format = image_options_get(o, "backing_fmt"),
		.cluster_size	= number(o, "cluster_size"),
		.refcount_bits	= (unsigned)number(o, "refcount_bits"),
		.features	= (is_on(o, "lazy_refcounts") ? BP_FEATURE_LAZY_REFCOUNTS : 0u) |
				  (is_on(o, "extended_l2") ? BP_FEATURE_EXTENDED_L2 : 0u),
		.subformat	= is_on(o, "static") ? "static" : image_options_get(o, "subformat"),
		.exact		= is_on(o, "force_size"),
		.data_file	= image_options_get(o, "data_file"),
		.data_raw	= is_on(o, "data_file_raw"),
	};

	if (get_compat(o, &s.compat, err) < 0 || get_compression(o, &s.zstd, err) < 0 ||
	    get_preallocation(o, &s.preallocate, err) < 0)
		return -1;
	if (strcmp(o->format->name, "vmdk") == 0 && get_vmdk(o, &s, err) < 0)
		return -1;
	if (strcmp(o->format->name, "qcow2") == 0 && check_qcow2(o, &s, err) < 0)
		return -1;
	s.capacity += -s.capacity & 511;	/* whole sectors; at most INT64_MAX before */
	*ret = s;
	return 0;
}

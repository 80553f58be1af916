/* image_options.c - see image_options.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/image_options.h"

#include <ctype.h>
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

static bool is_word_for(const char *value, const char *const words[4])
{
	for (size_t i = 0; i < 4; i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

static bool means_on(const char *value)
{
	return is_word_for(value, (const char *const[]){ "on", "yes", "true", "y" });
}

static bool means_off(const char *value)
{
	return is_word_for(value, (const char *const[]){ "off", "no", "false", "n" });
}

static int set_switch(char **to, const char *name, const char *value, struct bp_error *err)
{
	if (!means_on(value) && !means_off(value))
		return bp_fail(err, BP_INVALID, "Parameter '%s' expects 'on' or 'off'", name);
	mem_set(to, value);
	return 0;
}

/* As C has them, with 0x and 0 before them.  What is below zero is still a number to QEMU, and
 * one that is too large for whatever it says. */
static int set_number(char **to, const char *name, const char *value, struct bp_error *err)
{
	const char *digits = value + strspn(value, " \t\n\v\f\r");
	bool negative = *digits == '-';
	uint64_t v;

	if ((negative && !isdigit((unsigned char)digits[1])) ||
	    !parse_number(digits + negative, 0, &v))
		return bp_fail(err, BP_INVALID, "Parameter '%s' expects a number", name);
	free(*to);
	*to = mem_printf("%s%" PRIu64, negative && v ? "-" : "", v);
	return 0;
}

static int set_value(const struct row *r, char **to, const char *value, struct bp_error *err)
{
	switch (r->kind) {
	case SIZE:
		return set_size(to, r->name, value, err);
	case SWITCH:
		return set_switch(to, r->name, value, err);
	case NUMBER:
		return set_number(to, r->name, value, err);
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

bool image_options_on(const struct image_options *o, const char *name)
{
	const char *value = image_options_get(o, name);

	return value && means_on(value);
}

bool image_options_off(const struct image_options *o, const char *name)
{
	const char *value = image_options_said(o, name);

	return value && means_off(value);
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

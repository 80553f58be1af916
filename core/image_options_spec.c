/* image_options_spec.c - options of a new image, as its format takes them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image_options.h"

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
	if (image_options_on(o, "compat6") && s->hardware)
		return bp_fail(err, BP_INVALID, "compat6 cannot be enabled with hwversion set");
	if (image_options_on(o, "compat6"))
		s->hardware = "6";
	s->zeroed_grains = image_options_on(o, "zeroed_grain");
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
		.subformat	= image_options_on(o, "static") ? "static" :
				  image_options_get(o, "subformat"),
		.exact		= image_options_on(o, "force_size"),
		.data_file	= image_options_get(o, "data_file"),
		.data_raw	= image_options_on(o, "data_file_raw"),
	};

	if (image_options_on(o, "lazy_refcounts"))
		s.features |= BP_FEATURE_LAZY_REFCOUNTS;
	if (image_options_on(o, "extended_l2"))
		s.features |= BP_FEATURE_EXTENDED_L2;
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

/* volume_spec.c - a volume as asked for: its memory, and what it needs. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/model/check.h"
#include "core/model/volume.h"

struct bp_vol_spec *bp_vol_spec_new(void)
{
	return mem_alloc(sizeof(struct bp_vol_spec));
}

struct bp_encryption *bp_encryption_new(void)
{
	return mem_alloc(sizeof(struct bp_encryption));
}

struct bp_backing *bp_backing_new(void)
{
	return mem_alloc(sizeof(struct bp_backing));
}

void bp_encryption_free(struct bp_encryption *enc)
{
	if (!enc)
		return;
	for (size_t i = 0; i < enc->n_secrets; i++) {
		free(enc->secrets[i].type);
		free(enc->secrets[i].uuid);
		free(enc->secrets[i].usage);
	}
	free(enc->secrets);
	free(enc->format);
	free(enc->engine);
	free(enc->cipher);
	free(enc->cipher_mode);
	free(enc->cipher_hash);
	free(enc->ivgen);
	free(enc->ivgen_hash);
	free(enc);
}

void bp_backing_done(struct bp_backing *backing)
{
	free(backing->path);
	free(backing->format);
	free(backing->vol);
	bp_perms_done(&backing->perms);
}

void bp_backing_free(struct bp_backing *backing)
{
	if (backing)
		bp_backing_done(backing);
	free(backing);
}

void bp_vol_spec_free(struct bp_vol_spec *spec)
{
	if (!spec)
		return;
	free(spec->name);
	free(spec->key);
	free(spec->path);
	free(spec->format);
	bp_perms_done(&spec->perms);
	free(spec->compat);
	bp_encryption_free(spec->encryption);
	bp_backing_free(spec->backing);
	free(spec->warning);
	free(spec);
}

void bp_vol_spec_freep(struct bp_vol_spec **spec)
{
	bp_vol_spec_free(*spec);
	*spec = NULL;
}

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* Volumes that are files in a directory of ours. */
static bool are_files(const struct bp_pool_type *type)
{
	return type->target == BP_TARGET_GIVEN && is(type->vol_format, "raw");
}

static int check_name(struct bp_vol_spec *spec, const struct bp_pool_type *type,
		      struct bp_error *err)
{
	empty_to_null(&spec->name);
	if (!spec->name)
		return bp_fail_part(err, BP_XML, "name", "missing volume name element");
	if (are_files(type) && strchr(spec->name, '/'))
		return bp_fail_part(err, BP_WRONG_STATE, "name",
				    "volume name '%s' cannot contain '/'", spec->name);
	return check_text(spec->name, "name", err);
}

/* "none" is a partition's format; of an image it can be told, not asked for. */
static int complete_format(char **format, const struct bp_pool_type *type, const char *part,
			   struct bp_error *err)
{
	empty_to_null(format);
	if (!type->vol_formats)
		mem_set(format, NULL);
	else if (!*format)
		mem_set(format, type->vol_format);
	else if (!bp_word_in(type->vol_formats, *format) ||
		 (is(*format, "none") && !is(type->vol_format, "none")))
		return bp_fail_part(err, BP_CONFIG, part, "unknown volume format type %s", *format);
	return 0;
}

static int complete_backing(struct bp_vol_spec *spec, const struct bp_pool_type *type,
			    struct bp_error *err)
{
	struct bp_backing *b = spec->backing;

	if (!b)
		return 0;
	if (!b->path || !*b->path) {
		bp_backing_free(b);
		spec->backing = NULL;
		return 0;
	}
	empty_to_null(&b->perms.label);
	empty_to_null(&b->format);
	b->assumed |= !b->format;
	if (complete_format(&b->format, type, "backingStore/format", err) < 0 ||
	    check_text(b->path, "backingStore/path", err) < 0 ||
	    check_text(b->perms.label, "backingStore/permissions/label", err) < 0)
		return -1;
	return check_mode(&b->perms, "backingStore/permissions/mode", err);
}

static int check_size(uint64_t size, const char *part, struct bp_error *err)
{
	if (size > INT64_MAX)
		return bp_fail_part(err, BP_OVERFLOW, part, "value too large: %llu",
				    (unsigned long long)size);
	return 0;
}

static int complete_sizes(struct bp_vol_spec *spec, bool capacity_optional, struct bp_error *err)
{
	if (!spec->has_capacity && !capacity_optional && !spec->backing)
		return bp_fail_part(err, BP_XML, "capacity", "missing capacity element");
	if (!spec->has_capacity)
		spec->capacity = 0;
	if (!spec->has_allocation)
		spec->allocation = spec->capacity;
	if (check_size(spec->capacity, "capacity", err) < 0)
		return -1;
	return check_size(spec->allocation, "allocation", err);
}

#define ENCRYPTION "target/encryption"

static int check_encryption_words(struct bp_encryption *enc, struct bp_error *err)
{
	static const char *const formats[] = { "default", "qcow", "luks", "luks2", "luks-any",
					       NULL };
	static const char *const engines[] = { "qemu", "librbd", NULL };

	empty_to_null(&enc->format);
	if (!enc->format)
		return bp_fail_part(err, BP_XML, ENCRYPTION, "unknown volume encryption format");
	if (!bp_word_in(formats, enc->format))
		return bp_fail_part(err, BP_CONFIG, ENCRYPTION,
				    "unknown volume encryption format type %s", enc->format);
	if (enc->engine && !bp_word_in(engines, enc->engine))
		return bp_fail_part(err, BP_XML, ENCRYPTION, "Invalid value for attribute 'engine' "
				    "in element 'encryption': '%s'.", enc->engine);
	return 0;
}

static int check_encryption_secret(struct bp_secret *s, struct bp_error *err)
{
	static const char part[] = ENCRYPTION "/secret";

	if (!s->type)
		return bp_fail_part(err, BP_XML, part, "unknown volume encryption secret type");
	if (!is(s->type, "passphrase"))
		return bp_fail_part(err, BP_CONFIG, part,
				    "unknown volume encryption secret type %s", s->type);
	return check_secret(&s->uuid, s->usage, part, err);
}

/* Only LUKS has these. */
static int complete_cipher(struct bp_encryption *enc, struct bp_error *err)
{
	char **const words[] = { &enc->cipher, &enc->cipher_mode, &enc->cipher_hash, &enc->ivgen,
				 &enc->ivgen_hash };

	if (!is(enc->format, "luks")) {
		for (size_t i = 0; i < array_size(words); i++)
			mem_set(words[i], NULL);
		enc->cipher_size = 0;
		return 0;
	}
	if (!enc->cipher && (enc->cipher_size || enc->cipher_mode || enc->cipher_hash))
		return bp_fail_part(err, BP_XML, ENCRYPTION "/cipher",
				    "cipher info missing 'name' attribute");
	if (!enc->cipher && (enc->ivgen || enc->ivgen_hash))
		return bp_fail_part(err, BP_XML, ENCRYPTION "/ivgen",
				    "ivgen element found, but cipher is missing");
	if (!enc->ivgen && enc->ivgen_hash)
		return bp_fail_part(err, BP_XML, ENCRYPTION "/ivgen",
				    "missing ivgen info name string");
	for (size_t i = 0; i < array_size(words); i++)
		if (check_text(*words[i], ENCRYPTION, err) < 0)
			return -1;
	return 0;
}

static int complete_encryption(struct bp_encryption *enc, struct bp_error *err)
{
	if (!enc)
		return 0;
	if (check_encryption_words(enc, err) < 0)
		return -1;
	for (size_t i = 0; i < enc->n_secrets; i++)
		if (check_encryption_secret(&enc->secrets[i], err) < 0)
			return -1;
	return complete_cipher(enc, err);
}

static bool is_version(const char *s)
{
	size_t major = strspn(s, "0123456789"), minor;

	if (!major || s[major] != '.')
		return false;
	minor = strspn(s + major + 1, "0123456789");
	return minor && !s[major + 1 + minor];
}

static int complete_features(struct bp_vol_spec *spec, struct bp_error *err)
{
	empty_to_null(&spec->compat);
	if (spec->compat && !is_version(spec->compat))
		return bp_fail_part(err, BP_XML, "target/compat",
				    "forbidden characters in 'compat' attribute");
	/* An image's bytes in a second file: we can tell, but not make it so. */
	if (spec->features & BP_FEATURE_DATA_FILE)
		return bp_fail_part(err, BP_CONFIG, "target/features",
				    "unsupported feature data_file");
	if (spec->has_features && !spec->compat)
		mem_set(&spec->compat, "1.1");
	return 0;
}

/* In the order in which libvirt looks, so that of two faults the same is told. */
int bp_vol_spec_complete(struct bp_vol_spec *spec, const struct bp_pool_type *type,
			 bool capacity_optional, struct bp_error *err)
{
	empty_to_null(&spec->key);
	empty_to_null(&spec->path);
	empty_to_null(&spec->perms.label);
	if (check_name(spec, type, err) < 0 ||
	    check_text(spec->key, "key", err) < 0 ||
	    complete_backing(spec, type, err) < 0 ||
	    complete_sizes(spec, capacity_optional, err) < 0 ||
	    check_text(spec->path, "target/path", err) < 0 ||
	    complete_format(&spec->format, type, "target/format", err) < 0 ||
	    check_mode(&spec->perms, "target/permissions/mode", err) < 0 ||
	    check_text(spec->perms.label, "target/permissions/label", err) < 0 ||
	    complete_encryption(spec->encryption, err) < 0)
		return -1;
	return complete_features(spec, err);
}

void bp_vol_spec_view(const struct bp_vol_spec *spec, const struct bp_pool_type *type,
		      struct bp_vol_info *ret)
{
	*ret = (struct bp_vol_info){
		.got	      = BP_VOL_ALL,
		.type	      = spec->type,
		.name	      = spec->name,
		.key	      = spec->key,
		.path	      = spec->path,
		.format	      = type->vol_formats ? spec->format : NULL,
		.capacity     = spec->capacity,
		.allocation   = spec->allocation,
		.perms	      = spec->perms,
		.compat	      = spec->compat,
		.cluster_size = spec->cluster_size,
		.has_features = spec->has_features,
		.features     = spec->features,
		.encryption   = spec->encryption,
		.backing      = spec->backing,
	};
}

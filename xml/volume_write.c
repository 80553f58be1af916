/* volume_write.c - <volume>, written. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "xml/parts.h"
#include "xml/xml.h"

static void write_size(struct out *o, const char *name, const char *unit, uint64_t size)
{
	out_tag(o, name);
	out_attr(o, "unit", unit);
	out_endf(o, name, "%llu", (unsigned long long)size);
}

/* What lies in a row on one device shares an element. */
static void write_extents(struct out *o, const struct bp_vol_extent *e, size_t n)
{
	if (!n)
		return;
	out_tag(o, "source");
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(e[i].device, e[i - 1].device) != 0) {
			out_tag(o, "device");
			out_attr(o, "path", e[i].device);
		}
		out_tag(o, "extent");
		out_attrf(o, "start", "%llu", (unsigned long long)e[i].start);
		out_attrf(o, "end", "%llu", (unsigned long long)e[i].end);
		out_end(o, "extent");
		if (i + 1 == n || strcmp(e[i].device, e[i + 1].device) != 0)
			out_end(o, "device");
	}
	out_end(o, "source");
}

static void write_time(struct out *o, const char *name, const struct timespec *t)
{
	if (t->tv_nsec)
		out_textf(o, name, "%lld.%09ld", (long long)t->tv_sec, t->tv_nsec);
	else
		out_textf(o, name, "%lld", (long long)t->tv_sec);
}

static void write_times(struct out *o, const struct bp_times *t)
{
	out_tag(o, "timestamps");
	write_time(o, "atime", &t->atime);
	write_time(o, "mtime", &t->mtime);
	write_time(o, "ctime", &t->ctime);
	write_time(o, "btime", &t->btime);
	out_end(o, "timestamps");
}

static bool are_known(const struct bp_times *t)
{
	return t->atime.tv_sec || t->mtime.tv_sec || t->ctime.tv_sec;
}

static void write_encryption(struct out *o, const struct bp_encryption *enc)
{
	if (!enc)
		return;
	out_tag(o, "encryption");
	out_attr(o, "format", enc->format);
	out_attr(o, "engine", enc->engine);
	out_body(o);
	for (size_t i = 0; i < enc->n_secrets; i++) {
		out_tag(o, "secret");
		out_attr(o, "type", enc->secrets[i].type);
		out_attr(o, "uuid", enc->secrets[i].uuid);
		out_attr(o, "usage", enc->secrets[i].usage);
		out_end(o, "secret");
	}
	if (enc->cipher) {
		out_tag(o, "cipher");
		out_attr(o, "name", enc->cipher);
		out_attrf(o, "size", "%u", enc->cipher_size);
		out_attr(o, "mode", enc->cipher_mode);
		out_attr(o, "hash", enc->cipher_hash);
		out_end(o, "cipher");
	}
	if (enc->ivgen) {
		out_tag(o, "ivgen");
		out_attr(o, "name", enc->ivgen);
		out_attr(o, "hash", enc->ivgen_hash);
		out_end(o, "ivgen");
	}
	out_end(o, "encryption");
}

static void write_features(struct out *o, unsigned features)
{
	static const struct { unsigned bit; const char *name; } known[] = {
		{ BP_FEATURE_LAZY_REFCOUNTS, "lazy_refcounts" },
		{ BP_FEATURE_EXTENDED_L2,    "extended_l2" },
		{ BP_FEATURE_DATA_FILE,	     "data_file" },
	};

	out_tag(o, "features");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (features & known[i].bit) {
			out_tag(o, known[i].name);
			out_end(o, known[i].name);
		}
	out_end(o, "features");
}

static void write_target(struct out *o, const struct bp_vol_info *v,
			 const struct bp_pool_type *type)
{
	out_tag(o, "target");
	out_body(o);
	out_text(o, "path", v->path);
	out_one(o, "format", "type", type->vol_formats ? v->format : NULL);
	write_perms(o, &v->perms);
	if (are_known(&v->times))
		write_times(o, &v->times);
	write_encryption(o, v->encryption);
	out_text(o, "compat", v->compat);
	if (v->cluster_size)
		write_size(o, "clusterSize", "B", v->cluster_size);
	if (v->has_features)
		write_features(o, v->features);
	out_end(o, "target");
}

/* element: what it is to the volume. */
static void write_store(struct out *o, const char *element, const struct bp_backing *b,
			bool with_format)
{
	if (!b)
		return;
	out_tag(o, element);
	out_text(o, "path", b->path);
	out_one(o, "format", "type", with_format ? b->format : NULL);
	write_perms(o, &b->perms);
	if (b->has_times)
		write_times(o, &b->times);
	out_end(o, element);
}

char *bp_xml_format_volume(const struct bp_vol_info *info, const struct bp_pool_type *type)
{
	struct out o = { .depth = 0 };

	out_tag(&o, "volume");
	out_attr(&o, "type", bp_vol_type_word(info->type));
	out_text(&o, "name", info->name);
	out_text(&o, "key", info->key);
	write_extents(&o, info->extents, info->n_extents);
	write_size(&o, "capacity", "bytes", info->capacity);
	write_size(&o, "allocation", "bytes", info->allocation);
	if (info->physical)
		write_size(&o, "physical", "bytes", info->physical);
	write_target(&o, info, type);
	write_store(&o, "backingStore", info->backing, type->vol_formats);
	write_store(&o, "dataStore", info->data_store, type->vol_formats);
	out_end(&o, "volume");
	return out_steal(&o);
}

static bool has_target(const struct bp_vol_spec *s)
{
	return s->path || s->format || has_perms(&s->perms) || s->encryption || s->compat ||
	       s->nocow || s->cluster_size || s->has_features;
}

static void write_target_spec(struct out *o, const struct bp_vol_spec *s)
{
	if (!has_target(s))
		return;
	out_tag(o, "target");
	out_text(o, "path", s->path);
	out_one(o, "format", "type", s->format);
	write_perms(o, &s->perms);
	write_encryption(o, s->encryption);
	out_text(o, "compat", s->compat);
	if (s->nocow) {
		out_tag(o, "nocow");
		out_end(o, "nocow");
	}
	if (s->cluster_size)
		write_size(o, "clusterSize", "B", s->cluster_size);
	if (s->has_features)
		write_features(o, s->features);
	out_end(o, "target");
}

char *bp_xml_format_volume_spec(const struct bp_vol_spec *spec)
{
	struct out o = { .depth = 0 };

	out_tag(&o, "volume");
	out_text(&o, "name", spec->name);
	out_text(&o, "key", spec->key);
	if (spec->has_capacity)
		write_size(&o, "capacity", NULL, spec->capacity);
	if (spec->has_allocation)
		write_size(&o, "allocation", NULL, spec->allocation);
	write_target_spec(&o, spec);
	write_store(&o, "backingStore", spec->backing, true);
	out_end(&o, "volume");
	return out_steal(&o);
}

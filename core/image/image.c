/* image.c - the list of formats in probing order, and the probe. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/formats.h"

/* iso shows itself far inside, where guests write too: it comes last, so that
 * most files cost one read. */
static const struct bp_image_format *const list[] = {
	&image_vpc, &image_vdi, &image_ploop, &image_cow, &image_qcow, &image_qcow2,
	&image_qed, &image_vmdk, &image_iso, &image_raw,
};

/* What QEMU recognises, and what we can tell beside that.  iso shows itself where guests
 * write, and dmg at the end: they come last. */
static const struct bp_image_format *const known[] = {
	&image_qcow2, &image_qcow, &image_qed, &image_vmdk, &image_vdi, &image_vhdx, &image_vpc,
	&image_luks, &image_parallels, &image_bochs, &image_cloop, &image_iso, &image_dmg,
	&image_disk,
};

const struct bp_image_format *bp_image_known_at(size_t i)
{
	return i < array_size(known) ? known[i] : NULL;
}

const struct bp_image_format *bp_image_known_find(const char *name)
{
	for (size_t i = 0; i < array_size(known); i++)
		if (strcmp(known[i]->name, name) == 0)
			return known[i];
	return NULL;
}

const struct bp_image_format *bp_image_format_at(size_t i)
{
	if (i < image_n_words)
		return &image_words[i];
	i -= image_n_words;
	return i < array_size(list) ? list[i] : NULL;
}

const struct bp_image_format *bp_image_format_find(const char *name)
{
	const struct bp_image_format *f;

	for (size_t i = 0; (f = bp_image_format_at(i)); i++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

void bp_image_parts_done(struct bp_image_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		free(parts->parts[i].name);
	free(parts->parts);
	*parts = (struct bp_image_parts){ 0 };
}

void bp_image_info_done(struct bp_image_info *info)
{
	free(info->backing);
	free(info->backing_format);
	free(info->data_file);
	free(info->damage);
	*info = (struct bp_image_info){ 0 };
}

int image_bytes(const struct bp_image_head *head, const char *what, void *buf, size_t len,
		uint64_t at, struct bp_error *err)
{
	if (bytes_has(head->first, at, len)) {
		memcpy(buf, head->first.p + at, len);
		return 0;
	}
	if (at > head->size || len > head->size - at)
		return bp_fail(err, BP_CORRUPT, "the %s at %" PRIu64 " is past the end of the file",
			       what, at);
	return io_read(head->io, buf, len, at, err);
}

int image_name(const struct bp_image_head *head, const char *what, uint64_t at, uint64_t len,
	       uint64_t max, char **ret, struct bp_error *err)
{
	auto_free char *name = NULL;

	if (!len)
		return bp_fail(err, BP_CORRUPT, "the name of the %s is empty", what);
	if (len > max)
		return bp_fail(err, BP_CORRUPT, "the name of the %s has %" PRIu64 " bytes, "
			       "more than %" PRIu64, what, len, max);
	name = mem_alloc(len + 1);
	if (image_bytes(head, what, name, len, at, err) < 0)
		return -1;
	if (memchr(name, '\0', len))
		return bp_fail(err, BP_CORRUPT, "the name of the %s has a NUL byte inside", what);
	*ret = steal(name);
	return 0;
}

static bool version_fits(const struct bp_image_head *head, const struct bp_image_sign *s)
{
	uint64_t v;

	if (!s->version_size)
		return true;
	if (!bytes_has(head->first, s->version_at, s->version_size))
		return false;
	v = s->little ? le_at(head->first, s->version_at, s->version_size) :
			be_at(head->first, s->version_at, s->version_size);
	return v >= s->version_min && v <= s->version_max;
}

int image_shows(const struct bp_image_head *head, const struct bp_image_sign *s,
		struct bp_error *err)
{
	unsigned char there[16];

	if (!s->len || s->at > head->size || s->len > head->size - s->at)
		return 0;
	if (bytes_has(head->first, s->at, s->len))
		return memcmp(head->first.p + s->at, s->magic, s->len) == 0 &&
		       version_fits(head, s);
	if (io_read(head->io, there, s->len, s->at, err) < 0)
		return -1;
	return memcmp(there, s->magic, s->len) == 0 && version_fits(head, s);
}

bool bp_image_has_sign(const void *first, size_t len)
{
	for (size_t i = 0; i < array_size(list); i++) {
		const struct bp_image_sign *s = &list[i]->sign;

		if (s->len && s->at < len && s->len <= len - s->at &&
		    memcmp((const char *)first + s->at, s->magic, s->len) == 0)
			return true;
	}
	return false;
}

/* A capacity of zero means, as everywhere, that of the file. */
static int read_capacity(const struct bp_image_head *head, const struct bp_image_format *f,
			 uint64_t *ret, struct bp_error *err)
{
	const struct bp_image_sign *s = &f->sign;
	uint64_t units, v;

	*ret = head->size;
	if (!s->capacity_unit)
		return 0;
	if (!bytes_has(head->first, s->capacity_at, 8))
		return bp_fail(err, BP_CORRUPT, "the %s header is cut off after %" PRIu64 " bytes",
			       f->name, head->size);
	units = s->little ? le64_at(head->first, s->capacity_at) :
			    be64_at(head->first, s->capacity_at);
	if (__builtin_mul_overflow(units, s->capacity_unit, &v) || v > INT64_MAX)
		return bp_fail(err, BP_CORRUPT, "the capacity in the %s header, %" PRIu64
			       " times %u bytes, is absurd", f->name, units, s->capacity_unit);
	if (v)
		*ret = v;
	return 0;
}

static int describe(const struct bp_image_head *head, const struct bp_image_format *f,
		    struct bp_image_info *ret, struct bp_error *err)
{
	int r = image_shows(head, &f->sign, err);	/* it may show itself in another way */

	ret->format = f->name;
	ret->capacity = head->size;
	if (r > 0)
		r = read_capacity(head, f, &ret->capacity, err);
	if (r == 0 && (!f->probe || f->probe(head, ret, err) == 0))
		return 0;
	bp_image_info_done(ret);
	ret->format = f->name;
	ret->capacity = head->size;
	return -1;
}

int image_head_read(struct bp_io *io, unsigned char buf[IMAGE_HEAD], struct bp_image_head *ret,
		    struct bp_error *err)
{
	struct bp_image_head head = { .io = io, .first.p = buf };

	if (io_size(io, &head.size, err) < 0)
		return -1;
	head.first.len = head.size < IMAGE_HEAD ? (size_t)head.size : IMAGE_HEAD;
	if (io_read(io, buf, head.first.len, 0, err) < 0)
		return -1;
	*ret = head;
	return 0;
}

int bp_image_probe(struct bp_io *io, struct bp_image_info *ret, struct bp_error *err)
{
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;

	*ret = (struct bp_image_info){ 0 };
	if (image_head_read(io, buf, &head, err) < 0)
		return -1;
	for (size_t i = 0; i < array_size(list) && list[i] != &image_raw; i++) {
		int r = image_shows(&head, &list[i]->sign, err);

		if (r < 0)
			return -1;
		if (r)
			return describe(&head, list[i], ret, err);
	}
	return describe(&head, &image_raw, ret, err);
}

/* 1 yes, 0 no, -1 could not be read. */
static int seen(const struct bp_image_head *head, const struct bp_image_format *f, bool trailer,
		struct bp_error *err)
{
	if (f->seen)
		return f->seen(head, trailer, err);
	return f->sign.len ? image_shows(head, &f->sign, err) : 1;
}

int bp_image_probe_known(struct bp_io *io, bool trailers, struct bp_image_info *ret,
			 struct bp_error *err)
{
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;

	*ret = (struct bp_image_info){ 0 };
	if (image_head_read(io, buf, &head, err) < 0)
		return -1;
	for (size_t i = 0; i < array_size(known); i++) {
		int r = seen(&head, known[i], trailers, err);

		if (r < 0)
			return -1;
		if (r)
			return describe(&head, known[i], ret, err);
	}
	return -1;			/* raw always is */
}

const char *bp_image_unlisted(struct bp_io *io, bool trailers)
{
	static const struct bp_image_format *const bytes[] = {
		&image_disk, &image_iso, &image_luks,
	};
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	struct bp_error ignored = { 0 };

	if (bp_image_probe_known(io, trailers, &info, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < array_size(bytes); i++)
		if (strcmp(bytes[i]->name, info.format) == 0)
			return NULL;
	return info.format;
}

/* It can be an image of this format. */
static int must_be(const struct bp_image_head *head, const struct bp_image_format *f,
		   struct bp_error *err)
{
	int r = seen(head, f, true, err);

	if (r == 0)
		return bp_fail(err, BP_CORRUPT, "this is no image of format %s", f->name);
	return r < 0 ? -1 : 0;
}

int bp_image_describe(struct bp_io *io, const struct bp_image_format *format,
		      struct bp_image_info *ret, struct bp_error *err)
{
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;

	*ret = (struct bp_image_info){ 0 };
	if (image_head_read(io, buf, &head, err) < 0 || must_be(&head, format, err) < 0)
		return -1;
	return describe(&head, format, ret, err);
}

void bp_image_facts_done(struct bp_image_facts *facts)
{
	bp_fact_done(&facts->more);
	free(facts->damage);
	*facts = (struct bp_image_facts){ 0 };
}

int bp_image_facts(struct bp_io *io, const struct bp_image_format *format,
		   struct bp_image_facts *ret, struct bp_error *err)
{
	cleanup(bp_image_facts_done) struct bp_image_facts facts = { 0 };
	unsigned char buf[IMAGE_HEAD];
	struct bp_image_head head;

	if (image_head_read(io, buf, &head, err) < 0 || must_be(&head, format, err) < 0)
		return -1;
	facts.capacity = head.size;
	facts.knows_dirty = true;
	if (format->facts && format->facts(&head, &facts, err) < 0)
		return -1;
	*ret = facts;
	facts = (struct bp_image_facts){ 0 };
	return 0;
}

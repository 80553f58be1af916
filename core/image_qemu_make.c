/* image_qemu_make.c - empty images made by QEMU's own program, where that is asked for. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_file.h"
#include "core/image_new.h"
#include "core/image_qemu.h"
#include "core/qemu_img.h"

/* Of those that we know, and do not make. */
static const char *const writes[] = { "vhdx", "qed", "qcow", "parallels" };

bool bp_image_qemu_writes(const char *format)
{
	for (size_t i = 0; format && i < array_size(writes); i++)
		if (strcmp(format, writes[i]) == 0)
			return true;
	return false;
}

int bp_image_options_help_by_qemu(const char *format, char **ret, struct bp_error *err)
{
	cleanup(text_done) struct text out = { 0 };
	const char *const argv[] = { QEMU_IMG, "create", "-f", format, "-o", "help", NULL };

	if (!bp_image_known_find(format))
		return bp_fail(err, BP_INVALID, "Unknown file format '%s'", format);
	if (qemu_img_find_writer(format, err) < 0 || qemu_img_run(argv, &out, err) < 0)
		return -1;
	*ret = text_steal(&out);
	return 0;
}

/* ---- what is asked for ------------------------------------------------------------ */

static int check_format(const struct bp_image_wish *w, const char *format, struct bp_error *err)
{
	if (!bp_image_known_find(format) || strcmp(format, "iso") == 0)
		return bp_fail(err, BP_INVALID, "Unknown file format '%s'", format);
	if (strcmp(format, "luks") == 0)
		return bp_fail(err, BP_UNSUPPORTED, "encrypted images are made in pools, where "
			       "there are secrets for them");
	if (w->backing && strcmp(format, "vmdk") == 0)
		return bp_fail(err, BP_UNSUPPORTED, "a vmdk with a backing file is not made");
	if (w->backing && !w->backing_format)
		return bp_fail(err, BP_INVALID, "Backing file specified without backing format");
	return qemu_img_check_options(format, w->options, w->n_options, err);
}

/* QEMU's program is told not to look, as the new image is not yet where its name counts
 * from: so its backing files are looked at here, under our rules. */
static int see_backing(const struct bp_image_wish *w, uint64_t *ret_capacity,
		       struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	struct bp_image_ref ref = { .format = w->backing_format };
	auto_free char *path = NULL;

	if (image_file_backing(w->path, w->backing, &path, err) < 0)
		return -1;
	ref.path = path;
	if (image_file_open(&ref, false, &f, err) < 0 ||
	    image_file_chain(&f, 0, &chain, err) < 0)
		return bp_within(err, "backing file of '%s'", w->path);
	*ret_capacity = chain.capacity;
	return 0;
}

static bool has_size(const char *options)
{
	for (const char *p = options; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (starts_with(p, "size="))
			return true;
	}
	return false;
}

static int find_capacity(const struct bp_image_wish *w, char *ret, size_t len,
			 struct bp_error *err)
{
	uint64_t capacity = w->capacity;
	bool known = w->has_capacity;

	if (w->backing && !w->unchecked) {
		if (see_backing(w, &capacity, err) < 0)
			return -1;
		if (known)
			capacity = w->capacity;
		known = true;
	}
	for (size_t i = 0; !known && i < w->n_options; i++)
		if (has_size(w->options[i]))
			return 0;
	if (!known)
		return bp_fail(err, BP_INVALID, "Image creation needs a size parameter");
	snprintf(ret, len, "%" PRIu64, capacity);
	return 0;
}

/* ---- made, and looked at ------------------------------------------------------------ */

static int make(const struct bp_image_wish *w, const char *format, const char *capacity,
		const char *to, struct text *out, struct bp_error *err)
{
	auto_free const char **argv = NULL;
	size_t n = 0;

#define ADD(s) (*array_add(argv, n) = (s))
	ADD(QEMU_IMG), ADD("create"), ADD("-f"), ADD(format);
	if (w->backing)
		ADD("-u"), ADD("-b"), ADD(w->backing), ADD("-F"), ADD(w->backing_format);
	for (size_t i = 0; i < w->n_options; i++)
		ADD("-o"), ADD(w->options[i]);
	ADD("--"), ADD(to);
	if (*capacity)
		ADD(capacity);
	ADD(NULL);
#undef ADD
	return qemu_img_run(argv, out, err);
}

/* It must be what it was to be, to us, too. */
static int judge(struct bp_io *io, const char *format, bool backed, const char *to,
		 struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };

	if (strcmp(format, "raw") == 0)
		return 0;
	if (bp_image_describe(io, bp_image_known_find(format), &info, err) < 0)
		return bp_within(err, "what qemu-img made");
	return qemu_img_judge(format, to, backed, err);
}

/* "Formatting 'NAME', fmt=..." */
static char *told(const struct text *out)
{
	const char *s = out->s ? strstr(out->s, "', ") : NULL;

	return s ? mem_dup_n(s + 3, strcspn(s + 3, "\n")) : mem_dup("");
}

static int make_into(const struct bp_image_wish *w, const char *format, const char *capacity,
		     struct bp_io *io, struct text *out, struct bp_error *err)
{
	auto_free char *to = qemu_img_path_of(io);

	return make(w, format, capacity, to, out, err) < 0 ? -1 :
	       judge(io, format, w->backing, to, err);
}

int image_qemu_make_into(const struct bp_image_wish *w, struct bp_io *io, struct text *out,
			 struct bp_error *err)
{
	char capacity[24];

	if (qemu_img_check_place(io, err) < 0)
		return -1;
	snprintf(capacity, sizeof capacity, "%" PRIu64, w->capacity);
	return make_into(w, w->format, capacity, io, out, err);
}

int bp_image_make_by_qemu(const struct bp_image_wish *w, char **ret_text, struct bp_error *err)
{
	const char *format = w->format ? w->format : "raw";
	cleanup(image_new_done) struct image_new new = { 0 };
	cleanup(text_done) struct text out = { 0 };
	char capacity[24] = "";

	if (check_format(w, format, err) < 0 || qemu_img_find_writer(format, err) < 0 ||
	    find_capacity(w, capacity, sizeof capacity, err) < 0 ||
	    image_new_begin(w->path, &new, err) < 0)
		return -1;
	if (new.device)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' is a device, and QEMU's qemu-img is only "
			       "let write into a new file", w->path);
	if (make_into(w, format, capacity, new.io, &out, err) < 0 ||
	    image_new_publish(&new, err) < 0)
		return -1;
	*ret_text = told(&out);
	return 0;
}

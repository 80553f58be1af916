/* image_amend.c - other options for an image that is there. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image_file.h"
#include "core/image_options.h"

/* What can be said of an image that is there; the rest only of a new one. */
static const char *const amendable[] = {
	"backing_file", "backing_fmt", "compat", "data_file", "data_file_raw", "lazy_refcounts",
	"refcount_bits", "size", NULL
};

struct amend {
	struct image_file f;
	struct bp_image_info info;
	struct image_options options;
	unsigned version;		/* that it has, and shall have */
	unsigned new_version;
	uint64_t refcount_bits;		/* 0: as they are */
	bool lazy_too, lazy;
};

static void amend_done(struct amend *a)
{
	image_options_done(&a->options);
	bp_image_info_done(&a->info);
	image_file_done(&a->f);
}

static int open_image(struct amend *a, const struct bp_image_ref *image, struct bp_error *err)
{
	if (image_file_open(image, true, &a->f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (!a->f.format->amend)
		return bp_fail(err, BP_UNSUPPORTED, "Format driver '%s' does not support option "
			       "amendment", a->f.format->name);
	if (bp_image_describe(a->f.io, a->f.format, &a->info, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	a->options.format = a->f.format;
	a->version = a->new_version = a->info.compat ? 3 : 2;
	return 0;
}

static int parse(struct amend *a, const char *const *options, size_t n, struct bp_error *err)
{
	const char *other;

	for (size_t i = 0; i < n; i++)
		if (image_options_parse(&a->options, options[i], err) < 0)
			return -1;
	other = image_options_other(&a->options, amendable);
	if (other)
		return bp_fail(err, BP_INVALID, "Invalid parameter '%s'\n"
			       "This option is only supported for image creation", other);
	return 0;
}

static int take_compat(struct amend *a, struct bp_error *err)
{
	static const struct {
		const char *word;
		unsigned version;
	} words[] = { { "0.10", 2 }, { "v2", 2 }, { "1.1", 3 }, { "v3", 3 } };
	const char *word = image_options_said(&a->options, "compat");

	for (size_t i = 0; word && i < array_size(words); i++)
		if (strcmp(word, words[i].word) == 0) {
			a->new_version = words[i].version;
			word = NULL;
		}
	return word ? bp_fail(err, BP_INVALID, "Unknown compatibility level %s", word) : 0;
}

static int take_features(struct amend *a, struct bp_error *err)
{
	static const char use[] =
		"require compatibility level 1.1 or above (use compat=1.1 or greater)";
	const char *bits = image_options_said(&a->options, "refcount_bits");
	const char *lazy = image_options_said(&a->options, "lazy_refcounts");

	if (bits && (!parse_number(bits, 10, &a->refcount_bits) || !a->refcount_bits ||
		     a->refcount_bits > 64 || a->refcount_bits & (a->refcount_bits - 1)))
		return bp_fail(err, BP_INVALID,
			       "Refcount width must be a power of two and may not exceed 64 bits");
	if (bits && a->refcount_bits != 16 && a->new_version < 3)
		return bp_fail(err, BP_INVALID, "Refcount widths other than 16 bits %s", use);
	a->lazy_too = lazy;
	a->lazy = image_options_on(&a->options, "lazy_refcounts") && lazy;
	if (a->lazy && a->new_version < 3)
		return bp_fail(err, BP_INVALID, "Lazy refcounts only supported with compatibility "
			       "level 1.1 and above (use compat=1.1 or greater)");
	return 0;
}

/* What was written through the image alone need not make a disk by itself. */
static int check_data(const struct amend *a, struct bp_error *err)
{
	bool elsewhere = a->info.features & BP_FEATURE_DATA_FILE;

	if (image_options_said(&a->options, "data_file") && !elsewhere)
		return bp_fail(err, BP_INVALID, "data-file can only be set for images that use an "
			       "external data file");
	if (image_options_on(&a->options, "data_file_raw") && !a->info.data_raw)
		return bp_fail(err, BP_INVALID,
			       "data-file-raw cannot be set on existing images");
	return 0;
}

static bool is_same(const char *said, const char *is)
{
	return said && is ? strcmp(said, is) == 0 : said == is;
}

/* Who says one of them says both, as far as QEMU is concerned. */
static int check_backing(const struct amend *a, struct bp_error *err)
{
	const char *file = image_options_said(&a->options, "backing_file");
	const char *format = image_options_said(&a->options, "backing_fmt");

	if ((file || format) && (!is_same(file, a->info.backing) ||
				 !is_same(format, a->info.backing_format)))
		return bp_fail(err, BP_OP_UNSUPPORTED, "Cannot amend the backing file\n"
			       "You can use 'qemu-img rebase' instead.");
	return 0;
}

static int resize(struct amend *a, struct bp_error *err)
{
	const char *said = image_options_said(&a->options, "size");
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	uint64_t size;

	if (!said || !parse_number(said, 10, &size) || size == a->info.capacity)
		return 0;
	if (image_check_size(a->f.format, size, err) < 0)
		return -1;
	if (!a->info.backing || size < a->info.capacity)
		return image_file_data(&a->f, &a->info, err) < 0 ? -1 :
		       a->f.format->resize(a->f.io, size, err);
	return image_file_chain(&a->f, 0, &chain, err) < 0 ? -1 :
	       image_grow(&chain, size, BP_PREALLOC_OFF, err);
}

/* A newer version comes first, and an older one last: in between is what only the newer one
 * can, or what must be so before the older one can be. */
static int change(struct amend *a, const struct bp_progress *progress, struct bp_error *err)
{
	const struct bp_image_amendment first = {
		.version	= a->new_version > a->version ? a->new_version : 0,
		.refcount_bits	= (unsigned)a->refcount_bits,
		.lazy_too	= a->lazy_too,
		.lazy		= a->lazy,
		.data_file	= image_options_said(&a->options, "data_file"),
		.not_raw	= image_options_off(&a->options, "data_file_raw"),
	};
	const struct bp_image_amendment last = { .version = a->new_version };

	if (a->f.format->amend(a->f.io, &first, NULL, err) < 0 || resize(a, err) < 0)
		return -1;
	if (a->new_version < a->version &&
	    a->f.format->amend(a->f.io, &last, progress, err) < 0)
		return -1;
	return io_sync(a->f.io, err);
}

int bp_image_amend(const struct bp_image_ref *image, const char *const *options, size_t n,
		   const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(amend_done) struct amend a = { 0 };

	if (open_image(&a, image, err) < 0 || parse(&a, options, n, err) < 0 ||
	    take_compat(&a, err) < 0 || take_features(&a, err) < 0 || check_data(&a, err) < 0 ||
	    check_backing(&a, err) < 0)
		return -1;
	return change(&a, progress, err);
}

int bp_image_amend_help(const char *format, char **ret, struct bp_error *err)
{
	const struct bp_image_format *f = bp_image_format_find(format);

	if (!f)
		return bp_fail(err, BP_INVALID, "Invalid format name: '%s'", format);
	if (!f->amend)
		return bp_fail(err, BP_UNSUPPORTED, "Format driver '%s' does not support option "
			       "amendment", f->name);
	*ret = image_options_list(f, "Amend", amendable);
	return 0;
}

/* image_convert.c - images in files and on devices, made of others. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image/convert.h"
#include "core/image_convert.h"

static void conversion_done(struct conversion *v)
{
	for (size_t i = 0; i < v->n; i++) {
		bp_chain_done(&v->chains[i]);
		image_file_done(&v->files[i]);
	}
	free(v->chains);
	free(v->files);
	bp_image_plan_free(v->plan);
	image_new_done(&v->new);
	image_file_done(&v->there);
}

static struct bp_io *target(const struct conversion *v)
{
	return v->there.io ? v->there.io : v->new.io;
}

/* ---- sources --------------------------------------------------------------- */

static int open_source(struct conversion *v, const struct bp_image_ref *ref, struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };

	if (image_file_open(ref, false, &f, err) < 0 ||
	    image_file_chain(&f, ref->flags, &v->chains[v->n], err) < 0)
		return -1;
	v->files[v->n] = f;
	f = (struct image_file){ 0 };
	v->capacity += v->chains[v->n++].capacity;
	return 0;
}

static int open_sources(struct conversion *v, struct bp_error *err)
{
	size_t n = v->c->n_sources;

	v->files = mem_alloc((n + 1) * sizeof *v->files);
	v->chains = mem_alloc((n + 1) * sizeof *v->chains);
	for (size_t i = 0; i < n; i++)
		if (open_source(v, &v->c->sources[i], err) < 0)
			return -1;
	if (v->capacity > INT64_MAX)
		return bp_fail(err, BP_INVALID, "the images together are too large");
	v->capacity -= v->c->skip < v->capacity ? v->c->skip : v->capacity;
	if (v->c->has_len && v->c->len < v->capacity)
		v->capacity = v->c->len;
	return 0;
}

/* Neither a source nor what one of them leads to can be written to. */
static int check_apart(const struct conversion *v, const char *path, struct bp_error *err)
{
	for (size_t i = 0; i < v->n; i++)
		if (image_new_in_chain(path, &v->chains[i]))
			return bp_fail(err, BP_INVALID, "'%s' is read from: it cannot be written "
				       "to meanwhile", path);
	return 0;
}

/* Nor to the new image's data file, which is elsewhere. */
static int check_data_apart(const struct conversion *v, struct bp_error *err)
{
	auto_free char *data = NULL;

	if (v->c->flags & BP_CONVERT_IN_PLACE)
		return 0;
	return image_plan_data(v->plan, &data, err) < 0 ? -1 :
	       data ? check_apart(v, data, err) : 0;
}

/* ---- the new image --------------------------------------------------------- */

/* Raw bytes are where they are; all else is led to by tables, which change. */
static bool is_patched(const struct conversion *v)
{
	return v->c->flags & BP_CONVERT_IN_PLACE &&
	       strcmp(v->plan->options.format->name, "raw") != 0;
}

static int check_patched(const struct conversion *v, struct bp_error *err)
{
	const struct bp_image_format *format = v->plan->options.format;

	if (!format->patch)
		return bp_fail(err, BP_UNSUPPORTED, "images of format %s cannot be written to, "
			       "only new ones", format->name);
	if (v->c->flags & (BP_CONVERT_COMPRESS | BP_CONVERT_SALVAGE))
		return bp_fail(err, BP_UNSUPPORTED, "what goes into an image of format %s that is "
			       "there can be neither compressed nor salvaged", format->name);
	return 0;
}

static int check_flags(const struct conversion *v, const struct bp_image_spec *spec,
		       struct bp_error *err)
{
	const struct bp_image_format *format = v->plan->options.format;
	unsigned flags = v->c->flags;

	if (!format->write)
		return bp_fail(err, BP_UNSUPPORTED, "images of format %s cannot be filled here",
			       format->name);
	if (is_patched(v) && check_patched(v, err) < 0)
		return -1;
	if (spec->backing && v->n > 1)
		return bp_fail(err, BP_INVALID, "Having a backing file for the target makes no "
			       "sense when concatenating multiple input images");
	if ((flags & BP_CONVERT_COMPRESS) && spec->data_file)
		return bp_fail(err, BP_INVALID, "Compression and a data file, which has the "
			       "guest's bytes as they are, are not supported at the same time");
	if ((flags & BP_CONVERT_COMPRESS) && spec->preallocate)
		return bp_fail(err, BP_INVALID, "Compression and preallocation not supported at "
			       "the same time");
	if ((flags & BP_CONVERT_IS_ZERO) && !(flags & BP_CONVERT_IN_PLACE))
		return bp_fail(err, BP_INVALID, "--target-is-zero requires use of -n flag");
	if ((flags & BP_CONVERT_VERIFY) && (v->c->skip || v->c->has_len))
		return bp_fail(err, BP_INVALID, "only whole images are verified");
	if (v->c->level < 0 || v->c->level > 12)
		return bp_fail(err, BP_INVALID, "levels of compression are 1 to 12");
	return 0;
}

/* As create does, but nothing is looked at that could be recommended. */
static int check_backing(const struct bp_image_wish *w, struct bp_error *err)
{
	cleanup(image_options_done) struct image_options o = {
		.format = bp_image_known_find(w->format ? w->format : "raw"),
	};
	struct bp_error ignored = { 0 };

	if (!o.format)
		return 0;		/* which is told of where all else is */
	for (size_t i = 0; i < w->n_options; i++)
		if (image_options_parse(&o, w->options[i], &ignored) < 0)
			return 0;
	if ((w->backing || image_options_get(&o, "backing_file")) && !w->backing_format &&
	    !image_options_get(&o, "backing_fmt"))
		return bp_fail(err, BP_INVALID, "Use of backing file requires explicit backing "
			       "format");
	return 0;
}

static int plan(struct conversion *v, struct bp_error *err)
{
	struct bp_image_wish wish = v->c->to;

	if (wish.backing && v->n > 1)
		return bp_fail(err, BP_INVALID, "Having a backing file for the target makes no "
			       "sense when concatenating multiple input images");
	if (v->c->flags & BP_CONVERT_IN_PLACE) {	/* the image has its own, or will */
		wish.unchecked = true;
		if (wish.backing && !wish.backing_format)
			wish.backing_format = "raw";
	} else if (check_backing(&wish, err) < 0) {
		return -1;
	}
	wish.has_capacity = wish.capacity_wins = true;
	wish.capacity = v->capacity;
	return bp_image_plan(&wish, &v->plan, err);
}

static int open_target(struct conversion *v, struct bp_error *err)
{
	const char *path = v->c->to.path;
	const struct bp_image_ref ref = { path, v->plan->options.format->name, 0 };
	uint64_t size;

	if (!(v->c->flags & BP_CONVERT_IN_PLACE)) {
		if (image_plan_begin(v->plan, &v->new, err) < 0)
			return -1;
	} else if (image_file_open(&ref, true, &v->there, err) < 0) {
		return -1;
	}
	if (!(v->c->flags & BP_CONVERT_IN_PLACE) && !v->new.device)
		return 0;
	if (io_size(target(v), &size, err) < 0)
		return -1;
	return size >= v->capacity || strcmp(v->plan->options.format->name, "raw") != 0 ? 0 :
	       bp_fail(err, BP_INVALID, "output file is smaller than input file");
}

/* Raw bytes that are there keep their number. */
static int open_writer(struct conversion *v, const struct bp_image_spec *spec,
		       struct bp_writer **ret, struct bp_error *err)
{
	struct bp_image_spec same = *spec;

	if (!v->there.io)
		return v->plan->options.format->write(v->new.io, spec, ret, err);
	return io_size(v->there.io, &same.capacity, err) < 0 ? -1 :
	       v->plan->options.format->write(v->there.io, &same, ret, err);
}

/* QEMU takes the word for all kinds of vmdk, and compresses in the one that can: so do we, but
 * it is told. */
static bool packs(const struct conversion *v, const struct bp_writer *w)
{
	const struct bp_teller *t = v->c->teller;

	if (!(v->c->flags & BP_CONVERT_COMPRESS))
		return false;
	if (w->ops->place_packed || strcmp(v->plan->options.format->name, "vmdk") != 0)
		return true;
	if (t)
		t->tell(t->arg, "nothing is compressed in such a vmdk: subformat=streamOptimized "
			"is the one");
	return false;
}

static int fill(struct conversion *v, const struct bp_image_spec *spec, struct bp_writer *w,
		struct bp_error *err)
{
	unsigned flags = v->c->flags;
	bool there = v->there.io || (v->new.data ? v->new.data->device : v->new.device);
	const struct bp_convert c = {
		.sources = v->chains, .n_sources = v->n, .to = w,
		.skip = v->c->skip, .len = v->capacity,
		.fresh = !there || (flags & BP_CONVERT_IS_ZERO),
		.fill = spec->preallocate == BP_PREALLOC_FULL,
		.backed = spec->backing,
		.sparse = v->c->has_sparse ? v->c->sparse : BP_CONVERT_SPARSE,
		.reflink = !(flags & BP_CONVERT_NO_SHARE),
		.offload = flags & BP_CONVERT_OFFLOAD,
		.pack = packs(v, w),
		.level = v->c->level,
		.salvage = flags & BP_CONVERT_SALVAGE,
		.teller = v->c->teller,
		.threads = v->c->threads,
		.count = flags & BP_CONVERT_COUNT,
		.progress = v->progress,
	};

	if (c.pack && !w->ops->place_packed)
		return bp_fail(err, BP_INVALID, "Compression not supported for this file format");
	if (bp_convert(&c, err) < 0)
		return -1;
	return w->ops->finish(w, err);
}

/* ---- read back ------------------------------------------------------------- */

static int verify(struct conversion *v, struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain to = { 0 };
	const struct image_file f = {
		.path = (char *)v->c->to.path, .io = target(v), .format = v->plan->options.format,
	};

	if (!(v->c->flags & BP_CONVERT_VERIFY))
		return 0;
	if (io_sync(f.io, err) < 0)
		return -1;
	io_forget(f.io);
	if (image_file_chain(&f, 0, &to, err) < 0)
		return -1;
	return bp_convert_compare(v->chains, v->n, &to, err);
}

/* ---- all of it ------------------------------------------------------------- */

int bp_image_convert(const struct bp_image_conversion *c, const struct bp_progress *progress,
		     struct bp_error *err)
{
	cleanup(conversion_done) struct conversion v = { .c = c, .progress = progress };
	cleanup(writer_closep) struct bp_writer *w = NULL;
	struct bp_image_spec spec = { 0 };

	if (open_sources(&v, err) < 0 || check_apart(&v, c->to.path, err) < 0 ||
	    plan(&v, err) < 0 || check_data_apart(&v, err) < 0 ||
	    image_plan_spec(v.plan, &spec, err) < 0 || check_flags(&v, &spec, err) < 0 ||
	    image_convert_check_bitmaps(&v, &spec, err) < 0 || open_target(&v, err) < 0)
		return -1;
	if ((is_patched(&v) ? image_convert_into(&v, spec.backing, err) :
	     open_writer(&v, &spec, &w, err) < 0 ? -1 : fill(&v, &spec, w, err)) < 0 ||
	    image_convert_bitmaps(&v, target(&v), err) < 0 || verify(&v, err) < 0)
		return -1;
	return v.there.io ? io_sync(v.there.io, err) : image_new_publish(&v.new, err);
}

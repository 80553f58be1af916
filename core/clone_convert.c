/* clone_convert.c - see clone_convert.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/clone_convert.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/copy.h"
#include "core/image/convert.h"
#include "core/image_file.h"
#include "core/image_qemu.h"

static const struct bp_image_format *format_of(const char *name)
{
	bool bytes = !name || strcmp(name, "none") == 0 || strcmp(name, "iso") == 0;

	return bp_image_format_find(bytes ? "raw" : name);
}

bool clone_can_convert(const char *from, const char *to)
{
	const struct bp_image_format *f = format_of(from), *t = format_of(to);

	return f && t && f->open && (t->write || bp_image_qemu_writes(to));
}

/* ---- what is read ----------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
	size_t n = dir ? strlen(dir) : 0;

	return n && strncmp(path, dir, n) == 0 && path[n] == '/';
}

static int check_layer(const struct clone_conversion *c, const char *what, const char *name,
		       struct bp_error *err)
{
	auto_free char *path = realpath(name, NULL);
	auto_free char *one = realpath(c->from_ses->def->target_path, NULL);
	auto_free char *two = realpath(c->to_ses->def->target_path, NULL);

	if (path && (is_below(path, one) || is_below(path, two)))
		return 0;
	return bp_fail(err, BP_DENIED, "volume '%s' has the %s file '%s', which is in the "
		       "directory of neither pool: its data cannot be copied by who does not "
		       "know that they may be", c->source->name, what, name);
}

static int check_layers(const struct clone_conversion *c, const struct bp_chain *chain,
			struct bp_error *err)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct bp_layer *l = &chain->layers[i];

		if ((i > 0 && check_layer(c, "backing", l->name, err) < 0) ||
		    (l->data_name && check_layer(c, "data", l->data_name, err) < 0))
			return -1;
	}
	return 0;
}

static int open_source(const struct clone_conversion *c, struct bp_chain *ret,
		       struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };
	const struct image_file f = {
		.path = (char *)(c->source->path ? c->source->path : c->source->name),
		.io = c->from, .format = format_of(c->source->format),
	};

	if (c->from->fd < 0 && c->source->backing)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' has a backing file, which can be "
			       "read only where volumes are files", c->source->name);
	if ((c->from->fd < 0 ? bp_chain_open(c->from, f.path, f.format, NULL, NULL, &chain, err) :
			       image_file_chain(&f, 0, &chain, err)) < 0 ||
	    check_layers(c, &chain, err) < 0)
		return -1;
	*ret = chain;
	chain = (struct bp_chain){ 0 };
	return 0;
}

/* ---- what is written -------------------------------------------------------------- */

static int write_image(const struct clone_conversion *c, struct bp_chain *from,
		       const struct bp_image_format *format, struct bp_io *io,
		       struct bp_error *err)
{
	bool larger = !format->resize && c->spec->capacity > from->capacity;
	const struct bp_image_spec spec = {
		.capacity = larger ? c->spec->capacity : from->capacity, .name = c->spec->name,
		.compat = c->spec->compat,
		.cluster_size = c->spec->cluster_size,
		.features = c->spec->features & ~(unsigned)BP_FEATURE_DATA_FILE,
		.preallocate = c->preallocate ? BP_PREALLOC_METADATA : BP_PREALLOC_OFF,
	};
	cleanup(writer_closep) struct bp_writer *w = NULL;
	struct bp_convert convert = {
		.sources = from, .n_sources = 1, .len = from->capacity, .sparse = BP_CONVERT_SPARSE,
		.fresh = !io_is_block(io) && io->ops->resize, .reflink = true,
		.progress = c->progress,
	};

	if (format->write(io, &spec, &w, err) < 0)
		return -1;
	convert.to = w;
	return bp_convert(&convert, err) < 0 ? -1 : w->ops->finish(w, err);
}

static int verify(const struct clone_conversion *c, struct bp_chain *from,
		  const struct bp_image_format *format, struct bp_io *io, struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain to = { 0 };

	if (!c->verify)
		return 0;
	if (io_sync(io, err) < 0)
		return -1;
	io_forget(io);
	if (bp_chain_open(io, c->spec->name, format, NULL, NULL, &to, err) < 0)
		return -1;
	return bp_convert_compare(from, 1, &to, err);
}

/* Its format is one that QEMU's program writes, and we do not. */
static int convert_by_qemu(const struct clone_conversion *c, struct bp_io *io,
			   struct bp_error *err)
{
	const struct bp_image_ref from = {
		.path = c->source->path, .format = format_of(c->source->format)->name,
	};
	const struct bp_image_conversion conversion = {
		.sources = &from, .n_sources = 1, .to = { .format = c->spec->format },
	};

	if (c->from->fd < 0 || *c->source->path != '/')
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is no file of this host, from "
			       "which QEMU's qemu-img could make '%s'", c->source->name,
			       c->spec->format);
	return image_qemu_convert_into(&conversion, io, err);
}

static bool keeps_size(const struct bp_io *io)
{
	return !io->ops->resize || io_is_block(io);
}

/* Of what is bytes and keeps its size; the tables of an image say so themselves. */
static int clear_rest(const struct clone_conversion *c, const struct bp_chain *from,
		      struct bp_io *io, struct bp_error *err)
{
	const struct copy copy = { .to = io, .len = from->capacity, .progress = c->progress };
	bool bytes = format_of(c->spec->format) == format_of(NULL);

	return bytes && keeps_size(io) ? copy_clear_rest(&copy, err) : 0;
}

int clone_convert_size(const struct clone_conversion *c, uint64_t *ret, struct bp_error *err)
{
	cleanup(bp_chain_done) struct bp_chain from = { 0 };

	if (open_source(c, &from, err) < 0)
		return -1;
	*ret = from.capacity;
	return 0;
}

int clone_convert(const struct clone_conversion *c, struct bp_io *io, struct bp_error *err)
{
	const struct bp_image_format *format = format_of(c->spec->format);
	cleanup(bp_chain_done) struct bp_chain from = { 0 };

	if (open_source(c, &from, err) < 0)
		return -1;
	if (!format->write)
		return convert_by_qemu(c, io, err);
	if (write_image(c, &from, format, io, err) < 0 ||
	    clear_rest(c, &from, io, err) < 0 || verify(c, &from, format, io, err) < 0)
		return -1;
	if (c->spec->capacity <= from.capacity || !format->resize || keeps_size(io))
		return 0;
	return format->resize(io, c->spec->capacity, err);
}

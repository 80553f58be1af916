/* image_qemu.c - an image made of another by QEMU's own program, where that is asked for.
 *
 * What the source's chain leads to was looked at by us before, under our rules.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_file.h"
#include "core/image_new.h"
#include "core/image_qemu.h"
#include "core/qemu_img.h"

struct delegated {
	const struct bp_image_conversion *c;
	char *from, *to;		/* paths that are nothing else to QEMU */
	const char *from_format;
	struct image_file source;
	struct image_new new;
};

static void delegated_done(struct delegated *d)
{
	image_new_done(&d->new);
	image_file_done(&d->source);
	free(d->from);
	free(d->to);
}

/* ---- what it is given ------------------------------------------------------------ */

static int refuse_unknown(const struct bp_image_conversion *c, struct bp_error *err)
{
	if (c->n_sources != 1 || c->skip || c->has_len || c->to.backing || c->threads ||
	    c->level || c->flags & ~(unsigned)(BP_CONVERT_COMPRESS | BP_CONVERT_NO_SHARE |
					       BP_CONVERT_VERIFY | BP_CONVERT_COUNT))
		return bp_fail(err, BP_UNSUPPORTED, "QEMU's qemu-img is given one file, -f, -O, "
			       "-o, -c, -S, -l and -U only");
	return qemu_img_check_options(c->to.format, c->to.options, c->to.n_options, err);
}

/* All that QEMU will open is opened by us first, and is what we take it for. */
static int look_at_source(struct delegated *d, struct bp_error *err)
{
	const struct bp_image_ref *ref = &d->c->sources[0];
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };

	if (image_file_open(ref, false, &d->source, err) < 0 ||
	    image_file_chain(&d->source, ref->flags, &chain, err) < 0)
		return -1;
	for (size_t i = 0; i < chain.n; i++)
		if (chain.layers[i].info.data_file)
			return bp_fail(err, BP_DENIED, "'%s' names a data file, which QEMU would "
				       "open", chain.layers[i].name);
	d->from = qemu_img_path(ref->path);
	d->from_format = strcmp(d->source.format->name, "iso") == 0 ? "raw" :
			 d->source.format->name;
	return 0;
}

static int begin(struct delegated *d, struct bp_error *err)
{
	if (image_new_begin(d->c->to.path, &d->new, err) < 0)
		return -1;
	if (d->new.device)
		return bp_fail(err, BP_UNSUPPORTED, "'%s' is a device, and QEMU's qemu-img is only "
			       "let write into a new file", d->c->to.path);
	d->to = qemu_img_path_of(d->new.io);
	return 0;
}

/* ---- made, and looked at ---------------------------------------------------------- */

static int make(const struct delegated *d, struct bp_error *err)
{
	const struct bp_image_conversion *c = d->c;
	auto_free const char **argv = NULL;
	char sparse[24];
	size_t n = 0;

#define ADD(s) (*array_add(argv, n) = (s))
	ADD(QEMU_IMG), ADD("convert"), ADD("-f"), ADD(d->from_format);
	ADD("-O"), ADD(c->to.format);
	if (c->flags & BP_CONVERT_COMPRESS)
		ADD("-c");
	if (c->sources[0].flags & BP_IMAGE_SHARED)
		ADD("-U");
	if (c->sources[0].snapshot)
		ADD("-l"), ADD(c->sources[0].snapshot);
	if (c->has_sparse) {
		snprintf(sparse, sizeof sparse, "%u", c->sparse);
		ADD("-S"), ADD(sparse);
	}
	for (size_t i = 0; i < c->to.n_options; i++)
		ADD("-o"), ADD(c->to.options[i]);
	ADD("--"), ADD(d->from), ADD(d->to), ADD(NULL);
#undef ADD
	return qemu_img_run(argv, NULL, err);
}

/* What a snapshot was is compared with nothing. */
static int judge(const struct delegated *d, struct bp_error *err)
{
	const struct bp_image_conversion *c = d->c;
	const bool shared = c->sources[0].flags & BP_IMAGE_SHARED;
	const char *const compare[] = {
		QEMU_IMG, "compare", "-q", "-f", d->from_format, "-F", c->to.format, "--",
		d->from, d->to, NULL
	};

	if (qemu_img_judge(c->to.format, d->to, false, err) < 0)
		return -1;
	return shared || c->sources[0].snapshot ? 0 : qemu_img_run(compare, NULL, err);
}

int image_qemu_convert_into(const struct bp_image_conversion *c, struct bp_io *io,
			    struct bp_error *err)
{
	cleanup(delegated_done) struct delegated d = { .c = c };

	if (qemu_img_check_place(io, err) < 0 || look_at_source(&d, err) < 0)
		return -1;
	d.to = qemu_img_path_of(io);
	return make(&d, err) < 0 ? -1 : judge(&d, err);
}

int bp_image_convert_by_qemu(const struct bp_image_conversion *c, struct bp_error *err)
{
	cleanup(delegated_done) struct delegated d = { .c = c };

	if (refuse_unknown(c, err) < 0 || qemu_img_find_writer(c->to.format, err) < 0 ||
	    look_at_source(&d, err) < 0 || begin(&d, err) < 0 || make(&d, err) < 0 ||
	    judge(&d, err) < 0)
		return -1;
	return image_new_publish(&d.new, err);
}

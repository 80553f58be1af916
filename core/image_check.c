/* image_check.c - what is wrong with an image at a path. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/cleanup.h"
#include "core/image_file.h"

struct check {
	const struct bp_image_ref *ref;
	enum bp_repair repair;
	const struct bp_teller *teller;
	const struct bp_progress *progress;
};

/* Its own bytes, or, where it has not its data itself, those of the files that have them. */
static int look(const struct check *c, const struct image_file *f, struct bp_vol_check *ret,
		struct bp_error *err)
{
	cleanup(bp_image_parts_done) struct bp_image_parts parts = { 0 };
	const struct bp_image_format *format = f->format;
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };

	if (!format->check_parts)
		return format->check(f->io, c->repair, c->teller, c->progress, ret, err);
	if (format->parts(f->io, &parts, err) < 0)
		return -1;
	if (!parts.n)
		return format->check(f->io, c->repair, c->teller, c->progress, ret, err);
	if (image_file_chain(f, (c->ref->flags & BP_IMAGE_SHARED) | BP_IMAGE_NO_BACKING, &chain,
			     err) < 0)
		return -1;
	return format->check_parts(&chain.layers[0].parts, c->teller, c->progress, ret, err);
}

int bp_image_check(const struct bp_image_ref *ref, enum bp_repair repair,
		   const struct bp_teller *teller, const struct bp_progress *progress,
		   struct bp_vol_check *ret, const char **ret_format, struct bp_error *err)
{
	const struct check c = { ref, repair, teller, progress };
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	cleanup(image_file_done) struct image_file f = { 0 };

	*ret_format = NULL;
	if (image_file_open(ref, repair != BP_REPAIR_NOTHING, &f, err) < 0 ||
	    bp_image_describe(f.io, f.format, &info, err) < 0)
		return -1;
	*ret_format = f.format->name;
	if (!f.format->check)
		return bp_fail(err, BP_UNSUPPORTED, "images of format %s cannot be checked",
			       f.format->name);
	if (repair != BP_REPAIR_NOTHING && !f.format->repairs)
		return bp_fail(err, BP_UNSUPPORTED, "images of format %s can be checked, but not "
			       "repaired", f.format->name);
	if (look(&c, &f, ret, err) == 0)
		return 0;
	/* It is this image that has what nobody knows. */
	if (err->code == BP_UNSUPPORTED)
		err->code = BP_OP_UNSUPPORTED;
	return -1;
}

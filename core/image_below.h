/* image_below.h - what images in files and in volumes share that change what is below them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_BELOW_H
#define BP_IMAGE_BELOW_H

#include "core/image/chain.h"
#include "core/images.h"

/* core/image_commit.c: as bp_image_commit(), of a chain whose first image and that at depth are
 * open for changes. */
int image_commit_chain(struct bp_chain *chain, size_t depth, unsigned flags,
		       const struct bp_progress *progress, struct bp_error *err);

/* core/image_rebase.c: may an image of this format be told to have this backing file? */
int image_rebase_check(const struct bp_image_format *format, const char *backing,
		       const char *backing_format, struct bp_error *err);

/* As bp_image_rebase(), of a chain whose first image is open for changes; new may be empty. */
int image_rebase_chain(struct bp_chain *old, struct bp_chain *new, const char *backing,
		       const char *backing_format, unsigned flags,
		       const struct bp_progress *progress, struct bp_error *err);

#endif

/* image_new.h - an image that appears when it is whole.
 *
 * It is written into a file without a name, or with another one where the file
 * system knows no such files.  Until it is published nobody sees it, and what
 * had its name before is as it was; what is not published leaves nothing.  A
 * block device has what is written at once.
 *
 * Its guest's bytes may go into a file of their own, which is new in the same way.  That is
 * named first: who is killed in between leaves it, with nothing in it that was not asked for,
 * and the image that was there before, or none.  What it takes the place of is kept beside it
 * until the image has its name, too, so that one that gets none takes nothing away.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_NEW_H
#define BP_IMAGE_NEW_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/io.h"
#include "core/image/chain.h"

struct image_new {
	struct bp_io *io;		/* to be written */
	bool device;
	char *path;			/* links followed */
	char *part;			/* the name it has until then, or NULL */
	struct bp_io *old;		/* what it takes the place of; nobody may use that */
	bool named;			/* it has its name */
	bool kept;			/* of a data file: what had that before is at part now */
	struct image_new *data;		/* the file that its guest's bytes go into, whose io is the
					 * io's data; or NULL */
};

/* What is there already is no hindrance, unless somebody uses it.  The new file has the
 * mode and the owner of the old one. */
int image_new_begin(const char *path, struct image_new *ret, struct bp_error *err);

/* Its guest's bytes go into another file, which is no part of it. */
int image_new_data(struct image_new *n, const char *path, struct bp_error *err);

/* Do both lead to one file, or would they? */
bool image_new_same(const char *a, const char *b);

/* Is it one of the files that these images are in? */
bool image_new_in_chain(const char *path, const struct bp_chain *chain);

/* Bring it to the disk, and let it have its name. */
int image_new_publish(struct image_new *n, struct bp_error *err);

void image_new_done(struct image_new *n);

#endif

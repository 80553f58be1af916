/* image_file.h - an image at a path: opened, with its format and its backing files.
 *
 * QEMU's locks are taken and respected (engine, section 5): what a virtual
 * machine writes to is not read unless somebody says so, and never written.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_FILE_H
#define BP_IMAGE_FILE_H

#include <sys/stat.h>

#include "core/image/chain.h"
#include "core/images.h"

struct image_file {
	char *path, *snapshot;		/* snapshot: NULL, what it is now */
	struct bp_io *io;
	const struct bp_image_format *format;
	bool probed;			/* nobody said the format */
	bool trusted;			/* what it looks like may lead to a data file */
	bool write;			/* open for changes */
};

/* Regular files and block devices only.  write: for changes, and nobody else has it. */
int image_file_open(const struct bp_image_ref *ref, bool write, struct image_file *ret,
		    struct bp_error *err);
void image_file_done(struct image_file *f);

/* The image with its backing files, and with those beside it that have its data, unless the
 * ref's flags leave them out.  f outlives the chain. */
int image_file_chain(const struct image_file *f, unsigned flags, struct bp_chain *ret,
		     struct bp_error *err);

/* The same of an image that is open for changes, with one of its backing files, too: target
 * (NULL: the first), as an image could name it that it is the backing file of.  *ret_depth: which
 * layer that is. */
int image_file_chain_into(const struct image_file *f, const char *target, struct bp_chain *ret,
			  size_t *ret_depth, struct bp_error *err);

/* Another file, as it would be named in the image as its backing file, and those below. */
int image_file_chain_below(const struct image_file *f, const char *name, const char *format,
			   struct bp_chain *ret, struct bp_error *err);

/* core/image_resize.c: a size that such an image can have.  Raw ones have any. */
int image_check_size(const struct bp_image_format *format, uint64_t size, struct bp_error *err);

/* The same: a larger disk for the image on top of a chain, which is open for
 * changes.  Nothing of its backing file shows that did not before. */
int image_grow(struct bp_chain *chain, uint64_t size, enum bp_preallocation preallocate,
	       struct bp_error *err);

/* The data file of an image whose backing files do not matter, if it has one, as info says:
 * from now on it is open as the io's data, for changes if the image is. */
int image_file_data(const struct image_file *f, const struct bp_image_info *info,
		    struct bp_error *err);

/* Is it, to QEMU, no file but a place on a server, or a description ("nbd:...", "json:...")? */
bool image_file_elsewhere(const char *name);

/* The file that the image at from names, as a path: seen from there or, with this word before
 * it, from the working directory, as by QEMU.  Names that are no plain files (json:, nbd: and
 * so on) are refused.  The caller frees. */
#define IMAGE_FILE_WORD "file:"

int image_file_backing(const char *from, const char *name, char **ret, struct bp_error *err);
int image_file_data_path(const char *from, const char *name, char **ret, struct bp_error *err);

/* An image that is only known by its looks has a backing file.  Where a guest's raw disk may be
 * (on a device, in a file that is called so) its guest may have written that: BP_DENIED. */
int image_file_may_lead(const char *from, const struct stat *st, const char *name,
			struct bp_error *err);

/* The format of the backing file path, which the image at from does not say. */
int image_file_guess(struct bp_io *io, const char *from, const char *path,
		     const struct bp_image_format **ret, struct bp_error *err);

#endif

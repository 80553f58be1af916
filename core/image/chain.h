/* chain.h - an image and its backing files, read as one.
 *
 * Who opens a file that an image names is the caller's: he knows what may be
 * opened.  A chain reads only.  One thread uses it at a time; bp_chain_again()
 * makes another on the same files.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_CHAIN_H
#define BP_IMAGE_CHAIN_H

#include "core/image/guest.h"
#include "core/image/image.h"

#define BP_CHAIN_MAX 256		/* files */

struct bp_layer {
	char *name;			/* of the file, as its opener says it */
	char *snapshot;			/* inside it, that is read; NULL: what it is now */
	struct bp_io *io;
	bool io_ours;			/* closed with the chain */
	char *data_name;		/* of the file its guest's bytes are in, which is the io's
					 * data; NULL: they are in its own */
	struct bp_image_info info;
	struct bp_image_parts parts;	/* files that have its data, if it has not; closed with
					 * the chain that has opened them */
	bool parts_ours;
	struct bp_guest *guest;
};

struct bp_chain {
	struct bp_layer *layers;	/* the first is the image, each next its backing file */
	size_t n;
	uint64_t capacity;		/* of the image */
};

/* Opens the file that the image from names as its backing file.  *ret_name is what
 * it is called from now on, *ret_format what it is; both know whether the file is one
 * they have had (a loop is for the opener to refuse). */
struct bp_opener {
	int (*open)(void *arg, const char *from, const struct bp_image_info *info,
		    struct bp_io **ret, char **ret_name, const struct bp_image_format **ret_format,
		    struct bp_error *err);
	/* The same of its data file; asked for the image that was opened last, before its
	 * backing file.  NULL: images that have one are refused. */
	int (*open_data)(void *arg, const char *from, const struct bp_image_info *info,
			 struct bp_io **ret, char **ret_name, struct bp_error *err);
	void *arg;
	bool alone;			/* backing files are left out, and what they would show is a
					 * hole */
	/* The same of a file that has a part of its data, by its name in the image.  NULL:
	 * images that have such are refused. */
	int (*open_part)(void *arg, const char *from, const char *name, struct bp_io **ret,
			 struct bp_error *err);
};

/* Where the bytes are that its guest sees as they are. */
static inline struct bp_io *layer_bytes(const struct bp_layer *l)
{
	return l->io->data ? l->io->data : l->io;
}

/* The image in io, which stays the caller's and outlives the chain, or a snapshot inside
 * it.  Its data file is the io's, if that has one already.  opener NULL: as one that is alone
 * and opens no data file. */
int bp_chain_open(struct bp_io *io, const char *name, const struct bp_image_format *format,
		  const char *snapshot, const struct bp_opener *opener, struct bp_chain *ret,
		  struct bp_error *err);

/* Another of the same files, which stay open as long as the first. */
int bp_chain_again(const struct bp_chain *chain, struct bp_chain *ret, struct bp_error *err);
void bp_chain_done(struct bp_chain *chain);

/* It is for somebody who reads what is data: where that ends need not be told nearer than by
 * multiples of step, where it takes long to know; 0: it must. */
void bp_chain_step(struct bp_chain *chain, uint64_t step);

/* One of the images was changed meanwhile. */
int bp_chain_renew(struct bp_chain *chain, size_t layer, struct bp_error *err);

/* What begins at at.  *ret_depth: which layer has it; for a hole chain->n, none has.
 * What lies past the end of a backing file is a hole, too. */
int bp_chain_extent(struct bp_chain *chain, uint64_t at, struct bp_guest_extent *ret,
		    size_t *ret_depth, struct bp_error *err);

/* Does the image leave such a place to its backing file?  Not if that ends before it: then it
 * is the image that shows zeros there. */
bool bp_chain_leaves(const struct bp_chain *chain, const struct bp_guest_extent *e, size_t depth);

/* Bytes before the capacity, from whichever layer has them. */
int bp_chain_read(struct bp_chain *chain, void *buf, size_t len, uint64_t at,
		  struct bp_error *err);

#endif

/* vmdk.h - private: a VMDK as numbers and names.
 *
 * It is one sparse file with a header; or a text, the descriptor, that names
 * other files.  A sparse file has such a text in it, too.  What is named is
 * opened by nothing here.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_VMDK_H
#define BP_IMAGE_VMDK_H

#include "core/image/formats.h"

#define VMDK_MAGIC    "KDMV"
#define VMDK_OLD      "COWD"		/* of ESX servers, before: only recognised */
#define VMDK_TEXT_MAX ((size_t)20 * 512)
#define VMDK_GD_AT_END UINT64_MAX

enum {
	VMDK_TEXT_AT	= 0x200,
	VMDK_HEADER	= 512,
	VMDK_ZERO_GRAIN = 1 << 2,	/* flags: 1 in a table is a grain of zeros, */
	VMDK_RGD	= 1 << 1,	/* there is a second directory, */
	VMDK_COMPRESSED = 1 << 16,
	VMDK_MARKERS	= 1 << 17,	/* and what is in the file says what it is */
	VMDK_DEFLATE	= 1,
	VMDK_ZEROS	= 1,		/* in a table, in place of where it is */
	VMDK_MARKER	= 12,		/* before a grain: its first sector, and how long it is */
};

/* In sectors, but for entries. */
struct vmdk_header {
	uint32_t version, flags;
	uint64_t capacity, grain, text_at, text_len;
	uint32_t entries;		/* of a table */
	uint64_t directory_at, overhead;
	bool compressed;
};

/* vmdk.c: of a file that begins with the magic.  What stands at its end counts more, if
 * the header says so. */
int vmdk_header_read(const struct bp_image_head *head, struct vmdk_header *ret,
		     struct bp_error *err);

/* vmdk_guest.c: of an image in one sparse file, which the guest's bytes can be read of.  buf is
 * the head's. */
int vmdk_sparse_read(struct bp_io *io, unsigned char buf[IMAGE_HEAD], struct bp_image_head *head,
		     struct vmdk_header *ret, struct bp_error *err);

/* vmdk_create.c, vmdk_guest.c, vmdk_check.c: the slots. */
int vmdk_create(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err);
int vmdk_write(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
	       struct bp_error *err);
int vmdk_open(struct bp_io *io, struct bp_guest **ret, struct bp_error *err);
int vmdk_check(struct bp_io *io, enum bp_repair repair, const struct bp_teller *teller,
	       const struct bp_progress *progress, struct bp_vol_check *ret, struct bp_error *err);
int vmdk_check_parts(const struct bp_image_parts *parts, const struct bp_teller *teller,
		     const struct bp_progress *progress, struct bp_vol_check *ret,
		     struct bp_error *err);

/* vmdk_parts.c: the same of one whose data are in other files. */
int vmdk_parts(struct bp_io *io, struct bp_image_parts *ret, struct bp_error *err);
int vmdk_open_parts(struct bp_io *io, const struct bp_image_parts *parts, struct bp_guest **ret,
		    struct bp_error *err);

/* vmdk_text.c: */
bool vmdk_is_text(struct bytes b);

/* The text at at, with a NUL at its end.  The caller frees. */
int vmdk_text_read(const struct bp_image_head *head, uint64_t at, char **ret,
		   struct bp_error *err);

/* What stands behind key (as "createType=") up to the end of the line, without
 * quotes; NULL: nothing.  The caller frees. */
char *vmdk_text_value(const char *text, const char *key);

struct vmdk_extent {
	uint64_t sectors, offset;	/* offset: in a flat file */
	char type[16];
	char *name;			/* NULL: of zeros */
};

/* The next extent the text names.  1 one, 0 no more, -1 broken. */
int vmdk_text_extent(const char **text, struct vmdk_extent *ret, struct bp_error *err);

#endif

/* images.h - disk images in files and on devices that need not be in a pool.
 *
 * The same conventions as barepool.h.  No store is needed.  A name of a backing
 * or data file is text, unless a function is about chains; then only regular
 * files and block devices are opened, by their plain names, for reading.
 *
 * Where the rules come from: "engine" is the description of image formats and of
 * QEMU's behaviour that the project follows, by section.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGES_H
#define BP_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/model/bitmap.h"
#include "core/model/fact.h"
#include "core/model/snapshot.h"
#include "core/model/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	BP_IMAGE_SHARED	    = 1 << 0,	/* read it though somebody writes to it meanwhile */
	BP_IMAGE_NO_BACKING = 1 << 1,	/* as if it named no backing file */
	BP_IMAGE_TRAILERS   = 1 << 2,	/* when nobody says the format, it may also be one that
					 * shows itself only where guests write, as at its end
					 * (bp_image_look) */
	BP_IMAGE_SHRINK	    = 1 << 3,	/* resize: it may become smaller */
	BP_IMAGE_BY	    = 1 << 4,	/* resize: so much larger */
	BP_IMAGE_BY_LESS    = 1 << 5,	/* resize: so much smaller */
	BP_IMAGE_NAME_ONLY  = 1 << 6,	/* snapshot_delete: what is said is a name, and no id */
	BP_IMAGE_TRUST_LOOKS = 1 << 7,	/* when nobody says the format, what it looks like may lead
					 * to a data file all the same, as with QEMU */
};

/* An image somebody names. */
struct bp_image_ref {
	const char *path;
	const char *format;		/* NULL: what its bytes look like; a guest that writes to a
					 * raw disk may let them look like anything */
	unsigned flags;			/* BP_IMAGE_* */
	const char *snapshot;		/* inside it, to be read: an id, or else a name; or NULL */
};

/* ---- new images (core/image_create.c) -------------------------------------------- */

/* What somebody asks for, in QEMU's words. */
struct bp_image_wish {
	const char *path;
	const char *format;		/* NULL: raw */
	const char *const *options;	/* each as "cluster_size=4k,compat=0.10" */
	size_t n_options;
	const char *backing, *backing_format;	/* NULL: as the options say */
	bool unchecked;			/* the backing file need not be there */
	bool has_capacity;
	uint64_t capacity;		/* bytes */
	bool capacity_wins;		/* whatever size the options say; else that is refused */
};

struct bp_image_plan;

/* What it will be: wishes that make no sense are refused, and a backing file is looked
 * at, which must be there, be what it is said to be, and gives its capacity where none
 * is asked for.  Its format must be said: what a guest wrote is not guessed at. */
int bp_image_plan(const struct bp_image_wish *wish, struct bp_image_plan **ret,
		  struct bp_error *err);
void bp_image_plan_free(struct bp_image_plan *plan);	/* NULL is fine */
void bp_image_plan_freep(struct bp_image_plan **plan);	/* for cleanup() */

/* "fmt=qcow2 cluster_size=65536 ...", as QEMU tells of it. */
const char *bp_image_plan_text(const struct bp_image_plan *plan);

/* Make it.  What has its name is replaced by the whole of it, unless somebody uses that. */
int bp_image_make(const struct bp_image_plan *plan, struct bp_error *err);

/* The i-th format there is, by QEMU's name, and whether new images of it can be made; NULL
 * past the end. */
const char *bp_image_format_word(size_t i, bool *ret_made);

/* The options there are for a format, a line each; BP_INVALID: there is no such format,
 * or none of it can be made.  The caller frees. */
int bp_image_options_help(const char *format, char **ret, struct bp_error *err);

/* ---- what an image says of itself ------------------------------------------------ */

struct bp_image {
	char *path;
	const char *format;
	uint64_t capacity;		/* bytes the guest sees, in whole sectors */
	uint64_t allocation;		/* bytes its file takes */
	uint64_t cluster_size;		/* 0: it has none */
	bool encrypted;
	bool knows_dirty, dirty;	/* it is known whether it was closed; and it was not */
	char *backing;			/* as it is written in the image; NULL: it has none */
	char *backing_path;		/* the same as seen from here */
	char *backing_format;		/* NULL: it does not say */
	struct bp_snapshot *snapshots;	/* inside it, in the order in which they were made */
	size_t n_snapshots;
	struct bp_fact more;		/* a group: what only its format has; may be empty */
	char *damage;			/* what is wrong, as far as that is seen; or NULL */
	struct bp_image *below;		/* its backing file, where that was asked for */
};

/* The formats that are told apart, by their names; NULL past the last. */
const char *bp_image_known(size_t i);

/* No name in it is opened, unless below asks for its backing files. */
int bp_image_look(const struct bp_image_ref *ref, bool below, struct bp_image **ret,
		  struct bp_error *err);
void bp_image_free(struct bp_image *image);	/* and those below; NULL is fine */
void bp_image_freep(struct bp_image **image);

/* ---- core/image_resize.c --------------------------------------------------------- */

/* Another capacity, of whole sectors of 512 bytes unless it is raw; BY counts from the end of
 * its last sector.  Flags: SHRINK, BY, BY_LESS.  Nothing of a backing file shows that did
 * not before.  Whenever it is interrupted the image has its old or its new capacity. */
int bp_image_resize(const struct bp_image_ref *image, uint64_t size, unsigned flags,
		    enum bp_preallocation preallocate, bool *ret_guessed, struct bp_error *err);

/* ---- core/image_rebase.c ---------------------------------------------------------- */

/* Name another backing file in an image, or none (NULL), and nothing else: neither is
 * looked at.  Whenever it is interrupted the image names the old or the new one. */
int bp_image_set_backing(const struct bp_image_ref *image, const char *backing,
			 const char *backing_format, struct bp_error *err);

/* The same, but its guest sees what it has seen: what of the new file (seen from the image,
 * as it is written there) would look different is written into the image before. */
enum {
	BP_REBASE_WRITE_ZEROS = 1 << 0,	/* those of the old file as bytes, as QEMU does: they
					 * take space */
};
int bp_image_rebase(const struct bp_image_ref *image, const char *backing,
		    const char *backing_format, unsigned flags,
		    const struct bp_progress *progress, struct bp_error *err);

/* ---- core/image_amend.c ------------------------------------------------------------ */

/* What an image was made with is changed, and its guest sees the same: each option as
 * "compat=1.1,size=2G".  Whenever it is interrupted the image is whole, and has a part of it. */
int bp_image_amend(const struct bp_image_ref *image, const char *const *options, size_t n,
		   const struct bp_progress *progress, struct bp_error *err);

/* As bp_image_options_help(), of those that can be changed. */
int bp_image_amend_help(const char *format, char **ret, struct bp_error *err);

/* ---- core/image_bitmap.c ----------------------------------------------------------- */

/* A change (core/model/bitmap.h); bp_image_look() tells of those there are.  Whenever it is
 * interrupted, they are as before or after. */
int bp_image_bitmap(const struct bp_image_ref *image, const struct bp_image_bitmap *what,
		    struct bp_error *err);

/* What the bitmap source has is added to the bitmap name: of the same image, or (from) of another
 * of the same capacity.  Their granularities may differ. */
int bp_image_bitmap_merge(const struct bp_image_ref *image, const char *name,
			  const struct bp_image_ref *from, const char *source,
			  struct bp_error *err);

/* ---- core/image_commit.c ---------------------------------------------------------- */

enum {
	BP_COMMIT_KEEP = 1 << 0,	/* the image keeps what it has */
};

/* What an image has is written into its backing file, and the image is empty afterwards.
 * base: into this one, which may lie deeper (seen from the image above it); then the image
 * keeps what it has.  A base that is smaller grows.  Nobody else may use either.  Whenever it
 * is interrupted, what is seen through the image is as before, and it can be begun again. */
int bp_image_commit(const struct bp_image_ref *image, const char *base, unsigned flags,
		    const struct bp_progress *progress, struct bp_error *err);

/* ---- core/image_snapshot.c: snapshots inside an image --------------------------------- */

/* None where the format knows none.  The caller frees with bp_snapshots_free(). */
int bp_image_snapshots(const struct bp_image_ref *image, struct bp_snapshot **ret,
		       size_t *ret_n, struct bp_error *err);

/* which: an id, or else a name.  BP_INVALID: there is none. */
int bp_image_snapshot_create(const struct bp_image_ref *image, const char *name,
			     struct bp_error *err);
int bp_image_snapshot_revert(const struct bp_image_ref *image, const char *which,
			     struct bp_error *err);
int bp_image_snapshot_delete(const struct bp_image_ref *image, const char *which,
			     struct bp_error *err);

/* ---- images made of others (core/image_convert.c) ------------------------------------- */

enum {
	BP_CONVERT_COMPRESS  = 1 << 0,
	BP_CONVERT_IN_PLACE  = 1 << 1,	/* into a raw or qcow2 image that is there, as it is */
	BP_CONVERT_IS_ZERO   = 1 << 2,	/* that reads as zeros already */
	BP_CONVERT_SALVAGE   = 1 << 3,	/* what cannot be read is zeros; the teller is told */
	BP_CONVERT_OFFLOAD   = 1 << 4,	/* the kernel copies; nobody looks for zeros */
	BP_CONVERT_NO_SHARE  = 1 << 5,	/* no reflinks */
	BP_CONVERT_VERIFY    = 1 << 6,	/* read it back, and compare, before it has its name */
	BP_CONVERT_BITMAPS   = 1 << 7,	/* the dirty bitmaps of the source, too */
	BP_CONVERT_SKIP_BROKEN = 1 << 8,	/* but not those that are wrong (with BITMAPS):
					 * the teller is told */
	BP_CONVERT_COUNT     = 1 << 9,	/* progress is that of the data, which are counted first:
					 * what is skipped is none */
};

struct bp_image_conversion {
	const struct bp_image_ref *sources;	/* one behind the other */
	size_t n_sources;
	struct bp_image_wish to;	/* has their capacity.  With a backing file: that what the
					 * source leaves to its own is left to it */
	unsigned flags;			/* BP_CONVERT_* */
	uint64_t skip;			/* so many of their bytes are left out */
	bool has_len;
	uint64_t len;			/* and no more than these are taken; not with VERIFY */
	bool has_sparse;
	uint32_t sparse;		/* so many zeros are worth a hole (usual: 4096); 0: none */
	int level;			/* of compression, 1 to 12; 0: the usual one */
	unsigned threads;		/* 0: one for each processor; what comes out is the same */
	const struct bp_teller *teller;	/* NULL: nobody */
};

/* A new image with what their guests see; its file is not seen before it is whole. */
int bp_image_convert(const struct bp_image_conversion *c, const struct bp_progress *progress,
		     struct bp_error *err);

/* ---- QEMU's own qemu-img, where that is asked for (core/image_qemu*.c) ------------------- */

/* Is this a format that it writes, and we only read? */
bool bp_image_qemu_writes(const char *format);

/* It makes an image of one source, that we can read, too, into a file.
 * With COMPRESS, a snapshot, options that name no other file, and sparse; BP_UNSUPPORTED:
 * anything else, or there is no such program.  What it made is checked, and compared with
 * the source, before it has its name. */
int bp_image_convert_by_qemu(const struct bp_image_conversion *c, struct bp_error *err);

/* It makes an empty one, with options that name no other file; a backing file was looked at by
 * us.  *ret_text: what it is, as of a plan; the caller frees. */
int bp_image_make_by_qemu(const struct bp_image_wish *wish, char **ret_text,
			  struct bp_error *err);
int bp_image_options_help_by_qemu(const char *format, char **ret, struct bp_error *err);

/* It resizes a copy, which takes the place of the image when it has been found whole: one that
 * leads to no other file, whose format is said, and that has no other name. */
int bp_image_resize_by_qemu(const struct bp_image_ref *image, uint64_t size, unsigned flags,
			    enum bp_preallocation preallocate, struct bp_error *err);

struct bp_image_told {
	int status;			/* as qemu-img's */
	char *out, *said;		/* what it printed, and complained of */
};
void bp_image_told_done(struct bp_image_told *told);

/* It checks such an image, or repairs a copy of it, which takes its place when it is whole. */
int bp_image_check_by_qemu(const struct bp_image_ref *image, enum bp_repair repair, bool json,
			   struct bp_image_told *ret, struct bp_error *err);

/* ---- images that are read: image_read.c ------------------------------------------ */

/* An image with its backing files.  While it is open, nobody who asks as QEMU does writes
 * to them, unless it was opened as shared.  One thread uses it at a time. */
struct bp_image_view;

int bp_image_open(const struct bp_image_ref *ref, struct bp_image_view **ret, struct bp_error *err);
void bp_image_close(struct bp_image_view *image);		/* NULL is fine */
void bp_image_closep(struct bp_image_view **image);		/* for cleanup() */
uint64_t bp_image_capacity(const struct bp_image_view *image);	/* in whole sectors of 512 */
const char *bp_image_format_name(const struct bp_image_view *image);

/* What the guest sees before the capacity. */
int bp_image_read(struct bp_image_view *image, void *buf, size_t len, uint64_t at,
		  struct bp_error *err);

/* A part of what the guest sees, in the terms of qemu-img's map. */
struct bp_image_extent {
	uint64_t start, length;
	unsigned depth;			/* 0: the image, 1: its backing file, and so on */
	const char *file;		/* as long as the image is open */
	bool present;			/* that file has it, as data or as zeros */
	bool data, zero;		/* both: it is kept, and was never written */
	bool compressed;
	uint64_t file_at;		/* in that file; UINT64_MAX: nowhere as it is */
};

/* What begins at at, which is before the capacity.  Two in a row may be of one kind. */
int bp_image_extent_at(struct bp_image_view *image, uint64_t at, struct bp_image_extent *ret,
		       struct bp_error *err);

/* ---- how large a new one would be: image_measure.c ----------------------------------- */

struct bp_image_size {
	uint64_t required;		/* bytes of the file, with what there is to be in it */
	uint64_t full;			/* when all of it has been written */
	bool has_bitmaps;		/* the new one could have the source's bitmaps, */
	uint64_t bitmaps;		/* which would take so many bytes more */
};

/* Of an image as it is asked for (path does not matter), of its own capacity, or with
 * source, which is not NULL then, as it could become another's backing file's, or no
 * part of it could. */
int bp_image_measure(const struct bp_image_wish *to, const struct bp_image_ref *source,
		     struct bp_image_size *ret, struct bp_error *err);

/* ---- two of them, compared: image_compare.c ---------------------------------------- */

enum bp_image_differ {
	BP_IMAGES_SAME,
	BP_IMAGES_SIZE,			/* strict: they have different capacities */
	BP_IMAGES_STATUS,		/* strict: one has data or zeros where the other has not */
	BP_IMAGES_CONTENT,
};

struct bp_image_verdict {
	enum bp_image_differ differ;
	uint64_t at;			/* the first sector that does, or that could not be read */
	bool longer;			/* it was looked at what one has and the other is too
					 * small for: that must be zeros */
	int unread, unmapped;		/* after -1: which could not be, 1 or 2; else 0 */
};

/* On as many cores as there are. */
int bp_image_compare(struct bp_image_view *a, struct bp_image_view *b, bool strict,
		     const struct bp_progress *progress, struct bp_image_verdict *ret,
		     struct bp_error *err);

/* ---- what is wrong with one: image_check.c ------------------------------------------ */

/* BP_UNSUPPORTED: this is nothing that its format could tell, or nobody can repair it. */
int bp_image_check(const struct bp_image_ref *ref, enum bp_repair repair,
		   const struct bp_teller *teller, const struct bp_progress *progress,
		   struct bp_vol_check *ret, const char **ret_format, struct bp_error *err);

#ifdef __cplusplus
}
#endif

#endif

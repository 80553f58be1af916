/* image.h - disk image formats.  They see bytes, never a pool.
 *
 * A format is one constant table in one file; image.c lists them in probing
 * order.  A slot left NULL is something we cannot do with that format, and
 * many are known only to be recognised.  Nothing in here opens a second file:
 * the name of a backing or data file is text.
 *
 * Bytes of an image are not trusted: every integer is read through a checked
 * reader, and every table is bounded by the file's size and by a limit before
 * it is allocated.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_H
#define BP_IMAGE_H

#include <stdbool.h>

#include "core/base/io.h"
#include "core/base/progress.h"
#include "core/image/bytes.h"
#include "core/image/guest.h"
#include "core/image/parts.h"
#include "core/model/bitmap.h"
#include "core/model/fact.h"
#include "core/model/snapshot.h"
#include "core/model/volume.h"

/* What the bytes say.  Source: inventory, section 15. */
struct bp_image_info {
	const char *format;		/* "raw" when nothing else matched */
	uint64_t capacity;		/* bytes the guest sees */
	char *backing;			/* as written in the image; never opened here */
	char *backing_format;		/* as written; NULL: not recorded, so not known */
	char *data_file;		/* qcow2: where the guest's bytes are instead */
	bool data_raw;			/* that is a disk by itself, too */
	const char *encryption;		/* "luks", "qcow" or NULL */
	uint64_t payload;		/* raw in LUKS: where the guest's bytes begin */
	const char *compat;		/* qcow2 version 3: "1.1" */
	uint64_t cluster_size;		/* qcow2; 0: none */
	bool has_features;		/* qcow2 version 3 */
	unsigned features;		/* BP_FEATURE_* of core/model/volume.h */
	char *damage;			/* what the header leads to is not there; NULL: it is */
	bool has_id;			/* vmdk: it is made new when the image changes; */
	uint32_t id, backing_id;	/* and that of the backing file when this was based on it */
};

/* All that it says of itself, for who looks at it.  Source: engine, sections 1, 7, 8. */
struct bp_image_facts {
	uint64_t capacity;		/* bytes the guest sees, in whole sectors */
	uint64_t cluster_size;		/* 0: it has none */
	bool encrypted;
	bool knows_dirty, dirty;	/* it is known whether it was closed; and it was not */
	char *damage;			/* what of it could not be told, and why; or NULL */
	struct bp_fact more;		/* a group, of what only this format has */
};

/* What a new image shall be. */
struct bp_image_spec {
	uint64_t capacity;
	const char *backing, *backing_format;	/* written as they are */
	const char *compat;		/* qcow2: "0.10" or "1.1" (default) */
	uint64_t cluster_size;		/* 0: 64 KiB */
	unsigned features;		/* BP_FEATURE_* */
	enum bp_preallocation preallocate;
	unsigned refcount_bits;		/* qcow2: a power of two up to 64; 0: 16 */
	bool zstd;			/* qcow2: what is compressed is so by zstd, not zlib */
	const char *name;		/* vmdk: what its file will be called, if that is known */
	const char *subformat;		/* vmdk, vpc, vdi ("static"); NULL: the usual one */
	const char *adapter, *hardware, *tools;	/* vmdk: which bus, and versions; NULL: usual */
	bool zeroed_grains;		/* vmdk: zeros may be said, and need not be written */
	bool exact;			/* vpc: of just this capacity, whatever the geometry */
	const unsigned char *luks;	/* qcow2: it is encrypted, and this is the LUKS header */
	size_t luks_len;
	const char *data_file;		/* qcow2: how it names the file, open as the io's data, that
					 * its guest's bytes go into; NULL: they go into its own */
	bool data_raw;			/* that file is a disk by itself, too */
};

/* What shall change of an image, and not of what its guest sees. */
struct bp_image_amendment {
	unsigned version;		/* qcow2: 2 or 3; 0: as it is, and so below */
	unsigned refcount_bits;
	bool lazy_too, lazy;
	const char *data_file;		/* how it names that from now on; "": not at all */
	bool not_raw;			/* that is no disk by itself any more */
};

/* A larger disk, of which more is asked than that. */
struct bp_image_growth {
	uint64_t capacity;
	enum bp_preallocation preallocate;	/* of the new part */
	uint64_t below;			/* bytes of the backing file; what of them lies behind the
					 * old end must not show */
	const void *last;		/* below is behind the old end: what the guest sees of the
					 * cluster that the disk has ended in, or NULL */
};

/* What a probe looks at. */
struct bp_image_head {
	struct bp_io *io;		/* for what is not in first */
	uint64_t size;			/* of the file or device */
	struct bytes first;		/* its first 2 KiB, or all of it if there is less */
};

/* How a format shows itself: some bytes in some place, where it matters also a
 * version number, both of which must match; and where its capacity stands. */
struct bp_image_sign {
	uint16_t len;			/* 0: a name only, never recognised by content */
	uint32_t at;
	const char *magic;
	bool little;			/* byte order of the numbers */
	uint16_t version_at, version_size;	/* size 0: any */
	uint32_t version_min, version_max;
	uint16_t capacity_at, capacity_unit;	/* unit 0: the size of the file */
};

/* Who overwrites what an image has held, and brings that to the disk. */
struct bp_image_wiper {
	int (*wipe)(void *arg, struct bp_io *io, uint64_t from, uint64_t to,
		    struct bp_error *err);
	void *arg;
};

/* A file that has a part of what the guest sees. */
struct bp_image_part {
	char *name;			/* as it is written; NULL: none, it is zeros */
	bool flat;			/* it has them as they are, from at on */
	uint64_t len, at;
	struct bp_io *io;		/* opened by who knows what may be opened */
};

struct bp_image_parts {
	struct bp_image_part *parts;
	size_t n;
};
void bp_image_parts_done(struct bp_image_parts *parts);	/* the io are left open */

struct bp_patch;
struct bp_writer;

struct bp_image_format {
	const char *name;
	struct bp_image_sign sign;

	/* Everything from here on is optional. */

	/* Its sign was seen, and ret has format and capacity; what else is there?
	 * -1: mine but broken, and err says how. */
	int (*probe)(const struct bp_image_head *head, struct bp_image_info *ret,
		     struct bp_error *err);

	/* For images that are in no pool, more counts than the sign, or less: 1 it is one,
	 * 0 it is not.  trailer: it may also be one by what stands at its end. */
	int (*seen)(const struct bp_image_head *head, bool trailer, struct bp_error *err);

	bool own_backing;		/* its backing file is of the same format */

	/* Everything it says of itself.  ret has the size of the file as the capacity, and
	 * knows that nothing is dirty. */
	int (*facts)(const struct bp_image_head *head, struct bp_image_facts *ret,
		     struct bp_error *err);

	/* io is empty, or a device of which nothing is to be kept; what it holds
	 * when create fails is of no use.  Nothing is synced, the caller does that. */
	int (*create)(struct bp_io *io, const struct bp_image_spec *spec, struct bp_error *err);

	/* The same image, to be filled from its beginning (writer.h).  io and spec outlive
	 * the writer. */
	int (*write)(struct bp_io *io, const struct bp_image_spec *spec, struct bp_writer **ret,
		     struct bp_error *err);

	/* Change the capacity.  Whenever it is interrupted, the image is whole, with
	 * its old or its new capacity; when it fails, with the old if that can still be
	 * written.  The new one is synced, what is given up for it is not.  An overlay
	 * that is shorter than its backing file shows more of that file when it grows:
	 * who does not want this must compare the two before. */
	int (*resize)(struct bp_io *io, uint64_t capacity, struct bp_error *err);

	/* The same for one that becomes larger, and is larger in one step. */
	int (*grow)(struct bp_io *io, const struct bp_image_growth *growth, struct bp_error *err);

	/* Name another backing file, of a format, or none (NULL).  What the guest sees is
	 * not looked at.  Whenever it is interrupted, the image names the old or the new. */
	int (*set_backing)(struct bp_io *io, const char *backing, const char *format,
			   struct bp_error *err);

	/* Write bytes of the guest into it.  flags: BP_PATCH_* of patch.h.  The io outlives
	 * the patch. */
	int (*patch)(struct bp_io *io, unsigned flags, struct bp_patch **ret,
		     struct bp_error *err);

	/* All that its guest has written is gone, and its backing file shows instead.
	 * Whenever it is interrupted, the image has all of it or nothing.  look: no more than
	 * whether this can be done. */
	int (*forget)(struct bp_io *io, bool look, struct bp_error *err);

	/* Other features, one after the other.  Whenever it is interrupted, the image is
	 * whole, and has what it had or what was asked for, of each. */
	int (*amend)(struct bp_io *io, const struct bp_image_amendment *a,
		     const struct bp_progress *progress, struct bp_error *err);

	/* Change a dirty bitmap that it keeps.  Whenever it is interrupted, it is as it was
	 * or as it shall be. */
	int (*bitmap)(struct bp_io *io, const struct bp_image_bitmap *what, struct bp_error *err);
	/* What another has is added to one: source, in an image of the same format, or in the
	 * same image (from NULL).  They must be of disks of the same capacity. */
	int (*bitmap_merge)(struct bp_io *io, const char *name, struct bp_io *from,
			    const char *source, struct bp_error *err);
	/* All that another image of the format keeps, under their names, which none here has.
	 * io NULL: only see whether they can be copied, and tell of those that are left out:
	 * whose content nobody knows (skip_broken; else they are a failure). */
	int (*bitmaps_copy)(struct bp_io *io, struct bp_io *from, bool skip_broken,
			    const struct bp_teller *teller, struct bp_error *err);
	/* All that are to note what is written have these parts from now on, which will be
	 * written after this (BP_PATCH_NOTED).  parts may be asked more than once.  1: the
	 * image has changed, and what was read of it before is to be read anew. */
	int (*bitmaps_note)(struct bp_io *io, struct bp_parts *parts, struct bp_error *err);

	/* Make it the empty image of spec, and let all that it has held be wiped.
	 * Whenever this is interrupted, the image is whole, as it was or empty.  The
	 * io can be resized.  What is done last is not synced, the caller does that. */
	int (*empty)(struct bp_io *io, const struct bp_image_spec *spec,
		     const struct bp_image_wiper *wiper, struct bp_error *err);

	/* How large a new one is when all of it has been written, and the unit in which its
	 * guest's bytes take space (0: all of them do). */
	int (*measure)(const struct bp_image_spec *spec, uint64_t *ret_full, uint64_t *ret_unit,
		       struct bp_error *err);

	/* What its guest sees.  The io outlives the guest. */
	int (*open)(struct bp_io *io, struct bp_guest **ret, struct bp_error *err);
	/* The files that have its data, in the order in which the guest sees them; none: it
	 * has them itself.  Who opens them can then open it. */
	int (*parts)(struct bp_io *io, struct bp_image_parts *ret, struct bp_error *err);
	int (*open_parts)(struct bp_io *io, const struct bp_image_parts *parts,
			  struct bp_guest **ret, struct bp_error *err);
	/* The same of a snapshot inside the image: an id, or else a name. */
	int (*open_snapshot)(struct bp_io *io, const char *which, struct bp_guest **ret,
			     struct bp_error *err);

	/* Is more of the file in use than space bytes: may data stand where nothing was
	 * ever written? */
	int (*sparse)(struct bp_io *io, uint64_t space, bool *ret, struct bp_error *err);

	/* Find what is wrong, and, if repairs is set, repair it: all of it, or, where some of
	 * it cannot be, nothing.  -1: it could not be found out, or not be written.  Whenever
	 * this is interrupted, the image is as it was or as it shall be. */
	bool repairs;
	int (*check)(struct bp_io *io, enum bp_repair repair,
		     const struct bp_teller *teller, const struct bp_progress *progress,
		     struct bp_vol_check *ret, struct bp_error *err);

	/* The same of one whose data are in other files, which somebody has opened. */
	int (*check_parts)(const struct bp_image_parts *parts, const struct bp_teller *teller,
			   const struct bp_progress *progress, struct bp_vol_check *ret,
			   struct bp_error *err);

	/* Snapshots inside the image, in the order they were made.  which: an id, or else
	 * a name.  BP_INVALID: there is none; BP_FAILED: there is one of the new name.
	 * Whenever a change is interrupted, the image is as it was or as it shall be; one
	 * that is damaged is refused. */
	int (*snapshot_list)(struct bp_io *io, struct bp_snapshot **ret, size_t *ret_n,
			     struct bp_error *err);
	int (*snapshot_create)(struct bp_io *io, const char *name, struct bp_error *err);
	int (*snapshot_revert)(struct bp_io *io, const char *which, struct bp_error *err);
	int (*snapshot_delete)(struct bp_io *io, const char *which, struct bp_error *err);
};

/* NULL for a name that is no format of ours. */
const struct bp_image_format *bp_image_format_find(const char *name);

/* In probing order; NULL past the end. */
const struct bp_image_format *bp_image_format_at(size_t i);

/* The same for images that are in no pool: the formats that can be recognised and
 * described, with QEMU's names. */
const struct bp_image_format *bp_image_known_find(const char *name);
const struct bp_image_format *bp_image_known_at(size_t i);

/* Do the first bytes of a file, IMAGE_SIGN_MAX of them if there are as many, show that it is
 * an image of a format that may have a backing file? */
#define IMAGE_SIGN_MAX 64
bool bp_image_has_sign(const void *first, size_t len);

/* Which format this is: the first that matches; raw always does.  An image of
 * a known format whose header makes no sense: -1, and ret->format and
 * ret->capacity (the size of the file) are set all the same, nothing else is.
 * When not even the first bytes could be read: -1, and ret->format is NULL. */
int bp_image_probe(struct bp_io *io, struct bp_image_info *ret, struct bp_error *err);
void bp_image_info_done(struct bp_image_info *info);

/* The same with all known formats.  trailers: also with those that show themselves only
 * where a guest writes that has the file as its disk, as at its end. */
int bp_image_probe_known(struct bp_io *io, bool trailers, struct bp_image_info *ret,
			 struct bp_error *err);

/* Of what bp_image_probe() takes for raw, as libvirt does, though it is an image: the format of
 * that; NULL: it is bytes, or cannot be told. */
const char *bp_image_unlisted(struct bp_io *io, bool trailers);

/* The same of an image whose format is known: what it looks like does not matter, and
 * BP_CORRUPT if it cannot be that. */
int bp_image_describe(struct bp_io *io, const struct bp_image_format *format,
		      struct bp_image_info *ret, struct bp_error *err);

/* All that an image of this format says of itself. */
int bp_image_facts(struct bp_io *io, const struct bp_image_format *format,
		   struct bp_image_facts *ret, struct bp_error *err);
void bp_image_facts_done(struct bp_image_facts *facts);

#endif

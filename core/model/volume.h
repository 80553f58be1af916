/* volume.h - a volume as asked for (spec) and as found (info).
 *
 * Two types on purpose: one is a wish, with defaults; the other a statement,
 * with a mask of what is true.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_MODEL_VOLUME_H
#define BP_MODEL_VOLUME_H

#include <stdint.h>
#include <time.h>

#include "core/model/pool_def.h"
#include "core/model/pool_type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What to find out, and what was found out.  Like statx(2): ask for little,
 * get it fast; a pool type may tell more than it was asked. */
enum {
	BP_VOL_NAME   = 1 << 0,		/* name and type; always given */
	BP_VOL_PATH   = 1 << 1,		/* path and key */
	BP_VOL_SIZE   = 1 << 2,		/* capacity, allocation, physical */
	BP_VOL_PERMS  = 1 << 3,		/* perms and times */
	BP_VOL_FORMAT = 1 << 4,		/* opens and probes the volume: format, features,
					 * encryption, backing store, capacity inside */
	BP_VOL_ALL    = (1 << 5) - 1,
	BP_VOL_BACKING = 1 << 5,	/* of FORMAT only the backing store, which takes less */
};

enum {
	BP_FEATURE_LAZY_REFCOUNTS = 1 << 0,
	BP_FEATURE_EXTENDED_L2	  = 1 << 1,
	BP_FEATURE_DATA_FILE	  = 1 << 2,
};

/* How much of a new image is there before its guest writes.  Not all can all of it. */
enum bp_preallocation {
	BP_PREALLOC_OFF,
	BP_PREALLOC_METADATA,		/* each cluster has its place */
	BP_PREALLOC_FALLOC,		/* and the file system keeps it */
	BP_PREALLOC_FULL,		/* zeros are written there */
};

struct bp_times {
	struct timespec atime, mtime, ctime, btime;	/* btime zero: not known */
};

struct bp_secret {
	char *type;			/* "passphrase" */
	char *uuid, *usage;		/* one of them */
};

struct bp_encryption {
	char *format, *engine;
	struct bp_secret *secrets;
	size_t n_secrets;
	char *cipher, *cipher_mode, *cipher_hash;
	unsigned cipher_size;		/* bits */
	char *ivgen, *ivgen_hash;
	const unsigned char *header;	/* of a volume that is made: what comes before the data, */
	size_t header_len;		/* as the engine lets the pool type know */
};

struct bp_backing {
	char *path, *format;		/* as written in the image or the request */
	struct bp_perms perms;
	bool has_times;
	struct bp_times times;
	char *vol;			/* as found: the volume of the same pool that it is, there
					 * or not; NULL: it is none */
	bool assumed;			/* nobody has said the format */
};

/* Byte ranges a volume takes on a device. */
struct bp_vol_extent {
	char *device;
	uint64_t start, end;
};

struct bp_vol_info {
	unsigned got;			/* BP_VOL_* that hold */
	enum bp_vol_type type;
	const char *name;		/* strings live until the next step of a walk */
	const char *key, *path;
	const char *format;
	uint64_t capacity, allocation, physical;	/* bytes */
	struct bp_perms perms;
	struct bp_times times;
	const char *compat;		/* qcow2: "1.1" */
	uint64_t cluster_size;		/* bytes; 0: none */
	bool has_features;
	unsigned features;		/* BP_FEATURE_* */
	const struct bp_encryption *encryption;
	const struct bp_backing *backing;
	const struct bp_vol_extent *extents;
	size_t n_extents;
	const char *problem;		/* why something asked for is missing, or NULL */
	const char *kind;		/* how the storage holds it ("raid1", "thin"), or NULL */
	bool inactive;			/* it has no device at its path now */
	const struct bp_backing *data_store;	/* qcow2: the file that its guest's bytes are in;
						 * NULL: they are in its own */
};

struct bp_vol_spec {
	enum bp_vol_type type;		/* as written; the pool type decides */
	char *name, *key;
	bool has_capacity, has_allocation;
	uint64_t capacity;		/* bytes */
	uint64_t allocation;		/* bytes; equals capacity where not said */
	char *path;			/* as written; the pool decides */
	char *format;			/* NULL: the pool type's default */
	struct bp_perms perms;
	bool nocow;
	char *compat;
	uint64_t cluster_size;		/* bytes; 0: the format's default */
	bool has_features;
	unsigned features;
	struct bp_encryption *encryption;
	struct bp_backing *backing;
	char *warning;			/* output of what makes volumes: it is done, but this
					 * should be known; or NULL */
};

/* How a change is meant; which function takes which flags is said there. */
enum {
	BP_VOL_PREALLOC = 1 << 0,	/* qcow2: metadata for the whole capacity */
	BP_VOL_REFLINK	= 1 << 1,	/* copy: share the blocks, or fail */
	BP_VOL_ALLOCATE = 1 << 2,	/* resize: take the space now */
	BP_VOL_DELTA	= 1 << 3,	/* resize: by, not to */
	BP_VOL_SHRINK	= 1 << 4,	/* resize: smaller is meant (with DELTA: by so much) */
	BP_VOL_SPARSE	= 1 << 5,	/* upload, download: holes stay holes */
	BP_VOL_SNAPSHOTS = 1 << 6,	/* delete: its snapshots too */
	BP_VOL_FORCE	= 1 << 7,	/* do it though somebody uses the volume */
	BP_VOL_VERIFY	= 1 << 8,	/* copy, upload, download: read it back, and compare */
	BP_VOL_FORCE_BACKING = 1 << 10,	/* do it though other volumes of the pool have this one as
					 * their backing store */
	BP_VOL_NO_BACKING = 1 << 11,	/* map: as if the volume named no backing store */
	BP_VOL_RESUME	= 1 << 9,	/* upload, download: write only what is not there yet */
	BP_VOL_EMPTY	= 1 << 13,	/* download: cut off what the file has */
	BP_VOL_OVERWRITE = 1 << 11,	/* copy: into a device or LUN that is there */
	BP_VOL_FLATTEN	= 1 << 12,	/* copy: with the data of its backing store, and none */
};

/* What a check of a volume's image is to put right. */
enum bp_repair {
	BP_REPAIR_NOTHING,
	BP_REPAIR_LEAKS,		/* give back what is kept for nobody */
	BP_REPAIR_ALL,
};

/* How whole an image is: what is wrong with it still, and what no longer. */
struct bp_vol_check {
	uint64_t corruptions, leaks;
	uint64_t corruptions_fixed, leaks_fixed;
	uint64_t total, allocated;	/* clusters of the guest */
	uint64_t fragmented, compressed;	/* of the allocated */
	uint64_t end;			/* of the last cluster in use, in the file */
};

/* Who is told, in a line each, of what is wrong with an image. */
struct bp_teller {
	void (*tell)(void *arg, const char *line);
	void *arg;
};

struct bp_vol_spec *bp_vol_spec_new(void);
void bp_vol_spec_free(struct bp_vol_spec *spec);	/* NULL is fine */
void bp_vol_spec_freep(struct bp_vol_spec **spec);	/* for cleanup() */

struct bp_encryption *bp_encryption_new(void);
void bp_encryption_free(struct bp_encryption *enc);
struct bp_backing *bp_backing_new(void);
void bp_backing_free(struct bp_backing *backing);	/* NULL is fine */
void bp_backing_done(struct bp_backing *backing);	/* what it has; not itself */

/* Fill in what follows from the rest and refuse what cannot be a volume of a
 * pool of this type (inventory, sections 4 and 5).  Without a capacity:
 * BP_XML, unless it may be left out.  err->part names the element at fault. */
int bp_vol_spec_complete(struct bp_vol_spec *spec, const struct bp_pool_type *type,
			 bool capacity_optional, struct bp_error *err);

/* The spec as if it had been found so.  Borrows from the spec. */
void bp_vol_spec_view(const struct bp_vol_spec *spec, const struct bp_pool_type *type,
		      struct bp_vol_info *ret);

/* A copy that owns its strings, and its end. */
struct bp_vol_info *bp_vol_info_dup(const struct bp_vol_info *info);
void bp_vol_info_free(struct bp_vol_info *info);	/* NULL is fine */
void bp_vol_info_freep(struct bp_vol_info **info);	/* for cleanup() */

#ifdef __cplusplus
}
#endif

#endif

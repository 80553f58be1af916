/* backend.h - the contract between the engine and a pool type.
 *
 * A pool type is one constant table.  A slot left NULL is something the type
 * cannot do; the engine says so, in the same words for every type.  What a
 * definition of the type may hold is not here but in core/model/pool_type.c,
 * since definitions of every type can be read whether or not it can be run.
 *
 * Whoever fills a slot
 *   - finds what it needs in p->def, and may keep things in p->priv from
 *     pool_open() to pool_close(); nothing outlives the command;
 *   - takes no lock: the engine holds the right one already;
 *   - touches no configuration, no state file, no XML, and prints nothing;
 *   - returns 0, or -1 with err filled in by bp_fail() and friends;
 *   - leaves the world as it found it when it fails;
 *   - may be asked again: starting what runs, and stopping what does not,
 *     succeeds.  That is what repairs a crash between two steps.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which lock is held (L: the pool alone, S: the pool shared, V: the volume),
 * and what a slot must and must not do:
 *
 *   pool_check   S L  answer locally and fast: one stat, one ioctl; no priv
 *   pool_mend    L    undo what a build or erasing that was killed has left where that
 *                     is in the way of either, or has the devices in use: it is
 *                     called before them, and before anybody looks at devices
 *   pool_build   L    make what the definition describes; refuse to overwrite
 *                     unless told; do not mount or activate
 *   pool_start   L    make the storage reachable; 1 if it was already, from the
 *                     same source; refuse if something else is in the place;
 *                     write nothing into the storage
 *   pool_open    S L  connect, open the target directory, set priv; change nothing
 *   pool_space   S L  numbers from the storage itself; do not walk the volumes
 *   pool_thin    S L  how the thin pool is that the definition names: 1; 0: it names
 *                     none
 *   pool_problem S L  what is wrong with it though it can be used: -1, and err says it;
 *                     of what pool_space has found
 *   pool_source  S L  add to a copy of the definition's source what is known of it
 *                     now: free areas, the format in place of one that was left open
 *   pool_perms   S L  owner, rights and label of the target as they are
 *   pool_refresh S    look for storage that has come, gone or grown, where that takes
 *                     more than reading: tell the kernel to; take nothing that is used;
 *                     and say what is wrong with it, though it can be used
 *   pool_grow    S    take what space the storage has got since it was built
 *   pool_sweep   S L  remove what commands that were killed have left between the
 *                     volumes, and nothing that somebody is making; before changes,
 *                     as fast with many volumes as with none; at a start, thoroughly
 *   pool_stop    L    make it unreachable; succeed if it is; BP_BUSY if in use
 *   pool_abandon L    the same though somebody uses it, or its server is away; what
 *                     they have not written yet is lost
 *   pool_erase   L    remove what build made; not if something else is in it
 *   vols_*       S    yield each volume at most once; survive volumes that vanish
 *                     meanwhile; open no volume's content unless BP_VOL_FORMAT is
 *                     wanted; hold no more than one volume's data
 *   vol_find     S    the same facts as the walk; BP_NO_VOL when there is none
 *   vol_of_path  S    the name of the volume with this path or key, without I/O for
 *                     paths that cannot be ours; BP_NO_VOL otherwise
 *   vol_create   S+V  let the volume appear complete or not at all; BP_VOL_EXISTS if
 *                     the name is taken, decided by the storage, not by looking first
 *   vol_clone    S+V  the same, with the content of a volume of this pool, whose bytes
 *                     both share from then on: 1; 0: these two cannot, and the bytes
 *                     have to be copied
 *   vol_resize   S+V  be durable before returning
 *   vol_delete   S+V  be durable before returning; do not follow links or backing files
 *   vol_open     S+V  give the volume's bytes; exclusive where the kernel offers it
 *   vol_room     S+V  may so many bytes be written, or is the volume lost for want of space
 *   vol_may_wipe S+V  fail, with why, if to overwrite all of the volume would harm it or
 *                     others
 *   snap_list    S    the snapshots that belong to a volume, in any order; BP_UNSUPPORTED,
 *                     with why, where this volume cannot have any, as from the others
 *   snap_create  S+V  let it appear complete or not at all, and be durable; BP_FAILED if
 *                     the volume has one of that name
 *   snap_revert  S+V  make the volume what it was, size and all, in one step for whoever
 *                     looks; the snapshot stays; BP_INVALID: there is none of that name
 *   snap_delete  S+V  be durable before returning; BP_INVALID as above
 *   source_device     answer without waiting; change nothing
 *   device_content    read only; the device may be in use
 *   source_format     look at nothing else
 *   sources_find      needs no pool; a server has limit seconds to answer, and secrets are
 *                     what the hint's <auth> names
 */
#ifndef BP_BACKEND_H
#define BP_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/hidden.h"
#include "core/base/io.h"
#include "core/base/progress.h"
#include "core/model/pool_def.h"
#include "core/model/snapshot.h"
#include "core/model/volume.h"

/* Where a secret is asked for: of a kind ("iscsi", "ceph", "volume"), by UUID, or where
 * that is NULL by whom it is for.  What comes back is wiped with hidden_done(), and shown
 * in no message.  get is NULL where there are none. */
struct bp_secrets {
	int (*get)(void *arg, const char *kind, const char *uuid, const char *usage,
		   struct hidden *ret, struct bp_error *err);
	void *arg;
};

struct bp_pool {
	const struct bp_pool_def *def;	/* the definition in force */
	void *priv;			/* the pool type's own */
	unsigned limit;			/* seconds a server has to answer; never 0 in use */
	struct bp_secrets secrets;
	bool started;			/* it has a run file, or pool_start() has just succeeded */
	bool unmounted;			/* pool_start() could do without a mount where the
					 * definition leaves that open: its run file says so */
};

/* Facts that the presence of a slot cannot tell. */
enum {
	BP_CAP_ONE_AT_A_TIME = 1 << 0,	/* changes to volumes exclude each other */
	BP_CAP_DEVICES	     = 1 << 1,	/* to build the pool its source's devices are written
					 * to, whatever the flags */
	BP_CAP_PARTITIONS    = 1 << 2,	/* its volumes are partitions of its source, and to
					 * erase it that is written to */
	BP_CAP_REMOTE	     = 1 << 4,	/* what it is on may stop answering, and then whoever
					 * touches it hangs: all but pool_check is called in
					 * a child process (core/away.h) */
	BP_CAP_KNOWS_ACTIVE  = 1 << 3,	/* pool_check can tell that a pool is active though
					 * nobody here has started it */
	BP_CAP_BACKING_FILES = 1 << 6,	/* its volumes may be images that read what they do not
					 * have from another, which then must stay as it is */
	BP_CAP_LIVE_SNAPSHOTS = 1 << 5,	/* snapshots of a volume in use are made, and deleted:
					 * they hold what the storage had at one instant */
};

/* How a new volume gets its content.  Without fill() it is made empty, in the
 * format the spec asks for.  With it the type makes the place (of no size yet,
 * where that can be; else of the spec's capacity), and fill() does the rest,
 * format and all, before the volume appears. */
struct bp_filler {
	int (*fill)(void *arg, struct bp_io *io, struct bp_error *err);
	/* Without fill(): makes the image that is empty, where its format has no way to do that;
	 * capacity: the spec's, or its backing store's. */
	int (*make)(void *arg, struct bp_io *io, uint64_t capacity, struct bp_error *err);
	void *arg;
	const struct bp_progress *progress;	/* for work that vol_create does itself */
};

enum bp_vol_access { BP_VOL_READ, BP_VOL_WRITE };

/* What is written on a device.  Freed with bp_content_done(). */
struct bp_content {
	char *type;		/* "ext4", "gpt", "LVM2_member": libblkid's word; NULL: nothing */
	char *label, *uuid;
	bool filesystem, table;	/* which of these it is, if any */
};

struct bp_backend {
	const char *type;		/* <pool type='...'> */
	unsigned caps;			/* BP_CAP_* */

	/* A connection for the length of one command, where one is needed. */
	int (*pool_open)(struct bp_pool *p, struct bp_error *err);
	void (*pool_close)(struct bp_pool *p);

	int (*pool_check)(struct bp_pool *p, bool *ret_active, struct bp_error *err);
	void (*pool_mend)(struct bp_pool *p);
	int (*pool_build)(struct bp_pool *p, unsigned flags, struct bp_error *err);
	int (*pool_start)(struct bp_pool *p, struct bp_error *err);
	int (*pool_space)(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err);
	int (*pool_thin)(struct bp_pool *p, struct bp_thin_state *ret, struct bp_error *err);
	int (*pool_problem)(struct bp_pool *p, struct bp_error *err);
	int (*pool_source)(struct bp_pool *p, struct bp_pool_source *src, struct bp_error *err);
	int (*pool_perms)(struct bp_pool *p, struct bp_perms *ret, struct bp_error *err);
	int (*pool_refresh)(struct bp_pool *p, struct bp_error *err);
	int (*pool_grow)(struct bp_pool *p, struct bp_error *err);
	void (*pool_sweep)(struct bp_pool *p, bool thoroughly);
	int (*pool_stop)(struct bp_pool *p, struct bp_error *err);
	int (*pool_abandon)(struct bp_pool *p, struct bp_error *err);
	int (*pool_erase)(struct bp_pool *p, struct bp_error *err);

	/* Its volumes, one at a time: 1 is one, 0 is no more, -1 is failure. */
	int (*vols_open)(struct bp_pool *p, unsigned want, void **ret_cursor,
			 struct bp_error *err);
	int (*vols_next)(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
			 struct bp_error *err);
	void (*vols_close)(struct bp_pool *p, void *cursor);

	/* One volume.  The info is the caller's to free. */
	int (*vol_find)(struct bp_pool *p, const char *vol, unsigned want,
			struct bp_vol_info **ret, struct bp_error *err);
	int (*vol_of_path)(struct bp_pool *p, const char *path, char **ret_vol,
			   struct bp_error *err);
	int (*vol_create)(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
			  const struct bp_filler *filler, struct bp_error *err);
	int (*vol_clone)(struct bp_pool *p, const struct bp_vol_spec *spec, const char *from,
			 struct bp_error *err);
	int (*vol_resize)(struct bp_pool *p, const char *vol, uint64_t capacity,
			  unsigned flags, struct bp_error *err);
	int (*vol_delete)(struct bp_pool *p, const char *vol, unsigned flags,
			  struct bp_error *err);
	int (*vol_open)(struct bp_pool *p, const char *vol, enum bp_vol_access access,
			struct bp_io **ret, struct bp_error *err);
	int (*vol_room)(struct bp_pool *p, const char *vol, uint64_t bytes, struct bp_error *err);

	int (*vol_may_wipe)(struct bp_pool *p, const char *vol, struct bp_error *err);

	/* Snapshots that belong to one volume. */
	int (*snap_list)(struct bp_pool *p, const char *vol, struct bp_snapshot **ret,
			 size_t *ret_n, struct bp_error *err);
	int (*snap_create)(struct bp_pool *p, const char *vol, const char *snap,
			   struct bp_error *err);
	int (*snap_revert)(struct bp_pool *p, const char *vol, const char *snap,
			   struct bp_error *err);
	int (*snap_delete)(struct bp_pool *p, const char *vol, const char *snap,
			   struct bp_error *err);

	/* A device of a source that is no path ("UUID=...") as one.  The caller frees. */
	int (*source_device)(const char *source, char **ret, struct bp_error *err);

	/* For types whose source is one device: what is written on any; and the format
	 * of the source that one nobody uses, with such content, would be.  NULL: it is
	 * none.  disk: it is a whole one. */
	int (*device_content)(int fd, const char *path, struct bp_content *ret,
			      struct bp_error *err);
	const char *(*source_format)(const struct bp_content *content, bool disk);

	/* Where pools of this type could be made; no pool exists yet.  Not needed with
	 * source_format. */
	int (*sources_find)(const struct bp_pool_source *hint, unsigned limit,
			    const struct bp_secrets *secrets, struct bp_pool_source **ret,
			    size_t *ret_n, struct bp_error *err);
};

void bp_content_done(struct bp_content *content);

/* backends/registry.c: the types compiled in, and those that lie about as
 * modules, opened when asked for.  NULL: none.  A module that cannot be used
 * says why in err. */
const struct bp_backend *bp_backend_find(const char *type, struct bp_error *err);

/* Is there one, without opening it?  And is it compiled in? */
bool bp_backend_present(const char *type);
bool bp_backend_builtin(const char *type);

/* What a module exports, under the name "barepool_module".  The version must
 * be this very one, or the module is refused. */
#define BP_MODULE_VERSION "barepool 0.1.0, contract 14"

struct bp_module {
	const char *version;
	const struct bp_backend *backend;
};

#endif

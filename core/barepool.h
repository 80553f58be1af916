/* barepool.h - storage pools and volumes for virtual machines, without a daemon.
 *
 * The store is two directories: definitions, and the state of what runs.
 * Nothing is kept in memory between calls, so pools and volumes are addressed
 * by name; any number of programs may use one store at a time.
 *
 *	struct bp_error err = { 0 };
 *	struct bp_store *store;
 *
 *	if (bp_store_open(NULL, &store, &err) < 0 ||
 *	    bp_pool_start(store, "default", 0, &err) < 0)
 *		fprintf(stderr, "%s%s\n", bp_error_prefix(err.code), err.text);
 *
 * Conventions.  Functions return 0, or -1 with *err filled in; walks return 1
 * for an element, 0 at the end, -1 for a failure.  err points at a zeroed
 * struct.  What comes back through a parameter called ret_... is written on
 * success only, and is the caller's to release with the function named.
 * Pointers given to a function are borrowed for the call.  Sizes are bytes.
 * Unknown flag bits are refused with BP_INVALID.  Running out of memory ends
 * the process.  No function prints, changes directory or keeps global state;
 * a store may be used by one thread at a time, several stores by several.
 *
 * Where the rules come from: "inventory" is the description of libvirt's
 * behaviour that the project follows, by section.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BAREPOOL_H
#define BAREPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/model/pool_def.h"
#include "core/model/pool_type.h"
#include "core/model/snapshot.h"
#include "core/model/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BAREPOOL_VERSION "0.1.0"

/* The version of the library that runs, as the macro above says it. */
const char *bp_version(void);


/* ---- the store -------------------------------------------------------------- */

struct bp_store;

enum {
	BP_STORE_READONLY = 1 << 0,	/* changes fail with BP_DENIED; nothing is written,
					 * not even a lock */
	BP_STORE_SESSION  = 1 << 1,	/* the user's own place, even for root */
};

/* Where the store is.  NULL stands for libvirt's own place:
 *
 *	           root                    others
 *	config     /etc/libvirt/storage    $XDG_CONFIG_HOME/libvirt/storage
 *	run        /run/libvirt/storage    $XDG_RUNTIME_DIR/libvirt/storage/run
 *
 * root is put before both (an image, or a mounted disk under rescue); the paths
 * inside definitions are used as they are. */
struct bp_store_paths {
	const char *config, *run, *root;
	unsigned flags;			/* BP_STORE_* */
	unsigned timeout;		/* seconds a server has to answer; 0: BP_TIMEOUT */
};

enum { BP_TIMEOUT = 10 };

/* Open a store; paths may be NULL.  Directories are made when something is
 * first written, not before. */
int bp_store_open(const struct bp_store_paths *paths, struct bp_store **ret, struct bp_error *err);
void bp_store_close(struct bp_store *s);	/* NULL is fine */
void bp_store_closep(struct bp_store **s);	/* for __attribute__((cleanup)) */

/* The two directories; they live as long as the store. */
const char *bp_store_config_dir(const struct bp_store *s);
const char *bp_store_run_dir(const struct bp_store *s);

/* The process id of the libvirt storage daemon that owns this store, or 0.
 * While there is one, it keeps pools in memory and would not see our changes:
 * reading works, every change fails with BP_BUSY. */
long bp_store_daemon(struct bp_store *s);

/* Let changes that come touch this device and its partitions, though another pool
 * has it, or this system runs from its disk.  What is in use is never touched.  NULL:
 * from now on none. */
int bp_store_allow_device(struct bp_store *s, const char *device, struct bp_error *err);


/* ---- pools: their life (inventory, section 10) ------------------------------ */

/* Keep a definition.  Same name and UUID: it replaces the old one, from the
 * next start on.  BP_POOL_EXISTS: the name or UUID is somebody else's;
 * BP_FAILED: another pool has this source.  def is completed in place. */
int bp_pool_define(struct bp_store *s, struct bp_pool_def *def, struct bp_error *err);

/* Forget an inactive pool's definition and its autostart mark. */
int bp_pool_undefine(struct bp_store *s, const char *pool, struct bp_error *err);

/* Start a pool from a definition that is not kept.  def is completed in place. */
int bp_pool_create(struct bp_store *s, struct bp_pool_def *def, unsigned flags,
		   struct bp_error *err);

/* Make what the definition describes (a directory, a file system ...). */
int bp_pool_build(struct bp_store *s, const char *pool, unsigned flags, struct bp_error *err);

int bp_pool_start(struct bp_store *s, const char *pool, unsigned flags, struct bp_error *err);

/* Make it unreachable; its data stays.  A transient pool is forgotten. */
int bp_pool_stop(struct bp_store *s, const char *pool, struct bp_error *err);

/* The same for a pool whose server does not answer, or that somebody uses: by force,
 * where its type can do that.  What was not written yet is lost. */
int bp_pool_abandon(struct bp_store *s, const char *pool, struct bp_error *err);

/* Remove what build made, if nothing else is in it.  The definition stays. */
int bp_pool_erase(struct bp_store *s, const char *pool, struct bp_error *err);

/* See that an active pool still answers. */
int bp_pool_refresh(struct bp_store *s, const char *pool, struct bp_error *err);

/* Make an active pool as large as what it is on has become (a device, say).
 * What has not grown stays as it is. */
int bp_pool_grow(struct bp_store *s, const char *pool, struct bp_error *err);

/* Mark for bp_store_autostart(), or take the mark away. */
int bp_pool_set_autostart(struct bp_store *s, const char *pool, bool on, struct bp_error *err);

/* How the marked pools are to be started. */
struct bp_autostart {
	unsigned timeout;	/* seconds during which what may pass is tried again, after
				 * waits that grow; 0: each pool is tried once */
	bool again;		/* though it has been done since the boot */
	/* Called by the thread that waits, for each pool as soon as it is active (why
	 * is NULL; started: by this call) or has failed; may be NULL. */
	void (*tell)(void *arg, const char *pool, bool started, const struct bp_error *why);
	void *arg;
};

/* Start every pool that is marked and inactive, all at once, except that a pool
 * whose target lies in another's comes after it.  Once per boot (libvirt's own
 * marker file is used): later calls fail pools that are not active with
 * BP_WRONG_STATE.  *ret_down counts marked pools that are not active. */
int bp_store_autostart(struct bp_store *s, const struct bp_autostart *how, unsigned *ret_down,
		       struct bp_error *err);


/* ---- pools: looking at them --------------------------------------------------- */

enum bp_pool_state {
	BP_POOL_INACTIVE, BP_POOL_BUILDING, BP_POOL_RUNNING, BP_POOL_DEGRADED,
	BP_POOL_INACCESSIBLE,		/* its definition cannot be read, or its type not run */
};

const char *bp_pool_state_word(enum bp_pool_state state);

struct bp_pool_info {
	const char *name, *uuid;	/* strings live until the next step of a walk */
	const char *type;		/* NULL where the definition cannot be read */
	enum bp_pool_state state;
	bool persistent, autostart;
	bool has_space;
	struct bp_pool_space space;
	const char *problem;		/* what is wrong, or why something is missing; or NULL */
	const char *thin;		/* the thin pool that the definition of an active pool */
	struct bp_thin_state thin_state;	/* names, and how it is; or NULL */
};

/* Find a pool by name, by UUID, or by UUID and then name (both bits).
 * *ret_name is for the caller to free. */
enum { BP_BY_NAME = 1 << 0, BP_BY_UUID = 1 << 1 };
int bp_pool_resolve(struct bp_store *s, const char *text, unsigned how, char **ret_name,
		    struct bp_error *err);

/* One pool, with its space if it is active.  Free with bp_pool_info_free(). */
int bp_pool_info(struct bp_store *s, const char *pool, struct bp_pool_info **ret,
		 struct bp_error *err);
void bp_pool_info_free(struct bp_pool_info *info);
void bp_pool_info_freep(struct bp_pool_info **info);

/* The definition in force, with present sizes and rights if the pool is
 * active; or the one that will be at the next start. */
enum { BP_DEF_INACTIVE = 1 << 0 };
int bp_pool_get_def(struct bp_store *s, const char *pool, unsigned flags,
		    struct bp_pool_def **ret, struct bp_error *err);

/* Walk the pools, in order of their names.  Filters within a group are OR-ed,
 * groups AND-ed, a group with no bit set lets all through (section 29.1). */
enum {
	BP_POOLS_INACTIVE     = 1 << 0,
	BP_POOLS_ACTIVE	      = 1 << 1,
	BP_POOLS_PERSISTENT   = 1 << 2,
	BP_POOLS_TRANSIENT    = 1 << 3,
	BP_POOLS_AUTOSTART    = 1 << 4,
	BP_POOLS_NO_AUTOSTART = 1 << 5,
	BP_POOLS_SPACE	      = 1 << 6,	/* no filter: find out the space of active ones */
};

struct bp_pool_iter;

/* types: NULL, or names of pool types to let through, ended with NULL; they
 * are borrowed until the close. */
int bp_pools_open(struct bp_store *s, unsigned flags, const char *const *types,
		  struct bp_pool_iter **ret, struct bp_error *err);
int bp_pools_next(struct bp_pool_iter *it, struct bp_pool_info *ret, struct bp_error *err);
void bp_pools_close(struct bp_pool_iter *it);
void bp_pools_closep(struct bp_pool_iter **it);


/* ---- volumes: looking at them --------------------------------------------------- */

struct bp_vol_iter;

/* Walk the volumes of an active pool, in no order.  want: BP_VOL_* bits; what
 * is not wanted is not paid for.  A volume that cannot be read is a row with
 * fewer bits and a problem, never the end of the walk.  The pool cannot be
 * stopped until the close. */
int bp_vols_open(struct bp_store *s, const char *pool, unsigned want,
		 struct bp_vol_iter **ret, struct bp_error *err);
int bp_vols_next(struct bp_vol_iter *it, struct bp_vol_info *ret, struct bp_error *err);
void bp_vols_close(struct bp_vol_iter *it);
void bp_vols_closep(struct bp_vol_iter **it);

/* One volume.  Free with bp_vol_info_free(). */
int bp_vol_info(struct bp_store *s, const char *pool, const char *vol, unsigned want,
		struct bp_vol_info **ret, struct bp_error *err);

/* A volume of a backing chain, or a backing file that is none. */
struct bp_vol_link {
	char *pool, *vol;		/* NULL: it is no volume of an active pool */
	char *path;			/* of what is none: as the image says it */
	char *format, *kind;		/* NULL: not known */
	bool has_size;
	uint64_t capacity, allocation;	/* bytes */
	unsigned depth;			/* 0: the volume that was asked for, 1: what it is based on,
					 * or what is based on it, and so on */
	char *problem;			/* what is wrong with it, or why the chain ends; or NULL */
	struct bp_vol_link *data;	/* the file that its guest's bytes are in; NULL: its own */
	bool by_data;			/* of what is based on another: its data are in that */
};

struct bp_vol_chain {
	struct bp_vol_link *below;	/* first the volume, then each what the last is based on */
	size_t n_below;
	struct bp_vol_link *above;	/* what is based on it, in its pool and in others of this
					 * host: a tree, each followed by what is based on that */
	size_t n_above;
};

/* What a volume is based on, and who depends on it, as having their data in it, too.  What
 * an image names is looked at only where it is a volume of an active pool.  Free with
 * bp_vol_chain_free(). */
int bp_vol_chain(struct bp_store *s, const char *pool, const char *vol, struct bp_vol_chain **ret,
		 struct bp_error *err);
void bp_vol_chain_free(struct bp_vol_chain *chain);	/* NULL is fine */
void bp_vol_chain_freep(struct bp_vol_chain **chain);

struct bp_image_extent;			/* core/images.h; file: a volume of the pool */
struct bp_vol_map;

/* Where the parts of a volume are, from an offset on; length 0: to its end.  Backing stores
 * are followed where they are volumes of the same pool, else it fails with BP_DENIED; what
 * somebody writes to fails with BP_BUSY.  Two in a row may be of one kind.  Flags: FORCE,
 * NO_BACKING. */
int bp_vol_map_open(struct bp_store *s, const char *pool, const char *vol, uint64_t offset,
		    uint64_t length, unsigned flags, struct bp_vol_map **ret,
		    struct bp_error *err);
int bp_vol_map_next(struct bp_vol_map *map, struct bp_image_extent *ret, struct bp_error *err);
void bp_vol_map_close(struct bp_vol_map *map);
void bp_vol_map_closep(struct bp_vol_map **map);

/* Find a volume.  With a pool: by name, then by key or path, in that pool;
 * without: by key or path in every active pool.  *ret_pool and *ret_vol are
 * for the caller to free. */
int bp_vol_locate(struct bp_store *s, const char *pool, const char *text,
		  char **ret_pool, char **ret_vol, struct bp_error *err);


/* ---- volumes: changing them (inventory, section 11) ----------------------------- */

/* Make a volume.  It appears complete, or not at all.  spec is completed in
 * place, and may have a warning afterwards; rights it does not say are the pool's
 * usual ones (volume_perms).  Flags: PREALLOC. */
int bp_vol_create(struct bp_store *s, const char *pool, struct bp_vol_spec *spec,
		  unsigned flags, const struct bp_progress *progress, struct bp_error *err);

/* Make a volume with the content of another, in the same pool or not.  Its
 * capacity is at least the source's.  Flags: PREALLOC, REFLINK, VERIFY; FLATTEN, of an
 * image: the copy has the data of its backing store itself.
 *
 * Where volumes are devices or LUNs, the flag OVERWRITE copies into the one of that name
 * instead, which is there; what it held is gone, and where the copy ends zeros begin.  It must
 * be large enough and used by nobody.  A failure in the middle leaves it partly overwritten.
 *
 * Here and in transfers VERIFY reads both sides again when the copy is durable
 * and gone from memory, compares them, and fails with BP_FAILED, naming the
 * first byte that differs.  Progress then counts every byte twice. */
int bp_vol_copy(struct bp_store *s, const char *pool, struct bp_vol_spec *spec,
		const char *from_pool, const char *from_vol, unsigned flags,
		const struct bp_progress *progress, struct bp_error *err);

/* The functions from here on refuse, with BP_BUSY and who it is in err, to change a
 * volume that somebody uses: QEMU (or whoever else has a lock on it), a loop
 * device, swap, a mount, a device made of it, another command.  While they
 * work, no QEMU can be started on it.  With the flag FORCE they do not ask. */

/* Those that take a volume away or let its guest see something else refuse it, too, with
 * BP_BUSY and the part "backingStore" or "dataStore", where other volumes have it as their
 * backing store, or their data are in it; err names them.  With the flag FORCE_BACKING they
 * do not ask. */

/* Flags: FORCE, FORCE_BACKING; SNAPSHOTS, for types that know them. */
int bp_vol_delete(struct bp_store *s, const char *pool, const char *vol, unsigned flags,
		  struct bp_error *err);

/* The same; ret_data: the file that has the data of an image which had them elsewhere, and
 * which is still there; or NULL.  The caller frees. */
int bp_vol_delete_told(struct bp_store *s, const char *pool, const char *vol, unsigned flags,
		       char **ret_data, struct bp_error *err);

/* Flags: ALLOCATE, DELTA, SHRINK, FORCE; FORCE_BACKING, to make it smaller. */
int bp_vol_resize(struct bp_store *s, const char *pool, const char *vol, uint64_t capacity,
		  unsigned flags, struct bp_error *err);

/* Bytes of a file into a volume (write) or out of it (read): length bytes, 0
 * for all there are, at an offset of the volume; the file is used from its
 * present position.  A write that would pass the end of the volume fails with
 * BP_FAILED before it changes anything where its length is known, else at the
 * end.  A read asks nobody.  Flags: SPARSE, VERIFY, RESUME; for a write also FORCE,
 * FORCE_BACKING, for a read EMPTY: once the volume can be read, what a regular file has
 * from its present position on is cut off.  VERIFY and RESUME want a regular file that is
 * open for reading, too, or fail with BP_INVALID.
 *
 * RESUME goes on where a transfer was interrupted: what is there is compared,
 * and only what differs is written.  The result is that of a whole transfer,
 * whatever was there; to_fd ends where the volume's bytes do. */
int bp_vol_write(struct bp_store *s, const char *pool, const char *vol, int from_fd,
		 uint64_t offset, uint64_t length, unsigned flags,
		 const struct bp_progress *progress, struct bp_error *err);
int bp_vol_read(struct bp_store *s, const char *pool, const char *vol, int to_fd,
		uint64_t offset, uint64_t length, unsigned flags,
		const struct bp_progress *progress, struct bp_error *err);

/* See whether the image in a volume is whole (qcow2, qed, vdi, vmdk), tell of each thing that
 * is not, and repair it (qcow2, qed): all of it, or, where some of it cannot be, nothing.  teller
 * and progress may be NULL.  -1: it could not be found out, or not be written.  Killed, or failed,
 * it leaves the image as it was, or with some of it repaired (qed).  Flags: FORCE. */
int bp_vol_check(struct bp_store *s, const char *pool, const char *vol, enum bp_repair repair,
		 unsigned flags, const struct bp_teller *teller,
		 const struct bp_progress *progress, struct bp_vol_check *ret,
		 struct bp_error *err);

/* What a volume (qcow2) has is written into its backing store, a volume of the same pool, and
 * it is empty afterwards, unless keep is set.  base: into this volume, which may lie deeper;
 * then it keeps what it has.  A base that is smaller grows.  Whenever it is interrupted, the
 * volume shows what it has shown, and it can be begun again.  Flags: FORCE, FORCE_BACKING. */
int bp_vol_commit(struct bp_store *s, const char *pool, const char *vol, const char *base,
		  bool keep, unsigned flags, const struct bp_progress *progress,
		  struct bp_error *err);

/* Another volume of the pool, of this format, becomes the backing store of one (qcow2), or none
 * does (NULL).  It shows what it has shown: what would not is written into it before.  Whenever
 * it is interrupted, it has the old one or the new.  Flags: FORCE, FORCE_BACKING (no effect). */
int bp_vol_rebase(struct bp_store *s, const char *pool, const char *vol, const char *backing,
		  const char *format, unsigned flags, const struct bp_progress *progress,
		  struct bp_error *err);

/* Snapshots that belong to a volume, and are no volumes themselves: of thin volumes
 * of a volume group.  BP_UNSUPPORTED: volumes of this type, or this volume, have none.
 *
 * One is made while the volume is used, where the storage can; then it holds what a
 * machine that lost its power at that instant would find.  *ret_warning, which may be
 * NULL, is as in struct bp_vol_spec, and for the caller to free.  Flags: FORCE. */
int bp_vol_snapshot_create(struct bp_store *s, const char *pool, const char *vol,
			   const char *snap, unsigned flags, char **ret_warning,
			   struct bp_error *err);

/* In the order in which they were made.  Release with bp_snapshots_free(). */
int bp_vol_snapshots(struct bp_store *s, const char *pool, const char *vol,
		     struct bp_snapshot **ret, size_t *ret_n, struct bp_error *err);

/* Make a volume that nobody uses what it was then; what it is now is lost, the
 * snapshot stays.  Flags: FORCE, FORCE_BACKING. */
int bp_vol_snapshot_revert(struct bp_store *s, const char *pool, const char *vol,
			   const char *snap, unsigned flags, struct bp_error *err);

int bp_vol_snapshot_delete(struct bp_store *s, const char *pool, const char *vol,
			   const char *snap, unsigned flags, struct bp_error *err);

enum bp_wipe {
	BP_WIPE_ZERO, BP_WIPE_NNSA, BP_WIPE_DOD, BP_WIPE_BSI, BP_WIPE_GUTMANN, BP_WIPE_SCHNEIER,
	BP_WIPE_PFITZNER7, BP_WIPE_PFITZNER33, BP_WIPE_RANDOM, BP_WIPE_TRIM,
	BP_WIPES
};

/* The word for an algorithm, and back; -1 for one nobody knows (section 29.2). */
const char *bp_wipe_word(enum bp_wipe algorithm);
int bp_wipe_find(const char *word);

/* Overwrite all a volume holds, so that it cannot be read again.  Flags: FORCE,
 * FORCE_BACKING. */
int bp_vol_wipe(struct bp_store *s, const char *pool, const char *vol, enum bp_wipe algorithm,
		unsigned flags, const struct bp_progress *progress, struct bp_error *err);


/* ---- what this build can do, and what could be a pool ---------------------------- */

/* Can pools of this type be run? */
bool bp_pool_type_supported(const struct bp_pool_type *type);

/* Find sources of pools of a type (section 36); hint may be NULL.  Devices that are
 * the source of a pool of s already are left out, and a server has that store's time
 * to answer; s may be NULL.  The array and what
 * is in it are released with bp_sources_free(). */
int bp_sources_find(struct bp_store *s, const char *type, const struct bp_pool_source *hint,
		    struct bp_pool_source **ret, size_t *ret_n, struct bp_error *err);
void bp_sources_free(struct bp_pool_source *sources, size_t n);

/* Something of this host that is a pool, or could be one. */
struct bp_found {
	char *path;		/* "/dev/sda1"; a volume group's name; another pool's target */
	char *link;		/* a name of the device that stays, or NULL */
	const char *kind;	/* "disk", "partition", "loop", "dm", "md", "volume group", or
				 * the type of a pool that is on none of these */
	uint64_t size;		/* of a device */
	char *content;		/* what is written on it: "ext4", "gpt", "LVM2_member" */
	char *label, *uuid;	/* of that */
	char *used;		/* by whom: "mounted on '/srv'"; NULL: nobody */
	bool of_system;		/* a device of a disk that this system runs from */
	char *pool;		/* whose source it is, or NULL */
	bool pool_active;
	char *problem;		/* why something is not known, or NULL */
	struct bp_pool_def *def;	/* the pool it could be, by a name that is free; or NULL */
};

/* Look at every device of this host, its volume groups, and the pools of a store.
 * source: only at this device and its partitions, or the volume group of this name;
 * may be NULL.  Nothing is written, and nothing waited for.  The array and what is in
 * it are released with bp_found_free(). */
int bp_discover(struct bp_store *s, const char *source, struct bp_found **ret, size_t *ret_n,
		struct bp_error *err);
void bp_found_free(struct bp_found *found, size_t n);


/* ---- events --------------------------------------------------------------------- */

enum bp_event_kind {
	BP_EVENT_DEFINED, BP_EVENT_UNDEFINED, BP_EVENT_STARTED, BP_EVENT_STOPPED,
	BP_EVENT_CREATED,		/* built */
	BP_EVENT_DELETED,		/* erased */
	BP_EVENT_REFRESHED,

	/* Told with BP_EVENTS_ALL only. */
	BP_EVENT_MARKED, BP_EVENT_UNMARKED,	/* for autostart */
	BP_EVENT_TARGET_GONE,		/* removed, moved or unmounted: nothing of the pool's
					 * volumes is seen until it is back or starts again */
	BP_EVENT_VOL_CREATED,		/* and complete */
	BP_EVENT_VOL_CHANGED,		/* a writer has closed it, or its rights are new */
	BP_EVENT_VOL_DELETED,
	BP_EVENT_LOST,			/* more happened at once than the kernel notes: what has
					 * come and gone is told next, what else changed is not */
	BP_EVENT_TARGET_BACK,		/* its volumes are watched; who lists them misses none */
};

struct bp_event {
	enum bp_event_kind kind;
	const char *pool;		/* NULL: BP_EVENT_LOST; lives until the next step */
	const char *vol;		/* NULL: it is about the pool; lives as long */
};

/* Marks, and the volumes of active pools that have a target directory.  When a
 * start is told its volumes are watched already: who lists them then misses none.
 * The names of all volumes are kept in memory. */
enum { BP_EVENTS_ALL = 1 << 0 };

struct bp_events;

/* Watch a store: whatever any program does to its pools from now on. */
int bp_events_open(struct bp_store *s, unsigned flags, struct bp_events **ret,
		   struct bp_error *err);
int bp_events_fd(const struct bp_events *ev);	/* readable when something may be there */
int bp_events_next(struct bp_events *ev, struct bp_event *ret, struct bp_error *err);
void bp_events_close(struct bp_events *ev);
void bp_events_closep(struct bp_events **ev);

#ifdef __cplusplus
}
#endif

#endif

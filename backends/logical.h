/* logical.h - between the files of the pool type logical: a volume group, as LVM
 * reports it in one go. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_LOGICAL_H
#define BP_BACKENDS_LOGICAL_H

#include "backends/logical_lvm.h"
#include "core/backend.h"

/* Words as LVM has them.  They live in the report. */
struct vg_pv {
	const char *name, *uuid, *missing, *duplicate;
};

struct vg_lv {
	const char *name, *uuid, *attr, *layout, *role, *size, *origin, *pool, *tags;
	const char *data_percent, *metadata_percent, *metadata_size, *health, *check_needed;
	bool hidden;			/* a snapshot that belongs to a volume, or what shall
					 * replace one */
	bool misnamed;			/* that, when there is none to replace any more: shown
					 * by the name it shall have */
	bool noted;			/* a plain one, whose maker is at it */
};

struct vg_seg {
	const char *lv, *type, *ranges, *chunk;
};

struct vg {
	char *text;			/* the report */
	char *said;			/* what LVM warns of; NULL if it was not asked */
	const char *name, *uuid, *attr, *extent, *size, *free, *missing, *lock_type, *system_id;
	const char *seqno;		/* how often it was changed */
	uint64_t extent_size;
	struct vg_pv *pvs;
	struct vg_lv *lvs;		/* those inside others, too: "[x_rimage_0]" */
	struct vg_seg *segs;		/* ordered by the names of their volumes */
	size_t n_pvs, n_lvs, n_segs;
};

/* All of a volume group; BP_CONFIG: there is none of that name, or LVM keeps its
 * hands off it, and err says why.  Released with vg_done(). */
int vg_load(const char *name, struct vg *ret, struct bp_error *err);
/* Names, keys and tags of its volumes, and maybe more: what is in no need of the kernel. */
int vg_load_names(const char *name, struct vg *ret, struct bp_error *err);

void vg_done(struct vg *vg);

/* The same, looked at in one of these ways; err is what LVM says, unexplained. */
enum {
	VG_EVERYWHERE = 1 << 0,		/* on all devices, not only where LVM has met it */
	VG_OF_OTHERS  = 1 << 1,		/* though it is for other hosts, or needs lvmlockd */
	VG_UNLISTED   = 1 << 2,		/* on devices that are not in LVM's devices file */
	VG_ALONE      = 1 << 3,		/* without its volumes */
	VG_NAMES      = 1 << 4,		/* of them what vg_load_names() tells, at the least */
};
int vg_look(const char *name, unsigned how, struct vg *ret, struct bp_error *err);

/* The same from a report that is there; it is the vg's from now on. */
int vg_read(char *text, struct vg *ret, struct bp_error *err);

uint64_t vg_number(const char *s);		/* 0 for what is none */
uint64_t vg_part_of(const char *size, const char *percent, uint64_t unit);

#define THIN_UNIT (64u << 10)		/* blocks of thin pools are one or more of these */
#define THIN_METADATA_UNIT 4096u

/* A volume for users that is there, or BP_NO_VOL. */
const struct vg_lv *logical_existing(const struct vg *vg, const char *vol, struct bp_error *err);

/* A volume that is one for users too, finished or not. */
const struct vg_lv *vg_find(const struct vg *vg, const char *lv);
const struct vg_lv *vg_find_hidden(const struct vg *vg, const char *lv);

bool lv_is_public(const struct vg_lv *lv);	/* not a part of another, or a thin pool */
bool lv_is_active(const struct vg_lv *lv);
bool lv_is_mapped(const struct vg_lv *lv);	/* the kernel has its device, usable or not */
bool lv_is_suspended(const struct vg_lv *lv);
bool lv_is_unclear(const struct vg_lv *lv);	/* what the kernel has is not what LVM expects */
bool lv_is_open(const struct vg_lv *lv);
bool lv_is_skipped(const struct vg_lv *lv);	/* not activated with the others */
bool lv_is_thin(const struct vg_lv *lv);
bool lv_is_thin_pool(const struct vg_lv *lv);
bool lv_is_snapshot(const struct vg_lv *lv);	/* with space of its own for changes */
uint64_t lv_capacity(const struct vg *vg, const struct vg_lv *lv);
uint64_t lv_allocation(const struct vg_lv *lv);
uint64_t lv_chunk(const struct vg *vg, const struct vg_lv *lv);	/* 0: it has none */

/* The name, as a part of its own, of a snapshot that belongs to a volume, whether that is
 * there or not; NULL: it is none.  And is it one of this volume? */
#define LV_SNAPSHOT	".snap."		/* between the names of both */
#define LV_SNAPSHOT_TAG "barepool.snapshot:"	/* and when it was made */
#define LV_REVERT	".revert"		/* after the name of what it shall replace */
#define LV_REVERT_TAG	"barepool.revert:"	/* and who does that */
const char *lv_snapshot_name(const struct vg_lv *lv);
bool lv_is_snapshot_of(const struct vg_lv *lv, const char *vol);

/* The tag that begins so, whole; NULL: there is none.  The caller frees. */
char *lv_tag(const struct vg_lv *lv, const char *begins);

/* A thin pool in the making, or a part of it, and the number of its maker's lock. */
#define LV_UNBUILT ".barepool."	/* between the name it shall have and that number */
#define LV_UNBUILT_DATA ".data"
#define LV_UNBUILT_METADATA ".meta"
bool lv_is_unbuilt(const struct vg_lv *lv, uint64_t *ret_number);

/* Once all are known: which of them are hidden behind others. */
void vg_settle(struct vg *vg);

/* "linear", "raid1", "thin" ...; in one word. */
const char *lv_kind(const struct vg *vg, const struct vg_lv *lv);

/* The origin of a snapshot, if it is a volume for users; or NULL. */
const struct vg_lv *lv_origin(const struct vg *vg, const struct vg_lv *lv);

/* Where on which devices it is.  The caller frees both. */
void lv_extents(const struct vg *vg, const struct vg_lv *lv, struct bp_vol_extent **ret,
		size_t *ret_n);
void lv_extents_free(struct bp_vol_extent *extents, size_t n);

/* May it be used: nothing missing, nothing twice, not exported? */
int vg_check(const struct vg *vg, struct bp_error *err);

/* Is it a name that LVM takes, and for a name? */
int vg_check_name(const char *name, struct bp_error *err);

/* What is written of it is damaged on one of its devices, of several: it can be used. */
int vg_check_metadata(const struct vg *vg, struct bp_error *err);

/* One that may: all devices are looked at, though that may take a while. */
int vg_load_sound(const char *name, unsigned how, struct vg *ret, struct bp_error *err);

/* Where hosts share it: do they have its locks (lvmlockd)? */
bool vg_has_locks(const struct vg *vg);

/* vg_check(), and more: may something of it be changed? */
int vg_check_to_change(const struct vg *vg, struct bp_error *err);

/* Why LVM does not show a group, when err says that it does not. */
int vg_explain(const char *name, struct bp_error *err);

/* "'/dev/sda', '/dev/sdb' and 3 more": where it is.  The caller frees. */
char *vg_devices(const struct vg *vg);

/* ---- what lives as long as a session ------------------------------------------------ */

struct logical {
	struct vg vg;
	bool loaded, volumes;		/* vg is there; with its volumes */
};

/* The group as it is; looked at once, and again after logical_forget(). */
const struct vg *logical_vg(struct bp_pool *p, struct bp_error *err);

/* The same, but the volumes need not be there: to ask for those takes its time. */
const struct vg *logical_vg_alone(struct bp_pool *p, struct bp_error *err);

/* What is known of the group from now on, until that; vg is empty afterwards. */
void logical_keep(struct bp_pool *p, struct vg *vg);
void logical_forget(struct bp_pool *p);

/* What has been changed is on the disks when these return; BP_MAY_NOT_LAST if that
 * cannot be said.  The last also forgets the group. */
int device_flush(const char *device, struct bp_error *err);
int vg_flush(const struct vg *vg, struct bp_error *err);
int logical_changed(struct bp_pool *p, struct bp_error *err);

/* The same before a change: with what the dead have left out of the way, and only if
 * nothing of the group is missing. */
const struct vg *logical_vg_to_change(struct bp_pool *p, struct bp_error *err);

/* ---- which devices belong to which group (logical_build.c) ---------------------------- */

#define GROUP_UNKNOWN "[unknown]"	/* LVM cannot find it */

struct devices {
	char *text;			/* the report */
	struct lvm_device {
		const char *path, *vg;	/* "": of no group yet */
		bool owned;		/* the group names a host as its own */
	} *rows;
	size_t n;
};

int devices_load(struct devices *ret, struct bp_error *err);
void devices_done(struct devices *d);
dev_t device_number(const char *path);		/* 0: it is no block device */

/* ---- slots that have files of their own ---------------------------------------------- */

int logical_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err);
int logical_pool_start(struct bp_pool *p, struct bp_error *err);
int logical_pool_stop(struct bp_pool *p, struct bp_error *err);
int logical_pool_refresh(struct bp_pool *p, struct bp_error *err);
void logical_pool_mend(struct bp_pool *p);
int logical_pool_erase(struct bp_pool *p, struct bp_error *err);
int logical_sources_find(const struct bp_pool_source *hint, unsigned limit,
			 const struct bp_secrets *secrets, struct bp_pool_source **ret,
			 size_t *ret_n, struct bp_error *err);

int logical_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err);
int logical_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
		      struct bp_error *err);
void logical_vols_close(struct bp_pool *p, void *cursor);
int logical_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		     struct bp_error *err);
int logical_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err);

int logical_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		       const struct bp_filler *filler, struct bp_error *err);
int logical_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		       struct bp_error *err);
int logical_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err);
int logical_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		     struct bp_io **ret, struct bp_error *err);
int logical_vol_room(struct bp_pool *p, const char *vol, uint64_t bytes, struct bp_error *err);

/* ---- the space of snapshots (logical_room.c) -------------------------------------- */

int vg_room(const struct vg *vg, const char *vol, uint64_t bytes, struct bp_error *err);

/* Of one in which everything may change. */
uint64_t snapshot_size(uint64_t capacity);

/* ---- how volumes are activated (logical_start.c) ----------------------------------- */

/* The option for lvchange: for this host, or alone among hosts, or with them. */
const char *logical_activation(const struct bp_pool *p, const struct vg *vg,
			       const struct vg_lv *lv);

/* A volume that was made is active here alone; if the pool shares its volumes, let
 * others have it, too. */
int logical_share(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv,
		  struct bp_error *err);

/* The locks of a group that hosts share: in lvmlockd, which may take some time. */
int logical_begin_locks(const struct vg *vg, struct bp_error *err);
int logical_end_locks(const char *group, struct bp_error *err);

int logical_pool_thin(struct bp_pool *p, struct bp_thin_state *ret, struct bp_error *err);
int logical_vol_clone(struct bp_pool *p, const struct bp_vol_spec *spec, const char *from,
		      struct bp_error *err);

int logical_vol_may_wipe(struct bp_pool *p, const char *vol, struct bp_error *err);

/* ---- thin pools (logical_thin.c) ------------------------------------------------------ */

/* The one the definition names, or that a volume is in; NULL: it is not there. */
const struct vg_lv *thin_pool(const struct bp_pool *p, const struct vg *vg);
const struct vg_lv *thin_pool_of(const struct vg *vg, const struct vg_lv *lv);
struct bp_thin_state thin_state(const struct vg *vg, const struct vg_lv *pool);

/* May its volumes have so many bytes more?  And is there space for so many? */
int thin_check(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *pool,
	       uint64_t more, struct bp_error *err);
int thin_check_space(const struct vg *vg, const struct vg_lv *pool, uint64_t bytes,
		     struct bp_error *err);

/* Make of LVM's words on a thin pool that cannot be activated what users understand. */
void thin_explain(const struct vg *vg, struct bp_error *err);

const char *thin_own_name(const char *thin);	/* "tp" of "group/tp" */
uint64_t thin_promised(const struct vg *vg, const struct vg_lv *pool);	/* to its volumes */
int thin_missing(const struct bp_pool *p, const struct vg *vg, struct bp_error *err);

/* ---- thin pools made and removed with the group (logical_thin_build.c) ------------------- */

/* Make the one the definition names, unless it is there; remove it, if it holds no
 * volumes: then it is nothing but what has been built. */
int thin_build(const struct bp_pool *p, struct bp_error *err);

/* What those have left who were killed making one goes; true: there was something, and the
 * group has to be looked at again. */
bool thin_sweep(const struct vg *vg);
bool thin_is_built(const struct bp_pool *p, const struct vg *vg, const struct vg_lv *lv);
int thin_erase(const struct bp_pool *p, const struct vg *vg, struct bp_error *err);

/* ---- snapshots that belong to volumes (logical_snapshot.c) ------------------------------- */

int logical_snap_create(struct bp_pool *p, const char *vol, const char *snap,
			struct bp_error *err);
int logical_snap_list(struct bp_pool *p, const char *vol, struct bp_snapshot **ret, size_t *ret_n,
		      struct bp_error *err);
int logical_snap_revert(struct bp_pool *p, const char *vol, const char *snap,
			struct bp_error *err);
int logical_snap_delete(struct bp_pool *p, const char *vol, const char *snap,
			struct bp_error *err);

char *snapshots_of(const struct vg *vg, const char *vol);	/* "'a', 'b'"; NULL: it has none */
int snapshots_remove(const struct vg *vg, const char *vol, struct bp_error *err);
void reverts_sweep(struct bp_pool *p);

/* ---- for whoever makes volumes (logical_change.c) --------------------------------------- */

int logical_check_name(const struct vg *vg, const char *name, struct bp_error *err);
int logical_check_length(const struct vg *vg, const char *name, struct bp_error *err);
int logical_not_made(const char *name, struct bp_error *err);	/* what lvcreate's failure means */

/* What has just been made is noted as ours, and gets its rights.  What is known of the
 * group stays what it was before. */
int logical_finish(struct bp_pool *p, const struct bp_vol_spec *spec, struct bp_error *err);

/* ---- volumes in the making, and on their way out (logical_making.c) -------------------- */

bool lv_is_unfinished(const struct vg_lv *lv);

/* "lvchange OPTION VALUE" on one volume; value may be NULL.  Or lvremove. */
int lv_change(const struct vg *vg, const char *lv, const char *option, const char *value,
	      struct bp_error *err);
int logical_remove(const struct vg *vg, const char *lv, struct bp_error *err);

/* Is whoever has made this tag, of which the part that begins so is given, at work? */
bool maker_lives(const struct vg *vg, const struct vg_lv *lv, const char *begins);
bool maker_has(uint64_t number);	/* somebody here, by the number alone */

/* The tag of one of them, and the lock that says that whoever put it there lives. */
struct making {
	char *tag;
	uint64_t number;
	int lock_fd;
};
#define MAKING_INIT { .lock_fd = -1 }
#define MAKING_TAG "barepool.making:"

int making_begin(struct making *ret, struct bp_error *err);
void making_end(struct making *m);

/* A plain volume is about to be made, and needs no tag; and it is active, or not made. */
int making_note(const struct making *m, const struct vg *vg, const char *lv, struct bp_error *err);
void making_noted(const struct vg *vg, const char *lv);

/* Mark those of the group whose makers live: they are unfinished, too.  before: what was
 * told, for the caller to free, when the group was not looked at yet; a maker may have come
 * or gone meanwhile. */
char *making_now(void);
void making_look(struct vg *vg, const char *before);

/* The tag on a volume that is there, and off. */
int making_hide(const struct making *m, const struct vg *vg, const char *lv, struct bp_error *err);
int making_show(const struct making *m, const struct vg *vg, const char *lv, struct bp_error *err);

/* Mend what those have left who were killed: remove what they have not finished, and
 * let go on what they had stopped for a change.  Before a change, or before bytes are
 * read; the group is looked at again afterwards. */
void making_sweep(struct bp_pool *p);

/* Remove one in whatever state it is. */
bool making_remove(const struct vg *vg, const struct vg_lv *lv);

int making_fill(const char *path, bool thin, const struct bp_filler *filler,
		struct bp_error *err);

/* ---- what LVM's refusals mean (logical_say.c): err is told better, if it is that ------- */

void say_who_has(const char *path, struct bp_error *err);
void say_what_is_free(const struct vg *vg, struct bp_error *err);

/* A device that LVM has marked as one of a group's, and that is in none: a group that
 * was about to be made (logical_label.c).  false: that cannot be told for sure. */
bool label_is_blank(int fd);

/* Adds a line without its end that differs after each change to the group.  fd: opened
 * with O_DIRECT.  seqno: it has to be so often changed, if that is not NULL.  false: it
 * is not LVM's, is about to be changed, or cannot be read. */
bool label_tell(int fd, const char *seqno, struct text *to);

/* The text LVM keeps of the group on this device, its checksum right; NULL: it is not to be
 * had.  fd as above.  The caller frees. */
char *label_text(int fd);

/* What LVM would report of a group it has reported before, made from that text, which it
 * takes apart; NULL: there may be more to it than is known here (logical_plain.c). */
char *plain_report(const struct vg *before, char *text);

/* ---- a report is kept as long as nothing of it can have changed (logical_seen.c) -------- */

/* What LVM may take for the devices of a group, and how it is set up. */
char *seen_around(void);

/* A directory below /run for what is noted of groups; it is made if it is not there. */
int notes_open(const char *path, struct bp_error *err);

/* Keep a report that LVM has made between that and now, unless it is one of those that
 * depend on more. */
void seen_keep(const struct vg *vg, const char *report, const char *around);

/* The group from a report that was kept, looked at in one of the ways above; false: LVM
 * has to be asked. */
bool seen_look(const char *name, unsigned how, struct vg *ret);

/* ---- what the kernel knows of volumes (logical_kernel.c) ------------------------------- */

struct kernel_lv {
	bool active, open, read_only;
	uint64_t dev;
};

/* Of each of them, by their numbers.  ret_odd: of some that is not all, as LVM would have
 * it: suspended ones, say.  The caller frees. */
struct kernel_lv *kernel_lvs(const struct vg *vg, bool *ret_odd);

/* ---- which volumes we have activated (logical_started.c) ------------------------------- */

/* Kept in /run, as activation is; by UUIDs of the group and its volumes. */
struct started {
	char *path, *text;
};

int started_load(const struct vg *vg, struct started *ret, struct bp_error *err);
bool started_has(const struct started *s, const struct vg_lv *lv);
bool started_has_locks(const struct started *s);	/* of the group, in lvmlockd */
void started_done(struct started *s);

/* Note what is about to be activated: all of these; or one more. */
int started_save(const struct vg *vg, bool locks, const struct vg_lv *const *lvs, size_t n,
		 struct bp_error *err);
int started_add(const struct vg *vg, const char *lv_uuid, struct bp_error *err);

/* The UUID of a volume of the group by its device, without LVM; NULL: not known there. */
char *started_uuid(const struct vg *vg, const char *path);

/* What the kernel calls a volume of this UUID; "": how all of the group begin. */
char *lv_in_kernel(const struct vg *vg, const char *lv_uuid);

/* What the names of all of a group begin with there: GROUP-, where a '-' of it is two. */
char *mapped_prefix(const char *group);

/* ---- what a change that was killed has left in the kernel (logical_left.c) --------------- */

bool left_suspended(const struct vg *vg, const struct vg_lv *lv);

/* Volumes that were deactivated but for what is below them are active again, so that they
 * can be.  true: some are. */
bool left_activate(const struct vg *vg, const struct started *started);
void left_nodes(const struct vg *vg);	/* that lead to no device, or to another's, go */
void left_sweep(const struct vg *vg);

#endif

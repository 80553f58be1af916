/* files.h - volumes that are files in a directory; shared by dir, fs, netfs.
 *
 * A volume is a regular file, a directory, a block device node, or a link to
 * one of these that does not lead out of the pool's directory.  Everything is
 * done below a descriptor of that directory, and no name is trusted.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_FILES_H
#define BP_BACKENDS_FILES_H

#include <sys/stat.h>

#include "core/backend.h"

/* ---- slots of struct bp_backend -------------------------------------------- */

int files_pool_open(struct bp_pool *p, struct bp_error *err);
void files_pool_close(struct bp_pool *p);
int files_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err);
int files_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err);
int files_pool_perms(struct bp_pool *p, struct bp_perms *ret, struct bp_error *err);
int files_pool_erase(struct bp_pool *p, struct bp_error *err);
void files_pool_sweep(struct bp_pool *p, bool thoroughly);

int files_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err);
int files_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret, struct bp_error *err);
void files_vols_close(struct bp_pool *p, void *cursor);

int files_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		   struct bp_error *err);
int files_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err);
int files_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		     const struct bp_filler *filler, struct bp_error *err);
int files_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		     struct bp_error *err);
int files_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err);
int files_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		   struct bp_io **ret, struct bp_error *err);

int files_snap_list(struct bp_pool *p, const char *vol, struct bp_snapshot **ret, size_t *ret_n,
		    struct bp_error *err);
int files_snap_create(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err);
int files_snap_revert(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err);
int files_snap_delete(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err);

/* The same of images that are opened in another way. */
typedef __typeof__(files_vol_open) files_opener;
int files_snap_list_by(files_opener *open, struct bp_pool *p, const char *vol,
		       struct bp_snapshot **ret, size_t *ret_n, struct bp_error *err);
int files_snap_create_by(files_opener *open, struct bp_pool *p, const char *vol, const char *snap,
			 struct bp_error *err);
int files_snap_revert_by(files_opener *open, struct bp_pool *p, const char *vol, const char *snap,
			 struct bp_error *err);
int files_snap_delete_by(files_opener *open, struct bp_pool *p, const char *vol, const char *snap,
			 struct bp_error *err);

/* All of those for volumes, in the table of a type. */
#define FILES_VOLUMES							\
	.pool_sweep  = files_pool_sweep,				\
	.vols_open   = files_vols_open,					\
	.vols_next   = files_vols_next,					\
	.vols_close  = files_vols_close,				\
	.vol_find    = files_vol_find,					\
	.vol_of_path = files_vol_of_path,				\
	.vol_create  = files_vol_create,				\
	.vol_resize  = files_vol_resize,				\
	.vol_delete  = files_vol_delete,				\
	.vol_open    = files_vol_open,					\
	.snap_list   = files_snap_list,					\
	.snap_create = files_snap_create,				\
	.snap_revert = files_snap_revert,				\
	.snap_delete = files_snap_delete,

/* ---- between the files of this family --------------------------------------- */

/* The pool's directory, open from pool_open() to pool_close(). */
int files_dir(const struct bp_pool *p);

/* Whose new volumes shall be: the pool's usual ones, until a request says more.
 * Borrowed. */
const struct bp_perms *files_asked(const struct bp_pool *p);
void files_ask(const struct bp_pool *p, const struct bp_perms *perms);

/* System calls in the pool's directory (files_as.c).  Where root is refused, as
 * on a share whose server takes root for nobody, a child process makes them as
 * whom new volumes shall belong to, as the owner of what is named, or as the
 * directory's.  -1 and errno, which is root's own if nobody may. */
int files_open(const struct bp_pool *p, const char *name, int flags);	/* O_CREAT: 0600 */
int files_stat(const struct bp_pool *p, const char *name, struct stat *ret, int flags);
int files_unlink(const struct bp_pool *p, const char *name, int flags);
int files_mkdir(const struct bp_pool *p, const char *name, int mode);
int files_link(const struct bp_pool *p, int fd, const char *name);	/* EEXIST: never over */
int files_rename(const struct bp_pool *p, const char *from, const char *name, bool is_dir);
int files_chown(int fd, uid_t uid, gid_t gid, const struct bp_perms *asked);
int files_chmod(int fd, mode_t mode, const struct bp_perms *asked);

/* Such a call: make() does it, and may do what a signal handler may. */
struct files_call {
	int (*make)(const struct files_call *c);	/* 0, or a descriptor; -1 and errno */
	bool opens;			/* it gives a descriptor */
	int dir;			/* that name is in */
	const char *name, *from;
	int fd, flags;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	const struct bp_perms *asked;
};
int files_do(const struct files_call *c);

/* "TARGET/NAME"; the caller frees. */
char *files_path(const struct bp_pool *p, const char *vol);

/* Open a member of the directory, following a link only inside it.  -1 and
 * errno; EXDEV: it leads out of the pool.  Never waits for a FIFO. */
int files_open_member(const struct bp_pool *p, const char *vol, int flags);

/* files_part.c: volumes in the making that cannot be without a name: directories,
 * and files where there are none without.  A part is locked while its descriptor is
 * open; whoever has done with it takes the name away, or gives it another, before
 * that ends.  -1 and errno.  Names of such a kind are no volumes. */
int files_part_make(const struct bp_pool *p, bool is_dir, char **ret_name);
bool files_is_part(const char *name);

/* Keep, or do not keep, copies on write (btrfs).  -1 and errno. */
int files_set_cow(int fd, bool cow);

/* Rights, owner and times of dir/name; flags as fstatat()'s.  -1: false and errno. */
bool files_get_perms(int dir, const char *name, int flags, struct bp_perms *perms,
		     struct bp_times *times);

/* Set what is set, of owner, rights and label. */
int files_set_perms(int fd, const struct bp_perms *perms, const char *path, struct bp_error *err);

/* Formats without a header: the file is the disk. */
bool files_is_bytes(const char *format);

/* Does the name of a backing store say something else than a path? */
bool files_has_protocol(const char *name);

struct bp_image_info;

struct bp_image_info;

/* What a new volume may be (files_content.c); path: what it will be, for messages. */
int files_check_name(const char *name, const char *path, struct bp_error *err);
int files_check_spec(const struct bp_vol_spec *spec, unsigned flags,
		     const struct bp_filler *filler, struct bp_error *err);
int files_volume_exists(const char *name, struct bp_error *err);

/* The first bytes of one without a filler; capacity: the backing store's, if it has one. */
int files_make_content(struct bp_io *io, const struct bp_vol_spec *spec, uint64_t capacity,
		       unsigned flags, const struct bp_filler *filler, struct bp_error *err);

/* Resize what io holds.  The caller has looked what its backing store would show. */
int files_resize_content(struct bp_io *io, const struct bp_image_info *info, uint64_t capacity,
			 unsigned flags, struct bp_error *err);

/* The volume of the pool that a backing file is, as its image names it; NULL: none, or nobody
 * can tell without waiting.  The caller frees. */
char *files_backing_volume(const struct bp_pool *p, const char *backing);

/* The file an image names; a relative name is relative to the pool.  -1 and errno. */
int files_open_backing(const struct bp_pool *p, const char *path, int flags);

/* May the overlay that spec asks for be put on its backing store?  *capacity is
 * set to the store's where spec has none. */
int files_backing_check(const struct bp_pool *p, const struct bp_vol_spec *spec,
			uint64_t *capacity, struct bp_error *err);

/* The same when it has been looked at: found in it, with a capacity of below.  Without a
 * stated format it is taken as raw, which is right for what looks raw and a trap for the
 * rest. */
int files_backing_judge(const struct bp_vol_spec *spec, const struct bp_image_info *found,
			uint64_t below, uint64_t *capacity, struct bp_error *err);
int files_hidden_judge(const struct bp_image_info *image, uint64_t below, struct bp_error *err);

/* Would nothing of the backing store that is hidden now show if the overlay had
 * this capacity? */
int files_backing_hidden(const struct bp_pool *p, const struct bp_image_info *image,
			 uint64_t capacity, struct bp_error *err);

/* One volume, as a walk or a look-up finds it. */
struct files_volume {
	struct bp_vol_info info;
	char *path;			/* behind info.path and info.key */
	size_t path_cap;
	char *format;			/* behind info.format, where it is not a constant */
	struct bp_encryption encryption;
	struct bp_backing backing, data_store;
	char problem[200];
};

void files_volume_done(struct files_volume *v);

/* What an image says, all but its backing file, which each type finds its own way;
 * encryption: the place for it. */
void files_tell_image(struct bp_vol_info *info, struct bp_encryption *encryption,
		      const struct bp_image_info *image);

int files_no_volume(const char *text, struct bp_error *err);

/* d_type as readdir() gives it (DT_UNKNOWN is fine).  1: v holds it, and its
 * strings are good until the next call; 0: no volume of that name.  One that is
 * there but cannot be asked has a problem. */
int files_describe(const struct bp_pool *p, const char *name, unsigned d_type, unsigned want,
		   struct files_volume *v);

#endif

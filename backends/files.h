/* files.h - volumes that are files in a directory; shared by dir, fs, netfs.
 *
 * A volume is a regular file, a directory, a block device node, or a link to
 * one of these that does not lead out of the pool's directory.  Everything is
 * done below a descriptor of that directory, and no name is trusted.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BACKENDS_FILES_H
#define BP_BACKENDS_FILES_H

#include "core/backend.h"

/* ---- slots of struct bp_backend -------------------------------------------- */

int files_pool_open(struct bp_pool *p, struct bp_error *err);
void files_pool_close(struct bp_pool *p);
int files_pool_build(struct bp_pool *p, unsigned flags, struct bp_error *err);
int files_pool_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err);
int files_pool_perms(struct bp_pool *p, struct bp_perms *ret, struct bp_error *err);
int files_pool_erase(struct bp_pool *p, struct bp_error *err);

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

/* ---- between the files of this family --------------------------------------- */

/* The pool's directory, open from pool_open() to pool_close(). */
int files_dir(const struct bp_pool *p);

/* "TARGET/NAME"; the caller frees. */
char *files_path(const struct bp_pool *p, const char *vol);

/* Open a member of the directory, following a link only inside it.  -1 and
 * errno; EXDEV: it leads out of the pool.  Never waits for a FIFO. */
int files_open_member(const struct bp_pool *p, const char *vol, int flags);

/* Names of ours, for volumes in the making where files cannot be without one. */
#define FILES_PART_PREFIX ".barepool-"
#define FILES_PART_SUFFIX ".part"
bool files_is_part(const char *name);

/* Keep, or do not keep, copies on write (btrfs).  -1 and errno. */
int files_set_cow(int fd, bool cow);

/* Set what is set, of owner, rights and label. */
int files_set_perms(int fd, const struct bp_perms *perms, const char *path, struct bp_error *err);

/* Formats without a header: the file is the disk. */
bool files_is_bytes(const char *format);

/* Does the name of a backing store say something else than a path? */
bool files_has_protocol(const char *name);

struct bp_image_info;

/* May the overlay that spec asks for be put on its backing store?  *capacity is
 * set to the store's where spec has none. */
int files_backing_check(const struct bp_pool *p, const struct bp_vol_spec *spec,
			uint64_t *capacity, struct bp_error *err);

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
	struct bp_backing backing;
	char problem[200];
};

void files_volume_done(struct files_volume *v);

/* d_type as readdir() gives it (DT_UNKNOWN is fine).  1: v holds it, and its
 * strings are good until the next call; 0: no volume of that name. */
int files_describe(const struct bp_pool *p, const char *name, unsigned d_type, unsigned want,
		   struct files_volume *v);

#endif

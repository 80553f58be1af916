/* files_make.c - make a volume. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

/* A volume in the making: a file that has no name until it is complete, so
 * that nobody lists half a volume and a crash leaves nothing to clean up.
 * Where there are no such files (NFS, some FUSE file systems), and for directories,
 * it has a name that is never listed: a part. */
struct making {
	const struct bp_pool *pool;
	const char *name;
	char *path;		/* for messages: what it will be */
	bool is_dir;
	struct bp_io *io;	/* which holds the lock of the part */
	char *part;		/* its name until then, or NULL */
};

static void making_done(struct making *m)
{
	if (m->part)
		(void)files_unlink(m->pool, m->part, m->is_dir ? AT_REMOVEDIR : 0);
	free(m->part);
	free(m->path);
	io_close(m->io);
}

/* ---- the file --------------------------------------------------------------------- */

static int cannot_create(const struct making *m, struct bp_error *err)
{
	return fail_access(err, errno, m->path, ACCESS_NAME, m->is_dir ?
			   "cannot create directory '%s'" : "Failed to create file '%s'", m->path);
}

static int make_file(struct making *m, struct bp_error *err)
{
	int fd = files_open(m->pool, ".", O_TMPFILE | O_RDWR);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		fd = files_part_make(m->pool, false, &m->part);
	if (fd < 0)
		return cannot_create(m, err);
	m->io = io_of_fd(fd, m->path);
	return 0;
}

/* This is the moment from which the volume is there. */
static int publish(struct making *m, struct bp_error *err)
{
	int r = m->part ? files_rename(m->pool, m->part, m->name, m->is_dir) :
		files_link(m->pool, m->io->fd, m->name);

	if (r < 0 && errno == EEXIST)
		return files_volume_exists(m->name, err);
	if (r < 0)
		return cannot_create(m, err);
	free(steal(m->part));	/* the name is anybody's now */
	return dir_sync(files_dir(m->pool), m->pool->def->target_path, err);
}

/* ---- its content -------------------------------------------------------------------- */

static int make_image(struct making *m, const struct bp_vol_spec *spec, unsigned flags,
		      const struct bp_filler *filler, struct bp_error *err)
{
	uint64_t capacity = spec->capacity;

	if (spec->backing && files_backing_check(m->pool, spec, &capacity, err) < 0)
		return -1;
	return files_make_content(m->io, spec, capacity, flags, filler, err);
}

static int make_content(struct making *m, const struct bp_vol_spec *spec, unsigned flags,
			const struct bp_filler *filler, struct bp_error *err)
{
	struct bp_perms perms = spec->perms;

	if (spec->nocow && files_set_cow(m->io->fd, false) < 0)
		return bp_fail_sys(err, errno, errno == ENOSYS ?
				   "unable to control COW flag on '%s', not btrfs" :
				   "cannot set the COW flag on '%s'", m->path);
	if (!perms.has_mode) {
		perms.has_mode = true;
		perms.mode = 0600;
	}
	if (files_set_perms(m->io->fd, &perms, m->path, err) < 0)
		return -1;	/* before there is anything that others could not have */
	if ((filler && filler->fill ? filler->fill(filler->arg, m->io, err) :
	     make_image(m, spec, flags, filler, err)) < 0)
		return -1;
	return io_sync(m->io, err);
}

/* ---- a directory ----------------------------------------------------------------------- */

static int make_directory(struct making *m, const struct bp_vol_spec *spec, struct bp_error *err)
{
	struct bp_perms perms = spec->perms;
	int fd;

	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED,
			       "backing storage not supported for directories volumes");
	if (!perms.has_mode) {	/* not a file's 0600: nobody could enter */
		perms.has_mode = true;
		perms.mode = 0700;
	}
	fd = files_part_make(m->pool, true, &m->part);
	if (fd < 0)
		return cannot_create(m, err);
	m->io = io_of_fd(fd, m->path);
	if (files_set_perms(fd, &perms, m->path, err) < 0)
		return -1;
	return retry(fsync(fd)) == 0 || errno == EINVAL ? 0 :
	       bp_fail_sys(err, errno, "cannot create directory '%s'", m->path);
}

/* ---- the slots ----------------------------------------------------------------------------- */

/* Found out before the work; publish() decides. */
static int check_free(const struct bp_pool *p, const char *name, struct bp_error *err)
{
	cleanup(files_volume_done) struct files_volume v = { 0 };
	auto_free char *path = NULL;
	struct stat st;

	if (files_stat(p, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (files_describe(p, name, DT_UNKNOWN, BP_VOL_NAME, &v))
		return files_volume_exists(name, err);
	path = files_path(p, name);
	return bp_fail(err, BP_WRONG_STATE, "volume target path '%s' already exists", path);
}

int files_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		     const struct bp_filler *filler, struct bp_error *err)
{
	cleanup(making_done) struct making m = { .pool = p, .name = spec->name };

	files_ask(p, &spec->perms);
	m.path = files_path(p, spec->name);
	if (files_check_name(spec->name, m.path, err) < 0 || check_free(p, spec->name, err) < 0)
		return -1;
	m.is_dir = strcmp(spec->format, "dir") == 0;
	if (m.is_dir ? make_directory(&m, spec, err) < 0 :
	    files_check_spec(spec, flags, filler, err) < 0 ||
	    make_file(&m, err) < 0 || make_content(&m, spec, flags, filler, err) < 0)
		return -1;
	return publish(&m, err);
}

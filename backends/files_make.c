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
#include "core/base/text.h"
#include "core/image/image.h"

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

/* ---- may it be made ------------------------------------------------------------- */

static bool is_qcow2(const char *format)
{
	return strcmp(format, "qcow2") == 0;
}

static int check_name(const struct bp_pool *p, const char *name, struct bp_error *err)
{
	auto_free char *path = files_path(p, name);

	if (strchr(name, '/'))
		return bp_fail(err, BP_WRONG_STATE, "volume name '%s' cannot contain '/'", name);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return bp_fail(err, BP_WRONG_STATE, "volume target path '%s' already exists", path);
	if (files_is_part(name))
		return bp_fail(err, BP_INVALID, "names such as '%s' are kept for volumes in the "
			       "making", name);
	if (strlen(name) > NAME_MAX)
		return bp_fail_sys(err, ENAMETOOLONG, "Failed to create file '%s'", path);
	return 0;
}

static int check_bytes_spec(const struct bp_vol_spec *spec, unsigned flags, struct bp_error *err)
{
	if (flags & BP_VOL_PREALLOC)
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation is not supported for raw volumes");
	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED,
			       "backing storage not supported for raw volumes");
	return 0;
}

static int check_image_spec(const struct bp_vol_spec *spec, unsigned flags, struct bp_error *err)
{
	const struct bp_image_format *f = bp_image_format_find(spec->format);

	if ((flags & BP_VOL_PREALLOC) && !is_qcow2(spec->format))
		return bp_fail(err, BP_CONFIG, "metadata preallocation only available with qcow2");
	if (spec->has_features && spec->features && !is_qcow2(spec->format))
		return bp_fail(err, BP_CONFIG, "format features only available with qcow2");
	if (spec->compat && !is_qcow2(spec->format))
		return bp_fail(err, BP_CONFIG, "compatibility option only available with qcow2");
	if ((flags & BP_VOL_PREALLOC) && spec->backing)
		return bp_fail(err, BP_CONFIG,
			       "metadata preallocation conflicts with backing store");
	if (!f || !f->create)
		return bp_fail(err, BP_UNSUPPORTED, "volumes of format '%s' can be used, but not "
			       "created; raw, qcow2 and dir can", spec->format);
	return 0;
}

static int check_spec(const struct bp_vol_spec *spec, unsigned flags, bool filled,
		      struct bp_error *err)
{
	if (filled)		/* whoever fills it has seen to it */
		return 0;
	if (spec->encryption)
		return bp_fail(err, BP_CONFIG, "encrypted volumes cannot be created here; encrypt "
			       "inside the guest, or upload an encrypted image");
	return files_is_bytes(spec->format) ? check_bytes_spec(spec, flags, err) :
					check_image_spec(spec, flags, err);
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

static int volume_exists(const char *name, struct bp_error *err)
{
	return bp_fail(err, BP_VOL_EXISTS, "storage volume '%s' exists already", name);
}

/* This is the moment from which the volume is there. */
static int publish(struct making *m, struct bp_error *err)
{
	int r = m->part ? files_rename(m->pool, m->part, m->name, m->is_dir) :
		files_link(m->pool, m->io->fd, m->name);

	if (r < 0 && errno == EEXIST)
		return volume_exists(m->name, err);
	if (r < 0)
		return cannot_create(m, err);
	free(steal(m->part));	/* the name is anybody's now */
	return dir_sync(files_dir(m->pool), m->pool->def->target_path, err);
}

/* ---- its content -------------------------------------------------------------------- */

/* More space than there is to fill makes the volume larger, as it does in libvirt. */
static int make_bytes(struct making *m, const struct bp_vol_spec *spec, struct bp_error *err)
{
	uint64_t size = spec->capacity > spec->allocation ? spec->capacity : spec->allocation;

	if (retry(ftruncate(m->io->fd, (off_t)size)) < 0)
		return bp_fail_sys(err, errno, "cannot extend file '%s'", m->path);
	return io_reserve_empty(m->io, 0, spec->allocation, err);
}

static int make_image(struct making *m, const struct bp_vol_spec *spec, unsigned flags,
		      struct bp_error *err)
{
	struct bp_image_spec image = {
		.capacity = spec->capacity, .compat = spec->compat,
		.cluster_size = spec->cluster_size, .features = spec->features,
		.preallocate = flags & BP_VOL_PREALLOC,
	};
	uint64_t size;

	if (spec->backing) {
		image.backing = spec->backing->path;
		image.backing_format = spec->backing->format ? spec->backing->format : "raw";
		if (files_backing_check(m->pool, spec, &image.capacity, err) < 0)
			return -1;
	}
	if (bp_image_format_find(spec->format)->create(m->io, &image, err) < 0)
		return -1;
	if (!(flags & BP_VOL_PREALLOC) || spec->allocation < spec->capacity)
		return 0;
	/* with all of its space asked for, the data's place is taken too */
	return io_size(m->io, &size, err) < 0 ? -1 : io_reserve(m->io, 0, size, err);
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
	     files_is_bytes(spec->format) ? make_bytes(m, spec, err) :
	     make_image(m, spec, flags, err)) < 0)
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
		return volume_exists(name, err);
	path = files_path(p, name);
	return bp_fail(err, BP_WRONG_STATE, "volume target path '%s' already exists", path);
}

int files_vol_create(struct bp_pool *p, const struct bp_vol_spec *spec, unsigned flags,
		     const struct bp_filler *filler, struct bp_error *err)
{
	cleanup(making_done) struct making m = { .pool = p, .name = spec->name };

	files_ask(p, &spec->perms);
	if (check_name(p, spec->name, err) < 0 || check_free(p, spec->name, err) < 0)
		return -1;
	m.path = files_path(p, spec->name);
	m.is_dir = strcmp(spec->format, "dir") == 0;
	if (m.is_dir ? make_directory(&m, spec, err) < 0 :
	    check_spec(spec, flags, filler && filler->fill, err) < 0 ||
	    make_file(&m, err) < 0 || make_content(&m, spec, flags, filler, err) < 0)
		return -1;
	return publish(&m, err);
}

/* files_make.c - make a volume. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/image.h"

/* A volume in the making: a file that has no name until it is complete, so
 * that nobody lists half a volume and a crash leaves nothing to clean up.
 * Where there are no such files (NFS, some FUSE file systems) it has a name that
 * is never listed, and a lock that tells the living from the dead. */
struct making {
	const struct bp_pool *pool;
	const char *name;
	char *path;		/* for messages: what it will be */
	struct bp_io *io;
	char *part;		/* its name until then, or NULL */
};

static void making_done(struct making *m)
{
	if (m->part)
		(void)files_unlink(m->pool, m->part, 0);
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
		return bp_fail(err, BP_INVALID, "volume names that begin with '%s' and end with "
			       "'%s' are kept for volumes in the making",
			       FILES_PART_PREFIX, FILES_PART_SUFFIX);
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

/* Parts whose maker has died: their lock is free. */
static void sweep_parts(const struct bp_pool *p)
{
	auto_close int fd = files_open(p, ".", O_RDONLY | O_DIRECTORY);
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return;
	(void)steal_fd(fd);
	while ((e = readdir(d))) {
		auto_close int part = -1;

		if (!files_is_part(e->d_name))
			continue;
		part = files_open(p, e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (part >= 0 && flock(part, LOCK_EX | LOCK_NB) == 0)
			(void)files_unlink(p, e->d_name, 0);
	}
}

static int open_part(struct making *m)
{
	uint64_t random;
	int fd;

	sweep_parts(m->pool);
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return -1;
	m->part = mem_printf("%s%016" PRIx64 "%s", FILES_PART_PREFIX, random, FILES_PART_SUFFIX);
	fd = files_open(m->pool, m->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno == EOPNOTSUPP || errno == ENOLCK)
		return fd;
	closep(&fd);
	return -1;
}

static int cannot_create(const char *path, struct bp_error *err)
{
	return fail_access(err, errno, path, ACCESS_NAME, "Failed to create file '%s'", path);
}

static int make_file(struct making *m, struct bp_error *err)
{
	int fd = files_open(m->pool, ".", O_TMPFILE | O_RDWR);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		fd = open_part(m);
	if (fd < 0)
		return cannot_create(m->path, err);
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
	int dir = files_dir(m->pool);
	int r = m->part ? files_rename(m->pool, m->part, m->name) :
		files_link(m->pool, m->io->fd, m->name);

	if (r < 0 && errno == EEXIST)
		return volume_exists(m->name, err);
	if (r < 0)
		return cannot_create(m->path, err);
	if (fsync(dir) == 0)
		return 0;
	bp_fail_sys(err, errno, "cannot sync directory '%s'", m->pool->def->target_path);
	(void)files_unlink(m->pool, m->name, 0);
	return -1;
}

/* ---- its content -------------------------------------------------------------------- */

/* More space than there is to fill makes the volume larger, as it does in libvirt. */
static int make_bytes(struct making *m, const struct bp_vol_spec *spec, struct bp_error *err)
{
	uint64_t size = spec->capacity > spec->allocation ? spec->capacity : spec->allocation;

	if (ftruncate(m->io->fd, (off_t)size) < 0)
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

static int make_directory(const struct bp_pool *p, const struct bp_vol_spec *spec,
			  struct bp_error *err)
{
	auto_free char *path = files_path(p, spec->name);
	struct bp_perms perms = spec->perms;
	auto_close int fd = -1;

	if (spec->backing)
		return bp_fail(err, BP_UNSUPPORTED,
			       "backing storage not supported for directories volumes");
	if (!perms.has_mode) {	/* not a file's 0600: nobody could enter */
		perms.has_mode = true;
		perms.mode = 0700;
	}
	if (files_mkdir(p, spec->name, (int)perms.mode & 0777) < 0)
		return errno == EEXIST ? volume_exists(spec->name, err) :
		       fail_access(err, errno, path, ACCESS_NAME, "cannot create directory '%s'",
				   path);
	fd = files_open(p, spec->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd >= 0 && files_set_perms(fd, &perms, path, err) == 0 && fsync(files_dir(p)) == 0)
		return 0;
	if (!err->code)
		bp_fail_sys(err, errno, "cannot create directory '%s'", path);
	(void)files_unlink(p, spec->name, AT_REMOVEDIR);
	return -1;
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
	if (strcmp(spec->format, "dir") == 0)
		return make_directory(p, spec, err);
	if (check_spec(spec, flags, filler && filler->fill, err) < 0)
		return -1;
	m.path = files_path(p, spec->name);
	if (make_file(&m, err) < 0 || make_content(&m, spec, flags, filler, err) < 0)
		return -1;
	return publish(&m, err);
}

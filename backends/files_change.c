/* files_change.c - resize a volume, and delete it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/image/image.h"

/* Space first: if there is too little, the volume keeps its size; also if what it
 * has got does not reach the disk. */
static int resize_bytes(struct bp_io *io, uint64_t capacity, uint64_t header, unsigned flags,
			struct bp_error *err)
{
	struct bp_error ignored = { 0 };
	uint64_t old, size = capacity + header;

	if (io_size(io, &old, err) < 0)
		return -1;
	if ((!(flags & BP_VOL_ALLOCATE) || size <= old ||
	     io_reserve_empty(io, old, size - old, err) == 0) &&
	    io_resize(io, size, err) == 0 && io_sync(io, err) == 0)
		return 0;
	if (size > old)
		(void)io_resize(io, old, &ignored);
	return -1;
}

static int cannot_resize(const char *format, struct bp_error *err)
{
	return bp_fail(err, BP_UNSUPPORTED, "images of format '%s' cannot be resized; one of "
		       "format qcow2 that is made of it can (image convert)", format);
}

static int resize_image(struct bp_io *io, const struct bp_image_info *info, uint64_t capacity,
			unsigned flags, struct bp_error *err)
{
	const struct bp_image_format *f = bp_image_format_find(info->format);

	if (flags & BP_VOL_ALLOCATE)
		return bp_fail(err, BP_OP_UNSUPPORTED,
			       "preallocate is only supported for raw type volume");
	if (!f || !f->resize)
		return cannot_resize(info->format, err);
	return f->resize(io, capacity, err);
}

/* libvirt takes images of some formats for raw.  Whoever cuts such a file breaks the image,
 * and its guest would not see that it is longer. */
static int check_bytes(struct bp_io *io, const struct bp_image_info *info, struct bp_error *err)
{
	const char *format = info->encryption ? NULL : bp_image_unlisted(io, true);

	return format ? cannot_resize(format, err) : 0;
}

int files_resize_content(struct bp_io *io, const struct bp_image_info *info, uint64_t capacity,
			 unsigned flags, struct bp_error *err)
{
	if (files_is_bytes(info->format))	/* LUKS keeps its header before the data */
		return check_bytes(io, info, err) < 0 ? -1 :
		       resize_bytes(io, capacity, info->payload, flags, err);
	return resize_image(io, info, capacity, flags, err);
}

int files_vol_resize(struct bp_pool *p, const char *vol, uint64_t capacity, unsigned flags,
		     struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	cleanup(io_closep) struct bp_io *io = NULL;

	if (files_vol_open(p, vol, BP_VOL_WRITE, &io, err) < 0 ||
	    bp_image_probe(io, &info, err) < 0 ||
	    (info.backing && files_backing_hidden(p, &info, capacity, err) < 0))
		return -1;
	return files_resize_content(io, &info, capacity, flags, err);
}

/* A ploop volume is a directory with files in it, and nothing below that. */
static int empty_directory(int dir, const char *name)
{
	auto_close int fd = retry(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					 O_CLOEXEC));
	cleanup(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return -1;
	(void)steal_fd(fd);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    unlinkat(dirfd(d), e->d_name, 0) < 0)
			return -1;
	return 0;
}

int files_vol_delete(struct bp_pool *p, const char *vol, unsigned flags, struct bp_error *err)
{
	cleanup(files_volume_done) struct files_volume v = { 0 };
	auto_free char *path = files_path(p, vol);
	int dir = files_dir(p);
	struct stat st;
	bool is_dir;

	if (flags & BP_VOL_SNAPSHOTS)
		return bp_fail(err, BP_UNSUPPORTED,
			       "this type of pool keeps no snapshots of volumes");
	if (!files_describe(p, vol, DT_UNKNOWN, BP_VOL_NAME, &v))
		return files_no_volume(vol, err);
	if (files_stat(p, vol, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? files_no_volume(vol, err) :
		       fail_access(err, errno, path, ACCESS_NAME, "cannot stat '%s'", path);
	is_dir = S_ISDIR(st.st_mode);	/* a link to one is a link, and goes as such */
	if (is_dir && v.info.type == BP_VOL_PLOOP && empty_directory(dir, vol) < 0)
		return bp_fail_sys(err, errno, "cannot empty directory '%s'", path);
	if (files_unlink(p, vol, is_dir ? AT_REMOVEDIR : 0) < 0)
		return fail_access(err, errno, path, ACCESS_NAME, "cannot %s '%s'",
				   is_dir ? "remove directory" : "unlink file", path);
	return dir_sync(dir, p->def->target_path, err);
}

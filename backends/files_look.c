/* files_look.c - one of the volumes in the directory: what it is, and its bytes. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/image.h"

static bool can_be_volume(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strchr(name, '/') && !files_is_part(name);
}

/* Before Linux 5.6, or where openat2() is forbidden: one step, to a name beside the link. */
static int open_beside(int dir, const char *vol, int flags)
{
	int fd = retry(openat(dir, vol, flags | O_NOFOLLOW));
	char to[NAME_MAX + 2];
	ssize_t n = fd < 0 && errno == ELOOP ? readlinkat(dir, vol, to, sizeof to - 1) : -1;

	if (n < 0)
		return fd;
	to[n] = '\0';
	if (can_be_volume(to))
		return retry(openat(dir, to, flags | O_NOFOLLOW));
	errno = EXDEV;
	return -1;
}

/* O_NONBLOCK: should a FIFO have taken the place of a file, nobody waits for it. */
static int open_member(const struct files_call *c)
{
	int patient = c->flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK;
	struct open_how how = {
		.flags = (unsigned)(c->flags | O_CLOEXEC | patient),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)retry(syscall(SYS_openat2, c->dir, c->name, &how, sizeof how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_beside(c->dir, c->name, (int)how.flags);
	return fd;
}

int files_open_member(const struct bp_pool *p, const char *vol, int flags)
{
	return files_do(&(struct files_call){
		open_member, .opens = true, .dir = files_dir(p), .name = vol, .flags = flags,
		.asked = files_asked(p),
	});
}

/* ---- one volume ------------------------------------------------------------------ */

void files_volume_done(struct files_volume *v)
{
	free(v->path);
	free(v->format);
	bp_perms_done(&v->info.perms);
	bp_backing_done(&v->backing);
	bp_backing_done(&v->data_store);
	*v = (struct files_volume){ 0 };
}

/* Ready for the next volume, keeping what can be used again. */
static void start_over(struct files_volume *v)
{
	char *path = steal(v->path);
	size_t cap = v->path_cap;

	files_volume_done(v);
	v->path = path;
	v->path_cap = cap;
}

static void set_path(const struct bp_pool *p, const char *name, struct files_volume *v)
{
	const char *target = p->def->target_path;
	size_t n = strlen(target), m = strlen(name);

	if (!v->path || v->path_cap < n + m + 2) {
		v->path_cap = n + m + 256;
		v->path = mem_resize(v->path, v->path_cap, 1);
	}
	memcpy(v->path, target, n);
	if (n && v->path[n - 1] != '/')
		v->path[n++] = '/';
	memcpy(v->path + n, name, m + 1);
	v->info.path = v->info.key = v->path;
	v->info.got |= BP_VOL_PATH;
}

static void set_problem(struct files_volume *v, const char *what)
{
	snprintf(v->problem, sizeof v->problem, "%.199s", what);
	v->info.problem = v->problem;
}

static struct timespec when(struct statx_timestamp t)
{
	return (struct timespec){ .tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec };
}

bool files_get_perms(int dir, const char *name, int flags, struct bp_perms *perms,
		     struct bp_times *times)
{
	struct statx x;

	if (statx(dir, name, flags, STATX_BASIC_STATS | STATX_BTIME, &x) < 0)
		return false;
	perms->has_mode = perms->has_uid = perms->has_gid = true;
	perms->mode = x.stx_mode & 07777;
	perms->uid = x.stx_uid;
	perms->gid = x.stx_gid;
	*times = (struct bp_times){
		.atime = when(x.stx_atime), .mtime = when(x.stx_mtime), .ctime = when(x.stx_ctime),
	};
	if (x.stx_mask & STATX_BTIME)
		times->btime = when(x.stx_btime);
	return true;
}

static bool perms_of_named(const struct bp_pool *p, struct bp_backing *b)
{
	auto_close int fd = -1;

	if (files_get_perms(AT_FDCWD, b->path, 0, &b->perms, &b->times))
		return true;
	fd = files_open_backing(p, b->path, O_PATH);
	return fd >= 0 && files_get_perms(fd, "", AT_EMPTY_PATH, &b->perms, &b->times);
}

/* A backing or data file is looked at, never opened: its name was written by whoever
 * made the image, and may be a FIFO's, a device's or somebody's secret's. */
static const struct bp_backing *set_named(const struct bp_pool *p, char **name, const char *format,
					  unsigned want, struct bp_backing *b)
{
	bool local = !files_has_protocol(*name);

	b->vol = local ? files_backing_volume(p, *name) : NULL;
	b->path = **name == '/' || !local ? steal(*name) : files_path(p, *name);
	b->format = mem_dup(format);
	b->has_times = local && (want & BP_VOL_PERMS) && perms_of_named(p, b);
	return b;
}

void files_tell_image(struct bp_vol_info *info, struct bp_encryption *encryption,
		      const struct bp_image_info *image)
{
	info->got |= BP_VOL_FORMAT;
	info->format = image->format;
	info->capacity = image->capacity;
	info->compat = image->compat;
	info->cluster_size = image->cluster_size;
	info->has_features = image->has_features;
	info->features = image->features;
	if (image->encryption) {
		*encryption = (struct bp_encryption){ .format = (char *)image->encryption };
		info->encryption = encryption;
	}
}

static void set_image(const struct bp_pool *p, struct bp_image_info *image, unsigned want,
		      struct files_volume *v)
{
	files_tell_image(&v->info, &v->encryption, image);
	if (image->backing)
		v->info.backing = set_named(p, &image->backing, image->backing_format, want,
					    &v->backing);
	if (image->data_file)
		v->info.data_store = set_named(p, &image->data_file, "raw", want, &v->data_store);
	if (strcmp(image->format, "ploop") == 0)
		v->info.type = BP_VOL_PLOOP;
}

static void probe(const struct bp_pool *p, int fd, const char *name, unsigned want,
		  struct files_volume *v)
{
	cleanup(bp_image_info_done) struct bp_image_info image = { 0 };
	struct bp_error err = { 0 };
	struct io_view view;

	io_view(&view, fd, v->info.physical, name);
	if (bp_image_probe(&view.io, &image, &err) < 0)
		set_problem(v, err.text);
	else if (image.damage)
		set_problem(v, image.damage);
	if (image.format)
		set_image(p, &image, want, v);
}

/* Why a file cannot be opened, in words for the one who looks at the list. */
static void unreadable(int sys, struct files_volume *v)
{
	char text[128];

	if (sys == EXDEV || sys == ELOOP) {
		set_problem(v, "is a link that leads out of the pool, and is not followed");
		return;
	}
	snprintf(text, sizeof text, "cannot be read: %s", strerror(sys));
	set_problem(v, text);
}

/* What has gone, or leads nowhere, is no volume; of what is there but cannot be
 * asked, this is told. */
static bool is_there(int sys, struct files_volume *v)
{
	if (sys == ENOENT || sys == ENOTDIR || sys == ELOOP)
		return false;
	unreadable(sys, v);
	return true;
}

static bool is_ploop(int dir)
{
	return faccessat(dir, "root.hds", F_OK, 0) == 0 &&
	       faccessat(dir, "DiskDescriptor.xml", F_OK, 0) == 0;
}

/* Where the bytes of a ploop volume are. */
static int open_hds(int dir, struct stat *ret, struct files_volume *v)
{
	int fd;

	if (fstatat(dir, "root.hds", ret, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(ret->st_mode)) {
		set_problem(v, "its file 'root.hds' is no file");
		return -1;
	}
	fd = retry(openat(dir, "root.hds", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	if (fd < 0)
		unreadable(errno, v);
	return fd < 0 || fstat(fd, ret) < 0 ? -1 : fd;
}

/* A ploop volume is a directory whose bytes are in one of its files. */
static void look_at_directory(const struct bp_pool *p, const char *name, unsigned want,
			      struct files_volume *v)
{
	auto_close int dir = files_open_member(p, name, O_PATH | O_DIRECTORY);
	auto_close int hds = -1;
	struct stat st;

	v->info.type = BP_VOL_DIR;
	v->info.format = "dir";
	v->info.got |= want & (BP_VOL_SIZE | BP_VOL_FORMAT);
	if (dir < 0 || !is_ploop(dir))
		return;
	v->info.type = BP_VOL_PLOOP;
	v->info.format = "ploop";
	if (want & (BP_VOL_SIZE | BP_VOL_FORMAT))
		hds = open_hds(dir, &st, v);
	if (hds < 0)
		return;
	v->info.physical = v->info.capacity = (uint64_t)st.st_size;
	v->info.allocation = (uint64_t)st.st_blocks * 512;
	if (want & BP_VOL_FORMAT)
		probe(p, hds, name, want, v);
}

static bool is_member(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISBLK(st->st_mode);
}

static void set_sizes(int fd, const struct stat *st, struct files_volume *v)
{
	uint64_t size = (uint64_t)st->st_size, blocks = (uint64_t)st->st_blocks * 512;

	v->info.got |= BP_VOL_SIZE;
	if (S_ISBLK(st->st_mode)) {	/* all of it, if it can be asked */
		if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0)
			size = 0;
		blocks = size;
	}
	v->info.capacity = v->info.physical = size;
	v->info.allocation = blocks;
}

/* Its first bytes say what a file is, and its descriptor how large.  What may be
 * something else is not opened to find out: with a watchdog or a tape, that is
 * a deed. */
static bool look_inside(const struct bp_pool *p, const char *name, unsigned d_type, unsigned want,
			struct files_volume *v)
{
	auto_close int fd = -1;
	struct stat st;

	if (d_type != DT_REG && files_stat(p, name, &st, 0) < 0)
		return is_there(errno, v);
	if (d_type != DT_REG && !is_member(&st))
		return false;
	fd = files_open_member(p, name, O_RDONLY);
	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0)
		unreadable(errno, v);
	if ((fd < 0 ? files_stat(p, name, &st, 0) : fstat(fd, &st)) < 0)
		return is_there(errno, v);
	if (!is_member(&st))
		return false;
	if (S_ISDIR(st.st_mode)) {	/* behind a link */
		look_at_directory(p, name, want, v);
		return true;
	}
	set_sizes(fd, &st, v);
	if (fd >= 0)
		probe(p, fd, name, want, v);
	return true;
}

/* Only what shows at once that it is an image is asked for its backing store. */
static bool look_below(const struct bp_pool *p, const char *name, unsigned want,
		       struct files_volume *v)
{
	auto_close int fd = files_open_member(p, name, O_RDONLY);
	unsigned char first[IMAGE_SIGN_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return is_there(errno, v);
	n = retry(pread(fd, first, sizeof first, 0));
	if (n > 0 && bp_image_has_sign(first, (size_t)n) && fstat(fd, &st) == 0) {
		set_sizes(fd, &st, v);
		probe(p, fd, name, want, v);
	}
	return true;
}

/* Regular files, directories, block devices, and links to them are volumes;
 * what is behind a link is only known by asking. */
static bool look_outside(const struct bp_pool *p, const char *name, unsigned d_type, unsigned want,
			 struct files_volume *v)
{
	struct stat st = { .st_mode = DTTOIF(d_type) };

	if ((want & BP_VOL_SIZE) || (d_type != DT_REG && d_type != DT_BLK))
		if (files_stat(p, name, &st, 0) < 0)
			return is_there(errno, v);
	if (!is_member(&st))
		return false;
	if (S_ISDIR(st.st_mode))
		look_at_directory(p, name, want, v);
	else if (want & BP_VOL_SIZE)
		set_sizes(-1, &st, v);
	return true;
}

static bool perms_of_member(const struct bp_pool *p, const char *name, struct bp_vol_info *info)
{
	auto_close int fd = -1;

	if (files_get_perms(files_dir(p), name, 0, &info->perms, &info->times))
		return true;
	fd = files_open(p, name, O_PATH);
	return fd >= 0 && files_get_perms(fd, "", AT_EMPTY_PATH, &info->perms, &info->times);
}

int files_describe(const struct bp_pool *p, const char *name, unsigned d_type, unsigned want,
		   struct files_volume *v)
{
	bool inside = want & BP_VOL_FORMAT || (want & BP_VOL_BACKING && d_type != DT_REG);
	bool found;

	start_over(v);
	if (!can_be_volume(name) || d_type == DT_FIFO || d_type == DT_SOCK || d_type == DT_CHR)
		return 0;
	v->info.got = BP_VOL_NAME;
	v->info.name = name;
	if (want & BP_VOL_PATH)
		set_path(p, name, v);
	found = inside && d_type != DT_DIR ? look_inside(p, name, d_type, want, v) :
		want & BP_VOL_BACKING && d_type == DT_REG ? look_below(p, name, want, v) :
		look_outside(p, name, d_type, want, v);
	if (found && (want & BP_VOL_PERMS) && perms_of_member(p, name, &v->info))
		v->info.got |= BP_VOL_PERMS;
	return found;
}

/* ---- one of them --------------------------------------------------------------------- */

int files_no_volume(const char *text, struct bp_error *err)
{
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", text);
}

int files_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		   struct bp_error *err)
{
	cleanup(files_volume_done) struct files_volume v = { 0 };

	if (!files_describe(p, vol, DT_UNKNOWN, want, &v))
		return files_no_volume(vol, err);
	*ret = bp_vol_info_dup(&v.info);
	return 0;
}

int files_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err)
{
	cleanup(files_volume_done) struct files_volume v = { 0 };
	auto_free char *prefix = files_path(p, "");
	const char *name = path + strlen(prefix);

	if (!starts_with(path, prefix) || !files_describe(p, name, DT_UNKNOWN, BP_VOL_NAME, &v))
		return files_no_volume(path, err);
	*ret_vol = mem_dup(name);
	return 0;
}

/* Why it cannot, says whoever tries; but for what is no volume, or none any more. */
static bool can_be_opened(const struct bp_pool *p, const char *vol)
{
	struct stat st;

	if (files_stat(p, vol, &st, 0) < 0)
		return errno != ENOENT && errno != ELOOP;
	return is_member(&st);
}

int files_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		   struct bp_io **ret, struct bp_error *err)
{
	auto_free char *path = files_path(p, vol);
	auto_close int fd = -1;
	struct stat st;

	if (!can_be_volume(vol) || !can_be_opened(p, vol))
		return files_no_volume(vol, err);
	fd = files_open_member(p, vol, access == BP_VOL_WRITE ? O_RDWR : O_RDONLY);
	if (fd < 0 && errno == EXDEV)
		return bp_fail(err, BP_WRONG_STATE, "volume '%s' is a link that leads out of the "
			       "pool, and is not followed", vol);
	if (fd < 0)
		return fail_access(err, errno, path,
				   access == BP_VOL_WRITE ? ACCESS_WRITE : ACCESS_READ,
				   "cannot open volume '%s'", path);
	if (fstat(fd, &st) < 0)
		return bp_fail_sys(err, errno, "cannot stat volume '%s'", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' is no file and has no bytes", vol);
	*ret = io_of_fd(steal_fd(fd), path);
	return 0;
}

/* transfer.c - bytes of a file into a volume, and out of it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/copy.h"
#include "core/base/in_use.h"
#include "core/dependants.h"
#include "core/guard.h"
#include "core/volume.h"

#define BUFFER (1u << 20)
#define TRANSFER_FLAGS (BP_VOL_SPARSE | BP_VOL_VERIFY | BP_VOL_RESUME)
#define READ_FLAGS (TRANSFER_FLAGS | BP_VOL_EMPTY)
#define WRITE_FLAGS (TRANSFER_FLAGS | BP_VOL_FORCE | BP_VOL_FORCE_BACKING)

struct transfer {
	struct session ses;
	struct bp_vol_info *info;
	struct bp_io *volume;
	struct bp_io *file;		/* NULL: no regular file, but a stream */
	int fd;
	uint64_t file_at;
	uint64_t offset, length;	/* in the volume; length: how many at the most */
	unsigned flags;
	const struct bp_progress *progress;
};

static void transfer_done(struct transfer *t)
{
	io_close(t->file);
	io_close(t->volume);
	bp_vol_info_free(t->info);
	session_close(&t->ses);
}

/* What can be read and written at offsets goes the fast way. */
static int look_at_file(struct transfer *t, struct bp_error *err)
{
	struct stat st;
	off_t at;
	int copy;

	if (fstat(t->fd, &st) < 0)
		return bp_fail_sys(err, errno, "cannot stat the file");
	if (S_ISDIR(st.st_mode))
		return bp_fail_sys(err, EISDIR, "cannot transfer data");
	at = S_ISREG(st.st_mode) ? lseek(t->fd, 0, SEEK_CUR) : -1;
	if (at < 0)
		return 0;
	copy = fcntl(t->fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return bp_fail_sys(err, errno, "cannot use the file");
	t->file = io_of_fd(copy, "file");
	t->file_at = (uint64_t)at;
	return 0;
}

/* Both read what has been transferred, and what passes through a pipe is gone. */
static int check_file(const struct transfer *t, struct bp_error *err)
{
	const char *what = t->flags & BP_VOL_VERIFY ? "verified" : "resumed";

	if (!(t->flags & (BP_VOL_VERIFY | BP_VOL_RESUME)))
		return 0;
	if (!t->file)
		return bp_fail(err, BP_INVALID, "only the transfer of a regular file can be %s",
			       what);
	if ((fcntl(t->fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return bp_fail(err, BP_INVALID, "only the transfer of a file that is open for "
			       "reading, too, can be %s", what);
	return 0;
}

static int transfer_open(struct transfer *t, struct bp_store *s, const char *pool, const char *vol,
			 enum bp_vol_access access, struct bp_error *err)
{
	bool writing = access == BP_VOL_WRITE;

	if (session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &t->ses, err) < 0 ||
	    (writing ? session_take_volume(&t->ses, vol, t->flags, err) :
		       session_lock_volume(&t->ses, vol, LOCK_SHARED, err)) < 0 ||
	    volume_find_all(&t->ses, vol, BP_VOL_SIZE | BP_VOL_FORMAT, &t->info, err) < 0)
		return -1;
	if (volume_open(&t->ses, vol, access, writing ?
			"storage pool doesn't support volume upload" :
			"storage pool doesn't support volume download", &t->volume, err) < 0)
		return -1;
	if (writing && (in_use_claim(vol, t->volume, t->flags & BP_VOL_FORCE, err) < 0 ||
			guard_volume(&t->ses, vol, t->volume, t->flags, err) < 0 ||
			dependants_spared(&t->ses, vol, DEPENDANTS_SEE_IT, NULL, t->flags,
					  err) < 0))
		return -1;
	return look_at_file(t, err) < 0 ? -1 : check_file(t, err);
}

static size_t next_piece(const struct transfer *t, uint64_t done)
{
	uint64_t left = t->length - done;

	return (size_t)progress_piece(t->progress, left < BUFFER ? left : BUFFER);
}

/* ---- into a volume -------------------------------------------------------------- */

/* A disk has a size, and what does not fit is a mistake.  The file of an image
 * has not: it grows with what is in it. */
static bool may_grow(const struct transfer *t)
{
	const char *format = t->info->format;

	return t->volume->ops->resize && !io_is_block(t->volume) && format &&
	       strcmp(format, "raw") != 0 && strcmp(format, "iso") != 0 &&
	       strcmp(format, "none") != 0;
}

static int too_much(const struct transfer *t, uint64_t size, struct bp_error *err)
{
	uint64_t room = t->offset < size ? size - t->offset : 0;

	return bp_fail(err, BP_FAILED, "volume '%s' has room for %" PRIu64 " bytes from offset %"
		       PRIu64 " on, and there are more%s", t->info->name, room, t->offset,
		       t->ses.be->vol_resize ? "; make it larger first (vol-resize)" : "");
}

static int write_file(struct transfer *t, uint64_t size, struct bp_error *err)
{
	struct copy copy = {
		.from = t->file, .from_at = t->file_at, .to = t->volume, .to_at = t->offset,
		.holes = t->flags & BP_VOL_SPARSE, .resume = t->flags & BP_VOL_RESUME,
		.verify = t->flags & BP_VOL_VERIFY, .progress = t->progress,
	};
	uint64_t end;

	if (io_size(t->file, &end, err) < 0)
		return -1;
	copy.len = end > t->file_at ? end - t->file_at : 0;
	if (copy.len > t->length)
		copy.len = t->length;
	if (!may_grow(t) && (t->offset > size || copy.len > size - t->offset))
		return too_much(t, size, err);
	if (volume_room(&t->ses, t->info->name, copy.len, err) < 0)
		return -1;
	if (copy.holes && t->offset + copy.len > size &&
	    io_resize(t->volume, t->offset + copy.len, err) < 0)
		return -1;
	if (copy_bytes(&copy, err) < 0 || copy_verify(&copy, err) < 0)
		return -1;
	(void)lseek(t->fd, (off_t)(t->file_at + copy.len), SEEK_SET);
	return 0;
}

/* 1 and some bytes, 0 at the end. */
static int read_some(int fd, char *buffer, size_t len, size_t *ret, struct bp_error *err)
{
	ssize_t n = retry(read(fd, buffer, len));

	if (n < 0)
		return bp_fail_sys(err, errno, "cannot read the file");
	*ret = (size_t)n;
	return n > 0;
}

static int write_stream(struct transfer *t, uint64_t size, struct bp_error *err)
{
	auto_free char *buffer = mem_resize(NULL, BUFFER, 1);
	uint64_t done = 0;
	size_t n = 0;
	int r;

	while (done < t->length) {
		r = read_some(t->fd, buffer, next_piece(t, done), &n, err);
		if (r <= 0)
			return r;
		if (!may_grow(t) && (t->offset + done > size || n > size - t->offset - done))
			return too_much(t, size, err);
		if (volume_room(&t->ses, t->info->name, done + n, err) < 0 ||
		    io_write(t->volume, buffer, n, t->offset + done, err) < 0)
			return -1;
		done += n;
		progress_pace(t->progress, n);
		if (progress_tell(t->progress, done, 0, err) < 0)
			return -1;
	}
	return 0;
}

static int vol_write_here(struct bp_store *s, const char *pool, const char *vol, int from_fd,
			  uint64_t offset, uint64_t length, unsigned flags,
			  const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(transfer_done) struct transfer t = {
		.ses = SESSION_INIT, .fd = from_fd, .offset = offset,
		.length = length ? length : UINT64_MAX, .flags = flags, .progress = progress,
	};
	uint64_t size;

	if (store_change(s, "virStorageVolUpload", err) < 0 ||
	    refuse_flags(flags, WRITE_FLAGS, "virStorageVolUpload", err) < 0 ||
	    transfer_open(&t, s, pool, vol, BP_VOL_WRITE, err) < 0 ||
	    io_size(t.volume, &size, err) < 0)
		return -1;
	if (offset > INT64_MAX)
		return too_much(&t, size, err);
	if ((t.file ? write_file(&t, size, err) : write_stream(&t, size, err)) < 0)
		return -1;
	return io_sync(t.volume, err) < 0 ? may_not_last(err) : 0;
}

int bp_vol_write(struct bp_store *s, const char *pool, const char *vol, int from_fd,
		 uint64_t offset, uint64_t length, unsigned flags,
		 const struct bp_progress *progress, struct bp_error *err)
{
	return AWAY(s, &progress, err, vol_write_here(s, pool, vol, from_fd, offset, length,
						      flags, progress, err));
}

/* ---- out of a volume ------------------------------------------------------------ */

/* The file may have held more at this place before.  What is to be resumed may
 * be another file altogether: it ends where the volume's bytes do. */
static int read_to_file(struct transfer *t, struct bp_error *err)
{
	struct copy copy = {
		.from = t->volume, .from_at = t->offset, .to = t->file, .to_at = t->file_at,
		.len = t->length, .holes = t->flags & BP_VOL_SPARSE,
		.resume = t->flags & BP_VOL_RESUME, .verify = t->flags & BP_VOL_VERIFY,
		.progress = t->progress,
	};
	uint64_t end = t->file_at + t->length, size;

	if (io_size(t->file, &size, err) < 0)
		return -1;
	if (((copy.holes && size < end) || (copy.resume && size > end)) &&
	    io_resize(t->file, end, err) < 0)
		return -1;
	copy.fresh = size <= t->file_at;
	if (copy_bytes(&copy, err) < 0 || copy_verify(&copy, err) < 0)
		return -1;
	(void)lseek(t->fd, (off_t)end, SEEK_SET);
	return 0;
}

static int read_to_stream(struct transfer *t, struct bp_error *err)
{
	auto_free char *buffer = mem_resize(NULL, BUFFER, 1);
	uint64_t done = 0;

	while (done < t->length) {
		size_t n = next_piece(t, done);

		if (io_read(t->volume, buffer, n, t->offset + done, err) < 0)
			return -1;
		if (write_all(t->fd, buffer, n) < 0)
			return bp_fail_sys(err, errno, "cannot write the file");
		done += n;
		progress_pace(t->progress, n);
		if (progress_tell(t->progress, done, t->length, err) < 0)
			return -1;
	}
	return 0;
}

static int vol_read_here(struct bp_store *s, const char *pool, const char *vol, int to_fd,
			 uint64_t offset, uint64_t length, unsigned flags,
			 const struct bp_progress *progress, struct bp_error *err)
{
	cleanup(transfer_done) struct transfer t = {
		.ses = SESSION_INIT, .fd = to_fd, .offset = offset, .flags = flags,
		.progress = progress,
	};
	uint64_t size;

	/* libvirt counts this among the things a reader may not do. */
	if (s->flags & BP_STORE_READONLY)
		return bp_fail(err, BP_DENIED, "read only access prevents virStorageVolDownload");
	if (refuse_flags(flags, READ_FLAGS, "virStorageVolDownload", err) < 0 ||
	    store_look(s, err) < 0 || transfer_open(&t, s, pool, vol, BP_VOL_READ, err) < 0 ||
	    io_size(t.volume, &size, err) < 0)
		return -1;
	t.length = offset < size ? size - offset : 0;
	if (length && length < t.length)
		t.length = length;
	if (t.file && flags & BP_VOL_EMPTY && io_resize(t.file, t.file_at, err) < 0)
		return -1;
	return t.file ? read_to_file(&t, err) : read_to_stream(&t, err);
}

int bp_vol_read(struct bp_store *s, const char *pool, const char *vol, int to_fd,
		uint64_t offset, uint64_t length, unsigned flags,
		const struct bp_progress *progress, struct bp_error *err)
{
	return AWAY(s, &progress, err, vol_read_here(s, pool, vol, to_fd, offset, length, flags,
						     progress, err));
}

/* files_snapshot.c - snapshots inside the image that a file holds. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include "core/base/cleanup.h"
#include "core/image/image.h"

/* Open a volume whose format has snapshots; the io is the caller's to close. */
static int open_image(files_opener *open, struct bp_pool *p, const char *vol,
		      enum bp_vol_access access, struct bp_io **ret,
		      const struct bp_image_format **ret_format, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info info = { 0 };
	cleanup(io_closep) struct bp_io *io = NULL;

	if (open(p, vol, access, &io, err) < 0 || bp_image_probe(io, &info, err) < 0)
		return -1;
	*ret_format = bp_image_format_find(info.format);
	if (!*ret_format || !(*ret_format)->snapshot_create)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' has format '%s', which has no "
			       "snapshots: qcow2 has", vol, info.format);
	*ret = steal(io);
	return 0;
}

int files_snap_list_by(files_opener *open, struct bp_pool *p, const char *vol,
		       struct bp_snapshot **ret, size_t *ret_n, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	const struct bp_image_format *f;

	if (open_image(open, p, vol, BP_VOL_READ, &io, &f, err) < 0)
		return -1;
	return f->snapshot_list(io, ret, ret_n, err) < 0 ? bp_within(err, "volume '%s'", vol) : 0;
}

int files_snap_create_by(files_opener *open, struct bp_pool *p, const char *vol, const char *snap,
			 struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	const struct bp_image_format *f;

	if (open_image(open, p, vol, BP_VOL_WRITE, &io, &f, err) < 0)
		return -1;
	return f->snapshot_create(io, snap, err) < 0 ? bp_within(err, "volume '%s'", vol) : 0;
}

int files_snap_revert_by(files_opener *open, struct bp_pool *p, const char *vol, const char *snap,
			 struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	const struct bp_image_format *f;

	if (open_image(open, p, vol, BP_VOL_WRITE, &io, &f, err) < 0)
		return -1;
	return f->snapshot_revert(io, snap, err) < 0 ? bp_within(err, "volume '%s'", vol) : 0;
}

int files_snap_delete_by(files_opener *open, struct bp_pool *p, const char *vol, const char *snap,
			 struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	const struct bp_image_format *f;

	if (open_image(open, p, vol, BP_VOL_WRITE, &io, &f, err) < 0)
		return -1;
	return f->snapshot_delete(io, snap, err) < 0 ? bp_within(err, "volume '%s'", vol) : 0;
}

/* ---- the slots --------------------------------------------------------------------- */

int files_snap_list(struct bp_pool *p, const char *vol, struct bp_snapshot **ret, size_t *ret_n,
		    struct bp_error *err)
{
	return files_snap_list_by(files_vol_open, p, vol, ret, ret_n, err);
}

int files_snap_create(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err)
{
	return files_snap_create_by(files_vol_open, p, vol, snap, err);
}

int files_snap_revert(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err)
{
	return files_snap_revert_by(files_vol_open, p, vol, snap, err);
}

int files_snap_delete(struct bp_pool *p, const char *vol, const char *snap, struct bp_error *err)
{
	return files_snap_delete_by(files_vol_open, p, vol, snap, err);
}

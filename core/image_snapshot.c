/* image_snapshot.c - snapshots inside an image in a file. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_file.h"

int bp_image_snapshots(const struct bp_image_ref *image, struct bp_snapshot **ret, size_t *ret_n,
		       struct bp_error *err)
{
	cleanup(image_file_done) struct image_file f = { 0 };

	if (image_file_open(image, false, &f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	if (f.format->snapshot_list)
		return f.format->snapshot_list(f.io, ret, ret_n, err);
	*ret = NULL;
	*ret_n = 0;
	return 0;
}

enum deed { CREATE, REVERT, DELETE };

/* The id of the first one of a name. */
static int find_name(const struct image_file *f, const char *name, char **ret,
		     struct bp_error *err)
{
	struct bp_snapshot *snaps;
	size_t n, i = 0;

	if (f->format->snapshot_list(f->io, &snaps, &n, err) < 0)
		return -1;
	while (i < n && strcmp(snaps[i].name, name) != 0)
		i++;
	*ret = i < n ? mem_dup(snaps[i].id) : NULL;
	bp_snapshots_free(snaps, n);
	return *ret ? 0 : bp_fail(err, BP_INVALID, "snapshot not found");
}

static int do_deed(const struct bp_image_ref *image, enum deed deed, const char *name,
		   struct bp_error *err)
{
	static const char *const verbs[] = { "create", "apply", "delete" };
	cleanup(image_file_done) struct image_file f = { 0 };
	int (*work)(struct bp_io *io, const char *name, struct bp_error *err);
	auto_free char *id = NULL;

	if (image_file_open(image, true, &f, err) < 0)
		return bp_within(err, "Could not open '%s'", image->path);
	work = deed == CREATE ? f.format->snapshot_create :
	       deed == REVERT ? f.format->snapshot_revert : f.format->snapshot_delete;
	if (!work)
		bp_fail(err, BP_UNSUPPORTED, "images of format %s have no snapshots",
			f.format->name);
	else if ((!(image->flags & BP_IMAGE_NAME_ONLY) || find_name(&f, name, &id, err) == 0) &&
		 work(f.io, id ? id : name, err) == 0)
		return 0;
	return bp_within(err, "Could not %s snapshot '%s'", verbs[deed], name);
}

int bp_image_snapshot_create(const struct bp_image_ref *image, const char *name,
			     struct bp_error *err)
{
	return do_deed(image, CREATE, name, err);
}

int bp_image_snapshot_revert(const struct bp_image_ref *image, const char *which,
			     struct bp_error *err)
{
	return do_deed(image, REVERT, which, err);
}

int bp_image_snapshot_delete(const struct bp_image_ref *image, const char *which,
			     struct bp_error *err)
{
	return do_deed(image, DELETE, which, err);
}

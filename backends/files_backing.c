/* files_backing.c - what lies below an overlay, where somebody who may asks for it.
 *
 * Lists and look-ups never come here: the name in an image was written by
 * whoever made the image.  Only a request that names a backing store, or that
 * could let more of it show, has it opened, and only if it is a file or a block
 * device.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/access.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/image/image.h"

bool files_is_bytes(const char *format)
{
	return strcmp(format, "raw") == 0 || strcmp(format, "iso") == 0;
}

/* "nbd://host/x", "json:{...}": words before a colon that no path would have. */
bool files_has_protocol(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789+-.");

	return n && name[n] == ':';
}

/* What is in the pool's directory is there for who may enter that, and perhaps not
 * for who goes all of the way. */
int files_open_backing(const struct bp_pool *p, const char *path, int flags)
{
	auto_free char *prefix = files_path(p, "");
	const char *name = starts_with(path, prefix) ? path + strlen(prefix) : path;

	return files_open(p, *name && *name != '/' ? name : path, flags);
}

static bool is_file_or_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* Looked at first: to open a watchdog or a tape is a deed. */
static int open_to_read(const struct bp_pool *p, const char *path)
{
	auto_close int there = files_open_backing(p, path, O_PATH);

	if (there >= 0 && !is_file_or_device(there))
		return steal_fd(there);
	return files_open_backing(p, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

/* format: as recorded, or NULL. */
static int look(const struct bp_pool *p, const char *path, const char *format,
		struct bp_image_info *ret, uint64_t *ret_capacity, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	int fd = open_to_read(p, path);

	if (fd < 0) {
		auto_free char *full = *path == '/' ? NULL : files_path(p, path);

		return fail_access(err, errno, full ? full : path, ACCESS_READ,
				   "inaccessible backing store volume %s", path);
	}
	io = io_of_fd(fd, path);
	if (!is_file_or_device(fd))
		return bp_fail(err, BP_CONFIG, "backing store volume %s is neither a file nor "
			       "a block device", path);
	if (bp_image_probe(io, ret, err) < 0)
		return bp_within(err, "backing store volume %s", path);
	*ret_capacity = ret->capacity;
	return format && files_is_bytes(format) ? io_size(io, ret_capacity, err) : 0;
}

int files_backing_judge(const struct bp_vol_spec *spec, const struct bp_image_info *found,
			uint64_t below, uint64_t *capacity, struct bp_error *err)
{
	const struct bp_backing *b = spec->backing;

	if ((!b->format || b->assumed) && !files_is_bytes(found->format))
		return bp_fail(err, BP_CONFIG, "backing store volume %s looks like %s; say which "
			       "format it has", b->path, found->format);
	if (b->format && !files_is_bytes(b->format) && bp_image_format_find(b->format) &&
	    strcmp(b->format, found->format) != 0)
		return bp_fail(err, BP_CONFIG, "backing store volume %s is no image of format %s",
			       b->path, b->format);
	if (!spec->has_capacity)
		*capacity = below;
	return 0;
}

int files_backing_check(const struct bp_pool *p, const struct bp_vol_spec *spec,
			uint64_t *capacity, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info found = { 0 };
	const struct bp_backing *b = spec->backing;
	uint64_t below;

	if (look(p, b->path, b->format, &found, &below, err) < 0)
		return -1;
	return files_backing_judge(spec, &found, below, capacity, err);
}

int files_hidden_judge(const struct bp_image_info *image, uint64_t below, struct bp_error *err)
{
	if (below > image->capacity)
		return bp_fail(err, BP_OP_UNSUPPORTED, "this overlay of %" PRIu64 " bytes hides a "
			       "part of '%s' (%" PRIu64 " bytes), which would show if it "
			       "were larger",
			       image->capacity, image->backing, below);
	return 0;
}

int files_backing_hidden(const struct bp_pool *p, const struct bp_image_info *image,
			 uint64_t capacity, struct bp_error *err)
{
	cleanup(bp_image_info_done) struct bp_image_info found = { 0 };
	uint64_t below;

	if (capacity <= image->capacity)
		return 0;
	if (files_has_protocol(image->backing))
		return bp_fail(err, BP_OP_UNSUPPORTED, "an overlay on '%s' cannot be made larger: "
			       "how much of that would show is not known", image->backing);
	if (look(p, image->backing, image->backing_format, &found, &below, err) < 0)
		return -1;
	return files_hidden_judge(image, below, err);
}

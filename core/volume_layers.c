/* volume_layers.c - see volume_layers.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/volume_layers.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/image_file.h"

static const char cannot[] = "storage pool does not let volumes be read";

void volume_layers_done(struct volume_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->seen[i]);
	for (size_t i = 0; i < l->n_held; i++)
		io_close(l->held[i]);
	io_close(l->io);
	free(l->seen);
	free(l->held);
}

/* A pool knows some formats by other names, and what is no image is a disk. */
static int find_format(const char *vol, const char *name, const struct bp_image_format **ret,
		       struct bp_error *err)
{
	bool bytes = !name || strcmp(name, "none") == 0 || strcmp(name, "iso") == 0;

	*ret = bp_image_known_find(bytes ? "raw" : name);
	return *ret ? 0 : bp_fail(err, BP_UNSUPPORTED, "volume '%s' has format '%s', which cannot "
				  "be read", vol, name);
}

static int note(struct volume_layers *l, const char *vol, struct bp_error *err)
{
	bool seen = l->never && strcmp(l->never, vol) == 0;

	for (size_t i = 0; i < l->n && !seen; i++)
		seen = strcmp(l->seen[i], vol) == 0;
	if (seen)
		return bp_fail(err, BP_CORRUPT, "volume '%s' is a backing file of itself", vol);
	*array_add(l->seen, l->n) = mem_dup(vol);
	return 0;
}

/* Nobody else changes it, and nobody uses it. */
static int open_to_change(struct volume_layers *l, const char *vol, struct bp_io **ret,
			  struct bp_error *err)
{
	struct bp_io *claim = NULL;

	if (volume_claim(l->ses, vol, l->flags, false, &claim, err) < 0)
		return -1;
	if (claim)
		*array_add(l->held, l->n_held) = claim;
	return volume_open(l->ses, vol, BP_VOL_WRITE, cannot, ret, err);
}

static int open_to_read(struct volume_layers *l, const char *vol, bool raw, struct bp_io **ret,
			struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;

	if (volume_open(l->ses, vol, BP_VOL_READ, cannot, &io, err) < 0 ||
	    (!(l->flags & BP_VOL_FORCE) && io->fd >= 0 && in_use_read(vol, io, raw, err) < 0))
		return -1;
	*ret = steal(io);
	return 0;
}

static bool is_target(const struct volume_layers *l, const char *vol)
{
	return !l->depth && (l->first_too || (l->target && strcmp(l->target, vol) == 0));
}

static int open_one(struct volume_layers *l, const char *vol, bool raw, struct bp_io **ret,
		    struct bp_error *err)
{
	if (!is_target(l, vol))
		return open_to_read(l, vol, raw, ret, err);
	if (session_take_volume(l->ses, vol, l->flags, err) < 0 ||
	    open_to_change(l, vol, ret, err) < 0)
		return -1;
	l->depth = l->n - 1;
	return 0;
}

static int open_below(void *arg, const char *from, const struct bp_image_info *image,
		      struct bp_io **ret, char **ret_name,
		      const struct bp_image_format **ret_format, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	cleanup(io_closep) struct bp_io *io = NULL;
	struct volume_layers *l = arg;
	const char *vol;
	bool raw;

	if (volume_find_all(l->ses, from, BP_VOL_FORMAT, &info, err) < 0)
		return -1;
	vol = info->backing ? info->backing->vol : NULL;
	if (!vol)
		return bp_fail(err, BP_DENIED, "volume '%s' has the backing file '%s', which is no "
			       "volume of pool '%s'", from, image->backing, l->ses->name);
	raw = image->backing_format && strcmp(image->backing_format, "raw") == 0;
	if (note(l, vol, err) < 0 || open_one(l, vol, raw, &io, err) < 0)
		return bp_within(err, "backing store of volume '%s'", from);
	if ((image->backing_format ? find_format(vol, image->backing_format, ret_format, err) :
				     image_file_guess(io, from, vol, ret_format, err)) < 0)
		return -1;
	*ret = steal(io);
	*ret_name = mem_dup(vol);
	return 0;
}

int volume_layers_open(struct volume_layers *l, const char *vol, struct bp_chain *ret,
		       struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	const struct bp_opener opener = { .open = open_below, .arg = l };
	const struct bp_image_format *format;

	if (volume_find_all(l->ses, vol, BP_VOL_FORMAT, &info, err) < 0 ||
	    find_format(vol, info->format, &format, err) < 0)
		return -1;
	if (!format->set_backing)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' has format '%s', whose backing "
			       "store cannot be changed", vol,
			       info->format ? info->format : "none");
	if (note(l, vol, err) < 0 || open_to_change(l, vol, &l->io, err) < 0)
		return -1;
	return bp_chain_open(l->io, vol, format, NULL, &opener, ret, err);
}

int volume_layers_read(struct volume_layers *l, const char *vol, const char *format,
		       struct bp_chain *ret, struct bp_error *err)
{
	const struct bp_opener opener = { .open = open_below, .arg = l };
	const struct bp_image_format *known;

	if (note(l, vol, err) < 0 || find_format(vol, format, &known, err) < 0 ||
	    open_to_read(l, vol, strcmp(known->name, "raw") == 0, &l->io, err) < 0)
		return -1;
	return bp_chain_open(l->io, vol, known, NULL,
			     l->flags & BP_VOL_NO_BACKING ? NULL : &opener, ret, err);
}

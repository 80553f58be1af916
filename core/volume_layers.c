/* volume_layers.c - see volume_layers.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/volume_layers.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/dependants.h"
#include "core/image_file.h"
#include "core/state.h"

static const char cannot[] = "storage pool does not let volumes be read";

void volume_layers_done(struct volume_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->seen[i]);
	for (size_t i = 0; i < l->n_held; i++)
		io_close(l->held[i]);
	for (size_t i = 0; i < l->n_data; i++)
		free(l->data[i].vol);
	io_close(l->io);
	for (size_t i = 0; i < l->n_others; i++) {
		session_close(l->others[i]);
		free(l->others[i]);
	}
	free(l->seen);
	free(l->held);
	free(l->data);
	free(l->others);
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
static int open_to_change(struct volume_layers *l, struct session *ses, const char *vol,
			  struct bp_io **ret, struct bp_error *err)
{
	struct bp_io *claim = NULL;

	if (volume_claim(ses, vol, l->flags, false, &claim, err) < 0)
		return -1;
	if (claim)
		*array_add(l->held, l->n_held) = claim;
	return volume_open(ses, vol, BP_VOL_WRITE, cannot, ret, err);
}

static int open_to_read(struct volume_layers *l, struct session *ses, const char *vol, bool raw,
			struct bp_io **ret, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;

	if (volume_open(ses, vol, BP_VOL_READ, cannot, &io, err) < 0 ||
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
	l->write = is_target(l, vol);
	if (!l->write)
		return open_to_read(l, l->ses, vol, raw, ret, err);
	if (session_take_volume(l->ses, vol, l->flags, err) < 0 ||
	    open_to_change(l, l->ses, vol, ret, err) < 0)
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

/* ---- data files ----------------------------------------------------------------- */

/* Is it a volume of this pool?  What is on a server is not asked, nor what is not active. */
static bool look_in(struct volume_layers *l, const char *pool, const char *path, char **ret_vol)
{
	cleanup(session_close) struct session look = SESSION_INIT;
	struct session *ses;
	struct bp_error ignored = { 0 };

	if (*path != '/' || !pool_look(l->ses->store, pool, &look) || !look.active || !look.be ||
	    session_is_remote(&look))
		return false;
	ses = *array_add(l->others, l->n_others) = mem_alloc(sizeof *ses);
	*ses = (struct session)SESSION_INIT;
	if (session_open(l->ses->store, pool, NEED_CONNECTED, LOCK_SHARED, ses, &ignored) == 0 &&
	    volume_of_path(ses, path, ret_vol, &ignored) == 0)
		return true;
	session_close(ses);
	free(ses);
	l->n_others--;
	return false;
}

/* Pools are held by whoever changes what is in them, and shared: no two wait for each other. */
static int find_elsewhere(struct volume_layers *l, const char *from, const char *path,
			  struct volume_data *ret, struct bp_error *err)
{
	char **pools = NULL;
	bool found = false;
	size_t n = 0;

	if (state_names(l->ses->store, &pools, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n && !found; i++)
		found = strcmp(pools[i], l->ses->name) != 0 &&
			look_in(l, pools[i], path, &ret->vol);
	state_names_free(pools, n);
	if (!found)
		return bp_fail(err, BP_DENIED, "volume '%s' has its data in '%s', which is no "
			       "volume of an active pool of this host", from, path);
	ret->ses = l->others[l->n_others - 1];
	return 0;
}

static int find_data(struct volume_layers *l, const char *from, struct volume_data *ret,
		     char **ret_name, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	const struct bp_backing *store;

	if (volume_find_all(l->ses, from, BP_VOL_FORMAT, &info, err) < 0)
		return -1;
	store = info->data_store;
	if (!store)
		return bp_fail(err, BP_INVALID, "volume '%s' does not say which file its data are "
			       "in", from);
	ret->ses = l->ses;
	ret->vol = mem_dup(store->vol);
	*ret_name = mem_dup(store->vol ? store->vol : store->path);
	return store->vol ? 0 : find_elsewhere(l, from, store->path, ret, err);
}

/* No file is two things. */
static int note_data(struct volume_layers *l, const struct volume_data *d, struct bp_error *err)
{
	bool seen = false;

	for (size_t i = 0; d->ses == l->ses && i < l->n && !seen; i++)
		seen = strcmp(l->seen[i], d->vol) == 0;
	for (size_t i = 0; i < l->n_data && !seen; i++)
		seen = strcmp(l->data[i].ses->name, d->ses->name) == 0 &&
		       strcmp(l->data[i].vol, d->vol) == 0;
	if (seen)
		return bp_fail(err, BP_CORRUPT, "volume '%s' is used twice, for data and otherwise",
			       d->vol);
	*array_add(l->data, l->n_data) = *d;
	return 0;
}

static int open_data(void *arg, const char *from, const struct bp_image_info *image,
		     struct bp_io **ret, char **ret_name, struct bp_error *err)
{
	struct volume_layers *l = arg;
	struct volume_data d = { .layer = l->n - 1 };
	auto_free char *name = NULL;

	(void)image;
	if (find_data(l, from, &d, &name, err) < 0 || note_data(l, &d, err) < 0) {
		free(d.vol);
		return -1;
	}
	if (l->write ? session_take_volume(d.ses, d.vol, l->flags, err) < 0 ||
		       open_to_change(l, d.ses, d.vol, ret, err) < 0 :
		       open_to_read(l, d.ses, d.vol, false, ret, err) < 0)
		return bp_within(err, "data of volume '%s'", from);
	*ret_name = steal(name);
	return 0;
}

int volume_layers_spare_data(const struct volume_layers *l, const struct bp_chain *chain,
			     struct bp_error *err)
{
	for (size_t i = 0; i < l->n_data; i++) {
		const struct volume_data *d = &l->data[i];

		if ((!d->layer || d->layer == l->depth) &&
		    dependants_spared_but(d->ses, d->vol, l->ses, chain->layers[d->layer].name,
					  l->flags, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- opened --------------------------------------------------------------------- */

int volume_layers_open(struct volume_layers *l, const char *vol, struct bp_chain *ret,
		       struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;
	const struct bp_opener opener = {
		.open = open_below, .open_data = open_data, .arg = l,
	};
	const struct bp_image_format *format;

	if (volume_find_all(l->ses, vol, BP_VOL_FORMAT, &info, err) < 0 ||
	    find_format(vol, info->format, &format, err) < 0)
		return -1;
	if (!format->set_backing)
		return bp_fail(err, BP_UNSUPPORTED, "volume '%s' has format '%s', whose backing "
			       "store cannot be changed", vol,
			       info->format ? info->format : "none");
	l->write = true;
	if (note(l, vol, err) < 0 || open_to_change(l, l->ses, vol, &l->io, err) < 0)
		return -1;
	return bp_chain_open(l->io, vol, format, NULL, &opener, ret, err);
}

int volume_layers_read(struct volume_layers *l, const char *vol, const char *format,
		       struct bp_chain *ret, struct bp_error *err)
{
	const struct bp_opener opener = {
		.open = open_below, .open_data = open_data, .arg = l,
		.alone = l->flags & BP_VOL_NO_BACKING,
	};
	const struct bp_image_format *known;

	if (note(l, vol, err) < 0 || find_format(vol, format, &known, err) < 0 ||
	    open_to_read(l, l->ses, vol, strcmp(known->name, "raw") == 0, &l->io, err) < 0)
		return -1;
	return bp_chain_open(l->io, vol, known, NULL, &opener, ret, err);
}

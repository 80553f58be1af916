/* volume_map.c - where the parts of a volume are: in it, or in what it is based on.
 *
 * Backing files are volumes of the same pool, opened as the pool opens volumes:
 * what an image names beside those is refused.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/away.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/image_read.h"
#include "core/volume_layers.h"

struct bp_vol_map {
	struct session ses;
	struct bp_io *io;
	struct bp_image_view *view;	/* NULL: a child has it, and tells */
	uint64_t at, end;
	struct away away;
	char **names;			/* of volumes it told of */
	size_t n_names;
};

static void let_go(struct bp_vol_map *map)
{
	bp_image_close(steal(map->view));
	io_close(steal(map->io));
	session_close(&map->ses);
}

void bp_vol_map_close(struct bp_vol_map *map)
{
	if (!map)
		return;
	let_go(map);
	away_done(&map->away);
	for (size_t i = 0; i < map->n_names; i++)
		free(map->names[i]);
	free(map->names);
	free(map);
}

void bp_vol_map_closep(struct bp_vol_map **map)
{
	bp_vol_map_close(*map);
}

/* ---- opening -------------------------------------------------------------------- */

static int open_chain(struct bp_vol_map *map, const char *vol, const char *format, unsigned flags,
		      struct bp_error *err)
{
	cleanup(volume_layers_done) struct volume_layers layers = {
		.ses = &map->ses, .flags = flags,
	};
	cleanup(bp_chain_done) struct bp_chain chain = { 0 };

	if (volume_layers_read(&layers, vol, format, &chain, err) < 0)
		return -1;
	map->io = steal(layers.io);
	map->view = image_view_of(&chain);
	return 0;
}

static int open_here(struct bp_vol_map *map, struct bp_store *s, const char *pool, const char *vol,
		     unsigned flags, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	if (store_look(s, err) < 0 ||
	    session_open(s, pool, NEED_CONNECTED, LOCK_SHARED, &map->ses, err) < 0 ||
	    session_lock_volume(&map->ses, vol, LOCK_SHARED, err) < 0 ||
	    volume_find_all(&map->ses, vol, BP_VOL_SIZE | BP_VOL_FORMAT, &info, err) < 0 ||
	    open_chain(map, vol, info->format, flags, err) < 0)
		return -1;
	if (map->end > bp_image_capacity(map->view))
		map->end = bp_image_capacity(map->view);
	return 0;
}

/* ---- walking -------------------------------------------------------------------- */

static int next_here(struct bp_vol_map *map, struct bp_image_extent *ret, struct bp_error *err)
{
	if (map->at >= map->end)
		return 0;
	if (bp_image_extent_at(map->view, map->at, ret, err) < 0)
		return -1;
	if (ret->length > map->end - map->at)
		ret->length = map->end - map->at;
	map->at += ret->length;
	return 1;
}

/* The first piece says that it is open; each after it is an extent, and a name. */
static void map_away(struct bp_vol_map *map, struct bp_store *s, const char *pool, const char *vol,
		     unsigned flags, struct bp_error *err)
{
	struct text none = { 0 }, one = { 0 };
	struct bp_image_extent e;
	int r = open_here(map, s, pool, vol, flags, err);

	if (r == 0)
		away_send(&map->away, &none);
	while (r == 0 && (r = next_here(map, &e, err)) > 0) {
		one.len = 0;
		text_add_n(&one, (const char *)&e, sizeof e);
		text_add_n(&one, e.file, strlen(e.file) + 1);
		away_send(&map->away, &one);
		r = 0;
	}
	let_go(map);
	away_answer(&map->away, r, NULL, err);
}

int bp_vol_map_open(struct bp_store *s, const char *pool, const char *vol, uint64_t offset,
		    uint64_t length, unsigned flags, struct bp_vol_map **ret, struct bp_error *err)
{
	cleanup(bp_vol_map_closep) struct bp_vol_map *map = mem_alloc(sizeof *map);
	int r;

	map->ses = (struct session)SESSION_INIT;
	map->away = (struct away)AWAY_INIT(s, NULL);
	map->at = offset;
	map->end = length && length < UINT64_MAX - offset ? offset + length : UINT64_MAX;
	if (refuse_flags(flags, BP_VOL_FORCE | BP_VOL_NO_BACKING, "bp_vol_map_open", err) < 0)
		return -1;
	away_begin(&map->away);
	r = open_here(map, s, pool, vol, flags, err);
	if (away_wanted(&map->away, r, err)) {
		if (away_is_child(&map->away, err))
			map_away(map, s, pool, vol, flags, err);
		r = away_next(&map->away, NULL, err);
	}
	if (r < 0)
		return -1;
	*ret = steal(map);
	return 0;
}

/* The name as it is kept until the close. */
static const char *keep(struct bp_vol_map *map, const char *name)
{
	for (size_t i = map->n_names; i--;)
		if (strcmp(map->names[i], name) == 0)
			return map->names[i];
	return *array_add(map->names, map->n_names) = mem_dup(name);
}

int bp_vol_map_next(struct bp_vol_map *map, struct bp_image_extent *ret, struct bp_error *err)
{
	cleanup(text_done) struct text told = { 0 };
	int r;

	if (map->view)
		return next_here(map, ret, err);
	if (!map->away.pid)	/* it has ended */
		return 0;
	r = away_next(&map->away, &told, err);
	if (r <= 0)
		return r;
	if (away_take(&told, ret, sizeof *ret, err) < 0)
		return -1;
	ret->file = keep(map, told.s + sizeof *ret);
	return 1;
}

/* volume_chain.c - what a volume is based on, and what is based on it.
 *
 * Each look opens and closes a session of its own, of whichever pool: a name in
 * an image leads to volumes of active pools, by the rules of those, and to
 * nothing else.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/barepool.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/nowait.h"
#include "core/dependants.h"
#include "core/image/chain.h"

#define WANTED (BP_VOL_PATH | BP_VOL_SIZE | BP_VOL_FORMAT)

static void link_done(struct bp_vol_link *link)
{
	free(link->pool);
	free(link->vol);
	free(link->path);
	free(link->format);
	free(link->kind);
	free(link->problem);
	if (link->data)
		link_done(link->data);
	free(link->data);
}

void bp_vol_chain_free(struct bp_vol_chain *chain)
{
	if (!chain)
		return;
	for (size_t i = 0; i < chain->n_below; i++)
		link_done(&chain->below[i]);
	for (size_t i = 0; i < chain->n_above; i++)
		link_done(&chain->above[i]);
	free(chain->below);
	free(chain->above);
	free(chain);
}

void bp_vol_chain_freep(struct bp_vol_chain **chain)
{
	bp_vol_chain_free(*chain);
}

static struct bp_vol_link link_of(const char *pool, const struct bp_vol_info *info, size_t depth)
{
	return (struct bp_vol_link){
		.pool = mem_dup(pool), .vol = mem_dup(info->name), .path = mem_dup(info->path),
		.format = mem_dup(info->format), .kind = mem_dup(info->kind),
		.has_size = info->got & BP_VOL_SIZE, .capacity = info->capacity,
		.allocation = info->allocation, .depth = (unsigned)depth,
		.problem = mem_dup(info->problem),
	};
}

/* Of what is not there, or is no volume. */
static struct bp_vol_link broken_link(const struct bp_backing *b, const char *pool,
				      const char *vol, size_t depth, const char *problem)
{
	return (struct bp_vol_link){
		.pool = mem_dup(vol ? pool : NULL), .vol = mem_dup(vol), .path = mem_dup(b->path),
		.format = mem_dup(b->format), .depth = (unsigned)depth,
		.problem = mem_dup(problem),
	};
}

static const char *why_not(const struct bp_error *why, const char *not_there)
{
	return why->code == BP_NO_VOL ? not_there : why->text;
}

static const char no_volume[] = "is no volume of an active pool", gone[] = "is not there";

/* NULL: there is no such file, or who knows might have to be waited for. */
static char *file_key(const char *path)
{
	struct stat st;

	if (!path || *path != '/' || !stat_now(AT_FDCWD, path, 0, &st))
		return NULL;
	return S_ISBLK(st.st_mode) ? mem_printf("/b%ju", (uintmax_t)st.st_rdev) :
	       S_ISREG(st.st_mode) ? mem_printf("/%ju:%ju", (uintmax_t)st.st_dev,
						(uintmax_t)st.st_ino) : NULL;
}

/* Without "dir/..", which is the same only where dir is no link. */
static char *without_dots(const char *path)
{
	char *short_one = mem_dup(path), *up;

	while ((up = strstr(short_one, "/../")) && up > short_one) {
		char *dir = up;

		while (dir > short_one && dir[-1] != '/')
			dir--;
		memmove(dir, up + strlen("/../"), strlen(up + strlen("/../")) + 1);
	}
	return short_one;
}

/* Relative names lead from one pool into another by "..". */
static int locate(struct bp_store *s, const char *path, char **pool, char **vol,
		  struct bp_error *err)
{
	auto_free char *short_one = without_dots(path), *one = NULL, *two = NULL;

	if (strcmp(short_one, path) != 0) {
		one = file_key(path);
		two = file_key(short_one);
	}
	return bp_vol_locate(s, NULL, one && two && strcmp(one, two) == 0 ? short_one : path, pool,
			     vol, err);
}

/* The file with the data of a volume, if that has one. */
static void add_data(struct bp_store *s, const char *from, const struct bp_vol_info *info,
		     struct bp_vol_link *link)
{
	const struct bp_backing *b = info->data_store;
	cleanup(bp_vol_info_freep) struct bp_vol_info *data = NULL;
	auto_free char *pool = NULL, *vol = NULL;
	struct bp_error why = { 0 };

	if (!b)
		return;
	pool = mem_dup(b->vol ? from : NULL);
	vol = mem_dup(b->vol);
	link->data = mem_alloc(sizeof *link->data);
	if (!vol && locate(s, b->path, &pool, &vol, &why) < 0)
		*link->data = broken_link(b, NULL, NULL, link->depth, why_not(&why, no_volume));
	else if (bp_vol_info(s, pool, vol, WANTED, &data, &why) < 0)
		*link->data = broken_link(b, pool, vol, link->depth, why_not(&why, gone));
	else
		*link->data = link_of(pool, data, link->depth);
}

/* ---- what it is based on ---------------------------------------------------- */

static bool is_in(const struct bp_vol_chain *chain, const char *pool, const char *vol)
{
	for (size_t i = 0; i < chain->n_below; i++) {
		const struct bp_vol_link *l = &chain->below[i];

		if (l->vol && strcmp(l->pool, pool) == 0 && strcmp(l->vol, vol) == 0)
			return true;
	}
	return false;
}

/* Where a chain ends though its last image names another. */
static void end_with(struct bp_vol_chain *chain, const struct bp_backing *b, const char *pool,
		     const char *vol, const char *problem)
{
	size_t depth = chain->n_below;

	*array_add(chain->below, chain->n_below) = broken_link(b, pool, vol, depth, problem);
}

/* The next link, and what there is to know of it: NULL, the chain has ended. */
static struct bp_vol_info *follow(struct bp_store *s, struct bp_vol_chain *chain,
				  const struct bp_backing *b)
{
	const char *last = chain->below[chain->n_below - 1].pool;
	size_t depth = chain->n_below;
	auto_free char *pool = mem_dup(b->vol ? last : NULL), *vol = mem_dup(b->vol);
	struct bp_vol_info *info = NULL;
	struct bp_error why = { 0 };

	if (!vol && locate(s, b->path, &pool, &vol, &why) < 0) {
		end_with(chain, b, NULL, NULL, why_not(&why, no_volume));
	} else if (is_in(chain, pool, vol)) {
		end_with(chain, b, pool, vol, "is based on itself");
	} else if (chain->n_below == BP_CHAIN_MAX) {
		end_with(chain, b, pool, vol, "is too far away: nobody follows so many");
	} else if (bp_vol_info(s, pool, vol, WANTED, &info, &why) < 0) {
		end_with(chain, b, pool, vol, why_not(&why, gone));
	} else {
		*array_add(chain->below, chain->n_below) = link_of(pool, info, depth);
		add_data(s, pool, info, &chain->below[depth]);
	}
	return info;
}

static int look_below(struct bp_store *s, const char *pool, const char *vol,
		      struct bp_vol_chain *chain, struct bp_error *err)
{
	cleanup(bp_vol_info_freep) struct bp_vol_info *info = NULL;

	if (bp_vol_info(s, pool, vol, WANTED, &info, err) < 0)
		return -1;
	*array_add(chain->below, chain->n_below) = link_of(pool, info, 0);
	add_data(s, pool, info, chain->below);
	while (info && info->backing) {
		struct bp_vol_info *next = follow(s, chain, info->backing);

		bp_vol_info_free(info);
		info = next;
	}
	return 0;
}

/* ---- what is based on it ---------------------------------------------------- */

/* The volumes that are based on others, or have their data there, by what those are called:
 * "POOL/VOLUME" in their own pool, and elsewhere, where names are many, "/" and which file of
 * which device it is. */
struct overlays {
	struct overlay {
		struct bp_vol_info *info;
		char *pool, *base;
		bool by_data, told;
	} *all;
	size_t n;
	bool some_elsewhere;
};

static void overlays_done(struct overlays *o)
{
	for (size_t i = 0; i < o->n; i++) {
		bp_vol_info_free(o->all[i].info);
		free(o->all[i].pool);
		free(o->all[i].base);
	}
	free(o->all);
}

static int by_base(const void *a, const void *b)
{
	const struct overlay *x = a, *y = b;
	int order = strcmp(x->base, y->base);

	order = order ? order : strcmp(x->pool, y->pool);
	return order ? order : strcmp(x->info->name, y->info->name);
}

static char *volume_key(const char *pool, const char *vol)
{
	return mem_printf("%s/%s", pool, vol);
}

static void add_overlay(struct overlays *o, const char *pool, const struct bp_vol_info *info,
			bool by_data)
{
	const struct bp_backing *store = by_data ? info->data_store : info->backing;
	char *base = !store ? NULL :
		     store->vol ? volume_key(pool, store->vol) : file_key(store->path);

	if (!base)
		return;
	o->some_elsewhere |= !store->vol;
	*array_add(o->all, o->n) = (struct overlay){
		bp_vol_info_dup(info), mem_dup(pool), base, by_data, false
	};
}

static int find_here(struct bp_store *s, const char *pool, struct overlays *o,
		     struct bp_error *err)
{
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;
	struct bp_vol_info info;
	int r;

	if (bp_vols_open(s, pool, WANTED, &it, err) < 0)
		return -1;
	while ((r = bp_vols_next(it, &info, err)) > 0) {
		add_overlay(o, pool, &info, false);
		add_overlay(o, pool, &info, true);
	}
	return r;
}

static void found_elsewhere(void *arg, const struct session *ses, const struct bp_vol_info *info)
{
	add_overlay(arg, ses->name, info, false);
	add_overlay(arg, ses->name, info, true);
}

static int find_overlays(struct bp_store *s, const char *pool, struct overlays *o,
			 struct bp_error *err)
{
	cleanup(session_close) struct session ses = SESSION_INIT;

	if (find_here(s, pool, o, err) < 0)
		return -1;
	if (pool_look(s, pool, &ses) && ses.def &&
	    dependants_elsewhere(&ses, WANTED, found_elsewhere, o, err) < 0)
		return -1;
	if (o->n)
		qsort(o->all, o->n, sizeof *o->all, by_base);
	return 0;
}

static size_t first_on(const struct overlays *o, const char *base)
{
	size_t from = 0, to = o->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (strcmp(o->all[mid].base, base) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* What is being drawn. */
struct above {
	struct bp_store *store;
	struct overlays overlays;
	struct bp_vol_chain *chain;
};

static void add_above(struct above *a, const char *pool, const char *vol, const char *path,
		      size_t depth);

/* A volume is told of once, wherever circles lead, and one that is based on itself is not its
 * own. */
static void add_those_on(struct above *a, const char *base, size_t depth)
{
	const struct overlays *o = &a->overlays;

	for (size_t i = first_on(o, base); i < o->n; i++) {
		struct overlay *v = &o->all[i];
		struct bp_vol_link *link;

		if (strcmp(v->base, base) != 0)
			break;
		if (depth > BP_CHAIN_MAX || v->told || is_in(a->chain, v->pool, v->info->name))
			continue;
		v->told = true;
		link = array_add(a->chain->above, a->chain->n_above);
		*link = link_of(v->pool, v->info, depth);
		link->by_data = v->by_data;
		if (!link->by_data)
			add_data(a->store, v->pool, v->info, link);
		add_above(a, v->pool, v->info->name, v->info->path, depth + 1);
	}
}

static void add_above(struct above *a, const char *pool, const char *vol, const char *path,
		      size_t depth)
{
	auto_free char *name = volume_key(pool, vol);
	auto_free char *file = a->overlays.some_elsewhere ? file_key(path) : NULL;

	add_those_on(a, name, depth);
	if (file)
		add_those_on(a, file, depth);
}

static void above_done(struct above *a)
{
	overlays_done(&a->overlays);
}

int bp_vol_chain(struct bp_store *s, const char *pool, const char *vol, struct bp_vol_chain **ret,
		 struct bp_error *err)
{
	cleanup(bp_vol_chain_freep) struct bp_vol_chain *chain = mem_alloc(sizeof *chain);
	cleanup(above_done) struct above above = { .store = s, .chain = chain };
	const struct bp_vol_link *volume;

	if (look_below(s, pool, vol, chain, err) < 0 ||
	    find_overlays(s, pool, &above.overlays, err) < 0)
		return -1;
	volume = chain->below;
	add_above(&above, volume->pool, volume->vol, volume->path, 1);
	*ret = steal(chain);
	return 0;
}

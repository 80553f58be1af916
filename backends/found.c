/* found.c - see found.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/found.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/files.h"
#include "core/base/cleanup.h"
#include "core/base/in_use.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define WAITS 1000		/* of 10 ms: for links of udev */

static int no_volume(const char *vol, struct bp_error *err)
{
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", vol);
}

/* ---- what is there ------------------------------------------------------------------ */

struct found_device *found_add(struct found *f)
{
	return array_add(f->all, f->n);
}

void found_done(struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->all[i].name);
		free(f->all[i].node);
		free(f->all[i].kind);
		free(f->all[i].problem);
	}
	free(f->all);
	blocks_names_done(&f->names);
	f->all = NULL;
	f->n = 0;
	f->looked = false;
}

int found_open(struct bp_pool *p, const struct found *how)
{
	struct found *f = mem_alloc(sizeof *f);

	*f = *how;
	p->priv = f;
	return 0;
}

void found_close(struct bp_pool *p)
{
	struct found *f = p->priv;

	if (f)
		found_done(f);
	free(steal(p->priv));
}

/* Once in a session, when it is needed first. */
static struct found *look(struct bp_pool *p, struct bp_error *err)
{
	struct found *f = p->priv;

	if (f->looked)
		return f;
	if (f->look(p, f, err) < 0) {
		found_done(f);
		return NULL;
	}
	blocks_names_read(&f->names, f->named ? NULL : p->def->target_path);
	f->looked = true;
	return f;
}

int found_space(struct bp_pool *p, struct bp_pool_space *ret, struct bp_error *err)
{
	const struct found *f = look(p, err);

	if (!f)
		return -1;
	*ret = (struct bp_pool_space){ 0 };
	for (size_t i = 0; i < f->n; i++)
		ret->capacity += f->all[i].size;
	ret->allocation = ret->capacity;
	return 0;
}

int found_check_unused(const struct found *f, bool (*skip)(const struct found_device *d),
		       struct bp_error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		auto_close int fd = -1;

		if (skip && skip(&f->all[i]))
			continue;
		fd = open(f->all[i].node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)	/* a dead one can be in use, too */
			fd = open(f->all[i].node, O_PATH | O_CLOEXEC);
		if (fd >= 0 && in_use_device(f->all[i].node, fd, err) < 0)
			return bp_within(err, "volume '%s'", f->all[i].name);
	}
	return 0;
}

/* ---- their names -------------------------------------------------------------------- */

int found_check_target(const struct bp_pool *p, struct bp_error *err)
{
	const char *target = p->def->target_path;

	return blocks_has_names(target) || strcmp(target, "/dev") == 0 ? 0 :
	       bp_fail_part(err, BP_INVALID, "target/path", "target path '%s' holds no names of "
			    "devices: it is /dev, or a directory below it such as "
			    "/dev/disk/by-path", target);
}

static bool all_named(const struct found *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!blocks_name_of(&f->names, f->all[i].dev))
			return false;
	return true;
}

void found_wait_for_names(const struct bp_pool *p, const struct found *how)
{
	cleanup(found_done) struct found f = *how;
	struct bp_error ignored = { 0 };

	if (!blocks_has_names(p->def->target_path) || !blocks_have_udev() ||
	    f.look(p, &f, &ignored) < 0)
		return;
	for (int i = 0; i < WAITS; i++) {
		blocks_names_done(&f.names);
		blocks_names_read(&f.names, p->def->target_path);
		if (all_named(&f))
			return;
		blocks_pause();
	}
}

/* ---- one of them -------------------------------------------------------------------- */

/* A volume described, and what its strings are in. */
struct shown {
	struct bp_vol_info info;
	char *key;
	char problem[400];
};

static void shown_done(struct shown *s)
{
	free(s->key);
	s->key = NULL;
}

static const char *path_of(const struct found *f, const struct found_device *d)
{
	const char *name = blocks_name_of(&f->names, d->dev);

	return name ? name : d->node;
}

static bool lacks_name(const struct found *f, const struct found_device *d)
{
	return blocks_has_names(f->names.target) && path_of(f, d) == d->node &&
	       !(starts_with(d->node, f->names.target));
}

/* What is wrong with it, the worst first. */
static void set_problem(const struct found *f, const struct found_device *d, struct shown *s)
{
	if (d->problem)
		snprintf(s->problem, sizeof s->problem, "%s", d->problem);
	else if (access(d->node, F_OK) < 0)
		snprintf(s->problem, sizeof s->problem, "has no device node '%s': %s", d->node,
			 strerror(errno));
	else if (lacks_name(f, d))
		snprintf(s->problem, sizeof s->problem, "has no name in '%s': '%s' may be another "
			 "disk after the next start", f->names.target, d->node);
	else
		return;
	s->info.problem = s->problem;
}

static void describe(const struct bp_pool *p, const struct found *f, const struct found_device *d,
		     unsigned want, struct shown *s)
{
	struct bp_vol_info *info = &s->info;

	shown_done(s);
	*info = (struct bp_vol_info){
		.got = BP_VOL_NAME | BP_VOL_SIZE | (want & BP_VOL_FORMAT), .type = BP_VOL_BLOCK,
		.name = d->name, .kind = d->kind, .capacity = d->size, .allocation = d->size,
		.physical = d->size,
	};
	if (want & BP_VOL_PATH) {
		info->path = path_of(f, d);
		s->key = f->key ? f->key(p, d) : NULL;
		info->key = s->key ? s->key : info->path;
		info->got |= BP_VOL_PATH;
	}
	if (want & BP_VOL_PERMS &&
	    files_get_perms(AT_FDCWD, d->node, 0, &info->perms, &info->times))
		info->got |= BP_VOL_PERMS;
	set_problem(f, d, s);
}

/* ---- all of them -------------------------------------------------------------------- */

struct walk {
	size_t next;
	unsigned want;
	struct shown shown;
};

int found_vols_open(struct bp_pool *p, unsigned want, void **ret, struct bp_error *err)
{
	struct walk *w;

	if (!look(p, err))
		return -1;
	w = mem_alloc(sizeof *w);
	w->want = want;
	*ret = w;
	return 0;
}

int found_vols_next(struct bp_pool *p, void *cursor, struct bp_vol_info *ret,
		    struct bp_error *err)
{
	struct found *f = p->priv;
	struct walk *w = cursor;

	(void)err;
	if (w->next >= f->n)
		return 0;
	describe(p, f, &f->all[w->next++], w->want, &w->shown);
	*ret = w->shown.info;
	return 1;
}

void found_vols_close(struct bp_pool *p, void *cursor)
{
	struct walk *w = cursor;

	(void)p;
	shown_done(&w->shown);
	free(w);
}

/* ---- by name, by path or key ---------------------------------------------------------- */

static const struct found_device *by_name(const struct found *f, const char *vol)
{
	for (size_t i = 0; f && i < f->n; i++)
		if (strcmp(f->all[i].name, vol) == 0)
			return &f->all[i];
	return NULL;
}

int found_vol_find(struct bp_pool *p, const char *vol, unsigned want, struct bp_vol_info **ret,
		   struct bp_error *err)
{
	cleanup(shown_done) struct shown shown = { 0 };
	const struct found *f = look(p, err);
	const struct found_device *d = by_name(f, vol);

	if (!f)
		return -1;
	if (!d)
		return no_volume(vol, err);
	describe(p, f, d, want, &shown);
	*ret = bp_vol_info_dup(&shown.info);
	return 0;
}

static bool is_key_of(const struct bp_pool *p, const struct found *f,
		      const struct found_device *d, const char *key)
{
	auto_free char *its = f->key ? f->key(p, d) : NULL;

	return its && strcmp(its, key) == 0;
}

/* A key has no slash.  To know it a device has to be asked, a path has not. */
int found_vol_of_path(struct bp_pool *p, const char *path, char **ret_vol, struct bp_error *err)
{
	bool is_path = strchr(path, '/');
	const struct found *f;

	if (is_path && !starts_with(path, "/dev/"))
		return no_volume(path, err);
	f = look(p, err);
	if (!f)
		return -1;
	for (size_t i = 0; i < f->n; i++) {
		const struct found_device *d = &f->all[i];

		if (is_path ? strcmp(path_of(f, d), path) != 0 && strcmp(d->node, path) != 0 :
			      !is_key_of(p, f, d, path))
			continue;
		*ret_vol = mem_dup(d->name);
		return 0;
	}
	return no_volume(path, err);
}

/* By the kernel's own name, which cannot lag behind; and a node may be left of another. */
int found_vol_open(struct bp_pool *p, const char *vol, enum bp_vol_access access,
		   struct bp_io **ret, struct bp_error *err)
{
	cleanup(io_closep) struct bp_io *io = NULL;
	const struct found *f = look(p, err);
	const struct found_device *d = by_name(f, vol);
	struct stat st;

	if (!f)
		return -1;
	if (!d)
		return no_volume(vol, err);
	if (blocks_open(d->node, access, &io, err) < 0)
		return -1;
	if (fstat(io->fd, &st) < 0 || st.st_rdev != d->dev)
		return bp_fail(err, BP_WRONG_STATE, "'%s' is not volume '%s' (any more); refresh "
			       "the pool", d->node, vol);
	*ret = steal(io);
	return 0;
}

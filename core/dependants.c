/* dependants.c - see dependants.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/dependants.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/json_text.h"
#include "core/base/mem.h"
#include "core/base/nowait.h"
#include "core/base/text.h"
#include "core/image_file.h"
#include "core/state.h"

#define NAMED 8		/* of many dependants so many are named */

#define JSON	   "json:"
#define JSON_DEPTH 8

/* What a name leads to: itself, and what is behind it if it is a link.  Names that stand in
 * images make nobody wait. */
struct place {
	struct stat name, file;
	bool there;			/* both are known */
};

struct asked {
	struct session *ses;
	const char *vol, *except;
	struct place place, spared;	/* of these two */
	bool by_name;			/* what is behind a link does not matter */
	struct dependants {
		struct text names;
		size_t n;
	} kinds[2];			/* by what it is to them */
};

enum { BACKING, DATA };

static struct place look_at(const char *path)
{
	struct place p = { .there = false };

	p.there = stat_now(AT_FDCWD, path, O_NOFOLLOW, &p.name) &&
		  stat_now(AT_FDCWD, path, 0, &p.file);
	return p;
}

/* The value of the first "filename" in "driver":"qcow2","file":{"filename":"/x"}, without the
 * brace before it. */
static const char *filename_in(char **at, unsigned depth)
{
	const char *name, *is = NULL;

	while (!is && (name = json_take_name(at))) {
		size_t len = strlen(name), word = strlen("filename");
		bool wanted = len >= word && strcmp(name + len - word, "filename") == 0;

		if (json_take(at, '{'))
			is = depth < JSON_DEPTH ? filename_in(at, depth + 1) : "";
		else if (json_peek(at) != '"')
			*at += strcspn(*at, ",}");
		else if (!(name = json_take_string(at)) || wanted)
			is = name ?: "";
		if (!is && !json_take(at, ','))
			break;
	}
	(void)json_take(at, '}');
	return is;
}

/* The file that a name in an image is of, where QEMU's words for it say no more than that. */
static struct place look_at_named(const char *name)
{
	auto_free char *text = NULL;
	const char *path = name;
	char *at;

	if (starts_with(name, IMAGE_FILE_WORD)) {
		path = name + strlen(IMAGE_FILE_WORD);
	} else if (starts_with(name, JSON)) {
		at = text = mem_dup(name + strlen(JSON));
		path = json_take(&at, '{') ? filename_in(&at, 0) : name;
	}
	return path ? look_at(path) : (struct place){ .there = false };
}

static struct place look_at_volume(const struct session *ses, const char *vol)
{
	auto_free char *path = mem_printf("%s/%s", ses->def->target_path ?: "", vol);

	return look_at(path);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return (a->st_mode & S_IFMT) != (b->st_mode & S_IFMT) ? false :
	       S_ISBLK(a->st_mode) ? a->st_rdev == b->st_rdev :
	       a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Is it there by this path?  Who takes a link away harms those who named the link. */
static bool is_there(const struct asked *a, const struct place *p)
{
	if (!a->place.there || !p->there)
		return false;
	if (same_file(&a->place.name, &p->name))
		return true;
	return (!a->by_name || !S_ISLNK(a->place.name.st_mode) || S_ISBLK(p->file.st_mode)) &&
	       (S_ISREG(p->file.st_mode) || S_ISBLK(p->file.st_mode)) &&
	       same_file(&a->place.file, &p->file);
}

static void asked_done(struct asked *a)
{
	text_done(&a->kinds[BACKING].names);
	text_done(&a->kinds[DATA].names);
}

static void found(struct dependants *d, const char *vol, const char *pool)
{
	if (d->n++ >= NAMED)
		return;
	text_addf(&d->names, "%s'%s'", d->names.len ? ", " : "", vol);
	if (pool)
		text_addf(&d->names, " of pool '%s'", pool);
}

/* ---- in its own pool -------------------------------------------------------------------- */

/* By this name, or as the same file by another: a link's. */
static bool is_it(const struct asked *a, const char *vol)
{
	struct place p;

	if (strcmp(vol, a->vol) == 0)
		return true;
	p = look_at_volume(a->ses, vol);
	return is_there(a, &p);
}

static bool is_store(const struct asked *a, const struct bp_backing *store)
{
	struct place p;

	if (!store || store->vol)
		return store && is_it(a, store->vol);
	p = look_at_named(store->path);
	return is_there(a, &p);
}

static void ask_here(struct asked *a, const struct bp_vol_info *info)
{
	if (strcmp(info->name, a->vol) == 0 ||
	    (a->except && strcmp(info->name, a->except) == 0))
		return;
	if (is_store(a, info->backing))
		found(&a->kinds[BACKING], info->name, NULL);
	if (is_store(a, info->data_store))
		found(&a->kinds[DATA], info->name, NULL);
}

static int find_here(struct asked *a, struct bp_error *err)
{
	struct session *ses = a->ses;
	struct bp_vol_info info;
	void *cursor;
	int r;

	if (!(ses->be->caps & BP_CAP_BACKING_FILES))
		return 0;
	if (ses->be->vols_open(&ses->pool, BP_VOL_BACKING, &cursor, err) < 0)
		return -1;
	while ((r = ses->be->vols_next(&ses->pool, cursor, &info, err)) > 0)
		ask_here(a, &info);
	ses->be->vols_close(&ses->pool, cursor);
	return r;
}

/* ---- in the others ------------------------------------------------------------------------ */

/* Volumes that were found already, by another name, are no others. */
static bool is_store_elsewhere(const struct asked *a, const struct session *ses, const char *vol,
			       const struct bp_backing *store)
{
	struct place p;

	if (!store)
		return false;
	p = look_at_named(store->path);
	if (!is_there(a, &p))
		return false;
	p = look_at_volume(ses, vol);
	return !p.there || !a->spared.there || !same_file(&p.file, &a->spared.file);
}

static void ask_elsewhere(void *arg, const struct session *ses, const struct bp_vol_info *info)
{
	struct asked *a = arg;

	if (is_store_elsewhere(a, ses, info->name, info->backing))
		found(&a->kinds[BACKING], info->name, ses->name);
	if (is_store_elsewhere(a, ses, info->name, info->data_store))
		found(&a->kinds[DATA], info->name, ses->name);
}

struct walk {
	struct bp_store *store;
	unsigned want;
	dependants_seen *seen;
	void *arg;
	struct place *dirs;		/* that have been walked */
	size_t n_dirs;
};

/* The same directory may be two pools'. */
static bool is_walked(struct walk *w, const struct session *ses)
{
	struct place dir = look_at(ses->def->target_path ?: "");

	for (size_t i = 0; dir.there && i < w->n_dirs; i++)
		if (same_file(&w->dirs[i].file, &dir.file))
			return true;
	if (dir.there)
		*array_add(w->dirs, w->n_dirs) = dir;
	return false;
}

/* What cannot be read is no reason to refuse. */
static void walk_in(struct walk *w, const char *pool)
{
	cleanup(session_close) struct session ses = SESSION_INIT;
	struct bp_error ignored = { 0 };
	struct bp_vol_info info;
	void *cursor;

	if (!pool_look(w->store, pool, &ses) || !ses.active || !ses.be ||
	    !(ses.be->caps & BP_CAP_BACKING_FILES) || session_is_remote(&ses) ||
	    is_walked(w, &ses) ||
	    (ses.be->pool_open && ses.be->pool_open(&ses.pool, &ignored) < 0))
		return;
	ses.connected = true;
	if (ses.be->vols_open(&ses.pool, w->want, &cursor, &ignored) < 0)
		return;
	while (ses.be->vols_next(&ses.pool, cursor, &info, &ignored) > 0)
		w->seen(w->arg, &ses, &info);
	ses.be->vols_close(&ses.pool, cursor);
}

int dependants_elsewhere(const struct session *ses, unsigned want, dependants_seen *seen,
			 void *arg, struct bp_error *err)
{
	struct walk w = { .store = ses->store, .want = want, .seen = seen, .arg = arg };
	char **pools = NULL;
	size_t n = 0;

	if (state_names(w.store, &pools, &n, err) < 0)
		return -1;
	(void)is_walked(&w, ses);
	for (size_t i = 0; i < n; i++)
		if (strcmp(pools[i], ses->name) != 0)
			walk_in(&w, pools[i]);
	state_names_free(pools, n);
	free(w.dirs);
	return 0;
}

/* ---- asked -------------------------------------------------------------------------------- */

/* "volume 'base' is the backing store of volumes 'a', 'b'" */
static void say(const struct dependants *d, const char *what, struct text *t)
{
	if (!d->n)
		return;
	text_addf(t, "%s %s volume%s %s", t->len ? " and" : "", what, d->n > 1 ? "s" : "",
		  d->names.s);
	if (d->n > NAMED)
		text_addf(t, " and %zu others", d->n - NAMED);
}

static int ask(struct asked *a, struct bp_error *err)
{
	cleanup(text_done) struct text whose = { 0 };

	a->place = look_at_volume(a->ses, a->vol);
	if (find_here(a, err) < 0 ||
	    (a->place.there &&
	     dependants_elsewhere(a->ses, BP_VOL_BACKING, ask_elsewhere, a, err) < 0))
		return -1;
	say(&a->kinds[BACKING], "is the backing store of", &whose);
	say(&a->kinds[DATA], "has the data of", &whose);
	if (!whose.len)
		return 0;
	bp_fail(err, BP_BUSY, "volume '%s'%s, which would %s", a->vol, whose.s,
		a->by_name ? "be lost with it" : "change with it");
	snprintf(err->part, sizeof err->part, a->kinds[BACKING].n ? "backingStore" : "dataStore");
	return -1;
}

int dependants_spared(struct session *ses, const char *vol, enum dependants_harm harm,
		      const char *except, unsigned flags, struct bp_error *err)
{
	cleanup(asked_done) struct asked a = {
		.ses = ses, .vol = vol, .except = except, .by_name = harm == DEPENDANTS_LOSE_IT,
	};

	if (flags & BP_VOL_FORCE_BACKING)
		return 0;
	if (except)
		a.spared = look_at_volume(ses, except);
	return ask(&a, err);
}

int dependants_spared_but(struct session *ses, const char *vol, const struct session *owner_ses,
			  const char *owner, unsigned flags, struct bp_error *err)
{
	cleanup(asked_done) struct asked a = { .ses = ses, .vol = vol };

	if (ses == owner_ses)
		return dependants_spared(ses, vol, DEPENDANTS_SEE_IT, owner, flags, err);
	if (flags & BP_VOL_FORCE_BACKING)
		return 0;
	a.spared = look_at_volume(owner_ses, owner);
	return ask(&a, err);
}

/* The volume of the pool that a request names as a backing store, or NULL. */
static char *volume_named(struct session *ses, const struct bp_backing *backing)
{
	auto_free char *tidy = backing ? bp_path_tidy(backing->path) : NULL;
	auto_free char *path = NULL;
	struct bp_error ignored = { 0 };
	char *vol = NULL;

	if (!tidy || !ses->be->vol_of_path)
		return NULL;
	path = *tidy == '/' || !ses->def->target_path ? mem_dup(tidy) :
	       mem_printf("%s/%s", ses->def->target_path, tidy);
	if (ses->be->vol_of_path(&ses->pool, path, &vol, &ignored) < 0)
		return NULL;
	return vol;
}

int dependants_lock_new(struct session *ses, const struct bp_vol_spec *spec,
			struct bp_error *err)
{
	auto_free char *below = volume_named(ses, spec->backing);
	int order = below ? session_lock_order(ses, below, spec->name) : 0;

	if (order < 0 && session_lock_volume(ses, below, LOCK_SHARED, err) < 0)
		return -1;
	if (session_lock_volume(ses, spec->name, LOCK_ALONE, err) < 0)
		return -1;
	return order > 0 ? session_lock_volume(ses, below, LOCK_SHARED, err) : 0;
}

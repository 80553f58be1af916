/* dependants.c - see dependants.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/dependants.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define NAMED 8		/* of many dependants so many are named */

struct asked {
	const struct session *ses;
	const char *vol, *except;
	bool has_file;
	struct stat file;		/* what is behind its name */
};

static bool look_at_file(const struct session *ses, const char *vol, bool link_too,
			 struct stat *ret)
{
	auto_free char *path = mem_printf("%s/%s", ses->def->target_path ?: "", vol);

	return (link_too ? lstat(path, ret) : stat(path, ret)) == 0 && S_ISREG(ret->st_mode);
}

/* By this name, or as the same file by another: a link's. */
static bool is_it(const struct asked *a, const char *vol)
{
	struct stat st;

	return strcmp(vol, a->vol) == 0 ||
	       (a->has_file && look_at_file(a->ses, vol, false, &st) &&
		st.st_dev == a->file.st_dev && st.st_ino == a->file.st_ino);
}

static bool depends(const struct asked *a, const struct bp_vol_info *info)
{
	return info->backing && info->backing->vol && strcmp(info->name, a->vol) != 0 &&
	       (!a->except || strcmp(info->name, a->except) != 0) &&
	       is_it(a, info->backing->vol);
}

static int find(struct session *ses, const struct asked *a, struct text *ret_names, size_t *ret_n,
		struct bp_error *err)
{
	struct bp_vol_info info;
	void *cursor;
	int r;

	if (ses->be->vols_open(&ses->pool, BP_VOL_BACKING, &cursor, err) < 0)
		return -1;
	while ((r = ses->be->vols_next(&ses->pool, cursor, &info, err)) > 0)
		if (depends(a, &info) && (*ret_n)++ < NAMED)
			text_addf(ret_names, "%s'%s'", ret_names->len ? ", " : "", info.name);
	ses->be->vols_close(&ses->pool, cursor);
	return r;
}

int dependants_spared(struct session *ses, const char *vol, enum dependants_harm harm,
		      const char *except, unsigned flags, struct bp_error *err)
{
	cleanup(text_done) struct text names = { 0 };
	struct asked a = { .ses = ses, .vol = vol, .except = except };
	size_t n = 0;

	if (!(ses->be->caps & BP_CAP_BACKING_FILES) || flags & BP_VOL_FORCE_BACKING)
		return 0;
	a.has_file = look_at_file(ses, vol, harm == DEPENDANTS_LOSE_IT, &a.file);
	if (find(ses, &a, &names, &n, err) < 0)
		return -1;
	if (!n)
		return 0;
	if (n > NAMED)
		text_addf(&names, " and %zu others", n - NAMED);
	bp_fail(err, BP_BUSY, "volume '%s' is the backing store of volume%s %s, which would %s",
		vol, n > 1 ? "s" : "", names.s,
		harm == DEPENDANTS_LOSE_IT ? "be lost with it" : "change with it");
	snprintf(err->part, sizeof err->part, "backingStore");
	return -1;
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

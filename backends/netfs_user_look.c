/* netfs_user_look.c - a volume that is a file on a server: what it is. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/files.h"
#include "backends/netfs_user.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/image/image.h"

/* ---- one volume ----------------------------------------------------------------------- */

void user_volume_done(struct user_volume *v)
{
	free(v->name);
	free(v->url);
	free(v->problem);
	free(v->format);
	bp_backing_done(&v->backing);
	bp_backing_done(&v->data_store);
	*v = (struct user_volume){ 0 };
}

static void set_problem(struct user_volume *v, const char *what)
{
	free(v->problem);
	v->info.problem = v->problem = mem_dup(what);
}

/* As it is written; what is no URL is beside the volume. */
static const struct bp_backing *set_named(struct bp_pool *p, char **name, const char *format,
					  struct bp_backing *b)
{
	bool is_name = **name != '/' && !files_has_protocol(*name);
	char *vol = is_name ? mem_dup(*name) : user_name_of(p, *name);

	b->path = is_name ? user_url(p, *name) : steal(*name);
	b->vol = vol && user_name_is_good(vol) ? steal(vol) : NULL;
	free(vol);
	b->format = mem_dup(format);
	return b;
}

static void set_image(struct bp_pool *p, struct bp_image_info *image, struct user_volume *v)
{
	files_tell_image(&v->info, &v->encryption, image);
	if (image->backing)
		v->info.backing = set_named(p, &image->backing, image->backing_format, &v->backing);
	if (image->data_file)
		v->info.data_store = set_named(p, &image->data_file, "raw", &v->data_store);
}

/* 0: it has gone meanwhile. */
static int probe(struct bp_pool *p, const char *name, struct user_coming *coming,
		 struct user_volume *v)
{
	cleanup(bp_image_info_done) struct bp_image_info image = { 0 };
	cleanup(io_closep) struct bp_io *io = user_io_end(coming);
	auto_free char *url = user_url(p, name);
	struct bp_error err = { 0 };

	if (!io && user_io_open(p, name, url, O_RDONLY, &io, &err) < 0) {
		if (err.sys == ENOENT || err.sys == ELOOP)
			return 0;
		set_problem(v, err.text);
		return 1;
	}
	if (bp_image_probe(io, &image, &err) < 0)
		set_problem(v, err.text);
	else if (image.damage)
		set_problem(v, image.damage);
	if (image.format)
		set_image(p, &image, v);
	return 1;
}

static struct timespec when(uint64_t seconds, uint64_t nsec)
{
	return (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)nsec };
}

static void set_perms(const struct nfs_stat_64 *st, struct bp_vol_info *info)
{
	info->got |= BP_VOL_PERMS;
	info->perms = (struct bp_perms){
		.has_mode = true, .has_uid = true, .has_gid = true,
		.mode = st->nfs_mode & 07777, .uid = (uid_t)st->nfs_uid, .gid = (gid_t)st->nfs_gid,
	};
	info->times = (struct bp_times){
		.atime = when(st->nfs_atime, st->nfs_atime_nsec),
		.mtime = when(st->nfs_mtime, st->nfs_mtime_nsec),
		.ctime = when(st->nfs_ctime, st->nfs_ctime_nsec),
	};
}

bool user_describe(struct bp_pool *p, const char *name, const struct nfs_stat_64 *st,
		   unsigned want, struct user_coming *coming, struct user_volume *v)
{
	struct bp_vol_info *info = &v->info;
	bool is_dir = S_ISDIR(st->nfs_mode);

	user_volume_done(v);
	if (!user_name_is_good(name) || (!is_dir && !S_ISREG(st->nfs_mode)))
		return false;
	v->name = mem_dup(name);
	*info = (struct bp_vol_info){
		.got = BP_VOL_NAME, .name = v->name,
		.type = is_dir ? BP_VOL_NETDIR : BP_VOL_NETWORK,
	};
	if (want & BP_VOL_PATH) {
		info->got |= BP_VOL_PATH;
		info->path = info->key = v->url = user_url(p, name);
	}
	if (want & (BP_VOL_SIZE | BP_VOL_FORMAT) && !is_dir) {
		info->capacity = info->physical = st->nfs_size;
		info->allocation = st->nfs_used || user_of(p)->version == 3 ? st->nfs_used :
				   st->nfs_size;	/* old libraries do not ask for it */
	}
	info->got |= want & BP_VOL_SIZE;
	if (want & BP_VOL_PERMS)
		set_perms(st, info);
	if (is_dir && want & BP_VOL_FORMAT) {
		info->got |= BP_VOL_FORMAT;
		info->format = "dir";
	}
	return is_dir || !(want & (BP_VOL_FORMAT | BP_VOL_BACKING)) ||
	       probe(p, name, coming, v);
}

int user_no_volume(const char *text, struct bp_error *err)
{
	return bp_fail(err, BP_NO_VOL, "no storage vol with matching path '%s'", text);
}

/* survey.c - see survey.h; and sources of types whose source is one device. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/guard.h"
#include "core/model/pool_type.h"
#include "core/base/system_disk.h"

void bp_content_done(struct bp_content *content)
{
	free(content->type);
	free(content->label);
	free(content->uuid);
}

/* ---- the walk ---------------------------------------------------------------------------- */

/* Whoever owns a library that can look at a device. */
static const struct bp_backend *who_can_look(void)
{
	static const char *const types[] = { "disk", "fs" };

	for (size_t i = 0; i < array_size(types); i++) {
		struct bp_error ignored = { 0 };
		const struct bp_backend *be = bp_backend_present(types[i]) ?
					      bp_backend_find(types[i], &ignored) : NULL;

		if (be && be->device_content)
			return be;
	}
	return NULL;
}

void survey_open(struct survey *s)
{
	*s = (struct survey){ .disk_fd = -1 };
	s->be = who_can_look();
	s->list = device_list();
	s->users = device_users();
	s->disks = system_disks();
}

void survey_close(struct survey *s)
{
	closep(&s->disk_fd);
	device_list_done(&s->list);
	device_users_done(&s->users);
	system_disks_done(&s->disks);
}

/* A descriptor that never waits: for a medium, a carrier, a lock. */
static int open_device(const char *path)
{
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Whoever changes partitions has the disk locked, and minds when somebody else has one of
 * them open: as udev does, we stay away, and keep others away as long as we look. */
static bool lock_disk(struct survey *s, const struct device *d)
{
	const struct device *disk = device_list_find(&s->list, d->disk);

	if (!disk)
		return true;
	if (s->disk_fd < 0 || s->disk != disk->dev) {
		closep(&s->disk_fd);
		s->disk_fd = open_device(disk->path);
		s->disk = disk->dev;
	}
	return s->disk_fd < 0 || flock(s->disk_fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

int survey_content(struct survey *s, const struct device *d, struct bp_content *ret,
		   struct bp_error *err)
{
	auto_close int fd = -1;
	struct stat st;

	if (d->problem)
		return bp_fail(err, BP_BUSY, "%s", d->problem);
	if (!s->be)
		return bp_fail(err, BP_UNSUPPORTED, "nothing in this build can look at it");
	if (!lock_disk(s, d))
		return bp_fail(err, BP_BUSY, "somebody is changing it at this moment");
	fd = open_device(d->path);
	if (fd < 0)
		return bp_fail_sys(err, errno, "cannot open '%s'", d->path);
	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != d->dev)
		return bp_fail(err, BP_CORRUPT, "'%s' is another device", d->path);
	return s->be->device_content(fd, d->path, ret, err);
}

const struct device_user *survey_user(const struct survey *s, const struct device *d)
{
	const struct device_user *user = device_user_of(&s->users, d->dev);

	if (!user)
		user = device_user_of(&s->users, d->disk);
	for (size_t i = 0; !user && i < s->list.n; i++)
		if (s->list.devices[i].disk == d->dev)
			user = device_user_of(&s->users, s->list.devices[i].dev);
	return user;
}

/* Whole disks that hold the system have no other use, even if nothing of it is mounted now;
 * what device-mapper makes is somebody's volume. */
const char *survey_format(const struct survey *s, const struct device *d,
			  const struct bp_content *content, const struct bp_backend *be)
{
	bool disk = strcmp(d->kind, "partition") != 0 && strcmp(d->kind, "dm") != 0;

	if (!be->source_format || d->read_only || (content->table && !disk) ||
	    (d->dev == d->disk && system_disk_holds(&s->disks, d->disk)) ||
	    (!d->empty && !content->table))
		return NULL;
	return be->source_format(content, disk);
}

/* ---- sources --------------------------------------------------------------------------------- */

static dev_t device_at(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode) ? st.st_rdev : 0;
}

static int check_hint(const struct bp_backend *be, const struct bp_pool_source *hint,
		      struct bp_error *err)
{
	if (hint->n_hosts)
		return bp_fail(err, BP_INVALID, "pools of type '%s' have their source on this "
			       "host, not on '%s'", be->type, hint->hosts[0].name);
	for (size_t i = 0; i < hint->n_devices; i++)
		if (!device_at(hint->devices[i].path))
			return bp_fail(err, BP_INVALID, "there is no block device '%s'",
				       hint->devices[i].path);
	return 0;
}

/* Of the devices hinted at, or their partitions? */
static bool is_meant(const struct device *d, const struct bp_pool_source *hint)
{
	for (size_t i = 0; hint && i < hint->n_devices; i++) {
		dev_t dev = device_at(hint->devices[i].path);

		if (dev == d->dev || dev == d->disk)
			return true;
	}
	return !hint || !hint->n_devices;
}

/* What cannot be read now may be readable the next time, and is nobody's source until then. */
static const char *format_on(struct survey *s, const struct device *d,
			     const struct bp_backend *be)
{
	struct bp_content content = { 0 };
	struct bp_error ignored = { 0 };
	const char *format = NULL;

	if (!d->problem && !survey_user(s, d) && survey_content(s, d, &content, &ignored) == 0)
		format = survey_format(s, d, &content, be);
	bp_content_done(&content);
	return format;
}

/* The format a hint has without being told one asks for nothing. */
static bool is_wanted(const struct bp_backend *be, const struct bp_pool_source *hint,
		      const char *format)
{
	const char *usual = bp_pool_type_find(be->type)->source_format;

	return !hint || !hint->format || (usual && strcmp(hint->format, usual) == 0) ||
	       strcmp(hint->format, format) == 0;
}

/* It, its disk, or a partition of it: no second pool could be defined. */
static bool is_of_pool(const struct survey *s, const struct device *d,
		       const struct pool_devices *pools)
{
	for (size_t i = 0; i < pools->n; i++) {
		const struct device *of = device_list_find(&s->list, pools->devices[i].dev);

		if (of && (of->dev == d->dev || of->dev == d->disk || of->disk == d->dev))
			return true;
	}
	return false;
}

int survey_sources(struct bp_store *store, const struct bp_backend *be,
		   const struct bp_pool_source *hint, struct bp_pool_source **ret, size_t *ret_n,
		   struct bp_error *err)
{
	cleanup(survey_close) struct survey s = { .disk_fd = -1 };
	cleanup(pool_devices_done) struct pool_devices pools = { 0 };
	struct bp_pool_source *all = NULL;
	size_t n = 0;

	if ((hint && check_hint(be, hint, err) < 0) ||
	    (store && (store_look(store, err) < 0 || pool_devices(store, &pools, err) < 0)))
		return -1;
	survey_open(&s);
	for (size_t i = 0; i < s.list.n; i++) {
		const struct device *d = &s.list.devices[i];
		const char *format = is_meant(d, hint) && !is_of_pool(&s, d, &pools) ?
				     format_on(&s, d, be) : NULL;
		struct bp_pool_source *src;

		if (!format || !is_wanted(be, hint, format))
			continue;
		src = array_add(all, n);
		src->format = mem_dup(format);
		array_add(src->devices, src->n_devices)->path = mem_dup(d->link ? d->link :
									  d->path);
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

/* discover.c - everything on this host that is a pool, or could be one. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/guard.h"
#include "core/secret.h"
#include "core/state.h"
#include "core/survey.h"

#define TARGETS "/var/lib/libvirt/images"	/* where libvirt's tools would put it */

struct discovery {
	struct bp_store *store;
	struct survey survey;
	struct pool_devices pools;
	const struct bp_backend *fs, *disk, *logical;	/* NULL: not in this build */
	dev_t only;				/* the device meant, or 0 */
	const char *group;			/* the volume group meant, or NULL */
	bool members;				/* parts of volume groups were seen */
	struct bp_found *found;
	size_t n;
};

void bp_found_free(struct bp_found *found, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct bp_found *f = &found[i];

		free(f->path);
		free(f->link);
		free(f->content);
		free(f->label);
		free(f->uuid);
		free(f->used);
		free(f->pool);
		free(f->problem);
		bp_pool_def_free(f->def);
	}
	free(found);
}

static void discovery_done(struct discovery *d)
{
	bp_found_free(d->found, d->n);
	pool_devices_done(&d->pools);
	survey_close(&d->survey);
}

/* ---- what it could be ---------------------------------------------------------------------- */

static bool is_taken(const struct discovery *d, const char *name)
{
	if (state_has(d->store, STATE_CONFIG, name) || state_has(d->store, STATE_RUN, name))
		return true;
	for (size_t i = 0; i < d->n; i++)
		if (d->found[i].def && strcmp(d->found[i].def->name, name) == 0)
			return true;
	return false;
}

/* Only what needs no quoting anywhere. */
static bool is_plain(const char *name)
{
	return name && *name && *name != '-' && *name != '.' && strlen(name) <= 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       strlen(name);
}

static char *free_name(const struct discovery *d, const char *label, const char *path)
{
	const char *last = strrchr(path, '/'), *usual = is_plain(label) ? label :
							 last ? last + 1 : path;
	char *name = mem_dup(is_plain(usual) ? usual : "pool");

	for (unsigned i = 2; is_taken(d, name); i++) {
		free(name);
		name = mem_printf("%s-%u", is_plain(usual) ? usual : "pool", i);
	}
	return name;
}

static struct bp_pool_def *new_def(const struct discovery *d, const char *type,
				   const struct bp_found *f)
{
	struct bp_pool_def *def = bp_pool_def_new();

	def->type = mem_dup(type);
	def->name = free_name(d, f->label, f->path);
	return def;
}

/* What is mounted already is best left where it is. */
static struct bp_pool_def *as_pool(const struct discovery *d, const struct bp_found *f,
				   const char *type, const char *format, const char *target)
{
	struct bp_pool_def *def = new_def(d, type, f);
	struct bp_pool_source *src = &def->source;

	array_add(src->devices, src->n_devices)->path = mem_dup(f->link ? f->link : f->path);
	src->format = mem_dup(format);
	def->target_path = strcmp(type, "disk") == 0 ? mem_dup("/dev") :
			   target ? mem_dup(target) : mem_printf(TARGETS "/%s", def->name);
	return def;
}

static const char *format_for(const struct discovery *d, const struct device *dev,
			      const struct bp_content *content, const struct bp_backend *be)
{
	return be ? survey_format(&d->survey, dev, content, be) : NULL;
}

/* What the firmware starts the system from is not always mounted. */
static bool is_of_firmware(const struct bp_found *f)
{
	return f->of_system && f->content && strcmp(f->content, "vfat") == 0;
}

/* A mounted file system could be a pool as it is; a whole disk only if nobody uses any of it.
 * On an empty partition a file system could be made. */
static struct bp_pool_def *could_be(const struct discovery *d, const struct device *dev,
				    const struct bp_content *content, const struct bp_found *f,
				    const struct device_user *user)
{
	const char *mount = user && user->dev == dev->dev ? user->mount : NULL, *format;
	bool partition = strcmp(f->kind, "partition") == 0;

	if (f->pool || f->problem || (user && !mount) || (mount && system_dir(mount)) ||
	    is_of_firmware(f))
		return NULL;
	format = format_for(d, dev, content, d->fs);
	if (format)
		return as_pool(d, f, "fs", format, mount);
	format = user ? NULL : format_for(d, dev, content, d->disk);
	if (format)
		return as_pool(d, f, "disk", format, NULL);
	if (user || !partition || f->content || !d->fs || dev->read_only || f->of_system)
		return NULL;
	return as_pool(d, f, "fs", "ext4", NULL);
}

/* ---- devices --------------------------------------------------------------------------------- */

/* Whose source it is, or whose disk it is a partition of. */
static const struct pool_device *pool_of(const struct discovery *d, const struct device *dev)
{
	const struct pool_device *of_disk = NULL;

	for (size_t i = 0; i < d->pools.n; i++) {
		const struct pool_device *p = &d->pools.devices[i];

		if (p->dev == dev->dev)
			return p;
		if (p->dev == dev->disk && !of_disk)	/* as it runs comes first */
			of_disk = p;
	}
	return of_disk;
}

/* "mounted on '/srv', pool 'data'".  Of a disk it may be a partition that is used. */
static char *used_by(const struct device *dev, const struct device_user *user,
		     const struct pool_device *pool)
{
	struct text t = { 0 };

	if (user && user->dev == dev->disk && dev->dev != dev->disk)
		text_add(&t, "its disk is ");
	if (user)
		text_add(&t, user->dev == dev->dev || user->dev == dev->disk ? user->text :
			     "its partitions");
	if (pool)
		text_addf(&t, "%s%s '%s'", user ? ", " : "",
			  pool->dev == dev->dev ? "pool" : "partition of pool", pool->pool);
	return t.len ? text_steal(&t) : NULL;
}

/* Of what is mounted the kernel has told what it is. */
static void read_content(struct discovery *d, const struct device *dev,
			 const struct device_user *user, struct bp_content *ret,
			 char **ret_problem)
{
	struct bp_error why = { 0 };

	if (survey_content(&d->survey, dev, ret, &why) == 0)
		return;
	if (user && user->dev == dev->dev && user->type) {
		ret->type = mem_dup(user->type);
		ret->filesystem = true;
		return;
	}
	*ret_problem = mem_dup(why.text);
}

static void add_device(struct discovery *d, const struct device *dev)
{
	const struct device_user *user = survey_user(&d->survey, dev);
	const struct pool_device *pool = pool_of(d, dev);
	struct bp_content content = { 0 };
	struct bp_found f = {
		.path = mem_dup(dev->path), .link = mem_dup(dev->link), .kind = dev->kind,
		.size = dev->size, .used = used_by(dev, user, pool),
		.of_system = system_disk_holds(&d->survey.disks, dev->disk),
		.pool = mem_dup(pool ? pool->pool : NULL), .pool_active = pool && pool->active,
	};

	read_content(d, dev, user, &content, &f.problem);
	f.content = content.type;
	f.label = content.label;
	f.uuid = content.uuid;
	f.def = could_be(d, dev, &content, &f, user);
	d->members = d->members || (f.content && strcmp(f.content, "LVM2_member") == 0);
	*array_add(d->found, d->n) = f;
}

/* ---- volume groups, and pools on other things ------------------------------------------ */

static void add_group(struct discovery *d, struct bp_pool_source *src)
{
	struct bp_found f = { .path = mem_dup(src->name), .kind = "volume group" };
	char **names = NULL;
	struct bp_error ignored = { 0 };
	size_t n = 0;

	if (state_names(d->store, &names, &n, &ignored) < 0)
		n = 0;
	for (size_t i = 0; i < n && !f.pool; i++) {
		cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
		struct bp_error unreadable = { 0 };
		bool active = state_has(d->store, STATE_RUN, names[i]);

		if (state_load(d->store, active ? STATE_RUN : STATE_CONFIG, names[i], &def,
			       &unreadable) < 0 ||
		    strcmp(def->type, "logical") != 0 || strcmp(def->source.name, src->name) != 0)
			continue;
		f.pool = mem_dup(names[i]);
		f.pool_active = active;
		f.used = mem_printf("pool '%s'", names[i]);
	}
	state_names_free(names, n);
	if (!f.pool) {
		f.def = new_def(d, "logical", &f);
		f.def->source = *src;
		*src = (struct bp_pool_source){ 0 };
	}
	*array_add(d->found, d->n) = f;
}

/* LVM reads every device, and would wait for one that does not answer. */
static const struct device *silent_device(const struct discovery *d)
{
	for (size_t i = 0; i < d->survey.list.n; i++)
		if (d->survey.list.devices[i].problem)
			return &d->survey.list.devices[i];
	return NULL;
}

static int no_groups(struct discovery *d, const struct device *silent, struct bp_error *err)
{
	struct bp_found *f;

	if (d->group)
		return bp_fail(err, BP_BUSY, "cannot look for volume groups because of '%s': %s",
			       silent->path, silent->problem);
	f = array_add(d->found, d->n);
	f->path = mem_dup("-");
	f->kind = "volume group";
	f->problem = mem_printf("not looked for because of '%s': %s", silent->path,
				silent->problem);
	return 0;
}

static int add_groups(struct discovery *d, struct bp_error *err)
{
	const struct device *silent = silent_device(d);
	struct bp_pool_source *sources = NULL;
	const struct bp_secrets secrets = secrets_of(d->store);
	struct bp_error ignored = { 0 };
	size_t n = 0;

	if (!d->logical || !d->logical->sources_find || (!d->members && !d->group))
		return 0;
	if (silent)
		return no_groups(d, silent, err);
	if (d->logical->sources_find(NULL, d->store->limit, &secrets, &sources, &n, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (sources[i].name && (!d->group || strcmp(d->group, sources[i].name) == 0))
			add_group(d, &sources[i]);
	bp_sources_free(sources, n);
	return 0;
}

static bool is_told(const struct discovery *d, const char *pool)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->found[i].pool && strcmp(d->found[i].pool, pool) == 0)
			return true;
	return false;
}

static int add_pools(struct discovery *d, struct bp_error *err)
{
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	struct bp_pool_info info;
	int r = bp_pools_open(d->store, 0, NULL, &it, err);

	while (r >= 0 && (r = bp_pools_next(it, &info, err)) > 0) {
		cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
		struct bp_error unreadable = { 0 };
		struct bp_found *f;

		if (is_told(d, info.name))
			continue;
		(void)bp_pool_get_def(d->store, info.name, 0, &def, &unreadable);
		f = array_add(d->found, d->n);
		*f = (struct bp_found){
			.path = mem_dup(def && def->target_path ? def->target_path : "-"),
			.kind = def ? bp_pool_type_find(def->type)->name : "pool",
			.used = mem_printf("pool '%s'", info.name), .pool = mem_dup(info.name),
			.pool_active = info.state != BP_POOL_INACTIVE &&
				       info.state != BP_POOL_INACCESSIBLE,
			.problem = mem_dup(info.problem),
		};
	}
	return r;
}

/* ---- all of it ---------------------------------------------------------------------- */

static const struct bp_backend *type_here(const char *type)
{
	struct bp_error ignored = { 0 };

	return bp_backend_present(type) ? bp_backend_find(type, &ignored) : NULL;
}

static int find_meant(struct discovery *d, const char *source, struct bp_error *err)
{
	struct stat st;

	if (!source)
		return 0;
	if (*source != '/') {
		d->group = source;
		return 0;
	}
	if (stat(source, &st) < 0)
		return bp_fail_sys(err, errno, "cannot find device '%s'", source);
	if (!S_ISBLK(st.st_mode))
		return bp_fail(err, BP_INVALID, "'%s' is no block device", source);
	d->only = st.st_rdev;
	return 0;
}

static int look(struct discovery *d, struct bp_error *err)
{
	const struct device_list *list = &d->survey.list;

	if (pool_devices(d->store, &d->pools, err) < 0)
		return -1;
	d->fs = type_here("fs");
	d->disk = type_here("disk");
	d->logical = type_here("logical");
	for (size_t i = 0; !d->group && i < list->n; i++)
		if (!d->only || list->devices[i].dev == d->only ||
		    list->devices[i].disk == d->only)
			add_device(d, &list->devices[i]);
	if (!d->only && add_groups(d, err) < 0)
		return -1;
	return d->only || d->group ? 0 : add_pools(d, err);
}

int bp_discover(struct bp_store *s, const char *source, struct bp_found **ret, size_t *ret_n,
		struct bp_error *err)
{
	cleanup(discovery_done) struct discovery d = { .store = s, .survey = { .disk_fd = -1 } };

	if (store_look(s, err) < 0 || find_meant(&d, source, err) < 0)
		return -1;
	survey_open(&d.survey);
	if (look(&d, err) < 0)
		return -1;
	if (source && !d.n)
		return bp_fail(err, BP_FAILED, "there is no %s '%s', or nothing could be on it",
			       d.group ? "volume group" : "device", source);
	*ret = steal(d.found);
	*ret_n = d.n;
	d.n = 0;
	return 0;
}

/* validate.c - names, UUIDs and sources that are somebody else's. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/validate.h"

#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/guard.h"
#include "core/state.h"

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool is(const struct bp_pool_def *d, const char *type)
{
	return strcmp(d->type, type) == 0;
}

/* One place under two names (a link, "./d1", by-id and sdb) is one source. */
static bool same_place(const char *a, const char *b)
{
	struct stat x, y;

	if (same(a, b))
		return true;
	if (!a || !b || stat(a, &x) < 0 || stat(b, &y) < 0)
		return false;
	if (S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode))
		return x.st_rdev == y.st_rdev;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool same_target(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	return same_place(a->target_path, b->target_path);
}

static bool same_devices(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	for (size_t i = 0; i < a->source.n_devices; i++)
		for (size_t j = 0; j < b->source.n_devices; j++) {
			auto_free char *x = guard_device(a, i), *y = guard_device(b, j);

			if (same_place(x, y) || same(a->source.devices[i].path,
						     b->source.devices[j].path))
				return true;
		}
	return false;
}

static bool same_host(const struct bp_pool_def *new, const struct bp_pool_def *old)
{
	const struct bp_host *a = new->source.hosts, *b = old->source.hosts;

	return new->source.n_hosts == 1 && old->source.n_hosts == 1 && same(a->name, b->name) &&
	       (!a->port || a->port == b->port);
}

static bool same_name(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	return same(a->source.name, b->source.name);
}

static bool same_export(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	return same(a->source.dir, b->source.dir) && same_host(a, b);
}

static bool same_gluster(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	return same_name(a, b) && same_export(a, b);
}

static bool same_target_iqn(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	bool initiator = same(a->source.initiator, b->source.initiator) ||
			 (!a->source.initiator && !b->source.initiator);

	for (size_t i = 0; initiator && i < a->source.n_devices; i++)
		for (size_t j = 0; j < b->source.n_devices; j++)
			if (same(a->source.devices[i].path, b->source.devices[j].path))
				return true;
	return false;
}

/* "hostN" and "scsi_hostN" are one. */
static const char *host_word(const char *name)
{
	return name && strncmp(name, "scsi_", 5) == 0 ? name + 5 : name;
}

static bool same_adapter(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	const struct bp_adapter *x = a->source.adapter, *y = b->source.adapter;

	if (!x || !y)
		return false;
	if (x->wwnn && y->wwnn)
		return same(x->wwnn, y->wwnn) && same(x->wwpn, y->wwpn);
	if (x->has_address && y->has_address)
		return x->unique_id == y->unique_id && x->domain == y->domain && x->bus == y->bus &&
		       x->slot == y->slot && x->function == y->function;
	return same(host_word(x->wwnn ? x->parent : x->name),
		    host_word(y->wwnn ? y->parent : y->name));
}

static bool always(const struct bp_pool_def *a, const struct bp_pool_def *b)
{
	(void)a;
	(void)b;
	return true;
}

/* Types in one family are compared with each other. */
static const struct source_rule {
	const char *type, *family;
	bool (*same)(const struct bp_pool_def *new, const struct bp_pool_def *old);
} rules[] = {
	{ "dir",      "dir",	  same_target },
	{ "netfs",    "netfs",	  same_export },
	{ "gluster",  "gluster",  same_gluster },
	{ "fs",	      "devices",  same_devices },
	{ "logical",  "devices",  same_devices },
	{ "disk",     "devices",  same_devices },
	{ "zfs",      "devices",  same_devices },
	{ "iscsi",    "iscsi",	  same_target_iqn },
	{ "scsi",     "scsi",	  same_adapter },
	{ "mpath",    "mpath",	  always },
	{ "vstorage", "vstorage", same_name },
	{ "sheepdog", "sheepdog", same_host },
};

static const struct source_rule *rule_of(const struct bp_pool_def *def)
{
	for (size_t i = 0; i < array_size(rules); i++)
		if (is(def, rules[i].type))
			return &rules[i];
	return NULL;
}

static bool same_source(const struct bp_pool_def *new, const struct bp_pool_def *old)
{
	const struct source_rule *a = rule_of(new), *b = rule_of(old);

	return a && b && strcmp(a->family, b->family) == 0 && a->same(new, old);
}

static int check_pair(const struct bp_pool_def *new, const struct bp_pool_def *old, bool active,
		      bool creating, struct bp_error *err)
{
	bool name = same(new->name, old->name), uuid = same(new->uuid, old->uuid);

	if (uuid && !name)
		return bp_fail(err, BP_POOL_EXISTS, "pool '%s' is already defined with uuid %s",
			       old->name, old->uuid);
	if (name && !uuid)
		return bp_fail(err, BP_POOL_EXISTS, "pool '%s' already exists with uuid %s",
			       old->name, old->uuid);
	if (name && creating && active)
		return bp_fail(err, BP_WRONG_STATE, "pool is already active as '%s'", old->name);
	if (!name && same_source(new, old))
		return bp_fail(err, BP_FAILED, "Storage source conflict with pool: '%s'",
			       old->name);
	return 0;
}

static int check_file(struct bp_store *s, enum state_dir d, const char *name,
		      const struct bp_pool_def *def, bool creating, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *old = NULL;
	struct bp_error unreadable = { 0 };

	/* One that cannot be read takes no source from anybody; only its name
	 * is known, and a new definition under that name is what repairs it. */
	if (!state_has(s, d, name) || state_load(s, d, name, &old, &unreadable) < 0)
		return 0;
	return check_pair(def, old, d == STATE_RUN, creating, err);
}

int check_conflicts(struct bp_store *s, const struct bp_pool_def *def, bool creating,
		    struct bp_error *err)
{
	char **names = NULL;
	size_t n = 0;
	int r = 0;

	if (state_names(s, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = check_file(s, STATE_CONFIG, names[i], def, creating, err);
		if (r == 0)
			r = check_file(s, STATE_RUN, names[i], def, creating, err);
	}
	state_names_free(names, n);
	return r;
}

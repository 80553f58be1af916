/* pool_life.c - pool-* commands that change what a pool is doing. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "cli/groups.h"
#include "core/base/cleanup.h"

/* ---- one pool and nothing else ------------------------------------------ */

struct one_pool {
	const char *pool;
};

static const struct option_row one_pool_options[] = {
	{ "pool", OPT_STRING, ROW_REQUIRED, offsetof(struct one_pool, pool),
	  "pool name or uuid", COMPLETE_POOL },
	{ NULL }
};

struct deed {
	int (*work)(struct bp_store *s, const char *pool, struct bp_error *err);
	const char *verb, *done;	/* "Failed to VERB pool X", "Pool X DONE" */
};

static int do_deed(struct cli *cli, const char *typed, const struct deed *deed,
		   struct bp_error *err)
{
	auto_free char *name = NULL;

	if (pool_lookup(cli, typed, BP_BY_UUID | BP_BY_NAME, &name, err) < 0)
		return -1;
	if (deed->work(cli->store, name, err) < 0)
		return cli_failed(cli, "Failed to %s pool %s", deed->verb, typed);
	cli_done(cli, "Pool %s %s", typed, deed->done);
	return 0;
}

struct stopping {
	const char *pool;
	bool force;
};

static const struct option_row destroy_options[] = {
#define AT(m) offsetof(struct stopping, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "force", OPT_FLAG, ROW_NAMED | ROW_OURS, AT(force),
	  "though its server does not answer, or it is in use", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static int pool_destroy(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct stopping *a = args;
	const struct deed deed = {
		a->force ? bp_pool_abandon : bp_pool_stop, "destroy", "destroyed"
	};

	if (do_deed(cli, a->pool, &deed, err) == 0)
		return 0;
	if (err->sys == ETIMEDOUT && !a->force)
		cli_hint(cli, "'pool-destroy %s --force' does not wait for the server", a->pool);
	return -1;
}

struct erasing {
	const char *pool, *device;
};

static const struct option_row delete_options[] = {
#define AT(m) offsetof(struct erasing, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL },
	DEVICE_ROW,
	{ NULL }
#undef AT
};

static int pool_delete(struct cli *cli, const void *args, struct bp_error *err)
{
	static const struct deed deed = { bp_pool_erase, "delete", "deleted" };
	const struct erasing *a = args;

	if (allow_device(cli, a->device, err) < 0)
		return cli_failed(cli, "Failed to delete pool %s", a->pool);
	if (do_deed(cli, a->pool, &deed, err) == 0)
		return 0;
	hint_device(cli, err);
	return -1;
}

static int pool_undefine(struct cli *cli, const void *args, struct bp_error *err)
{
	static const struct deed deed = { bp_pool_undefine, "undefine", "has been undefined" };

	return do_deed(cli, ((const struct one_pool *)args)->pool, &deed, err);
}

static int pool_refresh(struct cli *cli, const void *args, struct bp_error *err)
{
	static const struct deed deed = { bp_pool_refresh, "refresh", "refreshed" };

	return do_deed(cli, ((const struct one_pool *)args)->pool, &deed, err);
}

static int pool_grow(struct cli *cli, const void *args, struct bp_error *err)
{
	static const struct deed deed = { bp_pool_grow, "grow", "has all the space there is" };

	return do_deed(cli, ((const struct one_pool *)args)->pool, &deed, err);
}

const struct command cmd_pool_destroy = {
	"pool-destroy", "destroy (stop) a pool",
	"Forcefully stop a given pool. Raw data in the pool is untouched",
	"pool-destroy default",
	destroy_options, sizeof(struct stopping), pool_destroy, 0, NULL
};

const struct command cmd_pool_delete = {
	"pool-delete", "delete a pool",
	"Delete a given pool.",
	"pool-delete default",
	delete_options, sizeof(struct erasing), pool_delete, 0, NULL
};

const struct command cmd_pool_undefine = {
	"pool-undefine", "undefine an inactive pool",
	"Undefine the configuration for an inactive pool.",
	"pool-undefine default",
	one_pool_options, sizeof(struct one_pool), pool_undefine, 0, NULL
};

const struct command cmd_pool_refresh = {
	"pool-refresh", "refresh a pool",
	"Refresh a given pool.",
	"pool-refresh default",
	one_pool_options, sizeof(struct one_pool), pool_refresh, 0, NULL
};

const struct command cmd_pool_grow = {
	"pool-grow", "make a pool as large as its device has become",
	"Extend the file system of an active pool over a device that has grown.",
	"pool-grow fast",
	one_pool_options, sizeof(struct one_pool), pool_grow, COMMAND_OURS, NULL
};

/* ---- pool-autostart ----------------------------------------------------- */

struct autostart {
	const char *pool;
	bool disable;
};

static const struct option_row autostart_options[] = {
#define AT(m) offsetof(struct autostart, m)
	{ "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "disable", OPT_FLAG, 0, AT(disable), "disable autostarting", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static int pool_autostart(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct autostart *a = args;
	const char *un = a->disable ? "un" : "";
	auto_free char *name = NULL;

	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &name, err) < 0)
		return -1;
	if (bp_pool_set_autostart(cli->store, name, !a->disable, err) < 0)
		return cli_failed(cli, "failed to %smark pool %s as autostarted", un, a->pool);
	cli_done(cli, "Pool %s %smarked as autostarted", a->pool, un);
	return 0;
}

const struct command cmd_pool_autostart = {
	"pool-autostart", "autostart a pool",
	"Configure a pool to be automatically started at boot.",
	"pool-autostart default",
	autostart_options, sizeof(struct autostart), pool_autostart, 0, NULL
};

/* ---- pool-build, pool-start --------------------------------------------- */

struct building {
	const char *pool, *device;
	bool build, no_overwrite, overwrite;
};

#define AT(m) offsetof(struct building, m)
#define POOL_ROW { "pool", OPT_STRING, ROW_REQUIRED, AT(pool), "pool name or uuid", COMPLETE_POOL }
#define OVERWRITE_ROWS							\
	{ "no-overwrite", OPT_FLAG, 0, AT(no_overwrite),		\
	  "do not overwrite any existing data", COMPLETE_NOTHING },	\
	{ "overwrite", OPT_FLAG, 0, AT(overwrite),			\
	  "overwrite any existing data", COMPLETE_NOTHING }

static const struct option_row build_options[] = { POOL_ROW, OVERWRITE_ROWS, DEVICE_ROW, { NULL } };

static const struct option_row start_options[] = {
	POOL_ROW,
	{ "build", OPT_FLAG, 0, AT(build), "build the pool as normal", COMPLETE_NOTHING },
	OVERWRITE_ROWS,
	DEVICE_ROW,
	{ NULL }
};
#undef AT

static const char *const overwrite_pairs[][2] = { { "overwrite", "no-overwrite" }, { NULL } };

static unsigned build_flags(const struct building *a)
{
	return (a->build ? BP_BUILD : 0) | (a->overwrite ? BP_BUILD_OVERWRITE : 0) |
	       (a->no_overwrite ? BP_BUILD_NO_OVERWRITE : 0);
}

static int pool_build(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct building *a = args;
	auto_free char *name = NULL;

	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &name, err) < 0)
		return -1;
	if (allow_device(cli, a->device, err) < 0 ||
	    bp_pool_build(cli->store, name, build_flags(a), err) < 0) {
		hint_device(cli, err);
		return cli_failed(cli, "Failed to build pool %s", a->pool);
	}
	cli_done(cli, "Pool %s built", a->pool);
	return 0;
}

static int pool_start(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct building *a = args;
	struct bp_error ignored = { 0 };
	const struct bp_pool_type *type;
	auto_free char *name = NULL;

	if (pool_lookup(cli, a->pool, BP_BY_UUID | BP_BY_NAME, &name, err) < 0)
		return -1;
	if (allow_device(cli, a->device, err) < 0 ||
	    bp_pool_start(cli->store, name, build_flags(a), err) < 0) {
		if (type_of_pool(cli, name, &type, &ignored) == 0)
			hint_build(cli, type->name, err);
		hint_device(cli, err);
		return cli_failed(cli, "Failed to start pool %s", a->pool);
	}
	cli_done(cli, "Pool %s started", a->pool);
	return 0;
}

const struct command cmd_pool_build = {
	"pool-build", "build a pool",
	"Build a given pool.",
	"pool-build default",
	build_options, sizeof(struct building), pool_build, 0, NULL
};

const struct command cmd_pool_start = {
	"pool-start", "start a (previously defined) inactive pool",
	"Start a pool.",
	"pool-start default",
	start_options, sizeof(struct building), pool_start, COMMAND_FIRST, overwrite_pairs
};

/* init.c - init: a first pool. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/groups.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#define FIRST_POOL "default"

struct init {
	const char *target;
};

static const struct option_row init_options[] = {
	{ "target", OPT_STRING, ROW_OURS, offsetof(struct init, target),
	  "directory for its volumes (default: libvirt's)", COMPLETE_FILE },
	{ NULL }
};

/* Where libvirt's tools keep images: the host's, and a user's own. */
static char *usual_target(struct cli *cli)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (strstr(cli_uri(cli), ":///system"))
		return mem_dup("/var/lib/libvirt/images");
	if (data && *data == '/')
		return mem_printf("%s/libvirt/images", data);
	return home && *home ? mem_printf("%s/.local/share/libvirt/images", home) : NULL;
}

/* One step of the way, told when it had to be gone. */
static void tell_step(const struct cli *cli, const char *what, const char *target)
{
	if (!cli->quiet && cli->format == FORMAT_TEXT)
		printf("Pool " FIRST_POOL " %s%s\n", what, target);
}

static int define_first(struct cli *cli, const char *target, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = bp_pool_def_new();

	def->type = mem_dup("dir");
	def->name = mem_dup(FIRST_POOL);
	def->target_path = mem_dup(target);
	if (bp_pool_define(cli->store, def, err) < 0)
		return cli_failed(cli, "Failed to define pool " FIRST_POOL);
	tell_step(cli, "defined, in ", target);
	return 0;
}

/* A pool of this name that is something else is not ours to change. */
static int check_first(struct cli *cli, const char *target, bool wished, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	auto_free char *tidy = bp_path_tidy(target);

	if (bp_pool_get_def(cli->store, FIRST_POOL, BP_DEF_INACTIVE, &def, err) < 0)
		return cli_failed(cli, "there is a pool " FIRST_POOL ", which cannot be used");
	if (strcmp(def->type, "dir") != 0)
		return cli_failed(cli, "there is a pool " FIRST_POOL " already, of type %s",
				  def->type);
	if (wished && strcmp(def->target_path, tidy) != 0)
		return cli_failed(cli, "there is a pool " FIRST_POOL " already, in %s",
				  def->target_path);
	return 0;
}

static int start_first(struct cli *cli, struct bp_error *err)
{
	cleanup(bp_pool_def_freep) struct bp_pool_def *def = NULL;
	struct bp_error missing = { 0 };

	if (bp_pool_start(cli->store, FIRST_POOL, 0, &missing) < 0) {
		if (bp_pool_get_def(cli->store, FIRST_POOL, BP_DEF_INACTIVE, &def, err) < 0 ||
		    bp_pool_build(cli->store, FIRST_POOL, 0, err) < 0)
			return cli_failed(cli, "Failed to build pool " FIRST_POOL);
		tell_step(cli, "built", "");
		if (bp_pool_start(cli->store, FIRST_POOL, 0, err) < 0)
			return cli_failed(cli, "Failed to start pool " FIRST_POOL);
	}
	tell_step(cli, "started", "");
	return 0;
}

/* What is there already is left as it is, so that this can be said again. */
static int complete_first(struct cli *cli, struct bp_error *err)
{
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;

	if (bp_pool_info(cli->store, FIRST_POOL, &info, err) < 0)
		return -1;
	if (info->state == BP_POOL_INACTIVE && start_first(cli, err) < 0)
		return -1;
	if (info->autostart)
		return 0;
	if (bp_pool_set_autostart(cli->store, FIRST_POOL, true, err) < 0)
		return cli_failed(cli, "failed to mark pool " FIRST_POOL " as autostarted");
	tell_step(cli, "marked as autostarted", "");
	return 0;
}

static int init(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct init *a = args;
	auto_free char *target = a->target ? mem_dup(a->target) : usual_target(cli), *name = NULL;
	struct bp_error none = { 0 };
	bool there = bp_pool_resolve(cli->store, FIRST_POOL, BP_BY_NAME, &name, &none) == 0;

	if (!target)
		return cli_failed(cli, "HOME is not set; say where with --target");
	if (there && check_first(cli, target, a->target, err) < 0)
		return -1;
	if (!there && define_first(cli, target, err) < 0)
		return -1;
	if (complete_first(cli, err) < 0)
		return -1;
	cli_done(cli, "Pool " FIRST_POOL " is ready");
	return 0;
}

const struct command cmd_init = {
	"init", "make a first pool, 'default', and start it",
	"Define a pool named 'default' whose volumes are files in a directory, make\n"
	"    the directory if it is not there, start the pool, and mark it to be started at\n"
	"    every boot.  What is done already is left as it is, so this may be repeated.",
	"init --target /srv/images",
	init_options, sizeof(struct init), init, COMMAND_OURS | COMMAND_FIRST, NULL
};

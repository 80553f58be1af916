/* volume_below.c - vol-commit and vol-rebase: volumes and what they are based on. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"
#include "cli/progress.h"
#include "core/base/cleanup.h"

struct below {
	const char *vol, *pool;
	const char *base, *format;	/* the volume below, and what it is */
	bool keep, flatten, force, force_backing;
	struct progress_wish wish;
};

#define AT(m) offsetof(struct below, m)
#define VOL_ROW								\
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL }
#define POOL_ROW { "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL }
#define FORCE_ROW							\
	{ "force", OPT_FLAG, 0, AT(force), "even if somebody uses one of the volumes",	\
	  COMPLETE_NOTHING }

static const struct option_row commit_options[] = {
	VOL_ROW, POOL_ROW,
	{ "base", OPT_STRING, ROW_NAMED, AT(base),
	  "into this volume, which may lie deeper (with --keep)", COMPLETE_VOL },
	{ "keep", OPT_FLAG, 0, AT(keep), "the volume keeps what it has", COMPLETE_NOTHING },
	FORCE_ROW, FORCE_BACKING_ROW, PROGRESS_ROWS, { NULL }
};

static const struct option_row rebase_options[] = {
	VOL_ROW, POOL_ROW,
	{ "backing-vol", OPT_STRING, ROW_NAMED, AT(base), "the new backing volume", COMPLETE_VOL },
	{ "backing-vol-format", OPT_STRING, ROW_NAMED, AT(format), "format of that volume",
	  COMPLETE_FORMAT },
	{ "flatten", OPT_FLAG, 0, AT(flatten), "it has none any more", COMPLETE_NOTHING },
	FORCE_ROW, PROGRESS_ROWS, { NULL }
};
#undef AT

/* The volume, and that below it, which is in the same pool. */
static int find_both(struct cli *cli, const struct below *a, char **ret_pool, char **ret_vol,
		     char **ret_base, struct bp_error *err)
{
	auto_free char *base_pool = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", ret_pool, ret_vol, err) < 0)
		return -1;
	if (!a->base)
		return 0;
	return vol_lookup(cli, *ret_pool, a->base, NULL, &base_pool, ret_base, err);
}

static int vol_commit(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct below *a = args;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *vol = NULL, *base = NULL;

	if (progress_wanted(&progress, &a->wish) < 0 ||
	    find_both(cli, a, &pool, &vol, &base, err) < 0)
		return -1;
	if (bp_vol_commit(cli->store, pool, vol, base, a->keep,
			  force_flags(a->force, a->force_backing), progress_begin(&progress),
			  err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to commit vol %s", a->vol);
	}
	progress_end(&progress);
	cli_done(cli, "Vol %s committed", a->vol);
	return 0;
}

const struct command cmd_vol_commit = {
	"vol-commit", "write what a vol has into its backing store",
	"The volume is empty afterwards, and shows the same. Whoever is interrupted can begin "
	"again.\nBoth are volumes of one pool. Other volumes that are based on the same one would "
	"change\nwith it: then it is refused.",
	"vol-commit overlay.qcow2 default",
	commit_options, sizeof(struct below), vol_commit, COMMAND_OURS, NULL
};

static int vol_rebase(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct below *a = args;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	auto_free char *pool = NULL, *vol = NULL, *base = NULL;

	if (!a->base == !a->flatten)
		return cli_failed(cli,
				  "vol-rebase: either --backing-vol or --flatten must be said");
	if (a->base && !a->format)
		return cli_failed(cli, "vol-rebase: --backing-vol-format must be said, as what a "
				  "guest wrote is not guessed at");
	if (progress_wanted(&progress, &a->wish) < 0 ||
	    find_both(cli, a, &pool, &vol, &base, err) < 0)
		return -1;
	if (bp_vol_rebase(cli->store, pool, vol, base, a->format, force_flags(a->force, false),
			  progress_begin(&progress), err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to rebase vol %s", a->vol);
	}
	progress_end(&progress);
	cli_done(cli, "Vol %s rebased", a->vol);
	return 0;
}

const struct command cmd_vol_rebase = {
	"vol-rebase", "give a vol another backing store",
	"The volume shows what it has shown: what would look different is written into it first.\n"
	"Both are volumes of one pool. With --flatten it needs no other volume any more.",
	"vol-rebase overlay.qcow2 default --backing-vol base.qcow2 --backing-vol-format qcow2",
	rebase_options, sizeof(struct below), vol_rebase, COMMAND_OURS, NULL
};

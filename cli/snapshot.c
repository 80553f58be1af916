/* snapshot.c - vol-snapshot-* commands. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <time.h>

#include "cli/groups.h"
#include "cli/table.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

struct one {
	const char *vol, *snap, *pool;
	bool force, force_backing;
};

#define AT(m) offsetof(struct one, m)
#define VOL_ROW								\
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL }
#define POOL_ROW { "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL }
#define FORCE_ROW							\
	{ "force", OPT_FLAG, ROW_OURS, AT(force), "even if somebody uses the volume", \
	  COMPLETE_NOTHING }

static const struct option_row create_options[] = {
	VOL_ROW,
	{ "snapshot", OPT_STRING, ROW_REQUIRED, AT(snap), "name of the new snapshot",
	  COMPLETE_NOTHING },
	POOL_ROW, FORCE_ROW, { NULL }
};

static const struct option_row list_options[] = { VOL_ROW, POOL_ROW, { NULL } };

static const struct option_row change_options[] = {
	VOL_ROW,
	{ "snapshot", OPT_STRING, ROW_REQUIRED, AT(snap), "name of the snapshot",
	  COMPLETE_SNAPSHOT },
	POOL_ROW, FORCE_ROW, { NULL }
};

static const struct option_row revert_options[] = {
	VOL_ROW,
	{ "snapshot", OPT_STRING, ROW_REQUIRED, AT(snap), "name of the snapshot",
	  COMPLETE_SNAPSHOT },
	POOL_ROW, FORCE_ROW, FORCE_BACKING_ROW, { NULL }
};
#undef AT

/* ---- vol-snapshot-create, -revert, -delete ------------------------------ */

struct deed {
	int (*work)(struct bp_store *s, const char *pool, const char *vol, const char *snap,
		    unsigned flags, struct bp_error *err);
	const char *verb;		/* "Failed to VERB snapshot S of vol V" */
	const char *done;		/* with both names put in */
};

static int do_deed(struct cli *cli, const struct one *a, const struct deed *deed,
		   struct bp_error *err)
{
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (deed->work(cli->store, pool, vol, a->snap, force_flags(a->force, a->force_backing),
		       err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to %s snapshot %s of vol %s", deed->verb, a->snap,
				  a->vol);
	}
	cli_done(cli, "Snapshot %s of vol %s %s", a->snap, a->vol, deed->done);
	return 0;
}

static int snapshot_create(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct one *a = args;
	auto_free char *pool = NULL, *vol = NULL, *warning = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (bp_vol_snapshot_create(cli->store, pool, vol, a->snap, a->force ? BP_VOL_FORCE : 0,
				   &warning, err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to create snapshot %s of vol %s", a->snap, a->vol);
	}
	cli_done(cli, "Snapshot %s of vol %s created", a->snap, a->vol);
	cli_warn(cli, warning);
	return 0;
}

static int snapshot_revert(struct cli *cli, const void *args, struct bp_error *err)
{
	static const struct deed deed = {
		bp_vol_snapshot_revert, "revert to", "is what the volume is now"
	};

	return do_deed(cli, args, &deed, err);
}

static int snapshot_delete(struct cli *cli, const void *args, struct bp_error *err)
{
	static const struct deed deed = { bp_vol_snapshot_delete, "delete", "deleted" };

	return do_deed(cli, args, &deed, err);
}

const struct command cmd_vol_snapshot_create = {
	"vol-snapshot-create", "make a snapshot that belongs to a volume",
	"Keep what a volume holds now under a name.",
	"vol-snapshot-create disk1 before-upgrade default",
	create_options, sizeof(struct one), snapshot_create, COMMAND_OURS, NULL
};

const struct command cmd_vol_snapshot_revert = {
	"vol-snapshot-revert", "make a volume what it was when a snapshot was made",
	"Go back to a snapshot. What the volume holds now is lost; the snapshot stays.",
	"vol-snapshot-revert disk1 before-upgrade default",
	revert_options, sizeof(struct one), snapshot_revert, COMMAND_OURS, NULL
};

const struct command cmd_vol_snapshot_delete = {
	"vol-snapshot-delete", "delete a snapshot of a volume",
	"Forget a snapshot. The volume is not changed.",
	"vol-snapshot-delete disk1 before-upgrade default",
	change_options, sizeof(struct one), snapshot_delete, COMMAND_OURS, NULL
};

/* ---- vol-snapshot-list -------------------------------------------------- */

static const struct column columns[] = {
	{ "Name", "name", COLUMN_TEXT, false },
	{ "Creation Time", "creation_time", COLUMN_TEXT, false },
	{ "Capacity", "capacity", COLUMN_SIZE, false },
	{ "", "created", COLUMN_SIZE, true },	/* seconds, for programs */
	{ "", "state_size", COLUMN_SIZE, true },
	{ "", "id", COLUMN_TEXT, true },
};

static void add(struct cli *cli, struct table *t, const struct bp_snapshot *snap)
{
	time_t created = (time_t)snap->created;
	char when[40] = "-";
	struct tm tm;

	if (created && localtime_r(&created, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &tm);
	table_add(cli, t, (const struct cell[]){
		cell_text(snap->name),
		cell_text(created ? when : NULL),
		cell_size(snap->capacity, snap->capacity),
		cell_size(snap->created > 0, (uint64_t)snap->created),
		cell_size(true, snap->state_size),
		cell_text(snap->id),
	});
}

static int snapshot_list(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct one *a = args;
	cleanup(table_done) struct table t = {
		.columns = columns, .n_columns = array_size(columns), .unknown = "-",
	};
	auto_free char *pool = NULL, *vol = NULL;
	struct bp_snapshot *snaps;
	size_t n;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (bp_vol_snapshots(cli->store, pool, vol, &snaps, &n, err) < 0)
		return cli_failed(cli, "Failed to list snapshots of vol %s", a->vol);
	for (size_t i = 0; i < n; i++)
		add(cli, &t, &snaps[i]);
	bp_snapshots_free(snaps, n);
	table_print(cli, &t);
	return 0;
}

const struct command cmd_vol_snapshot_list = {
	"vol-snapshot-list", "list the snapshots of a volume",
	"List the snapshots that belong to a volume, the oldest first.",
	"vol-snapshot-list disk1 default",
	list_options, sizeof(struct one), snapshot_list, COMMAND_OURS, NULL
};

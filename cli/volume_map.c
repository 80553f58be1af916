/* volume_map.c - vol-map: where the parts of a volume are. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cli/extents.h"
#include "cli/groups.h"
#include "core/base/cleanup.h"

struct map {
	const char *vol, *pool;
	struct cli_size offset, length;
	bool no_backing, force;
};

static const struct option_row map_options[] = {
#define AT(m) offsetof(struct map, m)
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "offset", OPT_SIZE, ROW_NAMED, AT(offset), "from there on", COMPLETE_NOTHING },
	{ "length", OPT_SIZE, ROW_NAMED, AT(length), "so much of it", COMPLETE_NOTHING },
	{ "no-backing", OPT_FLAG, ROW_NAMED, AT(no_backing),
	  "only what the volume itself has, not what it is based on", COMPLETE_NOTHING },
	{ "force", OPT_FLAG, ROW_NAMED, AT(force), "even if somebody writes to it meanwhile",
	  COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static int next(void *arg, struct bp_image_extent *ret, struct bp_error *err)
{
	return bp_vol_map_next(arg, ret, err);
}

static int vol_map(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct map *a = args;
	cleanup(bp_vol_map_closep) struct bp_vol_map *map = NULL;
	auto_free char *pool = NULL, *vol = NULL;
	struct extents x = {
		next, NULL, a->offset.bytes, cli->format == FORMAT_JSON, "Volume", true
	};

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (bp_vol_map_open(cli->store, pool, vol, a->offset.bytes, a->length.bytes,
			    (a->force ? BP_VOL_FORCE : 0) |
			    (a->no_backing ? BP_VOL_NO_BACKING : 0), &map, err) < 0) {
		hint_force(cli, err);
		if (err->code == BP_DENIED)
			cli_hint(cli, "--no-backing shows what the volume itself has");
		return cli_failed(cli, "Failed to map vol %s", a->vol);
	}
	x.arg = map;
	return extents_print(cli, &x, err);
}

const struct command cmd_vol_map = {
	"vol-map", "show where the parts of a vol are",
	"Shows where in which volume each part of what the guest sees is kept: in this one, or in\n"
	"one of its pool that it is based on. Text shows data only. JSON shows all of it, in the\n"
	"words of qemu-img: depth 0 is the volume, 1 its backing store.",
	"vol-map disk1.qcow2 default --format json",
	map_options, sizeof(struct map), vol_map, COMMAND_OURS, NULL
};

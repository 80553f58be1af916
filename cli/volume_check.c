/* volume_check.c - vol-check: is the image in a volume whole? */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/image_text.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "core/base/cleanup.h"

struct check {
	const char *vol, *pool, *repair;
	bool force;
	struct progress_wish wish;
};

static const struct option_row check_options[] = {
#define AT(m) offsetof(struct check, m)
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ "repair", OPT_STRING, ROW_NAMED, AT(repair),
	  "what to put right: leaks (space kept for nobody) or all", COMPLETE_REPAIR },
	{ "force", OPT_FLAG, 0, AT(force), "even if somebody uses the volume", COMPLETE_NOTHING },
	{ "progress", OPT_STRING, ROW_NAMED, AT(wish.how),
	  "how to tell how far it is: none, terminal or json", COMPLETE_PROGRESS },
	{ NULL }
#undef AT
};

const char *const repair_words[] = { "leaks", "all", NULL };

static int find_repair(struct cli *cli, const char *word, enum bp_repair *ret)
{
	*ret = BP_REPAIR_NOTHING;
	if (!word)
		return 0;
	for (size_t i = 0; repair_words[i]; i++)
		if (strcmp(repair_words[i], word) == 0) {
			*ret = i == 0 ? BP_REPAIR_LEAKS : BP_REPAIR_ALL;
			return 0;
		}
	return cli_failed(cli, "Unknown repair '%s': leaks or all", word);
}

struct telling {
	FILE *to;
	unsigned told;
};

static void tell(void *arg, const char *line)
{
	struct telling *t = arg;

	if (image_tell_more(&t->told, t->to))
		fprintf(t->to, "%s\n", line);
}

/* What is left of it; in the words people know from qemu-img. */
static void print_text(const struct bp_vol_check *c)
{
	if (c->corruptions_fixed || c->leaks_fixed)
		printf("The following inconsistencies were found and repaired:\n\n"
		       "    %" PRIu64 " leaked clusters\n    %" PRIu64 " corruptions\n\n",
		       c->leaks_fixed, c->corruptions_fixed);
	image_print_found(c);
	image_print_clusters(c);
}

static void print_json(const char *vol, const struct bp_vol_check *c)
{
	const struct {
		const char *key;
		uint64_t number;
	} rows[] = {
		{ "corruptions", c->corruptions },
		{ "leaks", c->leaks },
		{ "corruptions-fixed", c->corruptions_fixed },
		{ "leaks-fixed", c->leaks_fixed },
		{ "total-clusters", c->total },
		{ "allocated-clusters", c->allocated },
		{ "fragmented-clusters", c->fragmented },
		{ "compressed-clusters", c->compressed },
		{ "image-end-offset", c->end },
	};
	struct json j = { stdout };

	json_open(&j, NULL, '{');
	json_text(&j, "volume", vol);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		json_number(&j, rows[i].key, rows[i].number);
	json_close(&j, '}');
	putchar('\n');
}

static int vol_check(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct check *a = args;
	cleanup(progress_end) struct progress progress = { .cli = cli };
	struct telling telling = { cli->format == FORMAT_JSON ? stderr : stdout, 0 };
	const struct bp_teller teller = { tell, &telling };
	auto_free char *pool = NULL, *vol = NULL;
	struct bp_vol_check c = { 0 };
	enum bp_repair repair;

	if (progress_wanted(&progress, &a->wish) < 0 ||
	    find_repair(cli, a->repair, &repair) < 0 ||
	    vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (bp_vol_check(cli->store, pool, vol, repair, a->force ? BP_VOL_FORCE : 0, &teller,
			 progress_begin(&progress), &c, err) < 0) {
		hint_force(cli, err);
		return cli_failed(cli, "Failed to check vol %s", a->vol);
	}
	progress_end(&progress);
	if (cli->format == FORMAT_JSON)
		print_json(vol, &c);
	else
		print_text(&c);
	if (!c.corruptions && !c.leaks)
		return 0;
	if (repair == BP_REPAIR_ALL && !c.corruptions)
		cli_hint(cli, "space that is lost inside of it does no harm, and is gained by a "
			 "new image with what can be read");
	else if (repair != BP_REPAIR_ALL)
		cli_hint(cli, "--repair all puts that right if it can be; have a copy of it");
	else
		cli_hint(cli, "nothing was changed, as some of it cannot be repaired: copy what "
			 "can be read into a new image");
	return cli_failed(cli, "Vol %s is damaged", a->vol);
}

const struct command cmd_vol_check = {
	"vol-check", "see whether the image in a vol is whole",
	"Compares what an image of format qcow2, qed, vdi or vmdk uses with what it counts as\n"
	"used, and looks for tables that lead nowhere. Whatever is wrong is told, and fails the\n"
	"command, also leaks: space that is kept for nobody and does no harm. Of qcow2 and qed\n"
	"it can be repaired; killed at any moment, that leaves the image as it was, or repaired.",
	"vol-check disk1.qcow2 default --repair all",
	check_options, sizeof(struct check), vol_check, COMMAND_OURS, NULL
};

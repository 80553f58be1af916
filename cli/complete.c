/* complete.c - what may stand where somebody has begun to type. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete_image.h"
#include "cli/groups.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/shell.h"
#include "core/base/cleanup.h"
#include "core/base/device_list.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct completing {
	struct cli *cli;
	const struct command *cmd;
	const char **values;	/* of the words before, by row */
	const char *before;	/* of the last word: what is certain, as "--pool=" */
	const char *begun;	/* the rest of it */
	void (*each)(void *arg, const char *candidate);
	void *arg;
	size_t n;		/* how many there were */
};

/* One a line is how they are told, so a name of two lines cannot be. */
static void offer(struct completing *c, const char *candidate)
{
	auto_free char *whole = NULL;

	if (!candidate || !starts_with(candidate, c->begun) || strchr(candidate, '\n'))
		return;
	whole = mem_printf("%s%s", c->before, candidate);
	c->each(c->arg, whole);
	c->n++;
}

static void offer_words(struct completing *c, const char *const *words)
{
	for (; words && *words; words++)
		offer(c, *words);
}

static bool open_store(struct completing *c)
{
	struct bp_error ignored = { 0 };
	bool ok = cli_open_store(c->cli, &ignored) == 0;

	free(steal(c->cli->failure));
	return ok;
}

static void offer_pools(struct completing *c, bool uuids)
{
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	struct bp_error ignored = { 0 };
	struct bp_pool_info info;

	if (!open_store(c) || bp_pools_open(c->cli->store, 0, NULL, &it, &ignored) < 0)
		return;
	while (bp_pools_next(it, &info, &ignored) > 0)
		offer(c, uuids ? info.uuid : info.name);
}

/* The pool the words before speak of. */
static char *pool_meant(struct completing *c)
{
	const struct option_row *row = option_find(c->cli, c->cmd, "inputpool", 9);
	struct bp_error ignored = { 0 };
	const char *text;
	char *name;

	if (!row)
		row = option_find(c->cli, c->cmd, "pool", 4);
	text = row ? c->values[row - c->cmd->options] : NULL;
	if (!text || !open_store(c) ||
	    bp_pool_resolve(c->cli->store, text, BP_BY_UUID | BP_BY_NAME, &name, &ignored) < 0)
		return NULL;
	return name;
}

static void offer_volumes_of(struct completing *c, const char *pool, bool names)
{
	cleanup(bp_vols_closep) struct bp_vol_iter *it = NULL;
	struct bp_error ignored = { 0 };
	struct bp_vol_info info;

	if (bp_vols_open(c->cli->store, pool, names ? BP_VOL_NAME : BP_VOL_PATH, &it, &ignored) < 0)
		return;
	while (bp_vols_next(it, &info, &ignored) > 0)
		offer(c, names ? info.name : info.key);
}

/* Names mean something in a pool; keys mean something by themselves. */
static void offer_volumes(struct completing *c, bool keys)
{
	cleanup(bp_pools_closep) struct bp_pool_iter *it = NULL;
	auto_free char *pool = keys ? NULL : pool_meant(c);
	struct bp_error ignored = { 0 };
	struct bp_pool_info info;

	if (pool) {
		offer_volumes_of(c, pool, true);
		return;
	}
	if (!open_store(c) ||
	    bp_pools_open(c->cli->store, BP_POOLS_ACTIVE, NULL, &it, &ignored) < 0)
		return;
	while (bp_pools_next(it, &info, &ignored) > 0)
		offer_volumes_of(c, info.name, false);
}

/* Of the volume the words before speak of. */
static void offer_snapshots(struct completing *c)
{
	const struct option_row *row = option_find(c->cli, c->cmd, "vol", 3);
	const char *text = row ? c->values[row - c->cmd->options] : NULL;
	auto_free char *meant = pool_meant(c), *pool = NULL, *vol = NULL;
	struct bp_error ignored = { 0 };
	struct bp_snapshot *snaps;
	size_t n;

	if (!text || !open_store(c) ||
	    bp_vol_locate(c->cli->store, meant, text, &pool, &vol, &ignored) < 0 ||
	    bp_vol_snapshots(c->cli->store, pool, vol, &snaps, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		offer(c, snaps[i].name);
	bp_snapshots_free(snaps, n);
}

/* A list option takes "dir,fs": what is before the last comma is certain. */
static void offer_types(struct completing *c, bool list)
{
	const char *comma = list ? strrchr(c->begun, ',') : NULL;
	struct completing one = *c;
	auto_free char *before = NULL;
	const struct bp_pool_type *type;

	if (comma) {
		before = mem_printf("%s%.*s", c->before, (int)(comma + 1 - c->begun), c->begun);
		one.before = before;
		one.begun = comma + 1;
	}
	for (size_t i = 0; (type = bp_pool_type_at(i)); i++)
		offer(&one, type->name);
	c->n = one.n;
}

static void offer_formats(struct completing *c)
{
	auto_free char *pool = pool_meant(c);
	cleanup(bp_pool_info_freep) struct bp_pool_info *info = NULL;
	struct bp_error ignored = { 0 };
	const struct bp_pool_type *type = NULL;

	if (pool && bp_pool_info(c->cli->store, pool, &info, &ignored) == 0 && info->type)
		type = bp_pool_type_find(info->type);
	offer_words(c, (type ? type : bp_pool_type_find("dir"))->vol_formats);
}

/* Those of the type that was said before. */
static void offer_source_formats(struct completing *c)
{
	const struct option_row *row = option_find(c->cli, c->cmd, "type", 4);
	const char *said = row ? c->values[row - c->cmd->options] : NULL;
	const struct bp_pool_type *type = said ? bp_pool_type_find(said) : NULL;

	offer_words(c, type ? type->source_formats : NULL);
}

static void offer_mkfs_formats(struct completing *c)
{
	const char *const *word = bp_pool_type_find("fs")->source_formats;

	for (; *word; word++)
		offer(c, strcmp(*word, "auto") == 0 ? NULL : *word);
}

/* False when it may be one by another name. */
static bool offer_devices(struct completing *c)
{
	struct device_list list = device_list();

	for (size_t i = 0; i < list.n; i++)
		offer(c, list.devices[i].path);
	device_list_done(&list);
	return c->n;
}

static void offer_commands(struct completing *c, bool groups)
{
	for (const struct command_group *g = command_groups; g->title; g++) {
		for (const struct command *const *cmd = g->commands; *cmd; cmd++)
			if (command_shown(c->cli, *cmd) && !((*cmd)->flags & COMMAND_HIDDEN))
				offer(c, (*cmd)->name);
		if (groups)
			offer(c, g->keyword);
	}
}

static void offer_wipes(struct completing *c)
{
	for (int i = 0; i < BP_WIPES; i++)
		offer(c, bp_wipe_word((enum bp_wipe)i));
}

/* False when it is a file. */
static bool offer_values(struct completing *c, const struct option_row *row)
{
	static const char *const events[] = { "lifecycle", "refresh", NULL };
	static const char *const outputs[] = { "text", "json", NULL };

	switch (row->complete) {
	case COMPLETE_NOTHING:	 break;
	case COMPLETE_POOL:	 offer_pools(c, false); break;
	case COMPLETE_POOL_UUID: offer_pools(c, true); break;
	case COMPLETE_VOL:	 offer_volumes(c, false); break;
	case COMPLETE_VOL_KEY:	 offer_volumes(c, true); break;
	case COMPLETE_FILE:	 return false;
	case COMPLETE_POOL_TYPE: offer_types(c, !(row->flags & ROW_REQUIRED)); break;
	case COMPLETE_WIPE:	 offer_wipes(c); break;
	case COMPLETE_EVENT:	 offer_words(c, events); break;
	case COMPLETE_FORMAT:	 offer_formats(c); break;
	case COMPLETE_COMMAND:	 offer_commands(c, true); break;
	case COMPLETE_OUTPUT:	 offer_words(c, outputs); break;
	case COMPLETE_PROGRESS:	 offer_words(c, progress_words); break;
	case COMPLETE_SOURCE_FORMAT: offer_source_formats(c); break;
	case COMPLETE_MKFS_FORMAT: offer_mkfs_formats(c); break;
	case COMPLETE_DEVICE:	 return offer_devices(c);
	case COMPLETE_REPAIR:	 offer_words(c, repair_words); break;
	case COMPLETE_SNAPSHOT:	 offer_snapshots(c); break;
	}
	return true;
}

static void offer_options(struct completing *c)
{
	for (const struct option_row *row = c->cmd->options; row && row->name; row++) {
		auto_free char *word = mem_printf("--%s", row->name);

		if (option_shown(c->cli, row) && row->type != OPT_WORDS &&
		    (option_again(c->cli, row) || !c->values[row - c->cmd->options]))
			offer(c, word);
	}
	if (takes_output_format(c->cli, c->cmd))
		offer(c, "--format");
	offer(c, "--help");
}

static const struct option_row output_row = {
	"format", OPT_STRING, 0, 0, NULL, COMPLETE_OUTPUT
};

static const struct option_row *row_named(struct completing *c, const char *name, size_t len)
{
	const struct option_row *row = option_find(c->cli, c->cmd, name, len);

	if (!row && len == 6 && memcmp(name, "format", 6) == 0 &&
	    takes_output_format(c->cli, c->cmd))
		return &output_row;
	return row;
}

/* Words that are finished, as the parser takes them, but without complaint.
 * Returns the option whose value has to follow, if there is one. */
static const struct option_row *read_before(struct completing *c, char *const *words, size_t n,
					    bool *ret_data_only)
{
	const struct option_row *pending = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = words[i] + 2, *value = words[i];
		const struct option_row *row = pending;

		pending = NULL;
		if (!row && !*ret_data_only && strcmp(words[i], "--") == 0) {
			*ret_data_only = true;
			continue;
		}
		if (!row && !*ret_data_only && is_option_word(words[i])) {
			row = row_named(c, name, strcspn(name, "="));
			value = strchr(name, '=') ? strchr(name, '=') + 1 : NULL;
			if (row && row->type != OPT_FLAG && !value)
				pending = row;
		} else if (!row) {
			row = option_for_word(c->cli, c->cmd, c->values);
		}
		if (row && row != &output_row && row->type != OPT_WORDS)
			c->values[row - c->cmd->options] = value ? value : "";
	}
	return pending;
}

static bool complete_of_command(struct completing *c, char *const *words, size_t n)
{
	bool data_only = false;
	const struct option_row *row = read_before(c, words, n - 1, &data_only);
	auto_free char *certain = NULL;
	size_t len;

	if (row)
		return offer_values(c, row);
	if (!data_only && is_option_word(c->begun) && strchr(c->begun, '=')) {
		len = strcspn(c->begun, "=");
		row = row_named(c, c->begun + 2, len - 2);
		if (!row)
			return true;
		certain = mem_dup_n(c->begun, len + 1);
		c->before = certain;
		c->begun += len + 1;
		return offer_values(c, row);
	}
	if (!data_only && *c->begun == '-') {
		offer_options(c);
		return true;
	}
	row = option_for_word(c->cli, c->cmd, c->values);
	if (row && !offer_values(c, row))
		return false;
	if (!c->n && !*c->begun && !data_only)
		offer_options(c);
	return true;
}

static bool complete_global(struct completing *c, const char *previous)
{
	static const char *const uris[] = { "storage:///system", "storage:///session", NULL };
	static const char *const takes_file[] = {
		"-l", "--log", "--root", "--config-dir", "--run-dir", NULL
	};
	static const char *const options[] = {
		"--connect", "--debug", "--help", "--log", "--quiet", "--readonly", "--timing",
		"--version", NULL
	};
	static const char *const ours[] = {
		"--format", "--root", "--config-dir", "--run-dir", "--timeout", NULL
	};

	if (previous && bp_word_in(takes_file, previous))
		return false;
	if (previous && (strcmp(previous, "-c") == 0 || strcmp(previous, "--connect") == 0)) {
		offer_words(c, uris);
	} else if (previous && strcmp(previous, "--format") == 0) {
		return offer_values(c, &output_row);
	} else if (previous && strcmp(previous, "--timeout") == 0) {
		return true;
	} else if (*c->begun == '-') {
		offer_words(c, options);
		offer_words(c, c->cli->virsh ? NULL : ours);
	} else {
		offer_commands(c, false);
	}
	return true;
}

static void offer_any(void *completing, const char *candidate)
{
	offer(completing, candidate);
}

/* The words before count from the program's name on for global_options(). */
static size_t skip_global(struct cli *cli, char *const *words, size_t n)
{
	char **argv = mem_alloc((n + 2) * sizeof *argv);
	int next = 1;

	argv[0] = (char *)cli->program;
	memcpy(argv + 1, words, n * sizeof *argv);
	(void)global_options(cli, (int)n + 1, argv, true, &next);
	free(argv);
	return (size_t)next - 1;
}

bool complete_words(struct cli *cli, char *const *words, size_t n,
		    void (*each)(void *arg, const char *candidate), void *arg)
{
	struct completing c = { .cli = cli, .before = "", .each = each, .arg = arg };
	size_t at;
	bool result;

	if (!n)
		return true;
	c.begun = words[n - 1];
	at = skip_global(cli, words, n - 1);
	if (at >= n - 1)
		return complete_global(&c, n > 1 ? words[n - 2] : NULL);
	c.cmd = command_find(cli, words[at]);
	if (!c.cmd)
		return true;
	if (c.cmd == &cmd_image)
		return complete_image(words + at + 1, n - at - 1, offer_any, &c);
	c.values = mem_alloc((options_count(c.cmd) + 1) * sizeof *c.values);
	result = complete_of_command(&c, words + at + 1, n - at - 1);
	free(c.values);
	return result;
}

/* ---- the command a shell asks ------------------------------------------- */

struct complete {
	struct cli_words words;
};

static const struct option_row complete_options[] = {
	{ "string", OPT_WORDS, 0, offsetof(struct complete, words),
	  "partial string to autocomplete", COMPLETE_NOTHING },
	{ NULL }
};

static void print_candidate(void *arg, const char *candidate)
{
	size_t *n = arg;

	puts(candidate);
	++*n;
}

static int complete(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct cli_words *w = &((const struct complete *)args)->words;
	size_t n = 0;
	bool ours = complete_words(cli, w->words, w->n, print_candidate, &n);

	(void)err;
	return ours && !n ? -1 : 0;
}

const struct command cmd_complete = {
	"complete", "internal command for autocompletion",
	"internal use only",
	"complete -- pool-info d",
	complete_options, sizeof(struct complete), complete,
	COMMAND_NO_STORE | COMMAND_HIDDEN | COMMAND_BARE, NULL
};

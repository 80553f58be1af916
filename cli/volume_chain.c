/* volume_chain.c - vol-chain: what a volume is based on, and what is based on it. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/json.h"
#include "cli/table.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct chain {
	const char *vol, *pool;
};

static const struct option_row chain_options[] = {
#define AT(m) offsetof(struct chain, m)
	{ "vol", OPT_STRING, ROW_REQUIRED, AT(vol), "vol name, key or path", COMPLETE_VOL },
	{ "pool", OPT_STRING, 0, AT(pool), "pool name or uuid", COMPLETE_POOL },
	{ NULL }
#undef AT
};

static const struct column columns[] = {
	{ "Volume", "", COLUMN_TEXT, false },
	{ "Pool", "", COLUMN_TEXT, false },
	{ "Format", "", COLUMN_TEXT, false },
	{ "Capacity", "", COLUMN_SIZE, false },
	{ "Allocation", "", COLUMN_SIZE, false },
	{ "Note", "", COLUMN_TEXT, false },
};

/* ---- a tree, with what everything is based on as its root --------------------- */

struct tree {
	struct cli *cli;
	struct table table;
	bool shifted;			/* the root has its data elsewhere: that comes first */
};

static void tree_done(struct tree *t)
{
	table_done(&t->table);
}

static void draw(struct tree *t, const char *lead, const struct bp_vol_link *l, const char *note)
{
	auto_free char *name = mem_printf("%s%s", lead, l->vol ? l->vol : l->path);

	table_add(t->cli, &t->table, (const struct cell[]){
		cell_text(name), cell_text(l->pool), cell_text(l->format ? l->format : l->kind),
		cell_size(l->has_size, l->capacity), cell_size(l->has_size, l->allocation),
		cell_text(l->problem ? l->problem : note ? note : ""),
	});
}

/* The file with its data is what a volume needs before it, as it needs what it is based on. */
static void draw_data(struct tree *t, const char *lead, const struct bp_vol_link *l)
{
	auto_free char *note = l->data ? mem_printf("data of '%s'", l->vol) : NULL;

	if (l->data)
		draw(t, lead, l->data, note);
}

/* Does another of this depth follow, below the same one? */
static bool has_sibling(const struct bp_vol_chain *c, size_t i, unsigned depth)
{
	for (size_t k = i + 1; k < c->n_above && c->above[k].depth >= depth; k++)
		if (c->above[k].depth == depth)
			return true;
	return false;
}

static void draw_above(struct tree *t, const struct bp_vol_chain *c)
{
	size_t indent = (c->n_below - 1 + t->shifted) * 3;

	for (size_t i = 0; i < c->n_above; i++) {
		const struct bp_vol_link *l = &c->above[i];
		cleanup(text_done) struct text lead = { 0 };
		auto_free char *beside = NULL;

		text_addf(&lead, "%*s", (int)indent, "");
		for (unsigned depth = 1; depth < l->depth; depth++)
			text_add(&lead, has_sibling(c, i, depth) ? "|  " : "   ");
		beside = mem_printf("%s|  ", lead.s ? lead.s : "");
		draw_data(t, beside, l);
		text_add(&lead, has_sibling(c, i, l->depth) ? "|- " : "`- ");
		draw(t, lead.s, l, l->by_data ? "has its data there" : NULL);
	}
}

static void print_text(struct cli *cli, const struct bp_vol_chain *c)
{
	cleanup(tree_done) struct tree t = {
		.cli = cli,
		.table = { .columns = columns, .n_columns = array_size(columns), .unknown = "-" },
		.shifted = c->below[c->n_below - 1].data,
	};

	for (size_t i = c->n_below; i--;) {
		size_t steps = c->n_below - 1 - i + t.shifted;
		auto_free char *beside = mem_printf("%*s", steps ? (int)(steps - 1) * 3 : 0, "");
		auto_free char *lead = mem_printf("%s%s", beside, steps ? "`- " : "");

		draw_data(&t, beside, &c->below[i]);
		draw(&t, lead, &c->below[i], i == 0 ? "this volume" : NULL);
	}
	draw_above(&t, c);
	table_print(cli, &t.table);
}

/* ---- JSON --------------------------------------------------------------------- */

static void add_text(struct json *j, const char *key, const char *s)
{
	if (s)
		json_text(j, key, s);
}

static void print_link(struct json *j, const char *key, const struct bp_vol_link *l)
{
	json_open(j, key, '{');
	if (!key)
		json_number(j, "depth", l->depth);
	add_text(j, "volume", l->vol);
	add_text(j, "pool", l->pool);
	add_text(j, "path", l->path);
	add_text(j, "format", l->format);
	add_text(j, "kind", l->kind);
	if (l->has_size) {
		json_number(j, "capacity", l->capacity);
		json_number(j, "allocation", l->allocation);
	}
	add_text(j, "problem", l->problem);
	if (l->data)
		print_link(j, "data", l->data);
	if (l->by_data)
		json_bool(j, "by_data", true);
	json_close(j, '}');
}

static void print_links(struct json *j, const char *key, const struct bp_vol_link *links, size_t n)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < n; i++)
		print_link(j, NULL, &links[i]);
	json_close(j, ']');
}

static void print_json(const struct bp_vol_chain *c)
{
	struct json j = { stdout };

	json_open(&j, NULL, '{');
	json_text(&j, "volume", c->below[0].vol);
	json_text(&j, "pool", c->below[0].pool);
	print_links(&j, "chain", c->below, c->n_below);
	print_links(&j, "dependants", c->above, c->n_above);
	json_close(&j, '}');
	putchar('\n');
}

static int vol_chain(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct chain *a = args;
	cleanup(bp_vol_chain_freep) struct bp_vol_chain *c = NULL;
	auto_free char *pool = NULL, *vol = NULL;

	if (vol_lookup(cli, a->pool, a->vol, "pool", &pool, &vol, err) < 0)
		return -1;
	if (bp_vol_chain(cli->store, pool, vol, &c, err) < 0)
		return cli_failed(cli, "Failed to find the chain of vol %s", a->vol);
	if (cli->format == FORMAT_JSON)
		print_json(c);
	else
		print_text(cli, c);
	return 0;
}

const struct command cmd_vol_chain = {
	"vol-chain", "show what a vol is based on, and what is based on it",
	"Draws the backing chain of a volume, what everything is based on first, and behind the\n"
	"volume those that are based on it, in its pool and in the other active ones of this\n"
	"host. Backing files are looked at where they are volumes of an active pool; others are\n"
	"named only. The file that has the data of an image comes before that.",
	"vol-chain disk1.qcow2 default",
	chain_options, sizeof(struct chain), vol_chain, COMMAND_OURS, NULL
};

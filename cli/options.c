/* options.c - see options.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

static const char *const formats[] = { [FORMAT_TEXT] = "text", [FORMAT_JSON] = "json" };

int format_find(const char *word)
{
	for (size_t i = 0; i < array_size(formats); i++)
		if (strcmp(formats[i], word) == 0)
			return (int)i;
	return -1;
}

size_t options_count(const struct command *cmd)
{
	size_t n = 0;

	while (cmd->options && cmd->options[n].name)
		n++;
	return n;
}

const struct option_row *option_find(const struct cli *cli, const struct command *cmd,
				     const char *name, size_t len)
{
	const struct option_row *row = cmd->options;

	for (; row && row->name; row++)
		if (option_shown(cli, row) && strlen(row->name) == len &&
		    memcmp(row->name, name, len) == 0)
			return row;
	return NULL;
}

bool takes_output_format(const struct cli *cli, const struct command *cmd)
{
	return !cli->virsh && !option_find(cli, cmd, "format", 6);
}

const struct option_row *option_for_word(const struct cli *cli, const struct command *cmd,
					 const char *const *values)
{
	const struct option_row *row = cmd->options;

	for (; row && row->name; row++)
		if (row->type == OPT_WORDS ||
		    (row->type != OPT_FLAG && !(row->flags & ROW_NAMED) &&
		     option_shown(cli, row) && !values[row - cmd->options]))
			return row;
	return NULL;
}

bool option_again(const struct cli *cli, const struct option_row *row)
{
	return row->flags & ROW_AGAIN && !cli->virsh;
}

bool is_option_word(const char *word)
{
	return word[0] == '-' && word[1] == '-' && isalnum((unsigned char)word[2]);
}

static const char *type_word(const struct option_row *row)
{
	return row->type == OPT_NUMBER ? "number" : "string";
}

static int give(struct cli *cli, struct parsed *p, const struct option_row *row,
		const char *value)
{
	const char *before = p->values[row - p->cmd->options];
	bool flag = row->type == OPT_FLAG;

	cli_debug(cli, "%s: %s(%s): %s", p->cmd->name, row->name, flag ? "bool" : "optdata",
		  flag ? "(none)" : value);
	if (before) {
		auto_free char *all = mem_printf("%s\n%s", before, value);

		value = all;
		*array_add(p->words, p->n_words) = steal(all);
	}
	p->values[row - p->cmd->options] = value;
	return 0;
}

/* The words of a command while they are read. */
struct reader {
	struct cli *cli;
	struct words *words;
	struct parsed *p;
};

/* The next word; it is kept until the command is done. */
static enum word_kind next(struct reader *r, char **ret)
{
	const char *why;
	enum word_kind kind = words_next(r->words, ret, &why);

	if (kind == WORD)
		*array_add(r->p->words, r->p->n_words) = *ret;
	if (kind == WORD_BROKEN)
		cli_complain(r->cli, "%s", why);
	return kind;
}

static int set_format(struct reader *r, const char *value)
{
	int format = format_find(value);

	if (format < 0) {
		cli_complain(r->cli, "--format is text or json, not '%s'", value);
		return -1;
	}
	r->p->format = (enum cli_format)format;
	return 0;
}

/* "--help" and, where a command has no such option itself, "--format". */
static const struct option_row everywhere[] = {
	{ "help", OPT_FLAG, 0, 0, NULL, COMPLETE_NOTHING },
	{ "format", OPT_STRING, 0, 0, NULL, COMPLETE_OUTPUT },
};

static const struct option_row *row_of_name(struct reader *r, const char *name, size_t len)
{
	const struct option_row *row = option_find(r->cli, r->p->cmd, name, len);

	if (row)
		return row;
	if (len == 4 && memcmp(name, "help", 4) == 0)
		return &everywhere[0];
	if (len == 6 && memcmp(name, "format", 6) == 0 && takes_output_format(r->cli, r->p->cmd))
		return &everywhere[1];
	return NULL;
}

/* An option whose value, if it takes one, is known. */
static int named_value(struct reader *r, const struct option_row *row, const char *value)
{
	if (row == &everywhere[0]) {
		r->p->help = true;
		return 0;
	}
	if (row == &everywhere[1])
		return set_format(r, value);
	if (row->type == OPT_WORDS) {
		*array_add(r->p->rest.words, r->p->rest.n) = (char *)value;
		return 0;
	}
	return give(r->cli, r->p, row, value);
}

static int named(struct reader *r, char *word)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const struct option_row *row = row_of_name(r, name, len);
	char *value = name[len] ? word + 2 + len + 1 : NULL;

	if (!row && r->p->cmd->flags & COMMAND_LENIENT)
		return 0;
	if (!row) {
		cli_complain(r->cli, "command '%s' doesn't support option --%.*s",
			     r->p->cmd->name, (int)len, name);
		return -1;
	}
	if (row != &everywhere[0] && row != &everywhere[1] && row->type != OPT_WORDS &&
	    r->p->values[row - r->p->cmd->options] && !option_again(r->cli, row)) {
		cli_complain(r->cli, "option --%s already seen", row->name);
		return -1;
	}
	if (row->type == OPT_FLAG && value) {
		cli_complain(r->cli, "invalid '=' after option --%s", row->name);
		return -1;
	}
	if (row->type == OPT_FLAG)
		return named_value(r, row, "");
	if (!value) {
		enum word_kind kind = next(r, &value);

		if (kind == WORD_BROKEN)
			return -1;
		if (kind != WORD) {
			cli_complain(r->cli, "expected syntax: --%s <%s>", row->name,
				     type_word(row));
			return -1;
		}
	}
	return named_value(r, row, value);
}

static int bare(struct reader *r, char *word)
{
	const struct option_row *row = option_for_word(r->cli, r->p->cmd, r->p->values);

	if (!row) {
		cli_complain(r->cli, "unexpected data '%s'", word);
		return -1;
	}
	return named_value(r, row, word);
}

static int check_required(struct cli *cli, const struct parsed *p)
{
	const struct option_row *row = p->cmd->options;
	int result = 0;

	for (; row && row->name && !p->help; row++) {
		if (!(row->flags & ROW_REQUIRED) || p->values[row - p->cmd->options])
			continue;
		cli_complain(cli, row->flags & ROW_NAMED ? "command '%s' requires --%s option" :
			     "command '%s' requires <%s> option", p->cmd->name, row->name);
		result = -1;
	}
	return result;
}

static void unknown_command(struct cli *cli, const char *name)
{
	bool elsewhere = command_is_elsewhere(name);

	cli_complain(cli, "unknown command: '%s'", name);
	if (cli->virsh && elsewhere)
		cli_complain(cli, "this is barepool, which has virsh's storage commands only");
	else if (elsewhere)
		cli_hint(cli, "'%s' is virsh's; barepool has its storage commands only", name);
	else
		cli_hint(cli, "'%s help' lists the commands", cli->program);
	cli_report(cli, NULL);
}

/* One command: its name has been read, and is *word. */
static enum word_kind parse_command(struct reader *r, char *word)
{
	enum word_kind kind;
	bool data_only = false;

	r->p->cmd = command_find(r->cli, word);
	if (!r->p->cmd) {
		unknown_command(r->cli, word);
		return WORD_BROKEN;
	}
	r->p->values = mem_alloc((options_count(r->p->cmd) + 1) * sizeof *r->p->values);
	while ((kind = next(r, &word)) == WORD) {
		int result;

		if (r->p->cmd->flags & COMMAND_RAW) {
			*array_add(r->p->rest.words, r->p->rest.n) = word;
			continue;
		}
		if (!data_only && strcmp(word, "--") == 0) {
			data_only = true;
			continue;
		}
		result = !data_only && is_option_word(word) ? named(r, word) : bare(r, word);
		if (result < 0)
			return WORD_BROKEN;
	}
	if (kind != WORD_BROKEN && check_required(r->cli, r->p) < 0)
		return WORD_BROKEN;
	return kind;
}

int options_parse(struct cli *cli, struct words *words, struct parsed_list *ret)
{
	cleanup(parsed_list_done) struct parsed_list list = { 0 };
	enum word_kind kind = WORD;

	while (kind != WORD_END) {
		struct parsed p = { .format = cli->format };
		struct reader r = { cli, words, &p };
		char *word;

		kind = next(&r, &word);
		if (kind == WORD)
			kind = parse_command(&r, word);
		if (p.n_words)
			*array_add(list.commands, list.n) = p;
		if (kind == WORD_BROKEN)
			return -1;
	}
	*ret = list;
	list = (struct parsed_list){ 0 };
	return 0;
}

void parsed_list_done(struct parsed_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct parsed *p = &list->commands[i];

		for (size_t j = 0; j < p->n_words; j++)
			free(p->words[j]);
		free(p->words);
		free(p->values);
		free(p->rest.words);
	}
	free(list->commands);
	*list = (struct parsed_list){ 0 };
}

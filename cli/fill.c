/* fill.c - the texts of options into the command's own struct, typed and checked. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cli/options.h"
#include "core/base/mem.h"
#include "core/base/size.h"
#include "core/base/text.h"

static int fill_size(struct cli *cli, const struct option_row *row, const char *text,
		     struct cli_size *ret, struct bp_error *err)
{
	const char *digits = text;

	if (!*text)		/* only where that is allowed: as if it were not there */
		return 0;
	if (*text == '-' && row->flags & ROW_SIGNED)
		digits++;
	if (size_parse(digits, UINT64_MAX, &ret->bytes, err) < 0) {
		if (err->code == BP_XML_SYNTAX)		/* the first line says it all */
			*err = (struct bp_error){ 0 };
		cli_hint(cli, "a size is a whole number with or without a unit: 10G, 512MiB, 4096");
		return cli_failed(cli, "Malformed size %s", text);
	}
	ret->given = true;
	ret->negative = digits != text;
	ret->text = digits;
	return 0;
}

static int fill_number(struct cli *cli, const struct option_row *row, const char *text,
		       struct cli_number *ret)
{
	bool negative = *text == '-' && row->flags & ROW_SIGNED;

	if (!parse_number(text + negative, 10, &ret->value))
		return cli_failed(cli, "Numeric value '%s' for <%s> option is malformed or out of "
				  "range", text, row->name);
	if (negative)
		ret->value = -ret->value;
	ret->given = true;
	ret->text = text;
	return 0;
}

static int fill_one(struct cli *cli, const struct option_row *row, const char *text,
		    void *field, struct bp_error *err)
{
	if (!*text && row->type != OPT_NUMBER && row->type != OPT_FLAG &&
	    !(row->flags & ROW_EMPTY_OK))
		return cli_failed(cli, "Failed to get option '%s': Option argument is empty",
				  row->name);

	switch (row->type) {
	case OPT_STRING:
		*(const char **)field = text;
		return 0;
	case OPT_FLAG:
		*(bool *)field = true;
		return 0;
	case OPT_SIZE:
		return fill_size(cli, row, text, field, err);
	case OPT_NUMBER:
		return fill_number(cli, row, text, field);
	case OPT_WORDS:
		break;
	}
	return 0;
}

static bool given(const struct cli *cli, const struct parsed *p, const char *name)
{
	const struct option_row *row = option_find(cli, p->cmd, name, strlen(name));

	return row && p->values[row - p->cmd->options];
}

static int check_exclusive(struct cli *cli, const struct parsed *p)
{
	const char *const (*pair)[2] = p->cmd->exclusive;

	for (; pair && (*pair)[0]; pair++)
		if (given(cli, p, (*pair)[0]) && given(cli, p, (*pair)[1]))
			return cli_failed(cli, "Options --%s and --%s are mutually exclusive",
					  (*pair)[0], (*pair)[1]);
	return 0;
}

int options_fill(struct cli *cli, const struct parsed *p, void *args, struct bp_error *err)
{
	const struct option_row *row = p->cmd->options;

	if (check_exclusive(cli, p) < 0)
		return -1;
	for (; row && row->name; row++) {
		const char *text = p->values[row - p->cmd->options];
		void *field = (char *)args + row->at;

		if (row->type == OPT_WORDS)
			*(struct cli_words *)field = p->rest;
		else if (text && fill_one(cli, row, text, field, err) < 0)
			return -1;
	}
	return 0;
}

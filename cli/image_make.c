/* image_make.c - see image_make.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_make.h"

#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/size.h"

int image_size_argument(struct cli *cli, const char *text, uint64_t *ret)
{
	static const char form[] = "Invalid image size specified. You may use k, M, G, T, P or E "
				   "suffixes for";
	static const char words[] = "kilobytes, megabytes, gigabytes, terabytes, petabytes and "
				    "exabytes.";

	switch (size_parse_fraction(text, INT64_MAX, ret)) {
	case SIZE_GOOD:
		return 0;
	case SIZE_TOO_LARGE:
		return cli_failed(cli, "Invalid image size specified. Must be between 0 and "
				  "9223372036854775807.");
	case SIZE_NONSENSE:
		break;
	}
	if (!cli->qemu_img)
		return cli_failed(cli, "%s %s", form, words);
	cli_complain(cli, "%s", form);	/* which has two lines of it */
	return cli_failed(cli, "%s", words);
}

int image_options_check(struct cli *cli, const struct cli_words *options)
{
	for (size_t i = 0; i < options->n; i++) {
		const char *list = options->words[i];
		size_t len = strlen(list), commas = 0;

		while (commas < len && list[len - 1 - commas] == ',')
			commas++;
		if (!len || commas % 2)
			return cli_failed(cli, "Invalid option list: %s", list);
	}
	return 0;
}

bool image_asks_for_help(const struct cli_words *options)
{
	for (size_t i = 0; i < options->n; i++)
		for (const char *p = options->words[i]; *p; p += strcspn(p, ","), p += *p == ',') {
			size_t len = strcspn(p, ",");

			if ((len == 4 && strncmp(p, "help", 4) == 0) || (len == 1 && *p == '?'))
				return true;
		}
	return false;
}

int image_engine(struct cli *cli, const char *engine, const char *format, bool *ret_qemu)
{
	*ret_qemu = engine ? strcmp(engine, "qemu") == 0 : bp_image_qemu_writes(format);
	if (engine && !*ret_qemu && strcmp(engine, "native") != 0)
		return cli_failed(cli, "Unknown engine '%s': native or qemu", engine);
	return 0;
}

int image_print_options(struct cli *cli, const char *format, bool qemu, struct bp_error *err)
{
	auto_free char *text = NULL;

	if ((qemu ? bp_image_options_help_by_qemu(format ? format : "raw", &text, err) :
		    bp_image_options_help(format, &text, err)) < 0)
		return cli_failed(cli, "Cannot list the options of '%s'", format ? format : "raw");
	fputs(text, stdout);
	return 0;
}

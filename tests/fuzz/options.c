/* options.c - any bytes as what somebody typed: words, options, values, and names in JSON.
 *
 * How it hunts and replays: replay.h.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cell.h"
#include "cli/options.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/fuzz/replay.h"

static void must(bool so)
{
	if (!so)
		abort();
}

/* What is quoted is read as itself. */
static void quote(const char *s)
{
	auto_free char *quoted = shell_word(s), *word = NULL;
	struct words w = { .line = quoted };
	const char *why;

	must(words_next(&w, &word, &why) == WORD && strcmp(word, s) == 0 && !*w.line);
}

/* Parsed once as virsh would and once as we do; the values of each command made. */
static void parse(const char *line, bool virsh)
{
	cleanup(parsed_list_done) struct parsed_list list = { 0 };
	struct cli cli = { .program = "f", .virsh = virsh, .debug = 4, .log_fd = -1 };
	struct words words = { .line = line };

	if (options_parse(&cli, &words, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		auto_free void *args = mem_alloc(list.commands[i].cmd->args_size);
		struct bp_error err = { 0 };

		if (options_fill(&cli, &list.commands[i], args, &err) < 0)
			must(cli.failure != NULL);
		free(steal(cli.failure));
		free(steal(cli.hint));
	}
}

/* Nothing that could end a string or steer a terminal gets out. */
static void show(const char *s)
{
	cleanup(cell_printer_done) struct cell_printer printer = { 0 };
	auto_free char *buf = NULL;
	struct cli cli = { 0 };
	size_t size = 0;
	FILE *out = open_memstream(&buf, &size);
	struct json j = { .out = out };
	struct shown shown;

	json_open(&j, NULL, '{');
	json_text(&j, "name", s);
	json_close(&j, '}');
	must(fclose(out) == 0 && is_utf8(buf) && !has_control_chars(buf));
	printer.cli = &cli;
	shown = cell_show(&printer, s);
	must(!has_control_chars(shown.text) && shown.len == strlen(shown.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	auto_free char *text = text_of(data, len);

	quote(text);
	show(text);
	parse(text, false);
	parse(text, true);
	return 0;
}

#ifndef HUNT
/* Refusals are what it is after, and nobody reads them. */
__attribute__((constructor)) static void say_nothing(void)
{
	if (!freopen("/dev/null", "w", stderr))
		abort();
}
#endif

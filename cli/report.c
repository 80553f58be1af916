/* report.c - what a command says when it is done, and when it could not be. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cell.h"
#include "cli/command.h"
#include "cli/image_words.h"
#include "cli/json.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static char *format_v(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		return mem_dup(fmt);
	return s;
}

int cli_failed(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	free(cli->failure);
	va_start(ap, fmt);
	cli->failure = format_v(fmt, ap);
	va_end(ap);
	return -1;
}

void cli_hint(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->virsh || cli->qemu_img)
		return;
	free(cli->hint);
	va_start(ap, fmt);
	cli->hint = format_v(fmt, ap);
	va_end(ap);
}

/* Errors go to the file of --log too, with the time and who it was. */
static void log_line(struct cli *cli, const char *level, const char *what)
{
	auto_free char *line = NULL;
	char when[32];
	struct tm tm;
	time_t now = time(NULL);

	if (cli->log_fd < 0)
		return;
	localtime_r(&now, &tm);
	strftime(when, sizeof when, "%Y.%m.%d %H:%M:%S", &tm);
	line = mem_printf("[%s %s %ld] %s %s\n", when, cli->program, (long)getpid(), level, what);
	(void)write_all(cli->log_fd, line, strlen(line));
}

/* It may name what somebody else has put into a pool: what would steer a terminal
 * is shown instead, but for what is in kept. */
static void add_shown(struct text *out, const char *s, const char *kept)
{
	for (; *s; s++) {
		bool steers = (unsigned char)*s < ' ' || *s == 0x7f;

		if (steers && !strchr(kept, *s))
			text_addf(out, "\\x%02x", (unsigned char)*s);
		else
			text_add_n(out, s, 1);
	}
	text_add(out, "\n");
}

/* Lines of XML may be cited. */
static void error_line(struct cli *cli, struct text *out, const char *what)
{
	if (cli->qemu_img)
		text_add(out, "qemu-img: ");
	else
		text_add(out, "error: ");
	if (cli->virsh)
		text_addf(out, "%s\n", what);
	else
		add_shown(out, what, "\n\t");
	log_line(cli, "ERROR", what);
}

static void hint_line(struct text *out, const char *hint)
{
	text_add(out, "hint: ");
	add_shown(out, hint, "");
}

static void as_json(const char *failure, const char *reason, const struct bp_error *err,
		    const char *hint)
{
	struct json j = { stderr };

	json_open(&j, NULL, '{');
	json_text(&j, "error", failure ? failure : reason);
	if (failure && reason)
		json_text(&j, "reason", reason);
	if (reason) {
		json_text(&j, "code", bp_error_word(err->code));
		json_number(&j, "number", (uint64_t)bp_error_number(err->code));
	}
	if (hint)
		json_text(&j, "hint", hint);
	json_close(&j, '}');
	fputc('\n', stderr);
}

/* What failed, and why, without saying twice of which file. */
static char *in_one(const char *failure, const char *reason)
{
	auto_free char *words = NULL;
	const char *of = strstr(failure, " '");
	size_t len = of ? strlen(++of) : 0;

	if (len && strncmp(reason, of, len) == 0 && strncmp(reason + len, ": ", 2) == 0)
		reason += len + 2;
	words = image_words_failed(reason);
	return mem_printf("%s: %s", failure, words ? words : reason);
}

void cli_report(struct cli *cli, const struct bp_error *err)
{
	auto_free char *failure = steal(cli->failure), *hint = steal(cli->hint), *reason = NULL;
	struct text out = { 0 };

	fflush(stdout);		/* or the two streams mix on a terminal */
	if (err && err->code != BP_OK)
		reason = mem_printf("%s%s", cli->qemu_img ? "" : bp_error_prefix(err->code),
				    err->text);
	if (cli->format == FORMAT_JSON) {
		if (failure || reason)
			as_json(failure, reason, err, hint);
		return;
	}
	if (failure && reason && cli->qemu_img) {	/* which has one line for both */
		auto_free char *both = in_one(failure, reason);

		error_line(cli, &out, both);
	} else {
		if (failure)
			error_line(cli, &out, failure);
		if (reason)
			error_line(cli, &out, reason);
	}
	if (cli->qemu_img && cli->misused)
		text_add(&out, "Try 'qemu-img --help' for more information\n");
	if (hint)
		hint_line(&out, hint);
	if (out.len)
		fwrite(out.s, 1, out.len, stderr);
	text_done(&out);
}

void cli_warn(struct cli *cli, const char *warning)
{
	struct json j = { stderr };
	struct text out = { 0 };

	if (!warning || cli->virsh)
		return;
	fflush(stdout);
	log_line(cli, "WARNING", warning);
	if (cli->format == FORMAT_JSON) {
		json_open(&j, NULL, '{');
		json_text(&j, "warning", warning);
		json_close(&j, '}');
		fputc('\n', stderr);
		return;
	}
	text_add(&out, "warning: ");
	add_shown(&out, warning, "");
	fwrite(out.s, 1, out.len, stderr);
	text_done(&out);
}

void cli_debug(struct cli *cli, const char *fmt, ...)
{
	auto_free char *what = NULL;
	va_list ap;

	if (cli->debug > 1)
		return;
	va_start(ap, fmt);
	what = format_v(fmt, ap);
	va_end(ap);
	puts(what);
	log_line(cli, "INFO", what);
}

void cli_complain(struct cli *cli, const char *fmt, ...)
{
	auto_free char *what = NULL;
	struct text out = { 0 };
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	what = format_v(fmt, ap);
	va_end(ap);
	if (cli->format == FORMAT_JSON) {
		as_json(what, NULL, NULL, NULL);
		return;
	}
	error_line(cli, &out, what);
	fwrite(out.s, 1, out.len, stderr);
	text_done(&out);
}

void cli_done(struct cli *cli, const char *fmt, ...)
{
	struct cell_printer out = { .cli = cli };
	auto_free char *what = NULL;
	va_list ap;

	if (cli->quiet && cli->format == FORMAT_TEXT)
		return;
	va_start(ap, fmt);
	what = format_v(fmt, ap);
	va_end(ap);
	if (cli->format == FORMAT_JSON)
		cli_answer(cli, "message", what);
	else
		printf("%s\n", cli->virsh ? what : cell_show(&out, what).text);
	cell_printer_done(&out);
}

void cli_answer(struct cli *cli, const char *key, const char *value)
{
	struct json j = { stdout };

	if (cli->format == FORMAT_TEXT) {
		printf("%s\n", value);
		return;
	}
	json_open(&j, NULL, '{');
	json_text(&j, key, value);
	json_close(&j, '}');
	putchar('\n');
}

void cli_document(struct cli *cli, const char *key, const char *name, const char *text)
{
	struct json j = { stdout };

	if (cli->format == FORMAT_TEXT) {
		fputs(text, stdout);
		return;
	}
	json_open(&j, NULL, '{');
	if (name)
		json_text(&j, "name", name);
	json_text(&j, key, text);
	json_close(&j, '}');
	putchar('\n');
}

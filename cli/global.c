/* global.c - the options before the command. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/shell.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Options without a letter. */
enum { OPTION_VERSION = 256, OPTION_ROOT, OPTION_CONFIG_DIR, OPTION_RUN_DIR, OPTION_FORMAT,
       OPTION_TIMEOUT };

static const struct option options[] = {
	{ "connect",		required_argument, NULL, 'c' },
	{ "debug",		required_argument, NULL, 'd' },
	{ "escape",		required_argument, NULL, 'e' },
	{ "help",		no_argument,	   NULL, 'h' },
	{ "keepalive-interval",	required_argument, NULL, 'k' },
	{ "keepalive-count",	required_argument, NULL, 'K' },
	{ "log",		required_argument, NULL, 'l' },
	{ "quiet",		no_argument,	   NULL, 'q' },
	{ "readonly",		no_argument,	   NULL, 'r' },
	{ "timing",		no_argument,	   NULL, 't' },
	{ "version",		optional_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },		/* virsh's end here */
};

static const struct option our_options[] = {
	{ "root",		required_argument, NULL, OPTION_ROOT },
	{ "config-dir",		required_argument, NULL, OPTION_CONFIG_DIR },
	{ "run-dir",		required_argument, NULL, OPTION_RUN_DIR },
	{ "format",		required_argument, NULL, OPTION_FORMAT },
	{ "timeout",		required_argument, NULL, OPTION_TIMEOUT },
};

enum { OPTIONS = array_size(options) + array_size(our_options) };

static void options_for(const struct cli *cli, struct option ret[OPTIONS])
{
	const size_t n = array_size(options) - 1;

	memcpy(ret, options, sizeof options);
	memset(ret + n, 0, (OPTIONS - n) * sizeof *ret);
	if (!cli->virsh)
		memcpy(ret + n, our_options, sizeof our_options);
}

/* One option as it was typed. */
struct typed {
	int what;
	const char *name;	/* "-d" or "--debug" */
	const char *value;
};

static int set_debug(struct cli *cli, const struct typed *o)
{
	char *end;
	long level = strtol(o->value, &end, 10);

	if (end == o->value || *end) {
		cli_complain(cli, "option %s takes a numeric argument", o->name);
		return -1;
	}
	if (level < 0 || level > 4)
		cli_complain(cli, "ignoring debug level %ld out of range [0-4]", level);
	else
		cli->debug = (int)level;
	return 0;
}

/* What virsh says to a daemon about their connection; here it is only checked. */
static int check_keepalive(struct cli *cli, const struct typed *o)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(o->value, &end, 10);
	if (errno || end == o->value || *end || n > INT_MAX) {
		cli_complain(cli, "Invalid value for option %s", o->name);
		return -1;
	}
	if (n < 0) {
		cli_complain(cli, "option %s requires a positive integer argument", o->name);
		return -1;
	}
	return 0;
}

/* Of virsh's console, which we do not have. */
static int check_escape(struct cli *cli, const char *s)
{
	size_t n = strlen(s);

	if ((n == 2 && *s == '^' && (isalpha((unsigned char)s[1]) || strchr("@[\\]^_", s[1]))) ||
	    (n == 1 && *s != '^'))
		return 0;
	cli_complain(cli, "Invalid string '%s' for escape sequence", s);
	return -1;
}

static int set_log(struct cli *cli, const char *file)
{
	cli->log_fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (cli->log_fd >= 0)
		return 0;
	cli_complain(cli, "failed to open the log file. check the log file path");
	return -1;
}

static int set_uri(struct cli *cli, const char *uri)
{
	struct bp_error err = { 0 };

	if (cli_connect(cli, uri, cli->readonly, &err) == 0)
		return 0;
	cli_report(cli, &err);
	return -1;
}

static int set_format(struct cli *cli, const char *word)
{
	int format = format_find(word);

	if (format < 0) {
		cli_complain(cli, "--format is text or json, not '%s'", word);
		return -1;
	}
	cli->format = (enum cli_format)format;
	return 0;
}

static int set_timeout(struct cli *cli, const char *text)
{
	uint64_t seconds;

	if (!parse_number(text, 10, &seconds) || seconds < 1 || seconds > INT_MAX / 1000) {
		cli_complain(cli, "--timeout is a number of seconds, not '%s'", text);
		return -1;
	}
	cli->paths.timeout = (unsigned)seconds;
	return 0;
}

/* 1 when this was all there is to do. */
static int apply(struct cli *cli, const struct typed *o)
{
	switch (o->what) {
	case 'c':		return set_uri(cli, o->value);
	case 'd':		return set_debug(cli, o);
	case 'e':		return check_escape(cli, o->value);
	case 'h':		return help_usage(cli), 1;
	case 'k': case 'K':	return check_keepalive(cli, o);
	case 'l':		return set_log(cli, o->value);
	case 'q':		cli->quiet = true; return 0;
	case 'r':		cli->readonly = true; return 0;
	case 't':		cli->timing = true; return 0;
	case 'v':		return version_short(cli), 1;
	case 'V':		return version_long(cli), 1;
	case OPTION_VERSION:
		if (o->value && strcmp(o->value, "long") == 0)
			return version_long(cli), 1;
		return version_short(cli), 1;
	case OPTION_ROOT:	cli->paths.root = o->value; return 0;
	case OPTION_CONFIG_DIR:	cli->paths.config = o->value; return 0;
	case OPTION_RUN_DIR:	cli->paths.run = o->value; return 0;
	case OPTION_FORMAT:	return set_format(cli, o->value);
	case OPTION_TIMEOUT:	return set_timeout(cli, o->value);
	}
	return -1;
}

/* ':' and '?' of getopt_long(), whose optopt tells what was meant. */
static int refuse(struct cli *cli, int what, char **argv)
{
	const char *word = argv[optind - 1];

	if (what == ':') {
		for (const struct option *o = options; o->name; o++)
			if (o->val == optopt) {
				cli_complain(cli, "option '-%c'/'--%s' requires an argument",
					     optopt, o->name);
				return -1;
			}
		cli_complain(cli, "option '%s' requires an argument", word);
	} else if (optopt > 0 && optopt < 256) {
		cli_complain(cli, "unsupported option '-%c'. See --help.", optopt);
	} else {
		cli_complain(cli, "unsupported option '%s'. See --help.", word);
	}
	return -1;
}

int global_options(struct cli *cli, int argc, char **argv, bool silent, int *ret_next)
{
	struct option list[OPTIONS];
	char letter[3] = "-?", *name = NULL;
	int result = 0, index;

	if (argc < 2 || argv[1][0] != '-') {	/* the usual case */
		*ret_next = argc ? 1 : 0;
		return 0;
	}
	options_for(cli, list);
	optind = 0;			/* from the start, whoever was here before */
	while (result == 0) {
		struct typed o = { .name = letter };

		index = -1;
		o.what = getopt_long(argc, argv, "+:hqtc:vVrd:l:e:k:K:", list, &index);
		if (o.what < 0)
			break;
		o.value = optarg;
		letter[1] = (char)o.what;
		if (index >= 0)
			o.name = name = mem_printf("--%s", list[index].name);
		if (silent && (o.what == ':' || o.what == '?' || strchr("dehklvV", o.what) ||
			       o.what == OPTION_VERSION))
			result = 0;
		else
			result = o.what == ':' || o.what == '?' ? refuse(cli, o.what, argv) :
				 apply(cli, &o);
		free(name);
		name = NULL;
	}
	*ret_next = optind;
	return result;
}

/* other.c - the commands of the shell itself, and what the program says of itself. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/groups.h"
#include "cli/json.h"
#include "cli/shell.h"
#include "core/backend.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"

/* ---- version ------------------------------------------------------------ */

/* Whose commands, options and words these are. */
#define VIRSH_LEVEL "9.0.0"

static const char *part_of(const struct bp_pool_type *type)
{
	return bp_backend_builtin(type->name) ? "built in" :
	       bp_backend_present(type->name) ? "module" : "left out";
}

/* "dir, fs" */
static char *types_that_are(const char *part)
{
	struct text out = { 0 };
	const struct bp_pool_type *type;

	for (size_t i = 0; (type = bp_pool_type_at(i)); i++)
		if (strcmp(part_of(type), part) == 0)
			text_addf(&out, "%s%s", out.len ? ", " : "", type->name);
	return text_steal(&out);
}

static void print_types(const char *title, const char *part)
{
	auto_free char *types = types_that_are(part);

	if (*types)
		printf("%s: %s\n", title, types);
}

void version_short(const struct cli *cli)
{
	puts(cli->virsh ? VIRSH_LEVEL : bp_version());
}

void version_long(const struct cli *cli)
{
	if (cli->virsh)
		printf("Virsh's storage commands, by barepool %s\n", bp_version());
	else
		printf("barepool %s, with the storage commands of virsh " VIRSH_LEVEL "\n",
		       bp_version());
	puts("\nCompiled with support for:");
	print_types(" Storage", "built in");
	print_types(" Storage, as modules", "module");
	print_types(" Left out", "left out");
}

static void version_json(void)
{
	struct json j = { stdout };
	const struct bp_pool_type *type;

	json_open(&j, NULL, '{');
	json_text(&j, "barepool", bp_version());
	json_text(&j, "virsh", VIRSH_LEVEL);
	json_open(&j, "pool_types", '{');
	for (size_t i = 0; (type = bp_pool_type_at(i)); i++)
		json_text(&j, type->name, part_of(type));
	json_close(&j, '}');
	json_close(&j, '}');
	putchar('\n');
}

struct version {
	bool daemon;
};

static const struct option_row version_options[] = {
	{ "daemon", OPT_FLAG, 0, offsetof(struct version, daemon), "report daemon version too",
	  COMPLETE_NOTHING },
	{ NULL }
};

/* There is no daemon, so there is no more to say about one. */
static int version(struct cli *cli, const void *args, struct bp_error *err)
{
	(void)args;
	(void)err;
	if (cli->format == FORMAT_JSON) {
		version_json();
		return 0;
	}
	printf("Compiled against library: barepool %s\n", BAREPOOL_VERSION);
	printf("Using library: barepool %s\n", bp_version());
	printf("Using API: storage %s\n", bp_version());
	if (cli->virsh)
		return 0;
	print_types("Pool types built in", "built in");
	print_types("Pool types as modules", "module");
	print_types("Pool types left out", "left out");
	return 0;
}

const struct command cmd_version = {
	"version", "show version",
	"Display the system version information.",
	"version",
	version_options, sizeof(struct version), version, COMMAND_NO_STORE, NULL
};

/* ---- uri, connect ------------------------------------------------------- */

static int uri(struct cli *cli, const void *args, struct bp_error *err)
{
	(void)args;
	(void)err;
	cli_answer(cli, "uri", cli_uri(cli));
	return 0;
}

const struct command cmd_uri = {
	"uri", "print the hypervisor canonical URI", NULL, "uri",
	NULL, 0, uri, COMMAND_NO_STORE, NULL
};

struct connect {
	const char *name;
	bool readonly;
};

static const struct option_row connect_options[] = {
	{ "name", OPT_STRING, ROW_EMPTY_OK, offsetof(struct connect, name),
	  "hypervisor connection URI", COMPLETE_NOTHING },
	{ "readonly", OPT_FLAG, 0, offsetof(struct connect, readonly),
	  "read-only connection", COMPLETE_NOTHING },
	{ NULL }
};

static int do_connect(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct connect *a = args;

	return cli_connect(cli, a->name ? a->name : "", a->readonly, err);
}

const struct command cmd_connect = {
	"connect", "(re)connect to hypervisor",
	"Connect to local hypervisor. This is built-in command after shell start up.",
	"connect storage:///session",
	connect_options, sizeof(struct connect), do_connect, COMMAND_NO_STORE, NULL
};

/* ---- cd, pwd ------------------------------------------------------------ */

struct cd {
	const char *dir;
};

static const struct option_row cd_options[] = {
	{ "dir", OPT_STRING, ROW_EMPTY_OK, offsetof(struct cd, dir),
	  "directory to switch to (default: home or else root)", COMPLETE_FILE },
	{ NULL }
};

static int cd(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct cd *a = args;
	const char *home = getenv("HOME");
	const char *dir = a->dir ? a->dir : home && *home ? home : "/";

	(void)err;
	if (!cli->session)
		return cli_failed(cli, "cd: command valid only in interactive mode");
	if (chdir(dir) < 0)
		return cli_failed(cli, "cd: %s: %s", strerror(errno), dir);
	return 0;
}

const struct command cmd_cd = {
	"cd", "change the current directory",
	"Change the current directory.",
	"cd /srv/images",
	cd_options, sizeof(struct cd), cd, COMMAND_NO_STORE, NULL
};

static int pwd(struct cli *cli, const void *args, struct bp_error *err)
{
	auto_free char *dir = getcwd(NULL, 0);

	(void)args;
	(void)err;
	if (!dir)
		return cli_failed(cli, "pwd: cannot get current directory: %s", strerror(errno));
	cli_answer(cli, "directory", dir);
	return 0;
}

const struct command cmd_pwd = {
	"pwd", "print the current directory",
	"Print the current directory.",
	"pwd",
	NULL, 0, pwd, COMMAND_NO_STORE, NULL
};

/* ---- echo --------------------------------------------------------------- */

struct echo {
	bool shell, xml, split, error;
	struct cli_words words;
};

static const struct option_row echo_options[] = {
#define AT(m) offsetof(struct echo, m)
	{ "shell", OPT_FLAG, 0, AT(shell), "escape for shell use", COMPLETE_NOTHING },
	{ "xml", OPT_FLAG, 0, AT(xml), "escape for XML use", COMPLETE_NOTHING },
	{ "split", OPT_FLAG, 0, AT(split),
	  "split each argument on ','; ',,' is an escape sequence", COMPLETE_NOTHING },
	{ "err", OPT_FLAG, 0, AT(error), "output to stderr", COMPLETE_NOTHING },
	{ "string", OPT_WORDS, 0, AT(words), "arguments to echo", COMPLETE_NOTHING },
	{ NULL }
#undef AT
};

static const char *const echo_pairs[][2] = {
	{ "shell", "xml" }, { "shell", "split" }, { "xml", "split" }, { NULL }
};

static void add_xml(struct text *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':  text_add(out, "&amp;"); break;
		case '<':  text_add(out, "&lt;"); break;
		case '>':  text_add(out, "&gt;"); break;
		case '"':  text_add(out, "&quot;"); break;
		case '\'': text_add(out, "&apos;"); break;
		default:   text_add_n(out, s, 1);
		}
	}
}

/* Each piece on a line of its own. */
static void add_split(struct text *out, const char *s)
{
	for (; *s; s++) {
		if (s[0] == ',' && s[1] == ',')
			text_add_n(out, s++, 1);
		else
			text_add_n(out, *s == ',' ? "\n" : s, 1);
	}
	text_add(out, "\n");
}

/* The newline at the end is the one that ends every command. */
static int echo(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct echo *a = args;
	cleanup(text_done) struct text out = { 0 };

	(void)err;
	for (size_t i = 0; i < a->words.n; i++) {
		const char *word = a->words.words[i];
		auto_free char *quoted = a->shell ? shell_word(word) : NULL;

		if (i)
			text_add(&out, " ");
		if (a->xml)
			add_xml(&out, word);
		else if (a->split)
			add_split(&out, word);
		else
			text_add(&out, quoted ? quoted : word);
	}
	if (cli->format == FORMAT_JSON)
		cli_answer(cli, "echo", out.len ? out.s : "");
	else if (a->error)
		cli_complain(cli, "%s", out.len ? out.s : "");
	else
		fputs(out.len ? out.s : "", stdout);
	return 0;
}

const struct command cmd_echo = {
	"echo", "echo arguments. Used for internal testing.",
	"Echo back arguments, possibly with quoting. Used for internal testing.",
	"echo --shell \"it's\"",
	echo_options, sizeof(struct echo), echo, COMMAND_NO_STORE, echo_pairs
};

/* ---- quit, exit --------------------------------------------------------- */

static int quit(struct cli *cli, const void *args, struct bp_error *err)
{
	(void)args;
	(void)err;
	cli->ended = true;
	return 0;
}

const struct command cmd_quit = {
	"quit", "quit this interactive terminal", NULL, "quit",
	NULL, 0, quit, COMMAND_NO_STORE, NULL
};

const struct command cmd_exit = {
	"exit", "quit this interactive terminal", NULL, "exit",
	NULL, 0, quit, COMMAND_NO_STORE, NULL
};

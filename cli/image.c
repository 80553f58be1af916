/* image.c - the commands of "barepool image", and words against their rows. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/groups.h"
#include "cli/image_opts.h"
#include "cli/image_read.h"
#include "core/barepool.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/text.h"

const struct image_command *const image_commands[] = {
	&image_amend,
	&image_bitmap,
	&image_check,
	&image_commit,
	&image_compare,
	&image_convert,
	&image_create,
	&image_dd,
	&image_info,
	&image_map,
	&image_measure,
	&image_rebase,
	&image_resize,
	&image_snapshot,
	NULL
};

static const struct image_command *find(const char *name)
{
	for (const struct image_command *const *c = image_commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

/* ---- help ---------------------------------------------------------------------- */

static const char *prefix(const struct cli *cli)
{
	return cli->qemu_img ? "" : " image";
}

static void print_row(const struct image_row *r)
{
	cleanup(text_done) struct text form = { 0 };

	if (r->letter)
		text_addf(&form, "-%c", r->letter);
	if (r->name)
		text_addf(&form, "%s--%s", r->letter ? ", " : "", r->name);
	if (r->value)
		text_addf(&form, "%s%s", r->name ? "=" : " ", r->value);
	printf("    %-24s  %s\n", form.s, r->help);
}

static void print_help(const struct cli *cli, const struct image_command *c)
{
	printf("  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s%s %s [options] %s\n", c->name, c->help,
	       cli->program, prefix(cli), c->name, c->files);
	if (c->description)
		printf("\n  DESCRIPTION\n    %s\n", c->description);
	printf("\n  OPTIONS\n");
	for (const struct image_row *r = c->rows; r->letter || r->name; r++)
		if (r->type != IMG_REFUSED)
			print_row(r);
	printf("\n  EXAMPLE\n    %s%s %s\n", cli->program, prefix(cli), c->example);
}

/* Scripts compare the numbers of versions: what we speak is that of QEMU 7.2. */
static void print_version(void)
{
	printf("qemu-img version 7.2.0 (barepool %s)\n", bp_version());
}

/* Scripts look there for the options that they would like to give. */
static void print_synopsis(const struct image_command *c)
{
	printf("  %s", c->name);
	for (const struct image_row *r = c->rows; r->letter || r->name; r++) {
		char letter[] = { r->letter, 0 };

		if (r->type != IMG_REFUSED)
			printf(" [%s%s%s%s]", r->name ? "--" : "-", r->name ? r->name : letter,
			       !r->value ? "" : r->name ? "=" : " ", r->value ? r->value : "");
	}
	printf(" %s\n", c->files);
}

static void print_commands(const struct cli *cli)
{
	if (cli->qemu_img)
		print_version();
	printf("usage: %s%s command [options] FILE ...\n\n", cli->program, prefix(cli));
	for (const struct image_command *const *c = image_commands; *c; c++)
		printf("  %-10s  %s\n", (*c)->name, (*c)->help);
	if (cli->qemu_img)
		printf("\nCommand syntax:\n");
	for (const struct image_command *const *c = image_commands; cli->qemu_img && *c; c++)
		print_synopsis(*c);
	printf("\nSupported formats:");
	for (size_t i = 0; bp_image_known(i); i++)
		printf(" %s", bp_image_known(i));
	printf("\n\n'%s%s command --help' tells more of one.\n", cli->program, prefix(cli));
}

/* ---- options ------------------------------------------------------------------- */

enum { HELP = 'h', FIRST_LONG = 256 };

/* The rows as getopt wants them. */
struct table {
	struct text letters;
	struct option *longs;
	size_t n_longs;
};

static void table_done(struct table *t)
{
	text_done(&t->letters);
	free(t->longs);
}

static void table_fill(struct table *t, const struct image_command *c)
{
	text_add(&t->letters, ":h");
	*array_add(t->longs, t->n_longs) = (struct option){ "help", no_argument, NULL, HELP };
	for (size_t i = 0; c->rows[i].letter || c->rows[i].name; i++) {
		const struct image_row *r = &c->rows[i];

		if (r->letter)
			text_addf(&t->letters, "%c%s", r->letter, r->value ? ":" : "");
		if (r->name)
			*array_add(t->longs, t->n_longs) = (struct option){
				r->name, r->value ? required_argument : no_argument, NULL,
				r->letter ? r->letter : FIRST_LONG + (int)i,
			};
	}
	*array_add(t->longs, t->n_longs) = (struct option){ 0 };
}

static const struct image_row *row_of(const struct image_command *c, int letter)
{
	if (letter >= FIRST_LONG)
		return &c->rows[letter - FIRST_LONG];
	for (const struct image_row *r = c->rows; r->letter || r->name; r++)
		if (r->letter == letter)
			return r;
	return NULL;
}

int image_misused(struct cli *cli, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	cli->misused = true;
	return cli_failed(cli, "%s", text ? text : fmt);
}

static int set_output(struct cli *cli, struct image_args *args, const char *value)
{
	args->json = strcmp(value, "json") == 0;
	if (!args->json && strcmp(value, "human") != 0)
		return image_misused(cli, "--output must be used with human or json as argument.");
	return 0;
}

static int set_letter(struct cli *cli, const struct image_row *r, int letter,
		      struct image_letter *to)
{
	if (to->letter)
		return cli_failed(cli, "Cannot mix '-%c' with another of its kind", r->letter);
	*to = (struct image_letter){ letter, r->name, optarg };
	return 0;
}

static int refuse(struct cli *cli, const struct image_command *c, const struct image_row *r)
{
	char letter[] = { '-', r->letter, 0 };

	return cli_failed(cli, "%s: option '%s%s' is QEMU's, and not supported here: %s", c->name,
			  r->name ? "--" : letter, r->name ? r->name : "", r->help);
}

static int take(struct cli *cli, const struct image_command *c, int letter, char *args)
{
	const struct image_row *r = row_of(c, letter);
	void *to = args + r->at;
	struct cli_words *list = to;

	switch (r->type) {
	case IMG_FLAG:
		*(bool *)to = true;
		return 0;
	case IMG_COUNT:
		++*(unsigned *)to;
		return 0;
	case IMG_TEXT:
		*(const char **)to = optarg;
		return 0;
	case IMG_LIST:
		*array_add(list->words, list->n) = optarg;
		return 0;
	case IMG_STEP:
		*array_add(list->words, list->n) = (char *)r->name;
		if (r->value)
			*array_add(list->words, list->n) = optarg;
		return 0;
	case IMG_LETTER:
		return set_letter(cli, r, letter, to);
	case IMG_OUTPUT:
		return set_output(cli, (struct image_args *)args, optarg);
	case IMG_REFUSED:
		break;
	}
	return refuse(cli, c, r);
}

static bool asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

char *image_path(const char *name)
{
	static const char prefix[] = "file:";
	const char *path = name;

	if (strncmp(path, prefix, strlen(prefix)) == 0)
		path += strlen(prefix);
	/* so that what it names in turn is looked for beside it, whatever is in its name */
	if (path != name && path[strcspn(path, ":/")] == ':')
		return mem_printf("./%s", path);
	return mem_dup(path);
}

static void take_files(struct image_args *args, char **names, size_t n)
{
	args->names = names;
	args->n_files = n;
	args->files = mem_alloc((n + 1) * sizeof *args->files);
	args->said = mem_alloc((n + 1) * sizeof *args->said);
	for (size_t i = 0; i < n; i++)
		args->files[i] = image_path(names[i]);
}

/* Of the file i of n; 0: it is no image, or one that is named by its path. */
static char format_letter(const struct image_command *c, size_t i, size_t n)
{
	const char *letters = c->formats ? c->formats : "", *plus = strchr(letters, '+');
	size_t len = strlen(letters), behind = plus ? strlen(plus + 1) : 0;

	if (!plus)
		return i < len ? letters[i] : '\0';
	return i + behind < n ? plus[-1] : plus[1 + i + behind - n];
}

/* Where the command looks for what the option of this letter says. */
static const char **format_of(const struct image_command *c, struct image_args *args, char letter)
{
	return (const char **)(void *)((char *)args + row_of(c, letter)->at);
}

static bool by_opts(const struct image_args *args, char letter)
{
	return letter == 'O' ? args->new_opts : args->opts;
}

/* What the command line says comes before what "json:" does. */
static void say_format(const struct image_command *c, struct image_args *args, size_t i,
		       const char *format)
{
	char letter = format_letter(c, i, args->n_files);
	const char **to = format_of(c, args, letter), *plus = strchr(c->formats, '+');

	if (*to)
		return;
	args->said[i] = mem_dup(format);
	if (!plus || letter == plus[1])
		*to = args->said[i];
}

/* Those that are named by options. */
static int read_opts(struct cli *cli, const struct image_command *c, struct image_args *args)
{
	for (const char *l = c->formats; l && *l; l++)
		if (*l != '+' && by_opts(args, *l) && *format_of(c, args, *l))
			return image_misused(cli,
					     "--image-opts and --format are mutually exclusive");
	for (size_t i = 0; i < args->n_files; i++) {
		char letter = format_letter(c, i, args->n_files);
		auto_free char *path = NULL, *format = NULL;

		if (!letter || !(by_opts(args, letter) ||
				 (letter != 'O' && image_opts_json(args->names[i])))) {
			if ((letter || !i) && image_opts_place(cli, args->names[i]) < 0)
				return -1;
			continue;
		}
		if (image_opts_read(cli, args->names[i], &path, &format) < 0)
			return -1;
		if (format)
			say_format(c, args, i, format);
		free(args->files[i]);
		args->files[i] = steal(path);
	}
	return 0;
}

static int check_number(struct cli *cli, const struct image_command *c, size_t n)
{
	if (n >= c->files_min && n <= c->files_max)
		return 0;
	if (cli->qemu_img)
		return image_misused(cli, "%s", c->wanted ? c->wanted :
				     "Expecting one image file name");
	return cli_failed(cli, "%s expects %s", c->name, c->files);
}

enum { MISUSED = -1, NO_IMAGE = -2, ASKS_FOR_HELP = 1 };

static int parse(struct cli *cli, const struct image_command *c, char **words, size_t n,
		 char *args)
{
	cleanup(table_done) struct table t = { 0 };
	struct image_args *common = (struct image_args *)args;
	bool apart = c->last_is_word && n > 1 && !asks_for_help(words[n - 1]);
	int letter;

	table_fill(&t, c);
	optind = 0;
	opterr = 0;
	while ((letter = getopt_long((int)(n - apart), words, t.letters.s, t.longs, NULL)) != -1) {
		if (letter == HELP && !row_of(c, HELP))
			return ASKS_FOR_HELP;
		if (letter == ':')
			return image_misused(cli, "missing argument for option '%s'",
					     words[optind - 1]);
		if (letter == '?')
			return image_misused(cli, "unrecognized option '%s'", words[optind - 1]);
		if (take(cli, c, letter, args) < 0)
			return MISUSED;
	}
	take_files(common, words + optind, n - (size_t)optind);
	if (check_number(cli, c, common->n_files) < 0)
		return MISUSED;
	return read_opts(cli, c, common) < 0 ? NO_IMAGE : 0;
}

static void args_done(const struct image_command *c, char *args)
{
	struct image_args *common = (struct image_args *)(void *)args;

	for (size_t i = 0; i < common->n_files; i++) {
		free(common->files[i]);
		free(common->said[i]);
	}
	free(common->files);
	free(common->said);
	for (const struct image_row *r = c->rows; r->letter || r->name; r++)
		if (r->type == IMG_LIST || r->type == IMG_STEP)
			free(steal(((struct cli_words *)(void *)(args + r->at))->words));
}

int image_run(struct cli *cli, char **words, size_t n, struct bp_error *err)
{
	const struct image_command *c = n ? find(words[0]) : NULL;
	auto_free char *args = NULL;
	int r;

	if (!n && cli->qemu_img)
		return image_misused(cli, "Not enough arguments");
	if (!n || asks_for_help(words[0])) {
		print_commands(cli);
		return n ? 0 : 1;
	}
	if (!c) {
		cli_hint(cli, "'%s%s --help' lists what there is", cli->program, prefix(cli));
		return image_misused(cli, "%s%s%s", *words[0] == '-' ? "unrecognized option '" :
				     "Command not found: ", words[0], *words[0] == '-' ? "'" : "");
	}
	args = mem_alloc(c->args_size);
	((struct image_args *)(void *)args)->json = cli->format == FORMAT_JSON;
	r = parse(cli, c, words, n, args);
	if (r == ASKS_FOR_HELP) {
		print_help(cli, c);
		r = 0;
	} else if (r == 0) {
		r = c->run(cli, args, err);
	} else if (r == NO_IMAGE && c->unopened) {
		r = image_reported(cli, err, c->unopened);
	}
	args_done(c, args);
	return r;
}

int image_main(struct cli *cli, int argc, char **argv)
{
	struct bp_error err = { 0 };
	int r = 0;

	if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
		print_version();
	else
		r = image_run(cli, argv + 1, (size_t)argc - 1, &err);
	cli_report(cli, &err);
	return r < 0 ? 1 : r;
}

/* ---- the row in barepool's own table ---------------------------------------------- */

struct image {
	struct cli_words words;
};

static const struct option_row image_rows[] = {
	{ "words", OPT_WORDS, 0, offsetof(struct image, words), "a command, and its own words",
	  COMPLETE_FILE },
	{ NULL }
};

static int image(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct image *a = args;
	auto_free char **words = NULL;
	size_t n = 0;

	for (size_t i = 0; i < a->words.n; i++)
		*array_add(words, n) = a->words.words[i];
	*array_add(words, n) = NULL;	/* getopt looks there */
	return image_run(cli, words, n - 1, err);
}

const struct command cmd_image = {
	"image", "look at disk images, make and change them, as qemu-img does",
	"Works on files and devices, in a pool or not. 'image --help' lists its commands, and\n"
	"'image create --help' tells of one. A link to this program that is named qemu-img is\n"
	"used as that.",
	"image --help",
	image_rows, sizeof(struct image), image,
	COMMAND_OURS | COMMAND_NO_STORE | COMMAND_BARE | COMMAND_RAW, NULL
};

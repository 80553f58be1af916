/* image.h - "barepool image ...", and what we are when we are called qemu-img.
 *
 * Its commands take qemu-img's own words: options of one letter or with a long
 * name, bare words for files.  They are rows in tables, as all commands are.
 * Called by that name, texts on standard output and exit codes are qemu-img's.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_H
#define BP_CLI_IMAGE_H

#include <stddef.h>

#include "cli/command.h"
#include "core/images.h"

enum image_type {
	IMG_FLAG,		/* bool */
	IMG_COUNT,		/* unsigned: how often it was given */
	IMG_TEXT,		/* const char *: the last */
	IMG_LIST,		/* struct cli_words: all of them */
	IMG_STEP,		/* struct cli_words: the names of such rows, as they came, each
				 * followed by its value, if it takes one */
	IMG_LETTER,		/* struct image_letter: which of several came (-a, -c, -d, -l),
				 * with its value; a second one is refused */
	IMG_OUTPUT,		/* --output: the bool json that all begin with */
	IMG_REFUSED,		/* known to qemu-img, not to us: said so */
};

struct image_letter {
	int letter;		/* as getopt has it: past 255 for one with only a long name */
	const char *name;	/* long, or NULL */
	const char *value;
};

struct image_row {
	char letter;		/* or 0 */
	const char *name;	/* or NULL */
	enum image_type type;
	size_t at;		/* offsetof() in the command's own struct */
	const char *value;	/* what the value is called in help; NULL: it takes none */
	const char *help;
};

/* Each command's struct begins with this. */
struct image_args {
	char **names;		/* bare words, as they are */
	char **files;		/* as paths: without QEMU's "file:" before them */
	size_t n_files;
	bool json;		/* --output=json, or --format json before "image" */
	bool opts, new_opts;	/* --image-opts, --target-image-opts */
	char **said;		/* the format of each file that was said so; NULL: it was not */
};

struct image_command {
	const char *name;
	const char *files;	/* "FILE [SIZE]" */
	const char *help;	/* one line */
	const char *description;
	const char *example;	/* a line to type after the program's name */
	const struct image_row *rows;	/* ends with a zero row */
	size_t args_size;
	unsigned files_min, files_max;
	/* The exit status, or -1: failed, which is 1 after err is told. */
	int (*run)(struct cli *cli, const void *args, struct bp_error *err);
	int unopened;		/* the exit status where an image cannot be opened; 0: the usual */
	const char *wanted;	/* QEMU's words where there are other files; NULL: the usual */
	bool last_is_word;	/* the last word is no option, also when it begins as one (-1G) */
	/* The letter of the option that says the format of each file, as "fF"; "+": the one before
	 * it is that of all files that have none behind it. */
	const char *formats;
};

#define IMAGE_OPTS_ROW \
	{ 0, "image-opts", IMG_FLAG, offsetof(struct image_args, opts), NULL, \
	  "FILE is driver=FORMAT,file.filename=FILE" }

#define IMAGE_OUTPUT { 0, "output", IMG_OUTPUT, 0, "FORMAT", "human (usual) or json" }

/* Ends with NULL.  cli/image.c. */
extern const struct image_command *const image_commands[];
extern const struct image_command image_amend;
extern const struct image_command image_bitmap;
extern const struct image_command image_check;
extern const struct image_command image_commit;
extern const struct image_command image_compare;
extern const struct image_command image_convert;
extern const struct image_command image_create;
extern const struct image_command image_dd;
extern const struct image_command image_info;
extern const struct image_command image_map;
extern const struct image_command image_measure;
extern const struct image_command image_rebase;
extern const struct image_command image_resize;
extern const struct image_command image_snapshot;

/* As cli_failed(), for words that make no sense: QEMU then says where help is. */
int image_misused(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The path of a file that somebody names as QEMU does.  The caller frees. */
char *image_path(const char *name);

/* Flags of an image that is named.  As qemu-img we believe what it looks like, as that does. */
static inline unsigned image_flags(const struct cli *cli, bool shared)
{
	return (shared ? BP_IMAGE_SHARED : 0u) | (cli->qemu_img ? BP_IMAGE_TRUST_LOOKS : 0u);
}

/* All words that follow "image", or qemu-img's own. */
int image_run(struct cli *cli, char **words, size_t n, struct bp_error *err);

/* Whole program, when it is called qemu-img: the exit status. */
int image_main(struct cli *cli, int argc, char **argv);

#endif

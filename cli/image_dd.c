/* image_dd.c - image dd. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cli/image_make.h"
#include "cli/image_opts.h"
#include "cli/progress.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/size.h"

struct dd {
	struct image_args base;
	const char *from, *to;
	bool shared;
};

static const struct image_row rows[] = {
#define AT(m) offsetof(struct dd, m)
	{ 'f', NULL, IMG_TEXT, AT(from), "FORMAT", "format of the source (usual: as it looks)" },
	{ 'O', NULL, IMG_TEXT, AT(to), "FORMAT", "format of the new image (usual: raw)" },
	{ 'U', "force-share", IMG_FLAG, AT(shared), NULL, "read though somebody writes" },
	{ 0, "image-opts", IMG_REFUSED, 0, NULL, "files have names here" },
	IMAGE_OBJECT_ROW,
	{ 0 }
#undef AT
};

/* name=value, as dd has them. */
struct operands {
	const char *input, *output;
	bool counted;
	uint64_t block, count, skip;
};

#define BLOCK_MAX INT32_MAX

static int number(struct cli *cli, const char *name, const char *text, uint64_t min, uint64_t max,
		  uint64_t *ret)
{
	static const char words[] = "kilobytes, megabytes, gigabytes, terabytes, petabytes and "
				    "exabytes.";
	const char *form = "Invalid %s specified. You may use k, M, G, T, P or E suffixes for";

	switch (size_parse_fraction(text, max, ret)) {
	case SIZE_GOOD:
		if (*ret >= min)
			return 0;
		break;
	case SIZE_TOO_LARGE:
		break;
	case SIZE_NONSENSE:
		cli_complain(cli, form, name);
		return cli_failed(cli, "%s", words);
	}
	return cli_failed(cli, "Invalid %s specified. Must be between %llu and %llu.", name,
			  (unsigned long long)min, (unsigned long long)max);
}

static int take(struct cli *cli, const char *word, struct operands *o)
{
	const char *is = strchr(word, '='), *value = is ? is + 1 : "";
	size_t len = is ? (size_t)(is - word) : strlen(word);
	auto_free char *name = mem_dup_n(word, len);

	if (strcmp(name, "if") == 0)
		o->input = value;
	else if (strcmp(name, "of") == 0)
		o->output = value;
	else if (strcmp(name, "bs") == 0)
		return number(cli, name, value, 1, BLOCK_MAX, &o->block);
	else if (strcmp(name, "skip") == 0)
		return number(cli, name, value, 0, INT64_MAX, &o->skip);
	else if (strcmp(name, "count") == 0)
		return o->counted = true, number(cli, name, value, 0, INT64_MAX, &o->count);
	else
		return cli_failed(cli, "unrecognized operand %s", name);
	return 0;
}

static uint64_t bytes(uint64_t blocks, uint64_t size)
{
	uint64_t n;

	return __builtin_mul_overflow(blocks, size, &n) || n > INT64_MAX ? INT64_MAX : n;
}

static int run(struct cli *cli, const struct operands *o, const struct bp_image_conversion *c,
	       struct bp_error *err)
{
	cleanup(progress_end) struct progress p = { .cli = cli };
	const struct progress_wish wish = { 0 };

	if (progress_wanted(&p, &wish) < 0)
		return -1;
	if (bp_image_convert(c, progress_begin(&p), err) == 0)
		return 0;
	return cli->qemu_img ? -1 : cli_failed(cli, "Failed to make image '%s'", o->output);
}

/* QEMU's tool says so, and goes on. */
static void complain_of_skip(struct cli *cli, const struct bp_image_ref *source, uint64_t skip,
			     const char *name)
{
	cleanup(bp_image_freep) struct bp_image *image = NULL;
	struct bp_error ignored = { 0 };

	if (skip && bp_image_look(source, false, &image, &ignored) == 0 && skip > image->capacity)
		cli_complain(cli, "%s: cannot skip to specified offset", name);
}

static int dd(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct dd *a = args;
	struct operands o = { .block = 512 };
	struct bp_image_ref source = {
		.format = a->from, .flags = image_flags(cli, a->shared),
	};
	struct bp_image_conversion c = { .sources = &source, .n_sources = 1 };
	auto_free char *from = NULL, *to = NULL;

	for (size_t i = 0; i < a->base.n_files; i++)
		if (take(cli, a->base.names[i], &o) < 0)
			return -1;
	if (!o.input || !o.output)
		return cli_failed(cli, "Must specify both input and output files");
	if (image_opts_place(cli, o.input) < 0 || image_opts_place(cli, o.output) < 0)
		return -1;
	source.path = from = image_path(o.input);
	to = image_path(o.output);
	c.to = (struct bp_image_wish){ .path = to, .format = a->to };
	c.skip = bytes(o.skip, o.block);
	c.has_len = o.counted;
	c.len = bytes(o.count, o.block);
	if (cli->qemu_img) {	/* which counts what is skipped, too */
		c.len -= c.skip < c.len ? c.skip : c.len;
		complain_of_skip(cli, &source, c.skip, o.input);
	}
	return run(cli, &o, &c, err);
}

const struct image_command image_dd = {
	"dd", "[bs=SIZE] [count=N] [skip=N] if=FILE of=NEW", "make an image of a part of another",
	"N blocks of SIZE bytes (usual: 512) of what the guest of FILE sees, after N that are\n"
	"skipped.",
	"dd -O raw bs=1M skip=1 count=4 if=disk.qcow2 of=part.raw",
	rows, sizeof(struct dd), 0, 5, dd
};

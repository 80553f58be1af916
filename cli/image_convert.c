/* image_convert.c - image convert. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli/image_change.h"
#include "cli/image_make.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/size.h"
#include "core/base/text.h"

struct convert {
	struct image_args base;
	const char *snapshot;
	const char *from, *to, *backing, *backing_format, *sparse, *coroutines, *rate, *cache,
		*source_cache, *level, *threads, *engine;
	struct cli_words options;
	bool compress, in_place, progress, quiet, shared, any_order, offload, salvage, is_zero,
		verify, no_reflink, bitmaps, skip_broken;
};

static const struct image_row rows[] = {
#define AT(m) offsetof(struct convert, m)
	{ 'f', NULL, IMG_TEXT, AT(from), "FORMAT", "format of the sources (usual: as they look)" },
	{ 'O', NULL, IMG_TEXT, AT(to), "FORMAT", "format of the new image (usual: raw)" },
	{ 'o', NULL, IMG_LIST, AT(options), "OPTIONS",
	  "what else it shall be, as name=value,...; help: lists what there is" },
	{ 'B', NULL, IMG_TEXT, AT(backing), "FILE",
	  "leave to this file what the source leaves to its backing file" },
	{ 'F', NULL, IMG_TEXT, AT(backing_format), "FORMAT", "format of that file" },
	{ 'c', NULL, IMG_FLAG, AT(compress), NULL, "compress" },
	{ 'n', NULL, IMG_FLAG, AT(in_place), NULL, "write into an image that is there" },
	{ 0, "target-is-zero", IMG_FLAG, AT(is_zero), NULL,
	  "which reads as zeros already (with -n)" },
	{ 'S', NULL, IMG_TEXT, AT(sparse), "SIZE",
	  "so many zeros are worth a hole (usual: 4k); 0: nothing is" },
	{ 'C', NULL, IMG_FLAG, AT(offload), NULL, "let the kernel copy, and look for no zeros" },
	{ 0, "salvage", IMG_FLAG, AT(salvage), NULL, "take what cannot be read for zeros" },
	{ 'r', NULL, IMG_TEXT, AT(rate), "RATE", "write so many bytes in a second at the most" },
	{ 'U', "force-share", IMG_FLAG, AT(shared), NULL, "read though somebody writes" },
	{ 'p', NULL, IMG_FLAG, AT(progress), NULL, "tell how far it is" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "say nothing" },
	{ 'm', NULL, IMG_TEXT, AT(coroutines), "NUMBER",
	  "of pieces on their way, for QEMU's users" },
	{ 'W', NULL, IMG_FLAG, AT(any_order), NULL, "in any order, for QEMU's users" },
	{ 't', NULL, IMG_TEXT, AT(cache), "CACHE", "cache mode, for QEMU's users" },
	{ 'T', NULL, IMG_TEXT, AT(source_cache), "CACHE", "the same of the source" },
	{ 0, "threads", IMG_TEXT, AT(threads), "NUMBER", "usual: one for each processor" },
	{ 0, "level", IMG_TEXT, AT(level), "NUMBER", "of compression: 1 (fast) to 12 (small)" },
	{ 0, "verify", IMG_FLAG, AT(verify), NULL, "read it back, and compare" },
	{ 0, "no-reflink", IMG_FLAG, AT(no_reflink), NULL, "share nothing with the source" },
	IMAGE_ENGINE_ROW(AT(engine)),
	{ 'l', "snapshot", IMG_TEXT, AT(snapshot), "SNAPSHOT", "what FILE was then" },
	{ 0, "bitmaps", IMG_FLAG, AT(bitmaps), NULL, "copy the dirty bitmaps of FILE, too" },
	{ 0, "skip-broken-bitmaps", IMG_FLAG, AT(skip_broken), NULL,
	  "but those whose content nobody knows" },
	IMAGE_OPTS_ROW,
	{ 0, "target-image-opts", IMG_FLAG, AT(base.new_opts), NULL,
	  "NEW is named in that way (with -n)" },
	IMAGE_OBJECT_ROW,
	{ 0 }
#undef AT
};

/* ---- words into numbers -------------------------------------------------------------- */

static int number(struct cli *cli, const char *what, const char *text, uint64_t min, uint64_t max,
		  uint64_t *ret)
{
	*ret = 0;
	if (!text)
		return 0;
	if (!parse_number(text, 0, ret) || *ret < min || *ret > max)
		return cli_failed(cli, "Invalid %s. Allowed %s is between %llu and %llu", what,
				  what, (unsigned long long)min, (unsigned long long)max);
	return 0;
}

static int sparse_size(struct cli *cli, const char *text, struct bp_image_conversion *c)
{
	uint64_t v = 0;

	if (!text)
		return 0;
	if (size_parse_fraction(text, 32 << 20, &v) != SIZE_GOOD || v & 511)
		return cli_failed(cli, "Invalid buffer size for sparse output specified. Valid "
				  "sizes are multiples of 512 up to 33553920. Select 0 to disable "
				  "sparse detection (fully allocates output).");
	c->has_sparse = true;
	c->sparse = (uint32_t)v;
	return 0;
}

static int fill_numbers(struct cli *cli, const struct convert *a, struct bp_image_conversion *c)
{
	uint64_t threads, level, ignored;

	if (number(cli, "number of coroutines", a->coroutines, 1, 16, &ignored) < 0 ||
	    number(cli, "number of threads", a->threads, 1, 64, &threads) < 0 ||
	    number(cli, "level of compression", a->level, 1, 12, &level) < 0 ||
	    sparse_size(cli, a->sparse, c) < 0 || image_cache_mode(cli, "cache", a->cache) < 0 ||
	    image_cache_mode(cli, "source cache", a->source_cache) < 0)
		return -1;
	c->threads = (unsigned)threads;
	c->level = (int)level;
	return 0;
}

/* ---- the command ------------------------------------------------------------- */

static void warn(void *arg, const char *line)
{
	struct cli *cli = arg;

	cli_complain(cli, "%s", line);
}

static unsigned flags_of(const struct convert *a)
{
	return (a->compress ? BP_CONVERT_COMPRESS : 0u) |
	       (a->in_place ? BP_CONVERT_IN_PLACE : 0u) |
	       (a->is_zero ? BP_CONVERT_IS_ZERO : 0u) |
	       (a->salvage ? BP_CONVERT_SALVAGE : 0u) |
	       (a->offload ? BP_CONVERT_OFFLOAD : 0u) |
	       (a->no_reflink ? BP_CONVERT_NO_SHARE : 0u) |
	       (a->verify ? BP_CONVERT_VERIFY : 0u) |
	       (a->bitmaps ? BP_CONVERT_BITMAPS : 0u) |
	       (a->skip_broken ? BP_CONVERT_SKIP_BROKEN : 0u) |
	       (a->progress ? BP_CONVERT_COUNT : 0u);
}

static int check_words(struct cli *cli, const struct convert *a)
{
	if (a->offload && a->sparse)
		return cli_failed(cli, "Cannot enable copy offloading when -S is used");
	if (a->offload && a->compress)
		return cli_failed(cli, "Cannot enable copy offloading when -c is used");
	if (a->is_zero && !a->in_place)
		return cli_failed(cli, "--target-is-zero requires use of -n flag");
	if (a->base.new_opts && !a->in_place)
		return cli_failed(cli, "--target-image-opts requires use of -n flag");
	if (a->options.n && a->in_place)
		return cli_failed(cli, "-o has no effect when skipping image creation");
	if (a->base.n_files < 2)
		return cli_failed(cli, "Must specify image file name");
	return 0;
}

static int run_qemu(struct cli *cli, const struct bp_image_conversion *c, struct bp_error *err)
{
	struct bp_image_conversion whole = *c;

	if (!whole.to.format)
		whole.to.format = "raw";
	if (bp_image_convert_by_qemu(&whole, err) == 0)
		return 0;
	return cli->qemu_img ? -1 : cli_failed(cli, "Failed to make image '%s'", c->to.path);
}

static int run(struct cli *cli, const struct convert *a, const struct bp_image_conversion *c,
	       struct bp_error *err)
{
	struct image_work work = { .cli = cli, .quiet = a->quiet };
	int r;

	if (image_work_begin(&work, a->progress, a->rate) < 0)
		return -1;
	work.percent.twice = true;
	r = bp_image_convert(c, &work.hook, err);
	image_work_end(&work, r == 0);
	if (r < 0 && !cli->qemu_img)
		cli_failed(cli, "Failed to make image '%s'", c->to.path);
	return r;
}

static int convert(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct convert *a = args;
	size_t n = a->base.n_files ? a->base.n_files - 1 : 0;
	auto_free struct bp_image_ref *sources = mem_alloc((n + 1) * sizeof *sources);
	const struct bp_teller teller = { warn, cli };
	auto_free char *snapshot = NULL;
	bool qemu;
	struct bp_image_conversion c = {
		.sources = sources, .n_sources = n, .flags = flags_of(a),
		.teller = a->quiet ? NULL : &teller,
		.to = {
			.path = a->base.files[n], .format = a->to,
			.options = (const char *const *)a->options.words,
			.n_options = a->options.n, .backing = a->backing,
			.backing_format = a->backing_format,
		},
	};

	if (image_engine(cli, a->engine, a->to, &qemu) < 0)
		return -1;
	if (image_options_check(cli, &a->options) < 0)
		return -1;
	if (image_asks_for_help(&a->options))
		return image_print_options(cli, a->to, qemu, err);
	if (check_words(cli, a) < 0 || fill_numbers(cli, a, &c) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		sources[i] = (struct bp_image_ref){
			a->base.files[i], a->base.said[i] ? a->base.said[i] : a->from,
			image_flags(cli, a->shared),
		};
	if (image_snapshot_read(cli, a->snapshot, sources, &snapshot, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		sources[i].snapshot = snapshot;
	return qemu ? run_qemu(cli, &c, err) : run(cli, a, &c, err);
}

const struct image_command image_convert = {
	"convert", "FILE ... NEW", "make an image of others",
	"The new image has what the guest of FILE sees, backing files and all. It is not\n"
	"seen before it is whole. Several files are put one behind the other.",
	"convert -O qcow2 -c disk.raw disk.qcow2",
	rows, sizeof(struct convert), 0, 65536, convert,
	.formats = "f+O",
};

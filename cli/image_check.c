/* image_check.c - image check. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/image_make.h"
#include "cli/image_read.h"
#include "cli/image_text.h"
#include "cli/image_words.h"
#include "cli/json.h"
#include "core/base/cleanup.h"
#include "core/base/mem.h"

/* Exit codes, QEMU's. */
enum { CLEAN = 0, NOT_CHECKED = 1, DAMAGED = 2, LEAKS = 3, UNSUPPORTED = 63 };

struct check {
	struct image_args base;
	const char *format, *repair, *cache, *engine;
	bool quiet, shared;
};

struct telling {
	bool quiet, most;
	unsigned told;
};

static const struct image_row rows[] = {
#define AT(m) offsetof(struct check, m)
	{ 'f', "format", IMG_TEXT, AT(format), "FORMAT", "format of the image" },
	{ 'r', "repair", IMG_TEXT, AT(repair), "WHAT", "put right: leaks, or all" },
	{ 'T', NULL, IMG_TEXT, AT(cache), "MODE", "for QEMU's sake; of no effect" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "say nothing but errors" },
	IMAGE_SHARED(AT(shared)),
	IMAGE_ENGINE_ROW(AT(engine)),
	IMAGE_OUTPUT,
	IMAGE_QEMU_OBJECTS,
	{ 0 }
#undef AT
};

static int find_repair(struct cli *cli, const char *word, enum bp_repair *ret)
{
	*ret = BP_REPAIR_NOTHING;
	if (!word)
		return 0;
	*ret = strcmp(word, "leaks") == 0 ? BP_REPAIR_LEAKS : BP_REPAIR_ALL;
	if (*ret == BP_REPAIR_ALL && strcmp(word, "all") != 0)
		return cli_failed(cli, "Unknown option value for -r "
				  "(expecting 'leaks' or 'all'): %s", word);
	return 0;
}

/* What scripts know from QEMU; other lines are as they are.  Who wants all of them calls
 * us by its name. */
static void tell(void *arg, const char *line)
{
	struct telling *t = arg;
	auto_free char *words = image_words_found(line);

	if (t->quiet || (t->most && !image_tell_more(&t->told, stderr)))
		return;
	if (words)
		fprintf(stderr, "%s\n", words);
	else
		fprintf(stderr, "ERROR %s\n", line);
}

static void print_fixed(const struct bp_vol_check *c)
{
	if (!c->corruptions_fixed && !c->leaks_fixed)
		return;
	printf("The following inconsistencies were found and repaired:\n\n"
	       "    %" PRIu64 " leaked clusters\n    %" PRIu64 " corruptions\n\n"
	       "Double checking the fixed image now...\n", c->leaks_fixed, c->corruptions_fixed);
}

static void print_text(const struct bp_vol_check *c)
{
	print_fixed(c);
	image_print_found(c);
	image_print_clusters(c);
}

/* What is nothing QEMU leaves out, but for one; the order is its own. */
static void print_json(const struct check *a, const char *format, const struct bp_vol_check *c)
{
	const struct {
		const char *key;
		uint64_t number;
		bool always;
	} members[] = {
		{ "image-end-offset", c->end },
		{ "compressed-clusters", c->compressed },
		{ "total-clusters", c->total },
		{ "corruptions", c->corruptions },
		{ "corruptions-fixed", c->corruptions_fixed },
		{ "check-errors", 0, true },
		{ "leaks", c->leaks },
		{ "leaks-fixed", c->leaks_fixed },
		{ "allocated-clusters", c->allocated },
	};
	struct json j = { .out = stdout, .qemu = true };

	json_open(&j, NULL, '{');
	for (size_t i = 0; i < array_size(members); i++)
		if (members[i].number || members[i].always)
			json_number(&j, members[i].key, members[i].number);
	json_text(&j, "filename", a->base.files[0]);
	json_text(&j, "format", format);
	if (c->fragmented)
		json_number(&j, "fragmented-clusters", c->fragmented);
	json_close(&j, '}');
	putchar('\n');
}

static int failed(struct cli *cli, const struct check *a, const char *format,
		  struct bp_error *err)
{
	if (format && err->code == BP_UNSUPPORTED) {
		if (a->repair)
			cli_hint(cli, "%s", err->text);
		*err = (struct bp_error){ 0 };
		cli_failed(cli, "This image format does not support checks");
		return image_reported(cli, err, UNSUPPORTED);
	}
	if (format)
		return cli_failed(cli, "Check failed");
	return a->repair ? cli_failed(cli, "Could not open '%s'", a->base.files[0]) :
			   image_not_opened(cli, a->base.files[0], err);
}

static int check_by_qemu(struct cli *cli, const struct check *a, const struct bp_image_ref *ref,
			 enum bp_repair repair, struct bp_error *err)
{
	struct bp_image_told told;
	int status;

	if (bp_image_check_by_qemu(ref, repair, a->base.json, &told, err) < 0)
		return cli_failed(cli, "Check failed");
	if (!a->quiet)
		fputs(told.out, stdout);
	fputs(told.said, stderr);
	status = told.status;
	bp_image_told_done(&told);
	return status;
}

static int check(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct check *a = args;
	const struct bp_image_ref ref = { a->base.files[0], a->format,
					  image_flags(cli, a->shared) };
	struct telling telling = { a->quiet, !cli->qemu_img, 0 };
	const struct bp_teller teller = { tell, &telling };
	struct bp_vol_check c = { 0 };
	enum bp_repair repair;
	const char *format;
	bool qemu;

	if (find_repair(cli, a->repair, &repair) < 0 || image_cache_word(cli, a->cache) < 0 ||
	    image_engine(cli, a->engine, NULL, &qemu) < 0)
		return -1;
	if (a->shared && repair != BP_REPAIR_NOTHING)
		return image_not_shared(cli, ref.path);
	if (qemu)
		return check_by_qemu(cli, a, &ref, repair, err);
	if (bp_image_check(&ref, repair, &teller, NULL, &c, &format, err) < 0)
		return failed(cli, a, format, err);
	if (!a->quiet && a->base.json)
		print_json(a, format, &c);
	else if (!a->quiet)
		print_text(&c);
	return c.corruptions ? DAMAGED : c.leaks ? LEAKS : CLEAN;
}

const struct image_command image_check = {
	"check", "FILE", "look for what is wrong with an image, and put it right",
	"The exit status is 0 where nothing is wrong, 2 for damage, 3 where only space is lost,\n"
	"63 where the format has nothing to check or repair, 1 where that could not be done.",
	"check -r leaks disk.qcow2",
	rows, sizeof(struct check), 1, 1, check,
	.formats = "f",
};

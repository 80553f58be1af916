/* image_rebase.c - image rebase. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/image_change.h"

struct rebase {
	struct image_args common;
	const char *format, *backing, *backing_format, *cache, *source_cache;
	bool unsafe, quiet, progress;
};

#define AT(m) offsetof(struct rebase, m)
static const struct image_row rows[] = {
	{ 'f', NULL, IMG_TEXT, AT(format), "FORMAT", "what the image is" },
	{ 'b', NULL, IMG_TEXT, AT(backing), "FILE", "the backing file, or '' for none" },
	{ 'F', NULL, IMG_TEXT, AT(backing_format), "FORMAT", "what that is" },
	{ 'u', NULL, IMG_FLAG, AT(unsafe), NULL, "change the name only, and look at no file" },
	{ 'p', NULL, IMG_FLAG, AT(progress), NULL, "tell how far it is" },
	{ 'q', NULL, IMG_FLAG, AT(quiet), NULL, "print nothing" },
	{ 't', NULL, IMG_TEXT, AT(cache), "CACHE", "cache mode, for QEMU's users" },
	{ 'T', NULL, IMG_TEXT, AT(source_cache), "CACHE", "the same of the backing files" },
	{ 'U', "force-share", IMG_REFUSED, 0, NULL, "nobody else may use what is changed" },
	IMAGE_QEMU_OBJECTS,
	{ 0 }
};
#undef AT

static int rebase(struct cli *cli, const void *args, struct bp_error *err)
{
	const struct rebase *a = args;
	const struct bp_image_ref image = {
		a->common.files[0], a->format, image_flags(cli, false), NULL
	};
	const char *backing = a->backing && *a->backing ? a->backing : NULL;
	struct image_work work = { .cli = cli, .quiet = a->quiet };
	int r;

	if (!a->backing && !a->unsafe)
		return cli_failed(cli,
				  "Must specify backing file (-b) or use unsafe mode (-u)");
	if (image_cache_mode(cli, "cache", a->cache) < 0 ||
	    image_cache_mode(cli, "source cache", a->source_cache) < 0)
		return -1;
	if (image_work_begin(&work, a->progress, NULL) < 0)
		return -1;
	r = a->unsafe ? bp_image_set_backing(&image, backing, a->backing_format, err) :
	    bp_image_rebase(&image, backing, a->backing_format,
			    cli->qemu_img ? BP_REBASE_WRITE_ZEROS : 0, &work.hook, err);
	image_work_end(&work, r == 0);
	return r;
}

const struct image_command image_rebase = {
	.name = "rebase", .files = "FILE", .help = "give an image another backing file",
	.description =
	"FILE looks as before: what would not is written into it first. '' flattens it. With\n"
	"    -u the name is changed and nothing else is looked at: the new file must show the\n"
	"    same as the old, as after a move. Names are seen from the directory of FILE.",
	.example = "rebase -b new.qcow2 -F qcow2 overlay.qcow2",
	.rows = rows, .args_size = sizeof(struct rebase), .files_min = 1, .files_max = 1,
	.run = rebase,
	.formats = "f",
};

/* image_read.h - what the commands that read images share. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_READ_H
#define BP_CLI_IMAGE_READ_H

#include <signal.h>

#include "cli/image.h"

/* An image with its backing files; format NULL: what it looks like. */
int image_open(struct cli *cli, const char *path, const char *format, bool shared,
	       struct bp_image_view **ret, struct bp_error *err);

/* What could not be opened to be read. */
int image_not_opened(struct cli *cli, const char *path, const struct bp_error *err);

/* -U is for who reads it: of an image that is changed this is told. */
int image_not_shared(struct cli *cli, const char *path);

/* Where that is because somebody uses it: what would help. */
void image_hint_shared(struct cli *cli, const struct bp_error *err);

/* -l: which snapshot of the image is meant, for bp_image_ref; NULL: none.  QEMU also takes
 * "snapshot.id=...,snapshot.name=...", which is looked up here.  The caller frees. */
int image_snapshot_read(struct cli *cli, const char *text, const struct bp_image_ref *image,
			char **ret, struct bp_error *err);

/* For a failure with an exit status of its own: it is told, and that status returned. */
int image_reported(struct cli *cli, struct bp_error *err, int status);

/* -p: a line on standard output that tells how far it is, as QEMU's; and its end, which is
 * at 100 percent where all is done.  Who sends SIGUSR1 is told as well, on standard error,
 * whether that is wanted or not. */
struct image_percent {
	struct bp_progress hook;
	double told;
	bool shown;
	struct sigaction before;
	bool twice;			/* the end of it is told, whether it was before or not */
};
const struct bp_progress *image_percent(struct image_percent *p, bool wanted);
void image_percent_end(struct image_percent *p, bool done);

/* -T: how QEMU would cache.  Its words are checked, and that is all. */
int image_cache_word(struct cli *cli, const char *word);
int image_cache_mode(struct cli *cli, const char *what, const char *word);

#define IMAGE_SHARED(at) \
	{ 'U', "force-share", IMG_FLAG, at, NULL, "though somebody writes to it meanwhile" }
#define IMAGE_QEMU_OBJECTS						\
	{ 0, "object", IMG_REFUSED, 0, "DEFINITION", "objects are of use to QEMU only" }, \
	IMAGE_OPTS_ROW

#endif

/* image_make.h - what the commands that make images share. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_MAKE_H
#define BP_CLI_IMAGE_MAKE_H

#include "cli/image.h"

/* "1.5G", as QEMU reads sizes. */
int image_size_argument(struct cli *cli, const char *text, uint64_t *ret);

/* -o: each is a list of at least one option, behind the last of which comes no comma.  (Two of
 * them are one that belongs to a value.) */
int image_options_check(struct cli *cli, const struct cli_words *options);

/* Do these ask for the options there are ("-o help")? */
bool image_asks_for_help(const struct cli_words *options);
int image_print_options(struct cli *cli, const char *format, bool qemu, struct bp_error *err);

/* Who does it: --engine native or qemu, and where neither is said, QEMU's own program for
 * the formats that only it writes. */
int image_engine(struct cli *cli, const char *engine, const char *format, bool *ret_qemu);

#define IMAGE_ENGINE_ROW(at) \
	{ 0, "engine", IMG_TEXT, at, "ENGINE", \
	  "native, or qemu: QEMU's own qemu-img does it (usual: for formats only it writes)" }
#define IMAGE_OBJECT_ROW \
	{ 0, "object", IMG_REFUSED, 0, "DEFINITION", "secrets are of no use without encryption" }

#endif

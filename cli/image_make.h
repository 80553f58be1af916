/* image_make.h - what the commands that make images share. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_MAKE_H
#define BP_CLI_IMAGE_MAKE_H

#include "cli/image.h"

/* "1.5G", as QEMU reads sizes. */
int image_size_argument(struct cli *cli, const char *text, uint64_t *ret);

/* Do these ask for the options there are ("-o help")? */
bool image_asks_for_help(const struct cli_words *options);
int image_print_options(struct cli *cli, const char *format, struct bp_error *err);

#define IMAGE_OBJECT_ROW \
	{ 0, "object", IMG_REFUSED, 0, "DEFINITION", "secrets are of no use without encryption" }

#endif

/* image_opts.h - images named by options, as QEMU's tools allow it: "driver=qcow2,
 * file.filename=disk" (--image-opts), and "json:{...}", which says the same.
 *
 * So a user names an image on the command line; no name inside an image is read in
 * this way.  All that can be said is which file it is, and of what format.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_OPTS_H
#define BP_CLI_IMAGE_OPTS_H

#include "cli/command.h"

bool image_opts_json(const char *name);

/* The caller frees both; *ret_format: NULL, it is not said. */
int image_opts_read(struct cli *cli, const char *name, char **ret_path, char **ret_format);

/* A value up to the next comma, which *p is behind then; two of them are one that belongs to
 * it.  The caller frees. */
char *image_opts_value(const char **p);

/* A name that, to QEMU, is a place on a server or the like, and no file: that is refused, lest
 * a file of that name is made instead. */
int image_opts_place(struct cli *cli, const char *name);

#endif

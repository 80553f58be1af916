/* image_text.h - lines that several image commands print, as QEMU's tools print them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_TEXT_H
#define BP_CLI_IMAGE_TEXT_H

#include <stdbool.h>

#include "cli/image.h"
#include "core/model/snapshot.h"

#define IMAGE_SIZE_TEXT 32

/* "196 KiB": three digits, and the unit in which they are less than 1000. */
const char *image_size_text(uint64_t bytes, char buf[IMAGE_SIZE_TEXT]);

/* "1.5G" and "0x1000" to bytes.  QEMU's words for what is no size. */
int image_size_read(struct cli *cli, const char *text, uint64_t *ret);

/* "off", "metadata", "falloc", "full"; NULL is off. */
bool image_preallocation_read(const char *word, enum bp_preallocation *ret);

/* Whoever writes to an image without saying its format is told what can come of it. */
void image_warn_guessed(struct cli *cli, const char *path, const char *format);

/* What a check has found, and how much of the image is in use. */
void image_print_found(const struct bp_vol_check *c);
void image_print_clusters(const struct bp_vol_check *c);

/* "Snapshot list:" and what follows it.  Nothing for none. */
void image_print_snapshots(const struct bp_snapshot *snaps, size_t n);

/* One problem more is to be told of, after so many: false where there were enough of them,
 * which is said once. */
bool image_tell_more(unsigned *told, FILE *to);

#endif

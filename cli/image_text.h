/* image_text.h - lines that several image commands print, as QEMU's tools print them. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_IMAGE_TEXT_H
#define BP_CLI_IMAGE_TEXT_H

#include "core/model/snapshot.h"

#define IMAGE_SIZE_TEXT 32

/* "196 KiB": three digits, and the unit in which they are less than 1000. */
const char *image_size_text(uint64_t bytes, char buf[IMAGE_SIZE_TEXT]);

/* "Snapshot list:" and what follows it.  Nothing for none. */
void image_print_snapshots(const struct bp_snapshot *snaps, size_t n);

#endif

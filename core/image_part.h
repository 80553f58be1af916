/* image_part.h - the name beside its own that an image has until it is whole.
 *
 * Numbered from 0, and whoever makes one takes the first number that is free: so
 * what a command that was killed has left is found by asking for a few names.  A
 * lock tells the living from the dead.  Pools hide these names, as they do their own.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_IMAGE_PART_H
#define BP_IMAGE_PART_H

#include <sys/types.h>

/* A new file beside path; or such a name for one that has none yet.  Nobody sweeps it while
 * the descriptor is open.  A descriptor or 0; -1 and errno. */
int image_part_make(const char *path, mode_t mode, char **ret_name);
int image_part_link(int fd, const char *path, char **ret_name);

/* It has its own name now, or is to go. */
void image_part_done(int fd);

/* A name for what is open; -1 and errno. */
int image_part_name(int fd, const char *name);

/* Remove the parts beside path whose makers are dead. */
void image_part_sweep(const char *path);

#endif

/* nowait.h - what a path leads to, without waiting for a server that is away. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_NOWAIT_H
#define BP_BASE_NOWAIT_H

#include <stdbool.h>
#include <sys/stat.h>

/* Of what dir/path is, opened with these flags (O_DIRECTORY, O_NOFOLLOW): st_dev, st_ino,
 * st_mode and st_rdev.  False: it is not there, or whoever knows might have to be waited for. */
bool stat_now(int dir, const char *path, int flags, struct stat *ret);

#endif

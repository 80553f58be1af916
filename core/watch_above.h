/* watch_above.h - waiting for a directory that is not there. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_WATCH_ABOVE_H
#define BP_WATCH_ABOVE_H

/* Watch the nearest directory above an absolute path that is there, by the inotify
 * descriptor fd.  The watch, or -1; ret_name: what has to come into that directory
 * first, for the caller to free. */
int watch_above(int fd, const char *path, char **ret_name);

#endif

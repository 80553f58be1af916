/* holder.h - which process holds a lock on a file. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_HOLDER_H
#define BP_BASE_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

/* Who holds a lock on the file behind fd, other than through fd itself, on any
 * of len bytes from start on (0: up to the end): "pid 4242 (qemu-system-x86_64)",
 * or that it cannot be named.  NULL: nobody, or the storage knows no locks.
 * The caller frees. */
char *holder_of(int fd, off_t start, off_t len);

/* The same for a lock of flock(2), which is on the whole file. */
char *holder_of_flock(int fd);

/* Is this line of a descriptor's facts about a lock of the whole file, or of bytes from..to?
 * "lock: 1: OFDLCK ADVISORY READ -1 fe:00:4711 100 101" */
bool holder_line(const char *line, bool whole, long long from, long long to);

#endif

/* mountstats.h - what has come from the server of a mount: /proc/self/mountstats. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_MOUNTSTATS_H
#define BP_BASE_MOUNTSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many replies have come to what NFS has mounted there, and to its other mounts that go
 * over the same connections.  False: it is not known. */
bool mountstats_replies(const char *target, uint64_t *ret);

/* The same from a text of the kernel's, which is changed. */
bool mountstats_find(char *text, const char *target, uint64_t *ret);

#endif

/* process.h - processes as messages name them, and those that use a file system or a device. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_PROCESS_H
#define BP_BASE_PROCESS_H

#include <sys/types.h>

#include "core/base/device.h"

/* "pid 42 (qemu-system-x86_64)".  proc: /proc, open, or -1; pid: a name in it.
 * The caller frees. */
char *process_text(int proc, const char *pid);

/* "pid 42 (qemu-system-x86_64), pid 7 (bash) and 3 more": who has a file of this
 * file system open, runs one, or is in one of its directories, as far as this
 * user can see, and this process if that is its directory; NULL: nobody.  The caller
 * frees. */
char *processes_on(dev_t dev);

/* The same of those that have a block device open. */
char *processes_with(dev_t device);

/* The same of those that have one of several open; but: programs that are left out, by name,
 * the last one NULL. */
char *processes_with_any(const struct device_parts *devices, const char *const *but);

#endif

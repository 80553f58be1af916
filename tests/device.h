/* device.h - block devices for tests: real disks where there are some, else loop devices. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_DEVICE_H
#define BP_TESTS_DEVICE_H

#include <stdint.h>

/* One of $DISKS, in the lab; else "/dev/loopN", over a file of the test's own,
 * which ends with this process; NULL where none can be had (not root, no loop
 * devices).  From the first on, what this process mounts is seen by nobody else,
 * and ends with it as well. */
const char *device_make(const char *name, uint64_t size);

#endif

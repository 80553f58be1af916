/* users.h - which processes use a file, or anything of a file system. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_USERS_H
#define BP_BASE_USERS_H

#include <sys/types.h>

/* "pid 42 (qemu-system-x86), pid 7 (bash) and 3 more", as far as /proc tells
 * this user; NULL if nobody is seen.  ino 0: any file of the device.  This
 * process is left out.  The caller frees. */
char *users_of(dev_t dev, ino_t ino);

#endif

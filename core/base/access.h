/* access.h - why a path was refused, in words that lead to the cause. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_BASE_ACCESS_H
#define BP_BASE_ACCESS_H

#include "core/base/error.h"

/* What was to be done with the path that was refused. */
enum access_want {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_NAME,		/* make or remove it: that is up to the directory it is in */
};

/* Fail as bp_fail_sys() does.  Where sys says that somebody refused (EACCES) or
 * that nothing can be written (EROFS), look who that was and add it:
 *	cannot open '/a/b/c': Permission denied: directory '/a/b' (owner 0:0, mode 0700)
 *	does not let uid 65534 in
 *	cannot unlink '/mnt/x': Read-only file system: '/mnt' is mounted read-only */
int fail_access(struct bp_error *err, int sys, const char *path, enum access_want want,
		const char *fmt, ...) __attribute__((format(printf, 5, 6), cold));

#endif

/* watch_touch.h - looking at a pool's target, and having it watched, for whoever watches.
 *
 * On a server that is away this would hang for ever.  So for such a pool a child does it
 * (core/away.h): what it adds to an inotify descriptor is its parent's, too.  That it has
 * not answered in time is the errno ETIMEDOUT.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_WATCH_TOUCH_H
#define BP_WATCH_TOUCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/store.h"

struct touch {
	struct bp_store *store;
	const char *pool, *target;	/* absolute */
	bool remote;			/* its server may be away */
};

bool touch_may_hang(const char *type);	/* targets of this type of pool */

/* inotify_add_watch() of the target: the watch, or -1 and errno. */
int touch_watch(const struct touch *t, int fd, uint32_t mask);

/* lstat() of a file in it: 0, or -1 and errno. */
int touch_file(const struct touch *t, const char *name, struct stat *ret);

/* Watch the nearest directory above it that is there.  The watch, or -1 and errno;
 * ret_name: what has to come into that directory first, for the caller to free. */
int touch_above(const struct touch *t, int fd, char **ret_name);

#endif

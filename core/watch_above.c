/* watch_above.c - see watch_above.h. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/watch_above.h"

#include <string.h>
#include <sys/inotify.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"

#define MASK (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

int watch_above(int fd, const char *path, char **ret_name)
{
	auto_free char *dir = mem_dup(path);
	char *slash;

	while ((slash = strrchr(dir, '/'))) {
		int wd;

		*slash = '\0';
		wd = inotify_add_watch(fd, slash == dir ? "/" : dir,
				       MASK | IN_MASK_ADD | IN_ONLYDIR);
		if (wd < 0)
			continue;
		slash++;
		*ret_name = mem_dup_n(slash, strcspn(path + (slash - dir), "/"));
		return wd;
	}
	return -1;
}

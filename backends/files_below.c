/* files_below.c - which volume of the pool the backing file of another is.
 *
 * Only its name is looked at, and where that leads through other directories,
 * those: whoever made the image wrote it, and a server that is away must not be
 * waited for because of it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backends/files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/mem.h"
#include "core/base/nowait.h"

static bool is_pools_directory(const struct bp_pool *p, const char *path)
{
	struct stat a, b;

	return stat_now(files_dir(p), path, O_DIRECTORY, &a) && fstat(files_dir(p), &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

char *files_backing_volume(const struct bp_pool *p, const char *backing)
{
	auto_free char *prefix = files_path(p, "");
	const char *base = strrchr(backing, '/') ? strrchr(backing, '/') + 1 : backing;
	auto_free char *dir = mem_dup_n(backing, (size_t)(base - backing));

	if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return NULL;
	if (*dir && strcmp(dir, "./") != 0 && strcmp(dir, prefix) != 0 &&
	    !is_pools_directory(p, dir))
		return NULL;
	return mem_dup(base);
}

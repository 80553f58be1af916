/* dir.c - <pool type='dir'>: a directory that is there already. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "backends/files.h"

/* Who may not look, or cannot, knows nothing else; pool_open() tells why. */
static int dir_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	struct stat st;

	(void)err;
	*ret_active = stat(p->def->target_path, &st) == 0 ? S_ISDIR(st.st_mode) :
		      errno != ENOENT && errno != ENOTDIR;
	return 0;
}

const struct bp_backend backend_dir = {
	.type	     = "dir",
	.caps	     = BP_CAP_BACKING_FILES,

	.pool_open   = files_pool_open,
	.pool_close  = files_pool_close,
	.pool_check  = dir_pool_check,
	.pool_build  = files_pool_build,
	.pool_space  = files_pool_space,
	.pool_perms  = files_pool_perms,
	.pool_erase  = files_pool_erase,

	FILES_VOLUMES
};

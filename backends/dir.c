/* dir.c - <pool type='dir'>: a directory that is there already. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "backends/files.h"

/* Who may not look knows nothing else; pool_open() tells why. */
static int dir_pool_check(struct bp_pool *p, bool *ret_active, struct bp_error *err)
{
	struct stat st;

	(void)err;
	*ret_active = stat(p->def->target_path, &st) == 0 ? S_ISDIR(st.st_mode) : errno == EACCES;
	return 0;
}

const struct bp_backend backend_dir = {
	.type	     = "dir",

	.pool_open   = files_pool_open,
	.pool_close  = files_pool_close,
	.pool_check  = dir_pool_check,
	.pool_build  = files_pool_build,
	.pool_space  = files_pool_space,
	.pool_perms  = files_pool_perms,
	.pool_erase  = files_pool_erase,

	.vols_open   = files_vols_open,
	.vols_next   = files_vols_next,
	.vols_close  = files_vols_close,
	.vol_find    = files_vol_find,
	.vol_of_path = files_vol_of_path,
	.vol_create  = files_vol_create,
	.vol_resize  = files_vol_resize,
	.vol_delete  = files_vol_delete,
	.vol_open    = files_vol_open,
};

/* groups.h - every command there is. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_CLI_GROUPS_H
#define BP_CLI_GROUPS_H

#include "cli/command.h"

extern const struct command
	/* pools */
	cmd_find_sources_as, cmd_find_sources, cmd_pool_autostart, cmd_pool_build,
	cmd_pool_create_as, cmd_pool_create, cmd_pool_define_as, cmd_pool_define,
	cmd_pool_delete, cmd_pool_destroy, cmd_pool_dumpxml, cmd_pool_edit, cmd_pool_grow,
	cmd_pool_info, cmd_pool_list, cmd_pool_name, cmd_pool_refresh, cmd_pool_start,
	cmd_pool_undefine, cmd_pool_uuid, cmd_pool_event, cmd_pool_capabilities,
	/* volumes */
	cmd_vol_chain, cmd_vol_check, cmd_vol_clone, cmd_vol_commit, cmd_vol_create_as,
	cmd_vol_create, cmd_vol_create_from, cmd_vol_delete, cmd_vol_download, cmd_vol_dumpxml,
	cmd_vol_info, cmd_vol_key, cmd_vol_list, cmd_vol_map, cmd_vol_name, cmd_vol_path,
	cmd_vol_pool, cmd_vol_rebase, cmd_vol_resize,
	cmd_vol_snapshot_create, cmd_vol_snapshot_delete, cmd_vol_snapshot_list,
	cmd_vol_snapshot_revert, cmd_vol_upload, cmd_vol_wipe,
	/* the host */
	cmd_autostart, cmd_discover, cmd_image, cmd_init, cmd_uri, cmd_version, cmd_watch, cmd_xml,
	/* the shell */
	cmd_cd, cmd_complete, cmd_connect, cmd_echo, cmd_exit, cmd_help, cmd_pwd, cmd_quit;

/* The words for vol-check --repair; ends with NULL. */
extern const char *const repair_words[];

#endif

/* groups.c - the commands in the order help shows them, and finding one. */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/groups.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static const struct command *const pool_commands[] = {
	&cmd_find_sources_as, &cmd_find_sources, &cmd_pool_autostart, &cmd_pool_build,
	&cmd_pool_create_as, &cmd_pool_create, &cmd_pool_define_as, &cmd_pool_define,
	&cmd_pool_delete, &cmd_pool_destroy, &cmd_pool_dumpxml, &cmd_pool_edit, &cmd_pool_grow,
	&cmd_pool_info, &cmd_pool_list, &cmd_pool_name, &cmd_pool_refresh, &cmd_pool_start,
	&cmd_pool_undefine, &cmd_pool_uuid, &cmd_pool_event, &cmd_pool_capabilities, NULL
};

static const struct command *const volume_commands[] = {
	&cmd_vol_chain, &cmd_vol_check, &cmd_vol_clone, &cmd_vol_commit, &cmd_vol_create_as,
	&cmd_vol_create, &cmd_vol_create_from, &cmd_vol_delete, &cmd_vol_download,
	&cmd_vol_dumpxml, &cmd_vol_info, &cmd_vol_key, &cmd_vol_list, &cmd_vol_map, &cmd_vol_name,
	&cmd_vol_path, &cmd_vol_pool, &cmd_vol_rebase, &cmd_vol_resize, &cmd_vol_snapshot_create,
	&cmd_vol_snapshot_delete, &cmd_vol_snapshot_list, &cmd_vol_snapshot_revert,
	&cmd_vol_upload, &cmd_vol_wipe, NULL
};

static const struct command *const host_commands[] = {
	&cmd_autostart, &cmd_discover, &cmd_image, &cmd_init, &cmd_uri, &cmd_version, &cmd_watch,
	&cmd_xml, NULL
};

static const struct command *const shell_commands[] = {
	&cmd_cd, &cmd_echo, &cmd_exit, &cmd_help, &cmd_pwd, &cmd_quit, &cmd_connect,
	&cmd_complete, NULL
};

const struct command_group command_groups[] = {
	{ "Host and Hypervisor", "host", host_commands },
	{ "Storage Pool", "pool", pool_commands },
	{ "Storage Volume", "volume", volume_commands },
	{ "Virsh itself", "virsh", shell_commands },
	{ NULL }
};

bool command_shown(const struct cli *cli, const struct command *cmd)
{
	return !(cli->virsh && cmd->flags & COMMAND_OURS);
}

bool option_shown(const struct cli *cli, const struct option_row *row)
{
	return !(row->flags & ROW_HIDDEN) && !(cli->virsh && row->flags & ROW_OURS);
}

const struct command *command_find(const struct cli *cli, const char *name)
{
	for (const struct command_group *g = command_groups; g->title; g++)
		for (const struct command *const *c = g->commands; *c; c++)
			if (strcmp((*c)->name, name) == 0)
				return command_shown(cli, *c) ? *c : NULL;
	return NULL;
}

/* virsh 9.0 has these too; somebody who types one should be told where it is. */
static const char *const elsewhere[] = {
	"allocpages", "attach-device", "attach-disk", "attach-interface", "autostart",
	"backup-begin", "backup-dumpxml", "blkdeviotune", "blkiotune", "blockcommit",
	"blockcopy", "blockjob", "blockpull", "blockresize", "capabilities", "change-media",
	"checkpoint-create", "checkpoint-create-as", "checkpoint-delete",
	"checkpoint-dumpxml", "checkpoint-edit", "checkpoint-info", "checkpoint-list",
	"checkpoint-parent", "console", "cpu-baseline", "cpu-compare", "cpu-models",
	"cpu-stats", "create", "define", "desc", "destroy", "detach-device",
	"detach-device-alias", "detach-disk", "detach-interface", "dom-fd-associate",
	"domblkerror", "domblkinfo", "domblklist", "domblkstat", "domblkthreshold",
	"domcapabilities", "domcontrol", "domdirtyrate-calc", "domdisplay", "domfsfreeze",
	"domfsinfo", "domfsthaw", "domfstrim", "domhostname", "domid", "domif-getlink",
	"domif-setlink", "domifaddr", "domiflist", "domifstat", "domiftune", "dominfo",
	"domjobabort", "domjobinfo", "domlaunchsecinfo", "dommemstat", "domname",
	"dompmsuspend", "dompmwakeup", "domrename", "domsetlaunchsecstate", "domstate",
	"domstats", "domtime", "domuuid", "domxml-from-native", "domxml-to-native", "dump",
	"dumpxml", "edit", "emulatorpin", "event", "freecell", "freepages",
	"get-user-sshkeys", "guest-agent-timeout", "guestinfo", "guestvcpus", "hostname",
	"hypervisor-cpu-baseline", "hypervisor-cpu-compare", "iface-begin", "iface-bridge",
	"iface-commit", "iface-define", "iface-destroy", "iface-dumpxml", "iface-edit",
	"iface-list", "iface-mac", "iface-name", "iface-rollback", "iface-start",
	"iface-unbridge", "iface-undefine", "inject-nmi", "iothreadadd", "iothreaddel",
	"iothreadinfo", "iothreadpin", "iothreadset", "list", "lxc-enter-namespace",
	"managedsave", "managedsave-define", "managedsave-dumpxml", "managedsave-edit",
	"managedsave-remove", "maxvcpus", "memtune", "metadata", "migrate",
	"migrate-compcache", "migrate-getmaxdowntime", "migrate-getspeed",
	"migrate-postcopy", "migrate-setmaxdowntime", "migrate-setspeed", "net-autostart",
	"net-create", "net-define", "net-destroy", "net-dhcp-leases", "net-dumpxml",
	"net-edit", "net-event", "net-info", "net-list", "net-name", "net-port-create",
	"net-port-delete", "net-port-dumpxml", "net-port-list", "net-start", "net-undefine",
	"net-update", "net-uuid", "node-memory-tune", "nodecpumap", "nodecpustats",
	"nodedev-autostart", "nodedev-create", "nodedev-define", "nodedev-destroy",
	"nodedev-detach", "nodedev-dumpxml", "nodedev-event", "nodedev-info",
	"nodedev-list", "nodedev-reattach", "nodedev-reset", "nodedev-start",
	"nodedev-undefine", "nodeinfo", "nodememstats", "nodesevinfo", "nodesuspend",
	"numatune", "nwfilter-binding-create", "nwfilter-binding-delete",
	"nwfilter-binding-dumpxml", "nwfilter-binding-list", "nwfilter-define",
	"nwfilter-dumpxml", "nwfilter-edit", "nwfilter-list", "nwfilter-undefine", "perf",
	"qemu-agent-command", "qemu-attach", "qemu-monitor-command", "qemu-monitor-event",
	"reboot", "reset", "restore", "resume", "save", "save-image-define",
	"save-image-dumpxml", "save-image-edit", "schedinfo", "screenshot", "secret-define",
	"secret-dumpxml", "secret-event", "secret-get-value", "secret-list",
	"secret-set-value", "secret-undefine", "send-key", "send-process-signal",
	"set-lifecycle-action", "set-user-password", "set-user-sshkeys", "setmaxmem",
	"setmem", "setvcpu", "setvcpus", "shutdown", "snapshot-create",
	"snapshot-create-as", "snapshot-current", "snapshot-delete", "snapshot-dumpxml",
	"snapshot-edit", "snapshot-info", "snapshot-list", "snapshot-parent",
	"snapshot-revert", "start", "suspend", "sysinfo", "ttyconsole", "undefine",
	"update-device", "update-memory-device", "vcpucount", "vcpuinfo", "vcpupin",
	"vncdisplay"
};

static int compare(const void *name, const void *entry)
{
	return strcmp(name, *(const char *const *)entry);
}

bool command_is_elsewhere(const char *name)
{
	return bsearch(name, elsewhere, array_size(elsewhere), sizeof *elsewhere, compare);
}

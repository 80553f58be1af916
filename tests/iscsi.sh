# iscsi.sh - for tests of pools on an iSCSI server: tgtd, in a world of the test's own.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC1091 # tests are run from the top
#
# Include it first; the test begins again with a network, processes and mounts of its own,
# which end with it.  The server needs no kernel module, and root only of such a world.
#
#	serve; target 1 "$IQN"; lun 1 1 disk 64M
#	bp pool-define-as p iscsi-direct $source
no() { echo "1..0 # SKIP $1"; exit 0; }

if [ "${ALONE-}" != yes ]; then
	for tool in unshare ip tgtd tgtadm; do
		command -v $tool >/dev/null || [ -x /usr/sbin/$tool ] || no "needs $tool"
	done
	map=
	[ "$(id -u)" -eq 0 ] || map='--user --map-root-user'
	# shellcheck disable=SC2086 # words
	set -- unshare $map --net --mount --pid --fork --kill-child --propagation private \
		--mount-proc sh "$0" "$@"
	# shellcheck disable=SC2086 # words
	unshare $map --net --pid --fork --mount-proc true 2>/dev/null ||
		no 'needs root, or namespaces that users may make'
	PATH=$PATH:/usr/sbin:/sbin ALONE=yes exec "$@"
fi
. tests/lib.sh
ip link set lo up
bp pool-capabilities --table | grep -q '^ iscsi-direct  *yes' ||
	no 'pools of type iscsi-direct are not in this build (they need libiscsi)'

IQN=iqn.2026-01.a:b
ME=iqn.2026-01.a:me
source="--source-host 127.0.0.1 --source-dev $IQN --source-initiator $ME"
mkdir "$T/tgt"
export TGT_IPC_SOCKET="$T/tgt/socket"

adm() { tgtadm --lld iscsi "$@"; }
answers() { tgtadm --op show --mode sys >/dev/null; }

# Sets $server.  It listens on every address there is, port 3260.
serve() {
	rm -f "$T"/tgt/socket*
	tgtd -f -C 0 -t 1 >>"$T/tgt/log" 2>&1 &
	server=$!
	until_true answers || { show "$T/tgt/log"; echo 'Bail out! tgtd does not answer'; exit 1; }
}

# target TID IQN
target() {
	adm --op new --mode target --tid "$1" --targetname "$2" &&
		adm --op bind --mode target --tid "$1" -I ALL
}

# lun TID LUN FILE [SIZE [OPTIONS]]: with a size the file is made so large.
lun() {
	tid=$1 nr=$2 file=$3
	[ -z "${4-}" ] || truncate -s "$4" "$T/$file"
	shift 3
	[ $# -eq 0 ] || shift
	adm --op new --mode logicalunit --tid "$tid" --lun "$nr" -b "$T/$file" "$@"
}

# setlun TID LUN NAME=VALUE
setlun() { adm --op update --mode logicalunit --tid "$1" --lun "$2" --params "$3"; }

freeze() { stop "$server"; }
thaw() { kill -CONT "$server"; }
end_server() {
	kill -KILL "$server"
	wait "$server" 2>/dev/null
}

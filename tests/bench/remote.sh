#!/bin/sh
# remote.sh - tests/bench/run remote: LUNs and a share, beside libvirtd, in the lab.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: module=iscsi_tcp module=configfs module=target_core_mod module=target_core_file
# lab: module=iscsi_target_mod program=iscsid program=iscsiadm program=scsi_id
# lab: program=exportfs program=rpc.mountd program=rpcbind program=mount.nfs
# lab: with=libvirt with=udev limit=1500 memory=768
# lab: file=tests/bench/measure file=tests/bench/remote.part file=tests/peer/bin/peer-daemon
# lab: build=tests/tools/timing
. tests/lab.sh
. tests/lab/lio
. tests/lab/servers

loads iscsi_tcp target_core_file iscsi_target_mod sg sd_mod nfsd nfs nfsv4
PATH=$PWD/build/tests/tools:$PATH
# libvirt waits for the disks by "udevadm settle", and without udev goes on before they are there.
if command -v udevadm >/dev/null; then
	ln -s "$(command -v udevadm)" /run/systemd-udevd
	/run/systemd-udevd --daemon >/run/udevd.log 2>&1
fi
both=alone
if command -v libvirtd >/dev/null; then
	both=both LIBVIRT_DEFAULT_URI=storage:///system
	export LIBVIRT_DEFAULT_URI
	mkdir -p /srv/peer
	tests/peer/bin/peer-daemon start || both=alone
fi

# ---- a target of 16 LUNs -------------------------------------------------------------
IQN=iqn.2026-01.test:bench
mkdir -p /etc/iscsi
echo InitiatorName=iqn.2026-01.test:lab >/etc/iscsi/initiatorname.iscsi
# libvirt has it there
[ -x /usr/bin/iscsiadm ] || ln -s "$(command -v iscsiadm)" /usr/bin/iscsiadm
echo "iscsid.startup = $(command -v iscsid)" >/etc/iscsi/iscsid.conf
lio_start
lio_target $IQN
for lun in $(seq 0 15); do
	truncate -s 16M "$T/f$lun"
	lio_disk "d$lun" "$T/f$lun" 16777216
	lio_lun $IQN "$lun" "d$lun"
done

# ---- a share of 1,000 files ----------------------------------------------------------
EXPORT=/srv/share
mkdir -p $EXPORT
mount -t tmpfs share $EXPORT
(cd $EXPORT && seq -f 'vol-%04.0f' 1000 | xargs truncate -s 1M)
nfs_server "$EXPORT *(rw,no_root_squash,no_subtree_check,sync,fsid=0)" || exit 1
export IQN EXPORT
exec sh tests/bench/measure $both remote

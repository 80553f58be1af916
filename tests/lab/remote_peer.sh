#!/bin/sh
# remote_peer.sh - the same servers, two programs: pools of type iscsi, iscsi-direct and netfs
# are told alike, whoever has started them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034,SC2154 # tests are run from the top
# lab: module=iscsi_tcp module=configfs module=target_core_mod module=target_core_file
# lab: module=iscsi_target_mod program=iscsid program=iscsiadm program=scsi_id
# lab: program=exportfs program=rpc.mountd program=rpcbind program=mount.nfs
# lab: with=libvirt file=tests/peer/bin/peer-daemon limit=600 memory=768
. tests/lab.sh
. tests/lab/lio
. tests/lab/servers

for tool in iscsid iscsiadm; do needs $tool 'needs open-iscsi'; done
needs exportfs 'needs nfs-kernel-server'
needs libvirtd 'needs libvirtd'
needs virsh 'needs virsh'
loads iscsi_tcp target_core_file iscsi_target_mod sg sd_mod nfsd nfs nfsv4
unset BAREPOOL_CONFIG_DIR BAREPOOL_RUN_DIR
mkdir -p /srv/peer/ours /etc/libvirt
ln -s /barepool/build/barepool /srv/peer/ours/virsh
files=$T T=$T/peer W=/srv/peer/w
LIBVIRT_DEFAULT_URI=storage:///system
export LIBVIRT_DEFAULT_URI
. tests/peer.sh
daemon() { tests/peer/bin/peer-daemon "$1"; }

# ---- the servers ---------------------------------------------------------------------
Q=iqn.2026-01.test:peer ME=iqn.2026-01.test:lab
mkdir -p /etc/iscsi
echo "InitiatorName=$ME" >/etc/iscsi/initiatorname.iscsi
# libvirt has it there
[ -x /usr/bin/iscsiadm ] || ln -s "$(command -v iscsiadm)" /usr/bin/iscsiadm
echo "iscsid.startup = $(command -v iscsid)" >/etc/iscsi/iscsid.conf
lio_start
lio_target $Q
for lun in 0 3 7; do
	truncate -s $((16 + lun))M "$files/f$lun"
	lio_disk d$lun "$files/f$lun" $((16 + lun << 20))
	lio_lun $Q $lun d$lun
done
mkdir -p /srv/share
mount -t tmpfs -o mode=755 share /srv/share	# libvirt leaves out a sticky bit
truncate -s 5M /srv/share/raw
chmod 640 /srv/share/raw
qemu-img create -q -f qcow2 /srv/share/image 1G
mkdir /srv/share/dir
nfs_server '/srv/share *(rw,no_root_squash,no_subtree_check,sync,fsid=0)' || no 'no NFS server'

# ---- the pools ----------------------------------------------------------------------------
cat >"$T/iscsi.xml" <<END
<pool type='iscsi'><name>iscsi</name><source><host name='127.0.0.1'/><device path='$Q'/></source>
<target><path>/dev</path></target></pool>
END
cat >"$T/iscsi-direct.xml" <<END
<pool type='iscsi-direct'><name>iscsi-direct</name><source><host name='127.0.0.1' port='3260'/>
<device path='$Q'/><initiator><iqn name='$ME'/></initiator></source></pool>
END
cat >"$T/netfs.xml" <<END
<pool type='netfs'><name>netfs</name><source><host name='127.0.0.1'/><dir path='/'/>
<format type='nfs'/></source><target><path>$T/mnt</path></target></pool>
END
mkdir "$T/mnt"
volumes() {
	case $1 in netfs) echo raw image dir ;; *) echo unit:0:0:0 unit:0:0:3 unit:0:0:7 ;; esac
}

# Where ours is meant to differ, both are made alike.
#	iscsi		the port is part of what libvirt keeps once it has started a pool itself;
#			ours tells it of any session
#	iscsi-direct	a path is the URL that QEMU opens, libvirt's word is the key; libvirt
#			takes the number of the last block for the number of blocks; ours
#			tells the physical size, too
meant() {
	case $type in
	iscsi)	sed "s/<host name='127.0.0.1' port='3260'/<host name='127.0.0.1'/" ;;
	iscsi-direct)
		sed -e '/<key>/b' -e "s,ip-\([0-9.:]*\)-iscsi-\($Q\)-lun-,iscsi://\1/\2/," \
			-e "$blocks" -e '/<physical /d' ;;
	*)	cat ;;
	esac
}
said() { # ours|theirs COMMAND...
	{ "$@" 2>&1; echo "status $?"; } | meant | tr -s ' ' >"$T/$1.said"
	masked "$T/$1.said" >"$T/$1"
}
blocks='' sum=0
for lun in 0 3 7; do
	bytes=$((16 + lun << 20)) sum=$((sum + (16 + lun << 20)))
	blocks="$blocks;s/\\b$((bytes - 512))\\b/$bytes/"
done
blocks="$blocks;s/\\b$((sum - 3 * 512))\\b/$sum/"
alike() {
	said ours "$@"
	said theirs "$@"
	equal "$when: $*" "$T/theirs" "$T/ours"
}

all_the_same() { # TYPE
	theirs pool-refresh "$1" >"$T/out"
	alike pool-dumpxml "$1"
	alike pool-info "$1"
	alike vol-list "$1"
	alike vol-list "$1" --details
	for v in $(volumes "$1"); do
		for c in vol-dumpxml vol-key vol-path 'vol-info --bytes'; do
			# shellcheck disable=SC2086 # words
			alike $c --pool "$1" --vol "$v"
		done
	done
}
for type in iscsi iscsi-direct netfs; do
	works "$type: libvirtd runs" daemon start
	works "$type: defines" theirs pool-define "$T/$type.xml"
	when="$type: defined"
	alike pool-dumpxml $type
	works "$type: libvirt starts it" theirs pool-start $type
	when="$type: libvirt's"
	all_the_same $type
	works "$type: stops it" theirs pool-destroy $type
	works "$type: libvirtd ends" daemon stop
	works "$type: barepool starts it" ours pool-start $type
	works "$type: libvirtd runs" daemon start
	when="$type: barepool's"
	all_the_same $type
	works "$type: libvirt stops it" theirs pool-destroy $type
	works "$type: forgets it" theirs pool-undefine $type
	works "$type: libvirtd ends" daemon stop
done
for type in iscsi iscsi-direct; do
	initiator=
	[ $type = iscsi ] || initiator="--initiator $ME"	# libvirt wants an interface of it
	works "$type: what targets there are: libvirtd runs" daemon start
	when=$type
	# shellcheck disable=SC2086 # words, or nothing
	alike find-storage-pool-sources-as $type --host 127.0.0.1 $initiator
	works "$type: libvirtd ends" daemon stop
done
is 'no session is left' "$(ls /sys/class/iscsi_session)" ''
done_testing

#!/bin/sh
# scsi_vport.sh - virtual hosts in a fibre channel fabric, with a kernel that is played: a
# tree of files over /sys, seen by this test alone, and a loop that answers.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='mkfs.ext4'
. tests/alone.sh
. tests/lib.sh
. tests/device.sh
bp pool-capabilities --table | grep -q '^ scsi  *yes' ||
	no 'pools of type scsi are not in this build'

node=2001001b32a9da4e port=2101001b32a9da4e
S=$T/sys HBA=devices/pci0000:00/0000:00:05.0/host5
dev=
device lun 16M
lun=$dev number=$(cat "/sys/class/block/${dev##*/}/dev")

host() { # NUMBER DIRECTORY NODE PORT: what the kernel tells of one in the fabric
	mkdir -p "$S/$2/fc_host/host$1" "$S/$2/scsi_host/host$1" "$S/class/fc_host" \
		"$S/class/scsi_host"
	ln -sfn "../../$2/scsi_host/host$1" "$S/class/scsi_host/host$1"
	echo "0x$3" >"$S/$2/fc_host/host$1/node_name"
	echo "0x$4" >"$S/$2/fc_host/host$1/port_name"
	echo 0x2001000dec9877c1 >"$S/$2/fc_host/host$1/fabric_name"
	echo Online >"$S/$2/fc_host/host$1/port_state"
	echo "$1" >"$S/$2/scsi_host/host$1/unique_id"
	: >"$S/$2/scsi_host/host$1/scan"
	# all at once, as the kernel: when it can be found it is complete
	ln -sfn "../../$2/fc_host/host$1" "$S/class/fc_host/host$1"
}
unit() { # PLACE: a disk that is the loop device
	d=$S/bus/scsi/devices/$1
	mkdir -p "$d/block/${lun##*/}"
	echo 0 >"$d/type"
	echo running >"$d/state"
	echo "$number" >"$d/block/${lun##*/}/dev"
	echo 32768 >"$d/block/${lun##*/}/size"
	printf '\0\0\0\003\0\200\203' >"$d/vpd_pg0"
	printf '\0\203\0\024\001\003\0\010\140\1\2\3\4\5\6\7\001\025\0\004\0\0\0\7' >"$d/vpd_pg83"
}
# What a host's driver would do with what is written to these two.
answer() { # FILE COMMAND
	while :; do
		line=
		read -r line <"$S/$HBA/fc_host/host5/$1"
		[ "$line" != end ] || return
		echo "$line" >>"$T/told"
		"$2"
	done
}
made() {
	unit 6:0:0:1
	host 6 "$HBA/vport-5:0-0/host6" "$node" "$port"
}
removed() {
	rm -rf "$S/bus/scsi/devices/"* "$S/class/scsi_host/host6" "$S/$HBA/vport-5:0-0" \
		"$S/class/fc_host/host6"
}

mkdir -p "$S/bus/scsi/devices" "$S/dev/block" "$S/devices/virtual/block/${lun##*/}"
ln -s "../../devices/virtual/block/${lun##*/}" "$S/dev/block/$number"
host 5 "$HBA" 2000001b32a9da4e 2100001b32a9da4e
echo 127 >"$S/$HBA/fc_host/host5/max_npiv_vports"
echo 0 >"$S/$HBA/fc_host/host5/npiv_vports_inuse"
mkfifo "$S/$HBA/fc_host/host5/vport_create" "$S/$HBA/fc_host/host5/vport_delete"
answer vport_create made &
answer vport_delete removed &
mount --bind "$S" /sys
mount -t tmpfs tmpfs /run

define() { # ATTRIBUTES
	cat >"$T/pool.xml" <<-END
	<pool type='scsi'><name>v</name>
	<uuid>00000000-0000-0000-0000-000000000001</uuid>
	<source><adapter type='fc_host' wwnn='$node' wwpn='$port' $1/></source>
	<target><path>/dev</path></target></pool>
	END
	bp pool-define "$T/pool.xml"
}
there() { [ -e "$S/class/fc_host/host6" ]; }
gone() { ! there; }
active() { bp -q pool-list --name | tr -d ' '; }

# ---- made and removed ---------------------------------------------------------------
for parent in '' "parent='scsi_host5'" "parent_fabric_wwn='2001000dec9877c1'" \
	"parent_wwnn='2000001b32a9da4e' parent_wwpn='2100001b32a9da4e'"; do
	: >"$T/told"
	works "define, $parent" define "$parent"
	works '... start' bp pool-start v
	is '... the kernel was told' "$(cat "$T/told")" "$port:$node"
	is '... and what was made is scanned' "$(cat /sys/class/scsi_host/host6/scan)" '- - -'
	says '... its units' bp -q vol-list v <<-END
	 unit:0:0:1   $lun
	END
	works '... stop' bp pool-destroy v
	works '... removes it' until_true gone
	is '... as it was made' "$(tail -n 1 "$T/told")" "$port:$node"
	is '... and no note is left' "$(ls /run/barepool/vport)" ''
done

works 'start' bp pool-start v
is 'the key has the port' "$(bp -q vol-key unit:0:0:1 v)" 36001020304050607_PORT7
bp pool-dumpxml v >"$T/out"
has 'that it goes with the pool is told' "$T/out" "managed='yes'"
mkfs.ext4 -q "$lun"
mkdir "$T/mnt"
mount "$lun" "$T/mnt"
fails 'with a unit in use it is kept' bp pool-destroy v
has '... and the error says why' "$T/out" "volume 'unit:0:0:1': device '$lun' is mounted"
is '... the pool too' "$(active)" v
umount "$T/mnt"
works 'stop' bp pool-destroy v
works 'it has gone' until_true gone
works 'stopped, nothing is told of it' [ -z "$(active)" ]

# ---- what others have made --------------------------------------------------------------
made
: >"$T/told"
works 'one that is there' bp pool-start v
works '... is used' [ ! -s "$T/told" ]
works '... stop' bp pool-destroy v
works '... and is kept' there
works 'define, managed' define "managed='yes'"
works '... start' bp pool-start v
works '... stop' bp pool-destroy v
works '... it goes with the pool' until_true gone
works 'define, not managed' define "managed='no'"
works '... start' bp pool-start v
works '... stop' bp pool-destroy v
works '... it stays' there
removed

# ---- what cannot be ------------------------------------------------------------------------
cannot() { # NAME TEXT ATTRIBUTES
	define "$3" >"$T/out"
	fails "$1" bp pool-start v
	has '... is told' "$T/out" "$2"
	works '... nothing is noted' [ -z "$(ls /run/barepool/vport)" ]
}
cannot 'a parent that is not there' "parent 'scsi_host9' specified for vHBA does not exist" \
	"parent='scsi_host9'"
cannot 'a parent that is no host' "'ceph' is no name of a SCSI host" "parent='ceph'"
cannot 'a fabric nobody is in' "in the fabric '1111111111111111'" \
	"parent_fabric_wwn='1111111111111111'"
echo Linkdown >"$S/$HBA/fc_host/host5/port_state"
cannot 'nobody is online' 'that is online and has room' ''
echo Online >"$S/$HBA/fc_host/host5/port_state"
echo 127 >"$S/$HBA/fc_host/host5/npiv_vports_inuse"
cannot 'nobody has room' 'that is online and has room' ''
node=2000001b32a9da4e port=2100001b32a9da4e
cannot 'the names of a real host' "are assigned to an HBA" "parent='scsi_host5'"
works 'without a parent it is used' define "managed='yes'"
works '... start' bp pool-start v
fails 'but it is not removed' bp pool-destroy v
has '... which is told' "$T/out" 'assigned to an HBA'

for f in vport_create vport_delete; do echo end >"$S/$HBA/fc_host/host5/$f"; done
wait
done_testing

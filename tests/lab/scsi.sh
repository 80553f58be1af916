#!/bin/sh
# scsi.sh - pools of the disks on a SCSI host: the kernel's own storage of pretence
# (scsi_debug) and QEMU's, judged by sysfs and by udev's scsi_id.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2046 # tests are run from the top; words
# lab: disk=scsi:64M disk=scsi:64M:4096
# lab: program=scsi_id
. tests/lab.sh

loads sg
modprobe scsi_debug dev_size_mb=16 num_tgts=1 max_luns=3 add_host=1 vpd_use_hostno=1 \
	per_host_store=1 || { echo '1..0 # SKIP needs scsi_debug'; exit 0; }
host_of() { # DRIVER: "host2"
	for h in /sys/class/scsi_host/host*; do
		[ "$(cat "$h/proc_name")" != "$1" ] || echo "${h##*/}"
	done
}
names() { bp -q vol-list "$1" | awk '{ print $1 }' | tr '\n' ' '; }
host=$(host_of scsi_debug) virtio=$(host_of virtio_scsi)
node() { # LUN: of scsi_debug
	for b in "/sys/bus/scsi/devices/${host#host}:0:0:$1/block/"*; do echo "/dev/${b##*/}"; done
}
until_true [ -e "$(node 2)" ]

# ---- by name ----------------------------------------------------------------------
works 'define' bp pool-define-as p scsi --adapter-name "scsi_$host" --target /dev
works 'start' bp pool-start p
is 'all units' "$(names p)" 'unit:0:0:0 unit:0:0:1 unit:0:0:2 '
is 'their nodes' "$(bp -q vol-path unit:0:0:1 p)" "$(node 1)"
is 'their size' "$(bp vol-info unit:0:0:1 p --bytes | awk '/^Capacity/ { print $2 }')" \
	"$(blockdev --getsize64 "$(node 1)")"
is 'the sum' "$(bp pool-info p --bytes | awk '/^Capacity/ { print $2 }')" 50331648
is 'nothing is free' "$(bp pool-info p --bytes | awk '/^Available/ { print $2 }')" 0
if command -v scsi_id >/dev/null; then
	for lun in 0 2; do
		is "the key of $lun is scsi_id's word" "$(bp -q vol-key "unit:0:0:$lun" p)" \
			"$(scsi_id --replace-whitespace --whitelisted --device "$(node "$lun")")"
	done
else
	skip 'the key' 'needs scsi_id'
fi
is 'by its key' "$(bp -q vol-name "$(bp -q vol-key unit:0:0:2 p)")" unit:0:0:2
is 'by its path' "$(bp -q vol-pool "$(node 0)")" p

dd if=/dev/urandom of="$T/bytes" bs=1M count=16 2>/dev/null
works 'upload' bp vol-upload unit:0:0:0 "$T/bytes" p
works '... is there' cmp "$T/bytes" "$(node 0)"
works 'download' bp vol-download unit:0:0:0 "$T/back" p
works '... is the same' cmp "$T/bytes" "$T/back"
mkdir "$T/files"
bp pool-create-as d dir --target "$T/files" >/dev/null
echo '<volume><name>copy</name><capacity>0</capacity></volume>' >"$T/copy.xml"
works 'clone to another pool' bp vol-create-from d "$T/copy.xml" unit:0:0:0 --inputpool p
works '... is the same' cmp "$T/bytes" "$T/files/copy"
qemu-img convert -f raw -O qcow2 "$T/bytes" "$T/files/image"
qemu-img resize -q --shrink "$T/files/image" 12M
echo '<volume><name>unit:0:0:2</name><capacity>1</capacity></volume>' >"$T/over.xml"
works 'an image becomes a disk' bp vol-create-from p "$T/over.xml" image --inputpool d \
	--overwrite --verify
works '... as QEMU sees both' qemu-img compare -q -F raw "$T/files/image" "$(node 2)"
cat >"$T/back.xml" <<END
<volume><name>back</name><capacity>1</capacity><target><format type='qcow2'/></target></volume>
END
works 'a disk becomes an image' bp vol-create-from d "$T/back.xml" unit:0:0:2 --inputpool p
works '... as QEMU sees both' qemu-img compare -q -F raw "$T/files/back" "$(node 2)"
works 'wipe' bp vol-wipe unit:0:0:0 p
works '... is zeros' cmp -n 16777216 /dev/zero "$(node 0)"
fails 'none is made' bp vol-create-as p new 1M
fails 'or deleted' bp vol-delete unit:0:0:0 p

mkfs.ext4 -q "$(node 1)"
mount "$(node 1)" /mnt
fails 'one in use is not wiped' bp vol-wipe unit:0:0:1 p
told '... and the error says where' "'/mnt'"

# ---- what comes and goes --------------------------------------------------------------
echo 1 >"/sys/class/scsi_device/${host#host}:0:0:2/device/delete"
is 'a unit that vanished' "$(names p)" 'unit:0:0:0 unit:0:0:1 '
echo 5 >/sys/bus/pseudo/drivers/scsi_debug/max_luns
works 'refresh' bp pool-refresh p
is 'finds it, and new ones' "$(names p)" 'unit:0:0:0 unit:0:0:1 unit:0:0:2 unit:0:0:3 unit:0:0:4 '
echo 1 >/sys/bus/pseudo/drivers/scsi_debug/virtual_gb
works 'refresh' bp pool-refresh p
is 'one that has grown' "$(bp vol-info unit:0:0:1 p --bytes | awk '/^Capacity/ { print $2 }')" \
	1073741824
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/virtual_gb
echo offline >"/sys/class/scsi_device/${host#host}:0:0:3/device/state"
bp vol-list p --details >"$T/out" 2>&1
told 'one that is offline is said to be' "unit:0:0:3.*says it is 'offline'"
works 'the pool is refreshed' bp pool-refresh p
works 'and the others can be used' bp vol-download unit:0:0:0 "$T/back" p
umount /mnt

# ---- stable paths ---------------------------------------------------------------------
bp pool-destroy p >/dev/null
works 'names in a directory' bp pool-define-as q scsi --adapter-name "${virtio}" \
	--target /dev/disk/by-path
mkdir -p /dev/disk/by-path
ln -s "$(disk 1)" /dev/disk/by-path/pci-1-scsi-0:0:0:0
works 'start' bp pool-start q
bp vol-list q --details >"$T/out" 2>&1
told 'a disk with a name goes by it' '/dev/disk/by-path/pci-1-scsi-0:0:0:0 '
told 'one without by the kernel'"'"'s, which is said' \
	"$(disk 2) .*has no name in '/dev/disk/by-path'"
is 'blocks of 4096 bytes' "$(bp vol-info --pool q "$(bp -q vol-name "$(disk 2)")" --bytes |
	awk '/^Capacity/ { print $2 }')" 67108864
works 'can be written' bp vol-upload "$(disk 2)" "$T/bytes"
works '... and are' cmp -n 16777216 "$T/bytes" "$(disk 2)"
sed 's/copy/named/' "$T/copy.xml" >"$T/named.xml"
works '... and copied, whatever the name' bp vol-create-from d "$T/named.xml" "$(disk 2)" \
	--inputpool q
works '... as they are' cmp "$T/files/named" "$(disk 2)"

# ---- by its place, and wrong ones --------------------------------------------------------
at=$(readlink -f "/sys/class/scsi_host/$virtio" |
	grep -o '[0-9a-f]*:[0-9a-f]*:[0-9a-f]*\.[0-9a-f]*' | tail -n 1)
place() { # UNIQUE-ID
	slot=${at#*:*:}
	cat >"$T/place.xml" <<-END
	<pool type='scsi'><name>place</name><source><adapter type='scsi_host'>
	<parentaddr unique_id='$1'><address domain='0x${at%%:*}' bus='0x$(echo "$at" | cut -d: -f2)'
	slot='0x${slot%.*}' function='0x${at##*.}'/></parentaddr></adapter></source>
	<target><path>/dev</path></target></pool>
	END
	bp pool-create "$T/place.xml"
}
bp pool-destroy q >/dev/null
works 'by its place on the bus' place "$(cat "/sys/class/scsi_host/$virtio/unique_id")"
is '... the same disks' "$(bp -q vol-list place | wc -l)" 2
bp pool-destroy place >/dev/null
fails 'a place nobody has' place 77
told '... is told' "Failed to find scsi_host using PCI '$at' and unique_id='77'"
works 'a host that is not there' bp pool-define-as none scsi --adapter-name scsi_host99 \
	--target /dev
fails '... is not started' bp pool-start none
told '... and named' "there is no SCSI host 'scsi_host99'"
lacks '... nor could it be built' "$T/out" '--build'
works 'no name of a host' bp pool-define-as odd scsi --adapter-name eth0 --target /dev
fails '... is not started' bp pool-start odd
told '... and named' "'eth0' is no name of a SCSI host"
works 'a target that is none' bp pool-define-as low scsi --adapter-name host98 --target /srv
fails '... is not started' bp pool-start low
told '... and named' "target path '/srv' holds no names of devices"

works 'start the first again' bp pool-start p
echo -1 >/sys/bus/pseudo/drivers/scsi_debug/add_host
until_true [ ! -e "/sys/class/scsi_host/$host" ]
is 'a host that has gone: not active' "$(bp -q pool-list --name | grep -c '^p *$')" 0
done_testing

#!/bin/sh
# mpath.sh - pools of multipath devices: two paths to one disk of scsi_debug, one of which dies.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2046 # tests are run from the top; words
# lab: module=dm-multipath module=dm-round-robin module=dm-service-time
# lab: disk=scsi:64M disk=scsi:64M
. tests/lab.sh

needs dmsetup 'needs dmsetup'
loads dm-multipath dm-round-robin dm-service-time sg
info() { bp vol-info "$1" p --bytes | awk -v row="^$2" '$0 ~ row { print $2 }'; }

works 'define' bp pool-define-as p mpath --target /dev/mapper
works 'start, with no such device' bp pool-start p
is '... there are none' "$(bp -q vol-list p)" ''

modprobe scsi_debug dev_size_mb=16 num_tgts=1 add_host=2 vpd_use_hostno=0 || {
	skip 'two paths to one disk' 'needs scsi_debug'
	done_testing
}
paths() {
	set -- /sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*/block/*
	[ $# -eq 2 ] && one=/dev/${1##*/} two=/dev/${2##*/}
}
until_true paths
dmsetup create mpatha --uuid mpath-333333330000007d0 <<END
0 $(blockdev --getsz "$one") multipath 0 0 2 1 service-time 0 1 1 $one 1 service-time 0 1 1 $two 1
END
dmsetup mknodes
# what was made of it, and one of another kind beside it
dmsetup create mpatha-part1 --uuid part1-mpath-333333330000007d0 <<END
0 8192 linear /dev/mapper/mpatha 0
END
dmsetup create other <<END
0 8192 zero
END
dmsetup create mpathb --uuid mpath-lab <<END
0 $(blockdev --getsz "$(disk 1)") multipath 0 0 1 1 round-robin 0 2 1 $(disk 1) 1 $(disk 2) 1
END
dmsetup mknodes
first=dm-$(dmsetup info -c --noheadings -o minor mpatha)
second=dm-$(dmsetup info -c --noheadings -o minor mpathb)

says 'multipath devices, and no others' bp -q vol-list p <<END
 $first   /dev/mapper/mpatha
 $second   /dev/mapper/mpathb
END
is 'its size' "$(info "$first" Capacity)" "$(blockdev --getsize64 /dev/mapper/mpatha)"
is 'the sum' "$(bp pool-info p --bytes | awk '/^Capacity/ { print $2 }')" 83886080
is 'its key is its path' "$(bp -q vol-key "$first" p)" /dev/mapper/mpatha
is 'by its path' "$(bp -q vol-name /dev/mapper/mpatha)" "$first"
bp vol-list p --details >"$T/out"
told 'its paths are counted' "$first .* 2 paths"

dd if=/dev/urandom of="$T/bytes" bs=1M count=16 2>/dev/null
fails 'one in use is not written to' bp vol-upload "$first" "$T/bytes" p
told '... and the error says why' 'mpatha-part1'
dmsetup remove mpatha-part1
works 'upload' bp vol-upload "$first" "$T/bytes" p
works '... is there, on the disk' cmp "$T/bytes" "$one"
works 'download' bp vol-download "$first" "$T/back" p
works '... is the same' cmp "$T/bytes" "$T/back"

number=$(cat "/sys/class/block/${one##*/}/dev")
dmsetup message mpatha 0 fail_path "$number"
bp vol-list p --details >"$T/out" 2>&1
told 'a dead path is told' "$first .*1 of 2 paths .*has lost a path: $one"
rm -f "$T/back"
works 'download by the other' bp vol-download "$first" "$T/back" p
works '... is the same' cmp "$T/bytes" "$T/back"
bp pool-create-as d dir --target "$T/files" --build >/dev/null
cat >"$T/copy.xml" <<END
<volume><name>copy</name><capacity>1</capacity><target><format type='qcow2'/></target></volume>
END
works 'so does a copy, as an image' bp vol-create-from d "$T/copy.xml" "$first" --inputpool p
works '... as QEMU sees both' qemu-img compare -q -F raw "$T/files/copy" "$one"
qemu-img resize -q --shrink "$T/files/copy" 12M
sed "s/copy/$first/; s/<target.*target>//" "$T/copy.xml" >"$T/over.xml"
works 'an image becomes a volume' bp vol-create-from p "$T/over.xml" copy --inputpool d \
	--overwrite --verify
works '... as QEMU sees both' qemu-img compare -q -F raw "$T/files/copy" /dev/mapper/mpatha
works '... and it may have other bytes again' bp vol-upload "$first" "$T/bytes" p
dmsetup message mpatha 0 reinstate_path "$number"
bp vol-list p --details >"$T/out" 2>&1
told 'it is back' "$first .* 2 paths"
dmsetup message mpatha 0 fail_path "$number"
dmsetup message mpatha 0 fail_path "$(cat "/sys/class/block/${two##*/}/dev")"
bp vol-info "$first" p >"$T/out" 2>&1
told 'none is left' "has lost all of its paths: .*$two"
fails 'then it cannot be read' bp vol-download "$first" "$T/back" p
dmsetup remove mpathb
says 'one that has gone' bp -q vol-list p <<END
 $first   /dev/mapper/mpatha
END
works 'a path comes back' dmsetup message mpatha 0 reinstate_path "$number"
works 'wipe' bp vol-wipe "$first" p
blockdev --flushbufs "$one"
works '... is zeros' cmp -n 16777216 /dev/zero "$one"
rm -f /dev/mapper/mpatha
is 'without a node in /dev/mapper it has the kernel'"'"'s' \
	"$(bp -q vol-path "$first" p)" "/dev/$first"
works 'stop' bp pool-destroy p
works 'the device is there still' dmsetup status mpatha
done_testing

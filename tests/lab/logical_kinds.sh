#!/bin/sh
# logical_kinds.sh - volumes of every kind, made by LVM's tools, as barepool shows them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:96M disk=virtio:96M disk=scsi:96M
# lab: module=dm-cache module=dm-cache-smq module=dm-writecache module=dm-integrity
# lab: limit=250
. tests/lab.sh

needs lvm 'needs lvm2'
loads dm-mod dm-raid dm-mirror dm-snapshot dm-thin-pool dm-cache dm-cache-smq dm-writecache \
	dm-integrity

one=$(disk 1) two=$(disk 2) three=$(disk 3)
# Each is named on the console, and has two minutes: what takes longer waits for ever.
make() {
	echo "$*" >/dev/console
	timeout -k 5 120 "$@" -qq -y >"$T/out" 2>&1 </dev/null || { show; nok "$*"; }
}
make vgcreate -s 1M k "$one" "$two" "$three"
make lvcreate -n lin -L 4M k "$three"
# Nothing is copied from leg to leg: what a kernel does when LVM stops a volume, to change
# it, in the middle of that is not what is tested here.
make lvcreate --type raid1 --nosync -m1 -n r1 -L 4M k "$one" "$three"
make lvcreate --type mirror --nosync --mirrorlog core -m1 -n mir -L 4M k
make lvcreate --type raid5 --nosync -i2 -n r5 -L 8M k
make lvcreate --type raid0 -i2 -n r0 -L 8M k "$one" "$three"
make lvcreate -i3 -n str -L 9M k
make lvcreate -n cc -L 8M k "$one"
make lvcreate --type cache-pool -n cp -L 8M k "$two"
make lvconvert --type cache --cachepool cp k/cc
make lvcreate -an -n wc -L 8M k "$one"
make lvcreate -an -n wcv -L 4M k "$two"
make lvconvert --type writecache --cachevol wcv k/wc
make lvcreate --type raid1 --nosync -m1 --raidintegrity y -n ri -L 4M k "$one" "$two"
make lvcreate -n o -L 4M k "$one"
make lvcreate -s -n merged -L 4M k/o "$one"
works 'a file system' mkfs.ext4 -q /dev/k/o
works '... is in use: what is merged into it waits' mount /dev/k/o /mnt
make lvconvert --merge k/merged
make lvcreate -n full -s -L 1M k/lin "$one"
make lvcreate -n sus -L 4M k "$one"
make lvcreate -n luks -L 4M k "$one"
printf 'LUKS\272\276\000\002' | dd of=/dev/k/luks conv=notrunc 2>/dev/null

works 'define' bp pool-define-as k logical
works 'start' bp pool-start k
dd if=/dev/urandom of=/dev/k/full bs=1M count=4 conv=fsync 2>/dev/null
make lvchange -an k/str
dmsetup suspend k-sus
bp -q vol-list k --details >"$T/list" 2>&1
shown() { awk -F '  +' 'NF > 3 { print $1 ": " $6 }' "$T/list" | sed 's/^ //'; }
says 'every kind, and no parts' shown <<END
cc: cache
full: snapshot
lin: linear
luks: linear
mir: mirror
o: linear
r0: raid0
r1: raid1
r5: raid5
ri: raid1
str: striped, inactive
sus: linear
wc: writecache
END
works 'who reads the suspended one waits, and that is said' \
	grep -q 'sus .*suspended' "$T/list"
works 'the snapshot that is full is lost' grep -q 'full .*lost its changes' "$T/list"
works 'JSON has the state' sh -c 'barepool --format json vol-list k --details |
	tr -d "\n" | grep -q "\"kind\": \"striped\",[^}]*\"state\": \"inactive\""'
is 'the bytes of the suspended one are not asked for' \
	"$(bp -q vol-dumpxml sus k | grep -c '<name>sus</name>')" 1
dmsetup resume k-sus

# one extent for each stripe or leg, where LVM says they are
legs() { # VOLUME: "DEVICE FIRST LAST", of its extents, as LVM says
	lvs -a --noheadings -o lv_name,seg_pe_ranges k | tr -d '[]' |
		awk -v pat="^$1(_rimage_[0-9](_iorig)?|_mimage_[0-9]|_corig|_wcorig)?\$" '
		$1 ~ pat { for (i = 2; i <= NF; i++) if ($i ~ "^/") {
			n = split($i, a, /[:-]/)
			print a[1], a[2] * 1048576, (a[3] + 1) * 1048576 } }' | sort
}
extents() {
	bp vol-dumpxml "$1" k | awk -F "'" '/<device path/ { d = $2 }
		/<extent / { printf "%s %.0f %.0f\n", d, $2, $4 }' | sort
}
for v in lin str r0 r1 r5 mir cc wc ri; do
	legs $v >"$T/legs"
	works "$v has extents" [ -s "$T/legs" ]
	says "... where LVM has them" extents $v <"$T/legs"
done

works 'LUKS is known' sh -c "barepool vol-dumpxml luks k | grep -q \"<encryption format='luks'\""

# without a device: RAID goes on, others do not, and it is said which
unplug 3
bp -q vol-list k --details >"$T/list" 2>&1
works 'what is on it is marked' grep -q 'lin .*lacks a device' "$T/list"
fails 'RAID is not' grep -q 'r1 .*lacks' "$T/list"
works '... and can be read' bp vol-download r1 "$T/r1" k
fails 'nor what is elsewhere' grep -q 'luks .*lacks' "$T/list"
# That it is shown with its kind is known from a report only: tests/unit/logical_layers.
skip 'VDO volumes' 'needs dm-vdo (Linux 6.9) and vdoformat, which Debian 12 has not'
done_testing

#!/bin/sh
# guard.sh - never the wrong disk, on real ones: LVM, device-mapper, swap; what does not answer.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:64M disk=scsi:64M disk=nvme:64M disk=scsi:32M disk=usb:32M
# lab: memory=768
. tests/lab.sh

a=$(disk 1) b=$(disk 2) c=$(disk 3) d=$(disk 4) e=$(disk 5)
sum() { cksum <"$1"; }
refused() { # NAME DEVICE WHY: no pool is made on it, not even by force
	before=$(sum "$2")
	works "$1: define" bp pool-define-as w fs --source-dev "$2" --source-format ext4 \
		--target "$T/w"
	for how in --overwrite --no-overwrite; do
		fails "$1: $how" bp pool-build w $how
		has "$1: why" "$T/out" "$3"
	done
	works "$1: forget" bp pool-undefine w
	works "$1: as a disk" bp pool-define-as w disk --source-dev "$2" --source-format gpt \
		--target /dev
	for deed in 'build w' 'build w --overwrite' 'delete w'; do
		# shellcheck disable=SC2086 # words
		fails "$1: pool-$deed" bp pool-$deed
		has "$1: why" "$T/out" "$3"
	done
	works "$1: forget" bp pool-undefine w
	is "$1: nothing is written" "$(sum "$2")" "$before"
}
finding() { # DEVICE KEY
	bp discover "$1" --format json | sed -n "2{s/.*\"$2\": //; s/[,}].*//; s/\"//g; p}"
}

# ---- LVM ---------------------------------------------------------------------------

printf 'label: gpt\nsize=24MiB\nsize=24MiB\n' | sfdisk -q "$a"
works 'a volume group on a partition and a disk' vgcreate -qq vg "${a}1" "$b"
works 'a volume over both' lvcreate -qq -y -Zn -Wn --type striped -i 2 -L 16M -n lv vg
refused 'part of a volume group' "$b" "device '$b' is part of the device dm-"
refused 'a partition is part of one' "$a" \
	"'${a}1', a partition of device '$a', is part of the device dm-"
is 'it holds' "$(finding "$b" holds)" LVM2_member
bp discover >"$T/all"
has 'is told of' "$T/all" '(vg-lv)'
mkfs.ext4 -q /dev/vg/lv
is 'a file system on it could be a pool' "$(finding /dev/vg/lv could_be)" fs
works 'and is made one' bp discover /dev/vg/lv --adopt onlv --target "$T/mnt"
works 'that starts' bp pool-start onlv
says 'the same volume by its other name' bp pool-define-as x fs --source-dev /dev/mapper/vg-lv \
	--target "$T/x" <<END
error: Failed to define pool x
error: operation failed: Storage source conflict with pool: 'onlv'

[1]
END
works 'stop' bp pool-destroy onlv
works 'forget' bp pool-undefine onlv

if bp pool-capabilities --table | grep -q '^ logical  *yes'; then
	bp discover vg --xml >"$T/vg.xml"
	has 'the group could be a pool' "$T/vg.xml" '<name>vg</name>'
	works 'and is defined' bp pool-define "$T/vg.xml"
	is 'told as that' "$(finding vg pool)" vg
	fails 'adopted twice' bp discover vg --adopt again
	has 'is refused' "$T/out" "'vg' cannot be adopted: it is in use: pool 'vg' (inactive)"
	fails 'it is not deleted' bp pool-delete vg
	is 'it is there' "$(vgs --noheadings -o lv_count vg | tr -d ' ')" 1
	works 'forget' bp pool-undefine vg
	works 'a pool that would take the disk' bp pool-define-as w logical \
		--source-dev "$b" --source-name new --target /dev/new
	fails 'is not built' bp pool-build w
	has 'as it has a group' "$T/out" "device '$b' is part of the device dm-"
	works 'forget' bp pool-undefine w
else
	skip 'volume groups as pools' 'pools of type logical are not in this build'
fi

# The system on a volume: all disks below are the system's.
[ -d /boot ] || mkdir /boot
works 'mount' mount /dev/vg/lv /boot
works 'a partition beside it' bp pool-define-as w fs --source-dev "${a}2" --source-format ext4 \
	--target "$T/w"
fails 'is not built' bp pool-build w --overwrite
has 'as it is on the disk of the system' "$T/out" "'$a' holds '/boot'"
works 'unless it is named' bp pool-build w --overwrite --force-device "${a}2"
works 'forget' bp pool-undefine w
umount /boot

works 'stop the group' vgchange -qq -an vg
works 'a pool on what is not assembled' bp pool-define-as w fs --source-dev "$b" \
	--source-format ext4 --target "$T/w"
fails 'is not built' bp pool-build w --no-overwrite
has 'as its mark is found' "$T/out" "it holds 'LVM2_member'"
works 'forget' bp pool-undefine w

# ---- device-mapper that does not answer, a disk that has gone away --------------------

works 'a mapped device' dmsetup create --noudevsync slow --table "0 65536 linear $c 0"
works 'suspended' dmsetup suspend --noudevsync slow
minor=$(dmsetup info -c --noheadings -o minor slow)
is 'is not read' "$(finding "$c" used_by)" "part of dm-$minor (slow)"
bp discover >"$T/all"
has 'but told' "$T/all" 'it is suspended'
fails 'nor does LVM read it' bp discover vg
has 'as it would wait' "$T/out" "cannot look for volume groups because of '/dev/"
works 'resume' dmsetup resume --noudevsync slow
works 'remove' dmsetup remove --noudevsync slow
works 'a disk is taken off' sh -c "echo offline >/sys/block/${d##*/}/device/state"
bp discover >"$T/all"
has 'it does not answer' "$T/all" 'it does not answer'
works 'and comes back' sh -c "echo running >/sys/block/${d##*/}/device/state"

# ---- swap, of the system ------------------------------------------------------------------

printf 'label: dos\nsize=8MiB\nsize=8MiB\n' | sfdisk -q "$c"
works 'swap' mkswap -q "${c}p1"
works 'in use' swapon "${c}p1"
refused 'swap on a partition' "$c" \
	"this system runs from '$c': '${c}p1', a partition of device '$c', is used as swap"
works 'a partition beside it' bp pool-define-as w fs --source-dev "${c}p2" \
	--source-format ext4 --target "$T/w"
fails 'is not built' bp pool-build w --overwrite
has 'as it is on the disk of the system' "$T/out" "'$c' holds swap"
works 'forget' bp pool-undefine w
swapoff "${c}p1"

# ---- what is free ---------------------------------------------------------------------------

is 'an empty disk' "$(finding "$e" could_be)" disk
works 'adopt' bp discover "$e" --adopt parts
works 'build' bp pool-build parts
works 'start' bp pool-start parts
works 'a volume' bp vol-create-as parts "${e##*/}1" 8M
works 'another' bp vol-create-as parts "${e##*/}2" 8M
works 'a file system on it' mkfs.ext4 -q "${e}1"
works 'and a pool' bp pool-define-as inner fs --source-dev "${e}1" --target "$T/inner"
works 'started' bp pool-start inner
works 'its neighbour goes' bp vol-delete "${e##*/}2" parts
fails 'not itself' bp vol-delete "${e##*/}1" parts
has 'as it is mounted' "$T/out" "is mounted on '$T/inner'"
works 'stop' bp pool-destroy inner
fails 'not itself' bp vol-delete "${e##*/}1" parts
has 'as it is a source' "$T/out" "is the source of pool 'inner'"
works 'forget' bp pool-undefine inner
works 'then it goes' bp vol-delete "${e##*/}1" parts
works 'stop' bp pool-destroy parts
works 'delete' bp pool-delete parts
is 'nothing is left' "$(finding "$e" holds)" null
done_testing

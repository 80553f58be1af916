#!/bin/sh
# names.sh - disks made of disks (RAID, multipath), and disks under the names udev gives them.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:64M disk=scsi:64M disk=nvme:64M:4096 disk=mmc:64M disk=scsi:64M disk=scsi:64M
# lab: module=dm-multipath module=dm-round-robin module=sdhci-pci module=mmc_block
# lab: program=mdadm program=kpartx program=udevadm program=systemd-udevd=udevadm program=mkfs.ext4
# lab: library=libfdisk.so.1 library=libmount.so.1 memory=768 limit=600
. tests/lab.sh

sum() { cksum <"$1"; }
refused() { # NAME DEVICE WHY: no pool is made on it, not even by force
	before=$(sum "$2")
	for type in fs:ext4 disk:gpt; do
		bp pool-define-as w "${type%:*}" --source-dev "$2" --source-format "${type#*:}" \
			--target /dev >/dev/null
		for deed in 'build w --no-overwrite' 'build w --overwrite' 'delete w'; do
			case $type:$deed in fs:*:delete*) continue ;; esac
			# shellcheck disable=SC2086 # words
			fails "$1: ${type%:*}, pool-$deed" bp pool-$deed
			has "$1: why" "$T/out" "$3"
		done
		bp pool-undefine w >/dev/null
	done
	is "$1: nothing is written" "$(sum "$2")" "$before"
}
disk_pool() { # NAME DEVICE TARGET
	works "$1: define" bp pool-define-as "$1" disk --source-dev "$2" --source-format gpt \
		--target "$3"
	works "$1: build" bp pool-build "$1"
	works "$1: start" bp pool-start "$1"
}
used_partition() { # POOL VOLUME WHY: one that somebody has
	before=$(sum "/dev/$2")
	for deed in "delete $2" "wipe $2"; do
		# shellcheck disable=SC2086 # words
		fails "$1: vol-$deed" bp vol-$deed "$1"
		has "$1: why" "$T/out" "$3"
	done
	is "$1: nothing is written" "$(sum "/dev/$2")" "$before"
}

# ---- RAID ----------------------------------------------------------------------------

a=$(disk 5) b=$(disk 6)
if command -v mdadm >/dev/null; then
	printf 'label: gpt\nsize=32MiB\n' | sfdisk -q "$a"
	works 'a RAID of a partition and a disk' mdadm --quiet --create /dev/md0 --run \
		--assume-clean --level=1 --raid-devices=2 --metadata=1.2 "${a}1" "$b"
	refused 'a disk in a RAID' "$b" "device '$b' is part of the device md0"
	refused 'a partition in a RAID' "$a" "'${a}1', a partition of device '$a', is part of"
	works 'a pool of that disk' bp pool-define-as parts disk --source-dev "$a" \
		--source-format gpt --target /dev
	works 'starts' bp pool-start parts
	used_partition parts "${a##*/}1" "is part of the device md0"
	works 'beside it there is room' bp vol-create-as parts "${a##*/}2" 4M
	disk_pool raid /dev/md0 /dev
	works 'a volume on the RAID' bp vol-create-as raid md0p1 4M
	works 'is filled' bp vol-upload md0p1 /barepool/build/barepool raid --length 1048576
	works 'and is there' cmp -n 1048576 /barepool/build/barepool /dev/md0p1
	works 'goes' bp vol-delete md0p1 raid
	works 'stop' bp pool-destroy raid
	works 'stop the RAID' mdadm --quiet --stop /dev/md0
	works 'a partition that was in it goes' bp vol-delete "${a##*/}1" parts
	works 'clear' wipefs -qa "$b"
	works 'stop' bp pool-destroy parts
	works 'forget' bp pool-undefine parts
	works 'forget' bp pool-undefine raid
else
	skip 'RAID' 'needs mdadm'
fi
wipefs -qa "$a" "$b"

# ---- multipath -------------------------------------------------------------------------

numbers=$(cat "/sys/class/block/${b##*/}/dev") size=$(cat "/sys/class/block/${b##*/}/size")
works 'a path of a multipath device' dmsetup create --noudevsync mpatha \
	--table "0 $size multipath 0 0 1 1 round-robin 0 1 1 $numbers 1"
refused 'a path' "$b" "device '$b' is part of the device dm-"
has 'by its name' "$T/out" '(mpatha)'
dmsetup remove --noudevsync mpatha

# ---- a disk of device-mapper, with a bad spot ----------------------------------------------

numbers=$(cat "/sys/class/block/${a##*/}/dev")
works 'a mapped disk' dmsetup create --noudevsync --noudevrules whole --uuid lab-whole <<END
0 32768 linear $numbers 0
32768 2048 error
34816 96256 linear $numbers 34816
END
dmsetup mknodes			# there is no udev yet
disk_pool mapped /dev/mapper/whole /dev
fails 'a partition the kernel would not know' bp vol-create-as mapped whole1 8M
has 'is not made, and who can is told' "$T/out" "let 'kpartx -u /dev/mapper/whole' map them"
echo 'size=24MiB' | sfdisk -q --no-reread --no-tell-kernel --append /dev/mapper/whole
is 'made by another' "$(bp -q vol-list mapped | tr -s ' ')" ' whole1 /dev/mapper/whole1'
head -c 20M /dev/zero >"$T/zeros"
fails 'not mapped, it is not filled' bp vol-upload whole1 /barepool/build/barepool mapped
has 'and who maps it is told' "$T/out" "'kpartx -a /dev/mapper/whole' does that"
is 'nothing is made in its place' "$(ls /dev/mapper/whole1 2>/dev/null)" ''
if command -v kpartx >/dev/null; then
	works 'mapped' kpartx -a -n /dev/mapper/whole
	dmsetup mknodes
	works 'filled' bp vol-upload whole1 /barepool/build/barepool mapped
	works 'the same' cmp -n 1048576 /barepool/build/barepool /dev/mapper/whole1
	fails 'over the bad spot' bp vol-upload whole1 "$T/zeros" mapped
	has 'is told' "$T/out" "failed writing to file '/dev/mapper/whole1': Input/output error"
	works 'before it is written' cmp -n 15728640 "$T/zeros" /dev/mapper/whole1
	fails 'not deleted' bp vol-delete whole1 mapped
	has 'and who can is told' "$T/out" "let 'kpartx -u /dev/mapper/whole' map them"
	works 'stop' bp pool-destroy mapped
	fails 'it is not built over' bp pool-build mapped --overwrite
	has 'as it is mapped' "$T/out" 'is part of the device dm-'
	works 'unmapped' kpartx -d -n /dev/mapper/whole
	dmsetup mknodes
else
	skip 'partitions of a mapped disk' 'needs kpartx'
	bp pool-destroy mapped >/dev/null
fi
works 'forget' bp pool-undefine mapped
dmsetup remove --noudevsync --noudevrules whole

# ---- udev --------------------------------------------------------------------------------

if ! systemd-udevd --daemon; then
	skip 'names by udev' 'needs systemd-udevd'
	done_testing
fi
udevadm trigger --action=add --subsystem-match=block
udevadm settle
by() { # KIND DEVICE: its name there
	for link in "/dev/disk/by-$1"/*; do
		if [ "$(readlink -f "$link")" = "$2" ]; then echo "$link"; break; fi
	done
}
for i in 1 2 3 4; do
	dev=$(disk $i) d=${dev##*/}
	case $d in *[0-9]) p=p ;; *) p='' ;; esac
	id=$(by id "$dev") path=$(by path "$dev")
	is "$d has a name" "${id:+yes}" yes
	kind=path
	case $d in mmcblk*) kind=id path=$id ;; esac	# udev knows no path of a card
	disk_pool "by_$d" "$id" /dev/disk/by-$kind
	for same in "$dev" "$path"; do
		fails 'the same disk by another name' bp pool-define-as w disk \
			--source-dev "$same" --source-format gpt --target /dev
		has 'is a conflict' "$T/out" "Storage source conflict with pool: 'by_$d'"
	done
	works 'a volume' bp vol-create-as "by_$d" "${d}${p}1" 8M
	udevadm settle		# a slow machine takes longer than is waited for
	is 'has the stable name' "$(bp vol-path "${d}${p}1" "by_$d")" "$path-part1"
	is 'that leads to it' "$(readlink -f "$path-part1")" "$dev${p}1"
	works 'a file system on it' mkfs.ext4 -q "$id-part1"
	works 'as a pool, by its id' bp pool-create-as "fs_$d" fs \
		--source-dev "$id-part1" --source-format ext4 --target "$T/$d"
	fails 'mounted, it stays' bp vol-delete "${d}${p}1" "by_$d" --force
	has 'as it is mounted' "$T/out" "is mounted on '$T/$d'"
	works 'stop' bp pool-destroy "fs_$d"
	works 'deleted by its path' bp vol-delete "$path-part1" --force
	udevadm settle
	is 'its names have gone' "$(ls "$path-part1" "$id-part1" 2>/dev/null)" ''
	works 'stop' bp pool-destroy "by_$d"
done
done_testing

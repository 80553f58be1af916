#!/bin/sh
# machine.sh - the lab itself: disks are as asked for, they grow and go, the kernel has its modules.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:64M disk=virtio:64M:4096 disk=scsi:64M disk=scsi:96M:4096
# lab: disk=nvme:64M disk=nvme:128M:4096 disk=usb:64M disk=virtio:64M:512:ext4
. tests/lab.sh

is 'it is root' "$(id -u)" 0
is 'there is no network but its own' "$(ls /sys/class/net)" lo
n_disk=0
for want in vd:64:512 vd:64:4096 sd:64:512 sd:96:4096 nvme:64:512 nvme:128:4096 sd:64:512 vd:64:512
do
	n_disk=$((n_disk + 1))
	name=$(disk $n_disk)
	name=${name#/dev/}
	sys=/sys/class/block/$name
	kind=$(echo "$name" | sed 's/^\(vd\|sd\|nvme\).*/\1/')
	sector=$(cat "$sys/queue/logical_block_size")
	is "disk $n_disk" "$kind:$(($(cat "$sys/size") / 2048)):$sector" $want
done
is 'one has a file system' "$(blkid -p -o value -s TYPE "$(disk 8)")" ext4
for n_disk in 1 3 7; do
	works "disk $n_disk grows" grow $n_disk 128M
	is 'to what was said' "$(sectors_of "$(disk $n_disk)")" 262144
done
for n_disk in 1 3 6 7; do
	dd if=/dev/zero of="$(disk $n_disk)" bs=64k count=16 conv=fsync 2>"$T/out"
	is "disk $n_disk is written" $? 0
	works 'and vanishes' unplug $n_disk
	works 'and is there again' plug $n_disk
done
for module in dm-mod dm-snapshot dm-thin-pool dm-log-writes dm-flakey ext4 xfs btrfs vfat; do
	works "the kernel has $module" modprobe $module
done
works 'there is a volume group' vgcreate -q vg "$(disk 2)"
works 'and a volume' lvcreate -q -y -n lv -L 8M vg
works 'which is a device' test -b /dev/vg/lv
echo kept >/out/kept
works 'a file goes out' test -s /out/kept
done_testing

#!/bin/sh
# guard.sh - never the wrong disk: what is in use, another pool's, or the system's is left alone.
# SPDX-License-Identifier: LGPL-2.1-or-later
# lab: memory=768
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='mkfs.ext4 mkswap sfdisk partx blkid'
. tests/alone.sh
. tests/lib.sh
bp pool-capabilities --table | grep -q '^ fs  *yes' || no 'pools of type fs are not in this build'

devices='' swap='' mapped=''
away() {
	[ ! "$swap" ] || swapoff "$swap"
	[ ! "$mapped" ] || dmsetup remove --noudevsync "$mapped"
	umount -q "$T/m" /boot 2>/dev/null
	for d in $devices; do
		partx -d "$d" 2>/dev/null
		losetup -d "$d"
	done
	rm -rf "$T"
}
trap away EXIT
device() { # NAME SIZE: sets $dev
	truncate -s "$2" "$T/$1"
	dev=$(losetup --find --show "$T/$1") || no 'no loop device is free'
	devices="$dev $devices"
	partx -d "$dev" 2>/dev/null	# what a test that was killed has left
}
partitioned() { # NAME: sets $dev, of 64 MiB, with two partitions
	device "$1" 64M
	printf 'label: gpt\nsize=16MiB\nsize=16MiB\n' | sfdisk -q "$dev" 2>/dev/null
	partx -u "$dev" 2>/dev/null
	[ -b "${dev}p2" ] || no 'loop devices have no partitions here'
}
looked=1G			# how much of a device is
sum() { head -c $looked "$1" | cksum; }

# refused NAME DEVICE WHY [PATTERN]: pools that would be made on it are not, even by force.
refused() {
	before=$(sum "$2")
	works "$1: define" bp pool-define-as w fs --source-dev "$2" --source-format ext4 \
		--target "$T/w"
	for how in --overwrite --no-overwrite; do
		fails "$1: $how" bp pool-build w $how
		has "$1: why" "$T/out" "$3"
		fails "$1: $how, at the start" bp pool-start w $how
		has "$1: why" "$T/out" "$3"
	done
	is "$1: nothing is written" "$(sum "$2")" "$before"
	works "$1: forget" bp pool-undefine w
}

# ---- what is in use ------------------------------------------------------------

mkdir "$T/m"
device one 32M
one=$dev
mkfs.ext4 -q "$one"
mount -o ro "$one" "$T/m"
refused 'mounted' "$one" "device '$one' is mounted on '$T/m'"
umount "$T/m"

device two 32M
two=$dev
mkswap "$two" >/dev/null
if swapon "$two" 2>"$T/out"; then
	swap=$two looked=4K	# behind its header the kernel writes
	refused 'swap' "$two" "device '$two' is used as swap"
	swapoff "$two"
	swap='' looked=1G
else
	show
	skip 'swap' 'the kernel takes no swap on a loop device here'
fi

above=$(losetup --find --show "$two")
devices="$above $devices"
refused 'below a loop device' "$two" "device '$two' is attached to $above"
losetup -d "$above"
devices=${devices#* }

partitioned disk
disk=$dev
mkfs.ext4 -q -F "${disk}p1"
mount -o ro "${disk}p1" "$T/m"
refused 'a disk with a partition that is mounted' "$disk" \
	"'${disk}p1', a partition of device '$disk', is mounted on '$T/m'"
works 'define: another partition' bp pool-define-as w fs --source-dev "${disk}p2" \
	--source-format ext4 --target "$T/w"
works 'is free' bp pool-build w --no-overwrite
is 'and built' "$(blkid -p -o value -s TYPE "${disk}p2")" ext4
works 'forget' bp pool-undefine w
umount "$T/m"

if echo "0 8192 linear ${disk}p1 0" | dmsetup create --noudevsync "guard-$$" 2>"$T/out"; then
	mapped=guard-$$
	refused 'below device-mapper' "${disk}p1" "device '${disk}p1' is part of the device dm-"
	refused 'by its name' "${disk}p1" "($mapped)"
	works 'remove' dmsetup remove --noudevsync "$mapped"
	mapped=
else
	show
	skip 'below device-mapper' 'no device-mapper here'
fi

# ---- one disk under several names ------------------------------------------------

ln -s "$one" "$T/by-id"
uuid=$(blkid -p -o value -s UUID "$one")
works 'a pool' bp pool-define-as p fs --source-dev "$T/by-id" --target "$T/p"
for name in "$one" "UUID=$uuid"; do
	says "the same disk as $name" bp pool-define-as q fs --source-dev "$name" \
		--target "$T/q" <<END
error: Failed to define pool q
error: operation failed: Storage source conflict with pool: 'p'

[1]
END
done
works 'undefine' bp pool-undefine p

# ---- what is another pool's --------------------------------------------------------

works 'a pool on a disk' bp pool-define-as p fs --source-dev "$disk" --target "$T/p"
refused 'a partition of it' "${disk}p2" \
	"device '${disk}p2' is a partition of the source of pool 'p'"
works 'define: a partition of it' bp pool-define-as w fs --source-dev "${disk}p2" \
	--source-format ext4 --target "$T/w"
says 'it says how' bp pool-build w --overwrite <<END
error: Failed to build pool w
error: Requested operation is not valid: device '${disk}p2' is a partition of the source of pool 'p'
hint: if that is meant, name the device: --force-device PATH

[1]
END
fails 'another one named' bp pool-build w --overwrite --force-device "$one"
fails 'none named' bp pool-build w --overwrite --force-device "$T/nosuch"
has 'is told' "$T/out" "cannot find device '$T/nosuch'"
fails 'one that is none' bp pool-build w --overwrite --force-device /dev/null
has 'is told' "$T/out" "'/dev/null' is no block device"
ln -s "${disk}p2" "$T/part"
works 'named' bp pool-build w --overwrite --force-device "$T/part"
works 'or its disk' bp pool-build w --overwrite --force-device "$disk"
fails 'named for one command only' bp "pool-build w --overwrite --force-device $disk; \
	pool-build w --overwrite"
works 'undefine' bp pool-undefine p
works 'then it is free' bp pool-build w --overwrite
works 'a pool on the disk' bp pool-define-as p fs --source-dev "$disk" --source-format ext4 \
	--target "$T/p"
fails 'a disk whose partition is a pool' bp pool-build p --overwrite
has 'is left alone' "$T/out" "device '$disk' has a partition that is the source of pool 'w'"

works 'undefine' bp pool-undefine p
mkdir "$T/d"
works 'a directory' bp pool-define-as d dir --target "$T/d"
works 'start' bp pool-start d
cp -R "${disk}p2" "$T/d/v"
before=$(sum "${disk}p2")
for change in wipe delete 'resize --capacity 1G --vol' 'upload --file /etc/passwd --vol'; do
	# shellcheck disable=SC2086 # words
	fails "another pool's source as a volume: ${change%% *}" bp vol-$change v --pool d
	has 'is left alone' "$T/out" "volume 'v' is the source of pool 'w'"
	has 'but for --force' "$T/out" 'with --force it is done all the same'
done
is 'nothing is written' "$(sum "${disk}p2")" "$before"
works 'by force' bp vol-delete v d --force
works 'undefine' bp pool-undefine w

# ---- pools of type disk ------------------------------------------------------------

has_disk=no
if bp pool-capabilities --table | grep -q '^ disk  *yes'; then
	has_disk=yes
	works 'a pool of partitions' bp pool-define-as parts disk --source-dev "$disk" \
		--source-format gpt --target /dev
	works 'start' bp pool-start parts
	works 'a volume is a source of another pool' bp pool-define-as w fs \
		--source-dev "${disk}p2" --source-format ext4 --target "$T/w"
	fails 'but not built' bp pool-build w --overwrite
	has 'by force alone' "$T/out" \
		"device '${disk}p2' is a partition of the source of pool 'parts'"
	works 'only by its name' bp pool-build w --overwrite --force-device "${disk}p2"
	before=$(sum "${disk}p2")
	for change in wipe delete; do
		fails "$change a volume that is one" bp vol-$change "${disk##*/}p2" parts
		has 'is refused' "$T/out" "volume '${disk##*/}p2' is the source of pool 'w'"
	done
	is 'nothing is written' "$(sum "${disk}p2")" "$before"
	works 'start the other' bp pool-start w
	works 'others may be made meanwhile' bp vol-create-as parts "${disk##*/}p3" 8M
	works 'and go again' bp vol-delete "${disk##*/}p3" parts
	works 'stop' bp pool-destroy parts
	for deed in 'build parts' 'build parts --overwrite' 'delete parts'; do
		# shellcheck disable=SC2086 # words
		fails "not: $deed" bp pool-$deed
		has 'a partition is mounted' "$T/out" \
			"'${disk}p2', a partition of device '$disk', is mounted on '$T/w'"
	done
	works 'stop the other' bp pool-destroy w
	for deed in 'build parts --overwrite' 'delete parts'; do
		# shellcheck disable=SC2086 # words
		fails "not: $deed" bp pool-$deed
		has 'a partition is another pool' "$T/out" \
			"device '$disk' has a partition that is the source of pool 'w'"
	done
	works 'forget' bp pool-undefine w
	works 'forget' bp pool-undefine parts
else
	skip 'pools of type disk' 'they are not in this build'
fi

# ---- the disk the system runs from ---------------------------------------------------

# A directory of the system, for this test alone.
if [ ! -d /boot ] && ! mkdir /boot 2>"$T/out"; then
	show
	skip 'the disk the system runs from' 'there is no /boot here'
	done_testing
fi
mount -o ro "${disk}p1" /boot
refused 'a disk of the system' "$disk" \
	"this system runs from '$disk': '${disk}p1', a partition of device '$disk', is mounted on"
refused 'a partition beside it' "${disk}p2" \
	"device '${disk}p2' is on the disk this system runs from: '$disk' holds '/boot'"
works 'define' bp pool-define-as w fs --source-dev "${disk}p2" --source-format ext4 \
	--target "$T/w"
works 'unless it is named' bp pool-build w --overwrite --force-device "${disk}p2"
works 'forget' bp pool-undefine w
if [ $has_disk = yes ]; then
	works 'partitions of it' bp pool-create-as parts disk --source-dev "$disk" \
		--source-format gpt --target /dev
	for change in "create-as parts ${disk##*/}p3 8M" "delete ${disk##*/}p2 parts" \
		"wipe ${disk##*/}p2 parts"; do
		# shellcheck disable=SC2086 # words
		fails "vol-${change%% *}" bp vol-$change
		has 'is refused' "$T/out" \
			"is on the disk this system runs from: '$disk' holds '/boot'"
	done
	works 'unless it is named' bp vol-create-as parts "${disk##*/}p3" 8M \
		--force-device "$disk"
	works 'or forced' bp vol-delete "${disk##*/}p3" parts --force
	works 'stop' bp pool-destroy parts
fi
umount /boot

# The same, a loop device and an overlay further down.
works 'mount' mount "${disk}p2" "$T/m"
truncate -s 16M "$T/m/image"
mkfs.ext4 -q "$T/m/image"
below=$(losetup --find --show "$T/m/image")
devices="$below $devices"
mount "$below" /boot
refused 'below a loop device of the system' "${disk}p1" "'$disk' holds '/boot'"
umount /boot
losetup -d "$below"
devices=${devices#* }
mkdir "$T/m/upper" "$T/m/work"
if mount -t overlay -o "lowerdir=/boot,upperdir=$T/m/upper,workdir=$T/m/work" none /boot \
	2>"$T/out"; then
	refused 'below an overlay of the system' "${disk}p1" "'$disk' holds '/boot'"
	umount /boot
else
	show
	skip 'below an overlay of the system' 'this kernel has no overlays'
fi
umount "$T/m"
root=$(findmnt -n -o SOURCE / | sed 's/\[.*//')
if [ -b "$root" ]; then
	works 'define: the root device' bp pool-define-as w fs --source-dev "$root" \
		--source-format ext4 --target "$T/w"
	for how in --overwrite --no-overwrite "--overwrite --force-device $root"; do
		# shellcheck disable=SC2086 # words
		fails "$how" bp pool-build w $how
		has 'is refused' "$T/out" "device '$root' is mounted on '/'"
	done
else
	skip 'the root device' 'this system runs from no block device'
fi
done_testing

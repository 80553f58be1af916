#!/bin/sh
# in_use_kernel.sh - a volume that the kernel uses is left alone: for loop, swap, mounts, dm.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
#
# In a mount namespace of its own; what it sets up elsewhere it takes away.
if [ "$(id -u)" -ne 0 ]; then echo '1..0 # SKIP needs root'; exit 0; fi
if ! unshare -m true 2>/dev/null; then echo '1..0 # SKIP needs mount namespaces'; exit 0; fi
[ "${IN_USE_ALONE:-}" ] || exec env IN_USE_ALONE=yes unshare -m sh "$0"
. tests/lib.sh

loops='' swap='' mapped='' holder=''
leave() {
	[ ! "$holder" ] || kill -9 "$holder"
	[ ! "$swap" ] || swapoff "$swap"
	umount -q "$T/m" "$T/p/d/in" 2>/dev/null
	[ ! "$mapped" ] || dmsetup remove --noudevsync "$mapped"
	for loop in $loops; do losetup -d "$loop"; done
	rm -rf "$T"
}
trap leave EXIT

loop_on() { # FILE: attached to $loop
	loop=$(losetup -f --show "$1" 2>"$T/out") || return 1
	loops="$loop $loops"
}
loop_off() { # the last one
	losetup -d "${loops%% *}"
	loops=${loops#* }
}

mkdir "$T/p" "$T/m"
works 'define' bp pool-define-as p dir --target "$T/p"
works 'start' bp pool-start p
works 'a volume' bp vol-create-as p v 4M
if ! loop_on "$T/p/v"; then
	show
	skip 'loop devices' 'there are none here'
	done_testing
fi

refused() { # NAME VOLUME WHY: no change is made to it, and it is said why
	cp "$T/p/$2" "$T/before"
	for change in "delete $2" "resize $2 8M" "wipe $2" "upload $2 /etc/passwd"; do
		# shellcheck disable=SC2086 # words
		fails "$1: $change" bp vol-$change p
		has "$1: who" "$T/out" "volume '$2' $3"
	done
	works "$1: it is as it was" cmp "$T/before" "$T/p/$2"
}

# ---- loop devices --------------------------------------------------------------

refused 'a loop device' v "is attached to $loop"
works 'a file system' mkfs.ext4 -q "$loop"
works 'mounted' mount -o ro "$loop" "$T/m"
refused 'a mounted loop device' v "is attached to $loop, which is mounted on '$T/m'"
umount "$T/m"

# What counts is the file, not the name it was attached by.
mv "$T/p/v" "$T/p/w"
works 'another one of the same name' bp vol-create-as p v 4M
works 'is another one' bp vol-wipe v p
refused 'under another name' w "is attached to $loop"
works 'by force' bp vol-resize w 8M p --force
loop_off
works 'then as always' bp vol-delete w p

# ---- swap -----------------------------------------------------------------------

chmod 600 "$T/p/v"
works 'mkswap' mkswap "$T/p/v"
if swapon "$T/p/v" 2>"$T/out"; then
	swap=$T/p/v
	refused 'swap' v 'is used as swap'
	swapoff "$swap"
	swap=''
else
	show
	skip 'swap' 'the kernel takes no file from here as swap'
fi
works 'then as always' bp vol-delete v p

# ---- a rescue system ---------------------------------------------------------------

works 'a volume' bp vol-create-as p v 4M
mkfifo "$T/fifo"
"$T/bin/barepool" -q vol-upload v "$T/fifo" p &
holder=$!
exec 9>"$T/fifo"
printf begun >&9
until_true grep -q begun "$T/p/v"
bare() { # without /proc and /sys
	unshare -m sh -c 'mount -t tmpfs none /proc && mount -t tmpfs none /sys && exec "$@"' \
		bare "$T/bin/barepool" -q "$@"
}
fails 'without /proc' bare vol-delete v p
has 'nobody is named' "$T/out" 'in use by a process that cannot be named without /proc'
exec 9>&-
wait $holder
holder=''
bare vol-delete v p >"$T/out" 2>&1	# a sanitizer complains that there is no /proc
[ ! -e "$T/p/v" ]
is 'then as always' $? 0

# ---- directories -----------------------------------------------------------------

works 'a directory' bp vol-create-as p d 0 --format dir
mkdir "$T/p/d/in"
works 'something in it' mount -t tmpfs none "$T/p/d/in"
says 'a mount in a directory' bp -q vol-delete d p <<END
error: Failed to delete vol d
error: Requested operation is not valid: volume 'd' has something mounted on '\$T/p/d/in'
hint: stop that first; with --force it is done all the same
[1]
END
umount "$T/p/d/in"
rmdir "$T/p/d/in"
works 'then as always' bp vol-delete d p

# ---- block devices ----------------------------------------------------------------

truncate -s 8M "$T/disk"
loop_on "$T/disk"
device=$loop
node() { cp -R "$device" "$T/p/b"; }
works 'a device in the pool' node
works 'a file system on it' mkfs.ext4 -q "$device"
works 'mounted' mount -o ro "$device" "$T/m"
refused 'a mounted device' b "is mounted on '$T/m'"
umount "$T/m"

mkfifo "$T/ready" "$T/end"
unshare -m sh -c "mount -o ro '$device' '$T/m' && echo >'$T/ready' && read -r x <'$T/end'" &
holder=$!
read -r _ <"$T/ready"
refused 'mounted where nobody here sees it' b \
	'is held by the kernel or a program that has it for itself'
echo >"$T/end"
wait $holder
holder=''

loop_on "$T/p/b"
refused 'a loop device on a device' b "is attached to $loop"
loop_off

if echo "0 8192 linear $device 0" | dmsetup create --noudevsync "in-use-$$" 2>"$T/out"; then
	mapped=in-use-$$
	refused 'a mapped device' b "is part of the device dm-"
	has 'by its name' "$T/out" "($mapped)"
	dmsetup remove --noudevsync "$mapped"
	mapped=''
else
	show
	skip 'a mapped device' 'no device-mapper here'
fi
works 'then as always' bp vol-wipe b p
works 'only the node goes' bp vol-delete b p
[ -b "$device" ]
is 'the device stays' $? 0
done_testing

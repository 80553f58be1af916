#!/bin/sh
# rescue.sh - an initramfs of a kernel, busybox and barepool: no udev, no LVM, no mount, no mkfs.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: image=rescue build=static/barepool library=libfdisk.so.1 memory=512
# lab: disk=virtio:64M:512:ext4 disk=nvme:320M:512:xfs disk=usb:64M:512:vfat disk=scsi:96M
# lab: disk=scsi:128M:4096 disk=virtio:64M:4096:vfat
. tests/lab.sh

busybox_alone() {
	for dir in /bin /sbin /usr/local/bin /usr/local/sbin; do
		[ ! -d "$dir" ] || find -L "$dir" -type f
	done | while read -r program; do
		case $(readlink -f "$program") in
		*/busybox|/barepool/build/barepool) ;;
		*)	echo "$program" ;;
		esac
	done
}
is 'there is nothing but busybox' "$(busybox_alone)" ''
is 'and no udev' "$(ls -d /run/udev /dev/disk 2>/dev/null)" ''

# use KIND: which barepool is meant from here on; a pool that is started is seen by both.
use() {
	with=$1
	ln -sf "$PWD/$2" "$T/bin/barepool"
}
# Of a file system of ext: busybox here has no blkid.
uuid_of() {
	dd if="$1" bs=1 skip=1128 count=16 2>/dev/null | od -An -v -t x1 | tr -d ' \n' |
		sed 's/\(.\{8\}\)\(....\)\(....\)\(....\)/\1-\2-\3-\4-/'
}
can() { bp pool-capabilities --table | grep -q "^ $1  *yes"; }

# volumes POOL: made, filled, copied, listed, deleted.
volumes() {
	works "$with, $1: a volume" bp vol-create-as "$1" v 1M
	works 'filled' bp vol-upload v "$T/bytes" "$1"
	works 'copied' bp vol-clone v w "$1"
	works 'read' bp vol-download w "$T/read" "$1"
	works 'has the bytes' cmp -n 300000 "$T/bytes" "$T/read"
	works 'an image' bp vol-create-as "$1" q 1G --format qcow2
	is 'three' "$(bp -q vol-list "$1" | grep -cE ' [vwq] ')" 3
	for v in v w q; do works "$v is deleted" bp vol-delete $v "$1"; done
}
fs_pool() { # DISK FORMAT SOURCE
	works "$with: $2, by ${3%%=*}" bp pool-define-as "$2" fs --source-dev "$3" \
		--source-format auto --target "$T/mnt"
	works 'starts' bp pool-start "$2"
	is 'and is mounted' "$(awk -v at="$T/mnt" '$2 == at { print $3 }' /proc/mounts)" "$2"
	volumes "$2"
	works 'stops' bp pool-destroy "$2"
	is 'and is not mounted' "$(awk -v at="$T/mnt" '$2 == at' /proc/mounts)" ''
	works 'is forgotten' bp pool-undefine "$2"
}
# busybox reads the table; the kernel's view is in /sys.
parts() { find "/sys/class/block/${1##*/}/" -mindepth 1 -maxdepth 1 -name "${1##*/}*" | grep -c .; }
disk_pool() { # DISK FORMAT
	dev=$(disk "$1")
	works "$with: disk, $2" bp pool-define-as d disk --source-dev "$dev" --source-format "$2" \
		--target /dev
	works 'is built' bp pool-build d --overwrite
	works 'starts' bp pool-start d
	works 'a partition' bp vol-create-as d "${dev##*/}1" 8M
	works 'and one more' bp vol-create-as d "${dev##*/}2" 16M
	is 'the kernel knows them' "$(parts "$dev")" 2
	works 'and so do we' test -b "${dev}2"
	is 'listed' "$(bp -q vol-list d | grep -c "$dev")" 2
	works 'filled' bp vol-upload "${dev##*/}2" "$T/bytes" d
	works 'the bytes are there' cmp -n 300000 "$T/bytes" "${dev}2"
	works 'deleted' bp vol-delete "${dev##*/}2" d
	is 'the kernel knows that' "$(parts "$dev")" 1
	works 'stops' bp pool-destroy d
	works 'starts again' bp pool-start d
	is 'the other is there' "$(bp -q vol-list d | grep -c "$dev")" 1
	works 'stops' bp pool-destroy d
	works 'is forgotten' bp pool-undefine d
}

dd if=/dev/urandom of="$T/bytes" bs=1000 count=300 2>/dev/null
for which in static:build/static/barepool shared:build/barepool; do
	if [ ! -x "${which#*:}" ]; then
		skip "${which%%:*}" 'not built: make static'
		continue
	fi
	use "${which%%:*}" "${which#*:}"
	works "$with: it runs" bp --version
	works 'a directory' bp pool-define-as dir dir --target "$T/dir"
	works 'built' bp pool-build dir
	works 'started' bp pool-start dir
	volumes dir
	works 'stops' bp pool-destroy dir
	works 'is forgotten' bp pool-undefine dir
	if can fs; then
		fs_pool 1 ext4 "$(disk 1)"
		fs_pool 1 ext4 "UUID=$(uuid_of "$(disk 1)")"
		fs_pool 2 xfs "$(disk 2)"
		fs_pool 3 vfat "$(disk 3)"
		bp pool-define-as s fs --source-dev "$(disk 6)" --source-format auto \
			--target "$T/mnt" >"$T/out"
		fails 'sectors that are too small for the disk' bp pool-start s
		has "are refused in the kernel's words" "$T/out" \
			"cannot mount '$(disk 6)' on '$T/mnt': Input/output error"
		works 'is forgotten' bp pool-undefine s
		bp pool-define-as b fs --source-dev "$(disk 4)" --source-format ext4 \
			--target "$T/mnt" >"$T/out"
		fails 'nothing to make a file system with' bp pool-build b --overwrite
		has 'is said' "$T/out" mkfs.ext4
		works 'is forgotten' bp pool-undefine b
	else
		skip "$with: fs" 'not in this build'
	fi
	if can disk; then
		disk_pool 4 gpt
		disk_pool 5 dos
	else
		skip "$with: disk" 'not in this build'
	fi
done
done_testing

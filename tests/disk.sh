# disk.sh - for tests of disk pools: loop devices of their own, and what they leave.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC1091 # tests are run from the top
#
# Include it first; the test begins again in a mount namespace of its own.
no() { echo "1..0 # SKIP $1"; exit 0; }

if [ "${ALONE-}" != yes ]; then
	[ "$(id -u)" -eq 0 ] || no 'needs root'
	[ -e /dev/loop-control ] || no 'needs loop devices'
	for tool in unshare losetup sfdisk sgdisk blkid partx wipefs mkfs.ext4; do
		command -v $tool >/dev/null || no "needs $tool"
	done
	ALONE=yes exec unshare --mount --propagation private sh "$0" "$@"
fi
. tests/lib.sh
bp pool-capabilities --table | grep -q '^ disk  *yes' ||
	no 'pools of type disk are not in this build (they need libfdisk and libblkid)'

devices=
let_go() { # DEVICE
	partx --delete "$1" 2>/dev/null
	case $1 in /dev/loop*) losetup --detach "$1" ;; esac
}
away() {
	for d in $devices; do let_go "$d"; done
	rm -rf "$T"
}
trap away EXIT

# device FILE SIZE [OPTIONS OF LOSETUP]: sets $dev and $disk.  $DISK is the first one's
# device, if it is set: it is as large as that, and its partitions have a "p" in their names.
device() {
	truncate -s "$2" "$T/$1"
	file=$1
	shift 2
	if [ "${DISK-}" ]; then
		dev=$DISK DISK=
	else
		dev=$(losetup "$@" --find --show "$T/$file") || no 'no loop device is free'
	fi
	devices="$devices $dev"
	disk=${dev#/dev/}
}

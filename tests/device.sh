# device.sh - block devices for a test: real disks where there are some, else loop devices.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC1091 # tests are run from the top
#
#	. tests/lib.sh
#	. tests/device.sh
#	device one 64M			# sets $dev
#	grow_device one 64		# larger by so many MiB
#
# $DISKS are those that may be taken, in this order (see tests/lab.sh); their number
# and size may be more than is asked for.  Loop devices are let go at the end of the
# test, and what is mounted of any.

devices='' loops=''
away() {
	for d in $devices; do umount "$d" 2>/dev/null; done
	for d in $loops; do losetup -d "$d"; done
	rm -rf "$T"
}
trap away EXIT

device() { # NAME SIZE
	dev=${DISKS%% *}
	case $DISKS in *' '*) DISKS=${DISKS#* } ;; *) DISKS= ;; esac
	if [ -z "$dev" ]; then
		truncate -s "$2" "$T/$1"
		dev=$(losetup --find --show "$T/$1") || {
			echo '1..0 # SKIP no loop device is free'
			exit 0
		}
		loops="$loops $dev"
	fi
	devices="$devices $dev"
	eval "device_$1=\$dev"
}
DISKS=${DISKS-}

# Status 77: this kind of disk cannot.
grow_device() { # NAME MB
	eval "dev=\$device_$1"
	case $dev in
	/dev/loop*)
		truncate -s "+$2M" "$T/$1"
		losetup -c "$dev"
		return ;;
	esac
	. tests/lab/disks
	for link in /dev/lab/*; do
		[ "$(readlink -f "$link")" != "$dev" ] ||
			grow "${link##*/}" $(($(sectors_of "$dev") / 2048 + $2))M || return
	done
}

#!/bin/sh
# image_full.sh - images that are changed on a disk that is really full: old content or new.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
no() { echo "1..0 # SKIP $1"; exit 0; }

# What is mounted here is seen nowhere else, and ends with the test.
if [ "${ALONE-}" != yes ]; then
	[ "$(id -u)" -eq 0 ] || no 'needs root'
	for tool in unshare mkfs.ext4 mkfs.xfs qemu-img qemu-io fallocate; do
		command -v $tool >/dev/null || no "needs $tool"
	done
	ALONE=yes exec unshare --mount --propagation private sh "$0"
fi
. tests/lib.sh
D=$T/disk
mkdir "$D" "$T/world"
away() {
	umount "$D" 2>/dev/null
	rm -rf "$T"
}
trap away EXIT

{
	cd "$T/world" || exit 1
	qemu-img create -q -f qcow2 -o cluster_size=4k base 8M
	qemu-io -c 'write -P 1 0 3M' base
	qemu-img create -q -f qcow2 -o cluster_size=4k -b base -F qcow2 top 8M
	qemu-io -c 'write -P 2 2M 4M' -c 'write -z 6M 1M' top
	qemu-img create -q -f qcow2 -o cluster_size=4k -b base -F qcow2 zeros 8M
	qemu-io -c 'write -P 3 0 1M' -c 'write -z 1M 5M' zeros
	qemu-img create -q -f qcow2 -o cluster_size=4k wide 1T
	qemu-io -c 'write -P 4 0 1M' -c 'write -P 4 900G 64k' wide
	qemu-img snapshot -c one wide
	qemu-io -c 'write -P 5 512k 1M' wide
	head -c 3M /dev/urandom >raw
	cd - || exit 1
} >"$T/out" 2>&1

guest() { # FILE: what is asked of it, as one number
	case $1 in
	wide)	qemu-io -U -f qcow2 -r -c 'read -vq 0 2M' -c 'read -vq 900G 64k' "$D/wide" 2>&1 |
			cksum
		qemu-img snapshot -l "$D/wide" | wc -l ;;
	raw)	cksum <"$D/raw" ;;
	*)	qemu-img convert -U -f qcow2 -O raw "$D/$1" "$T/raw.now" && cksum <"$T/raw.now" ;;
	esac
	[ "$1" = raw ] || qemu-img info -U --output=json "$D/$1" | grep '"virtual-size"'
}
sound() {
	for f in base top zeros wide; do
		qemu-img check -q "$D/$f" >"$T/check" 2>&1
		case $? in
		0|3) ;;
		*) echo "$f: $(cat "$T/check")" ;;
		esac
	done
}
fresh() {
	rm -rf "${D:?}"/*
	cp "$T/world"/* "$D"
	# XFS gives back later what it holds for files that grew, or are gone, and counts it now.
	mount -o remount,ro "$D" && mount -o remount,rw "$D"
}
fill() { # LEFT: KiB that remain
	left=$(($(stat -f -c '%f * (%S / 1024)' "$D") - $1))
	[ "$left" -le 0 ] || fallocate -l "${left}K" "$D/filler" 2>/dev/null
	[ "$1" -gt 0 ] || dd if=/dev/zero of="$D/filler2" bs=512 2>/dev/null
}

# full FILE LEFT COMMAND...: there is not enough room for it; with room it works.
full() {
	file=$1 left=$2
	shift 2
	fresh
	fill "$left"
	names=$(ls -A "$D") was=$(guest "$file")
	fails "$fs: $*" bp "$@"
	has '... for want of room' "$T/out" 'No space left on device'
	has '... which is told of the file' "$T/out" "$D/"
	is '... what it shows is as before' "$(guest "$file")" "$was"
	is '... and all images are images' "$(sound)" ''
	is '... nothing is left' "$(ls -A "$D")" "$names"
	rm -f "$D"/filler*
	works '... with room, the same works' bp "$@"
	is '... and all is sound' "$(sound)" ''
}

all() {
	full top 1024 image commit -q -f qcow2 "$D/top"
	full top 512 image rebase -q -f qcow2 -b '' "$D/top"
	full zeros 512 image amend -q -f qcow2 -o compat=0.10 "$D/zeros"
	full wide 0 image snapshot -c two "$D/wide"
	full wide 0 image bitmap --add "$D/wide" one
	full wide 0 image resize -q -f qcow2 "$D/wide" 4T
	full wide 512 image resize -q -f qcow2 --preallocation=metadata "$D/wide" 1025G
	full zeros 512 image resize -q -f qcow2 --preallocation=full "$D/zeros" 12M
	full zeros 512 image resize -q -f qcow2 --preallocation=falloc "$D/zeros" 12M
	full raw 512 image resize -q -f raw --preallocation=full "$D/raw" 6M
	full raw 1024 image convert -q --no-reflink -f raw -O qcow2 "$D/raw" "$D/new"
	full base 1024 image convert -q --no-reflink -f raw -O qcow2 "$D/raw" "$D/base"
	full raw 1024 image convert -q -c -f raw -O qcow2 "$D/raw" "$D/new"
	full raw 512 image create -q -f qcow2 -o cluster_size=4k,preallocation=metadata "$D/new" 1G
	for how in falloc full; do
		full raw 512 image create -q -f qcow2 -o preallocation=$how "$D/new" 3M
	done
	full raw 512 vol-create-as full new 3M
	full raw 512 vol-create-as full new 3M --format qcow2 --allocation 3M --prealloc-metadata
	full raw 512 vol-create-from full "$T/new.xml" raw --inputpool world
	full raw 512 vol-create-from full "$T/new.xml" base --inputpool world
	full wide 0 vol-snapshot-create wide two full
}

bp pool-create-as full dir --target "$D" >"$T/out"
bp pool-create-as world dir --target "$T/world" >"$T/out"
echo '<volume><name>new</name><target><format type="qcow2"/></target></volume>' >"$T/new.xml"
on() { # FILE-SYSTEM SIZE MKFS-OPTION...: of a device
	fs=$1
	rm -f "$T/image"
	truncate -s "$2" "$T/image"
	shift 2
	if ! "mkfs.$fs" -q "$@" "$T/image" 2>"$T/out" ||
		! mount -o loop "$T/image" "$D" 2>>"$T/out"; then
		skip "on $fs" "cannot be mounted: $(tail -n 1 "$T/out")"
		return
	fi
	all
	fresh
	fill 512
	[ "$fs" != xfs ] || works 'no room is needed for what is shared' \
		bp image convert -q -f raw -O qcow2 "$D/raw" "$D/new"
	umount "$D"
}
on ext4 48M -m 0
on xfs 300M
fs=tmpfs
mount -t tmpfs -o size=40M none "$D"
all
done_testing

#!/bin/sh
# full.sh - a disk that is really full, and directories that have gone.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
no() { echo "1..0 # SKIP $1"; exit 0; }

# What is mounted here is seen nowhere else, and ends with the test.
if [ "${ALONE-}" != yes ]; then
	[ "$(id -u)" -eq 0 ] || no 'needs root'
	for tool in unshare mkfs.ext4; do
		command -v $tool >/dev/null || no "needs $tool"
	done
	ALONE=yes exec unshare --mount --propagation private sh "$0"
fi
. tests/lib.sh

mkdir "$T/disk" "$T/p"
truncate -s 16M "$T/image"
mkfs.ext4 -q "$T/image"
mount -o loop "$T/image" "$T/disk" 2>/dev/null || no 'no loop device can be had'
away() {
	umount "$T/disk" "$T/few" 2>/dev/null
	rm -rf "$T"
}
trap away EXIT

bp pool-create-as small dir --target "$T/disk" >"$T/out"
bp pool-create-as large dir --target "$T/p" >"$T/out"
head -c 8388608 /dev/urandom >"$T/bytes"
bp vol-create-as large data 64M --allocation 0 >"$T/out"
dd if=/dev/urandom of="$T/p/data" bs=1M count=20 conv=notrunc status=none
works 'a volume that fits' bp vol-create-as small a 4M
works 'with bytes' bp vol-upload a "$T/bytes" small --length 4194304
works 'and an image' bp vol-create-as small q 1G --format qcow2
sum=$(cksum <"$T/disk/a")
images=$(cksum <"$T/disk/q")
free() { stat -f -c %f "$T/disk"; }

# full NAME COMMAND...: no room is the reason, and all is as before.
full() {
	name=$1
	shift
	before=$(free) names=$(ls -A "$T/disk")
	fails "$name" bp "$@"
	has '... for want of room' "$T/out" 'No space left on device'
	is '... with nothing left behind' "$(ls -A "$T/disk")" "$names"
	is '... nor any space taken' "$(free)" "$before"
	is '... or any byte changed' "$(cksum <"$T/disk/a") $(cksum <"$T/disk/q")" "$sum $images"
}
full 'a volume with its space' vol-create-as small b 64M
full 'an image with its space' vol-create-as small b 64M --format qcow2 --prealloc-metadata \
	--allocation 64M
echo '<volume><name>b</name><capacity>0</capacity><allocation>0</allocation></volume>' >"$T/b.xml"
full 'a copy from elsewhere' vol-create-from small "$T/b.xml" data --inputpool large
full 'a copy that is checked' vol-create-from small "$T/b.xml" data --inputpool large --verify

works 'a volume without its space' bp vol-create-as small s 64M --allocation 0
fails 'is not filled' bp vol-upload s "$T/p/data" small
has 'for want of room' "$T/out" 'No space left on device'
is 'it has the size it had' "$(stat -c %s "$T/disk/s")" 67108864
works 'and can go' bp vol-delete s small
fails 'none is given space' bp vol-resize a 64M small --allocate
has 'which the pool has not' "$T/out" 'Not enough space left in storage pool'
is 'it has the size it had' "$(stat -c %s "$T/disk/a")" 4194304
works 'the image can be used' bp vol-resize q 2G small
if command -v qemu-img >/dev/null; then
	works 'says qemu-img' qemu-img check -q "$T/disk/q"
else
	skip 'says qemu-img' 'needs qemu-img'
fi

# A store on the full disk.
export BAREPOOL_CONFIG_DIR="$T/disk/config"
works 'a definition' bp pool-define-as kept dir --target "$T/kept"
definition=$(cksum <"$T/disk/config/kept.xml")
dd if=/dev/zero of="$T/disk/fill" bs=64K status=none 2>/dev/null
dd if=/dev/zero of="$T/disk/fill2" bs=512 status=none 2>/dev/null
bp pool-dumpxml kept | sed 's|/kept</path>|/other</path>|' >"$T/other.xml"
fails 'no room for a change' bp pool-define "$T/other.xml"
has 'is told' "$T/out" 'No space left on device'
is 'the old definition is whole' "$(cksum <"$T/disk/config/kept.xml")" "$definition"
fails 'no room for another' bp pool-define-as more dir --target "$T/more"
is 'no half of it is there' "$(find "$T/disk/config" -name 'more*' | tr '\n' ' ')" ''
rm "$T/disk/fill" "$T/disk/fill2"
works 'with room' bp pool-define "$T/other.xml"
export BAREPOOL_CONFIG_DIR="$T/config"

# A store whose disk has neither a byte nor a file to give: below the definitions, then below
# what runs.  A command that needs no room works.
mkdir "$T/few" "$T/idle" "$T/act"
few() {
	rm -f "$T/few.img"
	truncate -s 4M "$T/few.img"
	mkfs.ext4 -q -N 64 "$T/few.img"
	mount -o loop "$T/few.img" "$T/few"
	bp pool-define-as idle dir --target "$T/idle"
	bp pool-define-as act dir --target "$T/act"
	bp pool-autostart act
	bp pool-start act
	bp pool-dumpxml idle | sed 's|/idle</path>|/other</path>|' >"$T/other.xml"
	: >"$T/few/bytes"
	i=0
	mkdir "$T/few/files"
	while mknod "$T/few/files/$i" p; do i=$((i + 1)); done
	dd if=/dev/zero of="$T/few/bytes" bs=64K
	sync -f "$T/few"
	dd if=/dev/zero of="$T/few/bytes" bs=512 oflag=append conv=notrunc
} >"$T/out" 2>&1
store() {
	find "$BAREPOOL_CONFIG_DIR" "$BAREPOOL_RUN_DIR" "$T/act" ! -type d | sort
	find "$BAREPOOL_CONFIG_DIR" "$BAREPOOL_RUN_DIR" "$T/act" -type f -exec cksum {} + | sort
	bp pool-list --all
}
same() {
	name=$1
	shift
	before=$(store)
	fails "$name" bp "$@"
	has '... for want of room' "$T/out" 'No space left on device'
	is '... with all as it was' "$(store)" "$before"
}

export BAREPOOL_CONFIG_DIR="$T/few/config" BAREPOOL_RUN_DIR="$T/run2"
few
is 'no file can be made' "$(stat -f -c %d "$T/few")" 0
same 'nothing is defined' pool-define-as more dir --target "$T/more"
same 'nothing is changed' pool-define "$T/other.xml"
same 'nothing is marked' pool-autostart idle
works 'a pool is started' bp pool-start idle
works 'with a volume' bp vol-create-as idle v 64K
works 'which can go' bp vol-delete v idle
works 'and is stopped' bp pool-destroy idle
works 'a mark can go' bp pool-autostart act --disable
works 'a definition can go' bp pool-undefine idle
umount "$T/few"

export BAREPOOL_CONFIG_DIR="$T/config2" BAREPOOL_RUN_DIR="$T/few/run"
few
is 'no file can be made' "$(stat -f -c %d "$T/few")" 0
same 'nothing is started' pool-start idle
same 'nothing is made' pool-create-as more dir --target "$T/more"
same 'nothing new is defined' pool-define-as more dir --target "$T/more"
works 'a definition is changed' bp pool-define "$T/other.xml"
works 'a pool is marked' bp pool-autostart idle
works 'a volume is made' bp vol-create-as act v 64K
works 'and can go' bp vol-delete v act
works 'a pool is stopped' bp pool-destroy act
umount "$T/few"
export BAREPOOL_CONFIG_DIR="$T/config" BAREPOOL_RUN_DIR="$T/run"

mv "$T/p" "$T/elsewhere"
fails 'a directory that has gone' bp vol-list large
has 'is no active pool' "$T/out" "storage pool 'large' is not active"
fails 'nothing is made there' bp vol-create-as large v 1M
works 'nor a directory' [ ! -e "$T/p" ]
mv "$T/elsewhere" "$T/p"
is 'it is back' "$(bp -q vol-list large | grep -c data)" 1
umount "$T/disk"
fails 'an empty mount point' bp vol-info a small
has 'has no volumes' "$T/out" 'no storage vol'
done_testing

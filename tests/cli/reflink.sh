#!/bin/sh
# reflink.sh - on file systems whose files can share blocks, a clone does.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
#
# File systems in files, mounted where only this test sees them: mounts and loop
# devices end with it, whatever ends it.
if [ "${1-}" != --inside ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo '1..0 # SKIP needs root, to mount'
		exit 0
	fi
	if ! unshare --mount true 2>/dev/null; then
		echo '1..0 # SKIP needs the right to make namespaces'
		exit 0
	fi
	exec unshare --mount --propagation private sh "$0" --inside
fi
. tests/lib.sh

used() { df -k --output=used "$T/$1" | tail -n 1; }

# An image is made of another's blocks, and the other way round.
images() { # btrfs|xfs
	cp --reflink=always "$T/$1/v" "$T/$1/odd"
	printf 'an end within a block' >>"$T/$1/odd"
	truncate -s +8M "$T/$1/odd"
	sync -f "$T/$1"
	before=$(used "$1")
	works 'an image of it' bp image convert -f raw -O qcow2 "$T/$1/odd" "$T/$1/i.qcow2"
	works 'and back' bp image convert -f qcow2 -O raw "$T/$1/i.qcow2" "$T/$1/i.raw"
	sync -f "$T/$1"
	[ $(($(used "$1") - before)) -lt 8192 ]
	is 'take next to no space' $? 0
	works 'by two threads the same' bp image convert --threads 2 -f raw -O qcow2 --verify \
		"$T/$1/odd" "$T/$1/i2.qcow2"
	works 'bytes' cmp "$T/$1/i.qcow2" "$T/$1/i2.qcow2"
	works 'which read as it did' cmp -n 67108885 "$T/$1/odd" "$T/$1/i.raw"
	if command -v qemu-img >/dev/null; then
		works 'qemu-img finds nothing wrong' qemu-img check -q "$T/$1/i.qcow2"
		works 'nor another byte' qemu-img compare -q -f raw -F qcow2 \
			"$T/$1/odd" "$T/$1/i.qcow2"
	else
		skip 'qemu-img finds nothing wrong' 'needs qemu-img'
	fi
	before=$(used "$1")
	works 'unless that is not wanted' bp image convert --no-reflink -O qcow2 -f raw \
		"$T/$1/odd" "$T/$1/i3.qcow2"
	sync -f "$T/$1"
	[ $(($(used "$1") - before)) -gt 60000 ]
	is 'which takes as much again' $? 0
	before=$(used "$1")
	works 'a volume that is an image' bp vol-clone i.qcow2 i4.qcow2 "$1"
	sync -f "$T/$1"
	[ $(($(used "$1") - before)) -lt 8192 ]
	is 'is cloned by sharing' $? 0
	works 'as it is' cmp "$T/$1/i.qcow2" "$T/$1/i4.qcow2"
	rm "$T/$1/i4.qcow2"
	rm "$T/$1/odd" "$T/$1/i.raw" "$T/$1/i.qcow2" "$T/$1/i2.qcow2" "$T/$1/i3.qcow2"
	sync -f "$T/$1"
}

reflinks() { # btrfs|xfs
	fs=$1
	if ! command -v "mkfs.$fs" >/dev/null; then
		skip "on $fs" "needs mkfs.$fs"
		return
	fi
	truncate -s 512M "$T/$fs.disk"
	mkdir "$T/$fs"
	if ! "mkfs.$fs" -q "$T/$fs.disk" >"$T/out" 2>&1 ||
		! mount -o loop "$T/$fs.disk" "$T/$fs" >"$T/out" 2>&1; then
		skip "on $fs" "cannot be mounted: $(tail -n 1 "$T/out")"
		return
	fi
	works "$fs: a pool" bp pool-create-as "$fs" dir --target "$T/$fs"
	works 'a full volume' bp vol-create-as "$fs" v 64M
	head -c 64M /dev/urandom >"$T/$fs/v"
	sync -f "$T/$fs"
	before=$(used "$fs")
	works 'a clone' bp vol-clone v c "$fs" --verify
	works 'made by the command that insists' bp vol-clone v d "$fs" --reflink
	echo "<volume><name>e</name><capacity>67108864</capacity></volume>" >"$T/e.xml"
	works 'one from a definition' bp vol-create-from "$fs" "$T/e.xml" v --inputpool "$fs"
	sync -f "$T/$fs"
	[ $(($(used "$fs") - before)) -lt 8192 ]
	is 'three clones take next to no space' $? 0
	for f in c d e; do works "$f is equal" cmp "$T/$fs/v" "$T/$fs/$f"; done
	if command -v filefrag >/dev/null; then
		filefrag -v "$T/$fs/c" >"$T/out"
		has 'its blocks are shared' "$T/out" shared
	else
		skip 'its blocks are shared' 'needs filefrag'
	fi
	dd if=/dev/zero of="$T/$fs/c" bs=64K count=1 conv=notrunc status=none
	fails 'what is written into a clone' cmp -s "$T/$fs/v" "$T/$fs/c"
	works 'is not in the original' cmp "$T/$fs/v" "$T/$fs/d"
	images "$fs"
	# Nothing is needed for what is shared, so nothing is asked for.
	works 'a volume that leaves no room for another' bp vol-create-as "$fs" most 200M
	head -c 200M /dev/urandom >"$T/$fs/most"
	sync -f "$T/$fs"
	works 'can be cloned all the same' bp vol-clone most most2 "$fs"
	works 'a larger one' bp vol-create-from "$fs" "$T/large.xml" v --inputpool "$fs"
	is 'is larger' "$(stat -c %s "$T/$fs/large")" 100663296
	cmp -n 67108864 "$T/$fs/v" "$T/$fs/large"
	is 'and begins alike' $? 0
	# The other pool is another file system: bytes have to be copied.
	works 'into another file system' bp vol-create-from other "$T/e.xml" v --inputpool "$fs"
	works 'is a copy' cmp "$T/$fs/v" "$T/other/e"
	works 'which makes room' bp vol-delete e other
	fails 'and refused where blocks are to be shared' bp vol-create-from other "$T/e.xml" v \
		--inputpool "$fs" --reflink
	is 'with nothing left' "$(ls -A "$T/other")" ''
	umount "$T/$fs"
}

mkdir "$T/other"
mount -t tmpfs none "$T/other"
works 'a pool elsewhere' bp pool-create-as other dir --target "$T/other"
cat >"$T/large.xml" <<END
<volume><name>large</name><capacity>100663296</capacity><allocation>0</allocation></volume>
END
reflinks btrfs
reflinks xfs
umount "$T/other"
done_testing

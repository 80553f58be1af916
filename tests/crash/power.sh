#!/bin/sh
# power.sh - the power goes while a command works, at every flush of the disk: old state or new;
# and what a command has said is done is there afterwards.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
no() { echo "1..0 # SKIP $1"; exit 0; }

# What is mounted here is seen nowhere else, and ends with the test.
if [ "${ALONE-}" != yes ]; then
	[ "$(id -u)" -eq 0 ] || no 'needs root'
	for tool in unshare qemu-img qemu-io; do
		command -v $tool >/dev/null || no "needs $tool"
	done
	[ -c /dev/fuse ] || no 'needs /dev/fuse'
	ALONE=yes exec unshare --mount --propagation private sh "$0"
fi
. tests/crash.sh
P=$B/tests/tools/powercut
away() {
	umount -q "$W"
	umount -q "$T/fuse"
	umount -l "$T"
	rm -rf "$T"
}
trap away EXIT
mount -t tmpfs -o size=1G none "$T" || no 'cannot mount'
mkdir "$T/bin" "$T/me" "$T/fuse"
ln -s "$BAREPOOL" "$T/bin/barepool"
truncate -s 4096 "$T/disk"
"$P" serve "$T/disk" "$T/log" "$T/fuse" 2>/dev/null || no 'FUSE cannot be mounted'
umount "$T/fuse"
export BAREPOOL_RUN_DIR="$T/run"

# The run directory is in memory, and what was active is not when the power is back.
boot() {
	rm -rf "$BAREPOOL_RUN_DIR"
	bp -q pool-start p
}

# As state in crash.sh, quickly, after a boot.  With an argument the bytes, too.
look() {
	boot >"$T/boot" 2>&1
	bp 'pool-list --all; pool-dumpxml --inactive p; pool-dumpxml --inactive i;
		pool-dumpxml --inactive u; pool-dumpxml --inactive x; vol-list p;
		vol-dumpxml a p; vol-dumpxml q p; vol-dumpxml n p' 2>&1 |
		grep -v 'uuid\|allocation\|available\|time>\|key>\|physical'
	(cd "$W" && find config p i u u2 ! -name '.barepool-*.part' \
		-printf '%p %y %m %u %g %l\n' 2>/dev/null | sort
	[ -z "$1" ] || cksum p/* 2>/dev/null)
}

# judge: is what the power cut has left good?  If not, why, on standard output.
judge() {
	look "$all" >"$T/now"
	cmp -s "$T/now" "$T/after" ||
		if [ "$flush" = "$last" ]; then
			echo 'success was told, and did not last'
			diff "$T/after" "$T/now"
			return 1
		elif ! cmp -s "$T/now" "$T/before"; then
			echo 'neither old nor new'
			diff "$T/before" "$T/now"
			return 1
		fi
	images && { [ "$place" = - ] || old_or_new "$place"; } || return
	if [ "$place" != - ] && [ "$flush" = "$last" ] && ! cmp "$T/bytes.now" "$T/new"; then
		echo 'success was told, and bytes did not last'
		return 1
	fi
	# what looks the same goes on in the same way
	strays >>"$T/now"
	sum=$(cksum <"$T/now")
	grep -qxF "$sum" "$T/seen" && return
	echo "$sum" >>"$T/seen"
	next_change
	strays >"$T/out"
	[ ! -s "$T/out" ] || { echo 'leaves something'; cat "$T/out"; return 1; }
	bp "$@" >"$T/again" 2>&1
	look "$all" >"$T/now"
	cmp -s "$T/now" "$T/after" && return
	echo repeated
	diff "$T/after" "$T/now"
	return 1
}

# The whole of a file system in a file.
image_of() { # TYPE
	case $1 in
	ext4)	truncate -s 32M "$T/disk" && mkfs.ext4 -q -E nodiscard "$T/disk" ;;
	xfs)	truncate -s 300M "$T/disk" && mkfs.xfs -q -K "$T/disk" ;;
	btrfs)	truncate -s 128M "$T/disk" && mkfs.btrfs -q -K "$T/disk" ;;
	esac
}

# power PLACE COMMAND...: PLACE is the volume that it changes in place, or "-".
power() {
	place=$1 all=bytes
	shift
	[ "$place" = - ] || all=
	cp --sparse=always "$T/base" "$T/disk"
	"$P" serve "$T/disk" "$T/log" "$T/fuse"
	mount -o loop "$T/fuse/disk" "$W"
	boot
	look "$all" >"$T/before"
	[ "$place" = - ] || keep "$place" "$T/old"
	sync -f "$W"
	cp --sparse=always "$T/disk" "$T/start"
	from=$(stat -c %s "$T/log")
	bp "$@" >"$T/out" 2>&1
	status=$?
	to=$(stat -c %s "$T/log")
	look "$all" >"$T/after"
	[ "$place" = - ] || keep "$place" "$T/new"
	umount "$W"
	until_true umount "$T/fuse"	# the loop device may be looked at by somebody
	[ $status -eq 0 ] || { show; nok "$fs: $*: works"; return; }
	"$P" points "$T/log" "$from" "$to" >"$T/points"
	last=$(tail -n 1 "$T/points")
	last=${last% *} k=0
	: >"$T/seen"
	while read -r flush part; do
		k=$((k + 1))
		cp --sparse=always "$T/start" "$T/now.disk"
		"$P" cut "$T/log" "$from" "$to" "$flush" "$part" "$T/now.disk"
		if mount -o loop "$T/now.disk" "$W"; then
			judge "$@" >"$T/why" 2>&1
			status=$?
			umount "$W"
			[ $status -eq 0 ] && continue
		else
			echo 'no file system any more' >"$T/why"
		fi
		show "$T/why"
		nok "$fs: $*: power lost at flush $flush of $last, of the rest $part"
		return
	done <"$T/points"
	ok "$fs: $*: $last flushes, $k power cuts"
}

make_world >"$T/out" 2>&1
fill_image
mkdir "$W"
for fs in ${FS:-ext4 xfs btrfs}; do
	command -v "mkfs.$fs" >/dev/null || { skip "$fs" "needs mkfs.$fs"; continue; }
	image_of "$fs" >"$T/out" 2>&1
	if ! mount -o loop "$T/disk" "$W" 2>/dev/null; then
		skip "$fs" 'no loop device can be had, or the kernel does not know it'
		continue
	fi
	cp -a "$T/world/." "$W"
	umount "$W"
	mv "$T/disk" "$T/base"
	power - pool-define-as x dir --target "$W/x"
	power - pool-define "$T/u2.xml"
	power - pool-undefine i
	power - pool-autostart u
	power - pool-autostart i --disable
	power - pool-build u
	power - pool-start i
	power - pool-destroy p
	power - pool-delete i
	power - vol-create-as p n 1M --allocation 0
	power - vol-create-as p n 1M
	power - vol-create-as p n 1M --format qcow2
	power - vol-create-as p n 0 --format dir --mode 0750
	power - vol-clone a n p
	power - vol-clone q n p
	power - vol-create-from p "$T/n.xml" a --inputpool p
	power - vol-resize a 2M p
	power - vol-resize q 8M p
	power - vol-resize q 2T p
	power a vol-upload a "$T/bytes" p --offset 4096
	power a vol-wipe a p
	power q vol-wipe q p
	power q vol-wipe q p --algorithm trim
	power - vol-delete a p
done
done_testing

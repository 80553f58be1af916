#!/bin/sh
# unflushed.sh - the power goes between two flushes of a disk: old or new, and what was said lasts.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
# lab: disk=virtio:48M disk=virtio:256M disk=virtio:48M disk=virtio:48M build=tests/tools/powercut
# lab: build=tests/tools/mixed
# lab: limit=600
#
# The kernel notes what is written to the first disk, and its flushes, on the second
# (dm-log-writes).  Commands are run, one after the other; then for each the third disk
# becomes what a power cut would have left of the first: at each flush, with nothing, one
# half or the other of what was written since.  LAB_EVERY=N takes every N-th of these,
# with more commands, and file systems; those go through crash/power without a lab, too.
. tests/lab.sh

loads dm-mod dm-log-writes
real=$(disk 1) log=$(disk 2) base=$(disk 3) now=$(disk 4)
C=$B/tests/tools/powercut
every=${LAB_EVERY:-1} seed=${LAB_SEED:-0}
export BAREPOOL_RUN_DIR=/run/barepool/store
size=$(blockdev --getsz "$real")
head -c 200000 /dev/urandom >"$T/bytes"

noted() {
	dmsetup create cut --table "0 $size log-writes $real $log" && dmsetup mknodes
}
mark() { dmsetup message cut 0 mark "$1"; }
marked() { awk -v m="$1" '$2 == m { print $1 }' "$T/marks"; }
# The store, for a device: no world has seen what another has done.
store() { # DEVICE
	rm -rf "$BAREPOOL_RUN_DIR" "$T/config"
	cp -a "$T/definitions" "$T/config" && sed -i "s|@DEVICE@|$1|" "$T"/config/*.xml
}

# ---- what there is, by kind of pool -----------------------------------------------------

# World: what is done to begin with.  Up: the pool is there for a look; down: it is gone.
# Look: what users see.  Judge: what others say.
logical_world() { bp pool-build p && bp pool-start p && bp vol-create-as p a 4M; }
logical_up() { rm -rf /run/lvm/hints /run/barepool/lvm; bp -q pool-start p; }
logical_bytes() { head -c 200000 "/dev/vg/$1"; }
logical_look() { bp -q vol-list p --details | awk 'NF { print $1, $4, $6, $8 }'; }
logical_judge() { ! vgs vg >/dev/null 2>&1 || vgck vg; }
logical_down() {
	dmsetup ls | awk '$1 ~ /^vg-/ { print $1 }' | xargs -r -n 1 dmsetup remove -f
	rm -rf /dev/vg
}
logical_work() {
	in_place a vol-upload a "$T/bytes" p
	change vol-create-as p n 4M
	change vol-resize a 8M p
	[ "$LAB_EVERY" ] || return 0
	change vol-delete n p
	change vol-create-as p n 8M --allocation 4M
	change vol-delete n p
	change vol-clone a n p
}

fs_world() { bp pool-build p --overwrite && bp pool-start p && bp vol-create-as p a 1M; }
fs_up() { bp -q pool-start p; }
fs_bytes() { [ ! -f "$T/mnt/$1" ] || cat "$T/mnt/$1"; }
fs_look() { bp -q vol-list p --details | awk 'NF { print $1, $4, $5 }'; }
fs_judge() { :; }
fs_down() { umount -q "$T/mnt"; e2fsck -fn "$1" >"$T/fsck" 2>&1 || { cat "$T/fsck"; return 1; }; }
fs_work() {
	in_place a vol-upload a "$T/bytes" p
	change vol-create-as p n 4M
	change vol-resize n 8M p
	change vol-create-as p q 8M --format qcow2
	change vol-clone a m p
	change vol-delete a p
}

# ---- the work -----------------------------------------------------------------------------

# LVM tells the disk nothing of the order in which it writes a group's description and
# where that is; of a disk that turns them round it expects too much, whoever calls it.
possible() {
	if [ "$kind" = logical ]; then grep -v ' second$'; else cat; fi
}

# What users see, and what volumes hold; the one that is changed in place is judged
# by itself: of its bytes each is old or new.
look() { # NUMBER
	place=$(cat "$T/place.$1")
	"${kind}_look" >"$T/now" 2>&1
	while read -r volume rest; do
		[ "$volume" = "$place" ] ||
			echo "$volume $rest $("${kind}_bytes" "$volume" | cksum)"
	done <"$T/now"
	[ "$place" = - ] || "${kind}_bytes" "$place" >"$T/bytes.now"
}
in_place() { # VOLUME COMMAND...
	place=$1
	shift
	change "$@"
	place=-
}
change() {
	changes=$((changes + 1))
	echo "$*" >"$T/change.$changes"
	echo "$place" >"$T/place.$changes"
	look "$changes" >"$T/before.$changes"
	[ "$place" = - ] || mv "$T/bytes.now" "$T/old.$changes"
	mark "$changes.from"
	bp -q "$@" >"$T/out" 2>&1 || { show; nok "$kind: $*: works"; }
	mark "$changes.to"
	look "$changes" >"$T/after.$changes"
	[ "$place" = - ] || mv "$T/bytes.now" "$T/new.$changes"
}

# One moment: is what is on the third disk now old or new?
moment() { # NUMBER
	if ! "${kind}_up" >"$T/out" 2>&1; then
		echo 'it does not start any more'
		cat "$T/out"
		return 1
	fi
	look "$1" >"$T/look"
	"${kind}_judge" || return
	if [ "$place" = - ]; then
		cmp -s "$T/look" "$T/after.$1" && return
	elif cmp -s "$T/bytes.now" "$T/new.$1"; then
		return 0
	elif [ "$flush" != "$last" ]; then
		"$B/tests/tools/mixed" "$T/old.$1" "$T/new.$1" "$T/bytes.now" || return
	fi
	[ "$flush" != "$last" ] || echo 'success was told, and did not last'
	[ "$flush" = "$last" ] || ! cmp -s "$T/look" "$T/before.$1" || return 0
	diff "$T/before.$1" "$T/look"
	return 1
}
cut_all() { # NUMBER
	what=$(cat "$T/change.$1") moments=0 failures=0
	from=$(marked "$1.from") to=$(marked "$1.to")
	"$C" points "$T/log" "$from" "$to" | possible >"$T/points"
	last=$(tail -n 1 "$T/points")
	last=${last% *}
	k=$seed
	while read -r flush part; do
		k=$((k + 1))
		[ $((k % every)) -eq 0 ] || [ "$flush" = "$last" ] || continue
		moments=$((moments + 1))
		dd if="$base" of="$now" bs=1M conv=notrunc status=none
		"$C" cut "$T/log" "$from" "$to" "$flush" "$part" "$now"
		store "$now"
		moment "$1" >"$T/why" 2>&1
		status=$?
		"${kind}_down" "$now" >>"$T/why" 2>&1 || status=1
		[ $status -ne 0 ] || continue
		show "$T/why"
		nok "$kind: $what: power lost at flush $flush of $last, of the rest $part"
		failures=$((failures + 1))
		[ $failures -lt 3 ] || break
	done <"$T/points"
	[ $failures -ne 0 ] || ok "$kind: $what: $last flushes, $moments power cuts"
	"$C" cut "$T/log" "$from" "$to" "$last" all "$base"
}

try() { # KIND
	kind=$1 changes=0 place=-
	dd if=/dev/zero of="$real" bs=1M status=none 2>/dev/null
	store "$real"
	noted
	store /dev/mapper/cut
	"${kind}_world" >"$T/out" 2>&1 || { show; nok "$kind: a world"; return; }
	sync /dev/mapper/cut
	dd if="$real" of="$base" bs=1M conv=notrunc status=none
	"${kind}_work"
	"${kind}_down" /dev/mapper/cut
	dmsetup remove cut
	dmsetup mknodes
	dd if=/dev/zero of="$real" bs=1M status=none 2>/dev/null
	"$C" import "$log" "$T/log" >"$T/marks"
	for c in $(seq "$changes"); do cut_all "$c"; done
}

mkdir "$T/definitions" "$T/mnt"
if command -v lvm >/dev/null; then
	# three of the disks hold the same
	sed -i "s,^devices {,& filter = [ \"r|^$real|\"\, \"r|^$log|\"\, \"r|^$base|\" ]," \
		/etc/lvm/lvm.conf
	cat >"$T/definitions/p.xml" <<-END
	<pool type='logical'><name>p</name><source><name>vg</name><device path='@DEVICE@'/></source>
	<target><path>/dev/vg</path></target></pool>
	END
	try logical
else
	skip logical 'needs lvm2'
fi
cat >"$T/definitions/p.xml" <<END
<pool type='fs'><name>p</name><source><device path='@DEVICE@'/><format type='ext4'/></source>
<target><path>$T/mnt</path></target></pool>
END
[ ! "$LAB_EVERY" ] || try fs
done_testing

#!/bin/sh
# logical_killed.sh - a command on a volume group that is killed leaves the old state or the new.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2013 # tests are run from the top
# lab: disk=scsi:48M disk=scsi:48M build=tests/tools/killat build=static/barepool
# lab: limit=900
#
# LVM's library is killed with the command it is in; its program may live on.  To be killed
# at every call takes an hour, so by itself it is a few calls of a few commands, and of three
# that once left something in the kernel some of what they tell that; LAB_EVERY=9 is every
# 9th of all commands, beginning with one that LAB_SEED decides, and LAB_ONLY="lib:
# vol-resize" some of that.
. tests/lab.sh

needs lvm 'needs lvm2'
loads dm-mod dm-snapshot
K=$B/tests/tools/killat
one=$(disk 1) two=$(disk 2)
every=${LAB_EVERY:-16} seed=${LAB_SEED:-3}
echo "# LAB_EVERY=$every LAB_SEED=$seed"
head -c 3000000 /dev/urandom >"$T/bytes"
cat >"$T/pool.xml" <<END
<pool type='logical'><name>p</name><uuid>1a0b2c3d-0001-4000-8000-000000000001</uuid>
<source><name>vg</name>
<device path='$one'/><device path='$two'/></source></pool>
END
cat >"$T/snap.xml" <<END
<volume><name>n</name><capacity>0</capacity><allocation unit='MiB'>4</allocation>
<backingStore><path>/dev/vg/a</path></backingStore></volume>
END
sed -e "s,^<pool,& xmlns:barepool='urn:barepool:pool:1'," -e 's,</pool>,<barepool:thin>\
<barepool:name>vg/tp</barepool:name><barepool:size unit="MiB">16</barepool:size>\
</barepool:thin>&,' "$T/pool.xml" >"$T/thin.xml"

# ---- the world, and what can be seen of it --------------------------------------------

# Of a disk, what LVM writes; volumes are small, and are at its beginning.
keep() { # NAME
	mkdir "$T/$1"
	dd if="$one" of="$T/$1/one" bs=64k conv=sparse status=none
	dd if="$two" of="$T/$1/two" bs=64k count=32 conv=sparse status=none
	cp -a "$T/config" "$T/run" "$T/$1"
	[ ! -d /run/barepool ] || cp -a /run/barepool "$T/$1"
	active >"$T/$1/active"
}
# Those that have a device of their own: a thin pool has, once it was made or killed in use.
active() {
	for lv in $(lvs --noheadings -o lv_name vg 2>/dev/null); do
		! dmsetup info "vg-$lv" >/dev/null 2>&1 || echo "$lv"
	done
}
fresh() { # NAME
	dmsetup remove_all --force
	rm -rf /dev/vg /run/lvm/hints /run/barepool "$T/config" "$T/run" /etc/lvm/backup/* \
		/etc/lvm/archive/*
	dd if="$T/$1/one" of="$one" bs=1M conv=notrunc status=none
	dd if="$T/$1/two" of="$two" bs=1M conv=notrunc status=none
	cp -a "$T/$1/config" "$T/$1/run" "$T"
	[ ! -d "$T/$1/barepool" ] || cp -a "$T/$1/barepool" /run
	# shellcheck disable=SC2046 # names
	[ ! -s "$T/$1/active" ] || lvchange -qq --yes -ay $(sed 's,^,vg/,' "$T/$1/active")
}

# What users see: names, kinds and sizes; and the bytes of what is in the new volume.
state() {
	bp -q "pool-list --all; vol-list p --details; ${snapshots:+vol-snapshot-list t p; }
		vol-dumpxml n p" >"$T/seen" 2>/dev/null
	# of a thin volume that is not active, LVM does not know what it holds
	sed 's/inactive$//' "$T/seen" | awk -v thin="$snapshots" '/^<volume/ { exit }
		NF { print $1, $4, $5, thin ? "" : $6 " " $7 }'
	if [ "$bytes" ]; then
		bp vol-download t "$T/back" p --length 3000000
		cksum <"$T/back"
	fi
	grep '<path>' "$T/seen" || return 0
	[ ! "$filled" ] || head -c 3000000 /dev/vg/n | cksum
}
# What LVM and the kernel see; of what is half made nothing may be left here.
below() {
	lvm <<-END | sed 's/barepool.snapshot:[0-9]*/& at some time/; s/:[0-9]* at/ at/'
	pvs --noheadings -o pv_name,vg_name
	lvs --noheadings -a -o lv_name,lv_attr,lv_size,origin,lv_tags
	vgck
	END
	dmsetup info -c --noheadings -o name,suspended,tables_loaded 2>/dev/null | sort
	ls /dev/vg 2>/dev/null
	ls /dev/mapper
}
no() { # WHY FILE
	show "${2-$T/out}"
	nok "$way: $label: killed before call $k, $(sed -n "${k}p" "$T/calls"): $1"
}
# ---- one command, killed ----------------------------------------------------------------

clean() {
	below >"$T/now" 2>&1
	cmp -s "$T/now" "$T/after.below"
}
next_change() {
	if bp vol-create-as p harmless 4M; then bp vol-delete harmless p; fi >/dev/null 2>&1
}
# judge COMMAND...: after it has been killed.
judge() {
	state >"$T/now" 2>&1
	if ! cmp -s "$T/now" "$T/before" && ! cmp -s "$T/now" "$T/after"; then
		diff "$T/before" "$T/now" >"$T/out"
		no 'neither old nor new'
		return 1
	fi
	bp "$@" >"$T/again" 2>&1
	state >"$T/now" 2>&1
	if ! cmp -s "$T/now" "$T/after"; then
		diff "$T/after" "$T/now" | cat "$T/again" - >"$T/out"
		no repeated
		return 1
	fi
	clean && return
	# what was done already may have been done to the last device but one
	next_change
	if ! clean; then
		diff "$T/after.below" "$T/now" >"$T/out"
		no 'repeated, it leaves'
		return 1
	fi
}
killed() { # WORLD COMMAND...
	world=$1 points=0 failures=0
	shift
	label=$*
	case "$way: $label" in *"$LAB_ONLY"*) ;; *) return ;; esac
	fresh "$world"
	state >"$T/before" 2>&1
	"$K" --list "$BAREPOOL" "$@" 3>"$T/calls" >"$T/out" 2>&1 ||
		{ show; nok "$way: $label: works"; return; }
	state >"$T/after" 2>&1
	below >"$T/after.below" 2>&1
	# Between two changes it does not matter where, and what LVM writes down for people,
	# and who has locks, is none.
	awk -v only="$only" '$1 ~ /^(openat|flock|fcntl|fsync)$/ { next }
		$2 ~ /^\/(etc|run\/lock)\/lvm\// { next }
		$0 ~ only { print NR, $0 }' "$T/calls" >"$T/points"
	next=$((seed % every)) seed=$((seed + 5))
	for k in $(sed 's/ .*//' "$T/points"); do
		next=$((next - 1))
		[ $next -lt 0 ] || continue
		next=$((every - 1)) points=$((points + 1))
		fresh "$world"
		# shellcheck disable=SC2086 # nothing, or a word
		"$K" "$k" $alone "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || continue
		[ $status -eq 137 ] || { no "status $status" "$T/run.out"; return; }
		judge "$@" || failures=$((failures + 1))
		echo "$way: $label: $(sed -n "${k}p" "$T/calls")" >>/out/killed
		[ $failures -lt 3 ] || return
	done
	[ $failures -eq 0 ] || return
	ok "$way: $label: killed at $points of $(wc -l <"$T/points") changes"
}

bp pool-define "$T/pool.xml" >"$T/out" 2>&1 || show
keep nothing
bp pool-build p >"$T/out" 2>&1 || show
keep built
bp pool-define "$T/thin.xml" >"$T/out" 2>&1 || show
keep bare
[ ! "$LAB_EVERY" ] || {
	bp pool-build p >"$T/out" 2>&1 || show
	keep thinpool
}
fresh built
{ bp pool-start p && bp vol-create-as p a 8M && bp vol-upload a "$T/bytes" p; } >"$T/out" 2>&1 ||
	show
keep started
bp vol-create p "$T/snap.xml" >"$T/out" 2>&1 || show
keep snapshot
[ ! "$LAB_EVERY" ] || {
	bp vol-delete n p && bp pool-destroy p && bp pool-define "$T/thin.xml" &&
		bp pool-build p && bp pool-start p && bp vol-create-as p t 12M --allocation 0 &&
		bp vol-upload t "$T/bytes" p && bp vol-snapshot-create t s p
} >"$T/out" 2>&1 || show
[ ! "$LAB_EVERY" ] || keep thin

all() {
	filled='' bytes='' snapshots='' only=''
	killed nothing pool-build p
	killed built pool-start p
	killed started vol-create-as p n 8M
	if [ ! "$LAB_EVERY" ]; then
		only='^ioctl .*control' every=3
		killed bare pool-build --pool p
		every=5
		killed started vol-create-as p n 8M --allocation 4M
		killed snapshot vol-delete n p
		only='^write /dev/sda'
		killed snapshot vol-delete a p --delete-snapshots
		return
	fi
	killed bare pool-build --pool p
	killed built pool-delete p
	killed thinpool pool-delete --pool p
	killed started vol-create-as p n 8M --allocation 4M
	killed started vol-create p "$T/snap.xml"
	killed started vol-resize a 12M p
	killed started vol-resize a 4M p --shrink
	killed started vol-delete a p
	killed snapshot vol-delete n p
	killed snapshot vol-delete a p --delete-snapshots
	killed started pool-destroy p
	killed snapshot pool-destroy p
	filled=yes
	killed started vol-clone a n p
	killed thin vol-clone t n p
	filled='' snapshots=yes
	killed thin vol-create-as p n 8M --allocation 0
	killed thin vol-snapshot-create t x p
	killed thin vol-snapshot-delete t s p
	killed thin vol-delete t p --delete-snapshots
	bytes=yes
	killed thin vol-snapshot-revert t s p
	bytes=''
	killed thin pool-destroy p
}
ways=lib
[ ! "$LAB_EVERY" ] || ways="lib exec"
for way in $ways; do
	alone=
	if [ "$way" = exec ]; then
		alone=alone BAREPOOL=$B/static/barepool
		ln -sf "$BAREPOOL" "$T/bin/barepool"
		if [ ! -x "$BAREPOOL" ]; then
			skip 'through the program lvm' 'needs a static build'
			break
		fi
	fi
	all
done
done_testing

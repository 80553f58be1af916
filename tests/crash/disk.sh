#!/bin/sh
# disk.sh - killed, or failing, at any call: the old partition table or the new one, whole.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top; tests/disk.sh sets some
. tests/disk.sh
K=$B/tests/tools/killat
W=$T/w
export BAREPOOL_CONFIG_DIR="$W/config" BAREPOOL_RUN_DIR="$W/run"
device disk 16M
size=$(stat -c %s "$T/disk")

# The device and the store as they are become what each try begins with.
keep() {
	rm -rf "$T/world"
	cp -a "$W" "$T/world"
	dd if="$dev" of="$T/image" bs=1M conv=sparse status=none
	truncate -s "$size" "$T/image"
}
fresh() {
	rm -rf "$W"
	cp -a "$T/world" "$W"
	partx --delete "$dev" 2>/dev/null
	dd if="$T/image" of="$dev" bs=1M conv=notrunc status=none
	partx --add "$dev" 2>/dev/null
	return 0
}

# What sfdisk reads, without what is made up anew each time.  Nothing: no table.
table() {
	sfdisk --dump "$dev" 2>/dev/null | sed -e 's/, uuid=[^,]*//' -e '/^label-id/d'
}
known() {
	for d in /sys/block/"$disk"/"$disk"p*; do
		[ -d "$d" ] && echo "$(cat "$d/partition") $(cat "$d/start") $(cat "$d/size")"
	done | sort -n
}
# Of bsd tables sfdisk has nothing to say.
sound() {
	: >"$T/verify"
	[ ! -s "$T/now" ] || grep -q '^label: bsd' "$T/now" ||
		sfdisk --quiet --verify "$dev" >"$T/verify" 2>&1
}
neither() {
	! cmp -s "$T/now" "$T/before" && ! cmp -s "$T/now" "$T/after"
}
why() {
	diff "$T/before" "$T/now" >"$T/diff"
	cat "$T/run.out" "$T/verify" "$T/diff" >"$T/out" 2>/dev/null
	show
	nok "$1"
}

# Once without trouble: what is before, and what is after.
try() {
	fresh
	table >"$T/before"
	bp "$@" >"$T/out" 2>&1 || { show; nok "$*: works"; return 1; }
	table >"$T/after"
	known >"$T/after.known"
}

killed() {
	try "$@" || return
	k=0
	while :; do
		k=$((k + 1))
		fresh
		"$K" "$k" "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || break
		[ $status -eq 137 ] || { why "$*: $k: status $status"; return; }
		table >"$T/now"
		sound || { why "$*: killed at $k, not sound"; return; }
		! neither || { why "$*: killed at $k, neither old nor new"; return; }
		# what is done already may have moved another into the place of that name
		! cmp -s "$T/now" "$T/before" || bp "$@" >"$T/run.out" 2>&1
		table >"$T/now"
		cmp -s "$T/now" "$T/after" || { why "$*: killed at $k, repeated"; return; }
	done
	is "$*: killed at each of $((k - 1)) calls" "$((k > 4))" 1
}

failing() { # ERRNO COMMAND...
	errno=$1
	shift
	try "$@" || return
	k=0
	while :; do
		k=$((k + 1))
		fresh
		known >"$T/before.known"
		"$K" "$k" "$errno" "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || break
		table >"$T/now"
		known >"$T/now.known"
		sound || { why "$*: error $errno at $k: not sound"; return; }
		case $status in
		0)	cmp -s "$T/now" "$T/after" && cmp -s "$T/now.known" "$T/after.known" ;;
		1)	cmp -s "$T/now" "$T/before" && cmp -s "$T/now.known" "$T/before.known" &&
				grep -q '^error: ' "$T/run.out" ;;
		*)	false ;;
		esac || { why "$*: error $errno at $k: status $status"; return; }
	done
	is "$*: error $errno at each of $((k - 1)) calls" "$((k > 4))" 1
}

both() {
	killed "$@"
	failing 5 "$@"
}

world() { # FORMAT
	partx --delete "$dev" 2>/dev/null
	rm -rf "$W"
	mkdir "$W"
	bp pool-define-as p disk --source-dev "$dev" --source-format "$1" --target /dev
	bp pool-build p --overwrite && bp pool-start p
}
over() { # FORMAT: what is built next
	bp pool-undefine p
	bp pool-define-as p disk --source-dev "$dev" --source-format "$1" --target /dev
	keep
} >/dev/null

for f in gpt dos bsd; do
	next=3
	[ $f != bsd ] || next=5
	world "$f" >"$T/out" 2>&1
	for i in 1 2; do bp vol-create-as p "${disk}p$i" 1M; done >>"$T/out" 2>&1 ||
		{ show; nok "$f: works"; continue; }
	keep
	both vol-create-as p "${disk}p$next" 1M
	both vol-delete "${disk}p1" p
	case $f in gpt|dos)
		both vol-resize "${disk}p2" 2M p
		killed vol-resize "${disk}p2" 1000000 p --shrink ;;
	esac
	bp pool-destroy p >/dev/null
	for to in $f gpt dos bsd; do
		over "$to"
		killed pool-build p --overwrite
	done
	failing 5 pool-build p --overwrite
	over "$f"
	bp pool-build p --overwrite >/dev/null
	keep
	both pool-delete p
done

# Logical partitions: records that name each other.
world dos >"$T/out" 2>&1
bp vol-create-as p "${disk}p1" 13M --format extended >>"$T/out" 2>&1
for i in 5 6 7; do bp vol-create-as p "${disk}p$i" 1M; done >>"$T/out" 2>&1
keep
both vol-create-as p "${disk}p8" 1M
for i in 5 6 7; do both vol-delete "${disk}p$i" p; done
both vol-resize "${disk}p7" 2M p
both vol-resize "${disk}p6" 500000 p --shrink
bp vol-delete "${disk}p6" p >/dev/null	# a gap before the end of the chain
keep
killed vol-create-as p "${disk}p7" 1M
for i in 7 6 5; do bp vol-delete "${disk}p$i" p; done >/dev/null
keep
killed vol-create-as p "${disk}p5" 1M
killed vol-delete "${disk}p1" p

# A GPT whose device grew.
world gpt >"$T/out" 2>&1
bp vol-create-as p "${disk}p1" 1M >>"$T/out" 2>&1
size=$((size + (8 << 20)))
truncate -s "$size" "$T/disk"
losetup -c "$dev"
keep
both pool-grow p
killed vol-create-as p "${disk}p2" 1M
done_testing

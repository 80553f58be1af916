#!/bin/sh
# fs.sh - building, starting and stopping a pool of type fs, killed or failing at any call.
#
# A device that is being formatted is neither old nor new; what counts is that nothing is
# mounted or active that is not whole, that nothing is left behind, and that the same
# command, given again, does it.
#
#	fs.sh [killed|failing]
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2034 # tests are run from the top
tools='mkfs.ext4 e2fsck blkid findmnt'
. tests/alone.sh
. tests/crash.sh
. tests/device.sh
bp pool-capabilities --table | grep -q '^ fs  *yes' || no 'pools of type fs are not in this build'

# World: pool p on $dev, of which $T/empty and $T/full are copies without and with a file
# system; its target is missing.
dev=
device disk 8M
mkdir "$W"
bp -q pool-define-as p fs --source-dev "$dev" --source-format ext4 --target "$W/p"
mv "$W" "$T/world"
cp "$T/disk" "$T/empty"
mkfs.ext4 -q "$dev"
cat "$dev" >"$T/full"

# begin COPY STATE: the store and the device as they were; started, mounted only, or neither.
begin() {
	while umount "$W/p" 2>/dev/null; do :; done
	fresh
	cat "$T/$1" >"$dev"
	blockdev --flushbufs "$dev"
	case $2 in
	started) bp -q pool-start p ;;
	mounted) mkdir "$W/p"; mount "$dev" "$W/p" ;;
	esac
}

mounts() { grep -c " $W/p " /proc/self/mountinfo; }
is_active() { bp -q pool-list --name | grep -q '^p '; }

# Whoever looks at all devices holds one for a moment.
no_loop() { [ -z "$(losetup -n -O NAME -j "$T/image")" ]; }

# Whatever has happened: says what is wrong, if something is.
judge() {
	[ "$(mounts)" -le 1 ] || echo 'mounted more than once'
	if [ "$(mounts)" -eq 1 ]; then
		is_active || echo 'mounted, but not active'
		bp vol-list p >/dev/null 2>&1 || echo 'active, but not to be listed'
	else
		! is_active || echo 'active, but not mounted'
		[ "$(blkid -p -o value -s TYPE "$dev")" != ext4 ] || e2fsck -fn "$dev" \
			>"$T/fsck" 2>&1 || echo "taken for ext4, but it is not whole"
	fi
	until_true no_loop || echo 'a loop device is left'
}

# Given again, it does what it is to do; and the pool can be started, used and stopped.
repeat() { # COMMAND...
	bp "$@" >"$T/again" 2>&1
	grep -q '^error:' "$T/again" &&
		! grep -qE 'already (active|formatted)|is not active' "$T/again" &&
		cat "$T/again"
	case $1 in
	pool-destroy) ! is_active || echo 'repeated, and still active' ;;
	pool-start) is_active || echo 'repeated, and not active' ;;
	esac
	is_active || bp pool-start p >"$T/again" 2>&1 || cat "$T/again"
	bp vol-create-as p harmless 64k >"$T/again" 2>&1 || cat "$T/again"
	bp vol-delete harmless p >"$T/again" 2>&1 || cat "$T/again"
	bp pool-destroy p >"$T/again" 2>&1 || cat "$T/again"
	[ "$(mounts)" -eq 0 ] || echo 'stopped, and still mounted'
	strays
}

# at_each COPY STATE DEED COMMAND...: DEED is "killed", or the number of an error, with which
# its calls fail, or those on what is $under.
under=
at_each() {
	copy=$1 before=$2 deed=$3
	shift 3
	error=
	[ "$deed" = killed ] || error=$deed
	k=0
	while :; do
		k=$((k + 1))
		begin "$copy" "$before"
		# shellcheck disable=SC2086 # a word or none
		"$K" ${under:+--under "$under"} $k $error "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || break
		judge >"$T/wrong"
		case $deed:$status in
		killed:137|[0-9]*:0) ;;
		[0-9]*:1)
			grep -q '^error: ' "$T/run.out" || echo 'no error' >>"$T/wrong"
			grep -qE "'p'| p$|$dev|$W/p" "$T/run.out" ||
				echo 'names neither pool nor device' >>"$T/wrong"
			[ "$before" != none ] || [ "$(mounts)" -eq 0 ] ||
				grep -q 'the change is made' "$T/run.out" ||
				echo 'failed, and mounted' >>"$T/wrong" ;;
		*)	echo "status $status" >>"$T/wrong" ;;
		esac
		repeat "$@" >>"$T/wrong"
		if [ -s "$T/wrong" ]; then
			cat "$T/run.out" "$T/wrong" >"$T/out"
			show
			nok "$*: $deed at $k"
			return
		fi
	done
	is "$*, $before${under:+, on the device}: $deed at each of $((k - 1)) calls" "$((k > 1))" 1
}

killed() {
	at_each empty none killed pool-build p --no-overwrite
	at_each full none killed pool-build p --overwrite
	at_each full none killed pool-start p
	at_each full started killed pool-destroy p
	at_each full mounted killed pool-start p
	at_each full mounted killed pool-destroy p
}

failing() {
	for number in 5 16 28; do
		at_each full none "$number" pool-start p
		at_each full started "$number" pool-destroy p
		at_each full mounted "$number" pool-start p
	done
	at_each empty none 5 pool-build p --no-overwrite
	# A device that does not give its bytes.
	under=$dev
	at_each full none 5 pool-start p
}

"${1:-killed}"
begin empty none
done_testing

#!/bin/sh
# failing.sh - a call that fails is told, with its cause, and leaves nothing half made.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

# failing BYTES ERRNO NAME COMMAND...: each of its calls in turn fails with ERRNO.
# It says so, naming NAME and $cause, and the state is old or new; or it works, since the call
# was one that it can do without, and then the state is new.  No size changes with an error.
failing() {
	bytes=$1 errno=$2 name=$3
	shift 3
	fresh
	state "$bytes" >"$T/before"
	bp "$@" >"$T/out" 2>&1 || { show; nok "$*: works"; return; }
	state "$bytes" >"$T/after"
	k=0
	while :; do
		k=$((k + 1))
		fresh
		"$K" "$k" "$errno" "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || break
		why=
		state "$bytes" >"$T/now"
		case $status in
		0)	cmp -s "$T/now" "$T/after" || why='success, without the change' ;;
		1)	cmp -s "$T/now" "$T/before" || cmp -s "$T/now" "$T/after" ||
				why='neither old nor new'
			[ "$1" != vol-resize ] || cmp -s "$T/now" "$T/before" ||
				why='not the old size'
			grep -q '^error: ' "$T/run.out" || why='no error'
			grep -qE "(^|[^a-z])($name|p)([^a-z]|$)" "$T/run.out" ||
				why="names neither $name nor its pool"
			grep -qF -e "$cause" "$T/run.out" || why='does not say why' ;;
		*)	why="status $status" ;;
		esac
		next_change
		strays >"$T/left"
		[ -n "$why" ] || [ ! -s "$T/left" ] || why='leaves something'
		if [ -n "$why" ]; then
			diff "$T/before" "$T/now" >"$T/out"
			cat "$T/run.out" "$T/left" >>"$T/out"
			show
			nok "$*: error $errno at $k: $why"
			return
		fi
	done
	is "$*: error $errno at each of $((k - 1)) calls" "$((k > 1))" 1
}

make_world >"$T/out" 2>&1
while read -r errno cause; do
	failing bytes "$errno" x pool-define-as x dir --target "$W/x"
	failing bytes "$errno" u pool-define "$T/u2.xml"
	failing bytes "$errno" i pool-undefine i
	failing bytes "$errno" u pool-autostart u
	failing bytes "$errno" i pool-autostart i --disable
	failing bytes "$errno" u pool-build u
	failing bytes "$errno" i pool-start i
	failing bytes "$errno" p pool-destroy p
	failing bytes "$errno" i pool-delete i
	failing bytes "$errno" n vol-create-as p n 1M --allocation 0
	failing bytes "$errno" n vol-create-as p n 1M
	failing bytes "$errno" n vol-create-as p n 1M --format qcow2
	failing bytes "$errno" n vol-create-as p n 0 --format dir
	failing bytes "$errno" a vol-clone a n p
	failing bytes "$errno" q vol-clone q n p
	failing bytes "$errno" n vol-create-from p "$T/n.xml" a --inputpool p
	failing bytes "$errno" a vol-resize a 2M p
	failing bytes "$errno" q vol-resize q 8M p
	failing '' "$errno" a vol-upload a "$T/bytes" p --offset 4096
	failing '' "$errno" a vol-wipe a p
	failing bytes "$errno" a vol-delete a p
done <<END
5 Input/output error
13 Permission denied
28 No space left on device
30 Read-only file system
122 Disk quota exceeded
END
done_testing

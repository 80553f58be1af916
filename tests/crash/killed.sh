#!/bin/sh
# killed.sh - a command that is killed leaves the old state or the new one.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

# killed BYTES COMMAND...: it is killed before each of its calls in turn.  BYTES is
# "bytes" where what volumes hold is old or new as well, and empty where it may be
# partly new: an upload and a wipe work in place.
killed() {
	bytes=$1
	shift
	fresh
	state "$bytes" >"$T/before"
	bp "$@" >"$T/out" 2>&1 || { show; nok "$*: works"; return; }
	state "$bytes" >"$T/after"
	k=0
	while :; do
		k=$((k + 1))
		fresh
		"$K" "$k" "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || break
		[ $status -eq 137 ] || { show "$T/run.out"; nok "$*: $k: status $status"; return; }
		state "$bytes" >"$T/now"
		if ! cmp -s "$T/now" "$T/before" && ! cmp -s "$T/now" "$T/after"; then
			diff "$T/before" "$T/now" >"$T/out"
			show
			nok "$*: killed at $k, neither old nor new"
			return
		fi
		next_change
		strays >"$T/out"
		[ ! -s "$T/out" ] || { show; nok "$*: killed at $k, leaves something"; return; }
		# Done already, some say so; either way the end is the same.
		bp "$@" >"$T/again" 2>&1
		state "$bytes" >"$T/now"
		if ! cmp -s "$T/now" "$T/after"; then
			diff "$T/after" "$T/now" >"$T/out"
			show
			nok "$*: killed at $k, repeated"
			return
		fi
	done
	[ "$k" -gt 1 ]
	is "$*: at each of $((k - 1)) calls" $? 0
}

make_world >"$T/out" 2>&1
killed bytes pool-define-as x dir --target "$W/x"
killed bytes pool-define "$T/u2.xml"
killed bytes pool-undefine i
killed bytes pool-autostart u
killed bytes pool-autostart i --disable
killed bytes pool-build u
killed bytes pool-start i
killed bytes pool-destroy p
killed bytes pool-delete i
killed bytes vol-create-as p n 1M --allocation 0
killed bytes vol-create-as p n 1M
killed bytes vol-create-as p n 1M --format qcow2
killed bytes vol-clone a n p
killed bytes vol-clone q n p
killed bytes vol-create-from p "$T/n.xml" a --inputpool p
killed bytes vol-resize a 2M p
killed bytes vol-resize q 8M p
killed '' vol-upload a "$T/bytes" p --offset 4096
killed '' vol-wipe a p
killed bytes vol-delete a p
done_testing

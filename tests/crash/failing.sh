#!/bin/sh
# failing.sh - a call that fails is told, with its cause, and leaves nothing half made.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

# failing BYTES ERRNO NAME COMMAND...: each of its calls in turn fails with ERRNO.
# It says so, naming NAME, and the state is old or new; or it works, since the call
# was one that it can do without, and then the state is new.
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
			grep -q '^error: ' "$T/run.out" || why='no error'
			grep -qF -e "$name" "$T/run.out" || why="does not name $name" ;;
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

ENOSPC=28 EIO=5
make_world >"$T/out" 2>&1
failing bytes $ENOSPC x pool-define-as x dir --target "$W/x"
failing bytes $EIO i pool-undefine i
failing bytes $EIO u pool-autostart u
failing bytes $EIO u pool-build u
failing bytes $ENOSPC i pool-start i
failing bytes $EIO p pool-destroy p
failing bytes $ENOSPC n vol-create-as p n 1M
failing bytes $ENOSPC n vol-create-as p n 1M --format qcow2
failing bytes $EIO n vol-clone a n p
failing bytes $ENOSPC a vol-resize a 2M p
failing bytes $EIO q vol-resize q 8M p
failing '' $ENOSPC a vol-upload a "$T/bytes" p --offset 4096
failing '' $EIO a vol-wipe a p
failing bytes $EIO a vol-delete a p
done_testing

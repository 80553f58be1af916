#!/bin/sh
# unsynced.sh - what is done, and cannot be brought to the disk, is told as that.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

# unsynced COMMAND...: the last fsync() of it fails.
unsynced() {
	fresh
	"$K" --list "$BAREPOOL" "$@" 3>"$T/calls" >"$T/out" 2>&1 ||
		{ show; nok "$*: works"; return; }
	state bytes >"$T/after"
	k=$(grep -n '^fsync ' "$T/calls" | tail -n 1)
	fresh
	"$K" "${k%%:*}" 5 "$BAREPOOL" "$@" >"$T/out" 2>&1
	is "$*: fails" $? 1
	has '... and says that it may not last' "$T/out" \
		'the change is made, but may not last: '
	has '... and why' "$T/out" 'Input/output error'
	state bytes >"$T/now"
	diff "$T/after" "$T/now" >"$T/out"
	is '... and is done' "$(cat "$T/out")" ''
}

make_world >"$T/out" 2>&1
unsynced pool-define "$T/u2.xml"
unsynced pool-undefine i
unsynced pool-autostart u
unsynced pool-autostart i --disable
unsynced pool-build u
unsynced pool-start i
unsynced pool-destroy p
unsynced pool-delete i
unsynced vol-create-as p n 1M --allocation 0
unsynced vol-create-as p n 1M --format qcow2
unsynced vol-create-as p n 0 --format dir
unsynced vol-clone a n p
unsynced vol-upload a "$T/bytes" p --offset 4096
unsynced vol-wipe q p
unsynced vol-delete a p
done_testing

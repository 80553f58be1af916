#!/bin/sh
# interrupted.sh - a signal that comes in between, and calls that do less than they were asked for.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

# Those that wait or move bytes may end early; no other does.
early='^(openat|openat2|read|pread64|write|pwrite64|copy_file_range|fsync|ftruncate|fallocate|'
early="${early}flock|ioctl) |^fcntl .*\.lock"

# What has been made, byte for byte, but for what the kernel chose.
made() {
	(cd "$W" && find . ! -name '*.lock' -type f -exec cksum {} + | sort -k3
	find . -printf '%p %y %m %l\n' | sort) 2>/dev/null | sed "/\.lock/d; s|$W||"
}

# interrupted COMMAND...: whatever call is cut short, the end is the same.
interrupted() {
	fresh
	"$K" --under "$W" --list "$BAREPOOL" "$@" 3>"$T/calls" >"$T/said" 2>&1 ||
		{ show "$T/said"; nok "$*: works"; return; }
	made >"$T/after"
	grep -nE "$early" "$T/calls" >"$T/early"
	for how in 4 short; do
		while IFS=: read -r k call; do
			[ $how = 4 ] || case $call in fsync*|f?lock*|open*) continue ;; esac
			fresh
			if "$K" --under "$W" "$k" $how "$BAREPOOL" "$@" >"$T/out" 2>&1 &&
				cmp -s "$T/out" "$T/said" && made >"$T/now" &&
				cmp -s "$T/now" "$T/after"; then continue; fi
			diff "$T/after" "$T/now" >>"$T/out"
			show
			nok "$*: $how at $k, $call"
			return
		done <"$T/early"
	done
	is "$*: at each of $(wc -l <"$T/early") calls" "$(($(wc -l <"$T/early") > 10))" 1
}

make_world >"$T/out" 2>&1
interrupted pool-define "$T/u2.xml"
interrupted pool-start i
interrupted vol-create-as p n 1M
interrupted vol-create-as p n 1M --format qcow2
interrupted vol-clone q n p --verify
interrupted vol-resize q 8M p
interrupted vol-upload a "$T/bytes" p --offset 4096
interrupted vol-download a "$W/copy" p
interrupted vol-list p --details
interrupted pool-list --all
done_testing

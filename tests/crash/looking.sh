#!/bin/sh
# looking.sh - a call that fails while somebody only looks: it is told, or nothing is missing.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

# What the disk has free changes by itself.
shown() { sed "s/[0-9.]* [GT]iB/X/g; s/\(allocation\|available\) unit='bytes'>[0-9]*/\1>X/"; }

# looking ERRNO COMMAND...: each call on anything of the store or the pools fails in turn.
# Either all is shown, or the cause is: as an error, or in the row that it is about.
looking() {
	errno=$1
	shift
	bp "$@" 2>&1 | shown >"$T/whole"
	k=0
	while :; do
		k=$((k + 1))
		"$K" --under "$W" "$k" "$errno" "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || break
		why=
		shown <"$T/run.out" >"$T/now"
		case $status in
		0)	cmp -s "$T/now" "$T/whole" || grep -qF -e "$cause" "$T/now" ||
				why='something is missing'
			[ "$(wc -l <"$T/now")" -ge "$(wc -l <"$T/whole")" ] ||
				grep -qE '^hint: |^Problem: ' "$T/now" || why='a row is missing' ;;
		1)	grep -qE '^error: |"error": ' "$T/now" || why='no error'
			grep -qF -e "$cause" "$T/now" || why='does not say why' ;;
		*)	why="status $status" ;;
		esac
		if [ -n "$why" ]; then
			diff "$T/whole" "$T/now" >"$T/out"
			show
			nok "$*: error $errno at $k: $why"
			return
		fi
	done
	is "$*: error $errno at each of $((k - 1)) calls" "$((k > 10))" 1
}

make_world >"$T/out" 2>&1
fresh
while read -r errno cause; do
	looking "$errno" pool-list --all
	looking "$errno" pool-list --all --details
	looking "$errno" pool-list --all --format json
	looking "$errno" pool-info p
	looking "$errno" pool-info i
	looking "$errno" pool-dumpxml p
	looking "$errno" pool-dumpxml i --inactive
	looking "$errno" pool-uuid p
	looking "$errno" vol-list p
	looking "$errno" vol-list p --details
	looking "$errno" vol-info q p
	looking "$errno" vol-dumpxml q p
	looking "$errno" vol-path a p
	looking "$errno" vol-pool "$W/p/a"
	looking "$errno" vol-download a /dev/null p
done <<END
5 Input/output error
13 Permission denied
END
done_testing

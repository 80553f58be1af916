#!/bin/sh
# swapped.sh - while a command works a pool's directory becomes a link, or a volume vanishes.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

make_world >"$T/out" 2>&1
cp -a "$T/world/p" "$T/world/other"
head -c 300000 /dev/zero | tr '\0' x | dd of="$T/world/other/a" conv=notrunc status=none

# What is in a directory, by name, rights and bytes.
holds() {
	(cd "$1" && find . ! -name . -printf '%f %y %m %U %G %l\n' | sort
	find . -type f ! -name '*.part' -exec cksum {} + | sort -k3) 2>&1
}

# each NAME WORDS COMMAND...: before each call of COMMAND on anything in $in in turn, a shell
# does WORDS; then judge finds out in $why what is wrong.
in=$W/p
each() {
	name=$1 words=$2
	shift 2
	k=0
	while :; do
		k=$((k + 1))
		fresh
		"$K" --under "$in" "$k" "do:$words" "$BAREPOOL" "$@" >"$T/run.out" 2>&1
		status=$?
		[ $status -ne 99 ] || break
		why=
		case $status in
		0)	;;
		1)	grep -q '^error: ' "$T/run.out" || why='no error' ;;
		*)	why="status $status" ;;
		esac
		[ -n "$why" ] || judge "$1"
		if [ -n "$why" ]; then
			show "$T/run.out"
			nok "$*: $name at $k: $why"
			return
		fi
	done
	is "$*: $name at each of $((k - 1)) calls" "$((k > 5))" 1
}

# ---- the directory becomes a link to another, with volumes of the same names

# What has begun in the one or the other ends there, and nothing happens to the second.
swapped() {
	fresh
	holds "$W/p" >"$T/p.before"
	holds "$W/other" >"$T/other.before"
	bp "$@" >"$T/out" 2>&1
	each 'swapped for a link' "mv $W/p $W/old && ln -s other $W/p" "$@"
}
judge() {
	holds "$W/old" >"$T/p.now"
	holds "$W/other" >"$T/other.now"
	cmp -s "$T/p.now" "$T/p.before"
	old=$?
	cmp -s "$T/other.now" "$T/other.before"
	other=$?
	case $status:$old$other in
	1:00|0:01|0:10) ;;
	*)	why="status $status, $old changes there and $other here" ;;
	esac
	diff "$T/p.before" "$T/p.now" >>"$T/run.out"
	diff "$T/other.before" "$T/other.now" >>"$T/run.out"
	! find "$W/old" "$W/other" -name '*.part' | grep -q . || why='a part is left'
}
swapped vol-create-as p n 1M --format qcow2
swapped vol-clone q n p
swapped vol-delete a p

# What was there may be a link; what was just made is none.
judge() {
	[ "$(stat -c %a "$W/other")" = 700 ] || why='another directory has its rights'
}
chmod 700 "$T/world/other"
in=$W
each 'swapped for a link' "mv $W/u $W/old 2>/dev/null; ln -s other $W/u" pool-build u
in=$W/p

# ---- the volume goes, or something else is in its place

# Either it is done with what was opened, or an error says that there is none; nothing is made,
# and nobody follows the link.
replaced() {
	with=$1
	shift
	echo secret >"$T/secret"
	case $with in
	nothing)  words=: ;;
	'a link') words="ln -s $T/secret $W/p/a" ;;
	'a FIFO') words="mkfifo $W/p/a" ;;
	esac
	each "replaced by $with" "mv $W/p/a $W/gone 2>/dev/null; $words" "$@"
}
judge() {
	[ "$(cat "$T/secret")" = secret ] || why='the link was followed'
	! grep -q secret "$W/copy" "$W/p/n" 2>/dev/null || why='the link was read'
	[ "$with" != nothing ] || ! [ -e "$W/p/a" ] || why='it was made anew'
	! find "$W/p" -name '*.part' | grep -q . || why='a part is left'
	case $status in
	0)	[ "$1" != vol-clone ] || cmp -s "$W/p/n" "$W/gone" || why='another copy' ;;
	1)	grep -qE "('|/| )a('|:| |\$)" "$T/run.out" || why='does not name the volume'
		[ ! -e "$W/p/n" ] || why='something was made'
		[ ! -s "$W/copy" ] || why='a piece is left'
	esac
}
replaced nothing vol-resize a 2M p
replaced nothing vol-upload a "$T/bytes" p --offset 4096
replaced nothing vol-clone a n p
replaced nothing vol-download a "$W/copy" p
replaced 'a link' vol-wipe a p
replaced 'a link' vol-resize a 2M p
replaced 'a FIFO' vol-clone a n p
replaced 'a FIFO' vol-wipe a p

# ---- the pool is stopped: that waits for the copy, which ends well

fresh
"$K" --list "$BAREPOOL" vol-clone a n p 3>"$T/calls" >"$T/out" 2>&1
at=$(grep -nE '^(copy_file_range|pwrite64) ' "$T/calls" | head -n 1 | cut -d: -f1)
fresh
lock=$(stat -c %i "$W/run/p.lock")
cat >"$T/stop" <<END
{ "$BAREPOOL" -q pool-destroy p; echo "\$?"; } >"$T/stopped" 2>&1 &
until grep -qE -e '-> OFDLCK .*:$lock ' /proc/locks || [ -s "$T/stopped" ]; do sleep 0.01; done
[ ! -s "$T/stopped" ]
END
works 'a copy whose pool is stopped meanwhile' \
	"$K" "$at" "do:. $T/stop" "$BAREPOOL" vol-clone a n p
until_true [ -s "$T/stopped" ]
is 'it is stopped then' "$(cat "$T/stopped")$(bp -q pool-list --name | tr -d ' \n')" 0
is 'the copy is whole' "$(cksum <"$W/p/n")" "$(cksum <"$W/p/a")"
done_testing

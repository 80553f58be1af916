#!/bin/sh
# killed.sh - a command that is killed leaves the old state or the new one.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
. tests/crash.sh

# What the commands run under.
as=
bp() { $as "$T/bin/barepool" "$@"; }

# killed PLACE COMMAND...: it is killed before each of its calls in turn.  PLACE is the
# volume whose bytes it changes in place, and of which each is old or new then, or "-":
# what volumes hold is old or new as a whole.
killed() {
	place=$1 bytes=bytes
	shift
	[ "$place" = - ] || bytes=
	fresh
	state "$bytes" >"$T/before"
	[ "$place" = - ] || keep "$place" "$T/old"
	bp "$@" >"$T/out" 2>&1 || { show; nok "$*: works"; return; }
	state "$bytes" >"$T/after"
	[ "$place" = - ] || keep "$place" "$T/new"
	k=0
	while :; do
		k=$((k + 1))
		fresh
		# shellcheck disable=SC2086 # words
		"$K" "$k" $as "$BAREPOOL" "$@" >"$T/run.out" 2>&1
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
		if [ "$place" != - ] && ! old_or_new "$place" >"$T/out" 2>&1; then
			show
			nok "$*: killed at $k, bytes that are neither old nor new"
			return
		fi
		if [ "$judge" ] && ! images >"$T/out" 2>&1; then
			show
			nok "$*: killed at $k, what was an image"
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
judge=
command -v qemu-img >/dev/null && command -v qemu-io >/dev/null && fill_image && judge=yes
killed - pool-define-as x dir --target "$W/x"
killed - pool-define "$T/u2.xml"
killed - pool-undefine i
killed - pool-autostart u
killed - pool-autostart i --disable
killed - pool-build u
killed - pool-start i
killed - pool-destroy p
killed - pool-delete i
killed - vol-create-as p n 1M --allocation 0
killed - vol-create-as p n 1M
killed - vol-create-as p n 1M --format qcow2
killed - vol-create-as p n 0 --format dir
killed - vol-create-as p n 0 --format dir --mode 0751 --group "$(id -G | tr ' ' '\n' | tail -n 1)"
killed - vol-clone a n p
killed - vol-clone q n p
killed - vol-create-from p "$T/n.xml" a --inputpool p
killed - vol-resize a 2M p
killed - vol-resize q 8M p
killed - vol-resize q 2T p
killed a vol-upload a "$T/bytes" p --offset 4096
killed a vol-wipe a p
if [ "$judge" ]; then
	killed q vol-wipe q p
	killed q vol-wipe q p --algorithm trim
else
	skip 'images that change in place' 'needs qemu-img and qemu-io'
fi
killed - vol-delete a p

# Where there are no files without a name.
as=$B/tests/tools/notmpfile
if $as true 2>/dev/null; then
	killed - vol-create-as p n 1M
	killed - vol-create-as p n 1M --format qcow2 --mode 0640
	killed - vol-clone a n p
else
	skip 'volumes in the making with a name' 'needs seccomp'
fi

# As on a share, where root is nobody: a child does it, as somebody else.
drop=-dac_override,-dac_read_search,-fowner,-chown
as="setpriv --bounding-set=$drop"
if [ "$(id -u)" -eq 0 ] && $as true 2>/dev/null; then
	killed - vol-create-as p n 0 --format dir --mode 0751 --owner 0
	chown -R 1234:2345 "$T/world/p"
	chmod 700 "$T/world/p"
	killed - vol-create-as p n 0 --format dir --mode 0751 --group 77
	killed - vol-create-as p n 1M --mode 0640 --group 77
	as="$B/tests/tools/notmpfile $as"
	killed - vol-create-as p n 1M --mode 0640 --group 77
	killed - vol-delete a p
else
	skip 'made as somebody else' 'needs root, setpriv, and the right to drop rights'
fi
done_testing

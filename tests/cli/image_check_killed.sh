#!/bin/sh
# image_check_killed.sh - a repair that is killed at any call: it can be done again, to the same.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'
cd "$T" || exit 1

killat() {
	"$B/tests/tools/killat" "$@"
}

# bytes FILE AT OCTAL...
bytes() {
	file=$1 at=$2
	shift 2
	printf '%b' "$(printf '\\0%s' "$@")" |
		dd of="$file" bs=1 seek="$at" conv=notrunc status=none
}

# is_right FORMAT: work is repaired, and has what it should have; a log is read before, too.
# A qed may have lost space.
is_right() {
	if [ "$1" = vhdx ]; then
		bp image convert -f vhdx -O raw work got >out 2>&1 && cmp got want >out || return
	fi
	bp image check -q -f "$1" -r all work >out 2>&1 || [ $? = 3 ] || return
	qemu-img check -q -f "$1" work >out 2>&1 || [ $? = 3 ] || return
	qemu-img convert -f "$1" -O raw work got && cmp got want >out
}

# killed FORMAT: damaged, repaired whole, and killed each time a bit later.
killed() {
	repair="$T/bin/barepool image check -q -f $1 -r all work"
	cp damaged work
	# shellcheck disable=SC2086 # words
	killat --list $repair 3>calls >/dev/null 2>&1
	calls=$(wc -l <calls)
	qemu-img convert -f "$1" -O raw work want
	at=0 others=0
	while [ $((at += 1)) -le "$calls" ]; do
		cp damaged work
		# shellcheck disable=SC2086 # words
		killat $at $repair >/dev/null 2>&1
		is_right "$1" && continue
		others=$((others + 1))
		echo "# killed at $at of $calls: $(cat out)"
	done
	is "$1: killed at any call, it is repaired by the next" "$others" 0
	is '... and there are such calls' "$([ "$calls" -gt 4 ] && echo yes)" yes
}

qemu-img create -q -f qed damaged 16M
qemu-io -f qed -c 'write -P 1 0 1M' damaged >/dev/null
bytes damaged 16 2				# it was not closed
bytes damaged $((21 * 65536)) 0 0 0 0 1		# blocks that are past the end, in the L2 table
bytes damaged $((21 * 65536 + 80)) 0 0 1 0 1
killed qed

qemu-img create -q -f parallels damaged 16M
qemu-io -f parallels -c 'write -P 1 0 4M' damaged >/dev/null
bytes damaged 44 131 156 157 164		# it was not closed
bytes damaged 64 143
bytes damaged 72 143
truncate -s 20M damaged
killed parallels

qemu-img create -q -f vhdx -o block_size=1M image 5M
qemu-io -f vhdx -c 'write -P 1 0 3M' image >/dev/null
at=0
until qemu-img info -f vhdx damaged 2>&1 | grep -q 'log that needs to be replayed'; do
	cp image damaged
	at=$((at + 1))
	killat $at qemu-io -f vhdx -c 'write -P 5 3M 512' damaged >/dev/null 2>&1 && break
done
killed vhdx
done_testing

#!/bin/sh
# image_vhdx_killed.sh - VHDX whose writer was killed: what its log says is read, as by QEMU.
# SPDX-License-Identifier: LGPL-2.1-or-later
set -u
# shellcheck disable=SC1091 # tests are run from the top
. tests/lib.sh
needs qemu-img 'needs qemu-img'
needs qemu-io 'needs qemu-io'

cd "$T" || exit 1
qemu-img create -q -f vhdx -o block_size=1M image 5M
qemu-io -f vhdx -c 'write -P 1 0 3M' image >/dev/null

# write_into FILE: two blocks get their places in the table, by the log; killat counts.
killat() {
	"$B/tests/tools/killat" "$@" qemu-io -f vhdx -c 'write -P 5 3M 512' \
		-c 'write -P 8 4M 1k' work
}
cp image work
killat --list 3>calls >/dev/null 2>&1
calls=$(wc -l <calls)

# What QEMU makes of a copy that it repairs, if it says that this is needed; and what is made of
# one by us.
open=0 others=0 wrong=0
at=0
while [ $((at += 3)) -le "$calls" ]; do
	cp image work
	killat $at >/dev/null 2>&1
	cp work theirs
	cp work before
	if qemu-img info -f vhdx work 2>&1 | grep -q 'log that needs to be replayed'; then
		open=$((open + 1))
		qemu-img check -q -r all -f vhdx theirs >/dev/null 2>&1
		cp work ours
		bp image check -q -f vhdx ours >out 2>&1
		status=$?
		cmp -s ours work && [ $status = 1 ] && grep -q 'a repair brings that' out &&
			bp image check -f vhdx -r all ours >out 2>&1 &&
			grep -q '    1 corruptions' out &&
			qemu-img check -q -f vhdx ours >out 2>&1 &&
			qemu-img compare -q -f vhdx -F vhdx ours theirs || wrong=$((wrong + 1))
	fi
	qemu-img convert -f vhdx -O raw theirs want
	bp image convert -f vhdx -O raw work got >out 2>&1 && cmp -s want got &&
		cmp -s before work && continue
	others=$((others + 1))
	echo "# killed at $at of $calls: $(cat out)"
done
is 'wherever QEMU was killed, we read what it will' "$others" 0
is '... and repair it as QEMU does' "$wrong" 0
is '... also what its log alone has' "$([ "$open" -gt 0 ] && echo yes)" yes
done_testing

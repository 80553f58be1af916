#!/bin/sh
# crowd.sh - many at once, some of them killed in the middle: nothing half made, nothing lost.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091 # tests are run from the top
#
# What each does is drawn by lot; SEED=N repeats a draw, though not its order in time.
. tests/lib.sh
needs qemu-img 'needs qemu-img'
SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "# SEED=$SEED"
WORKERS=${WORKERS:-12} COMMANDS=${COMMANDS:-25}

# A worker's draw: each line a command, the first of them "kill" where it is to be killed on
# its way.  Names are few, so that workers meet.
draw() {
	awk -v seed="$SEED" -v me="$1" -v n="$COMMANDS" -v tenths="$2" '
	function any(list,  w) { return w[1 + int(rand() * split(list, w))] }
	function vol() { return any("a b c d e") }
	BEGIN {
		srand(seed + 1000 * me)
		for (; n > 0; n--) {
			p = rand() < .5 ? "p" : any("p0 p1 p2 p3")
			c = any("create create image image clone clone delete resize upload " \
				"wipe list list info pools")
			s = c == "create" ? "vol-create-as " p " " vol() " 256K" : \
			    c == "image" ? "vol-create-as " p " i" vol() " 8M --format qcow2" : \
			    c == "clone" ? "vol-clone stays i" vol() " " p : \
			    c == "delete" ? "vol-delete " (rand() < .5 ? "i" : "") vol() " " p : \
			    c == "resize" ? "vol-resize i" vol() " " any("8M 16M 32M") " " p : \
			    c == "upload" ? "vol-upload " vol() " bytes " p : \
			    c == "wipe" ? "vol-wipe " vol() " " p : \
			    c == "list" ? "vol-list " p " --details" : \
			    c == "info" ? "vol-info stays " p : "pool-list --all"
			print (rand() < tenths / 10 ? "kill " int(1 + rand() * 40) : "run 0"), s
		}
	}'
}

# What a worker sees that nobody should: another end than success, an error or the
# killing that was meant; a list without what is there all the time.
work() {
	draw "$1" "$2" | while read -r how at command; do
		# shellcheck disable=SC2086 # the words of a command
		if [ "$how" = kill ]; then
			"$B/tests/tools/killat" "$at" "$BAREPOOL" -q $command >"$T/said.$1" 2>&1
			status=$?
			case $status in 99|137) continue ;; esac
		else
			"$BAREPOOL" -q $command >"$T/said.$1" 2>&1
			status=$?
		fi
		case $status:$command in
		0:vol-list*|0:vol-info*) grep -q stays "$T/said.$1" || echo "$command: not whole" ;;
		0:pool-list*) [ "$(grep -c ' active ' "$T/said.$1")" -eq 5 ] ||
			echo "$command: not whole" ;;
		0:*|1:vol-[cdruw]*) ;;
		*) echo "$command: status $status: $(cat "$T/said.$1")" ;;
		esac
	done
}

head -c 262144 /dev/urandom >"$T/bytes"
sum=$(cksum <"$T/bytes")
cd "$T" || exit 1
for pool in p p0 p1 p2 p3; do
	bp -q pool-define-as $pool dir --target "$T/at/$pool"
	bp -q pool-start $pool --build
	bp -q vol-create-as $pool stays 8M --format qcow2
done >"$T/out" 2>&1

for tenths in 0 2 5; do
	worker=0
	while [ $worker -lt "$WORKERS" ]; do
		worker=$((worker + 1))
		work $worker $tenths >"$T/wrong.$worker" 2>&1 &
	done
	wait
	is "nobody sees what should not be, $tenths tenths killed" "$(cat "$T"/wrong.*)" ''
	for pool in p p0 p1 p2 p3; do	# the next change in each
		bp -q vol-create-as $pool last 0
		bp -q vol-delete last $pool
	done >"$T/out" 2>&1
	is 'no volume in the making is left' "$(find at -name '.*' ! -path at)" ''
	is 'nor anything in the store' "$(find config run ! -type d ! -name '*.xml' \
		! -name '*.lock' ! -name barepool.define)" ''
	find at -type f -name '[is]*' -exec qemu-img check -q -f qcow2 '{}' \; >"$T/out" 2>&1
	is 'every image is whole' "$(grep -v -e 'leaked cluster' -e '^Leaked' -e '^$' "$T/out")" ''
	is 'every volume has its size' "$(find at -type f -name '[abcde]' ! -size 262144c)" ''
	is 'lists and directories agree' "$(for pool in p p0 p1 p2 p3; do
		bp -q vol-list $pool; done | awk 'NF { print $2 }' | sort)" \
		"$(find "$T/at" -type f | sort)"
done
is 'what nobody touched is as it was' "$(cksum <bytes)" "$sum"
done_testing

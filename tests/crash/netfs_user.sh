#!/bin/sh
# netfs_user.sh - killed before any request to an NFS server: old state or new, nothing left.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC1091,SC2154 # tests are run from the top
. tests/nfs.sh

needs strace 'needs strace'
needs qemu-img 'needs qemu-img'
export_dir pool
serve
dir=$srv/pool
pool p "$dir" >/dev/null && bp pool-start p >/dev/null
strace -f -o "$T/trace" -e trace=sendto -e inject=sendto:signal=SIGKILL:when=1000 true \
	2>/dev/null || no 'needs strace that can send signals'

# names: all there are, hidden ones last, as "*".
names() { find "$dir" -mindepth 1 -printf '%f\n' | sed 's/^\.barepool-.*/*/' | sort -r; }

# each NAME OLD NEW COMMAND...: kill it before the n-th request, for every n; what is there
# must be OLD or NEW then, or with one hidden name more, and OLD or NEW after a change.
each() {
	name=$1 old=$2 new=$3
	shift 3
	at=14	# before that it only gets to know the server
	while at=$((at + 1)); [ $at -lt 200 ]; do
		rm -rf "${dir:?}"/* "$dir"/.b*
		before
		strace -f -o /dev/null -e trace=sendto -e inject=sendto:signal=SIGKILL:when=$at \
			"$T/bin/barepool" --timeout 10 "$@" >"$T/out" 2>&1
		status=$?
		seen=$(names | tr '\n' ' ')
		case ${seen% } in
		"$old"|"$new"|"$old *"|"$new *"|'*') ;;
		*) echo "# at $at there is: $seen"; nok "$name"; return ;;
		esac
		if ! { bp vol-create-as p other 4k --allocation 0 && bp vol-delete other p; } \
			>"$T/out" 2>&1; then
			show
			echo "# at $at"
			nok "$name: a change after that"
			return
		fi
		seen=$(names | tr '\n' ' ')
		case ${seen% } in
		"$old"|"$new") after || { echo "# at $at"; nok "$name: whole"; return; } ;;
		*) echo "# at $at there stays: $seen"; nok "$name"; return ;;
		esac
		[ $status -ne 0 ] || break
	done
	is "$name: at last it is done" "${seen% }" "$new"
	[ $at -gt 18 ] || nok "$name: killed too seldom, up to $at"
}

before() { :; }
after() { [ ! -e "$dir/v" ] || [ "$(stat -c %s,%a "$dir/v")" = 65536,640 ]; }
each 'create' '' v vol-create-as p v 64k --mode 0640
after() { [ ! -e "$dir/q" ] || qemu-img check -q "$dir/q" >"$T/out" 2>&1; }
each 'create an image' '' q vol-create-as p q 8M --format qcow2
head -c 300000 /dev/urandom >"$T/bytes"
before() { cp "$T/bytes" "$dir/v"; }
after() { [ ! -e "$dir/w" ] || cmp "$dir/v" "$dir/w"; }
each 'clone' 'v' 'w v' vol-clone v w p
after() { :; }
each 'delete' v '' vol-delete v p
before() { qemu-img create -q -f qcow2 "$dir/q" 8M; }
after() { qemu-img check -q "$dir/q" >"$T/out" 2>&1; }
each 'resize an image' q q vol-resize q 64M p
each 'a snapshot' q q vol-snapshot-create q s p
before() { :; }
after() { :; }
each 'a directory' '' d vol-create-as p d 0 --format dir
done_testing

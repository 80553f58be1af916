# images.sh - for tests of image commands: each is run by qemu-img, and by us.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154 # T and BAREPOOL are of tests/lib.sh, which comes first
#
#	made -f qcow2 a 10M			an image in both directories, $T/A and $T/B
#	wholly 'another size' resize a 20M	the same words to both tools
#	same a qcow2 ''				what comes out
command -v qemu-img >/dev/null || { echo '1..0 # SKIP qemu-img is not installed'; exit 0; }

mkdir "$T/q" "$T/A" "$T/B"
ln -s "$BAREPOOL" "$T/q/qemu-img"

# The same words to QEMU's tool and to us, in two directories: what is printed on
# standard output and the exit status are the same.
both() {
	name=$1
	shift
	(cd "$T/A" && qemu-img "$@" >"$T/a" 2>"$T/ea"; echo "[$?]" >>"$T/a")
	(cd "$T/B" && "$T/q/qemu-img" "$@" >"$T/b" 2>"$T/eb"; echo "[$?]" >>"$T/b")
	if cmp -s "$T/a" "$T/b"; then ok "$name"; else show "$T/a"; show "$T/b"; nok "$name"; fi
}

# And so is standard error.
wholly() {
	both "$@"
	if cmp -s "$T/ea" "$T/eb"; then ok "$1: errors"; else
		show "$T/ea"; show "$T/eb"; nok "$1: errors"
	fi
}

# Both images hold the same, and ours is whole.  $3: -s, but where we hide less.
# shellcheck disable=SC2086 # an option, or none
same() {
	if { [ "$2" = raw ] || qemu-img check -q -f "$2" "$T/B/$1"; } >"$T/out" 2>&1 &&
		qemu-img compare -q $3 -f "$2" -F "$2" "$T/A/$1" "$T/B/$1" >"$T/out" 2>&1
	then ok "$1: the same disk"; else show; nok "$1: the same disk"; fi
}

made() {
	for d in A B; do (cd "$T/$d" && qemu-img create -q "$@") || exit 1; done
}

# dirty IMAGE BITMAP: what QEMU says that a dirty bitmap has, in a line for each part.
# The server holds the lock until it is gone.
dirty() {
	(flock 9 && exec qemu-nbd -r -f qcow2 -B "$2" -k "$T/nbd" --fork "$1") 9>"$T/nbd.held" ||
		return 1
	qemu-img map --output=json --image-opts "driver=nbd,server.type=unix,server.path=$T/nbd,\
x-dirty-bitmap=qemu:dirty-bitmap:$2" | sed 's/, "offset".*}/}/'
	flock "$T/nbd.held" true
}

# The same bitmap in both.
noted() {
	dirty "$T/A/$1" "$2" >"$T/A.map" 2>&1
	dirty "$T/B/$1" "$2" >"$T/B.map" 2>&1
	if grep -q start "$T/A.map" && cmp -s "$T/A.map" "$T/B.map"; then
		ok "$1: the same in bitmap $2${3:+, $3}"
	else
		show "$T/A.map"; show "$T/B.map"; nok "$1: the same in bitmap $2${3:+, $3}"
	fi
}

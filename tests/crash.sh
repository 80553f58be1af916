# crash.sh - a store that is made once, and given as new to each of many tries.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC1091 # tests are run from the top
#
# World: pool p (active) with raw volume a, qcow2 volume q, pool i (inactive, built),
# pool u (defined, its directory missing).  $W is what a try may change.
. tests/lib.sh
# shellcheck disable=SC2034 # for those who read this
K=$B/tests/tools/killat
W=$T/w
export BAREPOOL_CONFIG_DIR="$W/config" BAREPOOL_RUN_DIR="$W/run"

make_world() {
	mkdir "$W"
	head -c 300000 /dev/urandom >"$T/bytes"
	bp pool-define-as p dir --target "$W/p" &&
	bp pool-build p && bp pool-start p &&
	bp pool-define-as i dir --target "$W/i" && bp pool-build i && bp pool-autostart i &&
	bp pool-define-as u dir --target "$W/u" &&
	bp vol-create-as p a 1M --allocation 0 && bp vol-upload a "$T/bytes" p &&
	bp vol-create-as p q 4M --format qcow2 || exit 1
	echo '<volume><name>n</name><capacity>1048576</capacity></volume>' >"$T/n.xml"
	bp pool-dumpxml --inactive u | sed 's|/u</path>|/u2</path>|' >"$T/u2.xml"
	mv "$W" "$T/world"
}

fresh() {
	rm -rf "$W"
	cp -a "$T/world" "$W"
}

# Volume q of the world gets data; this needs qemu-img and qemu-io.
fill_image() {
	qemu-img create -q -f qcow2 "$T/q.img" 4M &&
		qemu-io -c 'write -q -P 7 0 300k' -c 'write -q -P 9 3M 64k' "$T/q.img" &&
		cat "$T/q.img" >"$T/world/p/q"
}

# Bytes that are changed in place: keep VOLUME FILE, as its guest sees them; and are
# those of VOLUME now, each by itself, such as $T/old or $T/new has?
keep() {
	case $1 in
	q)	qemu-img convert -O raw "$W/p/q" "$2" ;;
	*)	cp "$W/p/$1" "$2" ;;
	esac
}
old_or_new() {
	keep "$1" "$T/bytes.now" && "$B/tests/tools/mixed" "$T/old" "$T/new" "$T/bytes.now"
}

# Images are images.
images() {
	touch "$T/checked"
	for image in "$W"/p/[qn]; do
		[ "$(head -c 3 "$image" 2>/dev/null)" = QFI ] || continue
		sum=$(cksum <"$image")
		grep -qxF "$sum" "$T/checked" && continue
		qemu-img check -q -f qcow2 "$image" >"$T/check" 2>&1
		case $? in
		0|3) ;;		# 3: it takes more room than it needs
		*) cat "$T/check"; echo "$image is no image any more"; return 1 ;;
		esac
		echo "$sum" >>"$T/checked"
	done
}

# What everybody can see of the store: lists, definitions, names, sizes, modes.  Volumes
# in the making are seen by nobody.
# With an argument the bytes of volumes too.
state() {
	hidden='allocation\|time>\|key>'
	[ -n "${1-}" ] || hidden="$hidden\|physical"
	bp pool-list --all 2>&1
	for pool in p i u x; do bp pool-dumpxml --inactive "$pool" 2>&1; done |
		grep -v 'uuid\|capacity\|allocation\|available'
	bp vol-list p 2>&1
	for v in a q n; do bp vol-dumpxml "$v" p 2>&1; done |
		grep -v "$hidden"
	find "$W/p" "$W/i" "$W/u" ! -name '.barepool-*.part' -printf '%p %m %u %g\n' \
		2>/dev/null | sort
	[ -z "${1-}" ] || cat "$W"/p/* 2>/dev/null | cksum
}

# A change that leaves all as it was.
next_change() {
	if bp vol-create-as p harmless 0; then bp vol-delete harmless p; fi >/dev/null 2>&1
}

# What is in the three directories and belongs to nothing.
strays() {
	find "$W/config" "$W/run" "$W/p" "$W/i" 2>/dev/null |
		grep -E '\.new$|\.part$|\.~[a-z]+$' | sort
	for f in "$W"/run/*.lock "$W"/config/autostart/*; do
		[ -e "$f" ] || [ -h "$f" ] || continue
		pool=${f##*/}
		pool=${pool%.*}
		[ -e "$W/config/$pool.xml" ] || [ -e "$W/run/$pool.xml" ] || echo "$f"
	done
}
